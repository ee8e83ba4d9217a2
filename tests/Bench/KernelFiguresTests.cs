// SPDX-License-Identifier: MIT
// Reading the bench kernel's output from a console that others write to as well.

using System.Linq;
using XenSharp.Bench.Measuring;
using XenSharp.Lab.Common;
using Xunit;

namespace XenSharp.Tests.Bench;

public class KernelFiguresTests
{
    private const string Loop = "bench empty_loop 2.00\n";

    [Fact]
    public void Figures_are_found_between_the_lines_of_others()
    {
        const string Console = "(XEN) Dom0 has maximum 1 VCPUs\r\n== begin\r\nbench empty_loop 2.00\r\nbench null_hypercall 6024.05\r\n(XEN) something\r\n"
            + "bench multicall_32 295706.00\r\nevents delivered all=yes\r\n== end\r\n(XEN) Hardware Dom0 shutdown: rebooting machine\r\n";

        KernelFigure[] figures = KernelFigures.Parse(Console).ToArray();

        Assert.Equal([new KernelFigure("null_hypercall", 6024.05), new KernelFigure("multicall_32", 295706)], figures);
    }

    [Fact]
    public void What_comes_behind_the_end_is_not_read()
    {
        Assert.Empty(KernelFigures.Parse(Loop + "== end\nbench yield 1.00\n"));
    }

    [Fact]
    public void Worst_cases_are_named_by_their_words_and_give_the_longest_stretch()
    {
        const string Console = "== begin\nworst multicall of 2^32 - 1, list ends 30120897 result=-14 stretch=87779\nworst set_version 643578 result=0 stretch=637085\n"
            + "worst set_version 371697 result=0 stretch=365205\n....\nworst 1,600 copies 5 result=0 stretch=4\n== end\n";

        Assert.Equal(
            [new("multicall_of_2_32_1_list_ends", 87779), new("set_version", 637085), new("set_version_2", 365205), new KernelFigure("1600_copies", 4)],
            KernelFigures.ParseWorst(Console));
    }

    [Fact]
    public void A_worst_case_without_its_stretch_is_refused()
    {
        LabException refusal = Assert.Throws<LabException>(() => KernelFigures.ParseWorst("worst memory_map 4794 result=0\n== end\n"));

        Assert.Contains("worst memory_map 4794 result=0", refusal.Message);
    }

    [Theory]
    [InlineData("", "printed no figures")]
    [InlineData(Loop + "bench yield 700.00\nbench ti", "stopped after \"yield\"")]
    [InlineData(Loop + "bench yield 700.00\nbench yield 701.00\n== end\n", "\"yield\" twice")]
    [InlineData(Loop + "bench yield\n== end\n", "is not \"bench NAME COST\"")]
    [InlineData(Loop + "bench yield 7.0.0\n== end\n", "is not \"bench NAME COST\"")]
    [InlineData("bench empty_loop 1.37\n== end\n", "costs 1.37 instead of 2")]
    [InlineData("bench yield 700.00\n== end\n", "costs nothing instead of 2")]
    public void Output_that_is_cut_or_garbled_or_not_in_instructions_is_refused(string console, string reason)
    {
        LabException refusal = Assert.Throws<LabException>(() => KernelFigures.Parse(console));

        Assert.Contains(reason, refusal.Message);
    }
}
