// SPDX-License-Identifier: MIT
// Takes a domain apart, a bounded piece at a time (XEN_DOMCTL_destroydomain; domain_kill of Xen).

using XenSharp.Abi;
using XenSharp.Core.EventChannels;
using XenSharp.Core.Hypercalls;
using XenSharp.Core.Vcpus;
using XenSharp.Edge;

namespace XenSharp.Core.Domains;

/// <summary>
/// The steps of <see cref="DestructionStep"/> in order, each of which goes on where the budget stopped it. Pages that look-ups without a lock
/// may still see stay until <see cref="DomainReaper"/> has waited for all CPUs.
/// </summary>
public static class DomainDestruction
{
    private const int TablesAtOnce = 64;

    /// <summary>Works until the domain is dead (true) or the budget is used up. The caller is not one of its vCPUs.</summary>
    public static bool Advance(Domain domain, ref HypercallContinuation budget, Cpu caller)
    {
        using SpinLock.Guard guard = domain.DestructionLock.Enter(caller);
        while (!domain.IsDead)
        {
            if (!Step(domain, ref budget, caller))
                return false;
        }

        return true;
    }

    // One step or the part of it that the budget allows; false: go on later.
    private static bool Step(Domain domain, ref HypercallContinuation budget, Cpu caller)
    {
        switch (domain.Destruction)
        {
            case DestructionStep.None:
                Begin(domain, caller);
                break;
            case DestructionStep.Vcpus:
                if (!RemoveVcpus(domain, ref budget, caller))
                    return false;
                break;
            case DestructionStep.EventChannels:
                if (!domain.EventChannels.Destroy(ref domain.NextPort, ref budget, caller))
                    return false;
                break;
            case DestructionStep.Grants:
                if (!domain.Grants.Destroy(ref budget, caller))
                    return false;
                break;
            case DestructionStep.Memory:
                if (!Physmap.Destroy(domain, ref budget, caller))
                    return false;
                break;
            case DestructionStep.Tables:
                if (!ReleaseTables(domain, ref budget, caller))
                    return false;
                break;
            case DestructionStep.SharedAreas:
                ForgetAreas(domain, caller);
                domain.Destruction = DestructionStep.Dead;
                GlobalVirtualIrq.Send(domain.Host, VirtualIrq.DomainException, caller);
                caller.Raise(PendingWork.Reap);
                return true;
        }

        domain.Destruction++;
        return true;
    }

    // From here on nobody gives the domain anything new: who does so looks at IsDying under the same lock.
    private static void Begin(Domain domain, Cpu caller)
    {
        domain.Host.Scheduler.PauseAndWait(domain, caller);
        using (domain.Lock.Enter(caller))
            domain.IsDying = true;
        // Who looked before under one of these locks is done with what it was giving.
        domain.Grants.Lock.Enter(caller).Dispose();
        domain.EventChannels.Lock.Enter(caller).Dispose();
        domain.Memory.Claim(0, caller);
        domain.StopTimers(caller);
    }

    private static bool RemoveVcpus(Domain domain, ref HypercallContinuation budget, Cpu caller)
    {
        const int cost = 5;
        while (domain.NextVcpu < domain.Settings.MaxVcpus)
        {
            Vcpu? vcpu = domain.Vcpus[domain.NextVcpu];
            domain.NextVcpu++;
            if (vcpu == null)
                continue;
            domain.Host.Scheduler.Remove(vcpu, caller);
            if (!budget.Spend(cost))
                return false;
        }

        return true;
    }

    private static bool ReleaseTables(Domain domain, ref HypercallContinuation budget, Cpu caller)
    {
        while (true)
        {
            using (domain.Lock.Enter(caller))
            {
                if (domain.P2m.ReleaseTables(TablesAtOnce))
                    return true;
            }

            if (!budget.Spend(TablesAtOnce))
                return false;
        }
    }

    private static void ForgetAreas(Domain domain, Cpu caller)
    {
        foreach (Vcpu? vcpu in domain.Vcpus)
        {
            if (vcpu != null)
                VcpuInfoArea.Unregister(vcpu, caller);
        }
    }
}
