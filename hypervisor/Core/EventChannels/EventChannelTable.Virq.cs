// SPDX-License-Identifier: MIT
// Raising virtual interrupts: by the vCPUs' timers, the console and the toolstack's operations.

using System.Threading;
using XenSharp.Abi;
using XenSharp.Core.Vcpus;

namespace XenSharp.Core.EventChannels;

public sealed partial class EventChannelTable
{
    /// <summary>Raises a VIRQ of one of this domain's vCPUs; nothing happens when the guest has not bound it.</summary>
    public void RaiseVcpuVirq(Vcpu vcpu, VirtualIrq irq, Cpu caller)
    {
        uint port = Volatile.Read(in vcpu.VirqPorts[(int)irq]);
        if (port != 0 && IsBoundTo(port, irq, out _))
            RaisePort(port, vcpu.Id, caller);
    }

    /// <summary>Raises a global VIRQ at this domain; <see cref="GlobalVirtualIrq.Send"/> finds the right domain.</summary>
    public void RaiseGlobalVirq(VirtualIrq irq, Cpu caller)
    {
        Vcpu? holder = Domain.FindVcpu(0);
        uint port = holder == null ? 0 : Volatile.Read(in holder.VirqPorts[(int)irq]);
        if (port != 0 && IsBoundTo(port, irq, out PortBinding binding))
            RaisePort(port, binding.Vcpu, caller);
    }

    /// <summary>Whether the guest listens to a VIRQ (evtchn_virq_enabled).</summary>
    public bool IsVirqBound(Vcpu vcpu, VirtualIrq irq)
    {
        Vcpu? holder = VirtualIrqKinds.IsGlobal((uint)irq) ? Domain.FindVcpu(0) : vcpu;
        return holder != null && Volatile.Read(in holder.VirqPorts[(int)irq]) != 0;
    }

    // A port that is being closed by another CPU while its number was read gets nothing.
    private bool IsBoundTo(uint port, VirtualIrq irq, out PortBinding binding)
    {
        binding = BindingOf(port);
        return binding.State == PortState.Virq && binding.Target == (uint)irq;
    }
}
