// SPDX-License-Identifier: MIT
// XEN_DOMCTL_soft_reset: a domain that has shut down gets its interfaces back as they were at its start, and keeps its memory (kexec).
// Behaviour: domain_soft_reset and arch_domain_soft_reset of Xen.

using XenSharp.Core.EventChannels;
using XenSharp.Core.Hypercalls;
using XenSharp.Core.Vcpus;
using XenSharp.Edge;

namespace XenSharp.Core.Domains;

/// <summary>Called by domctl, for another domain than the caller's.</summary>
public static class DomainReset
{
    /// <summary>0, an error, or <see cref="EventChannelTable.Restart"/>: call again with <paramref name="resuming"/>.</summary>
    public static long Run(Domain domain, Domain asking, bool resuming, ref HypercallContinuation budget, Cpu caller)
    {
        foreach (Vcpu? vcpu in domain.Vcpus)
        {
            if (vcpu != null && !vcpu.IsPausedForShutdown)
                return HypercallError.EINVAL;
        }

        long result = domain.EventChannels.Reset(asking, resuming, ref budget, caller);
        if (result != 0)
            return result;
        foreach (Vcpu? vcpu in domain.Vcpus)
        {
            if (vcpu == null)
                continue;
            vcpu.RunstateArea = 0;
            vcpu.TimeArea = 0;
            VcpuInfoArea.Unregister(vcpu, caller);
        }

        result = ReplaceSharedInfo(domain, caller);
        if (result == 0)
            domain.Resume(caller);
        else
            domain.Crash(caller);
        return result;
    }

    // Ordinary memory takes the place of the shared-info page, so that no hole is left when the guest maps it elsewhere.
    private static long ReplaceSharedInfo(Domain domain, Cpu caller)
    {
        using SpinLock.Guard guard = domain.Lock.Enter(caller);
        ulong gfn = domain.SharedInfoGfn;
        if (gfn == Domain.NoFrame)
            return 0;
        if (domain.IsDying)
            return HypercallError.EINVAL;
        if (!domain.Memory.TryAllocateGuest(0, caller, out Mfn frame))
            return HypercallError.ENOMEM;
        domain.Host.Memory.Clear(frame);
        long result = Physmap.Add(domain, new Gfn(gfn), frame, P2mType.Ram);
        domain.P2m.Flush();
        if (result != 0)
            Memory.FrameReferences.Drop(domain.Host, frame, caller);
        return result;
    }
}
