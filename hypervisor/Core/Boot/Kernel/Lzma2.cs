// SPDX-License-Identifier: MIT
// The chunk layer of LZMA2. Called by Xz for each block.

using System;
using System.Buffers.Binary;

namespace XenSharp.Core.Boot.Kernel;

internal static class Lzma2
{
    /// <summary>
    /// Unpacks one LZMA2 stream that begins at input[<paramref name="next"/>] to output[<paramref name="position"/>..], and moves both.
    /// The dictionary begins at the stream's first byte of output; distances beyond its announced size are accepted, since
    /// the whole output is at hand.
    /// </summary>
    public static DecompressStatus Decode(ReadOnlySpan<byte> input, ref int next, Span<byte> output, ref int position, Span<ushort> probabilities)
    {
        Lzma lzma = new(probabilities);
        bool needDictionaryReset = true;
        bool needProperties = true;
        int dictionaryStart = position;

        // Each round consumes at least one byte of input.
        while (true)
        {
            if (next >= input.Length)
            {
                return DecompressStatus.Truncated;
            }
            int control = input[next++];
            if (control == 0)
            {
                return DecompressStatus.Ok;
            }
            if (control >= 0xe0 || control == 1)
            {
                needDictionaryReset = false;
                needProperties = true;
                dictionaryStart = position;
            }
            else if (needDictionaryReset)
            {
                return DecompressStatus.BadHeader;
            }

            if (control < 0x80)
            {
                if (control > 2)
                {
                    return DecompressStatus.BadHeader;
                }
                if (input.Length - next < 2)
                {
                    return DecompressStatus.Truncated;
                }
                int plain = BinaryPrimitives.ReadUInt16BigEndian(input.Slice(next)) + 1;
                next += 2;
                if (plain > input.Length - next)
                {
                    return DecompressStatus.Truncated;
                }
                if (plain > output.Length - position)
                {
                    return DecompressStatus.OutputTooSmall;
                }
                input.Slice(next, plain).CopyTo(output.Slice(position, plain));
                next += plain;
                position += plain;
                continue;
            }

            bool hasProperties = control >= 0xc0;
            int headerLength = hasProperties ? 5 : 4;
            if (input.Length - next < headerLength)
            {
                return DecompressStatus.Truncated;
            }
            int unpacked = ((control & 0x1f) << 16) + BinaryPrimitives.ReadUInt16BigEndian(input.Slice(next)) + 1;
            int packed = BinaryPrimitives.ReadUInt16BigEndian(input.Slice(next + 2)) + 1;
            if (hasProperties)
            {
                if (!lzma.SetProperties(input[next + 4]))
                {
                    return DecompressStatus.BadHeader;
                }
                needProperties = false;
            }
            else if (needProperties)
            {
                return DecompressStatus.BadHeader;
            }
            next += headerLength;
            if (control >= 0xa0)
            {
                lzma.ResetState();
            }
            if (packed > input.Length - next)
            {
                return DecompressStatus.Truncated;
            }
            if (unpacked > output.Length - position)
            {
                return DecompressStatus.OutputTooSmall;
            }
            DecompressStatus status = lzma.Decode(input.Slice(next, packed), output, position, position + unpacked, dictionaryStart);
            if (status != DecompressStatus.Ok)
            {
                return status;
            }
            next += packed;
            position += unpacked;
        }
    }
}
