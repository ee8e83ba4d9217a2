// SPDX-License-Identifier: MIT
// The hypervisor's command line.

using System.Text;
using XenSharp.Core.Console;
using XenSharp.Core.Options;
using XenSharp.Edge;
using Xunit;

namespace XenSharp.Tests.Unit.Options;

public class OptionTests
{
    private const ulong Mib = 1 << 20;

    [Fact]
    public void TheUsualLine()
    {
        BootOptions options = Parse("console=com1 com1=115200,8n1 loglvl=all guest_loglvl=error/info noreboot dom0_mem=768M dom0=pvh maxcpus=2 sched=credit2");
        Assert.True(options.UsesCom1);
        Assert.False(options.UsesScreen);
        Assert.Equal(115200u, options.Com1.Baud);
        Assert.Equal((4, 4), (options.LogAlways, options.LogLimited));
        Assert.Equal((1, 3), (options.GuestLogAlways, options.GuestLogLimited));
        Assert.True(options.NoReboot);
        Assert.Equal(768 * Mib, options.Dom0MemoryBytes);
        Assert.Equal(2, options.MaxProcessors);
        Assert.Equal("", Complaints("console=com1 com1=115200,8n1 loglvl=all guest_loglvl=error/info noreboot dom0_mem=768M dom0=pvh maxcpus=2 sched=credit2"));
    }

    [Theory]
    [InlineData("dom0_mem=1G", 1024u, 262144UL)]
    [InlineData("dom0_mem=524288", 512u, 131072UL)]
    [InlineData("dom0_mem=max:256M", 0u, 65536UL)]
    [InlineData("dom0_mem=-256M", 0u, 196608UL)]
    [InlineData("dom0_mem=50%", 0u, 131072UL)]
    [InlineData("dom0_mem=128M+25%", 0u, 98304UL)]
    [InlineData("dom0_mem=64M,min:128M", 64u, 32768UL)]
    [InlineData("", 0u, 245760UL)]
    public void Dom0MemoryIsResolvedAgainstWhatThereIs(string line, uint mebibytes, ulong pages)
    {
        BootOptions options = Parse(line);
        Assert.Equal(mebibytes * Mib, options.Dom0MemoryBytes);
        Assert.Equal(pages, options.Dom0Memory.ResolvePages(262144));
    }

    [Theory]
    [InlineData("dom0_max_vcpus=4", 4, 4)]
    [InlineData("dom0_max_vcpus=2-8", 2, 8)]
    [InlineData("dom0_max_vcpus=-3", 0, 3)]
    [InlineData("dom0_max_vcpus=2-", 2, 0)]
    public void Dom0VcpusMayBeARange(string line, int minimum, int maximum)
    {
        BootOptions options = Parse(line);
        Assert.Equal((minimum, maximum), (options.Dom0MinVcpus, options.Dom0MaxVcpus));
    }

    [Fact]
    public void BooleansHaveManyForms()
    {
        Assert.True(Parse("noreboot").NoReboot);
        Assert.True(Parse("noreboot=yes").NoReboot);
        Assert.False(Parse("noreboot=0").NoReboot);
        Assert.False(Parse("no-noreboot").NoReboot);
        Assert.True(Parse("console_to_ring").ConsoleToRing);
        Assert.False(Parse("console_to_ring no-console_to_ring").ConsoleToRing);
        Assert.Equal(1, Parse("nosmp").MaxProcessors);
    }

    [Fact]
    public void SerialLineAndSwitchLetter()
    {
        BootOptions options = Parse("com1=9600/1843200,7e2,0x2f0,9 com2=auto console=vga,com2 conswitch=bx");
        Assert.Equal(((uint)9600, (byte)7, (byte)'e', (byte)2, (ushort)0x2f0, 9),
            (options.Com1.Baud, options.Com1.DataBits, options.Com1.Parity, options.Com1.StopBits, options.Com1.Port, options.Com1.Irq));
        Assert.Equal(0u, options.Com2.Baud);
        Assert.Equal((false, true, true), (options.UsesCom1, options.UsesCom2, options.UsesScreen));
        Assert.Equal((byte)'b', options.ConsoleSwitch);
        Assert.True(options.ConsoleStaysWithHost);
    }

    [Fact]
    public void TheRestBelongsToDom0()
    {
        BootOptions options = Parse("noreboot -- root=/dev/sda quiet");
        Assert.Equal("noreboot", Encoding.ASCII.GetString(options.CommandLine));
        Assert.Equal("root=/dev/sda quiet", Encoding.ASCII.GetString(options.KernelCommandLine));
    }

