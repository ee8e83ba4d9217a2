// SPDX-License-Identifier: MIT
// Our tools in dom0, in place of Debian's: what they print and return, on ours and on real Xen, against what Debian's did on real Xen.

using System;
using XenSharp.Lab.Ramdisk;
using Xunit;

namespace XenSharp.Tests.EndToEnd;

public class OwnToolsTests
{
    private static readonly TimeSpan s_limit = TimeSpan.FromMinutes(20);

    [Fact]
    [Trait("Level", "long")]
    public void Our_tools_that_only_read_answer_as_debians() => Compare("reading");

    [Fact]
    [Trait("Level", "long")]
    public void An_administrators_day_goes_with_our_tools_as_with_debians() => Compare("commands");

    /// <summary>Differences that are meant to be are in the file beside the record.</summary>
    private static void Compare(string script)
    {
        string output = GuestMachine.RunScript(GuestMachine.Steps($"{script}.txt"), s_limit, extra: [ProgramsSegment.Archive(isFirst: true)]);
        GoldenRecord.AssertSame(GoldenRecord.CompareOurs(script, "own-tools", Transcript.Normalise(output)));
    }
}
