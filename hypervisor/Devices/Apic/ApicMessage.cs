// SPDX-License-Identifier: MIT
// An interrupt on its way to local APICs, as the ICR or a redirection entry describes it.

namespace XenSharp.Devices.Apic;

/// <summary>Delivery mode, encoded as in bits 8..10 of the ICR (AMD APM vol. 2, 16.5).</summary>
public enum ApicDeliveryMode
{
    Fixed = 0,
    LowestPriority = 1,
    Smi = 2,
    RemoteRead = 3,
    Nmi = 4,
    Init = 5,
    Startup = 6,
    External = 7,
}

/// <summary>Destination shorthand, bits 18..19 of the ICR.</summary>
public enum ApicShorthand
{
    None = 0,
    Self = 1,
    AllIncludingSelf = 2,
    AllExcludingSelf = 3,
}

/// <summary>One message. <see cref="LocalApic.Matches"/> says whom it is for.</summary>
public struct ApicMessage
{
    public ApicDeliveryMode Mode;
    public ApicShorthand Shorthand;
    public byte Vector;

    /// <summary>The destination selects by logical destination register, not by id.</summary>
    public bool IsLogical;

    /// <summary>Level triggered: the end of interrupt is reported to the I/O APIC.</summary>
    public bool IsLevel;

    /// <summary>The level bit of the ICR; an INIT without it is a de-assert and means nothing to current APICs.</summary>
    public bool IsAssert;

    /// <summary>8 bits wide from xAPIC mode and from I/O APICs, 32 bits wide from x2APIC mode.</summary>
    public uint Destination;
}
