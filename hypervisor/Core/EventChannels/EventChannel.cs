// SPDX-License-Identifier: MIT
// The record of one event channel port. Kept in the pages of EventChannelTable; the domain's event lock guards every write.

using System.Threading;

namespace XenSharp.Core.EventChannels;

/// <summary>State of a port, numbered as the debug key shows it (ECS_* of Xen).</summary>
public enum PortState
{
    Free = 0,
    Reserved = 1,
    Unbound = 2,
    Interdomain = 3,
    Pirq = 4,
    Virq = 5,
    Ipi = 6,
}

/// <summary>Who in the hypervisor receives the events of a port instead of the guest.</summary>
public enum XenConsumer
{
    None = 0,

    /// <summary>Wakes the vCPU that the port notifies: it is blocked inside the hypervisor until the other side answers.</summary>
    WakeVcpu = 1,
}

/// <summary>
/// What a port is bound to, in one word: a sender on another CPU reads it in a single access and so never sees half of a change.
/// </summary>
public readonly struct PortBinding
{
    private const int StateBits = 3, ConsumerShift = 3, VcpuShift = 6, TargetShift = 16, DomainShift = 40;
    private const ulong StateMask = 7, VcpuMask = 0x3ff, TargetMask = 0xff_ffff;

    private readonly ulong _word;

    private PortBinding(ulong word) => _word = word;

    public PortBinding(PortState state, uint vcpu = 0, uint target = 0, ushort domain = 0, XenConsumer consumer = XenConsumer.None) =>
        _word = (ulong)state | ((ulong)consumer << ConsumerShift) | ((vcpu & VcpuMask) << VcpuShift) | ((target & TargetMask) << TargetShift) |
                ((ulong)domain << DomainShift);

    public PortState State => (PortState)(_word & StateMask);

    public XenConsumer Consumer => (XenConsumer)((_word >> StateBits) & StateMask);

    /// <summary>The vCPU that is notified.</summary>
    public uint Vcpu => (uint)(_word >> VcpuShift) & (uint)VcpuMask;

    /// <summary>The remote port, the VIRQ or the PIRQ, as the state says.</summary>
    public uint Target => (uint)(_word >> TargetShift) & (uint)TargetMask;

    /// <summary>The remote domain: of the other end, or allowed to bind.</summary>
    public ushort RemoteDomain => (ushort)(_word >> DomainShift);

    public ulong Word => _word;

    /// <summary>True when the guest may use the port (evtchn_usable of Xen): it is in use, and not by the hypervisor.</summary>
    public bool IsUsable => State > PortState.Reserved && Consumer == XenConsumer.None;

    public PortBinding WithVcpu(uint vcpu) => new((_word & ~(VcpuMask << VcpuShift)) | ((vcpu & VcpuMask) << VcpuShift));

    public static PortBinding FromWord(ulong word) => new(word);
}

/// <summary>
/// The record; 64 bytes, so that a page of them covers 64 ports: whether a closed port is known to EVTCHNOP_status depends on that number.
/// </summary>
public struct EventChannel
{
    private ulong _binding;

    /// <summary>The FIFO queue on which the event was linked last: vCPU &lt;&lt; 8 | priority.</summary>
    public uint LastQueue;

    public uint Priority;

    /// <summary>Not 0: the event was raised while the FIFO array had no word for the port.</summary>
    public uint PendingWithoutWord;

    private uint _padding0;
    private ulong _padding1;
    private ulong _padding2;
    private ulong _padding3;
    private ulong _padding4;
    private ulong _padding5;

    public PortBinding Binding
    {
        readonly get => PortBinding.FromWord(Volatile.Read(in _binding));
        set => Volatile.Write(ref _binding, value.Word);
    }
}
