// SPDX-License-Identifier: MIT
// What memory a domain has, and may have.

using XenSharp.Edge;

namespace XenSharp.Core.Domains;

/// <summary>Counts and limits of a domain's pages; the domain lock guards it.</summary>
public sealed class DomainMemory(Domain domain) : FrameSource
{
    /// <summary>Guest pages (tot_pages of Xen).</summary>
    public ulong Pages { get; set; }

    /// <summary>The limit on <see cref="Pages"/> (max_pages).</summary>
    public ulong MaxPages { get; set; } = domain.Settings.MaxPages;

    /// <summary>Pages of the hypervisor's tables that serve this domain: event channels, grant tables, p2m.</summary>
    public ulong OverheadPages { get; private set; }

    /// <summary>A zeroed page for a table of this domain.</summary>
    public override bool TryAllocate(out Mfn frame)
    {
        if (!domain.Host.Allocator.TryAllocate(0, domain.Host.CurrentProcessor, out frame))
            return false;
        domain.Host.Memory.Clear(frame);
        OverheadPages++;
        return true;
    }

    public override void Free(Mfn frame)
    {
        OverheadPages--;
        domain.Host.Allocator.Free(frame, 0, domain.Host.CurrentProcessor);
    }

    /// <summary>
    /// Takes a block of guest memory within the limit; the frames belong to the domain from now on, with one reference each.
    /// The content is undefined: the caller clears it unless the guest wrote it itself.
    /// </summary>
    public bool TryAllocateGuest(int order, Processor caller, out Mfn frame)
    {
        ulong count = 1UL << order;
        if (Pages + count > MaxPages || !domain.Host.Allocator.TryAllocate(order, caller, out frame))
        {
            frame = Mfn.Invalid;
            return false;
        }

        for (ulong i = 0; i < count; i++)
        {
            ref FrameInfo info = ref domain.Host.Frames[frame + i];
            info.State = FrameState.Domain;
            info.Owner = domain.Id;
            info.References = 1;
        }

        Pages += count;
        return true;
    }

    /// <summary>
    /// Drops one reference to a frame; the last one returns it to the machine. A frame that its guest gave up but somebody
    /// still maps stays allocated until then.
    /// </summary>
    public static void Release(Host host, Mfn frame, Processor caller)
    {
        ref FrameInfo info = ref host.Frames[frame];
        if (System.Threading.Interlocked.Decrement(ref info.References) != 0)
            return;
        Domain? owner = host.Domains.Find(info.Owner);
        if (owner != null && info.State == FrameState.Domain)
            owner.Memory.Pages--;
        host.Allocator.Free(frame, 0, caller);
    }

    /// <summary>Frames promised to the domain and not yet allocated (XENMEM_claim_pages).</summary>
    public ulong ClaimedPages { get; private set; }

    /// <summary>Stakes, or with 0 withdraws, the domain's claim on free memory (domain_set_outstanding_pages of Xen).</summary>
    public long Claim(ulong pages, Processor caller)
    {
        using SpinLock.Guard guard = domain.Lock.Enter(caller);
        Memory.FrameAllocator allocator = domain.Host.Allocator;
        if (pages == 0)
        {
            allocator.OutstandingClaims -= ClaimedPages;
            ClaimedPages = 0;
            return 0;
        }

        if (ClaimedPages != 0 || pages <= Pages || pages > System.Math.Min(MaxPages, uint.MaxValue))
            return Hypercalls.HypercallError.EINVAL;
        ulong claim = pages - Pages;
        if (claim > allocator.FreePages - allocator.OutstandingClaims)
            return Hypercalls.HypercallError.ENOMEM;
        ClaimedPages = claim;
        allocator.OutstandingClaims += claim;
        return 0;
    }
}
