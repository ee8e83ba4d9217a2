// SPDX-License-Identifier: MIT
// The granter's side of a use: the entry is checked, marked as in use and pinned; and back. Called with the granter's table by the
// operations of the domain that uses the grant.

using XenSharp.Abi;
using XenSharp.Core.Domains;
using XenSharp.Core.Memory;
using XenSharp.Edge;

namespace XenSharp.Core.Grants;

/// <summary>A page that a pin and a reference keep in place.</summary>
public readonly struct PinnedPage(Mfn frame, ulong gfn)
{
    public Mfn Frame { get; } = frame;

    /// <summary>Where the granter has it; <see cref="Domain.NoFrame"/> when that was not looked up.</summary>
    public ulong Gfn { get; } = gfn;
}

public sealed partial class GrantTable
{
    /// <summary>How often an entry is read again because the guest has changed it meanwhile.</summary>
    private const int Tries = 5;

    private const int ReadingBit = 3, WritingBit = 4;

    /// <summary>
    /// Pins an entry for a mapping by <paramref name="user"/>, and takes a reference to its frame. <see cref="GrantStatus.Again"/>, which no guest
    /// sees: the frame is to be populated first, under its domain's lock, which comes before this table's in the order.
    /// </summary>
    internal GrantStatus PinForMapping(uint reference, ushort user, GrantAccess access, Processor caller, out PinnedPage page)
    {
        page = default;
        using SpinLock.Guard guard = Lock.Enter(caller);
        if (Domain.IsDying)
            return GrantStatus.GeneralError;
        if (!HasEntry(reference))
            return GrantStatus.BadGrantRef;
        ref ActiveGrant active = ref _active[(int)reference];
        bool isFirst = active.Pins == 0;
        if (!isFirst && (active.User != user || active.IsFull(access) || active.IsSubPage != 0))
            return GrantStatus.GeneralError;
        if (isFirst || (access == GrantAccess.Write && !active.HasWriters))
        {
            GrantStatus status = MarkUsed(reference, user, access, isFirst, EntryUse.Mapping);
            if (status != GrantStatus.Okay)
                return status;
        }

        ulong gfn = Domain.NoFrame;
        Mfn frame = new(active.Frame);
        if (isFirst)
            gfn = GrantedFrame(reference);
        if (isFirst ? !TryTakeGuestFrame(gfn, caller, out frame) : !TryTakeFrame(frame))
        {
            MarkReleased(reference, active, access);
            page = new PinnedPage(Mfn.Invalid, gfn);
            return !isFirst ? GrantStatus.GeneralError : IsOnDemand(gfn) ? GrantStatus.Again : GrantStatus.BadPage;
        }

        if (isFirst)
        {
            active = new ActiveGrant { Frame = (uint)frame.Value, User = user, Length = FrameSize.Bytes };
            ActiveCount++;
        }

        active.Pins += ActiveGrant.OnePin(access);
        page = new PinnedPage(frame, gfn);
        return GrantStatus.Okay;
    }

    /// <summary>
    /// Ends a use and drops its reference to the frame (<see cref="Mfn.Invalid"/>: the use had none). In this order: a granter that sees the
    /// marks gone gets the page's memory back at once when it gives the page up.
    /// </summary>
    internal void Unpin(uint reference, GrantAccess access, Mfn frame, Processor caller)
    {
        using SpinLock.Guard guard = Lock.Enter(caller);
        if (frame.IsValid)
            FrameReferences.Drop(Domain.Host, frame, caller);
        ref ActiveGrant active = ref _active[(int)reference];
        active.Pins -= ActiveGrant.OnePin(access);
        MarkReleased(reference, active, access);
        if (active.Pins != 0)
            return;
        ActiveCount--;
        if (ActiveCount == 0 && Domain.IsDying)
            caller.Raise(PendingWork.Reap);
    }

    /// <summary>
    /// Takes a reference to what the domain has at a guest frame; false unless that is its own memory, or a page of the hypervisor's
    /// that it may see. Neither devices nor others' pages can be granted on.
    /// </summary>
    internal bool TryTakeGuestFrame(ulong gfn, Processor caller, out Mfn frame)
    {
        frame = Mfn.Invalid;
        if (gfn >= Domain.P2m.FrameLimit)
            return false;
        caller.BeginCopy();
        P2mEntry entry = Domain.P2m.Lookup(new Gfn(gfn));
        bool isTaken = entry.Type is not (P2mType.None or P2mType.Direct or P2mType.Foreign) && TryTakeFrame(entry.Frame);
        caller.EndCopy();
        if (isTaken)
            frame = entry.Frame;
        return isTaken;
    }

    internal bool IsOnDemand(ulong gfn) => gfn < Domain.P2m.FrameLimit && Domain.P2m.Lookup(new Gfn(gfn)).Type == P2mType.OnDemand;

    private enum EntryUse
    {
        Mapping,
        Copy,
    }

    private bool TryTakeFrame(Mfn frame) =>
        FrameReferences.TryTake(Domain.Host, frame, Domain.Id) || FrameReferences.TryTakeShared(Domain.Host, frame, Domain.Id);

