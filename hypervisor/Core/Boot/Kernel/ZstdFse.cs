// SPDX-License-Identifier: MIT
// zstd's finite-state-entropy tables: reading their description, building them. Used by ZstdBlock and ZstdHuffman.

using System;
using System.Numerics;

namespace XenSharp.Core.Boot.Kernel;

/// <summary>
/// A table entry is one word: next state without its low bits (16), number of those bits (8), symbol (8).
/// </summary>
internal static class ZstdFse
{
    public const int MaxSymbols = 64;

    public static int Base(uint entry) => (int)(entry & 0xffff);

    public static int Bits(uint entry) => (int)((entry >> 16) & 0xff);

    public static int Symbol(uint entry) => (int)(entry >> 24);

    /// <summary>
    /// Reads the probabilities of at most <paramref name="maxSymbol"/> + 1 symbols (RFC 8878, 4.1.1) from the start of
    /// <paramref name="input"/>. Gives the bytes read, or -1 when the description is not a legal one.
    /// </summary>
    public static int ReadProbabilities(ReadOnlySpan<byte> input, int maxLog, int maxSymbol, Span<short> probabilities, out int log)
    {
        int bit = 0;
        log = (int)Bits(input, ref bit, 4) + 5;
        if (log > maxLog)
        {
            return -1;
        }
        probabilities.Clear();
        int remaining = 1 << log;
        int symbol = 0;
        while (remaining > 0)
        {
            if (symbol > maxSymbol)
            {
                return -1;
            }
            int width = 32 - BitOperations.LeadingZeroCount((uint)(remaining + 1));
            int value = (int)Bits(input, ref bit, width);
            int lowMask = (1 << (width - 1)) - 1;
            int threshold = (1 << width) - 1 - (remaining + 1);
            if ((value & lowMask) < threshold)
            {
                bit--;
                value &= lowMask;
            }
            else if (value > lowMask)
            {
                value -= threshold;
            }
            int probability = value - 1;
            remaining -= probability < 0 ? 1 : probability;
            probabilities[symbol++] = (short)probability;
            if (probability != 0)
            {
                continue;
            }
            uint repeat;
            do
            {
                repeat = Bits(input, ref bit, 2);
                if (symbol + (int)repeat > maxSymbol + 1)
                {
                    return -1;
                }
                symbol += (int)repeat;
            }
            while (repeat == 3);
        }
        int used = (bit + 7) >> 3;
        return remaining == 0 && used <= input.Length ? used : -1;
    }

    /// <summary>Builds the table of 1 &lt;&lt; <paramref name="log"/> entries. The probabilities add up to that (-1 counts as 1).</summary>
    public static void Build(ReadOnlySpan<short> probabilities, int log, Span<uint> table)
    {
        int size = 1 << log;
        table = table.Slice(0, size);
        Span<ushort> next = stackalloc ushort[MaxSymbols];
        int high = size;
        int count = Math.Min(probabilities.Length, MaxSymbols);
        for (int symbol = 0; symbol < count; symbol++)
        {
            next[symbol] = (ushort)probabilities[symbol];
            if (probabilities[symbol] == -1)
            {
                high--;
                table[high] = (uint)symbol;
                next[symbol] = 1;
            }
        }
        int step = (size >> 1) + (size >> 3) + 3;
        int position = 0;
        for (int symbol = 0; symbol < count; symbol++)
        {
            for (int i = 0; i < probabilities[symbol]; i++)
            {
                table[position] = (uint)symbol;
                // The step is odd, so this visits every entry and finds one below "high".
                do
                {
                    position = (position + step) & (size - 1);
                }
                while (position >= high);
            }
        }
        for (int i = 0; i < size; i++)
        {
            int symbol = (int)table[i];
            uint state = next[symbol]++;
            int bits = log - (31 - BitOperations.LeadingZeroCount(state));
            table[i] = (((state << bits) - (uint)size) & 0xffff) | ((uint)bits << 16) | ((uint)symbol << 24);
        }
    }

    /// <summary>Forward bits, lowest first, zeros past the end (noticed by the caller's length check).</summary>
    private static uint Bits(ReadOnlySpan<byte> input, ref int bit, int count)
    {
        uint value = 0;
        for (int i = 0; i < count; i++)
        {
            int at = (bit + i) >> 3;
            if (at < input.Length)
            {
                value |= (((uint)input[at] >> ((bit + i) & 7)) & 1) << i;
            }
        }
        bit += count;
        return value;
    }
}
