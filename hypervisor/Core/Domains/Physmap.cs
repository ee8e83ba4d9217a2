// SPDX-License-Identifier: MIT
// Putting pages into a domain's physical address space and taking them out. Called by memory_op and the grant table, under the
// domain's lock.

using XenSharp.Core.Hypercalls;
using XenSharp.Core.Memory;
using XenSharp.Edge;

namespace XenSharp.Core.Domains;

/// <summary>
/// Removed pages are handed to a <see cref="ReleasedFrames"/>, which gives them back only after stale translations are gone.
/// </summary>
public static partial class Physmap
{
    private const int LargeOrder = 9, HugeOrder = 18;

    /// <summary>Removes what the domain has at a guest frame, as guest_remove_page of Xen does; 0 or an error.</summary>
    public static long RemovePage(Domain domain, Gfn guestFrame, ref ReleasedFrames released)
    {
        if (guestFrame.Value >= domain.P2m.FrameLimit)
            return HypercallError.ENOENT;
        P2mEntry entry = domain.P2m.Lookup(guestFrame);
        switch (entry.Type)
        {
            case P2mType.None:
                return HypercallError.ENOENT;
            case P2mType.OnDemand:
                if (!domain.P2m.Remove(guestFrame))
                    return HypercallError.ENOMEM;
                domain.OnDemand.NoteUnmarked(1);
                return 0;
            case P2mType.Direct:
                return HypercallError.EPERM;
            case P2mType.Shared:
                return Unhook(domain, guestFrame);
            case P2mType.Ram:
            case P2mType.RamReadOnly:
                if (!domain.P2m.Remove(guestFrame))
                    return HypercallError.ENOMEM;
                // A direct-mapped domain keeps its frames: the same ones must come back when it populates again.
                if (!domain.IsDirectMapped)
                    released.Add(entry.Frame);
                return 0;
            default:
                return HypercallError.ENXIO;
        }
    }

    /// <summary>Takes a page of the hypervisor's out of the guest's sight; the page itself stays.</summary>
    public static long Unhook(Domain domain, Gfn guestFrame)
    {
        if (!domain.P2m.Remove(guestFrame))
            return HypercallError.ENOMEM;
        Forget(domain, guestFrame);
        return 0;
    }

    /// <summary>Notes that a page of the hypervisor's is to be seen somewhere else now.</summary>
    public static void NoteMoved(Domain domain, Gfn from, Gfn to)
    {
        if (domain.SharedInfoGfn == from.Value)
            domain.SharedInfoGfn = to.Value;
        else
            domain.Grants.MoveMapping(from.Value, to.Value);
    }

    /// <summary>Notes that a page of the hypervisor's is no longer to be seen at a guest frame.</summary>
    private static void Forget(Domain domain, Gfn guestFrame)
    {
        if (domain.SharedInfoGfn == guestFrame.Value)
            domain.SharedInfoGfn = Domain.NoFrame;
        else
            domain.Grants.ForgetMapping(guestFrame.Value);
    }

    /// <summary>
    /// Makes room at a guest frame for a page that is put there on purpose: memory is given up, a page of the hypervisor's (this domain's or,
    /// mapped by acquire_resource, another's) only leaves the guest's sight. Grants, devices and foreign memory stay: -ENXIO, -EPERM.
    /// </summary>
    public static long Displace(Domain domain, Gfn guestFrame, ref ReleasedFrames released)
    {
        P2mEntry previous = domain.P2m.Lookup(guestFrame);
        if (!previous.IsPresent)
            return 0;
        if (previous.Type != P2mType.Foreign || domain.Host.Frames[previous.Frame].State == FrameState.Domain)
            return RemovePage(domain, guestFrame, ref released);
        if (!domain.P2m.Remove(guestFrame))
            return HypercallError.ENOMEM;
        released.Add(previous.Frame);
        return 0;
    }

    /// <summary>
    /// Maps one page. Memory that the guest had there stays charged to it, unmapped, until its end, as in Xen; grants, foreign pages and
    /// devices are not displaced: -EPERM.
    /// </summary>
    public static long Add(Domain domain, Gfn guestFrame, Mfn frame, P2mType type)
    {
        ulong done = 0;
        return AddPages(domain, guestFrame, frame, ref done, 1, type);
    }

