// SPDX-License-Identifier: MIT
// Our tools in dom0, in place of Debian's: what they print and return, on ours and on real Xen, against what Debian's did on real Xen.

using System;
using System.Collections.Generic;
using System.IO;
using XenSharp.Lab.Common;
using XenSharp.Lab.Ramdisk;
using XenSharp.Tests.Golden;
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
        byte[] tools = ProgramsSegment.Archive(isFirst: true);
        List<string> lines = Transcript.Normalise(GuestMachine.RunScript(GuestMachine.Steps($"{script}.txt"), s_limit, extra: [tools]));
        string golden = Path.Combine(Repository.Root, "tests", "EndToEnd", "Golden", $"{script}.txt");
        string result = Path.Combine(Repository.Out, "test", $"{script}-own-tools.txt");
        File.WriteAllLines(result, lines);
        string acceptedFile = Path.ChangeExtension(golden, ".own-tools.txt");
        AcceptedDifferences accepted = File.Exists(acceptedFile) ? AcceptedDifferences.Read(acceptedFile) : AcceptedDifferences.Empty;
        string problems = AnswerComparison.Describe(File.ReadAllLines(golden), lines, accepted);
        Assert.True(problems.Length == 0, $"{problems}\n\nAll of it is in {result}.");
    }
}
