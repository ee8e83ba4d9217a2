// SPDX-License-Identifier: MIT
// GNTTABOP_map_grant_ref and _unmap_grant_ref between two domains.

using System;
using XenSharp.Abi;
using XenSharp.Core.Grants;
using XenSharp.Core.Hypercalls;
using XenSharp.Edge;
using XenSharp.Testing;
using Xunit;
using static XenSharp.Abi.GrantStatus;
using static XenSharp.Tests.Unit.Hypercalls.GrantGuest;

namespace XenSharp.Tests.Unit.Hypercalls;

public class GrantMapTests
{
    private const ulong Hole = 0x10_0000, Page = 100;
    private readonly TestHost _machine = new();
    private readonly TestDomain _dom0;
    private readonly TestDomain _guest;
    private readonly Mfn _frame;

    public GrantMapTests()
    {
        _dom0 = _machine.AddDom0();
        _guest = _machine.AddDomain(3);
        _guest.ShowTable();
        _frame = _guest.Frame(Page);
        _guest.Grant(8, 0, Page);
        _guest.Grant(9, 0, Page, Permit | ReadOnly);
    }

    [Fact]
    public void AMappingShowsThePageAndMarksTheEntry()
    {
        Assert.Equal((Okay, 0u), _dom0.Map(3, 8, Hole));
        P2mEntry entry = _dom0.P2m.Lookup(new Gfn(Hole));
        Assert.Equal((_frame.Value, P2mType.GrantWritable), (entry.Frame.Value, entry.Type));
        Assert.Equal((Permit | Reading | Writing, 2), (_guest.Flags(8), _machine.References(_frame)));
        _machine.IsConsistent(1);
        int flushes = _dom0.P2m.Flushes;
        Assert.Equal(Okay, _dom0.Unmap(0, Hole));
        Assert.False(_dom0.P2m.Lookup(new Gfn(Hole)).IsPresent);
        Assert.Equal((Permit, 1, flushes + 1), (_guest.Flags(8), _machine.References(_frame), _dom0.P2m.Flushes));
        _machine.IsConsistent(0);
        Assert.Equal(BadHandle, _dom0.Unmap(0, Hole));
    }

    [Fact]
    public void AReadOnlyMappingSetsReadingOnly()
    {
        Assert.Equal((Okay, 0u), _dom0.Map(3, 9, Hole, HostMap | MapReadOnly));
        Assert.Equal(P2mType.GrantReadOnly, _dom0.P2m.Lookup(new Gfn(Hole)).Type);
        Assert.Equal(Permit | ReadOnly | Reading, _guest.Flags(9));
        Assert.Equal(GeneralError, _dom0.Map(3, 9, Hole + 1).Status);
        Assert.Equal(Permit | ReadOnly | Reading, _guest.Flags(9));
        Assert.Equal(Okay, _dom0.Unmap(0, Hole));
        Assert.Equal(Permit | ReadOnly, _guest.Flags(9));
        _machine.IsConsistent(0);
    }

    [Fact]
    public void WritersAndReadersOfOneEntryAreCountedApart()
    {
        uint reader = _dom0.Map(3, 8, Hole, HostMap | MapReadOnly).Handle;
        Assert.Equal(Permit | Reading, _guest.Flags(8));
        uint writer = _dom0.Map(3, 8, Hole + 1).Handle;
        Assert.Equal((Permit | Reading | Writing, 3), (_guest.Flags(8), _machine.References(_frame)));
        _machine.IsConsistent(2);
        Assert.Equal(Okay, _dom0.Unmap(writer, Hole + 1));
        Assert.Equal(Permit | Reading, _guest.Flags(8));
        Assert.Equal(Okay, _dom0.Unmap(reader, Hole));
        Assert.Equal(Permit, _guest.Flags(8));
    }

    [Fact]
    public void WhatIsInUseCannotBeRevoked()
    {
        _dom0.Map(3, 8, Hole);
        _guest.Grant(8, 5, 101, 0);
        Assert.Equal((Okay, _frame.Value), (_dom0.Map(3, 8, Hole + 1).Status, _dom0.P2m.Lookup(new Gfn(Hole + 1)).Frame.Value));
        _guest.WriteWords(Arguments, 0x2000, 1, 0, DomainIds.Self);
        _guest.Write(0x2000, Page);
        Assert.Equal(1, _guest.Hypercall(HypercallGuest.Memory, 1, Arguments));
        Assert.Equal((2, _guest.Domain.Id), (_machine.References(_frame), _machine.Frames[_frame].Owner));
        Assert.Equal(255UL, _guest.Domain.Memory.Pages);
        _dom0.Unmap(0, Hole);
        _dom0.Unmap(1, Hole + 1);
        Assert.Equal((FrameState.Free, 254UL), (_machine.Frames[_frame].State, _guest.Domain.Memory.Pages));
    }

