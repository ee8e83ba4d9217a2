// SPDX-License-Identifier: MIT
// What memory a domain has, and may have.

using System.Threading;
using XenSharp.Core.Memory;
using XenSharp.Edge;

namespace XenSharp.Core.Domains;

/// <summary>Counts and limits of a domain's pages. The domain lock guards what adds; pages are taken off without it, by whoever lets go last.</summary>
public sealed partial class DomainMemory(Domain domain) : FrameSource
{
    private long _pages;
    private long _overheadPages;

    /// <summary>Guest pages (tot_pages of Xen), those included that only others still map.</summary>
    public ulong Pages => (ulong)Volatile.Read(ref _pages);

    /// <summary>The limit on <see cref="Pages"/> (max_pages).</summary>
    public ulong MaxPages { get; set; } = domain.Settings.MaxPages;

    /// <summary>Pages of the hypervisor's tables that serve this domain: event channels, grant tables, p2m.</summary>
    public ulong OverheadPages => (ulong)Volatile.Read(ref _overheadPages);

    /// <summary>A zeroed page for a table of this domain.</summary>
    public override bool TryAllocate(out Mfn frame)
    {
        if (!domain.Host.Allocator.TryAllocate(0, domain.Host.CurrentProcessor, out frame))
            return false;
        domain.Host.Memory.Clear(frame);
        domain.Host.Frames[frame].Owner = domain.Id;
        Interlocked.Increment(ref _overheadPages);
        return true;
    }

    public override void Free(Mfn frame)
    {
        Interlocked.Decrement(ref _overheadPages);
        FrameReferences.Drop(domain.Host, frame, domain.Host.CurrentProcessor);
    }

    /// <summary>
    /// Takes a block of guest memory within the limit; the frames belong to the domain from now on, with one reference each.
    /// The content is undefined: the caller clears it unless the guest wrote it itself.
    /// </summary>
    public bool TryAllocateGuest(int order, Processor caller, out Mfn frame)
    {
        if (!TryTakeBlock(order, caller, out frame))
            return false;
        for (ulong i = 0; i < 1UL << order; i++)
            Assign(frame + i);
        return true;
    }

    /// <summary>Takes a block within the limit and charges it; its frames are not the domain's to see before <see cref="Assign"/>.</summary>
    public bool TryTakeBlock(int order, Processor caller, out Mfn frame)
    {
        ulong count = 1UL << order;
        frame = Mfn.Invalid;
        if (domain.IsDying || Pages + count > MaxPages)
            return false;
        ulong claim = ClaimedPages;
        if (!domain.Host.Allocator.TryAllocate(order, caller, ref claim, out frame))
            return false;
        ClaimedPages = claim;
        NoteTaken(count);
        return true;
    }

    /// <summary>Makes a frame of a block that was taken the domain's own.</summary>
    public void Assign(Mfn frame)
    {
        ref FrameInfo info = ref domain.Host.Frames[frame];
        info.Owner = domain.Id;
        info.References = 1;
        info.Order = 0;
        info.State = FrameState.Domain;
    }

    /// <summary>Guest pages have come to the domain.</summary>
    public void NoteTaken(ulong count) => Interlocked.Add(ref _pages, (long)count);

    /// <summary>The last references to guest pages are gone.</summary>
    public void NoteFreed(ulong count, Processor caller)
    {
        if (Interlocked.Add(ref _pages, -(long)count) == 0 && domain.IsDead)
            caller.Raise(PendingWork.Reap);
    }

    /// <summary>Frames promised to the domain and not yet allocated (XENMEM_claim_pages).</summary>
    public ulong ClaimedPages { get; private set; }

    /// <summary>Stakes, or with 0 withdraws, the domain's claim on free memory (domain_set_outstanding_pages of Xen).</summary>
    public long Claim(ulong pages, Processor caller)
    {
        using SpinLock.Guard guard = domain.Lock.Enter(caller);
        FrameAllocator allocator = domain.Host.Allocator;
        if (pages == 0)
        {
            allocator.Unclaim(ClaimedPages, caller);
            ClaimedPages = 0;
            return 0;
        }

        if (domain.IsDying || ClaimedPages != 0 || pages <= Pages || pages > System.Math.Min(MaxPages, uint.MaxValue))
            return Hypercalls.HypercallError.EINVAL;
        ulong claim = pages - Pages;
        if (!allocator.TryClaim(claim, caller))
            return Hypercalls.HypercallError.ENOMEM;
        ClaimedPages = claim;
        return 0;
    }
}
