// SPDX-License-Identifier: MIT
// HYPERVISOR_memory_op by the control domain on another: building its memory, looking into it, and taking it away.

using System;
using XenSharp.Core.Domains;
using XenSharp.Core.Hypercalls;
using XenSharp.Core.Memory;
using XenSharp.Edge;
using XenSharp.Testing;
using Xunit;
using static XenSharp.Tests.Unit.Hypercalls.HypercallGuest;

namespace XenSharp.Tests.Unit.Hypercalls;

public class OtherDomainMemoryTests
{
    private const ulong Increase = 0, Decrease = 1, Populate = 6, RemoveFromMap = 15, AddToMap = 7, AddBatch = 23, Claim = 24, Acquire = 28;
    private const ulong At = 0x1000, List = 0x2000, Errors = 0x3000, Calls = 0x4000, Self = 0x7ff0, Foreign = 4;
    private const ushort GuestId = 3;
    private readonly TestHost _machine = new(frames: 1 << 20);
    private readonly ulong _free;
    private readonly TestDomain _dom0;
    private readonly TestDomain _guest;

    public OtherDomainMemoryTests()
    {
        _dom0 = _machine.AddDom0();
        _free = _machine.Host.Allocator.FreePages;
        _guest = _machine.AddDomain(GuestId, pages: 64);
        _guest.Domain.Memory.MaxPages = 1 << 20;
    }

    [Fact]
    public void AGigabyteIsPopulatedInTurnsInsideAMulticall()
    {
        _dom0.WriteWords(List, 0x40000);
        _dom0.WriteWords(At, List, 1, 18, GuestId);
        _dom0.WriteWords(Calls, Memory, 0, Populate, At);
        Assert.Equal(0, _dom0.Hypercall(out int rounds, Multicall, Calls, 1));
        Assert.Equal(1UL, _dom0.Read<ulong>(Calls + 8));
        Assert.True(rounds > 100);
        Assert.Equal(18, _guest.P2m.Lookup(new Gfn(0x40000)).Order);
        Assert.Equal(64UL + (1 << 18), _guest.Domain.Memory.Pages);
        for (ulong page = 0; page < 1 << 18; page += 4095)
            AssertOwn(_guest.Frame(0x40000 + page));
        DestroyGuest();
    }

    [Fact]
    public void AnAbandonedBlockIsFoundAtTheEnd()
    {
        BeginPopulate(0x10000, 12);
        Assert.Equal(64UL + 4096, _guest.Domain.Memory.Pages);
        Assert.False(_guest.P2m.Lookup(new Gfn(0x10000)).IsPresent);
        DestroyGuest();
        Assert.Equal(0, _dom0.Hypercall(Memory, Populate, At));
    }

    [Fact]
    public void AStalePopulateDoesNotTouchAnothersPages()
    {
        BeginPopulate(0x10000, 12);
        DestroyGuest();
        _dom0.Domain.Memory.MaxPages = 1 << 20;
        _dom0.WriteWords(List + 64, 0x20000);
        _dom0.WriteWords(At + 64, List + 64, 1, 9, Self);
        for (ulong i = 0; i < 200; i++)
        {
            _dom0.WriteWords(List + 64, 0x20000 + (i * 512));
            var stale = _dom0.Vcpu().Extent;
            Assert.Equal(1, _dom0.Hypercall(Memory, Populate, At + 64));
            _dom0.Vcpu().Extent = stale;
            _dom0.Page(0x20000 + (i * 512)).Fill(0x5a);
        }

        Assert.Equal(0, _dom0.Hypercall(Memory, Populate, At));
        for (ulong i = 0; i < 200; i++)
            Assert.Equal(0x5a, _dom0.Page(0x20000 + (i * 512))[7]);
    }

