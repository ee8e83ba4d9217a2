// SPDX-License-Identifier: MIT
// The zstd frame layer: headers, blocks, checksum. Called by KernelPayload. Format: RFC 8878.

using System;
using System.Buffers.Binary;

namespace XenSharp.Core.Boot.Kernel;

/// <summary>Unpacks zstd frames; the output is the window, whatever its announced size. Dictionaries are not supported.</summary>
public static class Zstd
{
    public const int MaxBlockSize = 128 * 1024;
    /// <summary>Words that the three sequence tables take.</summary>
    internal const int TableWords = ZstdBlock.TableWords;

    private const uint FrameMagic = 0xfd2fb528;
    private const uint SkippableMagic = 0x184d2a50;

    public static ReadOnlySpan<byte> Magic => new byte[] { 0x28, 0xb5, 0x2f, 0xfd };

    public static DecompressStatus Decompress(ReadOnlySpan<byte> input, Span<byte> output, DecompressScratch scratch, out int written)
    {
        written = 0;
        if (!scratch.IsLargeEnough)
        {
            return DecompressStatus.ScratchTooSmall;
        }
        int next = 0;
        // Each round consumes at least a magic number.
        do
        {
            if (input.Length - next < 4)
            {
                return DecompressStatus.Truncated;
            }
            uint magic = BinaryPrimitives.ReadUInt32LittleEndian(input.Slice(next));
            next += 4;
            if ((magic & 0xfffffff0) == SkippableMagic)
            {
                if (input.Length - next < 4)
                {
                    return DecompressStatus.Truncated;
                }
                uint length = BinaryPrimitives.ReadUInt32LittleEndian(input.Slice(next));
                next += 4;
                if (length > (uint)(input.Length - next))
                {
                    return DecompressStatus.Truncated;
                }
                next += (int)length;
                continue;
            }
            if (magic != FrameMagic)
            {
                return DecompressStatus.BadMagic;
            }
            DecompressStatus status = Frame(input, ref next, output, ref written, scratch);
            if (status != DecompressStatus.Ok)
            {
                return status;
            }
        }
        while (next < input.Length);
        return DecompressStatus.Ok;
    }

    private static DecompressStatus Frame(ReadOnlySpan<byte> input, ref int next, Span<byte> output, ref int position, DecompressScratch scratch)
    {
        if (input.Length - next < 2)
        {
            return DecompressStatus.Truncated;
        }
        byte descriptor = input[next++];
        bool singleSegment = (descriptor & 0x20) != 0;
        bool hasChecksum = (descriptor & 4) != 0;
        if ((descriptor & 8) != 0)
        {
            return DecompressStatus.BadHeader;
        }
        int dictionaryLength = (descriptor & 3) == 3 ? 4 : descriptor & 3;
        int sizeLength = (descriptor >> 6) == 0 ? (singleSegment ? 1 : 0) : 1 << (descriptor >> 6);
        int windowLength = singleSegment ? 0 : 1;
        if (input.Length - next < windowLength + dictionaryLength + sizeLength)
        {
            return DecompressStatus.Truncated;
        }
        next += windowLength;
        for (int i = 0; i < dictionaryLength; i++)
        {
            if (input[next++] != 0)
            {
                return DecompressStatus.Unsupported;
            }
        }
        ulong size = 0;
        for (int i = 0; i < sizeLength; i++)
        {
            size |= (ulong)input[next++] << (8 * i);
        }
        if (sizeLength == 2)
        {
            size += 256;
        }

        int start = position;
        ZstdBlock block = new(scratch);
        bool last;
        do
        {
            if (input.Length - next < 3)
            {
                return DecompressStatus.Truncated;
            }
            int header = input[next] | (input[next + 1] << 8) | (input[next + 2] << 16);
            next += 3;
            last = (header & 1) != 0;
            int type = (header >> 1) & 3;
            int length = header >> 3;
            if (type == 3 || length > MaxBlockSize)
            {
                return DecompressStatus.BadHeader;
            }
            int packed = type == 1 ? 1 : length;
            if (packed > input.Length - next)
            {
                return DecompressStatus.Truncated;
            }
            if (type != 2 && length > output.Length - position)
            {
                return DecompressStatus.OutputTooSmall;
            }
            if (type == 0)
            {
                input.Slice(next, length).CopyTo(output.Slice(position, length));
                position += length;
            }
            else if (type == 1)
            {
                output.Slice(position, length).Fill(input[next]);
                position += length;
            }
            else
            {
                DecompressStatus status = block.Decode(input.Slice(next, length), output, ref position, start);
                if (status != DecompressStatus.Ok)
                {
                    return status;
                }
            }
            next += packed;
        }
        while (!last);

        if (sizeLength != 0 && size != (ulong)(position - start))
        {
            return DecompressStatus.SizeMismatch;
        }
        if (hasChecksum)
        {
            if (input.Length - next < 4)
            {
                return DecompressStatus.Truncated;
            }
            uint expected = BinaryPrimitives.ReadUInt32LittleEndian(input.Slice(next));
            next += 4;
            if ((uint)Xxh64.Compute(output.Slice(start, position - start)) != expected)
            {
                return DecompressStatus.ChecksumMismatch;
            }
        }
        return DecompressStatus.Ok;
    }
}
