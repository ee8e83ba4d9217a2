// SPDX-License-Identifier: MIT
// CRC-64 (ECMA-182, reflected), the default check of the xz tool. Called by Xz.

using System;

namespace XenSharp.Core.Boot.Kernel;

/// <summary>CRC-64 a byte at a time: kernels are packed with CRC-32, so this one need not be fast.</summary>
internal static class Crc64
{
    private const ulong Polynomial = 0xc96c5795d7870f42;

    public static ulong Compute(ReadOnlySpan<byte> data)
    {
        Span<ulong> table = stackalloc ulong[256];
        for (int i = 0; i < 256; i++)
        {
            ulong c = (ulong)i;
            for (int bit = 0; bit < 8; bit++)
            {
                c = (c & 1) != 0 ? (c >> 1) ^ Polynomial : c >> 1;
            }
            table[i] = c;
        }
        ulong crc = ulong.MaxValue;
        for (int i = 0; i < data.Length; i++)
        {
            crc = table[(int)((crc ^ data[i]) & 0xff)] ^ (crc >> 8);
        }
        return ~crc;
    }
}
