// SPDX-License-Identifier: MIT
// Closes devices whose interrupts come without end, and opens them again after a while. One object for the machine.

using System;
using XenSharp.Core.Console;
using XenSharp.Core.Pci;
using XenSharp.Core.Time;

namespace XenSharp.Core.Interrupts;

/// <summary>A closed function sends no messages; those that it wanted to send are pending in it or lost, as when the guest masks it.</summary>
public sealed class InterruptStorms(Host host) : Timer
{
    public override ReadOnlySpan<byte> Name => "irq_ratelimit"u8;

    /// <summary>A message of a function has passed the limit.</summary>
    public void Begin(PciFunction function, int entry, Cpu caller)
    {
        using (host.Pci.Lock.Enter(caller))
            function.SetThrottled(host, true, caller);
        host.Console.Begin(LogLevel.Warning, caller).Text("PCI "u8).PciAddress(function.Address).Text(": interrupt storm of message "u8)
            .Decimal(entry).Text("; closed for 10 ms"u8).End();
        if (!IsArmed)
            caller.Timers.Arm(this, host.Clock.Now + MessageInterrupts.StormWindowNs, caller);
    }

    public override void Expire(Cpu processor)
    {
        using Edge.SpinLock.Guard guard = host.Pci.Lock.Enter(processor);
        for (int i = 0; i < host.Pci.Count; i++)
        {
            if (host.Pci[i].IsThrottled)
                host.Pci[i].SetThrottled(host, false, processor);
        }
    }
}
