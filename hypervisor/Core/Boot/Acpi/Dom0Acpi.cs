// SPDX-License-Identifier: MIT
// The ACPI tables that dom0 gets: a new RSDP, XSDT and MADT that leave out what the hypervisor keeps. Called by the builder of dom0.
//
// Which tables stay: xen/arch/x86/hvm/dom0_build.c (pvh_acpi_table_allowed). HPET, IVRS and DMAR are the hypervisor's. Entries refer to the machine's tables where they lie.

using System;
using System.Buffers.Binary;
using XenSharp.Devices.Apic;

namespace XenSharp.Core.Boot.Acpi;

/// <summary>One block: RSDP, then XSDT, then MADT.</summary>
public static class Dom0Acpi
{
    private const int RootSize = 36, RootSize1 = 20, RootArea = 64;
    private const int MadtFixed = 44, IoApicSize = 12, OverrideSize = 10, X2ApicSize = 16;
    private const int NewestMadt = 4;

    /// <summary>Bytes that <see cref="Build"/> will write.</summary>
    public static int Size(MachineTables tables, int vcpus) => RootArea + XsdtArea(tables) + MadtSize(tables, vcpus);

    /// <summary>Writes the block that will lie at <paramref name="address"/>; the RSDP comes first. Its length, or 0 when it does not fit.</summary>
    public static int Build(MachineTables tables, int vcpus, ulong address, Span<byte> output)
    {
        int size = Size(tables, vcpus);
        if (output.Length < size)
            return 0;
        output.Slice(0, size).Clear();
        int xsdt = RootArea;
        int madt = xsdt + XsdtArea(tables);
        WriteRoot(tables, address + (ulong)xsdt, output.Slice(0, RootSize));
        WriteXsdt(tables, address + (ulong)madt, output.Slice(xsdt, XsdtSize(tables)));
        WriteMadt(tables, vcpus, output.Slice(madt, MadtSize(tables, vcpus)));
        return size;
    }

    private static int XsdtSize(MachineTables tables)
    {
        int size = AcpiTable.HeaderSize + 8;
        for (int i = 0; i < tables.TableCount; i++)
        {
            if (IsAllowed(tables.Table(i).Signature))
                size += 8;
        }

        return size;
    }

    private static int XsdtArea(MachineTables tables) => (XsdtSize(tables) + 15) & ~15;

    private static int MadtSize(MachineTables tables, int vcpus) =>
        MadtFixed + (tables.IoApicCount * IoApicSize) + (tables.OverrideCount * OverrideSize) + (vcpus * X2ApicSize);

    // DSDT and FACS hang on the FADT.
    private static bool IsAllowed(uint signature) => signature is AcpiSignature.Fadt or AcpiSignature.Mcfg or AcpiSignature.Ssdt or AcpiSignature.Psdt
        or AcpiSignature.Sbst or AcpiSignature.Slic or AcpiSignature.Msdm or AcpiSignature.Wdat or AcpiSignature.Fpdt or AcpiSignature.S3pt;

    private static void WriteRoot(MachineTables tables, ulong xsdtAddress, Span<byte> root)
    {
        const int checksum = 8, oemId = 9, revision = 15, length = 20, xsdt = 24, extendedChecksum = 32;
        "RSD PTR "u8.CopyTo(root);
        for (int i = 0; i < 6; i++)
            root[oemId + i] = (byte)(tables.RootOemId >> (8 * i));
        root[revision] = 2;
        BinaryPrimitives.WriteUInt32LittleEndian(root.Slice(length), RootSize);
        BinaryPrimitives.WriteUInt64LittleEndian(root.Slice(xsdt), xsdtAddress);
        AcpiTable.Seal(root.Slice(0, RootSize1), checksum);
        AcpiTable.Seal(root, extendedChecksum);
    }

    private static void WriteXsdt(MachineTables tables, ulong madtAddress, Span<byte> xsdt)
    {
        tables.RootHeader.CopyTo(xsdt);
        "XSDT"u8.CopyTo(xsdt);
        xsdt[AcpiTable.RevisionOffset] = 1;
        BinaryPrimitives.WriteUInt32LittleEndian(xsdt.Slice(AcpiTable.LengthOffset), (uint)xsdt.Length);
        int position = AcpiTable.HeaderSize;
        BinaryPrimitives.WriteUInt64LittleEndian(xsdt.Slice(position), madtAddress);
        for (int i = 0; i < tables.TableCount; i++)
        {
            if (!IsAllowed(tables.Table(i).Signature))
                continue;
            position += 8;
            BinaryPrimitives.WriteUInt64LittleEndian(xsdt.Slice(position), tables.Table(i).Address);
        }

        AcpiTable.Seal(xsdt, AcpiTable.ChecksumOffset);
    }

    // Flags stay 0: without PCAT_COMPAT a kernel does not look for a PIC, which dom0 has not.
    private static void WriteMadt(MachineTables tables, int vcpus, Span<byte> madt)
    {
        tables.MadtHeader.CopyTo(madt);
        madt[AcpiTable.RevisionOffset] = (byte)Math.Min((int)tables.MadtHeader[AcpiTable.RevisionOffset], NewestMadt);
        BinaryPrimitives.WriteUInt32LittleEndian(madt.Slice(AcpiTable.LengthOffset), (uint)madt.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(madt.Slice(AcpiTable.HeaderSize), (uint)LocalApic.DefaultAddress);
        Span<byte> rest = madt.Slice(MadtFixed);
        for (int i = 0; i < tables.IoApicCount; i++)
        {
            Span<byte> entry = Take(ref rest, 1, IoApicSize);
            entry[2] = (byte)tables.IoApicId(i);
            BinaryPrimitives.WriteUInt32LittleEndian(entry.Slice(4), (uint)tables.IoApicAddress(i));
            BinaryPrimitives.WriteUInt32LittleEndian(entry.Slice(8), tables.IoApicFirstGsi(i));
        }

        for (int i = 0; i < vcpus; i++)
        {
            const uint enabled = 1;
            Span<byte> entry = Take(ref rest, 9, X2ApicSize);
            BinaryPrimitives.WriteUInt32LittleEndian(entry.Slice(4), (uint)i * 2);
            BinaryPrimitives.WriteUInt32LittleEndian(entry.Slice(8), enabled);
            BinaryPrimitives.WriteUInt32LittleEndian(entry.Slice(12), (uint)i);
        }

        for (int i = 0; i < tables.OverrideCount; i++)
        {
            ref readonly MachineTables.OverrideEntry source = ref tables.Override(i);
            Span<byte> entry = Take(ref rest, 2, OverrideSize);
            entry[2] = source.Bus;
            entry[3] = source.Source;
            BinaryPrimitives.WriteUInt32LittleEndian(entry.Slice(4), source.Gsi);
            BinaryPrimitives.WriteUInt16LittleEndian(entry.Slice(8), source.Flags);
        }

        AcpiTable.Seal(madt, AcpiTable.ChecksumOffset);
    }

    private static Span<byte> Take(ref Span<byte> rest, byte type, int length)
    {
        Span<byte> entry = rest.Slice(0, length);
        rest = rest.Slice(length);
        entry[0] = type;
        entry[1] = (byte)length;
        return entry;
    }
}