    [Fact]
    public void PagesThatAreChargedButNotMappedComeBackAtTheEnd()
    {
        _dom0.WriteWords(At, 0, 3, 9, GuestId);
        Assert.Equal(3, _dom0.Hypercall(Memory, Increase, At));
        _dom0.WriteWords(List, 1, 2, 3);
        _dom0.WriteWords(At, List, 3, 0, GuestId);
        Assert.Equal(3, _dom0.Hypercall(Memory, Populate, At));
        _dom0.WriteWords(At, GuestId, 9);
        Assert.Equal(0, _dom0.Hypercall(Memory, RemoveFromMap, At));
        Assert.Equal(64UL + 1536 + 3, _guest.Domain.Memory.Pages);
        DestroyGuest();
    }

    [Fact]
    public void PopulatingOverMemoryKeepsTheOldPagesCharged()
    {
        _guest.P2m.TablePages = 0;
        _dom0.WriteWords(List, 0);
        _dom0.WriteWords(At, List, 1, 9, GuestId);
        Assert.Equal(1, _dom0.Hypercall(Memory, Populate, At));
        Assert.Equal(9, _guest.P2m.Lookup(new Gfn(0)).Order);
        Assert.Equal(64UL + 512, _guest.Domain.Memory.Pages);
        DestroyGuest();
    }

    [Fact]
    public void TheLimitMayFallBelowWhatIsThere()
    {
        _guest.Domain.Memory.MaxPages = 10;
        _dom0.WriteWords(List, 0x100, 5);
        _dom0.WriteWords(At, List, 1, 0, GuestId);
        Assert.Equal(0, _dom0.Hypercall(Memory, Populate, At));
        _dom0.WriteWords(At, List + 8, 1, 0, GuestId);
        Assert.Equal(1, _dom0.Hypercall(Memory, Decrease, At));
        Assert.Equal(63UL, _guest.Domain.Memory.Pages);
    }

    [Fact]
    public void ADyingDomainGetsNothing()
    {
        _guest.Domain.IsDying = true;
        _dom0.WriteWords(List, 0x100);
        _dom0.WriteWords(At, List, 1, 0, GuestId);
        Assert.Equal(0, _dom0.Hypercall(Memory, Populate, At));
        Assert.Equal(0, _dom0.Hypercall(Memory, Increase, At));
        _dom0.WriteWords(At, GuestId, 0, 0x100);
        Assert.Equal(Invalid, _dom0.Hypercall(Memory, AddToMap, At));
        _dom0.WriteWords(At, 0, 100, 0, GuestId);
        Assert.Equal(Invalid, _dom0.Hypercall(Memory, Claim, At));
        Assert.Equal(0, MapForeign(GuestId, 7, 0x8000));
    }

    [Fact]
    public void ClaimedMemoryIsKeptForTheClaimant()
    {
        ulong free = _machine.Host.Allocator.FreePages;
        _guest.Domain.Memory.MaxPages = free + 64;
        _dom0.WriteWords(At, 0, free + 64 - 16, 0, GuestId);
        Assert.Equal(0, _dom0.Hypercall(Memory, Claim, At));
        _dom0.Domain.Memory.MaxPages = 1 << 20;
        Assert.True(_dom0.Domain.Memory.TryAllocateGuest(4, _machine.Cpu(), out Mfn frame));
        _machine.Host.Allocator.Free(frame, 4, _machine.Cpu());
        Assert.False(_dom0.Domain.Memory.TryAllocateGuest(5, _machine.Cpu(), out _));
        Assert.True(_guest.Domain.Memory.TryAllocateGuest(9, _machine.Cpu(), out _));
        Assert.Equal(free - 16 - 512, _machine.Host.Allocator.OutstandingClaims);
        Assert.Equal(free - 16 - 512, _guest.Domain.Memory.ClaimedPages);
    }

    [Fact]
    public void AForeignMappingHoldsItsPageBeyondTheGuestsEnd()
    {
        _guest.Page(7).Fill(0x33);
        Mfn frame = _guest.Frame(7);
        Assert.Equal(0, MapForeign(GuestId, 7, 0x8000));
        Assert.Equal(0, MapForeign(GuestId, 7, 0x8001));
        Assert.Equal(3, _machine.Frames[frame].References);
        Destroy(_guest.Domain);
        Assert.Equal(1UL, _guest.Domain.Memory.Pages);
        Assert.Equal(0x33, _dom0.Page(0x8000)[0]);
        Assert.Equal(Invalid, MapForeign(GuestId, 7, 0x8002));
        Unmap(0x8000);
        Assert.Equal(FrameState.Domain, _machine.Frames[frame].State);
        Unmap(0x8001);
        Assert.Equal(0UL, _guest.Domain.Memory.Pages);
    }

