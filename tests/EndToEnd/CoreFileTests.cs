// SPDX-License-Identifier: MIT
// A core file by our xl and one by Debian's, of the same paused guest. Runs on ours and on real Xen; of level long.

using System;
using System.Text.RegularExpressions;
using XenSharp.Lab.Ramdisk;
using Xunit;

namespace XenSharp.Tests.EndToEnd;

public class CoreFileTests
{
    /// <summary>The guest's frames without memory; Debian's xl would try each of them, which takes a quarter of an hour in an emulator.</summary>
    private const string Hole = "2000-f0000";

    private static readonly TimeSpan s_limit = TimeSpan.FromMinutes(20);

    [Fact]
    [Trait("Level", "long")]
    public void Our_core_files_are_debians()
    {
        string output = GuestMachine.RunScript(
            [
                "xl create -q /guest/idle.cfg; says idle 'kernel is up'; xl pause idle; rm -f /guest/disk.img",
                $"{ProgramsSegment.Folder}/xl dump-core idle /root/ours && stat -c 'size %s' /root/ours",
                $"MAPPING_HOLE={Hole} LD_PRELOAD=/usr/lib/hypercalls.so /usr/sbin/xl dump-core idle /root/debians; cmp /root/ours /root/debians && echo same",
                "xl destroy idle",
            ],
            s_limit, extra: [ProgramsSegment.Archive(isFirst: false)]);
        // All of the guest's pages, and the headers.
        Assert.True(Regex.IsMatch(output, "\nsize 33[5-9][0-9]{5}\n") && output.Contains("\nsame\n"), output);
    }
}
