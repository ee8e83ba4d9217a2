// SPDX-License-Identifier: MIT
// Populate-on-demand: XENMEM_set_pod_target and get_pod_target, marked memory, and who populates it when.

using System;
using XenSharp.Abi;
using XenSharp.Core.Domains;
using XenSharp.Core.Hypercalls;
using XenSharp.Edge;
using XenSharp.Testing;
using Xunit;
using static XenSharp.Tests.Unit.Hypercalls.HypercallGuest;

namespace XenSharp.Tests.Unit.Hypercalls;

public class OnDemandTests
{
    private const ulong At = 0x1000, List = 0x2000, Errors = 0x3000;
    private const ulong Decrease = 1, Populate = 6, AddBatch = 23, RemoveFromMap = 15, SetTarget = 16, GetTarget = 17;
    private const ulong OnDemandFlag = 1 << 16;
    private const ushort GuestId = 3;
    private readonly TestHost _machine = new(frames: 1 << 16);
    private readonly TestDomain _dom0;
    private readonly TestDomain _guest;
    private readonly ulong _free;

    public OnDemandTests()
    {
        _dom0 = _machine.AddDom0();
        _free = _machine.Host.Allocator.FreePages;
        _guest = _machine.AddDomain(GuestId, pages: 0);
        _guest.Domain.Memory.MaxPages = 1 << 14;
    }

    private OnDemandMemory Memory => _guest.Domain.OnDemand;

    [Fact]
    public void AGuestStartsWithLessThanItsMapShows()
    {
        Assert.Equal(0, Target(1100));
        Assert.Equal((1100UL, 1100UL, 0UL), Numbers());
        Mark(0, 9, 4);
        Assert.Equal((1100UL, 1100UL, 2048UL), Numbers());
        Assert.Equal(9, _guest.P2m.Lookup(new Gfn(700)).Order);
        Fault(600);
        Assert.Equal(9, _guest.P2m.Lookup(new Gfn(1023)).Order);
        Assert.Equal((1100UL, 588UL, 1536UL), Numbers());
        Fault(5);
        Assert.Equal((1100UL, 76UL, 1024UL), Numbers());

        // Only single pages are left.
        Fault(1500);
        Assert.Equal((1100UL, 75UL, 1023UL), Numbers());
        Assert.Equal(P2mType.OnDemand, _guest.P2m.Lookup(new Gfn(1499)).Type);
        Assert.True(_guest.Page(1500).IndexOfAnyExcept((byte)0) < 0);
        CheckEnd();
    }

    [Fact]
    public void AGigabyteIsMarkedInOnePieceAndComesApartByUse()
    {
        Target(1024);
        Mark(1UL << 18, 18);
        Assert.Equal(18, _guest.P2m.Lookup(new Gfn(1UL << 18)).Order);
        Assert.Equal(1UL << 18, Memory.Entries);
        Fault((1UL << 18) + 5000);
        Assert.Equal(P2mType.Ram, _guest.P2m.Lookup(new Gfn((1UL << 18) + 5000)).Type);
        Assert.Equal((1UL << 18) - 512, Memory.Entries);
        CheckEnd();
    }

    [Fact]
    public void TheTargetIsReachedInTurns()
    {
        _dom0.Write(At, new PopulateOnDemandTarget { TargetPages = 8192, DomainId = GuestId });
        Assert.Equal(0, _dom0.Hypercall(out int rounds, HypercallGuest.Memory, SetTarget, At));
        Assert.True(rounds > 50);
        Assert.Equal(8192UL, Memory.Kept);
        CheckEnd();
    }

    [Fact]
    public void ADomainMayEndAnywhereOnTheWay()
    {
        FakeVcpuContext context = _dom0.Context();
        _dom0.Write(At, new PopulateOnDemandTarget { TargetPages = 8192, DomainId = GuestId });
        (context.Rax, context.Rdi, context.Rsi) = (HypercallGuest.Memory, SetTarget, At);
        Assert.True(HypercallTable.Dispatch(_dom0.Vcpu()));
        CheckEnd();
    }

    [Fact]
    public void WhatTheGuestGivesBackUntouchedLowersTheDebt()
    {
        Target(600);
        Mark(0, 9, 2);
        Assert.Equal(1, Release(512, 9));
        Assert.Equal((512UL, 512UL, 512UL), Numbers(afterMore: 600 - 512));
        Assert.Equal(1, Release(3, 0));
        Assert.Equal((511UL, 511UL, 511UL), Numbers());
        CheckEnd();
    }

