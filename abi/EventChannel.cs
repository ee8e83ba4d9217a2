// SPDX-License-Identifier: MIT
// Event channels: operations and their arguments, FIFO format. Contract: xen/include/public/event_channel.h of Xen 4.17
// (MIT). Used by the hypercall handlers, the guests and the tools; layout checked by tests/Unit/Abi.

using System.Runtime.InteropServices;

namespace XenSharp.Abi;

/// <summary>Commands of HYPERVISOR_event_channel_op, EVTCHNOP_*.</summary>
public enum EventChannelOperation : uint
{
    BindInterdomain = 0, // EVTCHNOP_bind_interdomain
    BindVirq = 1, // EVTCHNOP_bind_virq
    BindPirq = 2, // EVTCHNOP_bind_pirq
    Close = 3, // EVTCHNOP_close
    Send = 4, // EVTCHNOP_send
    Status = 5, // EVTCHNOP_status
    AllocUnbound = 6, // EVTCHNOP_alloc_unbound
    BindIpi = 7, // EVTCHNOP_bind_ipi
    BindVcpu = 8, // EVTCHNOP_bind_vcpu
    Unmask = 9, // EVTCHNOP_unmask
    Reset = 10, // EVTCHNOP_reset
    InitControl = 11, // EVTCHNOP_init_control
    ExpandArray = 12, // EVTCHNOP_expand_array
    SetPriority = 13, // EVTCHNOP_set_priority
}

/// <summary>State of a channel, EVTCHNSTAT_*.</summary>
public enum EventChannelState : uint
{
    Closed = 0, // EVTCHNSTAT_closed: Channel is not in use.
    Unbound = 1, // EVTCHNSTAT_unbound: Channel is waiting interdom connection.
    Interdomain = 2, // EVTCHNSTAT_interdomain: Channel is connected to remote domain.
    Pirq = 3, // EVTCHNSTAT_pirq: Channel is bound to a phys IRQ line.
    Virq = 4, // EVTCHNSTAT_virq: Channel is bound to a virtual IRQ line
    Ipi = 5, // EVTCHNSTAT_ipi: Channel is bound to a virtual IPI line
}

/// <summary>Limits of both formats; bits of an event word of the FIFO format.</summary>
public static class EventChannelLimits
{
    public const uint BindPirqWillShare = 1; // BIND_PIRQ__WILL_SHARE
    public const uint TwoLevelChannelCount = 4096; // EVTCHN_2L_NR_CHANNELS
    public const uint FifoPriorityMax = 0; // EVTCHN_FIFO_PRIORITY_MAX: Events may have priorities from 0 (highest) to 15 (lowest).
    public const uint FifoPriorityDefault = 7; // EVTCHN_FIFO_PRIORITY_DEFAULT
    public const uint FifoPriorityMin = 15; // EVTCHN_FIFO_PRIORITY_MIN
    public const uint FifoMaxQueues = 16; // EVTCHN_FIFO_MAX_QUEUES
    public const uint FifoPending = 31; // EVTCHN_FIFO_PENDING
    public const uint FifoMasked = 30; // EVTCHN_FIFO_MASKED
    public const uint FifoLinked = 29; // EVTCHN_FIFO_LINKED
    public const uint FifoBusy = 28; // EVTCHN_FIFO_BUSY
    public const uint FifoLinkBits = 17; // EVTCHN_FIFO_LINK_BITS
    public const uint FifoLinkMask = 0x1FFFF; // EVTCHN_FIFO_LINK_MASK
    public const uint FifoChannelCount = 1u << 17; // EVTCHN_FIFO_NR_CHANNELS
}

/// <summary>
/// struct evtchn_alloc_unbound, 8 bytes. EVTCHNOP_alloc_unbound: Allocate a port in domain dom and mark as accepting interdomain bindings from domain
/// remote_dom. A fresh port is allocated in dom and returned as port.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct EventChannelAllocUnbound
{
    public ushort Domain; // IN
    public ushort RemoteDomain; // IN
    public uint Port; // OUT
}

/// <summary>
/// struct evtchn_bind_interdomain, 12 bytes. EVTCHNOP_bind_interdomain: Construct an interdomain event channel between the calling domain and
/// remote_dom. &lt;remote_dom,remote_port&gt; must identify a port that is unbound and marked as accepting bindings from the calling domain.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct EventChannelBindInterdomain
{
    public ushort RemoteDomain; // IN
    public ushort Padding0;
    public uint RemotePort; // IN
    public uint LocalPort; // OUT
}

/// <summary>
/// struct evtchn_bind_virq, 12 bytes. EVTCHNOP_bind_virq: Bind a local event channel to VIRQ irq on specified vcpu.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct EventChannelBindVirq
{
    public VirtualIrq Virq; // IN: enum virq
    public uint Vcpu; // IN
    public uint Port; // OUT
}

