// SPDX-License-Identifier: MIT
// Hypercalls of 32-bit kernels: the structures in their own layout, lists of 32-bit words, continuations, shared structures.

using System;
using System.Buffers.Binary;
using XenSharp.Abi;
using XenSharp.Core.Vcpus;
using XenSharp.Edge;
using XenSharp.Testing;
using XenSharp.Tests.Unit.EventChannels;
using Xunit;
using static XenSharp.Tests.Unit.Hypercalls.HypercallGuest;

namespace XenSharp.Tests.Unit.Hypercalls;

public class NarrowTests
{
    private const ulong TimerOp = 15, VcpuOp = 24, SchedOp = 29, EventOp = 32;
    private const uint At = 0x1000, List = 0x2000;
    private const ushort Self = 0x7ff0;
    private const uint Marker = 0x5a5a_5a5a;

    private readonly TestHost _machine = new();
    private readonly TestDomain _dom0;
    private readonly TestDomain _guest;

    public NarrowTests()
    {
        _dom0 = _machine.AddDom0();
        _guest = _machine.AddDomain(3);
        _machine.Cpu().TakePending();
    }

    [Fact]
    public void MemoryGoesAndComes()
    {
        _guest.WriteHalves(List, 100, 101, 102);
        _guest.WriteHalves(At, List, 3, 0, 0, Self);
        Assert.Equal(3, _guest.NarrowHypercall(Memory, 1, At));
        Assert.Equal(253UL, _guest.Domain.Memory.Pages);
        Assert.Equal(3, _guest.NarrowHypercall(Memory, 6, At));
        Assert.Equal(P2mType.Ram, _guest.P2m.Lookup(new Gfn(102)).Type);
        Assert.Equal(256, _guest.NarrowHypercall(Memory, 3, At + 16));
    }

    [Fact]
    public void LongListContinuesWithItsOwnRegisters()
    {
        for (uint i = 0; i < 200; i++)
            _guest.Write(List + (i * 4), 20 + i);
        _guest.WriteHalves(At, List, 200, 0, 0, Self);
        Assert.Equal(200, _guest.NarrowHypercall(out int rounds, Memory, 1, At));
        Assert.True(rounds > 1);
        Assert.Equal(56UL, _guest.Domain.Memory.Pages);
    }

    [Fact]
    public void PagesAreMappedOneByOneAndInBatches()
    {
        _guest.WriteHalves(At, Self, 0, 0, 50);
        Assert.Equal(0, _guest.NarrowHypercall(Memory, 7, At));
        Assert.Equal(_guest.Domain.SharedInfo.Value, _guest.Frame(50).Value);

        _guest.WriteHalves(List, 60, 61, 70, 71, Marker, Marker, Marker);
        _guest.WriteHalves(At, Self | (2 << 16), 2, List, List + 8, List + 16);
        Assert.Equal(0, _guest.NarrowHypercall(Memory, 23, At));
        Assert.Equal((0u, 0u, Marker), (_guest.Read<uint>(List + 16), _guest.Read<uint>(List + 20), _guest.Read<uint>(List + 24)));
        Assert.False(_guest.P2m.Lookup(new Gfn(60)).IsPresent);

        _guest.WriteHalves(At, Self, 71);
        Assert.Equal(0, _guest.NarrowHypercall(Memory, 15, At));
        Assert.False(_guest.P2m.Lookup(new Gfn(71)).IsPresent);
    }

    [Fact]
    public void MemoryMapIsSetAndTold()
    {
        _dom0.WriteHalves(List, 0, 0, 0x10_0000, 0, 1);
        _dom0.WriteHalves(At, 3, 1, List);
        Assert.Equal(0, _dom0.NarrowHypercall(Memory, 13, At));
        _guest.WriteHalves(At, 8, List, Marker);
        Assert.Equal(0, _guest.NarrowHypercall(Memory, 9, At));
        Assert.Equal((1u, List, Marker), (_guest.Read<uint>(At), _guest.Read<uint>(At + 4), _guest.Read<uint>(At + 8)));
        Assert.Equal(0x10_0000u, _guest.Read<uint>(List + 8));
    }

    [Fact]
    public void ExchangeIsCheckedInThirtyTwoBits()
    {
        _guest.WriteHalves(At, List, 1, 0, 0, Self, List, 2, 0, 0, Self, 0);
        Assert.Equal(Invalid, _guest.NarrowHypercall(Memory, 11, At));
        _guest.WriteHalves(At, List, 1, 0, 0, Self, List, 1, 0, 0, Self, 0);
        _guest.WriteHalves(List, 100);
        Assert.Equal(NotSupported, _guest.NarrowHypercall(Memory, 11, At));
    }

    [Fact]
    public void LimitsFitIntoTheRegister()
    {
        _dom0.Domain.Memory.MaxPages = ulong.MaxValue;
        _dom0.WriteHalves(At, Self);
        Assert.Equal(int.MaxValue, _dom0.NarrowHypercall(Memory, 4, At));
        Assert.Equal(NotSupported, _dom0.NarrowHypercall(Memory, 5, At));
    }

