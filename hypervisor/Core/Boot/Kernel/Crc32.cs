// SPDX-License-Identifier: MIT
// CRC-32 (IEEE 802.3, reflected) eight bytes at a time ("slicing by 8"). Called by Gzip and Xz.

using System;
using System.Buffers.Binary;

namespace XenSharp.Core.Boot.Kernel;

/// <summary>CRC-32 over tables that the caller keeps: 66 MB pass through it at boot, too much for one byte at a time.</summary>
internal static class Crc32
{
    /// <summary>Length of the table span: eight tables of 256.</summary>
    public const int TableLength = 2048;
    private const uint Polynomial = 0xedb88320;

    /// <summary>Fills <paramref name="table"/> (at least <see cref="TableLength"/> long).</summary>
    public static void Build(Span<uint> table)
    {
        for (int i = 0; i < 256; i++)
        {
            uint c = (uint)i;
            for (int bit = 0; bit < 8; bit++)
            {
                c = (c & 1) != 0 ? (c >> 1) ^ Polynomial : c >> 1;
            }
            table[i] = c;
        }
        for (int i = 256; i < TableLength; i++)
        {
            uint c = table[i - 256];
            table[i] = table[(int)(c & 0xff)] ^ (c >> 8);
        }
    }

    public static uint Compute(ReadOnlySpan<uint> table, ReadOnlySpan<byte> data)
    {
        ReadOnlySpan<uint> t = table.Slice(0, TableLength);
        uint crc = 0xffffffff;
        while (data.Length >= 8)
        {
            ulong w = BinaryPrimitives.ReadUInt64LittleEndian(data) ^ crc;
            uint lo = (uint)w;
            uint hi = (uint)(w >> 32);
            crc = t[(int)(1792 + (lo & 0xff))] ^ t[(int)(1536 + ((lo >> 8) & 0xff))]
                ^ t[(int)(1280 + ((lo >> 16) & 0xff))] ^ t[(int)(1024 + (lo >> 24))]
                ^ t[(int)(768 + (hi & 0xff))] ^ t[(int)(512 + ((hi >> 8) & 0xff))]
                ^ t[(int)(256 + ((hi >> 16) & 0xff))] ^ t[(int)(hi >> 24)];
            data = data.Slice(8);
        }
        for (int i = 0; i < data.Length; i++)
        {
            crc = t[(int)((crc ^ data[i]) & 0xff)] ^ (crc >> 8);
        }
        return ~crc;
    }
}
