// SPDX-License-Identifier: MIT
// The domctls of gdbsx: memory of a domain at its virtual addresses, pauses of vCPUs, and which of them has met a breakpoint.

using System;
using System.Linq;
using XenSharp.Abi;
using XenSharp.Core.Hypercalls;
using XenSharp.Edge;
using XenSharp.Testing;
using Xunit;
using static XenSharp.Tests.Unit.Hypercalls.HypercallGuest;

namespace XenSharp.Tests.Unit.Hypercalls;

public class DebuggerTests
{
    private const ulong At = 0x1000, Buffer = 0x10000;
    private const uint SetDebugging = 18, MemoryIo = 1000, PauseVcpu = 1001, UnpauseVcpu = 1002, Status = 1003;
    private const long Busy = -16, Overflow = -75;
    private const ulong Pages = 256, Garbage = 0x5a5a_5a5a;
    private readonly TestHost _machine = new();
    private readonly TestDomain _dom0;
    private readonly TestDomain _guest;

    public DebuggerTests()
    {
        _dom0 = _machine.AddDom0(pages: 1024);
        _guest = _machine.AddDomain(3, vcpus: 2, pages: Pages);
    }

    [Theory]
    [InlineData(0x5000, 1)]
    [InlineData(0x5ffe, 8)]
    [InlineData(0x5123, 0x3456)]
    [InlineData(0x0000, 256 * 4096)]
    public void MemoryIsReadAndWritten(ulong address, int length)
    {
        byte[] bytes = Enumerable.Range(0, length).Select(i => (byte)(i * 7 + (i >> 8))).ToArray();
        Put(_dom0, Buffer, bytes);
        Assert.Equal(0, Copy(address, Buffer, (uint)length, isWrite: true));
        Assert.Equal(0U, _dom0.Read<uint>(At + 48));
        Assert.Equal(bytes, Get(_guest, address, length));
        Put(_dom0, Buffer, new byte[length]);
        Assert.Equal(0, Copy(address, Buffer, (uint)length, isWrite: false));
        Assert.Equal(bytes, Get(_dom0, Buffer, length));
    }

    /// <summary>A table per level, the last entry of each kind read-only: rights do not count for a debugger.</summary>
    [Theory]
    [InlineData("long", 0xffff_8880_0000_1234, 0x9234)]
    [InlineData("long", 0xffff_8880_0020_1234, 0x1234)]
    [InlineData("long", 0xffff_8880_4000_1234, 0x1234)]
    [InlineData("pae", 0xc000_1234, 0x9234)]
    [InlineData("pae", 0xc020_1234, 0x1234)]
    [InlineData("plain", 0xc000_1234, 0x9234)]
    [InlineData("plain", 0xc040_1234, 0x1234)]
    [InlineData("plain", 0xffff_ffff_c040_1234, 0x1234)]
    public void AddressesAreThoseOfTheFirstVcpu(string mode, ulong address, ulong physical)
    {
        MakeTables(mode);
        _guest.Write(physical, 0x1122_3344U);
        Assert.Equal(0, Copy(address, Buffer, 4, isWrite: false));
        Assert.Equal(0x1122_3344U, _dom0.Read<uint>(Buffer));
        _dom0.Write(Buffer, 0xccU);
        Assert.Equal(0, Copy(address, Buffer, 4, isWrite: true));
        Assert.Equal(0xccU, _guest.Read<uint>(physical));
    }

    [Theory]
    [InlineData("long", 0xffff_8880_0000_2000)]
    [InlineData("long", 0xffff_8880_0040_0000)]
    [InlineData("long", 0xffff_8880_8000_0000)]
    [InlineData("long", 0x0000_0000_0000_1000)]
    [InlineData("pae", 0x8000_0000)]
    [InlineData("plain", 0x8000_0000)]
    [InlineData("pae", 0xffff_ffff_c000_1234)]
    public void WhatIsNotMappedIsNotThere(string mode, ulong address)
    {
        MakeTables(mode);
        Assert.Equal(Fault, Copy(address, Buffer, 4, isWrite: false));
        Assert.Equal(Fault, Copy(address - 2, Buffer, 4, isWrite: true));
        Assert.Equal((uint)Garbage, _dom0.Read<uint>(At + 48));
    }

