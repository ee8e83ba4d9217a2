// SPDX-License-Identifier: MIT
// A core file by our xl and one by Debian's, of the same paused guest. Runs on ours and on real Xen; of level long.

using System;
using System.Linq;
using XenSharp.Lab.Ramdisk;
using Xunit;

namespace XenSharp.Tests.EndToEnd;

public class CoreFileTests
{
    private static readonly TimeSpan s_limit = TimeSpan.FromMinutes(20);

    /// <summary>A test kernel, and Linux on two vCPUs. Neither has devices whose backends could write into its memory while it is paused.</summary>
    /// <param name="settings">Of the configuration <paramref name="name"/>.cfg.</param>
    /// <param name="hole">The guest's frames without memory; Debian's xl would try each of them, which takes ten minutes and more in an emulator.</param>
    [Theory]
    [Trait("Level", "long")]
    [InlineData("idle", "", "kernel is up", 32, "2000-f0000")]
    [InlineData("sample", "memory=96 vcpus=2 'disk=[]' 'vif=[]' 'extra=\"console=hvc0 quiet\"'", "guest: .* is up", 96, "6000-f0000")]
    public void Our_core_files_are_debians(string name, string settings, string greeting, int mebibytes, string hole)
    {
        // dom0 has no room for two of them.
        string debians = $"MAPPING_HOLE={hole} LD_PRELOAD=/usr/lib/hypercalls.so /usr/sbin/xl dump-core {name} /root/core; md5sum < /root/core > /root/debians; cmp /root/ours /root/debians";
        string[] steps =
        [
            $"xl create -q /guest/{name}.cfg {settings}; says {name} '{greeting}'; xl pause {name}; rm -f /guest/disk.img",
            $"{ProgramsSegment.Folder}/xl dump-core {name} /root/core && [ $(stat -c %s /root/core) -gt {mebibytes << 20} ] && md5sum < /root/core > /root/ours && rm /root/core",
            debians,
        ];
        string output = GuestMachine.RunScript(steps, s_limit, extra: [ProgramsSegment.Archive(isFirst: false)]);
        Assert.True(output.Split('\n').Count(line => line == "-- status 0") == steps.Length, output);
    }
}
