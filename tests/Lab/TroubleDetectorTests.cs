// SPDX-License-Identifier: MIT
// Which console lines end a wait at once.

using System.Text;
using XenSharp.Lab.Machine;
using Xunit;

namespace XenSharp.Tests.Lab;

public class TroubleDetectorTests
{
    [Theory]
    [InlineData("[    1.000000] Kernel panic - not syncing: Attempted to kill init!")]
    [InlineData("(XEN) Hardware Dom0 crashed: rebooting machine in 5 seconds.")]
    [InlineData("(XEN) Hardware Dom0 shutdown (unknown reason 2): 'noreboot' set - not rebooting.")]
    [InlineData("(XEN) Hardware Dom0 halted: halting machine")]
    [InlineData("(XEN) Manual reset required ('noreboot' specified)")]
    public void The_end_of_hypervisor_or_dom0_is_trouble(string line)
    {
        TroubleDetector detector = new();
        detector.Feed(Encoding.ASCII.GetBytes(line[..8]));
        detector.Feed(Encoding.ASCII.GetBytes(line[8..] + "\r\nmore\r\n"));

        Assert.Equal(line, detector.Trouble);
    }

    [Fact]
    public void A_panic_is_told_with_its_reason()
    {
        TroubleDetector detector = new();
        detector.Feed("(XEN) ****\r\n(XEN) Panic on CPU 0:\r\n(XEN) Could not construct domain 0\r\n(XEN) ****\r\n"u8);

        Assert.Equal("(XEN) Panic on CPU 0: Could not construct domain 0", detector.Trouble);
    }

    [Theory]
    [InlineData("(XEN) WARNING: PVH is an experimental mode with limited functionality")]
    [InlineData("(XEN) *** Serial input to DOM0 (type 'CTRL-a' three times to switch input)")]
    [InlineData("[    0.000000] Command line: panic=0 console=hvc0")]
    public void Ordinary_lines_are_not(string line)
    {
        TroubleDetector detector = new();
        detector.Feed(Encoding.ASCII.GetBytes(line + "\n"));

        Assert.Null(detector.Trouble);
    }
}
