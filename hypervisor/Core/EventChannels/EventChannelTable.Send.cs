// SPDX-License-Identifier: MIT
// Delivering events. No lock is taken here; the FIFO format takes those of the vCPU's queues.

using XenSharp.Abi;
using XenSharp.Core.Domains;
using XenSharp.Core.Vcpus;
using XenSharp.Edge;

namespace XenSharp.Core.EventChannels;

public sealed partial class EventChannelTable
{
    /// <summary>EVTCHNOP_send by this domain on its port.</summary>
    public long SendLocal(uint port, Cpu caller)
    {
        PortBinding binding = BindingOf(port);
        if (binding.Consumer != XenConsumer.None)
            return -(long)Errno.Inval;
        switch (binding.State)
        {
            case PortState.Interdomain:
                SendToRemote(port, binding, caller);
                return 0;
            case PortState.Ipi:
                RaisePort(port, binding.Vcpu, caller);
                return 0;
            case PortState.Unbound:
                return 0;
            default:
                return -(long)Errno.Inval;
        }
    }

    /// <summary>Sends on a port of <see cref="AllocateForXen"/>, once the other side has bound it (notify_via_xen_event_channel).</summary>
    public void SendFromXen(uint port, Cpu caller)
    {
        PortBinding binding = BindingOf(port);
        if (binding.State == PortState.Interdomain)
            SendToRemote(port, binding, caller);
    }

    private void SendToRemote(uint port, PortBinding binding, Cpu caller)
    {
        Domain? domain = binding.RemoteDomain == Domain.Id ? Domain : Domain.Host.Domains.Find(binding.RemoteDomain);
        if (domain == null)
            return;
        NoteSubject(domain, caller);
        EventChannelTable remote = domain.EventChannels;
        PortBinding far = remote.BindingOf(binding.Target);

        // An end that does not point back has just been closed: the event is dropped as on an unbound port.
        if (far.State != PortState.Interdomain || far.Target != port || far.RemoteDomain != Domain.Id)
            return;
        if (far.Consumer == XenConsumer.None)
            remote.RaisePort(binding.Target, far.Vcpu, caller);
        else
            remote.NotifyXen(far, caller);
    }

    /// <summary>Makes a port pending for the guest and notifies the vCPU given.</summary>
    internal void RaisePort(uint port, uint vcpuId, Cpu caller)
    {
        ref EventChannel channel = ref _ports[(int)port];
        Vcpu? vcpu = Domain.FindVcpu(vcpuId);
        if (vcpu == null)
            return;
        if (!IsFifo || !RaiseFifo(vcpu, ref channel, port, caller))
            RaiseTwoLevel(vcpu, port, caller);
    }

    /// <summary>EVTCHNOP_unmask.</summary>
    public long Unmask(uint port, Cpu caller)
    {
        if (port >= ValidPorts)
            return -(long)Errno.Inval;
        ref EventChannel channel = ref _ports[(int)port];
        PortBinding binding = channel.Binding;
        Vcpu? vcpu = Domain.FindVcpu(binding.Vcpu);
        if (!binding.IsUsable || vcpu == null)
            return 0;
        if (IsFifo)
            UnmaskFifo(vcpu, ref channel, port, caller);
        else
            UnmaskTwoLevel(vcpu, port, caller);
        return 0;
    }

    /// <summary>For SCHEDOP_poll: 1 when the port is pending, 0 when not, -EINVAL when the guest has no such port.</summary>
    public int Poll(uint port, Cpu caller)
    {
        if (!BindingOf(port).IsUsable)
            return -(int)Errno.Inval;
        using SpinLock.Guard guard = Lock.Enter(caller);
        return IsPending(port) ? 1 : 0;
    }

    /// <summary>Wakes the vCPUs that wait for this port in SCHEDOP_poll. Called after the port became pending.</summary>
    public void WakePollers(uint port, Cpu caller)
    {
        if (Domain.HasPollers)
            Domain.WakePollers(port, caller);
    }

    internal bool IsPending(uint port) => IsFifo ? IsPendingFifo(port) : IsPendingTwoLevel(port);

    internal bool IsMasked(uint port) => IsFifo ? IsMaskedFifo(port) : IsMaskedTwoLevel(port);

    // A closed port that the guest has not yet taken off its queue cannot be allocated (evtchn_is_busy).
    private bool IsBusy(uint port) => IsFifo && TestWordBit(port, LinkedBit);

    private void ClearPending(ref EventChannel channel, uint port)
    {
        channel.PendingWithoutWord = 0;
        if (IsFifo)
            ClearPendingFifo(port);
        else
            ClearPendingTwoLevel(port);
    }

    private void NotifyXen(PortBinding binding, Cpu caller)
    {
        Vcpu? vcpu = Domain.FindVcpu(binding.Vcpu);
        if (vcpu == null)
            return;
        switch (binding.Consumer)
        {
            case XenConsumer.WakeVcpu:
                Domain.Host.Scheduler.Wake(vcpu, caller);
                break;
        }
    }
}
