// SPDX-License-Identifier: MIT
// Virtual interrupts that concern the whole host. Called by the console, the domain life cycle and the CPU set.

using XenSharp.Abi;
using XenSharp.Core.Domains;

namespace XenSharp.Core.EventChannels;

/// <summary>send_global_virq of Xen: to the domain that XEN_DOMCTL_set_virq_handler names, else to the hardware domain.</summary>
public static class GlobalVirtualIrq
{
    public static void Send(Host host, VirtualIrq irq, Cpu caller)
    {
        Domain? handler = host.VirtualIrqHandlers.Find(irq) ?? host.HardwareDomain;
        handler?.EventChannels.RaiseGlobalVirq(irq, caller);
    }
}
