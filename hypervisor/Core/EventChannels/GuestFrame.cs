// SPDX-License-Identifier: MIT
// Keeping a guest's frame while the hypervisor writes to it at any time (get_page_from_gfn and put_page of Xen).

using XenSharp.Core.Domains;
using XenSharp.Core.Memory;
using XenSharp.Edge;

namespace XenSharp.Core.EventChannels;

/// <summary>References on frames of the guest's own memory, dropped through <see cref="FrameReferences.Drop"/>. Take them before the event lock: the domain lock comes first in the order.</summary>
internal static class GuestFrame
{
    /// <summary>False unless the guest frame is ordinary, writable memory of the domain. The machine's frame 0 stands for "none".</summary>
    public static bool TryReference(Domain domain, ulong gfn, Cpu caller, out Mfn frame)
    {
        frame = Mfn.Invalid;
        if (gfn >= domain.P2m.FrameLimit)
            return false;
        using SpinLock.Guard guard = domain.Lock.Enter(caller);
        P2mEntry entry = domain.OnDemand.Lookup(new Gfn(gfn), caller);
        if (entry.Type != P2mType.Ram || entry.Frame.Value == 0 || !FrameReferences.TryTake(domain.Host, entry.Frame, domain.Id))
            return false;
        frame = entry.Frame;
        return true;
    }
}
