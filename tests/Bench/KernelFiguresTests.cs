// SPDX-License-Identifier: MIT
// Reading the bench kernel's output from a console that others write to as well.

using System.Linq;
using XenSharp.Bench.Measuring;
using XenSharp.Lab.Common;
using Xunit;

namespace XenSharp.Tests.Bench;

public class KernelFiguresTests
{
    [Fact]
    public void Figures_are_found_between_the_hypervisors_lines()
    {
        const string Console = "(XEN) Dom0 has maximum 1 VCPUs\r\nbench null-hypercall min=6024.000 median=6024.500\r\n(XEN) something\r\n"
            + "bench multicall-32 min=295706 median=296301\r\nbench end\r\n(XEN) Hardware Dom0 shutdown: rebooting machine\r\n";

        KernelFigure[] figures = KernelFigures.Parse(Console).ToArray();

        Assert.Equal([new KernelFigure("null-hypercall", 6024), new KernelFigure("multicall-32", 295706)], figures);
    }

    [Fact]
    public void A_figure_that_the_kernel_could_not_get_carries_its_reason()
    {
        KernelFigure figure = KernelFigures.Parse("bench timer failed=set_singleshot_timer gave -38\nbench end\n").Single();

        Assert.Null(figure.Each);
        Assert.Equal("the bench kernel says: set_singleshot_timer gave -38", figure.Failure);
    }

    [Theory]
    [InlineData("", "printed no figures")]
    [InlineData("bench yield min=700\nbench ti", "stopped after \"yield\"")]
    [InlineData("bench yield min=700\nbench yield min=701\nbench end\n", "\"yield\" twice")]
    [InlineData("bench yield median=700\nbench end\n", "has no min=N")]
    [InlineData("bench yield min=7.0.0\nbench end\n", "has no min=N")]
    [InlineData("bench end\nbench yield min=700\n", "behind its end")]
    public void Output_that_is_cut_or_garbled_is_refused(string console, string reason)
    {
        LabException refusal = Assert.Throws<LabException>(() => KernelFigures.Parse(console));

        Assert.Contains(reason, refusal.Message);
    }
}
