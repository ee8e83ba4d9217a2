// SPDX-License-Identifier: MIT
// The end of a domain's memory (relinquish_memory of Xen). Called by the domain's destruction.

using XenSharp.Core.Hypercalls;
using XenSharp.Core.Memory;
using XenSharp.Edge;

namespace XenSharp.Core.Domains;

public static partial class Physmap
{
    // Frames that leave the map in one piece under the lock, and what they cost in units of the budget.
    private const int DestroyBatch = 64, DestroyCost = 100;

    /// <summary>
    /// Empties the map of a dying domain whose vCPUs have stopped: drops the domain's own reference to each of its pages, and those to foreign
    /// pages that it had mapped; then the pages that were not mapped. Pages that others still use remain theirs to drop. False: the budget is
    /// used up, call again. Mappings of grants are gone before. Cost: proportional to the pages of the domain and to the used parts of its
    /// address space, never to the machine's memory.
    /// </summary>
    public static bool Destroy(Domain domain, ref HypercallContinuation budget, Processor caller)
    {
        do
        {
            if (DestroySome(domain, caller))
                return true;
        }
        while (budget.Spend(DestroyCost));
        return false;
    }

    private static bool DestroySome(Domain domain, Processor caller)
    {
        System.Span<ulong> buffer = stackalloc ulong[DestroyBatch];
        using SpinLock.Guard guard = domain.Lock.Enter(caller);
        int limit = DestroyBatch;
        var released = new ReleasedFrames(domain, caller, buffer);
        while (domain.Memory.ReleaseSpan(ref limit, caller) && limit > 0 && domain.Memory.NextToRelease < domain.P2m.FrameLimit)
            ReleaseNext(domain, ref limit, ref released);
        released.Drain();
        return limit > 0 && domain.Memory.ReleaseUnmapped(ref limit, caller);
    }

    // The mapping, or the hole, at the cursor. A large page leaves the map as a whole; its frames are dropped piece by piece afterwards.
    private static void ReleaseNext(Domain domain, ref int limit, ref ReleasedFrames released)
    {
        var guestFrame = new Gfn(domain.Memory.NextToRelease);
        P2mEntry entry = domain.P2m.Lookup(guestFrame);
        limit--;
        ulong size = 1UL << entry.Order;
        domain.Memory.NextToRelease += size - (guestFrame.Value & (size - 1));
        if (entry.Type == P2mType.None)
            return;
        domain.P2m.Remove(guestFrame, entry.Order);
        if (entry.Type is not (P2mType.Ram or P2mType.RamReadOnly or P2mType.Foreign))
            return;
        if (entry.Order == 0)
        {
            released.Add(entry.Frame);
            return;
        }

        domain.P2m.Flush();
        domain.Memory.NoteSpan(entry.Frame, size);
    }
}
