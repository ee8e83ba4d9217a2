// SPDX-License-Identifier: MIT
// Debian's unmodified tools in dom0: what they print and return on ours against what they did on real Xen. eng/record-guests.sh recorded that.

using System;
using System.Collections.Generic;
using System.IO;
using XenSharp.Lab.Common;
using XenSharp.Tests.Golden;
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

    private static void Compare(string script) => Compare(script, Transcript.Normalise(GuestMachine.RunScript(GuestMachine.Steps($"{script}.txt"), s_limit)));

    private static void Compare(string script, List<string> lines)
    {
        string golden = Path.Combine(Repository.Root, "tests", "EndToEnd", "Golden", $"{script}.txt");
        if (Environment.GetEnvironmentVariable("XENSHARP_RECORD") is "1")
        {
            File.WriteAllLines(golden, lines);
            return;
        }
        string result = Path.Combine(Repository.Out, "test", $"{script}.txt");
        File.WriteAllLines(result, lines);
        string acceptedFile = Path.ChangeExtension(golden, ".accepted.txt");
        AcceptedDifferences accepted = GuestMachine.IsReference || !File.Exists(acceptedFile) ? AcceptedDifferences.Empty : AcceptedDifferences.Read(acceptedFile);
        string problems = AnswerComparison.Describe(File.ReadAllLines(golden), lines, accepted);
        Assert.True(problems.Length == 0, $"{problems}\n\nAll of it is in {result}.");
    }
}
