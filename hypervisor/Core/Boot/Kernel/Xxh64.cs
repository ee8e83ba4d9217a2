// SPDX-License-Identifier: MIT
// XXH64 with seed 0, the content checksum of zstd frames. Called by Zstd.
// Written from the algorithm's specification (github.com/Cyan4973/xxHash/doc/xxhash_spec.md).

using System;
using System.Buffers.Binary;
using System.Numerics;

namespace XenSharp.Core.Boot.Kernel;

internal static class Xxh64
{
    private const ulong Prime1 = 0x9e3779b185ebca87;
    private const ulong Prime2 = 0xc2b2ae3d27d4eb4f;
    private const ulong Prime3 = 0x165667b19e3779f9;
    private const ulong Prime4 = 0x85ebca77c2b2ae63;
    private const ulong Prime5 = 0x27d4eb2f165667c5;

    public static ulong Compute(ReadOnlySpan<byte> data)
    {
        ulong length = (ulong)data.Length;
        ulong hash;
        if (data.Length >= 32)
        {
            ulong a = unchecked(Prime1 + Prime2);
            ulong b = Prime2;
            ulong c = 0;
            ulong d = unchecked(0 - Prime1);
            while (data.Length >= 32)
            {
                a = Round(a, BinaryPrimitives.ReadUInt64LittleEndian(data));
                b = Round(b, BinaryPrimitives.ReadUInt64LittleEndian(data.Slice(8)));
                c = Round(c, BinaryPrimitives.ReadUInt64LittleEndian(data.Slice(16)));
                d = Round(d, BinaryPrimitives.ReadUInt64LittleEndian(data.Slice(24)));
                data = data.Slice(32);
            }
            hash = Rotate(a, 1) + Rotate(b, 7) + Rotate(c, 12) + Rotate(d, 18);
            hash = Merge(hash, a);
            hash = Merge(hash, b);
            hash = Merge(hash, c);
            hash = Merge(hash, d);
        }
        else
        {
            hash = Prime5;
        }
        hash += length;
        while (data.Length >= 8)
        {
            hash = Rotate(hash ^ Round(0, BinaryPrimitives.ReadUInt64LittleEndian(data)), 27) * Prime1 + Prime4;
            data = data.Slice(8);
        }
        if (data.Length >= 4)
        {
            hash = Rotate(hash ^ (BinaryPrimitives.ReadUInt32LittleEndian(data) * Prime1), 23) * Prime2 + Prime3;
            data = data.Slice(4);
        }
        for (int i = 0; i < data.Length; i++)
        {
            hash = Rotate(hash ^ (data[i] * Prime5), 11) * Prime1;
        }
        hash = (hash ^ (hash >> 33)) * Prime2;
        hash = (hash ^ (hash >> 29)) * Prime3;
        return hash ^ (hash >> 32);
    }

    private static ulong Round(ulong lane, ulong input) => Rotate(lane + input * Prime2, 31) * Prime1;

    private static ulong Merge(ulong hash, ulong lane) => (hash ^ Round(0, lane)) * Prime1 + Prime4;

    private static ulong Rotate(ulong value, int count) => BitOperations.RotateLeft(value, count);
}
