// SPDX-License-Identifier: MIT
// The bit reader of zstd's entropy-coded streams, which are read from their end. Used by the Zstd* files.

using System;
using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace XenSharp.Core.Boot.Kernel;

/// <summary>
/// A stream whose first bits are in its last byte, below a marker bit. Before its first byte there are zeros;
/// <see cref="Left"/> is negative when some were taken.
/// </summary>
internal ref struct BackwardBits
{
    private readonly ReadOnlySpan<byte> _data;

    /// <summary>Bits not yet taken.</summary>
    public int Left;

    /// <summary>The stream must not be empty, and its last byte must hold the marker; <see cref="Left"/> is negative if not.</summary>
    public BackwardBits(ReadOnlySpan<byte> data)
    {
        _data = data;
        Left = -1;
        if (data.Length != 0 && data[data.Length - 1] != 0)
        {
            int bit = 7;
            int last = data[data.Length - 1];
            while ((last >> bit) == 0)
            {
                bit--;
            }
            Left = (data.Length - 1) * 8 + bit;
        }
    }

    /// <summary>The next <paramref name="count"/> bits (at most 32), without taking them.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly uint Peek(int count)
    {
        int start = Left - count;
        int at = start >> 3;
        if (start >= 0 && _data.Length - at >= 8)
        {
            return (uint)(BinaryPrimitives.ReadUInt64LittleEndian(_data.Slice(at)) >> (start & 7)) & (uint)((1UL << count) - 1);
        }
        return PeekAtEdge(count);
    }

    private readonly uint PeekAtEdge(int count)
    {
        if (Left <= 0)
        {
            return 0;
        }
        int start = Left - count;
        int missing = 0;
        if (start < 0)
        {
            missing = -start;
            count = Left;
            start = 0;
        }
        ulong word = 0;
        int at = start >> 3;
        int bytes = Math.Min(8, _data.Length - at);
        for (int i = 0; i < bytes; i++)
        {
            word |= (ulong)_data[at + i] << (8 * i);
        }
        uint value = (uint)(word >> (start & 7)) & (uint)((1UL << count) - 1);
        return missing < 32 ? value << missing : 0;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public uint Take(int count)
    {
        uint value = Peek(count);
        Left -= count;
        return value;
    }
}
