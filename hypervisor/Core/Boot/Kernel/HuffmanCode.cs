// SPDX-License-Identifier: MIT
// The code tables of deflate. Used by Inflate.

using System;
using System.Runtime.CompilerServices;

namespace XenSharp.Core.Boot.Kernel;

/// <summary>
/// A canonical code of deflate in a span of ushorts: a direct table for codes of up to ten bits, entries
/// symbol * 16 + length; longer ones are rare and found by counting.
/// </summary>
internal static class HuffmanCode
{
    private const int DirectBits = 10;
    private const int Counts = 1 << DirectBits;
    private const int Symbols = Counts + 16;
    public const int WorkLength = Symbols + 288;

    /// <summary>False when the lengths are no prefix code. An incomplete code is legal only with a single symbol, as in zlib.</summary>
    public static bool Build(ReadOnlySpan<ushort> lengths, Span<ushort> code)
    {
        Span<ushort> counts = code.Slice(Counts, 16);
        Span<ushort> symbols = code.Slice(Symbols, 288);
        Span<ushort> direct = code.Slice(0, 1 << DirectBits);
        counts.Clear();
        direct.Clear();
        for (int i = 0; i < lengths.Length; i++)
        {
            counts[lengths[i] & 15]++;
        }
        int used = lengths.Length - counts[0];
        counts[0] = 0;
        int left = 1;
        Span<ushort> offsets = stackalloc ushort[16];
        Span<ushort> firsts = stackalloc ushort[16];
        int first = 0;
        int offset = 0;
        for (int length = 1; length < 16; length++)
        {
            left = (left << 1) - counts[length];
            if (left < 0)
            {
                return false;
            }
            first <<= 1;
            firsts[length] = (ushort)first;
            offsets[length] = (ushort)offset;
            first += counts[length];
            offset += counts[length];
        }
        if (left > 0 && used > 1)
        {
            return false;
        }
        for (int symbol = 0; symbol < lengths.Length; symbol++)
        {
            int length = lengths[symbol] & 15;
            if (length == 0)
            {
                continue;
            }
            symbols[offsets[length]++] = (ushort)symbol;
            int value = firsts[length]++;
            if (length > DirectBits)
            {
                continue;
            }
            int reversed = 0;
            for (int bit = 0; bit < length; bit++)
            {
                reversed = (reversed << 1) | ((value >> bit) & 1);
            }
            ushort entry = (ushort)((symbol << 4) | length);
            for (int index = reversed; index < direct.Length; index += 1 << length)
            {
                direct[index] = entry;
            }
        }
        return true;
    }

    public static int Decode(ReadOnlySpan<ushort> code, ref ForwardBits bits)
    {
        bits.Refill();
        return DecodeRefilled(code, ref bits);
    }

    /// <summary>The next symbol, or -1 for a code that the table does not have. Needs 15 bits at hand.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int DecodeRefilled(ReadOnlySpan<ushort> code, ref ForwardBits bits)
    {
        uint entry = code[(int)(bits.Peek & ((1 << DirectBits) - 1))];
        if (entry != 0)
        {
            bits.Drop((int)(entry & 15));
            return (int)(entry >> 4);
        }
        return DecodeLong(code, ref bits);
    }

    private static int DecodeLong(ReadOnlySpan<ushort> code, ref ForwardBits bits)
    {
        ReadOnlySpan<ushort> counts = code.Slice(Counts, 16);
        ReadOnlySpan<ushort> symbols = code.Slice(Symbols, 288);
        uint peeked = bits.Peek;
        int value = 0;
        int first = 0;
        int index = 0;
        for (int length = 1; length < 16; length++)
        {
            value |= (int)(peeked & 1);
            peeked >>= 1;
            int count = counts[length];
            if (value - count < first)
            {
                bits.Drop(length);
                return symbols[index + (value - first)];
            }
            index += count;
            first = (first + count) << 1;
            value <<= 1;
        }
        return -1;
    }
}
