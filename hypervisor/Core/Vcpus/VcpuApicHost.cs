// SPDX-License-Identifier: MIT
// What a local APIC asks of its vCPU: time, the timer queue, the scheduler, and the other APICs of the domain.

using System;
using System.Threading;
using XenSharp.Core.Interrupts;
using XenSharp.Core.Time;
using XenSharp.Devices.Apic;

namespace XenSharp.Core.Vcpus;

/// <summary>
/// Made before the APIC and the vCPU, tied together by <see cref="Attach"/>:
/// <c>var host = new VcpuApicHost(); var vcpu = new Vcpu(domain, id, context, new LocalApic(id, host)); host.Attach(vcpu);</c>
/// </summary>
public sealed class VcpuApicHost : LocalApicHost
{
    private Vcpu _vcpu = null!;
    private VcpuApicTimer _timer = null!;

    public void Attach(Vcpu vcpu)
    {
        _vcpu = vcpu;
        _timer = new VcpuApicTimer(vcpu);
        vcpu.ApicTimer = _timer;
    }

    public override ulong NowNs => _vcpu.Host.Clock.Now;

    public override void ArmTimer(ulong deadlineNs)
    {
        Cpu processor = Processor;
        processor.Timers.Move(_timer, deadlineNs, processor);
    }

    public override void CancelTimer() => TimerQueue.Cancel(_timer, Processor);

    // A vCPU that does not run is served by the CPU that resets it or loads its state.
    private Cpu Processor => _vcpu.IsRunningNow ? _vcpu.Processor : (Cpu)_vcpu.Host.CurrentProcessor;

    // The timer wakes the vCPU itself when it expires; whatever else the APIC notifies of happens while the vCPU is being served.
    public override void Notify() { }

    public override void Deliver(in ApicMessage message) => ApicBus.Deliver(_vcpu.Domain, in message, _vcpu.Apic, _vcpu.Processor);

    public override void EndOfInterrupt(byte vector) => _vcpu.Domain.IoApics.EndOfInterrupt(vector, _vcpu.Processor);

    // An event may have become pending while the APIC was off, when its upcall could not be delivered.
    public override void Enabled()
    {
        byte vector = _vcpu.UpcallVector;
        GuestArea info = _vcpu.Info;
        if (vector != 0 && info.IsMapped && _vcpu.Host.Memory.Read8(info.Frame, info.Offset) != 0)
            _vcpu.Apic.Post(vector);
    }
}

/// <summary>
/// The local APIC's timer. The APIC belongs to the CPU that serves its vCPU: a timer that fires elsewhere goes on to that CPU's queue, or
/// waits until the scheduler has chosen a CPU.
/// </summary>
public sealed class VcpuApicTimer(Vcpu vcpu) : Timer
{
    private uint _isDue;

    public Vcpu Vcpu { get; } = vcpu;

    public override ReadOnlySpan<byte> Name => "vlapic_timer"u8;

    public override Vcpu? Owner => Vcpu;

    public override void Expire(Cpu processor)
    {
        if (processor.Current == Vcpu)
        {
            Vcpu.Apic.TimerExpired();
            return;
        }

        Interlocked.Exchange(ref _isDue, 1);
        if (!Vcpu.IsRunningNow)
            Vcpu.Host.Scheduler.Wake(Vcpu, processor);
        else if (Interlocked.Exchange(ref _isDue, 0) != 0)
            Vcpu.Processor.Timers.Move(this, DeadlineNs, processor);
    }

    /// <summary>The vCPU has been chosen to run on the calling CPU.</summary>
    internal void Resume()
    {
        if (Interlocked.Exchange(ref _isDue, 0) != 0)
            Vcpu.Apic.TimerExpired();
    }
}

public sealed partial class Vcpu
{
    /// <summary>The timer of the local APIC; null before the APIC's host is attached.</summary>
    internal VcpuApicTimer? ApicTimer { get; set; }
}
