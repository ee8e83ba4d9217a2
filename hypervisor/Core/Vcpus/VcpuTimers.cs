// SPDX-License-Identifier: MIT
// The timers of a vCPU. They sit in the queue of the CPU where they were set, and fire there.

using System;
using XenSharp.Abi;
using XenSharp.Core.Time;
using XenSharp.Edge;

namespace XenSharp.Core.Vcpus;

/// <summary>VCPUOP_set_singleshot_timer and set_timer_op: raises VIRQ_TIMER once. Only the vCPU itself sets it.</summary>
public sealed class VcpuSingleshotTimer(Vcpu vcpu) : Timer
{
    public Vcpu Vcpu { get; } = vcpu;

    public override ReadOnlySpan<byte> Name => "vcpu_singleshot_timer_fn"u8;

    public override Vcpu? Owner => Vcpu;

    /// <summary>Sets the timer on the calling CPU.</summary>
    public void Set(ulong deadlineNs, Cpu processor) => processor.Timers.Move(this, deadlineNs, processor);

    public override void Expire(Cpu processor) => Vcpu.RaiseTimer(processor);
}

/// <summary>
/// VCPUOP_set_periodic_timer: raises VIRQ_TIMER every period while the vCPU runs; a period that ends while it does not run is
/// made up for, once, when it is chosen again. Not started before the guest asks for it.
/// </summary>
public sealed class VcpuPeriodicTimer(Vcpu vcpu) : Timer
{
    private ulong _lastNs;

    public Vcpu Vcpu { get; } = vcpu;

    public override ReadOnlySpan<byte> Name => "vcpu_periodic_timer_fn"u8;

    public override Vcpu? Owner => Vcpu;

    /// <summary>0: stopped.</summary>
    public ulong PeriodNs { get; private set; }

    public void Set(ulong periodNs, Cpu caller)
    {
        using (Vcpu.Lock.Enter(caller))
        {
            TimerQueue.Cancel(this, caller);
            PeriodNs = periodNs;
        }

        if (periodNs != 0)
            Continue(caller);
    }

    /// <summary>The vCPU has been chosen to run on this CPU.</summary>
    public void Resume(Cpu processor)
    {
        if (PeriodNs != 0)
            Continue(processor);
    }

    /// <summary>The vCPU has stopped running on this CPU.</summary>
    public void Suspend(Cpu processor) => TimerQueue.Cancel(this, processor);

    public override void Expire(Cpu processor) => Resume(processor);

    private void Continue(Cpu processor)
    {
        bool due;
        using (Vcpu.Lock.Enter(processor))
        {
            if (PeriodNs == 0)
                return;
            ulong now = Vcpu.Host.Clock.Now;
            ulong next = _lastNs + PeriodNs;
            due = now >= next;
            if (due)
            {
                _lastNs = now;
                next = now + PeriodNs;
            }

            processor.Timers.Move(this, next, processor);
        }

        if (due)
            Vcpu.RaiseTimer(processor);
    }
}

/// <summary>The timeout of SCHEDOP_poll.</summary>
public sealed class VcpuPollTimer(Vcpu vcpu) : Timer
{
    public Vcpu Vcpu { get; } = vcpu;

    public override ReadOnlySpan<byte> Name => "poll_timer_fn"u8;

    public override Vcpu? Owner => Vcpu;

    public override void Expire(Cpu processor)
    {
        if (Vcpu.Domain.StopPolling(Vcpu))
            Vcpu.Host.Scheduler.Wake(Vcpu, processor);
    }
}

public sealed partial class Vcpu
{
    /// <summary>VIRQ_TIMER to this vCPU.</summary>
    internal void RaiseTimer(Cpu processor) => Domain.EventChannels.RaiseVcpuVirq(this, VirtualIrq.Timer, processor);
}
