// SPDX-License-Identifier: MIT
// A machine's memory with ACPI tables in it, like those of QEMU's q35.

using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.Text;
using XenSharp.Edge;

namespace XenSharp.Tests.Unit.Acpi;

internal sealed class FirmwareImage : FirmwareMemory
{
    public const ulong High = 0x7ffe_0000;
    private readonly byte[] _low = new byte[0x10_0000];
    private readonly byte[] _high = new byte[0x2_0000];
    private readonly List<ulong> _tables = [];
    private int _next;

    public override ReadOnlySpan<byte> Map(ulong address, int length) =>
        address < High ? _low.AsSpan((int)address, length) : _high.AsSpan((int)(address - High), length);

    public Span<byte> At(ulong address, int length) => address < High ? _low.AsSpan((int)address, length) : _high.AsSpan((int)(address - High), length);

    /// <summary>The tables of the standard machine, with an ACPI 1.0 root in the BIOS area.</summary>
    public static FirmwareImage Standard(int processors = 2, byte[]? ivrs = null)
    {
        FirmwareImage image = new();
        byte[] fadt = new byte[244 - 36];
        Put32(fadt, 64 - 36, 0x604);
        Put32(fadt, 76 - 36, 0x608);
        Put32(fadt, 112 - 36, 1 << 10);
        fadt[116 - 36] = 1;
        Put32(fadt, 120 - 36, 0xcf9);
        fadt[128 - 36] = 0xf;
        image.AddTable("FACP", 3, fadt);
        List<byte> madt = [0, 0, 0xe0, 0xfe, 1, 0, 0, 0];
        for (int i = 0; i < processors; i++)
            madt.AddRange([0, 8, (byte)(i + 10), (byte)i, 1, 0, 0, 0]);
        madt.AddRange([0, 8, 99, 0xff, 0, 0, 0, 0]);
        madt.AddRange([1, 12, 0, 0, 0, 0, 0xc0, 0xfe, 0, 0, 0, 0]);
        madt.AddRange([2, 10, 0, 0, 2, 0, 0, 0, 0, 0]);
        madt.AddRange([2, 10, 0, 9, 9, 0, 0, 0, 0xd, 0]);
        madt.AddRange([4, 6, 0xff, 0, 0, 1]);
        image.AddTable("APIC", 1, [.. madt]);
        byte[] hpet = new byte[56 - 36];
        Put32(hpet, 44 - 36, 0xfed0_0000);
        image.AddTable("HPET", 1, hpet);
        byte[] mcfg = new byte[60 - 36];
        Put32(mcfg, 44 - 36, 0xb000_0000);
        mcfg[55 - 36] = 0xff;
        image.AddTable("MCFG", 1, mcfg);
        image.AddTable("IVRS", 1, ivrs ?? new byte[16]);
        image.AddTable("SSDT", 1, new byte[16]);
        image.Finish();
        return image;
    }

    public ulong TableAddress(int index) => _tables[index];

    public void AddTable(string signature, byte revision, byte[] body)
    {
        Span<byte> table = _high.AsSpan(_next, 36 + body.Length);
        _tables.Add(High + (ulong)_next);
        _next += (table.Length + 15) & ~15;
        Encoding.ASCII.GetBytes(signature, table);
        BinaryPrimitives.WriteInt32LittleEndian(table[4..], table.Length);
        table[8] = revision;
        Encoding.ASCII.GetBytes("BOCHS BXPC    ", table[10..]);
        body.CopyTo(table[36..]);
        Seal(table, 9);
    }

    public static void Seal(Span<byte> bytes, int checksum)
    {
        bytes[checksum] = 0;
        byte sum = 0;
        foreach (byte value in bytes)
            sum += value;
        bytes[checksum] = (byte)-sum;
    }

    private void Finish()
    {
        byte[] list = new byte[_tables.Count * 4];
        for (int i = 0; i < _tables.Count; i++)
            Put32(list, i * 4, (uint)_tables[i]);
        AddTable("RSDT", 1, list);
        Span<byte> root = _low.AsSpan(0xf59e0, 20);
        Encoding.ASCII.GetBytes("RSD PTR \0BOCHS ", root);
        BinaryPrimitives.WriteUInt32LittleEndian(root[16..], (uint)_tables[^1]);
        Seal(root, 8);
    }

    private static void Put32(byte[] bytes, int offset, uint value) => BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(offset), value);
}