    [Fact]
    public void TablesThatLeadNowhereOrInCirclesEnd()
    {
        MakeTables("long");
        _guest.WriteWords(0x2000, Enumerable.Repeat(0x2003UL, 512).ToArray());
        Assert.Equal(0, Copy(0, Buffer, 8, isWrite: false));
        Assert.Equal(0x2003UL, _dom0.Read<ulong>(Buffer));
        _guest.WriteWords(0x2000, 0x000f_ffff_ffff_f003);
        Assert.Equal(Fault, Copy(0, Buffer, 8, isWrite: false));
    }

    [Fact]
    public void PagesThatCannotBeWritten()
    {
        Assert.True(_guest.P2m.Set(new Gfn(7), _guest.Frame(7), 0, P2mType.RamReadOnly));
        Assert.Equal(0, Copy(0x7000, Buffer, 8, isWrite: false));
        Assert.Equal(Fault, Copy(0x7000, Buffer, 8, isWrite: true));
        Assert.True(_guest.P2m.Set(new Gfn(8), _guest.Frame(8), 0, P2mType.Direct));
        Assert.Equal(Fault, Copy(0x8000, Buffer, 8, isWrite: false));
    }

    [Fact]
    public void MemoryOnDemandComes()
    {
        const ulong target = 0x2000, list = 0x3000, populate = 6, setTarget = 16, onDemand = 1 << 16;
        TestDomain guest = _machine.AddDomain(4, pages: 0);
        guest.Domain.Memory.MaxPages = 1 << 10;
        _dom0.Write(target, new PopulateOnDemandTarget { TargetPages = 8, DomainId = 4 });
        Assert.Equal(0, _dom0.Hypercall(Memory, setTarget, target));
        _dom0.WriteWords(list, 9);
        _dom0.WriteWords(target, list, 1, onDemand << 32, 4);
        Assert.Equal(1, _dom0.Hypercall(Memory, populate, target));
        Prepare(0x9000, Buffer, 8, isWrite: true);
        _dom0.Write(At + 8, (ushort)4);
        Assert.Equal(0, _dom0.Hypercall(Domctl, At));
        Assert.Equal(P2mType.Ram, guest.P2m.Lookup(new Gfn(9)).Type);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void ABufferThatIsNotThere(bool isWrite) => Assert.Equal(Fault, Copy(0x5000, Unmapped, 8, isWrite));

    /// <summary>As much as there is is copied, in more than one turn; the argument looks as it did in the end.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void TheLargestLengthIsBounded(bool isWrite)
    {
        _guest.Write(((Pages - 1) << 12) + 4088, 0x7777UL);
        Prepare(0, Buffer, uint.MaxValue, isWrite);
        Assert.Equal(Fault, _dom0.Hypercall(out int rounds, Domctl, At));
        Assert.InRange(rounds, 10, 1000);
        Assert.Equal(MemoryIo, _dom0.Read<uint>(At));
        Assert.Equal((uint)Garbage, _dom0.Read<uint>(At + 48));
        if (!isWrite)
            Assert.Equal(0x7777UL, _dom0.Read<ulong>(Buffer + ((Pages - 1) << 12) + 4088));
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(4, 0x11_0000_0000)]
    [InlineData(8, 0x11_0000_0022)]
    [InlineData(ulong.MaxValue, 0x11_0000_0022)]
    public void AContinuationThatNobodyStartedIsHarmless(ulong left, ulong expected)
    {
        _guest.Write(0x5000, 0x11_0000_0022UL);
        Prepare(0x5000, Buffer, 8, isWrite: false);
        _dom0.Write(At, 0x8000_0000 | MemoryIo);
        Assert.Equal(0, _dom0.Hypercall(Domctl, At, left));
        Assert.Equal(expected, _dom0.Read<ulong>(Buffer));
        Assert.Equal(MemoryIo, _dom0.Read<uint>(At));
    }

    [Fact]
    public void ADomainThatDiesHasNoMemory()
    {
        _guest.Domain.Crash(_machine.Cpu());
        Assert.Equal(0, Copy(0x5000, Buffer, 8, isWrite: false));
        Control(2, 3);
        Assert.True(_guest.Domain.IsDying);
        Assert.Equal(Fault, Copy(0x5000, Buffer, 8, isWrite: false));
        Assert.Equal(0, Copy(0x5000, Buffer, 0, isWrite: false));
    }

    [Fact]
    public void VcpusArePausedOnlyWithTheirDomain()
    {
        Assert.Equal(Busy, Control(PauseVcpu, 3, 1));
        Assert.Equal(Busy, Control(UnpauseVcpu, 3, uint.MaxValue));
        Assert.Equal(Busy, Control(PauseVcpu, 0, 0));
        Assert.Equal(0, Control(3, 3));
        Assert.Equal(Invalid, Control(PauseVcpu, 3, 2));
        Assert.Equal(Invalid, Control(PauseVcpu, 3, uint.MaxValue));
        Assert.Equal(Invalid, Control(UnpauseVcpu, 3, 1));
        for (int i = 0; i < 255; i++)
            Assert.Equal(0, Control(PauseVcpu, 3, 1));
        Assert.Equal(Overflow, Control(PauseVcpu, 3, 1));
        Assert.Equal(0, Control(4, 3));
        Assert.True(_guest.Vcpu(0).IsRunnable);
        Assert.False(_guest.Vcpu(1).IsRunnable);
        Assert.Equal(Busy, Control(UnpauseVcpu, 3, 1));
        Assert.Equal(0, Control(3, 3));
        for (int i = 0; i < 255; i++)
            Assert.Equal(0, Control(UnpauseVcpu, 3, 1));
        Assert.Equal(Invalid, Control(UnpauseVcpu, 3, 1));
        Assert.Equal(0, Control(4, 3));
        Assert.True(_guest.Vcpu(1).IsRunnable);
    }

    [Fact]
    public void ABreakpointIsToldOnce()
    {
        Assert.Equal((0, uint.MaxValue, (uint)Garbage), ReadStatus());
        _guest.Vcpu(1).Processor = _machine.Cpu();
        _guest.Vcpu(1).DebugEvent = 3;
        Assert.Equal((0, uint.MaxValue, (uint)Garbage), ReadStatus());
        _guest.Domain.PauseForDebugger(_guest.Vcpu(1));
        Assert.False(_guest.Vcpu(0).IsRunnable);
        Assert.Equal((1, 1U, 3U), ReadStatus());
        Assert.Equal((1, uint.MaxValue, (uint)Garbage), ReadStatus());
        Assert.Equal(0, Control(4, 3));
        Assert.Equal((0, uint.MaxValue, (uint)Garbage), ReadStatus());
    }

    [Theory]
    [InlineData(3U, false)]
    [InlineData(0U, true)]
    public void AnEventThatNobodyAsksForRaisesAnInterrupt(uint noted, bool isRaised)
    {
        HypercallContinuation budget = new() { Budget = 1000 };
        Assert.True(_dom0.Domain.EventChannels.BindVirq((uint)VirtualIrq.Debugger, 0, ref budget, _machine.Cpu()) > 0);
        _guest.Vcpu(0).Processor = _machine.Cpu();
        _guest.Vcpu(0).DebugEvent = noted;
        _guest.Domain.PauseForDebugger(_guest.Vcpu(0));
        Assert.Equal(isRaised, _dom0.VcpuInfo()[0] != 0);
    }

    [Theory]
    [InlineData(1U, true)]
    [InlineData(0x100U, false)]
    [InlineData(0xffU, true)]
    public void ADebuggerIsAttachedToEveryVcpu(uint enable, bool isOn)
    {
        Assert.Equal(Invalid, Control(SetDebugging, 0, enable));
        Assert.Equal(0, Control(SetDebugging, 3, enable));
        Assert.Equal((isOn, isOn, isOn), (_guest.Domain.IsDebugged, _guest.Context(0).StopsForDebugger, _guest.Context(1).StopsForDebugger));
        Assert.Equal(0, Control(SetDebugging, 3, 0));
        Assert.False(_guest.Context(1).StopsForDebugger);
        Assert.True(_guest.Vcpu(1).IsRunnable);
    }

    private long Control(uint command, ushort domain, uint word = 0)
    {
        _dom0.WriteWords(At, command | ((ulong)DomctlOp.InterfaceVersion << 32), domain);
        _dom0.Write(At + 16, word);
        return _dom0.Hypercall(Domctl, At);
    }

    private (int Paused, uint Vcpu, uint Event) ReadStatus()
    {
        _dom0.WriteWords(At + 16, 0, Garbage);
        Assert.Equal(0, Control(Status, 3, (uint)Garbage));
        return (_dom0.Read<byte>(At + 16), _dom0.Read<uint>(At + 20), _dom0.Read<uint>(At + 24));
    }

    private long Copy(ulong address, ulong buffer, uint length, bool isWrite)
    {
        Prepare(address, buffer, length, isWrite);
        return _dom0.Hypercall(Domctl, At);
    }

    // What stands in `remain` does not count.
    private void Prepare(ulong address, ulong buffer, uint length, bool isWrite) =>
        _dom0.WriteWords(At, MemoryIo | ((ulong)DomctlOp.InterfaceVersion << 32), 3, 0, address, buffer, length | (isWrite ? 1UL << 32 : 0), Garbage);

    // At 0x9000 one small page, read-only; at 0 a large one; both above the kernel's start, 0xffff888000000000 or 0xc0000000.
    private void MakeTables(string mode)
    {
        const ulong readOnly = 1, large = 0x81, writable = 3;
        FakeVcpuContext context = _guest.Context(0);
        context.Control0 = 0x8000_0011;
        context.Control3 = 0x2000;
        _guest.Page(2).Clear();
        switch (mode)
        {
            case "long":
                context.Control4 = 0x20;
                context.ExtendedFeatures = 0x500;
                _guest.WriteWords(0x2000 + (0x111 * 8), 0x3000 | writable);
                _guest.WriteWords(0x3000, 0x4000 | writable, large);
                _guest.WriteWords(0x4000, 0x5000 | writable, large);
                _guest.WriteWords(0x5000, 0, 0x9000 | readOnly);
                break;
            case "pae":
                context.Control4 = 0x20;
                context.Long = false;
                _guest.WriteWords(0x2000, 0, 0, 0, 0x4000 | readOnly);
                _guest.WriteWords(0x4000, 0x5000 | writable, large);
                _guest.WriteWords(0x5000, 0, 0x9000 | readOnly);
                break;
            default:
                context.Long = false;
                _guest.WriteHalves(0x2000 + (0x300 * 4), 0x5000 | (uint)writable, (uint)large);
                _guest.WriteHalves(0x5000, 0, 0x9000 | (uint)readOnly);
                break;
        }
    }

    private static void Put(TestDomain domain, ulong address, ReadOnlySpan<byte> bytes)
    {
        for (int i = 0; i < bytes.Length; i++)
            domain.Page((address + (ulong)i) >> 12)[(int)((address + (ulong)i) & 0xfff)] = bytes[i];
    }

    private static byte[] Get(TestDomain domain, ulong address, int length)
    {
        byte[] bytes = new byte[length];
        for (int i = 0; i < length; i++)
            bytes[i] = domain.Page((address + (ulong)i) >> 12)[(int)((address + (ulong)i) & 0xfff)];
        return bytes;
    }
}
