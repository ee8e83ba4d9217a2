// SPDX-License-Identifier: MIT
// HYPERVISOR_memory_op: what a domain does to its own memory, and dom0 to others'.

using System;
using XenSharp.Edge;
using XenSharp.Testing;
using Xunit;
using static XenSharp.Tests.Unit.Hypercalls.HypercallGuest;

namespace XenSharp.Tests.Unit.Hypercalls;

public class MemoryTests
{
    private const ulong Increase = 0, Decrease = 1, RamPage = 2, Current = 3, Maximum = 4, Populate = 6, AddToMap = 7, Map = 9, Exchange = 11,
        SetMap = 13, RemoveFromMap = 15, AddBatch = 23, Claim = 24, Acquire = 28;

    private const ulong At = 0x1000, List = 0x2000, Errors = 0x3000, Self = 0x7ff0;
    private readonly TestHost _machine = new();
    private readonly TestDomain _dom0;
    private readonly TestDomain _guest;

    public MemoryTests()
    {
        _dom0 = _machine.AddDom0();
        _guest = _machine.AddDomain(3);
    }

    [Fact]
    public void PagesGoAndComeWithinTheLimit()
    {
        ulong free = _machine.Host.Allocator.FreePages;
        _guest.WriteWords(List, 100, 101, 102, 500);
        Assert.Equal(3, Reserve(Decrease, 4));
        Assert.Equal(free + 3, _machine.Host.Allocator.FreePages);
        Assert.Equal(253UL, _guest.Domain.Memory.Pages);
        Assert.True(_guest.P2m.Flushes > 0);
        Assert.Equal(0, Reserve(Decrease, 1));
        Assert.Equal(3, Reserve(Populate, 4));
        Assert.Equal(256UL, _guest.Domain.Memory.Pages);
        Assert.Equal(free, _machine.Host.Allocator.FreePages);
        Assert.Equal(P2mType.Ram, _guest.P2m.Lookup(new Gfn(102)).Type);
    }

    [Fact]
    public void NewPagesAreEmpty()
    {
        _guest.Page(100).Fill(0x77);
        _guest.WriteWords(List, 100);
        Reserve(Decrease, 1);
        _dom0.Domain.Memory.MaxPages = 1000;
        _dom0.WriteWords(List, 0x5000);
        _dom0.WriteWords(At, List, 1, 0, Self);
        Assert.Equal(1, _dom0.Hypercall(Memory, Populate, At));
        Assert.Equal(-1, _dom0.Page(0x5000).IndexOfAnyExcept((byte)0));
    }

    [Fact]
    public void OrdersAreLimitedByTheCaller()
    {
        _guest.Domain.Memory.MaxPages = 1 << 20;
        _guest.WriteWords(List, 0x10000);
        Assert.Equal(1, Reserve(Populate, 1, 9));
        Assert.Equal(9, _guest.P2m.Lookup(new Gfn(0x10000)).Order);
        _guest.WriteWords(List, 0x20000);
        Assert.Equal(0, Reserve(Populate, 1, 10));
        Assert.Equal(0, Reserve(Increase, 1, 64));
        _guest.WriteWords(List, 0x30003);
        Assert.Equal(1, Reserve(Populate, 1, 4));
        Assert.Equal(256UL + 512 + 16, _guest.Domain.Memory.Pages);
    }

    [Fact]
    public void LargeExtentsAreDoneInTurns()
    {
        _guest.Domain.Memory.MaxPages = 1 << 20;
        ulong free = _machine.Host.Allocator.FreePages;
        _guest.WriteWords(List, 0x10000, 0x20003);
        _guest.WriteWords(At, List, 2, 9, Self);
        Assert.Equal(2, _guest.Hypercall(out int rounds, Memory, Populate, At));
        Assert.InRange(rounds, 3, 100);
        Assert.Equal(256UL + 1024, _guest.Domain.Memory.Pages);
        Assert.Equal(9, _guest.P2m.Lookup(new Gfn(0x10000)).Order);
        Assert.True(_guest.P2m.Lookup(new Gfn(0x20003 + 511)).IsPresent);
        Assert.Equal(2, _guest.Hypercall(out rounds, Memory, Decrease, At));
        Assert.InRange(rounds, 3, 100);
        Assert.Equal(256UL, _guest.Domain.Memory.Pages);
        Assert.Equal(free, _machine.Host.Allocator.FreePages);
        Assert.Equal(0, _guest.Hypercall(Memory, Decrease, At));
    }