    [Theory]
    [InlineData("nonsense=5", "command line: unknown option \"nonsense=5\"")]
    [InlineData("no-nonsense", "command line: unknown option")]
    [InlineData("watchdog", "command line: option \"watchdog\" is not supported")]
    [InlineData("spec-ctrl=no", "command line: option \"spec-ctrl=no\" is not supported")]
    [InlineData("no-xpti", "command line: option \"no-xpti\" is not supported")]
    [InlineData("dom0=pv", "command line: option \"dom0=pv\" is not supported")]
    [InlineData("sched=rtds", "command line: option \"sched=rtds\" is not supported")]
    [InlineData("iommu=verbose,quarantine=scratch-page", "command line: option \"iommu=verbose,quarantine=scratch-page\" is not supported")]
    [InlineData("iommu=intermap", "command line: option \"iommu\" has invalid value \"intermap\"")]
    [InlineData("dom0-iommu=map-inclusive", "command line: option \"dom0-iommu=map-inclusive\" is not supported")]
    [InlineData("dom0-iommu=strictly", "command line: option \"dom0-iommu\" has invalid value \"strictly\"")]
    [InlineData("dom0_mem=12Q", "command line: option \"dom0_mem\" has invalid value \"12Q\"")]
    [InlineData("dom0_mem=", "command line: option \"dom0_mem\" has invalid value \"\"")]
    [InlineData("dom0_max_vcpus=8-2", "command line: option \"dom0_max_vcpus\" has invalid value \"8-2\"")]
    [InlineData("loglvl=loud", "command line: option \"loglvl\" has invalid value \"loud\"")]
    [InlineData("com1=115200,9z9", "command line: option \"com1\" has invalid value \"115200,9z9\"")]
    [InlineData("maxcpus=many", "command line: option \"maxcpus\" has invalid value \"many\"")]
    [InlineData("\"bad name=a b\"", "command line: unknown option \"bad name=a b\"")]
    public void WhatIsNotHonouredIsNamed(string line, string complaint) => Assert.Contains(complaint, Complaints(line));

    [Theory]
    [InlineData("iommu=off", false, false, false, true)]
    [InlineData("iommu=no", false, false, false, true)]
    [InlineData("no-iommu", false, false, false, true)]
    [InlineData("iommu=verbose,force", true, true, true, true)]
    [InlineData("iommu=debug,required=no,intremap=off", true, true, false, false)]
    [InlineData("iommu=no-intremap,sharept,no-snoop dom0-iommu=none,strict,map-reserved=1,map-inclusive=0", true, false, false, false)]
    public void IommuOptionsAreUnderstood(string line, bool enabled, bool verbose, bool required, bool remaps)
    {
        IommuOptions iommu = Parse(line).Iommu;
        Assert.Equal((enabled, verbose, required, remaps, true), (iommu.IsEnabled, iommu.IsVerbose, iommu.IsRequired, iommu.RemapsInterrupts, iommu.MapsReserved));
        Assert.Equal("", Complaints(line));
    }

    [Fact]
    public void ImageNameIsSkippedUnlessGrub2LeavesItOut()
    {
        Assert.Equal("a b", Skip("/boot/xensharp  a b", "qemu"));
        Assert.Equal("/boot/xensharp a", Skip("/boot/xensharp a", "GRUB 2.06"));
        Assert.Equal("", Skip("xen", "GNU GRUB 0.97"));
        Assert.Equal("", Skip("", "qemu"));
    }

    [Fact]
    public void WildLinesDoNoHarm()
    {
        Complaints(new string('x', 5000));
        Complaints("= =a == \" \"\" no- no-= -- dom0_mem=99999999999999999999T dom0_mem=+ dom0_mem=% console= com1=,,,,,,");
        Assert.Equal(0UL, Parse("dom0_mem=99999999999999999999T").Dom0MemoryBytes);
    }

    private static BootOptions Parse(string line)
    {
        var options = new BootOptions();
        OptionParser.Parse(Encoding.ASCII.GetBytes(line), options);
        return options;
    }

    private static string Complaints(string line)
    {
        var platform = new VirtualPlatform();
        OptionParser.Report(Parse(line), new HostConsole(platform));
        return platform.ConsoleText;
    }

    private static string Skip(string line, string loader) =>
        Encoding.ASCII.GetString(OptionParser.WithoutImageName(Encoding.ASCII.GetBytes(line), Encoding.ASCII.GetBytes(loader)));
}