    [Fact]
    public void ForeignMemoryIsNotReplacedByMapping()
    {
        Assert.Equal(0, MapForeign(GuestId, 7, 0x8000));
        Assert.Equal(-6, MapForeign(GuestId, 8, 0x8000));
        Assert.Equal(-6, MapForeign(GuestId, 7, 0x8000));
        Assert.Equal(2, _machine.Frames[_guest.Frame(7)].References);
        Assert.Equal(1, _machine.Frames[_guest.Frame(8)].References);

        // Nor by giving it up as memory; what dom0 has there of its own goes.
        _dom0.WriteWords(List, 0x8000);
        _dom0.WriteWords(At, List, 1, 0, Self);
        Assert.Equal(0, _dom0.Hypercall(Memory, Decrease, At));
        Assert.Equal(0, MapForeign(GuestId, 8, 100));
        Assert.Equal(255UL, _dom0.Domain.Memory.Pages);
        Unmap(100);
        Unmap(0x8000);
        Assert.Equal(1, _machine.Frames[_guest.Frame(7)].References);
    }

    [Fact]
    public void OnlyMemoryOfAnotherDomainIsForeign()
    {
        Assert.Equal(0, MapForeign(GuestId, 7, 0x8000));
        _machine.AddDomain(5, pages: 16);
        Assert.Equal(NoProcess, MapForeign(9, 7, 0x8001));
        Assert.Equal(Perm, MapForeign(0, 7, 0x8001));
        Assert.Equal(Invalid, MapForeign(GuestId, 0x8000, 0x8001));
        Assert.Equal(Invalid, MapForeign(GuestId, ulong.MaxValue, 0x8001));
        Assert.Equal(NoEntry, MapForeign(GuestId, 8, 1UL << 40));
        Assert.Equal(1, _machine.Frames[_guest.Frame(8)].References);
    }

    [Fact]
    public void ABatchIsFlushedOnce()
    {
        _dom0.WriteWords(List, 7, 8, 9, 10);
        _dom0.WriteWords(List + 64, 100, 101, 102, 103);
        _dom0.WriteWords(At, (GuestIdBits << 48) | (4UL << 32) | (Foreign << 16) | Self, List, List + 64, Errors);
        int flushes = _dom0.P2m.Flushes;
        Assert.Equal(0, _dom0.Hypercall(Memory, AddBatch, At));
        Assert.Equal(flushes + 1, _dom0.P2m.Flushes);
        Assert.Equal(252UL, _dom0.Domain.Memory.Pages);
    }

    [Fact]
    public void ResourcesAreSharedPagesWithAReference()
    {
        Assert.Equal(0, AcquireGrantFrames(0, 0x7000, 0x7001));
        Mfn shared = _guest.Domain.Grants.SharedFrame(0);
        Assert.Equal(2, _machine.Frames[shared].References);
        Assert.Equal(0, AcquireGrantFrames(0, 0x7000));
        Assert.Equal(2, _machine.Frames[shared].References);
        Assert.Equal(Perm, AcquireGrantFrames(1, 0x7000));
        Assert.Equal(2, _machine.Frames[_guest.Domain.Grants.SharedFrame(1)].References);
        Assert.Equal(-5, AcquireGrantFrames(0, 0x7002, 0x7000));
        Unmap(0x7002);
        Unmap(0x7000);
        Assert.Equal(1, _machine.Frames[shared].References);

        // An acquired page gives way to foreign memory; the grant table keeps it.
        Assert.Equal(0, MapForeign(GuestId, 7, 0x7001));
        Assert.Equal(1, _machine.Frames[_guest.Domain.Grants.SharedFrame(1)].References);
    }