    [Fact]
    public void AnOperationInBetweenDoesNotInheritTheProgress()
    {
        _guest.Domain.Memory.MaxPages = 1 << 20;
        _guest.WriteWords(List, 0x10000);
        _guest.WriteWords(At, List, 1, 9, Self);
        _guest.WriteWords(At + 64, List + 8, 1, 9, Self);
        _guest.WriteWords(List + 8, 0x20000);
        FakeVcpuContext context = _guest.Context();
        (context.Rax, context.Rdi, context.Rsi) = (Memory, Populate, At);
        Assert.True(Core.Hypercalls.HypercallTable.Dispatch(_guest.Vcpu()));
        Assert.Equal(1, _guest.Hypercall(Memory, Populate, At + 64));
        Assert.True(_guest.P2m.Lookup(new Gfn(0x20000 + 511)).IsPresent);
        Assert.Equal(256UL + 1024, _guest.Domain.Memory.Pages);
        for (ulong page = 0; page < 512; page++)
            Assert.Equal(-1, MemoryExtensions.IndexOfAnyExcept(_guest.Page(0x20000 + page), (byte)0));
    }

    [Theory]
    [InlineData(1UL << 58), InlineData(1UL << 63), InlineData(0UL)]
    public void UnreasonableCountsDoNothing(ulong count)
    {
        Assert.Equal(0, Reserve(Increase, count));
        Assert.Equal(0, Reserve(Populate, count));
        Assert.Equal(256UL, _guest.Domain.Memory.Pages);
    }

    [Fact]
    public void StartBeyondTheListIsGivenBack()
    {
        _guest.WriteWords(At, List, 3, 0, Self);
        Assert.Equal(9, _guest.Hypercall(Memory, Decrease | (9 << 6), At));
        Assert.Equal(9, _guest.Hypercall(Memory, Decrease | (9 << 6), Unmapped));
    }

    [Fact]
    public void OthersMemoryIsForTheControlDomain()
    {
        _guest.WriteWords(At, 0);
        Assert.Equal(Perm, _guest.Hypercall(Memory, Current, At));
        _guest.WriteWords(List, 5);
        _guest.WriteWords(At, List, 1, 0, 0);
        Assert.Equal(0, _guest.Hypercall(Memory, Decrease, At));
        _dom0.WriteWords(At, 3);
        Assert.Equal(256, _dom0.Hypercall(Memory, Current, At));
        Assert.Equal(256, _dom0.Hypercall(Memory, Maximum, At));
        _dom0.WriteWords(At, 77);
        Assert.Equal(NoProcess, _dom0.Hypercall(Memory, Current, At));
        Assert.Equal((long)_machine.Memory.FrameLimit, _guest.Hypercall(Memory, RamPage));
        Assert.Equal(Invalid, _guest.Hypercall(Memory, RamPage | (1 << 6)));
    }

    [Fact]
    public void SharedInfoAppearsAtOnePlace()
    {
        Mfn page = _guest.Domain.SharedInfo;
        Assert.Equal(0, Add(0, 0, 40));
        Assert.Equal(255UL, _guest.Domain.Memory.Pages);
        Assert.Equal(page.Value, _guest.P2m.Lookup(new Gfn(40)).Frame.Value);
        Assert.Equal(0, Add(0, 0, 41));
        Assert.False(_guest.P2m.Lookup(new Gfn(40)).IsPresent);
        Assert.Equal(254UL, _guest.Domain.Memory.Pages);
        Assert.Equal(0, Add(0, 0, 41));
        Assert.Equal(254UL, _guest.Domain.Memory.Pages);
        Assert.Equal(Invalid, Add(0, 1, 42));
        Assert.Equal(NoSystem, Add(4, 0, 42));
        Assert.Equal(Invalid, Add(9, 0, 42));

        // Giving the frame up takes the page out of sight and frees nothing.
        _guest.WriteWords(List, 41);
        Assert.Equal(1, Reserve(Decrease, 1));
        Assert.Equal(254UL, _guest.Domain.Memory.Pages);
        Assert.Equal(0, Add(0, 0, 50));
    }