    [Fact]
    public void AUsedPageThatIsGivenBackIsKeptWhilePagesAreShort()
    {
        Target(100);
        Mark(0, 9);
        Fault(7);
        _guest.Page(7).Fill(1);
        Assert.Equal(1, Release(7, 0));
        Assert.Equal((100UL, 100UL, 511UL), Numbers());
        Fault(8);
        Assert.Equal(0, _guest.Page(8)[0]);
        CheckEnd();
    }

    [Fact]
    public void EmptyPagesComeBackAndFullOnesDoNot()
    {
        Target(40);
        Mark(0, 9);
        for (ulong gfn = 0; gfn < 40; gfn++)
        {
            Fault(gfn);
            _guest.Page(gfn)[4095] = (byte)(gfn % 4 == 3 ? 0 : 1);
        }

        for (ulong gfn = 100; gfn < 110; gfn++)
        {
            FaultUntilThere(gfn);
            _guest.Page(gfn)[2000] = 1;
        }

        Assert.Equal((40UL, 0UL, 472UL), Numbers());
        for (ulong gfn = 0; gfn < 40; gfn++)
            Assert.Equal(gfn % 4 == 3 ? P2mType.OnDemand : P2mType.Ram, _guest.P2m.Lookup(new Gfn(gfn)).Type);
        for (int i = 0; i < 50 && !_guest.Domain.IsCrashed; i++)
            Fault(200);
        Assert.True(_guest.Domain.IsCrashed);
        CheckEnd();
    }

    [Fact]
    public void APageThatOthersUseIsNotReclaimed()
    {
        Target(2);
        Mark(0, 9);
        Fault(5);
        Assert.Equal(0, MapForeign(5, 0x3000));
        ulong frame = _guest.Frame(5).Value;
        Fault(6);
        for (int i = 0; i < 8; i++)
            Fault(7 + (ulong)(i & 1));
        Assert.Equal(frame, _guest.Frame(5).Value);
        Assert.Equal(P2mType.Ram, _guest.P2m.Lookup(new Gfn(5)).Type);
    }

    [Fact]
    public void OthersPopulateByMapping()
    {
        Target(16);
        Mark(0, 9);
        Assert.Equal(0, MapForeign(9, 0x3000));
        Assert.Equal((_guest.P2m.Lookup(new Gfn(9)).Type, _guest.Frame(9).Value), (P2mType.Ram, _dom0.Frame(0x3000).Value));
        _dom0.WriteWords(At, GuestId, 10);
        Assert.Equal(0, _dom0.Hypercall(HypercallGuest.Memory, RemoveFromMap, At));
        Assert.Equal((16UL, 14UL, 510UL), Numbers());
    }

    [Fact]
    public void OthersPopulateByGrants()
    {
        Target(300);
        Mark(0, 9);
        Fault(1);
        _guest.ShowTable();
        _guest.Grant(9, 0, 30);
        _guest.Grant(10, 0, 31);
        Assert.Equal(GrantStatus.Okay, _dom0.Map(GuestId, 9, 0x3000).Status);
        Assert.Equal(_guest.Frame(30).Value, _dom0.Frame(0x3000).Value);
        _dom0.Write(At, new GrantTableCopy
        {
            Source = new GrantTableCopyPointer { U = 10, DomainId = GuestId },
            Destination = new GrantTableCopyPointer { U = 7, DomainId = DomainIds.Self },
            Length = 8,
            Flags = GrantCopyFlags.SourceGrantRef,
        });
        Assert.Equal(0, _dom0.Hypercall(Grants, 5, At, 1));
        Assert.Equal(GrantStatus.Okay, _dom0.Read<GrantTableCopy>(At).Status);
        Assert.Equal(P2mType.Ram, _guest.P2m.Lookup(new Gfn(31)).Type);
    }

    [Fact]
    public void AHypercallPopulatesWhatItReadsAndWrites()
    {
        Target(300);
        Mark(0, 9);
        Assert.Equal((4UL << 16) | 17, (ulong)_guest.Hypercall(HypercallGuest.Version, 0));
        Assert.Equal(0, _guest.Hypercall(HypercallGuest.Version, 1, 0x9ff8));
        Assert.Equal(P2mType.Ram, _guest.P2m.Lookup(new Gfn(9)).Type);
        Assert.Equal(P2mType.Ram, _guest.P2m.Lookup(new Gfn(10)).Type);
        Assert.Equal(510UL, Memory.Entries);
        Assert.Equal(Fault_, _guest.Hypercall(HypercallGuest.Version, 1, Unmapped));
    }

