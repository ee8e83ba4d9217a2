// SPDX-License-Identifier: MIT
// What the ACPI table IVRS says of the machine's AMD IOMMUs (specification 48882, chapter 5). Filled by IvrsReader, read by IommuSystem.

namespace XenSharp.Core.Boot.Acpi;

/// <summary>One IOMMU (an IVHD block).</summary>
public struct IommuDescription
{
    /// <summary>Bus, device and function of the IOMMU itself.</summary>
    public ushort DeviceId;

    /// <summary>Where its capability block lies in its configuration space.</summary>
    public ushort CapabilityOffset;

    public ulong Address;

    /// <summary>Bits 0 HtTunEn, 1 PassPW, 2 ResPassPW, 3 Isoc, 4 IotlbSup, 5 Coherent.</summary>
    public byte Flags;
}

/// <summary>Device ids that an IOMMU serves, with the settings of their device table entries.</summary>
public struct IommuDeviceRange
{
    public ushort First;
    public ushort Last;

    /// <summary>The id under which requests of these devices arrive, if <see cref="HasAlias"/>.</summary>
    public ushort Alias;

    public bool HasAlias;

    /// <summary>Bits 0 INITPass, 1 EIntPass, 2 NMIPass, 4-5 SysMgt, 6 LINT0Pass, 7 LINT1Pass.</summary>
    public byte Settings;

    public byte Unit;
}

/// <summary>An I/O APIC or HPET: under which device id its interrupts arrive.</summary>
public struct IommuSpecialDevice
{
    public const byte IoApic = 1, Hpet = 2;

    public byte Kind;

    /// <summary>The I/O APIC's id, or the HPET's number.</summary>
    public byte Handle;

    public ushort DeviceId;
}

/// <summary>Memory that devices use on behalf of the firmware (IVMD): mapped one to one for whoever owns the devices.</summary>
public struct IommuMemoryRegion
{
    public ulong Start;
    public ulong Size;
    public bool IsWritable;
}

/// <summary>The whole table; of segment 0, the only one of the machines of today.</summary>
public sealed class IvrsTable
{
    public const int MaxUnits = 8, MaxRanges = 512, MaxSpecials = 32, MaxRegions = 16;

    private readonly IommuDescription[] _units = new IommuDescription[MaxUnits];
    private readonly IommuDeviceRange[] _ranges = new IommuDeviceRange[MaxRanges];
    private readonly IommuSpecialDevice[] _specials = new IommuSpecialDevice[MaxSpecials];
    private readonly IommuMemoryRegion[] _regions = new IommuMemoryRegion[MaxRegions];

    public int UnitCount { get; private set; }

    public int RangeCount { get; private set; }

    public int SpecialCount { get; private set; }

    public int RegionCount { get; private set; }

    /// <summary>The type of the IVHD blocks that were read: 10h, 11h or 40h.</summary>
    public byte BlockType { get; internal set; }

    public ref readonly IommuDescription Unit(int index) => ref _units[index];

    public ref readonly IommuDeviceRange Range(int index) => ref _ranges[index];

    public ref readonly IommuSpecialDevice Special(int index) => ref _specials[index];

    public ref readonly IommuMemoryRegion Region(int index) => ref _regions[index];

    /// <summary>The highest device id that any IOMMU serves.</summary>
    public ushort LastDeviceId
    {
        get
        {
            int last = 0;
            for (int i = 0; i < RangeCount; i++)
                last = System.Math.Max(last, System.Math.Max(_ranges[i].Last, _ranges[i].HasAlias ? _ranges[i].Alias : 0));
            for (int i = 0; i < SpecialCount; i++)
                last = System.Math.Max(last, _specials[i].DeviceId);
            for (int i = 0; i < UnitCount; i++)
                last = System.Math.Max(last, _units[i].DeviceId);
            return (ushort)last;
        }
    }

    internal bool Add(in IommuDescription unit)
    {
        if (UnitCount == MaxUnits)
            return false;
        _units[UnitCount] = unit;
        UnitCount++;
        return true;
    }

    /// <summary>Neighbours with the same settings are joined: some firmware names each function by itself.</summary>
    internal bool Add(in IommuDeviceRange range)
    {
        if (RangeCount > 0 && !range.HasAlias)
        {
            ref IommuDeviceRange last = ref _ranges[RangeCount - 1];
            if (!last.HasAlias && last.Last + 1 == range.First && last.Settings == range.Settings && last.Unit == range.Unit)
            {
                last.Last = range.Last;
                return true;
            }
        }

        if (RangeCount == MaxRanges)
            return false;
        _ranges[RangeCount] = range;
        RangeCount++;
        return true;
    }

    internal bool Add(in IommuSpecialDevice special)
    {
        if (SpecialCount == MaxSpecials)
            return false;
        _specials[SpecialCount] = special;
        SpecialCount++;
        return true;
    }

    internal bool Add(in IommuMemoryRegion region)
    {
        if (RegionCount == MaxRegions)
            return false;
        _regions[RegionCount] = region;
        RegionCount++;
        return true;
    }
}
