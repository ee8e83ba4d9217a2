// SPDX-License-Identifier: MIT
// Binding ports (EVTCHNOP_alloc_unbound, bind_interdomain, bind_virq, bind_pirq, bind_ipi, bind_vcpu).
// Behaviour: xen/common/event_channel.c of Xen 4.17. Results are a port, 0 or -errno.

using System.Threading;
using XenSharp.Abi;
using XenSharp.Core.Domains;
using XenSharp.Core.Hypercalls;
using XenSharp.Core.Vcpus;
using XenSharp.Edge;

namespace XenSharp.Core.EventChannels;

public sealed partial class EventChannelTable
{
    /// <summary>
    /// A fresh port in this domain that <paramref name="remote"/> may bind to. The remote id is not checked: the domain may come later.
    /// </summary>
    public long AllocateUnbound(Domain asking, ushort remote, ref HypercallContinuation budget, Cpu caller)
    {
        using SpinLock.Guard guard = Lock.Enter(caller);
        long port = FindFreePort(ref budget);
        if (port < 0)
            return port;
        if (!EventChannelPermission.Allows(asking, Domain))
            return -(long)Errno.Perm;
        Bind((uint)port, new PortBinding(PortState.Unbound, 0, 0, remote));
        return port;
    }

    /// <summary>A port whose events the hypervisor receives: ioreq servers, memory events, the emulated console.</summary>
    public long AllocateForXen(uint notifiedVcpu, ushort remote, XenConsumer consumer, Cpu caller)
    {
        HypercallContinuation budget = default;
        budget.Budget = int.MaxValue;
        using SpinLock.Guard guard = Lock.Enter(caller);
        long port = FindFreePort(ref budget);
        if (port < 0)
            return port;
        Bind((uint)port, new PortBinding(PortState.Unbound, notifiedVcpu, 0, remote, consumer));
        _xenBound++;
        return port;
    }

    /// <summary>Connects a fresh port here with an unbound one of <paramref name="remote"/>.</summary>
    public long BindInterdomain(EventChannelTable remote, uint remotePort, ref HypercallContinuation budget, Cpu caller)
    {
        LockPair(this, remote, caller);
        long result = BindInterdomainLocked(remote, remotePort, ref budget, caller);
        UnlockPair(this, remote, caller);
        return result;
    }

    private long BindInterdomainLocked(EventChannelTable remote, uint remotePort, ref HypercallContinuation budget, Cpu caller)
    {
        long found = FindFreePort(ref budget);
        if (found < 0)
            return found;
        uint port = (uint)found;
        NoteSubject(remote.Domain, caller);
        PortBinding other = remote.BindingOf(remotePort);

        // The second test: looking for a port here may have found the very one that is to be the other end.
        if (other.State != PortState.Unbound || other.RemoteDomain != Domain.Id)
            return -(long)Errno.Inval;

        Bind(port, new PortBinding(PortState.Interdomain, 0, remotePort, remote.Domain.Id));
        remote._ports[(int)remotePort].Binding = new PortBinding(PortState.Interdomain, other.Vcpu, port, Domain.Id, other.Consumer);

        // Events sent to the unbound port were dropped: one now makes up for them.
        caller.Subject = null;
        RaisePort(port, 0, caller);
        return port;
    }

    public long BindVirq(uint virq, uint vcpuId, ref HypercallContinuation budget, Cpu caller)
    {
        if (virq >= VirtualIrqKinds.Count || (VirtualIrqKinds.IsGlobal(virq) && vcpuId != 0))
            return -(long)Errno.Inval;
        Vcpu? vcpu = Domain.FindVcpu(vcpuId);
        if (vcpu == null)
            return -(long)Errno.NoEnt;

        using SpinLock.Guard guard = Lock.Enter(caller);
        if (vcpu.VirqPorts[(int)virq] != 0)
            return -(long)Errno.Exist;
        long port = FindFreePort(ref budget);
        if (port < 0)
            return port;
        Bind((uint)port, new PortBinding(PortState.Virq, vcpuId, virq));
        Volatile.Write(ref vcpu.VirqPorts[(int)virq], (uint)port);
        return port;
    }

    public long BindIpi(uint vcpuId, ref HypercallContinuation budget, Cpu caller)
    {
        if (Domain.FindVcpu(vcpuId) == null)
            return -(long)Errno.NoEnt;
        using SpinLock.Guard guard = Lock.Enter(caller);
        long port = FindFreePort(ref budget);
        if (port < 0)
            return port;
        Bind((uint)port, new PortBinding(PortState.Ipi, vcpuId));
        return port;
    }

    /// <summary>
    /// A port for a PIRQ. As for every domain with hardware virtualisation, the binding is noted and no interrupt of the machine is taken
    /// over; without XENFEAT_hvm_pirqs nothing ever raises it.
    /// </summary>
    public long BindPirq(uint pirq, ref HypercallContinuation budget, Cpu caller)
    {
        if (pirq >= (uint)PirqCount)
            return -(long)Errno.Inval;
        using SpinLock.Guard guard = Lock.Enter(caller);
        if (_pirqPorts[(int)pirq] != 0)
            return -(long)Errno.Exist;
        long port = FindFreePort(ref budget);
        if (port < 0)
            return port;
        _pirqPorts[(int)pirq] = (uint)port;
        Bind((uint)port, new PortBinding(PortState.Pirq, 0, pirq));
        return port;
    }

    /// <summary>Chooses the vCPU that a port notifies; VIRQs of one vCPU and IPIs stay where they were bound.</summary>
    public long BindVcpu(uint port, uint vcpuId, Cpu caller)
    {
        if (Domain.FindVcpu(vcpuId) == null)
            return -(long)Errno.NoEnt;
        if (port >= ValidPorts)
            return -(long)Errno.Inval;

        using SpinLock.Guard guard = Lock.Enter(caller);
        ref EventChannel channel = ref _ports[(int)port];
        PortBinding binding = channel.Binding;
        if (binding.Consumer != XenConsumer.None)
            return -(long)Errno.Inval;
        switch (binding.State)
        {
            case PortState.Unbound:
            case PortState.Interdomain:
            case PortState.Pirq:
                break;
            case PortState.Virq when VirtualIrqKinds.IsGlobal(binding.Target):
                break;
            default:
                return -(long)Errno.Inval;
        }

        channel.Binding = binding.WithVcpu(vcpuId);
        return 0;
    }

    // What the control domain does to the other end of a port is about the domain that has it.
    private void NoteSubject(Domain other, Cpu caller)
    {
        if (Domain.IsPrivileged && other != Domain)
            caller.Subject = other;
    }

    private static void LockPair(EventChannelTable a, EventChannelTable b, Cpu caller)
    {
        EventChannelTable first = a.Domain.Id <= b.Domain.Id ? a : b;
        first.Lock.Enter(caller);
        if (a != b)
            (first == a ? b : a).Lock.Enter(caller);
    }

    private static void UnlockPair(EventChannelTable a, EventChannelTable b, Cpu caller)
    {
        if (a != b)
            b.Lock.Exit(caller.Held);
        a.Lock.Exit(caller.Held);
    }
}