    [Fact]
    public void GrantTableListsItsFrames()
    {
        _guest.WriteHalves(List, Marker, Marker, Marker);
        _guest.WriteHalves(At, Self, 2, Marker, List);
        Assert.Equal(0, _guest.NarrowHypercall(Grants, 2, At, 1));
        Assert.Equal((short)0, _guest.Read<short>(At + 8));
        Assert.Equal(List, _guest.Read<uint>(At + 12));
        Assert.Equal(Marker, _guest.Read<uint>(List + 8));
        Assert.NotEqual(Marker, _guest.Read<uint>(List + 4));
        Assert.Equal(0, _guest.NarrowHypercall(Grants, 2, At, 0));
    }

    [Fact]
    public void GrantedBytesAreCopied()
    {
        _dom0.ShowTable();
        _dom0.Grant(8, 3, 90);
        _dom0.Page(90).Slice(16, 4).Fill(0x77);
        // Twice: from the grant into a frame of one's own.
        for (uint i = 0; i < 2; i++)
            _guest.WriteHalves(At + (i * 24), 8, 16u << 16, 95 + i, Self | (32u << 16), 4 | (1u << 16), Marker);
        Assert.Equal(0, _guest.NarrowHypercall(Grants, 5, At, 2));
        for (uint i = 0; i < 2; i++)
        {
            Assert.Equal(0x5a5a_0000u, _guest.Read<uint>(At + (i * 24) + 20));
            Assert.Equal(0x7777_7777u, _guest.Read<uint>(((95 + i) << 12) + 32));
        }
    }

    [Fact]
    public void PollReadsItsPorts()
    {
        Assert.Equal(0, _guest.AllocUnbound(Self, 0, out uint port));
        _guest.Write(List, port);
        _guest.WriteHalves(At, List, 200, 0, 0);
        Assert.Equal(Invalid, _guest.NarrowHypercall(SchedOp, 3, At));
        _guest.WriteHalves(At, Unmapped32, 1, 1, 0);
        Assert.Equal(Fault, _guest.NarrowHypercall(SchedOp, 3, At));
        _guest.WriteHalves(At, List, 1, 1, 0);
        Assert.Equal(0, _guest.NarrowHypercall(SchedOp, 3, At));
    }

    private const uint Unmapped32 = (uint)Unmapped;

    [Fact]
    public void RunstateIsFortyFourBytes()
    {
        _guest.Page(1).Fill(0x5a);
        Assert.Equal(0, _guest.NarrowHypercall(VcpuOp, 4, 0, At));
        RunstateRecord own = default;
        _machine.Host.Scheduler.GetRunstate(_guest.Vcpu(), _machine.Cpu(), out own);
        Assert.Equal(own.EntryTimeNs, _guest.Read<ulong>(At + 4));
        Assert.Equal(own.OfflineNs, _guest.Read<ulong>(At + 36));
        Assert.Equal(Marker, _guest.Read<uint>(At + 44));

        _guest.Write(At, List);
        _guest.Write(At + 4, Marker);
        Assert.Equal(0, _guest.NarrowHypercall(VcpuOp, 5, 0, At));
        Assert.Equal(List, _guest.Vcpu().RunstateArea);
    }

    [Fact]
    public void RunstateAreaHasTheFormOfTheSharedPage()
    {
        LatchNarrow();
        _guest.Page(2).Fill(0x5a);
        _guest.Vcpu().RunstateArea = List;
        var record = new RunstateRecord { State = 1, EntryTimeNs = 0x1122_3344_5566_7788, OfflineNs = 99 };
        _guest.Domain.VmAssist |= 1u << (int)VmAssistType.RunstateUpdateFlag;
        _guest.Vcpu().WriteRunstateArea(in record);
        Assert.Equal((1u, record.EntryTimeNs, 99UL), (_guest.Read<uint>(List), _guest.Read<ulong>(List + 4), _guest.Read<ulong>(List + 36)));
        Assert.Equal(Marker, _guest.Read<uint>(List + 44));
    }

    [Fact]
    public void TimersTakeHalvesAndShortStructures()
    {
        ulong soon = _machine.Host.Clock.Now + 10_000_000_000;
        Assert.Equal(0, _guest.NarrowHypercall(TimerOp, (uint)soon, (uint)(soon >> 32)));
        Assert.Equal(soon, _guest.Vcpu().SingleshotTimer.DeadlineNs);

        // The structure ends with the page, where its 64-bit form would not fit.
        const uint end = (256u << 12) - 12;
        _guest.WriteHalves(end, (uint)(soon + 5), (uint)((soon + 5) >> 32), 0);
        Assert.Equal(0, _guest.NarrowHypercall(VcpuOp, 8, 0, end));
        Assert.Equal(soon + 5, _guest.Vcpu().SingleshotTimer.DeadlineNs);
    }