    [Fact]
    public void OwnPagesMove()
    {
        Mfn frame = _guest.Frame(60);
        Assert.Equal(0, Add(2, 60, 0x4000));
        Assert.Equal(frame.Value, _guest.Frame(0x4000).Value);
        Assert.False(_guest.P2m.Lookup(new Gfn(60)).IsPresent);
        Assert.Equal(Invalid, Add(2, 60, 0x4001));
        Assert.Equal(0, Add(0, 0, 61));
        Assert.Equal(0, Add(2, 61, 0x4002));
        Assert.Equal(0x4002UL, _guest.Domain.SharedInfoGfn);
        Assert.Equal(0, Add(0, 0, 61));
        Assert.False(_guest.P2m.Lookup(new Gfn(0x4002)).IsPresent);
        Assert.Equal(0, Add(2, 0x4000, 0x4000));
        Assert.Equal(255UL, _guest.Domain.Memory.Pages);
        _guest.WriteWords(At, 3, 0x4000);
        Assert.Equal(0, _guest.Hypercall(Memory, RemoveFromMap, At));
        Assert.Equal(NoEntry, _guest.Hypercall(Memory, RemoveFromMap, At));
        Assert.Equal(255UL, _guest.Domain.Memory.Pages);
    }

    [Fact]
    public void ForeignPagesAreMappedByTheHardwareDomainOnly()
    {
        _guest.Page(7).Fill(0x33);
        Mfn frame = _guest.Frame(7);
        Assert.Equal(0, Batch(_dom0, 4, 3, 7, 0x8000));
        Assert.Equal(0, _dom0.Read<int>(Errors));
        Assert.Equal(0x33, _dom0.Page(0x8000)[5]);
        Assert.Equal(2, _machine.Frames[frame].References);

        // The guest gives the page up: it stays until dom0 lets go of it.
        _guest.WriteWords(List, 7);
        Assert.Equal(1, Reserve(Decrease, 1));
        Assert.Equal(FrameState.Domain, _machine.Frames[frame].State);
        _dom0.WriteWords(At, 0, 0x8000);
        Assert.Equal(0, _dom0.Hypercall(Memory, RemoveFromMap, At));
        Assert.Equal(FrameState.Free, _machine.Frames[frame].State);
        Assert.Equal(255UL, _guest.Domain.Memory.Pages);

        Assert.Equal(0, Batch(_guest, 4, 0, 7, 0x8000));
        Assert.Equal(-1, _guest.Read<int>(Errors));
        Assert.Equal(0, Batch(_dom0, 4, 3, 0x9999, 0x8000));
        Assert.Equal(-22, _dom0.Read<int>(Errors));
        Assert.Equal(0, Batch(_dom0, 4, 0, 7, 0x8000));
        Assert.Equal(-1, _dom0.Read<int>(Errors));
        Assert.Equal(NotSupported, Batch(_dom0, 3, 0, 7, 0x8000));
    }

    [Fact]
    public void ExchangeIsRefusedAfterItsChecks()
    {
        _guest.WriteWords(List, 80);
        _guest.WriteWords(List + 8, 80);
        _guest.WriteWords(At, List, 1, 0, Self, List + 8, 1, 0, Self, 0);
        Assert.Equal(NotSupported, _guest.Hypercall(Memory, Exchange, At));
        Assert.Equal(0UL, _guest.Read<ulong>(At + 64));
        _guest.WriteWords(List, 0x5000);
        Assert.Equal(Invalid, _guest.Hypercall(Memory, Exchange, At));
        _guest.WriteWords(At, Unmapped);
        Assert.Equal(Fault, _guest.Hypercall(Memory, Exchange, At));
        _guest.WriteWords(At + 64, 1);
        Assert.Equal(0, _guest.Hypercall(Memory, Exchange, At));
        _guest.WriteWords(At + 64, 2);
        Assert.Equal(Invalid, _guest.Hypercall(Memory, Exchange, At));
    }

