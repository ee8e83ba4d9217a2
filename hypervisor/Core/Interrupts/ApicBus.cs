// SPDX-License-Identifier: MIT
// The wire between a domain's APICs: finds the receivers of a message. Called for the ICR of a vCPU and by the I/O APICs.

using XenSharp.Core.Domains;
using XenSharp.Core.Vcpus;
using XenSharp.Devices.Apic;

namespace XenSharp.Core.Interrupts;

/// <summary>Delivery to local APICs. Takes no lock but the scheduler's.</summary>
public static class ApicBus
{
    /// <summary>Delivers a message; <paramref name="source"/> is null when it comes from an I/O APIC. False when nobody takes it.</summary>
    public static bool Deliver(Domain domain, in ApicMessage message, LocalApic? source, Cpu caller)
    {
        if (message.Mode == ApicDeliveryMode.LowestPriority)
        {
            Vcpu? chosen = FindLowestPriority(domain, in message, source);
            return chosen != null && Accept(chosen, in message, caller);
        }

        bool taken = false;
        foreach (Vcpu? target in domain.Vcpus)
        {
            if (target != null && target.Apic.Matches(in message, source))
                taken |= Accept(target, in message, caller);
        }

        return taken;
    }

    private static bool Accept(Vcpu target, in ApicMessage message, Cpu caller)
    {
        LocalApic apic = target.Apic;
        switch (message.Mode)
        {
            case ApicDeliveryMode.Fixed:
            case ApicDeliveryMode.LowestPriority:
                if (!apic.IsEnabled)
                    return false;
                if (message.IsLevel ? apic.PostLevel(message.Vector) : apic.Post(message.Vector))
                    target.Host.Scheduler.Wake(target, caller);
                return true;
            case ApicDeliveryMode.Nmi:
                if (apic.PostNmi())
                    target.Host.Scheduler.Wake(target, caller);
                return true;
            case ApicDeliveryMode.Init:
                if (message.IsAssert || !message.IsLevel)
                    VcpuStartup.Initialise(target, caller);
                return true;
            case ApicDeliveryMode.Startup:
                VcpuStartup.Start(target, message.Vector, caller);
                return true;
            default:
                // SMI, remote read and ExtINT have no meaning for a PVH guest.
                return false;
        }
    }

    // The one with the lowest processor priority; among equals the next after the last one chosen, so that they take turns.
    private static Vcpu? FindLowestPriority(Domain domain, in ApicMessage message, LocalApic? source)
    {
        Vcpu? chosen = null;
        uint lowest = uint.MaxValue;
        int count = domain.Vcpus.Length;
        int start = domain.LastLowestPriority;
        for (int i = 1; i <= count; i++)
        {
            Vcpu? candidate = domain.Vcpus[(int)((uint)(start + i) % (uint)count)];
            if (candidate == null || !candidate.Apic.IsEnabled || !candidate.Apic.Matches(in message, source))
                continue;
            uint priority = candidate.Apic.ProcessorPriority;
            if (priority >= lowest)
                continue;
            lowest = priority;
            chosen = candidate;
        }

        if (chosen != null)
            domain.LastLowestPriority = (int)chosen.Id;
        return chosen;
    }
}