    [Theory]
    [InlineData(7, 8u, Hole, HostMap, BadDomain)]
    [InlineData(0x7ff0, 8u, Hole, HostMap, BadDomain)]
    [InlineData(3, 8u, Hole, 0u, BadGrantRef)]
    [InlineData(3, 8u, Hole, 8u, BadGrantRef)]
    [InlineData(3, 8u, Hole, 1u, GeneralError)]
    [InlineData(3, 8u, Hole, HostMap | 8u, GeneralError)]
    [InlineData(3, 8u, Hole, HostMap | 16u, GeneralError)]
    [InlineData(3, 8u, Hole, HostMap | 0x10000u, GeneralError)]
    [InlineData(3, 512u, Hole, HostMap, BadGrantRef)]
    [InlineData(3, 0x80000000u, Hole, HostMap, BadGrantRef)]
    [InlineData(3, 10u, Hole, HostMap, GeneralError)]
    [InlineData(3, 11u, Hole, HostMap, GeneralError)]
    [InlineData(3, 12u, Hole, HostMap, BadPage)]
    [InlineData(3, 13u, Hole, HostMap, BadPage)]
    [InlineData(3, 14u, Hole, HostMap, BadPage)]
    [InlineData(3, 15u, Hole, HostMap, GeneralError)]
    [InlineData(3, 16u, Hole, HostMap, GeneralError)]
    [InlineData(3, 17u, Hole, HostMap, BadPage)]
    [InlineData(3, 8u, 1UL << 28, HostMap, GeneralError)]
    [InlineData(3, 8u, 150UL, HostMap, GeneralError)]
    public void RefusalsLeaveNothing(int granter, uint reference, ulong gfn, uint flags, GrantStatus expected)
    {
        _guest.Grant(10, 0, Page, 0);
        _guest.Grant(11, 4, Page);
        _guest.Grant(12, 0, Hole);
        _guest.Grant(13, 0, 0xffff_ffff);
        _guest.P2m.Set(new Gfn(151), new Mfn(7), 0, P2mType.Direct);
        _guest.Grant(14, 0, 151);
        _guest.Grant(15, 0, Page, Permit | SubPage);
        _guest.Grant(16, 0, Page, Transitive);
        _dom0.ShowTable();
        _dom0.Grant(8, 3, 102);
        Assert.Equal(Okay, _guest.Map(0, 8, 152).Status);
        _guest.Grant(17, 0, 152); // another's page
        _dom0.P2m.Set(new Gfn(150), new Mfn(7), 0, P2mType.Direct);
        Assert.Equal(expected, _dom0.Map((ushort)granter, reference, gfn, flags).Status);
        if (reference < 512)
            Assert.Equal(0, _guest.Flags(reference) & (Reading | Writing));
        Assert.Equal(1, _machine.References(_frame));
        _machine.IsConsistent(1);
    }

    [Fact]
    public void AnUntouchedTableHasOneFrameOfEmptyEntries()
    {
        TestDomain fresh = _machine.AddDomain(5);
        Assert.Equal(GeneralError, _dom0.Map(5, 511, Hole).Status);
        Assert.Equal(BadGrantRef, _dom0.Map(5, 512, Hole).Status);
        Assert.Equal(1u, fresh.Domain.Grants.FrameCount);
    }

    [Fact]
    public void ADyingGranterGivesNothing()
    {
        _guest.Domain.IsDying = true;
        Assert.Equal(GeneralError, _dom0.Map(3, 8, Hole).Status);
        _machine.IsConsistent(0);
    }

    [Fact]
    public void AnotherGrantIsNotDisplacedAndOwnMemoryIs()
    {
        _dom0.Map(3, 8, Hole);
        Assert.Equal(GeneralError, _dom0.Map(3, 8, Hole).Status);
        Mfn own = _dom0.Frame(20);
        Assert.Equal(Okay, _dom0.Map(3, 8, 20).Status);
        Assert.Equal(_frame.Value, _dom0.Frame(20).Value);
        Assert.Equal((1, FrameState.Domain), (_machine.References(own), _machine.Frames[own].State));
        _machine.IsConsistent(2);
    }

