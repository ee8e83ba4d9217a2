// SPDX-License-Identifier: MIT
// HYPERVISOR_multicall: results, places of entries, calls that continue.

using XenSharp.Testing;
using Xunit;
using static XenSharp.Tests.Unit.Hypercalls.HypercallGuest;

namespace XenSharp.Tests.Unit.Hypercalls;

public class MulticallTests
{
    private readonly TestHost _machine = new();
    private readonly TestDomain _dom0;

    public MulticallTests()
    {
        _dom0 = _machine.AddDom0(pages: 2048);
        _dom0.Domain.Memory.MaxPages = 8192;

        // Other work of the CPU would interrupt each multicall after its first entry.
        _machine.Cpu().TakePending();
    }

    [Theory]
    [InlineData(0x3000UL, 32), InlineData(0x3fe0UL, 1), InlineData(0x3004UL, 3), InlineData(0x3fc0UL, 70)]
    public void EveryEntryGetsItsResult(ulong list, int count)
    {
        for (int i = 0; i < count; i++)
            WriteEntry(list + ((ulong)i * 64), i % 2 == 0 ? Version : 63);
        Assert.Equal(0, _dom0.Hypercall(Multicall, list, (ulong)count));
        for (int i = 0; i < count; i++)
            Assert.Equal(i % 2 == 0 ? 0x40011 : NoSystem, Result(list + ((ulong)i * 64)));
    }

    [Fact]
    public void NoMulticallInsideOne()
    {
        WriteEntry(0x3000, Multicall, 0x4000, 1);
        WriteEntry(0x3040, Version);
        Assert.Equal(0, _dom0.Hypercall(Multicall, 0x3000, 2));
        Assert.Equal(Invalid, Result(0x3000));
        Assert.Equal(0x40011, Result(0x3040));
        Assert.Equal(0x40011, _dom0.Hypercall(Version));
    }

    [Fact]
    public void ListThatEndsInNowhereFaultsThere()
    {
        ulong last = (2048UL << 12) - 64;
        WriteEntry(last, Version);
        Assert.Equal(Fault, _dom0.Hypercall(Multicall, last, 2));
        Assert.Equal(0x40011, Result(last));
        Assert.Equal(0, _dom0.Hypercall(Multicall, Unmapped, 0));
        Assert.Equal(Fault, _dom0.Hypercall(Multicall, Unmapped, uint.MaxValue));
        Assert.Equal(0, _dom0.Hypercall(Multicall, 0x3000, 0));
    }

    [Fact]
    public void LongListIsInterrupted()
    {
        ulong list = 0x10_0000;
        for (ulong i = 0; i < 1024; i++)
            WriteEntry(list + (i * 64), Version);
        Assert.Equal(0, _dom0.Hypercall(out int rounds, Multicall, list, 1024));
        Assert.InRange(rounds, 3, 20);
        for (ulong i = 0; i < 1024; i++)
            Assert.Equal(0x40011, Result(list + (i * 64)));
    }

    [Fact]
    public void CallThatContinuesEndsWithItsWholeResult()
    {
        const ulong reservation = 0x5000, frames = 0x6000;
        for (ulong i = 0; i < 512; i++)
            _dom0.Write(frames + (i * 8), 0x10000 + i);
        _dom0.WriteWords(reservation, frames, 512, 0, 0x7ff0);
        WriteEntry(0x3000, Memory, 6, reservation);
        WriteEntry(0x3040, Memory, 1, reservation);
        WriteEntry(0x3080, Version);
        Assert.Equal(0, _dom0.Hypercall(out int rounds, Multicall, 0x3000, 3));
        Assert.True(rounds > 2);
        Assert.Equal(512, Result(0x3000));
        Assert.Equal(512, Result(0x3040));
        Assert.Equal(0x40011, Result(0x3080));
        Assert.Equal(2048UL, _dom0.Domain.Memory.Pages);
    }

    [Fact]
    public void MapChangedByAnEntryIsSeenByTheNext()
    {
        // The first entry takes the page of the list itself away: its result must not land in the frame, which is somebody else's by now.
        _dom0.WriteWords(0x5000, 0x0000_0002_0000_7ff0, 3, 0x20000);
        WriteEntry(0x3000, Memory, 7, 0x5000);
        WriteEntry(0x3040, Version);
        Edge.Mfn old = _dom0.Frame(3);
        Assert.Equal(Fault, _dom0.Hypercall(Multicall, 0x3000, 2));
        Assert.Equal(0x5a5aUL, _machine.Memory.Read64(old, 8));
        Assert.False(_dom0.P2m.Lookup(new Edge.Gfn(3)).IsPresent);
    }

    private void WriteEntry(ulong at, ulong number, ulong first = 0, ulong second = 0)
    {
        ulong[] words = [number, 0x5a5a, first, second, 0, 0, 0, 0];
        foreach (ulong word in words)
        {
            for (int i = 0; i < 8; i++)
                _dom0.Write(at + (ulong)i, (byte)(word >> (8 * i)));
            at += 8;
        }
    }

    private long Result(ulong at)
    {
        ulong value = 0;
        for (int i = 7; i >= 0; i--)
            value = (value << 8) | _dom0.Read<byte>(at + 8 + (ulong)i);
        return (long)value;
    }
}
