// SPDX-License-Identifier: MIT
// CRC-32 of IEEE 802.3, eight bytes at a time with a table for each place. Used by XzFile.

using System;
using System.Buffers.Binary;

namespace XenSharp.Toolstack.Kernel.Xz;

internal static class Crc32
{
    private const uint Polynomial = 0xEDB8_8320;

    private static readonly uint[] s_tables = MakeTables();

    public static uint Of(ReadOnlySpan<byte> data)
    {
        ReadOnlySpan<uint> tables = s_tables.AsSpan(0, 8 * 256);
        uint sum = uint.MaxValue;
        for (; data.Length >= 8; data = data[8..])
        {
            ulong word = BinaryPrimitives.ReadUInt64LittleEndian(data) ^ sum;
            sum = tables[(7 * 256) + (byte)word] ^ tables[(6 * 256) + (byte)(word >> 8)] ^ tables[(5 * 256) + (byte)(word >> 16)] ^ tables[(4 * 256) + (byte)(word >> 24)]
                ^ tables[(3 * 256) + (byte)(word >> 32)] ^ tables[(2 * 256) + (byte)(word >> 40)] ^ tables[256 + (byte)(word >> 48)] ^ tables[(byte)(word >> 56)];
        }
        foreach (byte value in data)
            sum = tables[(byte)(sum ^ value)] ^ (sum >> 8);
        return ~sum;
    }

    /// <summary>The n-th table has the sums of a byte with n zeros behind it.</summary>
    private static uint[] MakeTables()
    {
        uint[] tables = new uint[8 * 256];
        for (uint value = 0; value < 256; value++)
        {
            uint sum = value;
            for (int bit = 0; bit < 8; bit++)
                sum = (sum & 1) != 0 ? (sum >> 1) ^ Polynomial : sum >> 1;
            tables[value] = sum;
        }
        for (int place = 256; place < tables.Length; place++)
            tables[place] = (tables[place - 256] >> 8) ^ tables[(byte)tables[place - 256]];
        return tables;
    }
}
