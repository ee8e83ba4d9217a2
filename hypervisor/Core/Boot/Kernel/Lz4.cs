// SPDX-License-Identifier: MIT
// lz4: the legacy frame that "lz4 -l" and the Linux build write, and the modern frame. Called by KernelPayload.
// Formats: lz4_Frame_format.md and lz4_Block_format.md of the lz4 project.

using System;
using System.Buffers.Binary;

namespace XenSharp.Core.Boot.Kernel;

public static class Lz4
{
    private const uint LegacyMagic = 0x184c2102;
    private const uint FrameMagic = 0x184d2204;
    private const uint Uncompressed = 0x80000000;

    public static ReadOnlySpan<byte> Magic => new byte[] { 0x02, 0x21, 0x4c, 0x18 };

    public static ReadOnlySpan<byte> ModernMagic => new byte[] { 0x04, 0x22, 0x4d, 0x18 };

    /// <summary>Unpacks the frames of <paramref name="input"/>. The checksums that a modern frame may carry are not verified.</summary>
    public static DecompressStatus Decompress(ReadOnlySpan<byte> input, Span<byte> output, out int written)
    {
        written = 0;
        int next = 0;
        do
        {
            if (input.Length - next < 4)
            {
                return DecompressStatus.Truncated;
            }
            uint magic = BinaryPrimitives.ReadUInt32LittleEndian(input.Slice(next));
            DecompressStatus status = magic == LegacyMagic ? Legacy(input, ref next, output, ref written)
                : magic == FrameMagic ? Modern(input, ref next, output, ref written)
                : DecompressStatus.BadMagic;
            if (status != DecompressStatus.Ok)
            {
                return status;
            }
        }
        while (next < input.Length);
        return DecompressStatus.Ok;
    }

    /// <summary>Blocks of up to 8 MiB, each on its own, up to the end of input or the next frame's magic number.</summary>
    private static DecompressStatus Legacy(ReadOnlySpan<byte> input, ref int next, Span<byte> output, ref int position)
    {
        next += 4;
        while (next < input.Length)
        {
            if (input.Length - next < 4)
            {
                return DecompressStatus.Truncated;
            }
            uint length = BinaryPrimitives.ReadUInt32LittleEndian(input.Slice(next));
            if (length == LegacyMagic || length == FrameMagic)
            {
                return DecompressStatus.Ok;
            }
            next += 4;
            if (length == 0)
            {
                return DecompressStatus.BadHeader;
            }
            if (length > (uint)(input.Length - next))
            {
                return DecompressStatus.Truncated;
            }
            DecompressStatus status = Block(input.Slice(next, (int)length), output, ref position, position);
            if (status != DecompressStatus.Ok)
            {
                return status;
            }
            next += (int)length;
        }
        return DecompressStatus.Ok;
    }