/// <summary>struct evtchn_bind_pirq, 12 bytes. EVTCHNOP_bind_pirq: Bind a local event channel to a real IRQ (PIRQ irq).</summary>
[StructLayout(LayoutKind.Sequential)]
public struct EventChannelBindPirq
{
    public uint Pirq; // IN
    public uint Flags; // IN: BIND_PIRQ__*
    public uint Port; // OUT
}

/// <summary>struct evtchn_bind_ipi, 8 bytes. EVTCHNOP_bind_ipi: Bind a local event channel to receive events.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct EventChannelBindIpi
{
    public uint Vcpu; // IN
    public uint Port; // OUT
}

/// <summary>
/// struct evtchn_close, 4 bytes. EVTCHNOP_close: Close a local event channel port. If the channel is interdomain then the remote end is placed in the
/// unbound state (EVTCHNSTAT_unbound), awaiting a new connection.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct EventChannelClose
{
    public uint Port; // IN
}

/// <summary>
/// struct evtchn_send, 4 bytes. EVTCHNOP_send: Send an event to the remote end of the channel whose local endpoint is port.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct EventChannelSend
{
    public uint Port; // IN
}

/// <summary>struct evtchn_status, member u.unbound, 2 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct EventChannelStatusUnbound
{
    public ushort Domain;
}

/// <summary>struct evtchn_status, member u.interdomain, 8 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct EventChannelStatusInterdomain
{
    public ushort Domain;
    public ushort Padding0;
    public uint Port;
}

/// <summary>
/// struct evtchn_status, 24 bytes. EVTCHNOP_status: Get the current status of the communication channel which has an endpoint at &lt;dom, port&gt;.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct EventChannelStatus
{
    public ushort Domain; // IN
    public ushort Padding0;
    public uint Port; // IN
    public EventChannelState Status; // OUT
    public uint Vcpu; // OUT: VCPU to which this channel is bound.

    // OUT: union: unbound (EventChannelStatusUnbound), interdomain (EventChannelStatusInterdomain), pirq (uint), virq (uint).
    public UInt32Array2 U;
}

/// <summary>
/// struct evtchn_bind_vcpu, 8 bytes. EVTCHNOP_bind_vcpu: Specify which vcpu a channel should notify when an event is pending.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct EventChannelBindVcpu
{
    public uint Port; // IN
    public uint Vcpu; // IN
}

/// <summary>
/// struct evtchn_unmask, 4 bytes. EVTCHNOP_unmask: Unmask the specified local event-channel port and deliver a notification to the appropriate VCPU
/// if an event is pending.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct EventChannelUnmask
{
    public uint Port; // IN
}

/// <summary>struct evtchn_reset, 2 bytes. EVTCHNOP_reset: Close all event channels associated with specified domain.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct EventChannelReset
{
    public ushort Domain; // IN
}

/// <summary>struct evtchn_init_control, 24 bytes. EVTCHNOP_init_control: initialize the control block for the FIFO ABI.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct EventChannelInitControl
{
    public ulong ControlGfn; // IN
    public uint Offset; // IN
    public uint Vcpu; // IN
    public byte LinkBits; // OUT
    public ByteArray7 Pad; // OUT
}

/// <summary>struct evtchn_expand_array, 8 bytes. EVTCHNOP_expand_array: add an additional page to the event array.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct EventChannelExpandArray
{
    public ulong ArrayGfn; // IN
}

/// <summary>struct evtchn_set_priority, 8 bytes. EVTCHNOP_set_priority: set the priority for an event channel.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct EventChannelSetPriority
{
    public uint Port; // IN
    public uint Priority; // IN
}

/// <summary>struct evtchn_op, 28 bytes. Superceded by new event_channel_op() hypercall since 0x00030202.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct EventChannelCompatHeader
{
    /// <summary>Bytes of the whole C structure; a caller supplies this many.</summary>
    public const int TotalSize = 28;

    /// <summary>Offset and size of union u, where the operation's own structure starts.</summary>
    public const int ArgumentOffset = 4, ArgumentSize = 24;

    public uint Command; // enum event_channel_op
}

/// <summary>
/// struct evtchn_fifo_control_block, 72 bytes. One page region per vCPU: Ready has a bit per queue (priority), Head the first port of each.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct EventChannelFifoControlBlock
{
    public uint Ready; // Bit per queue with events; bits set by the hypervisor, cleared by the guest.
    public uint Reserved;
    public UInt32Array16 Head; // First port of each queue, written by the hypervisor when the queue was empty.
}
