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
public static class Physmap
{
    private const int LargeOrder = 9;

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

    /// <summary>Notes that a page of the hypervisor's is no longer to be seen at a guest frame.</summary>
    private static void Forget(Domain domain, Gfn guestFrame)
    {
        if (domain.SharedInfoGfn == guestFrame.Value)
            domain.SharedInfoGfn = Domain.NoFrame;
        else
            domain.Grants.ForgetMapping(guestFrame.Value);
    }

    /// <summary>
    /// Maps 2^order frames at a guest frame. Memory that the guest had there stays charged to it, unmapped, until its end, as in Xen;
    /// grants, foreign pages and devices are not displaced: -EPERM.
    /// </summary>
    public static long Add(Domain domain, Gfn guestFrame, Mfn frame, int order, P2mType type)
    {
        ulong count = 1UL << order;
        if (guestFrame.Value >= domain.P2m.FrameLimit || count > domain.P2m.FrameLimit - guestFrame.Value)
            return HypercallError.ENOENT;
        for (ulong i = 0; i < count; i++)
        {
            P2mEntry old = domain.P2m.Lookup(guestFrame + i);
            if (old.IsPresent && old.Frame != frame + i)
            {
                if (old.Type is P2mType.Direct or P2mType.GrantWritable or P2mType.GrantReadOnly or P2mType.Foreign)
                    return HypercallError.EPERM;
                if (old.Type == P2mType.Shared)
                    Forget(domain, guestFrame + i);
            }
            else if (!old.IsPresent && old.Order > 0)
            {
                i |= (1UL << old.Order) - 1;
            }
        }

        for (ulong i = 0; i < count;)
        {
            bool large = order >= LargeOrder && (((guestFrame.Value + i) | (frame.Value + i)) & ((1UL << LargeOrder) - 1)) == 0;
            int step = large ? LargeOrder : 0;
            if (!domain.P2m.Set(guestFrame + i, frame + i, step, type))
                return HypercallError.ENOMEM;
            i += 1UL << step;
        }

        if (guestFrame.Value + count > domain.HighestGfn)
            domain.HighestGfn = guestFrame.Value + count;
        return 0;
    }
}

/// <summary>Frames that have left a domain's map and wait for the flush after which they may be given to somebody else.</summary>
public ref struct ReleasedFrames(Domain domain, Processor caller, System.Span<ulong> frames)
{
    public const int Capacity = 32;

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
            FrameReferences.Drop(domain.Host, new Mfn(_frames[i]), caller);
        _count = 0;
    }
}
