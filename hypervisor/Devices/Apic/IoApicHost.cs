// SPDX-License-Identifier: MIT
// What an emulated I/O APIC needs from its domain.

namespace XenSharp.Devices.Apic;

/// <summary>Called with the owner's lock held.</summary>
public abstract class IoApicHost
{
    /// <summary>Hands an interrupt to the domain's local APICs; false: nobody took it, a level line stays undelivered.</summary>
    public abstract bool Deliver(in ApicMessage message);

    /// <summary>The guest has unmasked a pin, or changed its trigger while unmasked: the machine's line is to be routed to it.</summary>
    public abstract void Bind(int gsi, bool levelTriggered, bool activeLow);

    /// <summary>The guest has finished a level interrupt; the machine's line may be opened again.</summary>
    public abstract void EndOfInterrupt(int gsi);

    /// <summary>A delivery mode that is not emulated was used (SMI, ExtINT, INIT).</summary>
    public abstract void ReportUnsupported(int gsi, ApicDeliveryMode mode);
}
