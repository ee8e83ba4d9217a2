// SPDX-License-Identifier: MIT
// Goals, medians and the choice of rows.

using System.Linq;
using XenSharp.Bench.Reporting;
using Xunit;

namespace XenSharp.Tests.Bench;

public class RowTests
{
    [Theory]
    [InlineData(GoalKind.Figure, 250, 6024, 250, true)]
    [InlineData(GoalKind.Figure, 250, 6024, 251, false)]
    [InlineData(GoalKind.Ratio, 0.5, 1000, 499, true)]
    [InlineData(GoalKind.Ratio, 0.5, 1000, 500, false)]
    public void A_goal_is_a_figure_of_ours_or_a_share_of_Xens(GoalKind kind, double limit, double xen, double ours, bool isMet)
    {
        Row row = new(Catalog.BootExits with { Goal = new Goal(kind, limit) }, new Sample(xen), new Sample(ours));

        Assert.Equal(isMet, row.IsGoalMet);
        Assert.Equal(ours / xen, row.Ratio);
    }

    [Fact]
    public void Without_a_figure_no_goal_is_judged()
    {
        Assert.Null(new Row(Catalog.BootElf, new Sample(10), Outcome.Failed("it hung")).IsGoalMet);
        Assert.Null(new Row(Catalog.BootElf, Outcome.Failed("it hung"), new Sample(10)).IsGoalMet);
    }

    [Theory]
    [InlineData(new double[] { 3, 1, 2 }, 2)]
    [InlineData(new double[] { 4, 1, 2, 3 }, 2.5)]
    public void The_median_counts(double[] figures, double median)
    {
        Assert.Equal(new Sample(median, figures.Min(), figures.Max(), figures.Length), Sample.Of(figures));
    }

    [Fact]
    public void Names_select_a_row_or_a_group()
    {
        Assert.Equal(["boot.bzimage", "boot.elf", "boot.exits", "image.text"], Catalog.All.Where(row => row.IsSelectedBy(["boot", "image.text"])).Select(row => row.Id));
        Assert.Equal(["bo", "boot.floppy"], Catalog.Unknown(["bo", "boot.floppy", "boot", "kernel.grant_copy_64"]));
    }
}
