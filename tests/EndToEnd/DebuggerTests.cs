// SPDX-License-Identifier: MIT
// Debian's gdbsx in dom0 and a client that speaks gdb's remote protocol, on running PVH guests. Of level long. Debian's own Xen has the hypercalls compiled
// out; on one with CONFIG_GDBSX the same passes but for the breakpoint, which QEMU 7.2 does not show it.

using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using XenSharp.Lab.Packages;
using XenSharp.Lab.Ramdisk;
using Xunit;

namespace XenSharp.Tests.EndToEnd;

public class DebuggerTests
{
    private static readonly TimeSpan s_limit = TimeSpan.FromMinutes(10);

    [Fact]
    [Trait("Level", "long")]
    public void Gdbsx_debugs_a_running_guest()
    {
        List<string> steps = GuestMachine.Steps("debugger.txt").Select(step => step.Replace("BREAK", GuestMachine.IsReference ? "" : "break", StringComparison.Ordinal)).ToList();
        string output = GuestMachine.RunScript(steps, s_limit, extra: [Debugger()]);
        string[] statuses = output.Split('\n').Where(line => line.StartsWith("-- status ", StringComparison.Ordinal)).ToArray();
        Assert.True(statuses.All(line => line == "-- status 0") && statuses.Length == steps.Count, output);
    }

    private static byte[] Debugger()
    {
        PackageFiles files = new("xen-utils-common");
        files.AddProgram("usr/sbin/gdbsx");
        CpioWriter archive = new();
        foreach ((string path, string source, bool isProgram) in files.Files)
            archive.AddFile(path, File.ReadAllBytes(source), isProgram);
        archive.AddFile("guest/gdb.sh", File.ReadAllText(GuestMachine.Script("gdb.sh")));
        return archive.Finish();
    }
}
