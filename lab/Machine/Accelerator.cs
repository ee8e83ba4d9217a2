// SPDX-License-Identifier: MIT
// Whether QEMU may use the host's KVM: only where that truly gives SVM to a guest. Called by QemuArguments.

using System;
using System.IO;
using System.Linq;
using XenSharp.Lab.Common;

namespace XenSharp.Lab.Machine;

internal static class Accelerator
{
    private static readonly Lazy<bool> s_nestedSvm = new(HasNestedSvm);

    /// <summary>
    /// "kvm" on an AMD host whose KVM nests and works; else "tcg", QEMU's own emulation, with all CPUs on one thread: with a thread for each, a CPU that
    /// loads floating-point state writes the first CPU's `hflags2` without a lock (QEMU 7.2, `cpu_clear_ignne`), which can undo that CPU's change of GIF or
    /// of nested paging at a world switch. docs/testing.md says more.
    /// </summary>
    public static string Choose(int cpus) => s_nestedSvm.Value ? "kvm" : cpus > 1 ? "tcg,thread=single" : "tcg";

    private static bool HasNestedSvm()
    {
        if (Environment.GetEnvironmentVariable("XENSHARP_ACCEL") is "tcg")
            return false;
        return CpuHasSvm() && ModuleNests() && CanOpen() && QemuCanUseIt();
    }

    private static bool CpuHasSvm()
    {
        string? flags = File.ReadLines("/proc/cpuinfo").FirstOrDefault(line => line.StartsWith("flags", StringComparison.Ordinal));
        return flags is not null && flags.Split(' ').Contains("svm");
    }

    private static bool ModuleNests()
    {
        const string Parameter = "/sys/module/kvm_amd/parameters/nested";
        return File.Exists(Parameter) && File.ReadAllText(Parameter).Trim() is "1" or "Y";
    }

    private static bool CanOpen()
    {
        try
        {
            using FileStream device = new("/dev/kvm", FileMode.Open, FileAccess.ReadWrite);
            return true;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    /// <summary>A device node can be there and useless, in a container for one; QEMU itself is the judge.</summary>
    private static bool QemuCanUseIt() => HostProgram.Capture(
        "qemu-system-x86_64", ["-accel", "kvm", "-M", "none", "-display", "none", "-monitor", "stdio", "-S"], input: "quit\n"u8.ToArray()).Succeeded;
}