    /// <summary>
    /// Maps the frames from <paramref name="done"/> to <paramref name="end"/> of a block in the largest pages that fit, and counts them in
    /// <paramref name="done"/>; an error leaves the rest unmapped. Work is that of at most 512 pages, or of one page of 1 GiB: 0 and
    /// <paramref name="done"/> below <paramref name="end"/> asks for another call.
    /// </summary>
    public static long AddPages(Domain domain, Gfn guestFrame, Mfn frame, ref ulong done, ulong end, P2mType type)
    {
        P2m p2m = domain.P2m;
        if (guestFrame.Value >= p2m.FrameLimit || end > p2m.FrameLimit - guestFrame.Value)
            return HypercallError.ENOENT;
        bool hasReplaced = false;
        long result = 0;
        ulong start = done;
        while (done < end && done - start < 1UL << LargeOrder && result == 0)
        {
            P2mEntry old = p2m.Lookup(guestFrame + done);
            int order = OrderAt(guestFrame + done, frame + done, end - done, in old);
            if (order == LargeOrder && done != start)
                break;
            ulong marked = 0;
            if (old.Type != P2mType.None || order > old.Order)
                result = DisplaceMemory(domain, guestFrame + done, frame + done, order, ref hasReplaced, out marked);
            if (result == 0 && !p2m.Set(guestFrame + done, frame + done, order, type))
                result = HypercallError.ENOMEM;
            if (result != 0)
                break;
            done += 1UL << order;
            if (marked != 0)
                domain.OnDemand.NoteUnmarked(marked);
        }

        if (guestFrame.Value + done > domain.HighestGfn)
            domain.HighestGfn = guestFrame.Value + done;
        if (hasReplaced)
            p2m.Flush();
        return result;
    }

    // The largest page size for the place, of 1 GiB only into a hole.
    private static int OrderAt(Gfn guestFrame, Mfn frame, ulong count, in P2mEntry old)
    {
        for (int order = HugeOrder; order > 0 && count > 1; order -= LargeOrder)
        {
            bool isAligned = ((guestFrame.Value | frame.Value) & ((1UL << order) - 1)) == 0;
            if (isAligned && count >= 1UL << order && (order == LargeOrder || (old.Type == P2mType.None && old.Order >= order)))
                return order;
        }

        return 0;
    }

    // What is mapped where a page is going to be, and how many frames there are marked for later; nothing changes on an error.
    private static long DisplaceMemory(Domain domain, Gfn guestFrame, Mfn frame, int order, ref bool hasReplaced, out ulong marked)
    {
        marked = 0;
        for (ulong i = 0; i < 1UL << order;)
        {
            P2mEntry old = domain.P2m.Lookup(guestFrame + i);
            if (old.Type is P2mType.Direct or P2mType.GrantWritable or P2mType.GrantReadOnly or P2mType.Foreign)
                return HypercallError.EPERM;
            i += old.IsPresent ? 1 : 1UL << old.Order;
        }

        for (ulong i = 0; i < 1UL << order;)
        {
            P2mEntry old = domain.P2m.Lookup(guestFrame + i);
            if (!old.IsPresent)
            {
                ulong step = System.Math.Min(1UL << old.Order, (1UL << order) - i);
                marked += old.Type == P2mType.OnDemand ? step : 0;
                i += step;
                continue;
            }

            if (old.Frame != frame + i)
            {
                hasReplaced = true;
                if (old.Type == P2mType.Shared)
                    Forget(domain, guestFrame + i);
                else if (!domain.IsDirectMapped)
                    domain.Memory.NoteDisplaced(old.Frame);
            }

            i++;
        }

        return 0;
    }
}

/// <summary>Frames that have left a domain's map and wait for the flush after which they may be given to somebody else.</summary>
public ref struct ReleasedFrames(Domain domain, Processor caller, System.Span<ulong> frames)
{
    public const int Capacity = 32;

    /// <summary>Whether the domain may keep them for memory that it populates on demand; its lock is held to the end then.</summary>
    public bool MayKeep { get; init; }

    private readonly System.Span<ulong> _frames = frames;
    private int _count;

    public void Add(Mfn frame)
    {
        _frames[_count++] = frame.Value;
        if (_count == _frames.Length)
            Drain();
    }

    /// <summary>Flushes once and drops the domain's reference to each frame.</summary>
    public void Drain()
    {
        if (_count == 0)
            return;
        domain.P2m.Flush();
        for (int i = 0; i < _count; i++)
        {
            if (!MayKeep || !domain.OnDemand.TryKeep(new Mfn(_frames[i])))
                FrameReferences.Drop(domain.Host, new Mfn(_frames[i]), caller);
        }

        _count = 0;
    }
}
