// SPDX-License-Identifier: MIT
// Whether something waits to interrupt a vCPU. Asked by the scheduler before it blocks one, on the vCPU's own CPU.

namespace XenSharp.Core.Vcpus;

public sealed partial class Vcpu
{
    private const ulong InterruptFlag = 1 << 9;

    /// <summary>Something would interrupt the guest now or as soon as it lets it.</summary>
    public bool HasPendingInterrupt => Apic.HasNmi || CallbackVectorPending || Apic.HighestPending() >= 0;

    /// <summary>Something will interrupt the guest at the next entry: it must not be blocked.</summary>
    public bool HasDeliverableInterrupt => HasPendingInterrupt && (Apic.HasNmi || (Context.Rflags & InterruptFlag) != 0);
}
