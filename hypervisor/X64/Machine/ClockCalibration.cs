// SPDX-License-Identifier: MIT
// How fast the cycle counter and the APIC timer run, measured against a clock of known frequency.

using System;
using XenSharp.X64.Paging;
using XenSharp.X64.Runtime;

namespace XenSharp.X64.Machine;

/// <summary>The reference is the HPET (IA-PC HPET specification 1.0a, 2.3) or the ACPI PM timer (3,579,545 Hz).</summary>
// SAFETY: the HPET's registers are mapped uncached and read as volatile words.
internal static unsafe class ClockCalibration
{
    private const ulong PmTimerHz = 3_579_545;
    private const int MeasureMs = 50;

    private static byte* s_hpet;
    private static ulong s_hpetPeriodFs;
    private static ushort s_pmTimerPort;
    private static bool s_pmTimerIs32Bit;

    public static ReadOnlySpan<byte> SourceName => s_hpet != null ? "HPET"u8 : "ACPI PM Timer"u8;

    public static ulong SourceFrequencyHz => s_hpet != null ? 1_000_000_000_000_000 / s_hpetPeriodFs : PmTimerHz;

    /// <summary>Chooses the HPET if there is a usable one, else the PM timer; false when there is neither.</summary>
    public static bool ChooseSource(ulong hpetAddress, ushort pmTimerPort, bool pmTimerIs32Bit)
    {
        s_pmTimerPort = pmTimerPort;
        s_pmTimerIs32Bit = pmTimerIs32Bit;
        if (hpetAddress != 0)
        {
            byte* hpet = HostPageTables.MapDevice(hpetAddress, 0x400);
            s_hpetPeriodFs = System.Threading.Volatile.Read(ref *(uint*)(hpet + 4));
            if (s_hpetPeriodFs is > 0 and <= 100_000_000)
            {
                System.Threading.Volatile.Write(ref *(uint*)(hpet + 0x10), System.Threading.Volatile.Read(ref *(uint*)(hpet + 0x10)) | 1);
                s_hpet = hpet;
                return true;
            }
        }

        return pmTimerPort != 0;
    }

    /// <summary>Measures both over <see cref="MeasureMs"/>.</summary>
    public static void Measure(out ulong tscHz, out ulong apicTimerHz)
    {
        LocalApicHardware.StartTimer(uint.MaxValue);
        Sample(out ulong tscStart, out uint referenceStart, out uint apicStart);
        ulong wanted = SourceFrequencyHz * MeasureMs / 1000;
        uint elapsed;
        do
        {
            Assembly.Pause();
            elapsed = Difference(referenceStart, ReadReference());
        }
        while (elapsed < wanted);
        Sample(out ulong tscEnd, out uint referenceEnd, out uint apicEnd);
        LocalApicHardware.StartTimer(0);
        elapsed = Difference(referenceStart, referenceEnd);
        tscHz = Scale(tscEnd - tscStart, elapsed);
        apicTimerHz = Scale(apicStart - apicEnd, elapsed);
    }

    // Reads the three counters as close together as possible: of several tries the one with the shortest span.
    private static void Sample(out ulong tsc, out uint reference, out uint apic)
    {
        ulong best = ulong.MaxValue;
        tsc = 0;
        reference = 0;
        apic = 0;
        for (int i = 0; i < 8; i++)
        {
            ulong before = Assembly.ReadTsc();
            uint value = ReadReference();
            uint timer = LocalApicHardware.ReadTimer();
            ulong after = Assembly.ReadTsc();
            if (after - before >= best)
                continue;
            best = after - before;
            tsc = before + ((after - before) / 2);
            reference = value;
            apic = timer;
        }
    }

    private static ulong Scale(ulong count, uint referenceTicks)
    {
        // count * frequency / ticks, in parts that do not overflow.
        ulong frequency = SourceFrequencyHz;
        ulong whole = count / referenceTicks, rest = count % referenceTicks;
        return (whole * frequency) + (rest * frequency / referenceTicks);
    }

    private static uint ReadReference() =>
        s_hpet != null ? System.Threading.Volatile.Read(ref *(uint*)(s_hpet + 0xf0)) : Assembly.In32(s_pmTimerPort);

    private static uint Difference(uint start, uint end) => s_hpet != null || s_pmTimerIs32Bit ? end - start : (end - start) & 0xff_ffff;
}
