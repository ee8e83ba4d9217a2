// SPDX-License-Identifier: MIT
// Signatures and the common header of ACPI tables (ACPI 6.4, 5.2.6).

using System;
using System.Buffers.Binary;

namespace XenSharp.Core.Boot.Acpi;

/// <summary>Four-letter names as little-endian words.</summary>
internal static class AcpiSignature
{
    public const uint Rsdt = 0x5444_5352, Xsdt = 0x5444_5358, Madt = 0x4349_5041, Fadt = 0x5043_4146, Mcfg = 0x4746_434d, Hpet = 0x5445_5048;
    public const uint Ssdt = 0x5444_5353, Psdt = 0x5444_5350, Sbst = 0x5453_4253, Slic = 0x4349_4c53, Msdm = 0x4d44_534d, Wdat = 0x5441_4457;
    public const uint Fpdt = 0x5444_5046, S3pt = 0x5450_3353, Ivrs = 0x5352_5649;
}

/// <summary>Helpers over the bytes of one table.</summary>
internal static class AcpiTable
{
    public const int HeaderSize = 36;
    public const int LengthOffset = 4, RevisionOffset = 8, ChecksumOffset = 9;

    public static byte Sum(ReadOnlySpan<byte> bytes)
    {
        byte sum = 0;
        foreach (byte value in bytes)
            sum += value;
        return sum;
    }

    /// <summary>Sets the byte at <paramref name="checksum"/> so that all bytes add up to 0.</summary>
    public static void Seal(Span<byte> bytes, int checksum)
    {
        bytes[checksum] = 0;
        bytes[checksum] = (byte)-Sum(bytes);
    }

    public static uint Word(ReadOnlySpan<byte> table, int offset) =>
        offset + 4 <= table.Length ? BinaryPrimitives.ReadUInt32LittleEndian(table.Slice(offset)) : 0;

    public static ulong Long(ReadOnlySpan<byte> table, int offset) =>
        offset + 8 <= table.Length ? BinaryPrimitives.ReadUInt64LittleEndian(table.Slice(offset)) : 0;

    /// <summary>The port of a generic address structure in I/O space at <paramref name="offset"/>, or 0.</summary>
    public static ushort Port(ReadOnlySpan<byte> table, int offset)
    {
        const byte systemIo = 1;
        if (offset + 12 > table.Length || table[offset] != systemIo)
            return 0;
        ulong address = Long(table, offset + 4);
        return address <= ushort.MaxValue ? (ushort)address : (ushort)0;
    }
}
