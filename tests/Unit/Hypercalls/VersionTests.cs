// SPDX-License-Identifier: MIT
// HYPERVISOR_xen_version.

using XenSharp.Testing;
using Xunit;
using static XenSharp.Tests.Unit.Hypercalls.HypercallGuest;

namespace XenSharp.Tests.Unit.Hypercalls;

public class VersionTests
{
    private const ulong At = 0x2000;
    private readonly TestHost _machine = new();
    private readonly TestDomain _dom0;
    private readonly TestDomain _guest;

    public VersionTests()
    {
        _dom0 = _machine.AddDom0();
        _guest = _machine.AddDomain(3);
    }

    [Fact]
    public void NumbersAndConstants()
    {
        Assert.Equal(0x40011, _guest.Hypercall(Version));
        Assert.Equal(0x40011, _guest.Hypercall(Version, 1UL << 32));
        Assert.Equal(4096, _guest.Hypercall(Version, 7));
        Assert.Equal(Invalid, _guest.Hypercall(Version, 7, At));
        Assert.Equal(NoSystem, _guest.Hypercall(Version, 11));
        Assert.Equal(0, _guest.Hypercall(Version, 5, At));
        Assert.Equal(0xffff_8000_0000_0000, _guest.Read<ulong>(At));
    }

    [Fact]
    public void FeaturesOfEachDomain()
    {
        _dom0.Write(At, 0xffff_ffff_0000_0000);
        Assert.Equal(0, _dom0.Hypercall(Version, 6, At));
        Assert.Equal(0x12b05u, _dom0.Read<uint>(At + 4));
        Assert.Equal(0, _guest.Hypercall(Version, 6, At));
        Assert.Equal(0x12305u, _guest.Read<uint>(At + 4));
        _dom0.Domain.IsDirectMapped = true;
        _dom0.Hypercall(Version, 6, At);
        Assert.Equal(0x22b05u, _dom0.Read<uint>(At + 4));
        _guest.Write(At, 1u);
        Assert.Equal(Invalid, _guest.Hypercall(Version, 6, At));
    }

    [Fact]
    public void TextsFillTheirFields()
    {
        _guest.Page(2).Fill(0xff);
        Assert.Equal(0, _guest.Hypercall(Version, 1, At));
        Assert.StartsWith(".7", _guest.Text(At, 16));
        Assert.Equal(0xff, _guest.Read<byte>(At + 16));
        Assert.Equal(0, _guest.Hypercall(Version, 3, At));
        Assert.Equal("xen-3.0-x86_64 hvm-3.0-x86_32 hvm-3.0-x86_32p hvm-3.0-x86_64 ", _guest.Text(At, 1024));
        Assert.Equal(0xff, _guest.Read<byte>(At + 1024));
        Assert.Equal(Fault, _guest.Hypercall(Version, 3, Unmapped));
    }

    [Fact]
    public void CommandLineAndBuildIdAreForTheControlDomain()
    {
        _machine.Host.Options.CommandLine = "loglvl=all dom0=pvh"u8.ToArray();
        Assert.Equal(0, _dom0.Hypercall(Version, 9, At));
        Assert.Equal("loglvl=all dom0=pvh", _dom0.Text(At, 1024));
        Assert.Equal(0, _guest.Hypercall(Version, 9, At));
        Assert.Equal("<denied>", _guest.Text(At, 16));
        Assert.Equal(Perm, _guest.Hypercall(Version, 10, 0));
        Assert.Equal(-61, _dom0.Hypercall(Version, 10, 0));
        _machine.Host.Options.BuildId = [1, 2, 3, 4, 5];
        Assert.Equal(5, _dom0.Hypercall(Version, 10, 0));
        _dom0.Write(At, 0u);
        Assert.Equal(Invalid, _dom0.Hypercall(Version, 10, At));
        _dom0.Write(At, 4u);
        Assert.Equal(NoBuffers, _dom0.Hypercall(Version, 10, At));
        _dom0.Write(At, 5u);
        Assert.Equal(5, _dom0.Hypercall(Version, 10, At));
        Assert.Equal(0x0403_0201u, _dom0.Read<uint>(At + 4));
    }
}