    [Fact]
    public void MulticallHasShortEntries()
    {
        _guest.WriteHalves(List, 100, 101);
        _guest.WriteHalves(0x3000, List, 2, 0, 0, Self);
        WriteEntry(At, (uint)HypercallGuest.Version, 0);
        WriteEntry(At + 32, (uint)Memory, 1, 0x3000);
        WriteEntry(At + 64, (uint)Multicall, At, 1);
        Assert.Equal(0, _guest.NarrowHypercall(Multicall, At, 3));
        Assert.Equal((0x40011, 2, (int)Invalid), (_guest.Read<int>(At + 4), _guest.Read<int>(At + 36), _guest.Read<int>(At + 68)));
        Assert.Equal(Marker, _guest.Read<uint>(At + 100));
    }

    [Fact]
    public void EntryOfAMulticallIsContinued()
    {
        for (uint i = 0; i < 200; i++)
            _guest.Write(List + (i * 4), 20 + i);
        _guest.WriteHalves(0x3000, List, 200, 0, 0, Self);
        WriteEntry(At, (uint)Memory, 1, 0x3000);
        WriteEntry(At + 32, (uint)HypercallGuest.Version, 0);
        Assert.Equal(0, _guest.NarrowHypercall(out int rounds, Multicall, At, 2));
        Assert.True(rounds > 1);
        Assert.Equal((200, 0x40011), (_guest.Read<int>(At + 4), _guest.Read<int>(At + 36)));
    }

    [Fact]
    public void SharedPageTakesTheFormOfTheCodeThatSetsTheCallback()
    {
        Assert.Equal(0, _guest.AllocUnbound(Self, Self, out uint remote));
        uint port = 0;
        while (port < 70)
            Assert.Equal(0, _guest.BindInterdomain(Self, remote, out port) is var result && result == 0 ? _guest.AllocUnbound(Self, Self, out remote) : result);
        LatchNarrow();
        _machine.Host.Clock.WallClockSeconds = 0x1_2345_6789;
        LatchNarrow();
        Span<byte> page = _guest.SharedInfo;
        Assert.Equal(0x2345_6789u, BinaryPrimitives.ReadUInt32LittleEndian(page.Slice(2308)));
        Assert.Equal(1u, BinaryPrimitives.ReadUInt32LittleEndian(page.Slice(2340)));

        page.Slice(2048, 1024).Clear();
        _guest.VcpuInfo().Clear();
        _guest.Write(At, port);
        Assert.Equal(0, _guest.NarrowHypercall(EventOp, 4, At));
        uint peer = Peer(port);
        Assert.Equal(1, (page[2048 + (int)(peer / 8)] >> (int)(peer % 8)) & 1);
        Assert.Equal(1u << (int)(peer / 32), BinaryPrimitives.ReadUInt32LittleEndian(_guest.VcpuInfo().Slice(4)));
        Assert.Equal(1, _guest.VcpuInfo()[0]);

        // Masked: bits 32-bit words apart.
        page[2176 + (int)(peer / 8)] = 0xff;
        Assert.True(_guest.Domain.EventChannels.IsMasked(peer));
        _guest.Write(At, peer);
        page[2048 + (int)(peer / 8)] = 0;
        Assert.Equal(0, _guest.NarrowHypercall(EventOp, 9, At));
        Assert.Equal(0xff & ~(1 << (int)(peer % 8)), page[2176 + (int)(peer / 8)]);
    }

    [Fact]
    public void ThereAreAThousandPorts()
    {
        LatchNarrow();
        uint last = 0;
        while (_guest.AllocUnbound(Self, Self, out uint port) == 0)
            last = port;
        Assert.Equal(1023u, last);
    }

    [Fact]
    public void InfoMovesToAnAddressAlignedToFour()
    {
        _guest.WriteHalves(At, 20, 0, 12, 0);
        Assert.Equal(-6, _guest.NarrowHypercall(VcpuOp, 10, 0, At));
        LatchNarrow();
        Assert.Equal(0, _guest.NarrowHypercall(VcpuOp, 10, 0, At));
        Assert.Equal(uint.MaxValue, _guest.Read<uint>((20 << 12) + 12 + 4));
        Assert.Equal(0u, _guest.Read<uint>((20 << 12) + 12 + 8));
    }

    private uint Peer(uint port) => _guest.Status(Self, port, out EventChannelStatus status) == 0 ? status.U[1] : 0;

    // HVM_PARAM_CALLBACK_IRQ by vector.
    private void LatchNarrow()
    {
        _guest.WriteHalves(At + 0x800, Self, 0, 0xf3, 0x0200_0000);
        Assert.Equal(0, _guest.NarrowHypercall(Hvm, 0, At + 0x800));
        Assert.Equal(5, _guest.Domain.EventWordShift);
    }

    private void WriteEntry(uint at, uint number, uint first, uint second = 0) =>
        _guest.WriteHalves(at, number, Marker, first, second, 0, 0, 0, 0, Marker, Marker);
}