    [Fact]
    public void OtherResourcesAreNotThere()
    {
        _dom0.WriteWords(At, (1UL << 16) | GuestId, 0, 0, 0);
        _dom0.WriteWords(List, 0x7000);
        foreach ((ulong type, ulong id, long sized, long mapped) in new (ulong, ulong, long, long)[]
            { (0, 0, 0, NoEntry), (0, 0x10000, 0, Invalid), (2, 0, Invalid, Invalid), (9, 0, 0, NotSupported), (1, 2, Invalid, Invalid) })
        {
            _dom0.WriteWords(At, (id << 32) | (type << 16) | GuestId, 0, 0, 0);
            Assert.Equal(sized, _dom0.Hypercall(Memory, Acquire, At));
            _dom0.WriteWords(At, (id << 32) | (type << 16) | GuestId, 1, 0, List);
            Assert.Equal(mapped, _dom0.Hypercall(Memory, Acquire, At));
        }
    }

    [Fact]
    public void TheEndOfALargeDomainIsBounded()
    {
        _dom0.WriteWords(List, 0x40000);
        _dom0.WriteWords(At, List, 1, 18, GuestId);
        Assert.Equal(1, _dom0.Hypercall(Memory, Populate, At));
        Assert.Equal(0, MapForeign(GuestId, 0x40003, 0x8000));
        Assert.True(Destroy(_guest.Domain) > 100);
        Assert.Equal(1UL, _guest.Domain.Memory.Pages);
        Unmap(0x8000);
        Assert.Equal(0UL, _guest.Domain.Memory.Pages);
    }

    private const ulong GuestIdBits = GuestId;

    // The first turn only.
    private void BeginPopulate(ulong gfn, ulong order)
    {
        _dom0.WriteWords(List, gfn);
        _dom0.WriteWords(At, List, 1, order, GuestId);
        FakeVcpuContext context = _dom0.Context();
        (context.Rax, context.Rdi, context.Rsi) = (Memory, Populate, At);
        Assert.True(HypercallTable.Dispatch(_dom0.Vcpu()));
    }

    private void AssertOwn(Mfn frame)
    {
        ref FrameInfo info = ref _machine.Frames[frame];
        Assert.Equal((FrameState.Domain, GuestId, 1), (info.State, info.Owner, info.References));
    }

    private long MapForeign(ulong domain, ulong index, ulong gfn)
    {
        _dom0.WriteWords(List, index, gfn);
        _dom0.WriteWords(At, (domain << 48) | (1UL << 32) | (Foreign << 16) | Self, List, List + 8, Errors);
        Assert.Equal(0, _dom0.Hypercall(Memory, AddBatch, At));
        return _dom0.Read<int>(Errors);
    }

    private long AcquireGrantFrames(ulong first, params ulong[] gfns)
    {
        _dom0.WriteWords(List, gfns);
        _dom0.WriteWords(At, (1UL << 16) | GuestId, (ulong)gfns.Length, first, List);
        return _dom0.Hypercall(Memory, Acquire, At);
    }

    private void Unmap(ulong gfn)
    {
        _dom0.WriteWords(At, Self, gfn);
        Assert.Equal(0, _dom0.Hypercall(Memory, RemoveFromMap, At));
    }

    // How many turns it took.
    private int Destroy(Domain domain)
    {
        domain.IsDying = true;
        int turns = 0;
        bool done;
        do
        {
            var budget = new HypercallContinuation { Budget = HypercallContinuation.InitialBudget };
            done = Physmap.Destroy(domain, ref budget, _machine.Cpu());
            turns++;
        }
        while (!done);
        return turns;
    }

    // Afterwards nothing is missing but the shared-info page and the event channels' pages, which others take apart.
    private void DestroyGuest()
    {
        Destroy(_guest.Domain);
        Assert.Equal(0UL, _guest.Domain.Memory.Pages);
        Assert.Empty(_guest.P2m.Mappings);
        Assert.Equal(_free - _guest.Domain.Memory.OverheadPages - 1, _machine.Host.Allocator.FreePages);
    }
}
