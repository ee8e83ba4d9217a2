// SPDX-License-Identifier: MIT
// Where the pages of a domain's nested page table come from.

using XenSharp.Edge;

namespace XenSharp.Core.Memory;

/// <summary>Zeroed pages for one domain's translation, counted, and limited for domains other than dom0 (XEN_DOMCTL_set_paging_mempool_size).</summary>
public sealed class PagingPool(Host host) : FrameSource
{
    public ulong Pages { get; private set; }

    public ulong MaxPages { get; set; } = ulong.MaxValue;

    public override bool TryAllocate(out Mfn frame)
    {
        if (Pages >= MaxPages || !host.Allocator.TryAllocate(0, host.CurrentProcessor, out frame))
        {
            frame = Mfn.Invalid;
            return false;
        }

        host.Memory.Clear(frame);
        Pages++;
        return true;
    }

    public override void Free(Mfn frame)
    {
        Pages--;
        host.Allocator.Free(frame, 0, host.CurrentProcessor);
    }
}
