// SPDX-License-Identifier: MIT
// Keeping a guest's frame while the hypervisor writes to it at any time (get_page_from_gfn and put_page of Xen).

using System.Threading;
using XenSharp.Core.Domains;
using XenSharp.Edge;

namespace XenSharp.Core.EventChannels;

/// <summary>References on frames of the guest's own memory. Take them before the event lock: the domain lock comes first in the order.</summary>
internal static class GuestFrame
{
    /// <summary>False unless the guest frame is ordinary, writable memory of the domain. The machine's frame 0 stands for "none".</summary>
    public static bool TryReference(Domain domain, ulong gfn, Cpu caller, out Mfn frame)
    {
        frame = Mfn.Invalid;
        if (gfn >= domain.P2m.FrameLimit)
            return false;
        using SpinLock.Guard guard = domain.Lock.Enter(caller);
        P2mEntry entry = domain.P2m.Lookup(new Gfn(gfn));
        if (entry.Type != P2mType.Ram || entry.Frame.Value == 0 || entry.Frame.Value >= domain.Host.Frames.FrameLimit)
            return false;
        ref FrameInfo info = ref domain.Host.Frames[entry.Frame];
        if (info.State != FrameState.Domain || info.Owner != domain.Id || info.References <= 0)
            return false;
        Interlocked.Increment(ref info.References);
        frame = entry.Frame;
        return true;
    }

    public static void Release(Host host, Mfn frame, Cpu caller) => DomainMemory.Release(host, frame, caller);
}
