// SPDX-License-Identifier: MIT
// Hashes of paths and fingerprints of answers. Used by the index of watches and by transactions.

using System;
using System.Buffers.Binary;
using System.Numerics;

namespace XenSharp.Xenstore.Protocol;

/// <summary>A 64-bit mix of bytes; the seed is secret, so that no guest can choose two inputs that collide.</summary>
internal static class PathHash
{
    private const ulong Factor = 0x9E37_79B9_7F4A_7C15;

    public static ulong Mix(ulong state, ReadOnlySpan<byte> bytes)
    {
        while (bytes.Length >= sizeof(ulong))
        {
            state = Step(state, BinaryPrimitives.ReadUInt64LittleEndian(bytes));
            bytes = bytes[sizeof(ulong)..];
        }
        ulong last = (ulong)bytes.Length << 56;
        for (int index = 0; index < bytes.Length; index++)
            last |= (ulong)bytes[index] << (8 * index);
        return Step(state, last);
    }

    public static ulong Step(ulong state, ulong value)
    {
        ulong high = Math.BigMul(state ^ value, Factor ^ BitOperations.RotateLeft(state, 29), out ulong low);
        return high ^ low ^ BitOperations.RotateLeft(value, 17);
    }
}
