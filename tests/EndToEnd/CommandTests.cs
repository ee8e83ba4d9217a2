// SPDX-License-Identifier: MIT
// Debian's unmodified tools in dom0: what they print and return on ours against what they did on real Xen. eng/record-guests.sh recorded that.

using System;
using Xunit;

namespace XenSharp.Tests.EndToEnd;

public class CommandTests
{
    private static readonly TimeSpan s_limit = TimeSpan.FromMinutes(20);

    [Fact]
    public void The_tools_that_only_read_answer_as_on_real_xen() => Compare("reading");

    [Fact]
    [Trait("Level", "long")]
    public void An_administrators_day_goes_as_on_real_xen() => Compare("commands");

    [Fact]
    [Trait("Level", "long")]
    public void A_soft_reset_ends_a_guest_as_on_real_xen() => Compare("soft-reset");

    private static void Compare(string script) =>
        GoldenRecord.AssertSame(GoldenRecord.Compare(script, Transcript.Normalise(GuestMachine.RunScript(GuestMachine.Steps($"{script}.txt"), s_limit))));
}
