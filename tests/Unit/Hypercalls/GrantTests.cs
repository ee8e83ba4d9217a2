// SPDX-License-Identifier: MIT
// HYPERVISOR_grant_table_op: set-up, queries, versions.

using XenSharp.Testing;
using Xunit;
using static XenSharp.Tests.Unit.Hypercalls.HypercallGuest;

namespace XenSharp.Tests.Unit.Hypercalls;

public class GrantTests
{
    private const ulong At = 0x1000, Setup = 2, Size = 6, SetVersion = 8, GetVersion = 10, Self = 0x7ff0;
    private readonly TestHost _machine = new();
    private readonly TestDomain _guest;

    public GrantTests()
    {
        _machine.AddDom0();
        _guest = _machine.AddDomain(3);
    }

    [Fact]
    public void SizeGrowsBySetup()
    {
        _guest.WriteWords(At, Self);
        Assert.Equal(0, _guest.Hypercall(Grants, Size, At, 1));
        Assert.Equal((1u, 64u), (_guest.Read<uint>(At + 4), _guest.Read<uint>(At + 8)));
        Assert.Equal(Invalid, _guest.Hypercall(Grants, Size, At, 2));
        _guest.WriteWords(At, Self | (5UL << 32), 0, 0x2000);
        Assert.Equal(0, _guest.Hypercall(Grants, Setup, At, 1));
        Assert.Equal(0, _guest.Read<short>(At + 8));
        Assert.Equal(5u, _guest.Domain.Grants.FrameCount);
        _guest.WriteWords(At, Self | (65UL << 32), 0, 0x2000);
        Assert.Equal(0, _guest.Hypercall(Grants, Setup, At, 1));
        Assert.Equal(-1, _guest.Read<short>(At + 8));
    }

    [Fact]
    public void VersionsKeepTheReservedEntries()
    {
        _guest.WriteWords(At, (1UL << 32) | Self, 0, 50);
        Assert.Equal(0, _guest.Hypercall(Memory, 7, At));
        ulong entry = 0x0000_0123_0003_0019;
        _guest.WriteWords(50 << 12, entry, 0, entry);
        _guest.WriteWords((50 << 12) + (8 * 8), entry);
        Assert.Equal(0, Version(2));
        Assert.Equal(0x0003_0001u, _guest.Read<uint>(50 << 12));
        Assert.Equal(0x123UL, _guest.Read<ulong>((50 << 12) + 8));
        Assert.Equal(0u, _guest.Read<uint>((50 << 12) + (8 * 16)));
        Assert.Equal(0x18, _machine.Memory.Read8(_guest.Domain.Grants.StatusFrame(0), 4));
        Assert.Equal(0, Version(1));
        Assert.Equal(entry, _guest.Read<ulong>(50 << 12));
        Assert.Equal(entry, _guest.Read<ulong>((50 << 12) + 16));
        Assert.Equal(Invalid, Version(3));
        Assert.Equal(1u, _guest.Read<uint>(At));
    }

    [Fact]
    public void StatusFramesAreMappedInVersion2Only()
    {
        _guest.WriteWords(At, (1UL << 32) | Self, 1UL << 31, 51);
        Assert.Equal(Invalid, _guest.Hypercall(Memory, 7, At));
        Assert.Equal(0, Version(2));
        _guest.WriteWords(At, (1UL << 32) | Self, 1UL << 31, 51);
        Assert.Equal(0, _guest.Hypercall(Memory, 7, At));
        Assert.Equal(0, Version(1));
        Assert.False(_guest.P2m.Lookup(new Edge.Gfn(51)).IsPresent);
        _guest.WriteWords(At, (1UL << 32) | Self, 64, 52);
        Assert.Equal(Invalid, _guest.Hypercall(Memory, 7, At));
    }

    [Theory]
    [InlineData(3UL), InlineData(4UL), InlineData(7UL), InlineData(9UL), InlineData(12UL), InlineData(0x8000_0000UL)]
    public void OperationsForPvGuestsDoNotExist(ulong operation) => Assert.Equal(NoSystem, _guest.Hypercall(Grants, operation, At, 1));

    [Fact]
    public void CountsBelowZeroAreRefused() => Assert.Equal(Invalid, _guest.Hypercall(Grants, 0, At, 0x8000_0000));

    private long Version(uint version)
    {
        _guest.Write(At, version);
        return _guest.Hypercall(Grants, SetVersion, At, 1);
    }

}
