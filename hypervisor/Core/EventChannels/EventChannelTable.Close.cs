// SPDX-License-Identifier: MIT
// Closing ports: one (EVTCHNOP_close), all of a live domain (EVTCHNOP_reset), all of a dying one.

using System.Threading;
using XenSharp.Abi;
using XenSharp.Core.Domains;
using XenSharp.Core.Hypercalls;
using XenSharp.Core.Vcpus;
using XenSharp.Edge;

namespace XenSharp.Core.EventChannels;

public sealed partial class EventChannelTable
{
    /// <summary>Closes a port for the guest: not one that the hypervisor uses.</summary>
    public long Close(uint port, Cpu caller) => Close(port, allowXen: false, caller);

    /// <summary>Closes a port that the hypervisor allocated with <see cref="AllocateForXen"/>.</summary>
    public void CloseForXen(uint port, Cpu caller) => Close(port, allowXen: true, caller);

    private long Close(uint port, bool allowXen, Cpu caller)
    {
        if (port >= ValidPorts)
            return -(long)Errno.Inval;
        Lock.Enter(caller);
        PortBinding binding = _ports[(int)port].Binding;
        if (binding.State == PortState.Interdomain && (allowXen || binding.Consumer == XenConsumer.None))
            return CloseInterdomain(port, binding, allowXen, caller);

        long result = CloseLocal(port, binding, allowXen);
        Lock.Exit(caller.Held);
        return result;
    }

    private long CloseLocal(uint port, PortBinding binding, bool allowXen)
    {
        if (binding.Consumer != XenConsumer.None && !allowXen)
            return -(long)Errno.Inval;
        switch (binding.State)
        {
            case PortState.Unbound:
            case PortState.Ipi:
                break;
            case PortState.Virq:
                uint holder = VirtualIrqKinds.IsGlobal(binding.Target) ? 0 : binding.Vcpu;
                Volatile.Write(ref Domain.Vcpus[(int)holder]!.VirqPorts[(int)binding.Target], 0);
                break;
            case PortState.Pirq:
                _pirqPorts[(int)binding.Target] = 0;
                break;
            default:
                return -(long)Errno.Inval;
        }

        Free(port);
        return 0;
    }

    // Entered with this domain's lock held, left with none.
    private long CloseInterdomain(uint port, PortBinding binding, bool allowXen, Cpu caller)
    {
        Domain? other = binding.RemoteDomain == Domain.Id ? Domain : Domain.Host.Domains.Find(binding.RemoteDomain);
        if (other == null)
        {
            // The other end was closed and its domain left the list; its close made this end unbound before that.
            Lock.Exit(caller.Held);
            return -(long)Errno.Inval;
        }

        EventChannelTable remote = other.EventChannels;
        if (Domain.Id < other.Id)
        {
            remote.Lock.Enter(caller);
        }
        else if (Domain.Id > other.Id)
        {
            Lock.Exit(caller.Held);
            remote.Lock.Enter(caller);
            Lock.Enter(caller);
        }

        PortBinding now = _ports[(int)port].Binding;
        long result;
        if (now.Consumer != XenConsumer.None && !allowXen)
        {
            result = -(long)Errno.Inval;
        }
        else if (now.State == PortState.Interdomain && now.RemoteDomain == other.Id)
        {
            uint remotePort = now.Target;
            Domain? subject = caller.Subject;
            NoteSubject(other, caller);
            PortBinding far = remote._ports[(int)remotePort].Binding;
            caller.Subject = subject;
            Free(port);
            remote._ports[(int)remotePort].Binding = new PortBinding(PortState.Unbound, far.Vcpu, 0, Domain.Id, far.Consumer);
            result = 0;
        }
        else if (now.State is PortState.Free or PortState.Interdomain)
        {
            // Closed, and perhaps bound anew, by another CPU while no lock was held.
            result = -(long)Errno.Inval;
        }
        else
        {
            // The other end was closed meanwhile, which leaves this one unbound; or the port was closed and bound to something else.
            result = CloseLocal(port, now, allowXen);
        }

        UnlockPair(this, remote, caller);
        return result;
    }

    /// <summary>
    /// EVTCHNOP_reset: closes all ports of the guest and goes back to the 2-level format. <see cref="Restart"/> when the budget is used up:
    /// call again with <paramref name="resuming"/>.
    /// </summary>
    public long Reset(Domain asking, bool resuming, ref HypercallContinuation budget, Cpu caller)
    {
        if (Domain != asking && Domain.ControllerPauseCount == 0)
            return -(long)Errno.Inval;

        uint port;
        using (Lock.Enter(caller))
        {
            port = resuming ? _nextToReset : _nextToReset == 0 ? 1u : 0u;
            if (port == 0)
                return -(long)Errno.Busy;
            if (port > _nextToReset)
                _nextToReset = port;
        }

        for (; port < ValidPorts && Volatile.Read(ref _active) > Volatile.Read(ref _xenBound); port++)
        {
            Close(port, caller);
            if ((port & 63) != 0 || budget.Spend(64))
                continue;
            using (Lock.Enter(caller))
                _nextToReset = port + 1;
            return Restart;
        }

        using (Lock.Enter(caller))
        {
            _nextToReset = 0;
            if (_active > _xenBound)
                return -(long)Errno.Again;
            if (IsFifo)
                DestroyFifo(caller);
        }

        return 0;
    }

    /// <summary>
    /// Closes everything of a dying domain (evtchn_destroy) from <paramref name="nextPort"/> on, which starts at 0; false when the budget is
    /// used up: call again with the same variable.
    /// </summary>
    public bool Destroy(ref uint nextPort, ref HypercallContinuation budget, Cpu caller)
    {
        for (; nextPort < ValidPorts; nextPort++)
        {
            CloseForXen(nextPort, caller);
            if ((nextPort & 63) == 63 && !budget.Spend(64))
            {
                nextPort++;
                return false;
            }
        }

        Domain.Host.VirtualIrqHandlers.Remove(Domain, caller);
        using SpinLock.Guard guard = Lock.Enter(caller);
        if (IsFifo)
            DestroyFifo(caller);
        return true;
    }
}
