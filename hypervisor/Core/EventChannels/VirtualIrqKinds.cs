// SPDX-License-Identifier: MIT
// Which virtual interrupts exist once per domain and which once per vCPU.

using XenSharp.Abi;

namespace XenSharp.Core.EventChannels;

/// <summary>The rule of virq_is_global (xen/common/event_channel.c).</summary>
public static class VirtualIrqKinds
{
    public const int Count = (int)XenLimits.VirtualIrqCount;

    /// <summary>True for VIRQs of which a domain has one; numbers without a name count as such, as in Xen.</summary>
    public static bool IsGlobal(uint irq) =>
        (VirtualIrq)irq is not (VirtualIrq.Timer or VirtualIrq.Debug or VirtualIrq.Xenoprof or VirtualIrq.Xenpmu);
}