    private static DecompressStatus Modern(ReadOnlySpan<byte> input, ref int next, Span<byte> output, ref int position)
    {
        if (input.Length - next < 7)
        {
            return DecompressStatus.Truncated;
        }
        byte flags = input[next + 4];
        bool independent = (flags & 0x20) != 0;
        bool blockChecksum = (flags & 0x10) != 0;
        bool hasSize = (flags & 0x08) != 0;
        bool contentChecksum = (flags & 0x04) != 0;
        if ((flags & 0xc3) != 0x40)
        {
            // Another version, a reserved bit, or a preset dictionary.
            return DecompressStatus.Unsupported;
        }
        next += 6;
        ulong size = 0;
        if (input.Length - next < (hasSize ? 9 : 1))
        {
            return DecompressStatus.Truncated;
        }
        if (hasSize)
        {
            size = BinaryPrimitives.ReadUInt64LittleEndian(input.Slice(next));
            next += 8;
        }
        next++;
        int frameStart = position;
        while (true)
        {
            if (input.Length - next < 4)
            {
                return DecompressStatus.Truncated;
            }
            uint header = BinaryPrimitives.ReadUInt32LittleEndian(input.Slice(next));
            next += 4;
            if (header == 0)
            {
                break;
            }
            uint length = header & ~Uncompressed;
            if (length > (uint)(input.Length - next))
            {
                return DecompressStatus.Truncated;
            }
            ReadOnlySpan<byte> block = input.Slice(next, (int)length);
            next += (int)length;
            if ((header & Uncompressed) != 0)
            {
                if (block.Length > output.Length - position)
                {
                    return DecompressStatus.OutputTooSmall;
                }
                block.CopyTo(output.Slice(position, block.Length));
                position += block.Length;
            }
            else
            {
                DecompressStatus status = Block(block, output, ref position, independent ? position : frameStart);
                if (status != DecompressStatus.Ok)
                {
                    return status;
                }
            }
            if (blockChecksum)
            {
                if (input.Length - next < 4)
                {
                    return DecompressStatus.Truncated;
                }
                next += 4;
            }
        }
        if (contentChecksum)
        {
            if (input.Length - next < 4)
            {
                return DecompressStatus.Truncated;
            }
            next += 4;
        }
        return hasSize && size != (ulong)(position - frameStart) ? DecompressStatus.SizeMismatch : DecompressStatus.Ok;
    }

    /// <summary>One block: runs of literals and matches; matches reach back to <paramref name="start"/>.</summary>
    private static DecompressStatus Block(ReadOnlySpan<byte> input, Span<byte> output, ref int outerPosition, int start)
    {
        int position = outerPosition;
        int next = 0;
        while (true)
        {
            if ((uint)next >= (uint)input.Length)
            {
                return DecompressStatus.BadData;
            }
            int token = input[next++];
            int literals = token >> 4;
            if (literals == 15 && !LongLength(input, ref next, ref literals))
            {
                return DecompressStatus.BadData;
            }
            if (literals > input.Length - next)
            {
                return DecompressStatus.BadData;
            }
            if (literals > output.Length - position)
            {
                return DecompressStatus.OutputTooSmall;
            }
            if (literals <= 16 && input.Length - next >= 16 && output.Length - position >= 16)
            {
                // Two words whatever the length: what is too much will be overwritten.
                ReadOnlySpan<byte> from = input.Slice(next, 16);
                Span<byte> to = output.Slice(position, 16);
                BinaryPrimitives.WriteUInt64LittleEndian(to, BinaryPrimitives.ReadUInt64LittleEndian(from));
                BinaryPrimitives.WriteUInt64LittleEndian(to.Slice(8), BinaryPrimitives.ReadUInt64LittleEndian(from.Slice(8)));
            }
            else
            {
                input.Slice(next, literals).CopyTo(output.Slice(position, literals));
            }
            next += literals;
            position += literals;
            if (next == input.Length)
            {
                outerPosition = position;
                return DecompressStatus.Ok;
            }
            if (input.Length - next < 2)
            {
                return DecompressStatus.BadData;
            }
            int distance = input[next] | (input[next + 1] << 8);
            next += 2;
            int length = token & 15;
            if (length == 15 && !LongLength(input, ref next, ref length))
            {
                return DecompressStatus.BadData;
            }
            length += 4;
            if (distance == 0 || distance > position - start)
            {
                return DecompressStatus.BadData;
            }
            if (length > output.Length - position)
            {
                return DecompressStatus.OutputTooSmall;
            }
            MatchCopy.Copy(output, position, distance, length);
            position += length;
        }
    }

    /// <summary>Adds bytes of 255 and a last smaller one; false at the end of input or when the sum leaves the range of a buffer.</summary>
    private static bool LongLength(ReadOnlySpan<byte> input, ref int next, ref int length)
    {
        while (next < input.Length)
        {
            int b = input[next++];
            if (length > int.MaxValue - 1024)
            {
                return false;
            }
            length += b;
            if (b != 255)
            {
                return true;
            }
        }
        return false;
    }
}
