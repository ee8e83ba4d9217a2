// SPDX-License-Identifier: MIT
// The deflate decoder (RFC 1951). Called by Gzip.

using System;
using System.Buffers.Binary;

namespace XenSharp.Core.Boot.Kernel;

internal static class Inflate
{
    private const int MaxLiteralCodes = 288;
    private const int MaxDistanceCodes = 32;

    // The work memory, in ushorts: two code tables, and the lengths that they are built from.
    private const int LiteralTable = 0;
    private const int DistanceTable = LiteralTable + HuffmanCode.WorkLength;
    private const int Lengths = DistanceTable + HuffmanCode.WorkLength;
    private const int LengthsCount = MaxLiteralCodes + MaxDistanceCodes;

    private static ReadOnlySpan<ushort> LengthBase => new ushort[]
    {
        3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258, 0, 0, 0,
    };

    private static ReadOnlySpan<byte> LengthBits => new byte[]
    {
        0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0, 0, 0, 0,
    };

    private static ReadOnlySpan<ushort> DistanceBase => new ushort[]
    {
        1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577, 0, 0,
    };

    private static ReadOnlySpan<byte> DistanceBits => new byte[]
    {
        0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13, 0, 0,
    };

    private static ReadOnlySpan<byte> CodeLengthOrder => new byte[] { 16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15 };

    /// <summary>
    /// Unpacks one deflate stream that begins at input[<paramref name="next"/>] to output[<paramref name="position"/>..], and moves both.
    /// Distances may not reach before the position at entry.
    /// </summary>
    public static DecompressStatus Decode(ReadOnlySpan<byte> input, ref int next, Span<byte> output, ref int position, Span<ushort> work)
    {
        ForwardBits bits = new(input, next);
        int start = position;
        Span<ushort> literals = work.Slice(LiteralTable, HuffmanCode.WorkLength);
        Span<ushort> distances = work.Slice(DistanceTable, HuffmanCode.WorkLength);
        bool last;
        // Each round consumes at least three bits, and running off the input is noticed.
        do
        {
            last = bits.Take(1) != 0;
            uint type = bits.Take(2);
            DecompressStatus status;
            if (type == 0)
            {
                status = Stored(ref bits, output, ref position);
            }
            else if (type == 3)
            {
                status = DecompressStatus.BadHeader;
            }
            else
            {
                status = type == 1 ? FixedCodes(work.Slice(Lengths, LengthsCount), literals, distances)
                    : DynamicCodes(ref bits, work.Slice(Lengths, LengthsCount), literals, distances);
                if (status == DecompressStatus.Ok)
                {
                    status = Codes(ref bits, output, ref position, start, literals, distances);
                }
            }
            if (bits.Overrun)
            {
                return DecompressStatus.Truncated;
            }
            if (status != DecompressStatus.Ok)
            {
                return status;
            }
        }
        while (!last);
        next = bits.AlignToByte();
        return DecompressStatus.Ok;
    }

    private static DecompressStatus Stored(ref ForwardBits bits, Span<byte> output, ref int position)
    {
        int at = bits.AlignToByte();
        ReadOnlySpan<byte> input = bits.Input;
        if (input.Length - at < 4)
        {
            return DecompressStatus.Truncated;
        }
        int length = BinaryPrimitives.ReadUInt16LittleEndian(input.Slice(at));
        if ((length ^ BinaryPrimitives.ReadUInt16LittleEndian(input.Slice(at + 2))) != 0xffff)
        {
            return DecompressStatus.BadHeader;
        }
        at += 4;
        if (length > input.Length - at)
        {
            return DecompressStatus.Truncated;
        }
        if (length > output.Length - position)
        {
            return DecompressStatus.OutputTooSmall;
        }
        input.Slice(at, length).CopyTo(output.Slice(position, length));
        position += length;
        bits = new ForwardBits(input, at + length);
        return DecompressStatus.Ok;
    }

