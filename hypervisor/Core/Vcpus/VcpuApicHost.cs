// SPDX-License-Identifier: MIT
// What a local APIC asks of its vCPU: time, the timer queue, the scheduler, and the other APICs of the domain.

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
    }

    public override ulong NowNs => _vcpu.Host.Clock.Now;

    public override void ArmTimer(ulong deadlineNs)
    {
        Cpu processor = _vcpu.Processor;
        TimerQueue.Cancel(_timer, processor);
        processor.Timers.Arm(_timer, deadlineNs, processor);
    }

    public override void CancelTimer() => TimerQueue.Cancel(_timer, _vcpu.Processor);

    public override void Notify() => _vcpu.Host.Scheduler.Wake(_vcpu, _vcpu.Processor);

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

/// <summary>The local APIC's timer in the queue of a CPU.</summary>
public sealed class VcpuApicTimer(Vcpu vcpu) : Timer
{
    public Vcpu Vcpu { get; } = vcpu;

    public override void Expire() => Vcpu.Apic.TimerExpired();
}
