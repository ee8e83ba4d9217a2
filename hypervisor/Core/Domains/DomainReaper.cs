// SPDX-License-Identifier: MIT
// The last of a domain: when it is dead and nobody maps its pages any more, it leaves the list, and when no CPU can see it any more its
// objects and the pages behind them are given back (complete_domain_destroy of Xen). Runs from the CPUs' loops, between entries.

using XenSharp.Abi;
using XenSharp.Core.EventChannels;
using XenSharp.Core.Vcpus;
using XenSharp.Edge;

namespace XenSharp.Core.Domains;

/// <summary>Asked by <see cref="PendingWork.Reap"/>, and again after each grace period.</summary>
public sealed class DomainReaper(Host host)
{
    private readonly SpinLock _lock = new(LockScope.Host);
    private Domain? _unlinked;

    /// <summary>Does what can be done now.</summary>
    public void Run(Cpu caller)
    {
        while (TakeReachable(caller) is { } dead)
            Unlink(dead, caller);
        while (TakeUnreachable(caller) is { } gone)
            Finish(gone, caller);
    }

    // A dead domain whose pages have all come back; the caller alone has it from then on.
    private Domain? TakeReachable(Cpu caller)
    {
        using SpinLock.Guard guard = _lock.Enter(caller);
        for (Domain? domain = host.Domains.NextFrom(0); domain != null; domain = domain.NextById)
        {
            if (domain.Destruction != DestructionStep.Dead || domain.Memory.Pages != 0 || domain.Grants.IsInUse)
                continue;
            domain.Destruction = DestructionStep.Unlinked;
            return domain;
        }

        return null;
    }

    private void Unlink(Domain domain, Cpu caller)
    {
        using (host.Domains.Lock.Enter(caller))
            host.Domains.Remove(domain);
        Wait(domain, caller);
    }

    private void Wait(Domain domain, Cpu caller)
    {
        using (_lock.Enter(caller))
        {
            domain.NextToReap = _unlinked;
            _unlinked = domain;
            domain.LastPeriod = host.GracePeriods.Begin(caller);
        }
    }

    private Domain? TakeUnreachable(Cpu caller)
    {
        using SpinLock.Guard guard = _lock.Enter(caller);
        Domain? before = null;
        for (Domain? domain = _unlinked; domain != null; before = domain, domain = domain.NextToReap)
        {
            if (!host.GracePeriods.HasPassed(domain.LastPeriod))
                continue;
            if (before == null)
                _unlinked = domain.NextToReap;
            else
                before.NextToReap = domain.NextToReap;
            return domain;
        }

        return null;
    }

    private void Finish(Domain domain, Cpu caller)
    {
        // A timer that was expiring when the vCPUs were stopped may have armed itself again; its entry is over now, so this is the last time.
        if (domain.StopTimers(caller))
        {
            Wait(domain, caller);
            return;
        }

        domain.EventChannels.Release();
        domain.Grants.Release();
        domain.Memory.Free(domain.SharedInfo);
        domain.P2m.Release();
        for (int i = 0; i < domain.Settings.MaxVcpus; i++)
        {
            if (domain.Vcpus[i] is not { } vcpu)
                continue;
            host.Guests.Release(vcpu.Context, caller);
            host.Regions.Recycle(vcpu.Region, caller);
        }

        host.Regions.Recycle(domain.Region, caller);
        GlobalVirtualIrq.Send(host, VirtualIrq.DomainException, caller);
    }
}
