// SPDX-License-Identifier: MIT
// The granter's side of GNTTABOP_copy: whole pages, parts of pages and grants of grants, pinned for the time of a copy.

using XenSharp.Abi;
using XenSharp.Core.Domains;
using XenSharp.Core.Memory;
using XenSharp.Edge;

namespace XenSharp.Core.Grants;

/// <summary>What a pinned grant lets be copied. For a grant of a grant also the one behind it, which is pinned too.</summary>
internal struct CopyablePage
{
    public Mfn Frame;
    public int Start;
    public int Length;
    public Domain? Behind;
    public uint BehindReference;

    /// <summary>With <see cref="GrantStatus.Again"/>: the guest frame to be populated.</summary>
    public ulong Missing;
}

public sealed partial class GrantTable
{
    /// <summary>Pins an entry for a copy by <paramref name="user"/>, and takes a reference to its frame.</summary>
    internal GrantStatus PinForCopy(uint reference, ushort user, GrantAccess access, Processor caller, out CopyablePage page)
    {
        GrantStatus status = PinForCopy(reference, user, access, Domain.Host.Options.AllowsTransitiveGrants, caller, out page);
        if (status != GrantStatus.Okay || page.Behind == null)
            return status;

        // One step of indirection only, so this is not recursion. No two tables are locked at once.
        Domain behind = page.Behind;
        uint behindReference = page.BehindReference;
        status = behind.Grants.PinForCopy(behindReference, Domain.Id, access, false, caller, out page);
        page.Behind = behind;
        page.BehindReference = behindReference;
        if (status != GrantStatus.Okay)
            Unpin(reference, access, Mfn.Invalid, caller);
        return status;
    }

    /// <summary>Ends a copy's use.</summary>
    internal void UnpinCopy(uint reference, GrantAccess access, in CopyablePage page, Processor caller)
    {
        page.Behind?.Grants.Unpin(page.BehindReference, access, page.Frame, caller);
        Unpin(reference, access, page.Behind == null ? page.Frame : Mfn.Invalid, caller);
    }

    private GrantStatus PinForCopy(uint reference, ushort user, GrantAccess access, bool allowsTransitive, Processor caller, out CopyablePage page)
    {
        page = default;
        using SpinLock.Guard guard = Lock.Enter(caller);
        if (Domain.IsDying)
            return GrantStatus.BadDomain;
        if (!HasEntry(reference))
            return GrantStatus.BadGrantRef;
        ref ActiveGrant active = ref _active[(int)reference];
        bool isFirst = active.Pins == 0;
        if (!isFirst && (active.User != user || active.IsFull(access)))
            return GrantStatus.GeneralError;
        bool isMarked = !isFirst && (access == GrantAccess.Read || active.HasWriters);
        GrantStatus status = isMarked ? GrantStatus.Okay : MarkUsed(reference, user, access, isFirst, EntryUse.Copy);
        if (status != GrantStatus.Okay)
            return status;
        if (IsTransitive(reference))
            status = FindBehind(reference, in active, allowsTransitive, ref page);
        else if (isMarked)
            status = TakeKnownFrame(in active, ref page);
        else
            status = TakeGrantedRange(reference, in active, caller, ref page);
        if (status != GrantStatus.Okay)
        {
            MarkReleased(reference, in active, access);
            return status;
        }

        if (isFirst)
        {
            bool isWhole = page.Behind == null && page.Start == 0 && page.Length == FrameSize.Bytes && !IsSubPageEntry(reference);
            active = new ActiveGrant
            {
                Frame = page.Behind == null ? (uint)page.Frame.Value : ActiveGrant.NoFrame,
                User = user,
                Start = (ushort)page.Start,
                Length = (ushort)page.Length,
                IsSubPage = isWhole ? (ushort)0 : (ushort)1,
            };
            ActiveCount++;
        }

        active.Pins += ActiveGrant.OnePin(access);
        return GrantStatus.Okay;
    }

    private bool IsTransitive(uint reference) =>
        Version == 2 && (EntryHeader(reference) & (uint)GrantEntryFlags.TypeMask) == (uint)GrantEntryFlags.Transitive;

    private bool IsSubPageEntry(uint reference) => Version == 2 && (EntryHeader(reference) & (uint)GrantEntryFlags.SubPage) != 0;

    private uint EntryHeader(uint reference) => Domain.Host.Memory.Read32(EntryFrame(reference), EntryOffset(reference));

    // Who changes the kind of an entry in use gets an error; a grant in use as a page of its own does not become one of another's.
    private GrantStatus FindBehind(uint reference, in ActiveGrant active, bool allowsTransitive, ref CopyablePage page)
    {
        if (!allowsTransitive || (active.Pins != 0 && active.Frame != ActiveGrant.NoFrame))
            return GrantStatus.GeneralError;
        PhysicalMemory memory = Domain.Host.Memory;
        ushort granter = (ushort)memory.Read32(EntryFrame(reference), EntryOffset(reference) + 4);
        page.BehindReference = memory.Read32(EntryFrame(reference), EntryOffset(reference) + 8);
        page.Behind = granter == Domain.Id ? null : Domain.Host.Domains.Find(granter);
        return page.Behind == null ? GrantStatus.GeneralError : GrantStatus.Okay;
    }

    private GrantStatus TakeKnownFrame(in ActiveGrant active, ref CopyablePage page)
    {
        page.Frame = new Mfn(active.Frame);
        page.Start = active.Start;
        page.Length = active.Length;
        if (active.Frame == ActiveGrant.NoFrame)
            return GrantStatus.GeneralError;
        return TryTakeFrame(page.Frame) ? GrantStatus.Okay : GrantStatus.BadDomain;
    }

    private GrantStatus TakeGrantedRange(uint reference, in ActiveGrant active, Processor caller, ref CopyablePage page)
    {
        bool isSubPage = IsSubPageEntry(reference);
        page.Length = FrameSize.Bytes;
        if (isSubPage)
        {
            uint range = Domain.Host.Memory.Read32(EntryFrame(reference), EntryOffset(reference) + 4);
            page.Start = (ushort)range;
            page.Length = (int)(range >> 16);
        }

        ulong gfn = GrantedFrame(reference);
        if (!TryTakeGuestFrame(gfn, caller, out page.Frame))
        {
            page.Missing = gfn;
            return IsOnDemand(gfn) ? GrantStatus.Again : GrantStatus.BadPage;
        }

        if (active.Pins == 0)
            return GrantStatus.Okay;
        bool isSame = page.Frame.Value == active.Frame
            && (active.IsSubPage == 0 || (isSubPage && active.Start == page.Start && active.Length == page.Length));
        if (isSame)
            return GrantStatus.Okay;
        FrameReferences.Drop(Domain.Host, page.Frame, caller);
        return GrantStatus.GeneralError;
    }
}
