// SPDX-License-Identifier: MIT
// Reads the ACPI table IVRS (AMD I/O Virtualization Technology Specification 48882, chapter 5). Called by AcpiReader.

using System;
using System.Buffers.Binary;
using XenSharp.Core.Console;
using XenSharp.Edge;

namespace XenSharp.Core.Boot.Acpi;

/// <summary>Of several blocks for one IOMMU the newest known form counts. A block that is not understood makes the whole table unusable.</summary>
internal readonly ref struct IvrsReader(HostConsole console, IvrsTable output)
{
    private const int FirstBlock = 48, LengthOffset = 2;
    private const byte Hardware10 = 0x10, Hardware11 = 0x11, Hardware40 = 0x40, MemoryAll = 0x20, MemoryRange = 0x22;

    /// <summary>Null, with the reason on the console, if the IOMMUs cannot be driven by what the table says.</summary>
    public static IvrsTable? Read(ReadOnlySpan<byte> table, HostConsole console)
    {
        IvrsTable output = new();
        IvrsReader reader = new(console, output);
        return reader.ReadBlocks(table) ? output : null;
    }

    private bool ReadBlocks(ReadOnlySpan<byte> table)
    {
        byte newest = 0;
        for (int offset = FirstBlock; offset < table.Length; offset += Length(table, offset))
        {
            if (!IsBlock(table, offset))
                return Refuse("a block with a wrong length"u8, offset);
            byte type = table[offset];
            if (type is Hardware10 or Hardware11 or Hardware40 && type > newest)
                newest = type;
        }

        output.BlockType = newest;
        for (int offset = FirstBlock; offset < table.Length; offset += Length(table, offset))
        {
            ReadOnlySpan<byte> block = table.Slice(offset, Length(table, offset));
            if (block[0] == newest && !ReadHardware(block, offset))
                return false;
            if (block[0] is >= MemoryAll and <= MemoryRange && !ReadMemory(block, offset))
                return false;
        }

        return output.UnitCount > 0 || Refuse("no IOMMU"u8, FirstBlock);
    }

    private static int Length(ReadOnlySpan<byte> table, int offset) => BinaryPrimitives.ReadUInt16LittleEndian(table.Slice(offset + LengthOffset));

    private static bool IsBlock(ReadOnlySpan<byte> table, int offset) =>
        offset + 4 <= table.Length && Length(table, offset) >= 24 && offset + Length(table, offset) <= table.Length;

    private bool ReadHardware(ReadOnlySpan<byte> block, int position)
    {
        int first = block[0] == Hardware10 ? 24 : 40;
        if (block.Length < first)
            return Refuse("a block that is too short"u8, position);
        if (Half(block, 16) != 0)
            return Refuse("an IOMMU of a PCI segment other than 0"u8, position);
        IommuDescription unit = new()
        {
            Flags = block[1],
            DeviceId = Half(block, 4),
            CapabilityOffset = Half(block, 6),
            Address = AcpiTable.Long(block, 8),
        };
        if (unit.Address == 0 || (unit.Address & FrameSize.Mask) != 0)
            return Refuse("an IOMMU without registers"u8, position);
        byte index = (byte)output.UnitCount;
        return output.Add(in unit) ? ReadDevices(block, first, position, index) : Refuse("more IOMMUs than are supported"u8, position);
    }

    private bool ReadDevices(ReadOnlySpan<byte> block, int first, int position, byte unit)
    {
        IommuDeviceRange open = default;
        bool isOpen = false;
        for (int offset = first; offset < block.Length;)
        {
            int length = EntryLength(block, offset);
            if (length == 0 || offset + length > block.Length)
                return Refuse("a device entry with a wrong length"u8, position + offset);
            if (!ReadDevice(block.Slice(offset, length), unit, ref open, ref isOpen))
                return Refuse("more devices than are supported, or an entry without sense"u8, position + offset);
            offset += length;
        }

        return !isOpen || Refuse("a device range without end"u8, position);
    }

    private static int EntryLength(ReadOnlySpan<byte> block, int offset)
    {
        byte type = block[offset];
        const byte acpiNamed = 0xf0;
        const int namedLength = 22;
        if (type == acpiNamed)
            return offset + namedLength <= block.Length ? namedLength + block[offset + namedLength - 1] : 0;
        return type < 0xf0 ? 4 << (type >> 6) : 0;
    }

    private bool ReadDevice(ReadOnlySpan<byte> entry, byte unit, ref IommuDeviceRange open, ref bool isOpen)
    {
        const byte all = 1, select = 2, rangeStart = 3, rangeEnd = 4, aliasSelect = 66, aliasStart = 67, extendedSelect = 70, extendedStart = 71, special = 72;
        IommuDeviceRange range = new() { First = Half(entry, 1), Last = Half(entry, 1), Settings = entry[3], Unit = unit };
        switch (entry[0])
        {
            case all:
                range.First = 0;
                range.Last = ushort.MaxValue;
                return output.Add(in range);
            case select or extendedSelect:
                return output.Add(in range);
            case aliasSelect:
                range.HasAlias = true;
                range.Alias = Half(entry, 5);
                return output.Add(in range);
            case rangeStart or extendedStart or aliasStart:
                if (isOpen)
                    return false;
                range.HasAlias = entry[0] == aliasStart;
                range.Alias = range.HasAlias ? Half(entry, 5) : (ushort)0;
                open = range;
                isOpen = true;
                return true;
            case rangeEnd:
                if (!isOpen || range.First < open.First)
                    return false;
                isOpen = false;
                open.Last = range.First;
                return output.Add(in open);
            case special:
                IommuSpecialDevice device = new() { Handle = entry[4], DeviceId = Half(entry, 5), Kind = entry[7] };
                range.First = range.Last = device.DeviceId;
                return output.Add(in range) && output.Add(in device);
            default:
                return true; // padding, and devices without a PCI function
        }
    }

    private bool ReadMemory(ReadOnlySpan<byte> block, int position)
    {
        const byte unity = 1, write = 4, exclusion = 8;
        if (block.Length < 32)
            return Refuse("a block that is too short"u8, position);
        byte flags = block[1];
        if ((flags & (unity | exclusion)) == 0)
            return true;
        IommuMemoryRegion region = new()
        {
            Start = AcpiTable.Long(block, 16) & ~FrameSize.Mask,
            IsWritable = (flags & (write | exclusion)) != 0,
        };
        ulong end = AcpiTable.Long(block, 16) + AcpiTable.Long(block, 24);
        if (end <= region.Start || end >> 48 != 0)
            return Refuse("a memory block without sense"u8, position);
        region.Size = ((end + FrameSize.Mask) & ~FrameSize.Mask) - region.Start;
        return output.Add(in region) || Refuse("more memory blocks than are supported"u8, position);
    }

    private static ushort Half(ReadOnlySpan<byte> bytes, int offset) => BinaryPrimitives.ReadUInt16LittleEndian(bytes.Slice(offset));

    private bool Refuse(ReadOnlySpan<byte> what, int offset)
    {
        console.Begin().Text("AMD-Vi: the IVRS table has at offset "u8).Decimal(offset).Text(" "u8).Text(what).Text("; its IOMMUs are not used"u8).End();
        return false;
    }
}
