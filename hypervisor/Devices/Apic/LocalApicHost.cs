// SPDX-License-Identifier: MIT
// What a local APIC needs from the vCPU that it belongs to.

namespace XenSharp.Devices.Apic;

/// <summary>Called by the APIC on its own vCPU's CPU, with no lock of the APIC's held (it has none).</summary>
public abstract class LocalApicHost
{
    /// <summary>Time on which the timer counts.</summary>
    public abstract ulong NowNs { get; }

    /// <summary>Asks for <see cref="LocalApic.TimerExpired"/> at a time on the scale of <see cref="NowNs"/>.</summary>
    public abstract void ArmTimer(ulong deadlineNs);

    public abstract void CancelTimer();

    /// <summary>An interrupt appeared without anybody having posted it (timer, error): the vCPU is to be woken.</summary>
    public abstract void Notify();

    /// <summary>Hands a message of the ICR to the local APICs of the domain.</summary>
    public abstract void Deliver(in ApicMessage message);

    /// <summary>The guest has finished a level-triggered interrupt: the I/O APICs must hear of it.</summary>
    public abstract void EndOfInterrupt(byte vector);

    /// <summary>The guest has software-enabled the APIC: an upcall that came before must be posted again.</summary>
    public abstract void Enabled();
}