    [Fact]
    public void AnOwnPageMovesToItsMapping()
    {
        _guest.Grant(20, 3, Page);
        Assert.Equal(Okay, _guest.Map(3, 20, Hole).Status);
        Assert.False(_guest.P2m.Lookup(new Gfn(Page)).IsPresent);
        Assert.Equal(P2mType.GrantWritable, _guest.P2m.Lookup(new Gfn(Hole)).Type);
        _machine.IsConsistent(1);
        Assert.Equal(Okay, _guest.Unmap(0, Hole));
        Assert.Equal(BadPage, _guest.Map(3, 20, Hole).Status);
        Assert.Equal(1, _machine.References(_frame));
    }

    [Fact]
    public void PagesOfTheHypervisorCanBeGranted()
    {
        Mfn table = _guest.Domain.Grants.SharedFrame(0);
        _guest.Grant(21, 0, Table);
        Assert.Equal(Okay, _dom0.Map(3, 21, Hole).Status);
        Assert.Equal((2, table.Value), (_machine.References(table), _dom0.Frame(Hole).Value));
        Assert.Equal(Okay, _dom0.Unmap(0, Hole));
        Assert.Equal(1, _machine.References(table));
    }

    [Theory]
    [InlineData(0u, Hole + 1, GeneralError), InlineData(0u, 20UL, GeneralError), InlineData(0u, 0UL, Okay)]
    [InlineData(1u, Hole, BadHandle), InlineData(255u, Hole, BadHandle), InlineData(256u, Hole, BadHandle), InlineData(uint.MaxValue, Hole, BadHandle)]
    public void HandlesAndAddressesAreChecked(uint handle, ulong gfn, GrantStatus expected)
    {
        _dom0.Map(3, 8, Hole);
        Assert.Equal(expected, _dom0.Unmap(handle, gfn));
        Assert.Equal(Permit | Reading | Writing, _guest.Flags(8));
        _machine.IsConsistent(1);
        Assert.Equal(Okay, _dom0.Unmap(0, Hole));
    }

    [Fact]
    public void HandlesAreUsedInTurn()
    {
        for (uint i = 0; i < 3; i++)
            Assert.Equal(GeneralError, _dom0.Map(3, 30, Hole).Status);
        Assert.Equal((Okay, 3u), _dom0.Map(3, 8, Hole));
        _dom0.Unmap(3, Hole);
        for (uint i = 4; i < 255; i++)
        {
            Assert.Equal((Okay, i), _dom0.Map(3, 8, Hole));
            Assert.Equal(Okay, _dom0.Unmap(i, Hole));
        }

        Assert.Equal((Okay, 255u), _dom0.Map(3, 8, Hole));
        Assert.Equal((Okay, 0u), _dom0.Map(3, 8, Hole + 1));
    }

    [Fact]
    public void TheLimitOfMappingsIsTheDomainsOwn()
    {
        TestDomain mapper = _machine.AddDomain(6, maxMaptrackFrames: 1);
        for (uint i = 0; i < 255; i++)
        {
            _guest.Grant(32 + (i / 64), 6, Page);
            Assert.Equal(Okay, mapper.Map(3, 32 + (i / 64), Hole + i).Status);
        }

        Assert.Equal(NoSpace, mapper.Map(3, 40, Hole + 300).Status);
        _machine.IsConsistent(255);
        Assert.Equal(Okay, mapper.Unmap(7, Hole + 7));
        Assert.Equal(NoSpace, _machine.AddDomain(7, maxMaptrackFrames: 0).Map(3, 8, Hole).Status);
    }

    [Fact]
    public void OneEntryIsMappedAtMost128TimesEachWay()
    {
        for (uint i = 0; i < 128; i++)
            Assert.Equal(Okay, _dom0.Map(3, 8, Hole + i).Status);
        Assert.Equal(GeneralError, _dom0.Map(3, 8, Hole + 128).Status);
        Assert.Equal(Okay, _dom0.Map(3, 8, Hole + 128, HostMap | MapReadOnly).Status);
        _machine.IsConsistent(129);
    }

