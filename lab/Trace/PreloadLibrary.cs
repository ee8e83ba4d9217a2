// SPDX-License-Identifier: MIT
// Builds the library that writes down a tool's hypercalls, with the host's gcc. Used by end-to-end tests and by hand.

using System.IO;
using XenSharp.Lab.Common;
using XenSharp.Lab.Packages;
using XenSharp.Lab.Ramdisk;

namespace XenSharp.Lab.Trace;

/// <summary>In dom0: <c>LD_PRELOAD=/usr/lib/hypercalls.so HYPERCALL_LOG=FILE xl ...</c>; <see cref="HypercallLog"/> reads FILE.</summary>
public static class PreloadLibrary
{
    private static readonly HostTool s_gcc = new("gcc", "gcc", "builds the library that logs hypercalls");

    /// <summary>The library as an archive to be joined behind dom0's ramdisk.</summary>
    public static byte[] Archive()
    {
        CpioWriter archive = new();
        archive.AddFile("usr/lib/hypercalls.so", File.ReadAllBytes(RamdiskCache.Obtain("hypercalls", "so", [], "building the library that logs hypercalls", Build)), isProgram: true);
        return archive.Finish();
    }

    private static byte[] Build()
    {
        HostTools.Require(s_gcc, new HostTool("libc6-dev", "/usr/include/stdio.h", "builds the library that logs hypercalls"));
        using TemporaryFolder folder = new();
        File.WriteAllBytes(folder.File("hypercalls.c"), RamdiskCache.Resource("hypercalls.c"));
        ProgramResult built = HostProgram.Capture("gcc", ["-O2", "-shared", "-fPIC", "-o", "hypercalls.so", "hypercalls.c", "-ldl"], folder.Folder);
        return built.Succeeded ? File.ReadAllBytes(folder.File("hypercalls.so")) : throw new LabException($"gcc could not build the library that logs hypercalls: {built.Errors.Trim()}");
    }
}
