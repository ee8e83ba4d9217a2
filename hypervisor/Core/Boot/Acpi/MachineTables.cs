// SPDX-License-Identifier: MIT
// What the machine's ACPI tables say, as far as the hypervisor and the building of dom0 need it. Read once at boot.

using System;
using XenSharp.Core.Console;
using XenSharp.Edge;

namespace XenSharp.Core.Boot.Acpi;

/// <summary>The result of <see cref="Find"/>; read-only afterwards, except that the port fills in the pins of the I/O APICs.</summary>
public sealed partial class MachineTables
{
    public const int MaxTables = 64;
    public const int MaxProcessors = 256;
    public const int MaxIoApics = 16;
    public const int MaxOverrides = 32;
    public const int MaxConfigurationSpaces = 16;

    private const ulong LocalApicRegion = 0xfee0_0000, LocalApicRegionSize = 0x10_0000;

    private readonly TableReference[] _tables = new TableReference[MaxTables];
    private readonly ProcessorEntry[] _processors = new ProcessorEntry[MaxProcessors];
    private readonly IoApicEntry[] _ioApics = new IoApicEntry[MaxIoApics];
    private readonly OverrideEntry[] _overrides = new OverrideEntry[MaxOverrides];
    private readonly ConfigurationSpace[] _configurationSpaces = new ConfigurationSpace[MaxConfigurationSpaces];
    private readonly byte[] _rootHeader = new byte[AcpiTable.HeaderSize];
    private readonly byte[] _madtHeader = new byte[AcpiTable.HeaderSize];

    private MachineTables()
    {
    }

    /// <summary>
    /// Finds and reads the tables. <paramref name="givenRoot"/> is the RSDP that the loader names, or 0: then it is searched for where
    /// BIOS firmware puts it. Null after a line on the console when there is no usable root or no MADT.
    /// </summary>
    public static MachineTables? Find(FirmwareMemory memory, ulong givenRoot, HostConsole console)
    {
        MachineTables tables = new();
        AcpiReader reader = new(memory, console, tables);
        return reader.ReadAll(givenRoot) ? tables : null;
    }

    /// <summary>CPUs that the firmware has enabled.</summary>
    public int ProcessorCount { get; internal set; }

    public int IoApicCount { get; internal set; }

    public int TableCount { get; internal set; }

    /// <summary>Number of redirected ISA interrupts.</summary>
    public int OverrideCount { get; internal set; }

    public int ConfigurationSpaceCount { get; internal set; }

    /// <summary>Revision 0 and 1: ACPI 1.0, with an RSDT only.</summary>
    public byte RootRevision { get; internal set; }

    /// <summary>Six letters of the RSDP.</summary>
    public ulong RootOemId { get; internal set; }

    public ushort PmTimerPort { get; internal set; }

    public bool PmTimerIs32Bit { get; internal set; }

    /// <summary>PM1a control register: SLP_EN lives here. 0: none.</summary>
    public ushort Pm1ControlPort { get; internal set; }

    /// <summary>PM1b control register; 0: none.</summary>
    public ushort Pm1bControlPort { get; internal set; }

    /// <summary>Writing <see cref="ResetValue"/> here resets the machine. 0: no such register.</summary>
    public ushort ResetPort { get; internal set; }

    public byte ResetValue { get; internal set; }

    /// <summary>Registers of the HPET; 0: none.</summary>
    public ulong HpetAddress { get; internal set; }

    /// <summary>The machine's AMD IOMMUs; null: none, or a table that is not understood.</summary>
    public IvrsTable? Ivrs { get; internal set; }

    public uint ProcessorApicId(int index) => _processors[index].ApicId;

    /// <summary>The firmware's own number of the CPU (ACPI processor UID).</summary>
    public uint ProcessorAcpiId(int index) => _processors[index].AcpiId;

    public uint IoApicId(int index) => _ioApics[index].Id;

    public ulong IoApicAddress(int index) => _ioApics[index].Address;

    public uint IoApicFirstGsi(int index) => _ioApics[index].FirstGsi;

    public int IoApicPins(int index) => _ioApics[index].Pins;

    /// <summary>Tells how many pins an I/O APIC has; the port reads it from the device.</summary>
    public void SetIoApicPins(int index, int pins) => _ioApics[index].Pins = pins;

    /// <summary>Address of the memory-mapped PCI configuration space of a segment, at its bus 0.</summary>
    public ulong ConfigurationSpaceAddress(int index) => _configurationSpaces[index].Address;

    public ushort ConfigurationSpaceSegment(int index) => _configurationSpaces[index].Segment;

    /// <summary>The buses that it covers, a megabyte each.</summary>
    public byte ConfigurationSpaceFirstBus(int index) => (byte)((_configurationSpaces[index].Start - _configurationSpaces[index].Address) >> 20);

    public byte ConfigurationSpaceLastBus(int index) =>
        (byte)(((_configurationSpaces[index].Start + _configurationSpaces[index].Size - _configurationSpaces[index].Address) >> 20) - 1);

    /// <summary>Whether any byte of a range belongs to a device that is emulated or kept from dom0: APICs, PCI configuration, HPET, IOMMUs.</summary>
    public bool IsEmulatedRange(ulong address, ulong size)
    {
        if (Overlaps(address, size, LocalApicRegion, LocalApicRegionSize) || (HpetAddress != 0 && Overlaps(address, size, HpetAddress, FrameSize.Bytes)))
            return true;
        for (int i = 0; i < IoApicCount; i++)
        {
            if (Overlaps(address, size, _ioApics[i].Address & ~FrameSize.Mask, FrameSize.Bytes))
                return true;
        }

        for (int i = 0; Ivrs != null && i < Ivrs.UnitCount; i++)
        {
            if (Overlaps(address, size, Ivrs.Unit(i).Address, Iommu.IommuUnit.RegisterBytes))
                return true;
        }

        for (int i = 0; i < ConfigurationSpaceCount; i++)
        {
            if (Overlaps(address, size, _configurationSpaces[i].Start, _configurationSpaces[i].Size))
                return true;
        }

        return false;
    }

    internal ReadOnlySpan<byte> RootHeader => _rootHeader;

    internal ReadOnlySpan<byte> MadtHeader => _madtHeader;

    internal ref readonly TableReference Table(int index) => ref _tables[index];

    internal ref readonly OverrideEntry Override(int index) => ref _overrides[index];

    private static bool Overlaps(ulong first, ulong firstSize, ulong second, ulong secondSize) =>
        first < second + secondSize && second < first + firstSize;

    internal struct TableReference
    {
        public uint Signature;
        public uint Length;
        public ulong Address;
    }

    /// <summary>An ISA interrupt that arrives at another GSI, or with other trigger or polarity (flags of the MADT).</summary>
    internal struct OverrideEntry
    {
        public byte Bus;
        public byte Source;
        public ushort Flags;
        public uint Gsi;
    }

    private struct ProcessorEntry
    {
        public uint ApicId;
        public uint AcpiId;
    }

    private struct IoApicEntry
    {
        public uint Id;
        public uint FirstGsi;
        public ulong Address;
        public int Pins;
    }

    private struct ConfigurationSpace
    {
        public ulong Address;
        public ulong Start;
        public ulong Size;
        public ushort Segment;
    }
}
