// SPDX-License-Identifier: MIT
// Writes ACPI machine language, as much of it as AcpiTables needs. ACPI 6.5, chapter 20.

using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.Text;

namespace XenSharp.Toolstack.Building;

/// <summary>Each method gives the bytes of one object or term; joined lists of them are blocks.</summary>
internal static class Aml
{
    public static byte[] Scope(string name, params byte[][] terms) => Block([0x10], [.. Name(name), .. Join(terms)]);

    public static byte[] Processor(string name, byte id, uint block, byte blockLength, params byte[][] terms) =>
        Block([0x5B, 0x83], [.. Name(name), id, .. Raw32(block), blockLength, .. Join(terms)]);

    public static byte[] Named(string name, byte[] value) => [0x08, .. Name(name), .. value];

    public static byte[] Method(string name, params byte[][] terms) => Block([0x14], [.. Name(name), 0, .. Join(terms)]);

    /// <summary>A region of system memory.</summary>
    public static byte[] MemoryRegion(string name, uint address, byte length) => [0x5B, 0x80, .. Name(name), 0, 0x0C, .. Raw32(address), 0x0A, length];

    /// <summary>A field of a region, read by bytes, from a bit on.</summary>
    public static byte[] Field(string region, string name, int offset, int bits) =>
        Block([0x5B, 0x81], [.. Name(region), 0x01, .. offset > 0 ? [0x00, .. PackageLength(offset)] : Array.Empty<byte>(), .. Name(name), .. PackageLength(bits)]);

    public static byte[] If(byte[] condition, params byte[][] terms) => Block([0xA0], [.. condition, .. Join(terms)]);

    public static byte[] Return(byte[] value) => [0xA4, .. value];

    public static byte[] ToBuffer(byte[] value) => [0x96, .. value, 0x00];

    public static byte[] Integer(byte value) => value switch { 0 => [0x00], 1 => [0x01], _ => [0x0A, value] };

    public static byte[] Text(string value) => [0x0D, .. Encoding.ASCII.GetBytes(value), 0];

    /// <summary>A path of one segment, padded with underscores.</summary>
    public static byte[] Name(string name) => name[0] == '\\' ? [(byte)'\\', .. Name(name[1..])] : Encoding.ASCII.GetBytes(name.PadRight(4, '_'));

    private static byte[] Block(byte[] opcode, byte[] content)
    {
        // The length counts its own bytes.
        int bytes = content.Length + 1 < 1 << 6 ? 1 : content.Length + 2 < 1 << 12 ? 2 : content.Length + 3 < 1 << 20 ? 3 : 4;
        return [.. opcode, .. PackageLength(content.Length + bytes, bytes), .. content];
    }

    private static byte[] PackageLength(int value, int bytes = 0)
    {
        bytes = bytes != 0 ? bytes : value < 1 << 6 ? 1 : value < 1 << 12 ? 2 : value < 1 << 20 ? 3 : 4;
        if (bytes == 1)
            return [(byte)value];
        byte[] encoded = new byte[bytes];
        encoded[0] = (byte)(((bytes - 1) << 6) | (value & 0xF));
        for (int index = 1; index < bytes; index++)
            encoded[index] = (byte)(value >> (4 + (8 * (index - 1))));
        return encoded;
    }

    private static byte[] Raw32(uint value)
    {
        byte[] bytes = new byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, value);
        return bytes;
    }

    private static byte[] Join(byte[][] parts)
    {
        List<byte> all = [];
        foreach (byte[] part in parts)
            all.AddRange(part);
        return [.. all];
    }
}
