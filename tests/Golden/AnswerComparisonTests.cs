// SPDX-License-Identifier: MIT
// The comparer must see every kind of difference, and only those.

using System;
using System.Collections.Generic;
using Xunit;

namespace XenSharp.Tests.Golden;

public class AnswerComparisonTests
{
    private static readonly string[] s_reference =
        ["== begin", "== calls", "a(1) = 0 out=0x1", "a(2) = -EINVAL", "  with pointer null = -EFAULT", "b(1) = -ENOSYS", "== end"];

    [Fact]
    public void Equal_recordings_have_no_difference() => Assert.Equal("", Compare(s_reference));

    [Fact]
    public void A_changed_result_is_one_difference_with_its_section_and_the_line_before()
    {
        LineDifference difference = Assert.Single(LineDifference.Between(s_reference, Changed(3, "a(2) = -EPERM")));
        Assert.Equal(new LineDifference("a(2) = -EINVAL", "a(2) = -EPERM", "== calls", "a(1) = 0 out=0x1"), difference);
        Assert.Equal("== calls ... after: a(1) = 0 out=0x1\n- a(2) = -EINVAL\n+ a(2) = -EPERM", difference.ToString());
    }

    [Fact]
    public void A_missing_and_an_extra_line_are_differences_of_their_own()
    {
        List<string> ours = [.. s_reference];
        ours.RemoveAt(5);
        ours.Insert(2, "new(1) = 0");
        List<LineDifference> differences = LineDifference.Between(s_reference, ours);
        Assert.Equal([(null, "new(1) = 0"), ("b(1) = -ENOSYS", null)], differences.ConvertAll(difference => (difference.Reference, difference.Ours)));
    }

    [Fact]
    public void Neighbouring_changes_are_paired_by_their_calls()
    {
        string[] ours = ["== begin", "== calls", "extra = 1", "a(1) = 0 out=0x2", "a(2) = -EPERM", "  with pointer null = 0", "b(1) = -ENOSYS", "== end"];
        Assert.Equal(
            [(null, "extra = 1"), ("a(1) = 0 out=0x1", "a(1) = 0 out=0x2"), ("a(2) = -EINVAL", "a(2) = -EPERM"), ("  with pointer null = -EFAULT", "  with pointer null = 0")],
            LineDifference.Between(s_reference, ours).ConvertAll(difference => (difference.Reference, difference.Ours)));
    }

    [Theory]
    [InlineData("# why\n- a(2) = -EINVAL\n+ a(2) = -EPERM")]
    [InlineData("# why,\n# in two lines\n- a(2) = *\n+ a(2) = -EPERM")]
    [InlineData("# why\nin calls\n- a(*) = -EINVAL\n+ a(*) = -E*")]
    public void An_accepted_difference_is_no_problem(string accepted) => Assert.Equal("", Compare(Changed(3, "a(2) = -EPERM"), accepted));

    [Theory]
    [InlineData("# why\n- a(2) = -EINVAL\n+ a(2) = -EFAULT")]
    [InlineData("# why\nin others\n- a(2) = -EINVAL\n+ a(2) = -EPERM")]
    [InlineData("# why\n- a(2) = -EINVAL")]
    [InlineData("# why\n+ a(2) = -EPERM")]
    [InlineData("# why\n- a(2) = -EINVA\n+ a(2) = -EPERM")]
    public void Another_difference_than_the_accepted_one_is_a_problem(string accepted)
    {
        string problems = Compare(Changed(3, "a(2) = -EPERM"), accepted);
        Assert.Contains("1 differences from real Xen", problems, StringComparison.Ordinal);
        Assert.Contains("do not occur", problems, StringComparison.Ordinal);
    }

    [Fact]
    public void An_accepted_difference_that_does_not_occur_is_a_problem() =>
        Assert.StartsWith("Accepted differences that do not occur", Compare(s_reference, "# why\n- a(2) = -EINVAL\n+ a(2) = -EPERM"), StringComparison.Ordinal);

    [Theory]
    [InlineData("- a(2) = -EINVAL")]
    [InlineData("# why\na(2) = -EINVAL")]
    public void A_file_that_gives_no_reason_or_makes_no_sense_is_refused(string accepted) =>
        Assert.Throws<FormatException>(() => AcceptedDifferences.Parse(accepted.Split('\n'), "file"));

    [Fact]
    public void A_lone_line_may_be_accepted()
    {
        List<string> ours = [.. s_reference];
        ours.RemoveAt(5);
        Assert.Equal("", Compare(ours, "# why\n- b(1) = -ENOSYS"));
    }

    [Fact]
    public void The_kernels_lines_are_taken_out_of_the_console()
    {
        Assert.Equal(["== begin", "x = 1", "== end"], AnswerComparison.Extract("boot\r\n== begin\r\n(XEN) says something\r\nx = 1\r\n== end\r\n(XEN) over\r\n"));
        Assert.Null(AnswerComparison.Extract("== begin\r\nx = 1\r\n"));
    }

    private static string Compare(IReadOnlyList<string> ours, string accepted = "") =>
        AnswerComparison.Describe(s_reference, ours, AcceptedDifferences.Parse(accepted.Split('\n'), "file"));

    private static string[] Changed(int index, string line)
    {
        string[] lines = [.. s_reference];
        lines[index] = line;
        return lines;
    }
}