    [Fact]
    public void MemoryMapIsWhatWasSet()
    {
        _guest.WriteWords(At, 128, List);
        Assert.Equal(NoSystem, _guest.Hypercall(Memory, Map, At));
        _dom0.WriteWords(List, 0, 0x9f000, 0x0010_0000_0000_0001, 0x0200_0000_0000_0000);
        _dom0.Write(List + 36, 2u);
        _dom0.WriteWords(At, 3, 2, List);
        Assert.Equal(0, _dom0.Hypercall(Memory, SetMap, At));
        Assert.Equal(0, _guest.Hypercall(Memory, Map, At));
        Assert.Equal(2u, _guest.Read<uint>(At));
        Assert.Equal(0x9f000UL, _guest.Read<ulong>(List + 8));
        Assert.Equal(2u, _guest.Read<uint>(List + 36));
        _dom0.WriteWords(At, 3, 1025, List);
        Assert.Equal(Invalid, _dom0.Hypercall(Memory, SetMap, At));
    }

    [Fact]
    public void ClaimsAreCountedAgainstFreeMemory()
    {
        _guest.Domain.Memory.MaxPages = 1 << 20;
        _dom0.WriteWords(At, 0, 300, 0, 3);
        Assert.Equal(0, _dom0.Hypercall(Memory, Claim, At));
        Assert.Equal(44UL, _machine.Host.Allocator.OutstandingClaims);
        Assert.Equal(Invalid, _dom0.Hypercall(Memory, Claim, At));
        _dom0.WriteWords(At, 0, 0, 0, 3);
        Assert.Equal(0, _dom0.Hypercall(Memory, Claim, At));
        Assert.Equal(0UL, _machine.Host.Allocator.OutstandingClaims);
        _dom0.WriteWords(At, 0, 1 << 19, 0, 3);
        Assert.Equal(NoMemory, _dom0.Hypercall(Memory, Claim, At));
        _guest.WriteWords(At, 0, 300, 0, 3);
        Assert.Equal(Perm, _guest.Hypercall(Memory, Claim, At));
    }

    [Fact]
    public void GrantFramesAreAcquiredByTheToolstack()
    {
        _dom0.WriteWords(At, 0x1_0003, 0, 0, 0);
        Assert.Equal(0, _dom0.Hypercall(Memory, Acquire, At));
        Assert.Equal(64u, _dom0.Read<uint>(At + 8));
        _dom0.WriteWords(List, 0x7000);
        _dom0.WriteWords(At, 0x1_0003, 1, 0, List);
        Assert.Equal(0, _dom0.Hypercall(Memory, Acquire, At));
        Assert.Equal(_guest.Domain.Grants.SharedFrame(0).Value, _dom0.Frame(0x7000).Value);
        _dom0.WriteWords(At, 0x1_0000, 1, 0, List);
        Assert.Equal(Perm, _dom0.Hypercall(Memory, Acquire, At));
        Assert.Equal(Access, _guest.Hypercall(Memory, Acquire, At));
    }

    private long Reserve(ulong command, ulong count, ulong order = 0)
    {
        _guest.WriteWords(At, List, count, order, Self);
        return _guest.Hypercall(Memory, command, At);
    }

    private long Add(ulong space, ulong index, ulong gfn)
    {
        _guest.WriteWords(At, (space << 32) | Self, index, gfn);
        return _guest.Hypercall(Memory, AddToMap, At);
    }

    private static long Batch(TestDomain caller, ulong space, ulong foreign, ulong index, ulong gfn)
    {
        caller.WriteWords(List, index, gfn);
        caller.WriteWords(At, (foreign << 48) | (1UL << 32) | (space << 16) | Self, List, List + 8, Errors);
        return caller.Hypercall(Memory, AddBatch, At);
    }
}