    private static DecompressStatus FixedCodes(Span<ushort> lengths, Span<ushort> literals, Span<ushort> distances)
    {
        lengths.Slice(0, 144).Fill(8);
        lengths.Slice(144, 112).Fill(9);
        lengths.Slice(256, 24).Fill(7);
        lengths.Slice(280, 8).Fill(8);
        lengths.Slice(MaxLiteralCodes, MaxDistanceCodes).Fill(5);
        return HuffmanCode.Build(lengths.Slice(0, MaxLiteralCodes), literals) && HuffmanCode.Build(lengths.Slice(MaxLiteralCodes, MaxDistanceCodes), distances)
            ? DecompressStatus.Ok : DecompressStatus.BadData;
    }

    private static DecompressStatus DynamicCodes(ref ForwardBits bits, Span<ushort> lengths, Span<ushort> literals, Span<ushort> distances)
    {
        int literalCount = (int)bits.Take(5) + 257;
        int distanceCount = (int)bits.Take(5) + 1;
        int codeLengthCount = (int)bits.Take(4) + 4;
        if (literalCount > 286 || distanceCount > 30)
        {
            return DecompressStatus.BadHeader;
        }
        lengths.Clear();
        for (int i = 0; i < codeLengthCount; i++)
        {
            lengths[CodeLengthOrder[i]] = (ushort)bits.Take(3);
        }
        if (!HuffmanCode.Build(lengths.Slice(0, 19), literals))
        {
            return DecompressStatus.BadData;
        }
        lengths.Clear();
        int total = literalCount + distanceCount;
        int n = 0;
        while (n < total)
        {
            int symbol = HuffmanCode.Decode(literals, ref bits);
            if (symbol < 0 || bits.Overrun)
            {
                return DecompressStatus.BadData;
            }
            if (symbol < 16)
            {
                lengths[n++] = (ushort)symbol;
                continue;
            }
            ushort value = 0;
            int repeat;
            if (symbol == 16)
            {
                if (n == 0)
                {
                    return DecompressStatus.BadData;
                }
                value = lengths[n - 1];
                repeat = 3 + (int)bits.Take(2);
            }
            else
            {
                repeat = symbol == 17 ? 3 + (int)bits.Take(3) : 11 + (int)bits.Take(7);
            }
            if (repeat > total - n)
            {
                return DecompressStatus.BadData;
            }
            lengths.Slice(n, repeat).Fill(value);
            n += repeat;
        }
        if (lengths[256] == 0)
        {
            return DecompressStatus.BadData;
        }
        return HuffmanCode.Build(lengths.Slice(0, literalCount), literals) && HuffmanCode.Build(lengths.Slice(literalCount, distanceCount), distances)
            ? DecompressStatus.Ok : DecompressStatus.BadData;
    }

    private static DecompressStatus Codes(
        ref ForwardBits outerBits, Span<byte> output, ref int outerPosition, int start, Span<ushort> literals, Span<ushort> distances)
    {
        ForwardBits bits = outerBits;
        int position = outerPosition;
        DecompressStatus status = DecompressStatus.Ok;
        // A round writes output or ends; past the end of input the bits read as zero, and Overrun ends it.
        while (true)
        {
            bits.Refill();
            int symbol = HuffmanCode.DecodeRefilled(literals, ref bits);
            if ((uint)symbol < 256)
            {
                if ((uint)position >= (uint)output.Length)
                {
                    status = DecompressStatus.OutputTooSmall;
                    break;
                }
                output[position++] = (byte)symbol;
                continue;
            }
            if (symbol == 256)
            {
                break;
            }
            if (symbol < 0 || symbol > 285 || bits.Overrun)
            {
                status = DecompressStatus.BadData;
                break;
            }
            symbol -= 257;
            int length = LengthBase[symbol] + (int)bits.TakeRefilled(LengthBits[symbol]);
            symbol = HuffmanCode.DecodeRefilled(distances, ref bits);
            if (symbol < 0 || symbol > 29)
            {
                status = DecompressStatus.BadData;
                break;
            }
            int distance = DistanceBase[symbol] + (int)bits.TakeRefilled(DistanceBits[symbol]);
            if (distance > position - start)
            {
                status = DecompressStatus.BadData;
                break;
            }
            if (length > output.Length - position)
            {
                status = DecompressStatus.OutputTooSmall;
                break;
            }
            MatchCopy.Copy(output, position, distance, length);
            position += length;
        }
        outerBits = bits;
        outerPosition = position;
        return status;
    }
}
