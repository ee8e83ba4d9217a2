// SPDX-License-Identifier: MIT
// How events reach a vCPU: the upcall flag in its vcpu_info, and the interrupt that makes the guest look there.

using XenSharp.Abi;
using XenSharp.Core.EventChannels;

namespace XenSharp.Core.Vcpus;

public sealed partial class Vcpu
{
    /// <summary>Ports of the VIRQs bound on this vCPU, global ones on vCPU 0; 0: not bound. Written under the domain's event lock.</summary>
    internal uint[] VirqPorts { get; } = new uint[VirtualIrqKinds.Count];

    /// <summary>The vCPU's queues in the FIFO format.</summary>
    internal FifoQueues Fifo { get; } = new();

    /// <summary>
    /// An upcall waits, and the guest takes upcalls as a vector of the CPU that no local APIC delivers (HVM_PARAM_CALLBACK_IRQ of type
    /// vector). The port asks before each entry and injects <see cref="CallbackVector"/>.
    /// </summary>
    public bool CallbackVectorPending => Domain.UsesCallbackVector && Info.IsMapped && Host.Memory.Read8(Info.Frame, Info.Offset) != 0;

    public byte CallbackVector => (byte)Domain.HvmParameters[(int)HvmParam.CallbackIrq];

    /// <summary>Sets evtchn_upcall_pending; when it was clear, interrupts the guest. Callable on any CPU, with event locks held.</summary>
    public void MarkEventsPending(Cpu caller)
    {
        GuestArea info = Info;
        if (info.IsMapped && !Host.Memory.TestAndSetBit(info.Frame, info.Offset * 8))
            AssertUpcall(caller);
    }

    /// <summary>
    /// Interrupts the guest for events: through the local APIC if it has named a vector there. Also called when the guest chooses how it
    /// wants to be interrupted (HVMOP_set_evtchn_upcall_vector, HVM_PARAM_CALLBACK_IRQ), since events may have come before.
    /// </summary>
    public void AssertUpcall(Cpu caller)
    {
        if (UpcallVector != 0)
        {
            // A disabled APIC takes nothing: the guest finds the events when it chooses a vector again.
            if (!Apic.IsEnabled)
                return;
            Apic.Post(UpcallVector);
        }

        Host.Scheduler.Wake(this, caller);
    }
}