    // The first frame is there from the start, as far as anybody can see.
    private bool HasEntry(uint reference) => reference < EntryCount || (FrameCount == 0 && Grow(1) && reference < EntryCount);

    private Mfn EntryFrame(uint reference) => _shared[(int)(Version == 1 ? reference / EntriesPerFrameV1 : reference / EntriesPerFrameV2)];

    private int EntryOffset(uint reference) =>
        Version == 1 ? (int)(reference % EntriesPerFrameV1) * 8 : (int)(reference % EntriesPerFrameV2) * 16;

    private ulong GrantedFrame(uint reference)
    {
        PhysicalMemory memory = Domain.Host.Memory;
        return Version == 1
            ? memory.Read32(EntryFrame(reference), EntryOffset(reference) + 4)
            : memory.Read64(EntryFrame(reference), EntryOffset(reference) + 8);
    }

    /// <summary>Sets GTF_reading and, to write, GTF_writing where the granter sees them, and makes sure that the entry still allows it.</summary>
    private GrantStatus MarkUsed(uint reference, ushort user, GrantAccess access, bool isFirst, EntryUse use) => Version == 1
        ? MarkUsedV1(EntryFrame(reference), EntryOffset(reference), user, access, isFirst, use)
        : MarkUsedV2(reference, user, access, isFirst, use);

    // One word holds flags and domain, so the marks and the check are one step.
    private GrantStatus MarkUsedV1(Mfn frame, int offset, ushort user, GrantAccess access, bool isFirst, EntryUse use)
    {
        PhysicalMemory memory = Domain.Host.Memory;
        uint entry = memory.Read32(frame, offset);
        for (int i = 0; i < Tries; i++)
        {
            if (isFirst && !IsFor(entry, user, use))
                return GrantStatus.GeneralError;
            if (access == GrantAccess.Write && (entry & (uint)GrantEntryFlags.ReadOnly) != 0)
                return GrantStatus.GeneralError;
            uint marks = (uint)(access == GrantAccess.Write ? GrantEntryFlags.Reading | GrantEntryFlags.Writing : GrantEntryFlags.Reading);
            uint found = memory.CompareExchange32(frame, offset, entry | marks, entry);
            if (found == entry)
                return GrantStatus.Okay;
            entry = found;
        }

        return GrantStatus.GeneralError;
    }

    // The marks are in another word: after setting them the entry is looked at again.
    private GrantStatus MarkUsedV2(uint reference, ushort user, GrantAccess access, bool isFirst, EntryUse use)
    {
        PhysicalMemory memory = Domain.Host.Memory;
        Mfn frame = EntryFrame(reference);
        int offset = EntryOffset(reference);
        if (!IsUsableV2(memory.Read32(frame, offset), user, access, isFirst, use))
            return GrantStatus.GeneralError;
        Mfn status = MarkFrame(reference);
        int bit = MarkBit(reference);
        memory.TestAndSetBit(status, bit + ReadingBit);
        if (access == GrantAccess.Write)
            memory.TestAndSetBit(status, bit + WritingBit);
        memory.Barrier();
        uint entry = memory.Read32(frame, offset);
        if (isFirst ? IsUsableV2(entry, user, access, isFirst, use) : (entry & (uint)GrantEntryFlags.ReadOnly) == 0)
            return GrantStatus.Okay;
        memory.TestAndClearBit(status, bit + WritingBit);
        if (isFirst)
            memory.TestAndClearBit(status, bit + ReadingBit);
        return GrantStatus.GeneralError;
    }

    private static bool IsUsableV2(uint entry, ushort user, GrantAccess access, bool isFirst, EntryUse use)
    {
        if (access == GrantAccess.Write && (entry & (uint)GrantEntryFlags.ReadOnly) != 0)
            return false;
        bool isTransitive = (entry & (uint)GrantEntryFlags.TypeMask) == (uint)GrantEntryFlags.Transitive;
        return !isFirst || IsFor(entry, user, use) || (use == EntryUse.Copy && isTransitive && entry >> 16 == user);
    }

    // A grant of part of a page is not one that can be mapped.
    private static bool IsFor(uint entry, ushort user, EntryUse use)
    {
        GrantEntryFlags mask = use == EntryUse.Mapping ? GrantEntryFlags.TypeMask | GrantEntryFlags.SubPage : GrantEntryFlags.TypeMask;
        return (entry & (uint)mask) == (uint)GrantEntryFlags.PermitAccess && entry >> 16 == user;
    }

    // Clears the marks that no pin needs any more.
    private void MarkReleased(uint reference, in ActiveGrant active, GrantAccess access)
    {
        PhysicalMemory memory = Domain.Host.Memory;
        Mfn frame = MarkFrame(reference);
        int bit = MarkBit(reference);
        if (access == GrantAccess.Write && !active.HasWriters)
            memory.TestAndClearBit(frame, bit + WritingBit);
        if (active.Pins == 0)
            memory.TestAndClearBit(frame, bit + ReadingBit);
    }

    private Mfn MarkFrame(uint reference) => Version == 1 ? EntryFrame(reference) : _status[(int)(reference / StatusPerFrame)];

    private int MarkBit(uint reference) => Version == 1 ? EntryOffset(reference) * 8 : (int)(reference % StatusPerFrame) * 16;
}