    [Fact]
    public void BatchesFlushOncePerThirtyTwoAndContinue()
    {
        const int count = 100;
        for (uint i = 0; i < count; i++)
        {
            _guest.Grant(i + 8, 0, 40 + i);
            _dom0.Write(0x3000 + (i * 32), new GrantTableMapGrantRef { HostAddress = (Hole + i) << 12, Flags = GrantMapFlags.HostMap, Ref = i + 8, Domain = 3 });
        }

        int continuations = _dom0.Continuations;
        Assert.Equal(0, _dom0.Call(GrantTableOp.Call, 0, 0, 0x3000, count));
        Assert.NotEqual(continuations, _dom0.Continuations);
        _machine.IsConsistent(count);
        for (uint i = 0; i < count; i++)
        {
            uint handle = _dom0.Read<GrantTableMapGrantRef>(0x3000 + (i * 32)).Handle;
            _dom0.Write(0x5000 + (i * 24), new GrantTableUnmapGrantRef { HostAddress = (Hole + i) << 12, Handle = handle, Status = (GrantStatus)1 });
        }

        int flushes = _dom0.P2m.Flushes;
        Assert.Equal(0, _dom0.Call(GrantTableOp.Call, 0, 1, 0x5000, count));
        Assert.Equal(flushes + 4, _dom0.P2m.Flushes);
        for (uint i = 0; i < count; i++)
            Assert.Equal(Okay, _dom0.Read<GrantTableUnmapGrantRef>(0x5000 + (i * 24)).Status);
        _machine.IsConsistent(0);
    }

    [Fact]
    public void AHandleTwiceInABatchIsBadTheSecondTime()
    {
        _dom0.Map(3, 8, Hole);
        for (uint i = 0; i < 2; i++)
            _dom0.Write(0x3000 + (i * 24), new GrantTableUnmapGrantRef { HostAddress = Hole << 12, Handle = 0 });
        Assert.Equal(0, _dom0.Call(GrantTableOp.Call, 0, 1, 0x3000, 2));
        Assert.Equal((Okay, BadHandle), (_dom0.Read<GrantTableUnmapGrantRef>(0x3000).Status, _dom0.Read<GrantTableUnmapGrantRef>(0x3018).Status));
        _machine.IsConsistent(0);
    }

    [Fact]
    public void ABatchThatEndsOutsideMemoryKeepsWhatWasDone()
    {
        const ulong end = 256 << 12;
        for (uint i = 0; i < 2; i++)
            _dom0.Write(end - 64 + (i * 32), new GrantTableMapGrantRef { HostAddress = (Hole + i) << 12, Flags = GrantMapFlags.HostMap, Ref = 8, Domain = 3 });
        Assert.Equal(HypercallError.EFAULT, _dom0.Call(GrantTableOp.Call, 0, 0, end - 64, 3));
        _machine.IsConsistent(2);
        for (uint i = 0; i < 2; i++)
            _dom0.Write(end - 48 + (i * 24), new GrantTableUnmapGrantRef { HostAddress = (Hole + i) << 12, Handle = i });
        Assert.Equal(HypercallError.EFAULT, _dom0.Call(GrantTableOp.Call, 0, 1, end - 48, 3));
        _machine.IsConsistent(0);
    }

    [Fact]
    public void Version2KeepsTheMarksApart()
    {
        Assert.Equal(0, _guest.SetVersion(2));
        _guest.GrantV2(8, 0, Page);
        _guest.GrantV2(9, 0, Page, Permit | ReadOnly);
        _guest.GrantV2(10, 0, Page, Permit | SubPage);
        _guest.GrantV2(11, 0, 8, Transitive, 5);
        _guest.GrantV2(12, 0, Hole);
        Assert.Equal(Okay, _dom0.Map(3, 8, Hole).Status);
        Assert.Equal((Reading | Writing, Permit), (_guest.StatusV2(8), _guest.Read<ushort>((Table << 12) + 128)));
        Assert.Equal(GeneralError, _dom0.Map(3, 9, Hole + 1).Status);
        Assert.Equal(0, _guest.StatusV2(9));
        Assert.Equal(GeneralError, _dom0.Map(3, 10, Hole + 1).Status);
        Assert.Equal(GeneralError, _dom0.Map(3, 11, Hole + 1).Status);
        Assert.Equal(BadPage, _dom0.Map(3, 12, Hole + 1).Status);
        Assert.Equal(0, _guest.StatusV2(12));
        Assert.Equal(BadGrantRef, _dom0.Map(3, 256, Hole + 1).Status);
        Assert.Equal(HypercallError.EBUSY, _guest.SetVersion(1));
        Assert.Equal(Okay, _dom0.Unmap(_dom0.Domain.Grants.Mappings.Count - 1, Hole));
        Assert.Equal(0, _guest.StatusV2(8));
        _machine.IsConsistent(0);
    }

