// SPDX-License-Identifier: MIT
// zstd's Huffman-coded literals: the tree description, and one stream. Used by ZstdBlock. RFC 8878, 4.2.

using System;

namespace XenSharp.Core.Boot.Kernel;

/// <summary>The table is direct: entry [next 11 bits] = symbol * 256 + code length, for the longest length in use.</summary>
internal static class ZstdHuffman
{
    public const int MaxBits = 11;
    public const int TableLength = 1 << MaxBits;

    private const int WeightLog = 6;

    /// <summary>Reads a tree description and fills the table; gives the bytes read, or -1. <paramref name="bits"/>: longest code.</summary>
    public static int ReadTable(ReadOnlySpan<byte> input, Span<ushort> table, out int bits)
    {
        bits = 0;
        if (input.Length == 0)
        {
            return -1;
        }
        Span<byte> weights = stackalloc byte[256];
        weights.Clear();
        int header = input[0];
        int used;
        int count;
        if (header >= 128)
        {
            count = header - 127;
            used = 1 + (count + 1) / 2;
            if (used > input.Length)
            {
                return -1;
            }
            for (int i = 0; i < count; i++)
            {
                weights[i] = (byte)((i & 1) == 0 ? input[1 + i / 2] >> 4 : input[1 + i / 2] & 15);
            }
        }
        else
        {
            used = 1 + header;
            if (used > input.Length)
            {
                return -1;
            }
            count = ReadWeights(input.Slice(1, header), weights);
            if (count < 0)
            {
                return -1;
            }
        }
        return BuildTable(weights, count, table, out bits) ? used : -1;
    }

    /// <summary>Weights coded by two FSE states that share a table and take turns until the stream is used up.</summary>
    private static int ReadWeights(ReadOnlySpan<byte> input, Span<byte> weights)
    {
        Span<short> probabilities = stackalloc short[ZstdFse.MaxSymbols];
        int used = ZstdFse.ReadProbabilities(input, WeightLog, 15, probabilities, out int log);
        if (used < 0)
        {
            return -1;
        }
        Span<uint> table = stackalloc uint[1 << WeightLog];
        ZstdFse.Build(probabilities, log, table);
        BackwardBits stream = new(input.Slice(used));
        if (stream.Left < 0)
        {
            return -1;
        }
        int first = (int)stream.Take(log);
        int second = (int)stream.Take(log);
        if (stream.Left < 0)
        {
            return -1;
        }
        int count = 0;
        while (count < 254)
        {
            uint entry = table[first];
            weights[count++] = (byte)ZstdFse.Symbol(entry);
            first = ZstdFse.Base(entry) + (int)stream.Take(ZstdFse.Bits(entry));
            if (stream.Left < 0)
            {
                weights[count++] = (byte)ZstdFse.Symbol(table[second]);
                return count;
            }
            entry = table[second];
            weights[count++] = (byte)ZstdFse.Symbol(entry);
            second = ZstdFse.Base(entry) + (int)stream.Take(ZstdFse.Bits(entry));
            if (stream.Left < 0)
            {
                weights[count++] = (byte)ZstdFse.Symbol(table[first]);
                return count;
            }
        }
        return -1;
    }

    /// <summary>The last symbol's weight is not stored: it is what completes the sum to a power of two.</summary>
    private static bool BuildTable(Span<byte> weights, int count, Span<ushort> table, out int bits)
    {
        bits = 0;
        if (count > 255)
        {
            return false;
        }
        int sum = 0;
        for (int i = 0; i < count; i++)
        {
            if (weights[i] > MaxBits)
            {
                return false;
            }
            sum += (1 << weights[i]) >> 1;
        }
        if (sum == 0)
        {
            return false;
        }
        while ((1 << bits) <= sum)
        {
            bits++;
        }
        int rest = (1 << bits) - sum;
        if (bits > MaxBits || (rest & (rest - 1)) != 0)
        {
            return false;
        }
        int weight = 1;
        while ((1 << (weight - 1)) != rest)
        {
            weight++;
        }
        weights[count++] = (byte)weight;

        int position = 0;
        for (int w = 1; w <= bits; w++)
        {
            for (int symbol = 0; symbol < count; symbol++)
            {
                if (weights[symbol] == w)
                {
                    int span = 1 << (w - 1);
                    table.Slice(position, span).Fill((ushort)((symbol << 8) | (bits + 1 - w)));
                    position += span;
                }
            }
        }
        return position == 1 << bits;
    }

    /// <summary>Decodes exactly <paramref name="output"/>.Length literals from one stream, which must be used up by that.</summary>
    public static bool Decode(ReadOnlySpan<byte> input, ReadOnlySpan<ushort> table, int bits, Span<byte> output)
    {
        BackwardBits stream = new(input);
        if (stream.Left < 0)
        {
            return false;
        }
        table = table.Slice(0, 1 << bits);
        int n = 0;
        // Two codes to a look while they cannot reach the edge: 2 * 11 bits.
        while (stream.Left >= 2 * MaxBits && output.Length - n >= 2)
        {
            uint word = stream.Peek(2 * bits);
            uint entry = table[(int)(word >> bits)];
            output[n] = (byte)(entry >> 8);
            int length = (int)(entry & 0xff);
            uint second = table[(int)((word >> (bits - length)) & ((1u << bits) - 1))];
            output[n + 1] = (byte)(second >> 8);
            stream.Left -= length + (int)(second & 0xff);
            n += 2;
        }
        while (n < output.Length)
        {
            uint entry = table[(int)stream.Peek(bits)];
            output[n++] = (byte)(entry >> 8);
            stream.Left -= (int)(entry & 0xff);
            if (stream.Left < 0)
            {
                return false;
            }
        }
        return stream.Left == 0;
    }
}
