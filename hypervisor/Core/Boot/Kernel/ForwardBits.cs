// SPDX-License-Identifier: MIT
// The bit reader of deflate. Used by Inflate and HuffmanCode.

using System;
using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace XenSharp.Core.Boot.Kernel;

/// <summary>Reads bits, lowest first. Past the end of the input there are zeros; <see cref="Overrun"/> tells.</summary>
internal ref struct ForwardBits
{
    public readonly ReadOnlySpan<byte> Input;
    private int _next;
    private int _count;
    private ulong _bits;

    public ForwardBits(ReadOnlySpan<byte> input, int next)
    {
        Input = input;
        _next = next;
        _count = 0;
        _bits = 0;
    }

    /// <summary>More bits were taken than there are.</summary>
    public readonly bool Overrun => _next - (_count >> 3) > Input.Length;

    /// <summary>Makes at least 56 bits available: enough for a length, its extra bits, a distance and its extra bits (48).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Refill()
    {
        if (Input.Length - _next >= 8)
        {
            _bits |= BinaryPrimitives.ReadUInt64LittleEndian(Input.Slice(_next)) << _count;
            int taken = (63 - _count) >> 3;
            _next += taken;
            _count += taken << 3;
            return;
        }
        RefillAtEnd();
    }

    private void RefillAtEnd()
    {
        while (_count < 56)
        {
            if (_next < Input.Length)
            {
                _bits |= (ulong)Input[_next] << _count;
            }
            else if (_next > Input.Length + 16)
            {
                // Well past the end already: stay there, so that the position cannot overflow.
                _count += 8;
                continue;
            }
            _next++;
            _count += 8;
        }
    }

    public uint Take(int count)
    {
        Refill();
        return TakeRefilled(count);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public uint TakeRefilled(int count)
    {
        uint value = (uint)_bits & ((1u << count) - 1);
        Drop(count);
        return value;
    }

    public readonly uint Peek => (uint)_bits;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Drop(int count)
    {
        _bits >>= count;
        _count -= count;
    }

    /// <summary>Drops the rest of the current byte, and gives the offset of the next one.</summary>
    public int AlignToByte()
    {
        Drop(_count & 7);
        _next -= _count >> 3;
        _count = 0;
        _bits = 0;
        return Math.Min(_next, Input.Length);
    }
}