    [Fact]
    public void ReservedEntriesStayMappedWhenTheVersionChanges()
    {
        _guest.Grant(1, 0, Page);
        uint handle = _dom0.Map(3, 1, Hole).Handle;
        Assert.Equal(0, _guest.SetVersion(2));
        Assert.Equal(Reading | Writing, _guest.StatusV2(1));
        Assert.Equal(0, _guest.SetVersion(1));
        Assert.Equal(Permit | Reading | Writing, _guest.Flags(1));
        Assert.Equal(0, _guest.SetVersion(2));
        Assert.Equal(Okay, _dom0.Unmap(handle, Hole));
        Assert.Equal(0, _guest.StatusV2(1));
        _machine.IsConsistent(0);
    }

    [Fact]
    public void EntriesInUseAreNotSwapped()
    {
        _guest.WriteWords(Arguments, 8 | (10UL << 32), 0);
        Assert.Equal(0, _guest.Call(GrantTableOp.Call, 0, 11, Arguments, 1));
        Assert.Equal((Okay, 0, Permit), (_guest.Read<GrantStatus>(Arguments + 8), _guest.Flags(8), _guest.Flags(10)));
        _dom0.Map(3, 10, Hole);
        Assert.Equal(0, _guest.Call(GrantTableOp.Call, 0, 11, Arguments, 1));
        Assert.Equal(Again, _guest.Read<GrantStatus>(Arguments + 8));
    }

    [Fact]
    public void TheEndOfAMapperUndoesItsMappings()
    {
        for (uint i = 0; i < 70; i++)
            Assert.Equal(Okay, _dom0.Map(3, i % 2 == 0 ? 8u : 9u, Hole + i, HostMap | MapReadOnly).Status);
        _dom0.Domain.IsDying = true;
        HypercallContinuation budget = new() { Budget = 200 };
        Assert.False(_dom0.Domain.Grants.Destroy(ref budget, _machine.Cpu()));
        Assert.InRange(_machine.References(_frame), 2, 70);
        budget.Budget = 1_000_000;
        Assert.True(_dom0.Domain.Grants.Destroy(ref budget, _machine.Cpu()));
        _machine.IsConsistent(0);
        Assert.Equal((1, Permit, Permit | ReadOnly), (_machine.References(_frame), _guest.Flags(8), _guest.Flags(9)));
        Assert.False(_dom0.P2m.Lookup(new Gfn(Hole)).IsPresent);
    }

    [Fact]
    public void TheEndOfAGranterWaitsForItsMapper()
    {
        ulong before = _guest.Domain.Memory.OverheadPages;
        _dom0.Map(3, 8, Hole);
        _guest.Domain.IsDying = true;
        HypercallContinuation budget = new() { Budget = 1_000_000 };
        Assert.True(_guest.Domain.Grants.Destroy(ref budget, _machine.Cpu()));
        Assert.True(_guest.Domain.Grants.IsInUse);
        Assert.Equal(Okay, _dom0.Unmap(0, Hole));
        Assert.False(_guest.Domain.Grants.IsInUse);
        Assert.True(_guest.Domain.Grants.Destroy(ref budget, _machine.Cpu()));
        Assert.Equal((0u, false), (_guest.Domain.Grants.FrameCount, _guest.P2m.Lookup(new Gfn(Table)).IsPresent));
        Assert.Equal(before - 3, _guest.Domain.Memory.OverheadPages);
        Assert.Equal(GeneralError, _dom0.Map(3, 8, Hole).Status);
        Assert.Equal(0u, _guest.Domain.Grants.FrameCount);
    }

    [Fact]
    public void TheCheckerFindsWhatIsWrong()
    {
        _dom0.Map(3, 8, Hole);
        _dom0.P2m.Remove(new Gfn(Hole));
        Assert.NotEqual(0u, GrantCheck.Run(_machine.Host).Faults);
        _dom0.P2m.Set(new Gfn(Hole), _frame, 0, P2mType.GrantReadOnly);
        Assert.NotEqual(0u, GrantCheck.Run(_machine.Host).Faults);
        _dom0.P2m.Set(new Gfn(Hole), _frame, 0, P2mType.GrantWritable);
        _machine.IsConsistent(1);
        _machine.Frames[_frame].References = 0;
        Assert.NotEqual(0u, GrantCheck.Run(_machine.Host).Faults);
    }
}
