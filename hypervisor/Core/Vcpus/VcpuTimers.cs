// SPDX-License-Identifier: MIT
// The timers of a vCPU.

using XenSharp.Core.Time;

namespace XenSharp.Core.Vcpus;

/// <summary>VCPUOP_set_singleshot_timer and set_timer_op: raises VIRQ_TIMER once.</summary>
public sealed class VcpuSingleshotTimer(Vcpu vcpu) : Timer
{
    public Vcpu Vcpu { get; } = vcpu;

    public override void Expire() { }
}

/// <summary>VCPUOP_set_periodic_timer: raises VIRQ_TIMER every period.</summary>
public sealed class VcpuPeriodicTimer(Vcpu vcpu) : Timer
{
    public Vcpu Vcpu { get; } = vcpu;

    public override void Expire() { }
}

/// <summary>The timeout of SCHEDOP_poll.</summary>
public sealed class VcpuPollTimer(Vcpu vcpu) : Timer
{
    public Vcpu Vcpu { get; } = vcpu;

    public override void Expire() { }
}
