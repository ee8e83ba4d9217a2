// SPDX-License-Identifier: MIT
// The local APIC in x2APIC mode (AMD APM vol. 2, 16.11): on, interprocessor interrupts, end of interrupt.

namespace XenSharp.Guests;

public static class LocalApic
{
    private const uint ApicBase = 0x1b, Id = 0x802, EndOfInterruptMsr = 0x80b, Spurious = 0x80f, Command = 0x830;

    /// <summary>Turns x2APIC on for this vCPU.</summary>
    public static void Enable()
    {
        if (!Machine.TryReadMsr(ApicBase, out ulong value) || !Machine.TryWriteMsr(ApicBase, value | 0xc00) || !Machine.TryWriteMsr(Spurious, 0x1ff))
            Machine.Fail("the local APIC cannot be put into x2APIC mode"u8);
    }

    public static uint ApicId => Machine.TryReadMsr(Id, out ulong value) ? (uint)value : 0xffffffff;

    public static void EndOfInterrupt() => Machine.TryWriteMsr(EndOfInterruptMsr, 0);

    public static void SendIpi(uint apicId, byte vector) => Machine.TryWriteMsr(Command, ((ulong)apicId << 32) | 0x4000 | vector);

    public static void SendInit(uint apicId)
    {
        Machine.TryWriteMsr(Command, ((ulong)apicId << 32) | 0xc500);
        Machine.TryWriteMsr(Command, ((ulong)apicId << 32) | 0x8500);
    }

    public static void SendStartup(uint apicId, byte page)
    {
        Machine.TryWriteMsr(Command, ((ulong)apicId << 32) | 0x600 | page);
        Machine.TryWriteMsr(Command, ((ulong)apicId << 32) | 0x600 | page);
    }
}
