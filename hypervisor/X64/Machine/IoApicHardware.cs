// SPDX-License-Identifier: MIT
// The machine's I/O APICs: which vector a device line raises, and masking.

using System.Runtime.CompilerServices;
using XenSharp.X64.Paging;

namespace XenSharp.X64.Machine;

/// <summary>All I/O APICs by global system interrupt (GSI).</summary>
// SAFETY: registers are mapped uncached at boot and accessed as volatile words: select at 0x00, window at 0x10. Callers hold the I/O APIC lock.
internal static unsafe class IoApicHardware
{
    /// <summary>The vector of GSI n is this plus n.</summary>
    public const int FirstVector = 0x40;

    /// <summary>GSIs that get a vector; more are left masked.</summary>
    public const int MaxGsis = 128;

    private const int MaxUnits = 8;
    private const ulong Masked = 1 << 16;

    private struct Unit
    {
        public ulong Registers;
        public int FirstGsi;
        public int Pins;
    }

    [InlineArray(MaxUnits)]
    private struct Units
    {
        private Unit _first;
    }

    private static Units s_units;
    private static int s_count;

    public static int GsiCount { get; private set; }

    /// <summary>Maps one unit and masks all its pins; returns the number of pins.</summary>
    public static int Add(ulong address, int firstGsi)
    {
        if (s_count == MaxUnits)
            return 0;
        ref Unit unit = ref s_units[s_count];
        unit.Registers = (ulong)HostPageTables.MapDevice(address, 0x44);
        unit.FirstGsi = firstGsi;
        unit.Pins = (int)((Read(ref unit, 1) >> 16) & 0xff) + 1;
        s_count++;
        for (int pin = 0; pin < unit.Pins; pin++)
            WriteEntry(ref unit, pin, Masked);
        if (firstGsi + unit.Pins > GsiCount)
            GsiCount = firstGsi + unit.Pins;
        return unit.Pins;
    }

    public static uint ReadVersion(int unit) => Read(ref s_units[unit], 1);

    /// <summary>Routes a GSI to a CPU; edge or level, active high or low.</summary>
    public static void Route(int gsi, uint apicId, bool levelTriggered, bool activeLow)
    {
        if (gsi >= MaxGsis || !Find(gsi, out int index))
            return;
        ref Unit unit = ref s_units[index];
        ulong entry = (ulong)(uint)(FirstVector + gsi) | (activeLow ? 1UL << 13 : 0) | (levelTriggered ? 1UL << 15 : 0) | ((ulong)apicId << 56);
        WriteEntry(ref unit, gsi - unit.FirstGsi, entry);
    }

    public static void Mask(int gsi) => SetMask(gsi, true);

    public static void Unmask(int gsi) => SetMask(gsi, false);

    /// <summary>
    /// Ends a level-triggered interrupt for the I/O APIC if the local APIC has not: behind an IOMMU a message may have lost its trigger mode.
    /// </summary>
    public static void EndOfInterrupt(int gsi)
    {
        const uint remoteIrr = 1 << 14, level = 1 << 15;
        const int endOfInterruptRegister = 0x40, firstVersionWithIt = 0x20;
        if (!Find(gsi, out int index))
            return;
        ref Unit unit = ref s_units[index];
        int register = 0x10 + (2 * (gsi - unit.FirstGsi));
        uint low = Read(ref unit, register);
        if ((low & remoteIrr) == 0)
            return;
        if ((Read(ref unit, 1) & 0xff) >= firstVersionWithIt)
        {
            System.Threading.Volatile.Write(ref *(uint*)(unit.Registers + endOfInterruptRegister), low & 0xff);
            return;
        }

        // Older ones forget it when the pin becomes edge-triggered; it is masked meanwhile.
        Write(ref unit, register, (low | (uint)Masked) & ~level);
        Write(ref unit, register, low | (uint)Masked);
    }

    public static ulong ReadEntry(int gsi)
    {
        if (!Find(gsi, out int index))
            return Masked;
        ref Unit unit = ref s_units[index];
        int register = 0x10 + (2 * (gsi - unit.FirstGsi));
        return ((ulong)Read(ref unit, register + 1) << 32) | Read(ref unit, register);
    }

    private static void SetMask(int gsi, bool masked)
    {
        if (!Find(gsi, out int index))
            return;
        ref Unit unit = ref s_units[index];
        int register = 0x10 + (2 * (gsi - unit.FirstGsi));
        uint low = Read(ref unit, register);
        Write(ref unit, register, masked ? low | (uint)Masked : low & ~(uint)Masked);
    }

    private static bool Find(int gsi, out int index)
    {
        for (index = 0; index < s_count; index++)
        {
            if (gsi >= s_units[index].FirstGsi && gsi < s_units[index].FirstGsi + s_units[index].Pins)
                return true;
        }

        return false;
    }

    private static void WriteEntry(ref Unit unit, int pin, ulong entry)
    {
        Write(ref unit, 0x10 + (2 * pin), (uint)Masked);
        Write(ref unit, 0x11 + (2 * pin), (uint)(entry >> 32));
        Write(ref unit, 0x10 + (2 * pin), (uint)entry);
    }

    private static uint Read(ref Unit unit, int register)
    {
        System.Threading.Volatile.Write(ref *(uint*)unit.Registers, (uint)register);
        return System.Threading.Volatile.Read(ref *(uint*)(unit.Registers + 0x10));
    }

    private static void Write(ref Unit unit, int register, uint value)
    {
        System.Threading.Volatile.Write(ref *(uint*)unit.Registers, (uint)register);
        System.Threading.Volatile.Write(ref *(uint*)(unit.Registers + 0x10), value);
    }
}
