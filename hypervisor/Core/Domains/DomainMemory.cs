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

    public override bool TryAllocate(out Mfn frame)
    {
        if (!domain.Host.Allocator.TryAllocate(0, out frame))
            return false;
        domain.Host.Memory.Clear(frame);
        OverheadPages++;
        return true;
    }

    public override void Free(Mfn frame)
    {
        OverheadPages--;
        domain.Host.Allocator.Free(frame, 0);
    }
}