    [Fact]
    public void WhatIsPutThereOnPurposeLowersTheDebt()
    {
        Target(16);
        Mark(0, 9);
        _dom0.WriteWords(List, 0, 40);
        _dom0.WriteWords(At, List, 2, 3, GuestId);
        Assert.Equal(2, _dom0.Hypercall(HypercallGuest.Memory, Populate, At));
        Assert.Equal((32UL, 16UL, 496UL), Numbers());
        Assert.Equal(0, _dom0.Hypercall(HypercallGuest.Memory, Populate, MarkRequest(0, 0)));
        Assert.Equal(496UL, Memory.Entries);
        CheckEnd();
    }

    [Fact]
    public void RefusalsAreXens()
    {
        Assert.Equal(Invalid, Target((1 << 14) + 1));
        _dom0.Write(At, new PopulateOnDemandTarget { TargetPages = 1, DomainId = 77 });
        Assert.Equal(NoProcess, _dom0.Hypercall(HypercallGuest.Memory, SetTarget, At));
        _dom0.WriteWords(List, 0x5000);
        _dom0.WriteWords(At, List, 1, OnDemandFlag << 32, DomainIds.Self);
        Assert.Equal(0, _dom0.Hypercall(HypercallGuest.Memory, Populate, At));
        Assert.Equal(0, _dom0.Hypercall(HypercallGuest.Memory, Populate, MarkRequest(1UL << 40, 0)));
        Assert.Equal(0UL, Memory.Entries);

        // A domain that runs and owes nothing has no target.
        _guest.Domain.Memory.TryAllocateGuest(0, _machine.Cpu(), out _);
        Assert.Equal(0, Target(100));
        Assert.Equal((1UL, 0UL, 0UL), Numbers());
    }

    private const long Fault_ = HypercallGuest.Fault;

    private long Target(ulong pages)
    {
        _dom0.Write(At, new PopulateOnDemandTarget { TargetPages = pages, DomainId = GuestId });
        return _dom0.Hypercall(HypercallGuest.Memory, SetTarget, At);
    }

    // Pages, kept, entries; trimming of a large release goes on with the next ones.
    private (ulong Pages, ulong Kept, ulong Entries) Numbers(ulong afterMore = 0)
    {
        if (afterMore != 0)
            Memory.Trim((int)afterMore, _machine.Cpu());
        _dom0.Write(At, new PopulateOnDemandTarget { DomainId = GuestId });
        Assert.Equal(0, _dom0.Hypercall(HypercallGuest.Memory, GetTarget, At));
        var target = _dom0.Read<PopulateOnDemandTarget>(At);
        return (target.TotalPages, target.PopulateOnDemandCachePages, target.PopulateOnDemandEntries);
    }

    private ulong MarkRequest(ulong gfn, int order, int count = 1)
    {
        for (int i = 0; i < count; i++)
            _dom0.WriteWords(List + ((ulong)i * 8), gfn + ((ulong)i << order));
        _dom0.WriteWords(At, List, (ulong)count, (uint)order | (OnDemandFlag << 32), GuestId);
        return At;
    }

    private void Mark(ulong gfn, int order, int count = 1) =>
        Assert.Equal(count, _dom0.Hypercall(HypercallGuest.Memory, Populate, MarkRequest(gfn, order, count)));

    private long Release(ulong gfn, int order)
    {
        _dom0.WriteWords(List, gfn);
        _dom0.WriteWords(At, List, 1, (ulong)order, GuestId);
        return _dom0.Hypercall(HypercallGuest.Memory, Decrease, At);
    }

    private int MapForeign(ulong gfn, ulong at)
    {
        _dom0.WriteWords(List, gfn, at);
        _dom0.WriteWords(At, DomainIds.Self | (4UL << 16) | (1UL << 32) | ((ulong)GuestId << 48), List, List + 8, Errors);
        Assert.Equal(0, _dom0.Hypercall(HypercallGuest.Memory, AddBatch, At));
        return _dom0.Read<int>(Errors);
    }

    private void Fault(ulong gfn) => Memory.OnFault(new Gfn(gfn), _machine.Cpu());

    private void FaultUntilThere(ulong gfn)
    {
        for (int i = 0; i < 50 && !_guest.P2m.Lookup(new Gfn(gfn)).IsPresent; i++)
            Fault(gfn);
        Assert.True(_guest.P2m.Lookup(new Gfn(gfn)).IsPresent);
    }

    private void CheckEnd()
    {
        _guest.Domain.IsDying = true;
        HypercallContinuation budget = new() { Budget = 100 };
        while (!Physmap.Destroy(_guest.Domain, ref budget, _machine.Cpu()))
            budget.Budget = 100;
        Assert.Equal(0UL, _guest.Domain.Memory.Pages);
        Assert.DoesNotContain(_guest.P2m.Mappings, mapping => mapping.Entry.IsPresent);
        Assert.Equal(_free - _guest.Domain.Memory.OverheadPages - 1, _machine.Host.Allocator.FreePages);
    }
}
