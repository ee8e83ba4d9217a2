// SPDX-License-Identifier: MIT
// Walks the machine's ACPI tables (ACPI 6.4, chapter 5). Called by MachineTables.Find.

using System;
using System.Buffers.Binary;
using XenSharp.Core.Console;
using XenSharp.Edge;

namespace XenSharp.Core.Boot.Acpi;

/// <summary>Every table that is refused is named on the console.</summary>
internal readonly ref struct AcpiReader(FirmwareMemory memory, HostConsole console, MachineTables tables)
{
    private const ulong BiosStart = 0xe0000, BiosEnd = 0x10_0000, ExtendedBiosPointer = 0x40e;
    private const int ExtendedBiosSize = 1024;
    private const int RootSize1 = 20, RootSize2 = 36;
    private const uint LargestTable = 16 << 20;

    public bool ReadAll(ulong givenRoot)
    {
        ulong address = givenRoot != 0 && IsRoot(givenRoot) ? givenRoot : FindRoot();
        if (address == 0)
        {
            console.Print("ACPI: no root pointer (RSDP) found"u8);
            return false;
        }

        if (!ReadRoot(address))
            return false;
        bool hasMadt = false;
        for (int i = 0; i < tables.TableCount; i++)
        {
            MachineTables.TableReference table = tables.Table(i);
            switch (table.Signature)
            {
                case AcpiSignature.Madt:
                    hasMadt = TryMap(table.Address, table.Signature, out ReadOnlySpan<byte> madt) && ReadMadt(madt);
                    break;
                case AcpiSignature.Fadt:
                    if (TryMap(table.Address, table.Signature, out ReadOnlySpan<byte> fadt))
                        ReadFadt(fadt);
                    break;
                case AcpiSignature.Mcfg:
                    if (TryMap(table.Address, table.Signature, out ReadOnlySpan<byte> mcfg))
                        ReadMcfg(mcfg);
                    break;
                case AcpiSignature.Hpet:
                    const int addressOffset = 44;
                    if (TryMap(table.Address, table.Signature, out ReadOnlySpan<byte> hpet))
                        tables.HpetAddress = AcpiTable.Long(hpet, addressOffset);
                    break;
                case AcpiSignature.Ivrs:
                    if (TryMap(table.Address, table.Signature, out ReadOnlySpan<byte> ivrs))
                        tables.Ivrs = IvrsReader.Read(ivrs, console);
                    break;
            }
        }

        if (!hasMadt)
            console.Print("ACPI: no usable interrupt controller table (MADT)"u8);
        return hasMadt;
    }

    private ulong FindRoot()
    {
        ulong extended = (ulong)BinaryPrimitives.ReadUInt16LittleEndian(memory.Map(ExtendedBiosPointer, 2)) << 4;
        if (extended is >= 0x400 and < 0xa0000)
        {
            ulong found = Search(extended, extended + ExtendedBiosSize);
            if (found != 0)
                return found;
        }

        return Search(BiosStart, BiosEnd);
    }

    private ulong Search(ulong start, ulong end)
    {
        ReadOnlySpan<byte> area = memory.Map(start, (int)(end - start));
        for (int i = 0; i + RootSize2 <= area.Length; i += 16)
        {
            if (area.Slice(i).StartsWith("RSD PTR "u8) && AcpiTable.Sum(area.Slice(i, RootSize1)) == 0)
                return start + (ulong)i;
        }

        return 0;
    }

    private bool IsRoot(ulong address)
    {
        ReadOnlySpan<byte> root = memory.Map(address, RootSize1);
        if (root.StartsWith("RSD PTR "u8) && AcpiTable.Sum(root) == 0)
            return true;
        console.Begin().Text("ACPI: the loader's root pointer at "u8).Hex(address).Text(" is damaged; searching for it"u8).End();
        return false;
    }

    private bool ReadRoot(ulong address)
    {
        const int oemId = 9, revision = 15, rsdt = 16, xsdt = 24;
        ReadOnlySpan<byte> root = memory.Map(address, RootSize1);
        tables.RootRevision = root[revision];
        tables.RootOemId = AcpiTable.Long(root, oemId) & 0xffff_ffff_ffff;
        console.Begin(LogLevel.Info).Text("ACPI: RSDP "u8).Hex(address, 8).Text(" (r"u8).Decimal(root[revision]).Text(" "u8)
            .Printable(root.Slice(oemId, 6)).Text(")"u8).End();
        if (root[revision] >= 2)
        {
            ulong list = AcpiTable.Long(memory.Map(address, RootSize2), xsdt);
            if (list != 0 && AcpiTable.Sum(memory.Map(address, RootSize2)) == 0 && TryMap(list, AcpiSignature.Xsdt, out ReadOnlySpan<byte> longList))
                return ReadList(longList, 8);
        }

        return TryMap(AcpiTable.Word(root, rsdt), AcpiSignature.Rsdt, out ReadOnlySpan<byte> shortList) && ReadList(shortList, 4);
    }

    private bool ReadList(ReadOnlySpan<byte> list, int entrySize)
    {
        tables.KeepRootHeader(list);
        for (int offset = AcpiTable.HeaderSize; offset + entrySize <= list.Length; offset += entrySize)
        {
            ulong address = entrySize == 8 ? AcpiTable.Long(list, offset) : AcpiTable.Word(list, offset);
            if (address == 0)
                continue;
            ReadOnlySpan<byte> header = memory.Map(address, AcpiTable.HeaderSize);
            uint length = AcpiTable.Word(header, AcpiTable.LengthOffset);
            console.Begin(LogLevel.Info).Text("ACPI: "u8).Printable(header.Slice(0, 4)).Text(" "u8).Hex(address, 8).Text(", "u8).Hex(length, 4)
                .Text(" (r"u8).Decimal(header[AcpiTable.RevisionOffset]).Text(" "u8).Printable(header.Slice(10, 6)).Text(")"u8).End();
            if (!tables.AddTable(AcpiTable.Word(header, 0), address, length))
                console.Print("ACPI: more tables than are supported; the rest is ignored"u8);
        }

        return true;
    }

    // A whole table, if its signature, length and checksum are right.
    private bool TryMap(ulong address, uint signature, out ReadOnlySpan<byte> table)
    {
        table = default;
        ReadOnlySpan<byte> header = memory.Map(address, AcpiTable.HeaderSize);
        uint length = AcpiTable.Word(header, AcpiTable.LengthOffset);
        if (AcpiTable.Word(header, 0) != signature || length < AcpiTable.HeaderSize || length > LargestTable)
            return Refuse(header, address, " is not what it should be"u8);
        ReadOnlySpan<byte> whole = memory.Map(address, (int)length);
        if (AcpiTable.Sum(whole) != 0)
            return Refuse(header, address, " has a wrong checksum"u8);
        table = whole;
        return true;
    }

    private bool Refuse(ReadOnlySpan<byte> header, ulong address, ReadOnlySpan<byte> reason)
    {
        console.Begin().Text("ACPI: table "u8).Printable(header.Slice(0, 4)).Text(" at "u8).Hex(address).Text(reason).End();
        return false;
    }

    private bool ReadMadt(ReadOnlySpan<byte> madt)
    {
        const int firstEntry = 44;
        tables.KeepMadtHeader(madt);
        bool complete = true;
        int offset = firstEntry;
        while (offset + 2 <= madt.Length)
        {
            int length = madt[offset + 1];
            if (length < 2 || offset + length > madt.Length)
            {
                console.Begin().Text("ACPI: MADT entry at offset "u8).Decimal(offset).Text(" has a wrong length; the rest is ignored"u8).End();
                break;
            }

            complete &= ReadMadtEntry(madt.Slice(offset, length));
            offset += length;
        }

        if (!complete)
            console.Print("ACPI: MADT has more entries than are supported; the rest is ignored"u8);
        return tables.ProcessorCount > 0;
    }

    private bool ReadMadtEntry(ReadOnlySpan<byte> entry)
    {
        const uint enabled = 1;
        switch (entry[0])
        {
            case 0 when entry.Length >= 8:
                return (entry[4] & enabled) == 0 || tables.AddProcessor(entry[3], entry[2]);
            case 1 when entry.Length >= 12:
                return tables.AddIoApic(entry[2], AcpiTable.Word(entry, 4), AcpiTable.Word(entry, 8));
            case 2 when entry.Length >= 10:
                return tables.AddOverride(entry[2], entry[3], AcpiTable.Word(entry, 4), BinaryPrimitives.ReadUInt16LittleEndian(entry.Slice(8)));
            case 9 when entry.Length >= 16:
                return (AcpiTable.Word(entry, 8) & enabled) == 0 || tables.AddProcessor(AcpiTable.Word(entry, 4), AcpiTable.Word(entry, 12));
            default:
                return true;
        }
    }

    // Where a table has both the old and the extended form of a register, the extended one counts if it is there.
    private void ReadFadt(ReadOnlySpan<byte> fadt)
    {
        const int pm1aControl = 64, pm1bControl = 68, pmTimer = 76, flags = 112, reset = 116, resetValue = 128;
        const int extendedPm1aControl = 172, extendedPm1bControl = 184, extendedPmTimer = 208;
        const uint timerIs32Bit = 1 << 8, hasReset = 1 << 10;
        uint features = AcpiTable.Word(fadt, flags);
        tables.PmTimerPort = Either(fadt, extendedPmTimer, pmTimer);
        tables.PmTimerIs32Bit = (features & timerIs32Bit) != 0;
        tables.Pm1ControlPort = Either(fadt, extendedPm1aControl, pm1aControl);
        tables.Pm1bControlPort = Either(fadt, extendedPm1bControl, pm1bControl);
        if ((features & hasReset) == 0 || fadt.Length <= resetValue)
            return;
        tables.ResetPort = AcpiTable.Port(fadt, reset);
        tables.ResetValue = fadt[resetValue];
    }

    private static ushort Either(ReadOnlySpan<byte> fadt, int extended, int old)
    {
        ushort port = AcpiTable.Port(fadt, extended);
        return port != 0 ? port : (ushort)AcpiTable.Word(fadt, old);
    }

    private void ReadMcfg(ReadOnlySpan<byte> mcfg)
    {
        const int firstEntry = 44, entrySize = 16;
        for (int offset = firstEntry; offset + entrySize <= mcfg.Length; offset += entrySize)
        {
            if (!tables.AddConfigurationSpace(AcpiTable.Long(mcfg, offset), (ushort)AcpiTable.Word(mcfg, offset + 8), mcfg[offset + 10], mcfg[offset + 11]))
                console.Begin().Text("ACPI: MCFG entry at offset "u8).Decimal(offset).Text(" is unusable"u8).End();
        }
    }
}
