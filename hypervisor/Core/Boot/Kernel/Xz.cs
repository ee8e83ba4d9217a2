// SPDX-License-Identifier: MIT
// The .xz container: stream and block headers, checks, index, footer. Called by KernelPayload, and by the toolstack in dom0, which compiles the same files.
// Format: "The .xz File Format" 1.1.0 (tukaani.org/xz/xz-file-format.txt).

using System;
using System.Buffers.Binary;

namespace XenSharp.Core.Boot.Kernel;

/// <summary>
/// Unpacks .xz with the filters that kernels use: LZMA2, alone or behind the x86 branch filter. Headers, index and CRC
/// checks are verified; a SHA-256 check is skipped, as the kernel's own unpacker does.
/// </summary>
public static class Xz
{
    private const int HeaderLength = 12;
    private const int FooterLength = 12;
    private const ulong FilterX86 = 4;
    private const ulong FilterLzma2 = 0x21;

    public static ReadOnlySpan<byte> Magic => new byte[] { 0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00 };

    /// <summary>Unpacks every stream of <paramref name="input"/>; streams may be followed by zero padding.</summary>
    public static DecompressStatus Decompress(ReadOnlySpan<byte> input, Span<byte> output, DecompressScratch scratch, out int written)
    {
        written = 0;
        if (!scratch.IsLargeEnough)
        {
            return DecompressStatus.ScratchTooSmall;
        }
        Crc32.Build(scratch.Words);
        int next = 0;
        do
        {
            DecompressStatus status = Stream(input, ref next, output, ref written, scratch);
            if (status != DecompressStatus.Ok)
            {
                return status;
            }
            while (next < input.Length && input[next] == 0)
            {
                next++;
            }
        }
        while (next < input.Length);
        return DecompressStatus.Ok;
    }

    private static DecompressStatus Stream(ReadOnlySpan<byte> input, ref int next, Span<byte> output, ref int position, DecompressScratch scratch)
    {
        ReadOnlySpan<uint> crcTable = scratch.Words.Slice(0, Crc32.TableLength);
        if (input.Length - next < HeaderLength)
        {
            return DecompressStatus.Truncated;
        }
        ReadOnlySpan<byte> header = input.Slice(next, HeaderLength);
        for (int i = 0; i < Magic.Length; i++)
        {
            if (header[i] != Magic[i])
            {
                return DecompressStatus.BadMagic;
            }
        }
        if (Crc32.Compute(crcTable, header.Slice(6, 2)) != BinaryPrimitives.ReadUInt32LittleEndian(header.Slice(8)))
        {
            return DecompressStatus.ChecksumMismatch;
        }
        byte check = header[7];
        if (header[6] != 0 || check > 15)
        {
            return DecompressStatus.Unsupported;
        }
        next += HeaderLength;

        ulong blocks = 0;
        ulong unpaddedSum = 0;
        ulong unpackedSum = 0;
        while (true)
        {
            if (next >= input.Length)
            {
                return DecompressStatus.Truncated;
            }
            if (input[next] == 0)
            {
                break;
            }
            int before = next;
            int outputBefore = position;
            DecompressStatus status = Block(input, ref next, output, ref position, check, scratch, out int unpadded);
            if (status != DecompressStatus.Ok)
            {
                return status;
            }
            blocks++;
            unpaddedSum += (ulong)unpadded;
            unpackedSum += (ulong)(position - outputBefore);
            if (next <= before)
            {
                return DecompressStatus.BadHeader;
            }
        }
        return Index(input, ref next, crcTable, header.Slice(6, 2), blocks, unpaddedSum, unpackedSum);
    }

    private static DecompressStatus Block(
        ReadOnlySpan<byte> input, ref int next, Span<byte> output, ref int position, byte check, DecompressScratch scratch, out int unpadded)
    {
        unpadded = 0;
        ReadOnlySpan<uint> crcTable = scratch.Words.Slice(0, Crc32.TableLength);
        int blockStart = next;
        int outputStart = position;
        int headerLength = (input[next] + 1) * 4;
        if (headerLength > input.Length - next)
        {
            return DecompressStatus.Truncated;
        }
        ReadOnlySpan<byte> header = input.Slice(next, headerLength);
        ReadOnlySpan<byte> body = header.Slice(0, headerLength - 4);
        if (Crc32.Compute(crcTable, body) != BinaryPrimitives.ReadUInt32LittleEndian(header.Slice(headerLength - 4)))
        {
            return DecompressStatus.ChecksumMismatch;
        }
        byte flags = body[1];
        if ((flags & 0x3c) != 0)
        {
            return DecompressStatus.Unsupported;
        }
        int at = 2;
        ulong packedSize = 0;
        ulong unpackedSize = 0;
        if ((flags & 0x40) != 0 && !Number(body, ref at, out packedSize))
        {
            return DecompressStatus.BadHeader;
        }
        if ((flags & 0x80) != 0 && !Number(body, ref at, out unpackedSize))
        {
            return DecompressStatus.BadHeader;
        }
        DecompressStatus status = Filters(body, ref at, (flags & 3) + 1, out bool branchFilter, out uint startOffset);
        if (status != DecompressStatus.Ok)
        {
            return status;
        }
        while (at < body.Length)
        {
            if (body[at++] != 0)
            {
                return DecompressStatus.Unsupported;
            }
        }

        next += headerLength;
        int packedStart = next;
        status = Lzma2.Decode(input, ref next, output, ref position, scratch.Shorts);
        if (status != DecompressStatus.Ok)
        {
            return status;
        }
        Span<byte> unpacked = output.Slice(outputStart, position - outputStart);
        if (((flags & 0x40) != 0 && packedSize != (ulong)(next - packedStart)) || ((flags & 0x80) != 0 && unpackedSize != (ulong)unpacked.Length))
        {
            return DecompressStatus.SizeMismatch;
        }
        if (branchFilter)
        {
            BranchFilterX86.Undo(unpacked, startOffset);
        }

        int checkLength = CheckLength(check);
        unpadded = next - blockStart + checkLength;
        status = Padding(input, ref next, blockStart);
        if (status != DecompressStatus.Ok)
        {
            return status;
        }
        if (checkLength > input.Length - next)
        {
            return DecompressStatus.Truncated;
        }
        ReadOnlySpan<byte> expected = input.Slice(next, checkLength);
        next += checkLength;
        if (check == 1 && Crc32.Compute(crcTable, unpacked) != BinaryPrimitives.ReadUInt32LittleEndian(expected))
        {
            return DecompressStatus.ChecksumMismatch;
        }
        if (check == 4 && Crc64.Compute(unpacked) != BinaryPrimitives.ReadUInt64LittleEndian(expected))
        {
            return DecompressStatus.ChecksumMismatch;
        }
        return DecompressStatus.Ok;
    }

    /// <summary>The filter list: LZMA2 last and obligatory, the x86 branch filter before it or not.</summary>
    private static DecompressStatus Filters(ReadOnlySpan<byte> body, ref int at, int count, out bool branchFilter, out uint startOffset)
    {
        branchFilter = false;
        startOffset = 0;
        if (count > 2)
        {
            return DecompressStatus.Unsupported;
        }
        for (int i = 0; i < count; i++)
        {
            if (!Number(body, ref at, out ulong id) || !Number(body, ref at, out ulong length) || length > (ulong)(body.Length - at))
            {
                return DecompressStatus.BadHeader;
            }
            ReadOnlySpan<byte> properties = body.Slice(at, (int)length);
            at += (int)length;
            if (i == count - 1)
            {
                if (id != FilterLzma2)
                {
                    return DecompressStatus.Unsupported;
                }
                if (properties.Length != 1 || properties[0] > 40)
                {
                    return DecompressStatus.BadHeader;
                }
            }
            else
            {
                if (id != FilterX86 || (properties.Length != 0 && properties.Length != 4))
                {
                    return DecompressStatus.Unsupported;
                }
                branchFilter = true;
                startOffset = properties.Length == 4 ? BinaryPrimitives.ReadUInt32LittleEndian(properties) : 0;
            }
        }
        return DecompressStatus.Ok;
    }

    /// <summary>The index repeats the sizes of all blocks; the footer repeats the header's flags and gives the index's length.</summary>
    private static DecompressStatus Index(
        ReadOnlySpan<byte> input, ref int next, ReadOnlySpan<uint> crcTable, ReadOnlySpan<byte> flags, ulong blocks, ulong unpaddedSum, ulong unpackedSum)
    {
        int start = next;
        next++;
        if (!Number(input, ref next, out ulong records))
        {
            return next >= input.Length ? DecompressStatus.Truncated : DecompressStatus.BadHeader;
        }
        if (records != blocks)
        {
            return DecompressStatus.SizeMismatch;
        }
        for (ulong i = 0; i < records; i++)
        {
            if (!Number(input, ref next, out ulong unpadded) || !Number(input, ref next, out ulong unpacked))
            {
                return next >= input.Length ? DecompressStatus.Truncated : DecompressStatus.BadHeader;
            }
            unpaddedSum -= unpadded;
            unpackedSum -= unpacked;
        }
        if (unpaddedSum != 0 || unpackedSum != 0)
        {
            return DecompressStatus.SizeMismatch;
        }
        DecompressStatus status = Padding(input, ref next, start);
        if (status != DecompressStatus.Ok)
        {
            return status;
        }
        if (input.Length - next < 4 + FooterLength)
        {
            return DecompressStatus.Truncated;
        }
        if (Crc32.Compute(crcTable, input.Slice(start, next - start)) != BinaryPrimitives.ReadUInt32LittleEndian(input.Slice(next)))
        {
            return DecompressStatus.ChecksumMismatch;
        }
        next += 4;
        int indexLength = next - start;
        ReadOnlySpan<byte> footer = input.Slice(next, FooterLength);
        if (footer[10] != (byte)'Y' || footer[11] != (byte)'Z')
        {
            return DecompressStatus.BadHeader;
        }
        if (Crc32.Compute(crcTable, footer.Slice(4, 6)) != BinaryPrimitives.ReadUInt32LittleEndian(footer))
        {
            return DecompressStatus.ChecksumMismatch;
        }
        ulong backward = ((ulong)BinaryPrimitives.ReadUInt32LittleEndian(footer.Slice(4)) + 1) * 4;
        if (backward != (ulong)indexLength || footer[8] != flags[0] || footer[9] != flags[1])
        {
            return DecompressStatus.SizeMismatch;
        }
        next += FooterLength;
        return DecompressStatus.Ok;
    }

    /// <summary>Zero bytes up to the next multiple of four from <paramref name="start"/>.</summary>
    private static DecompressStatus Padding(ReadOnlySpan<byte> input, ref int next, int start)
    {
        while (((next - start) & 3) != 0)
        {
            if (next >= input.Length)
            {
                return DecompressStatus.Truncated;
            }
            if (input[next++] != 0)
            {
                return DecompressStatus.BadHeader;
            }
        }
        return DecompressStatus.Ok;
    }

    /// <summary>A number of up to nine bytes with seven bits in each, lowest first.</summary>
    private static bool Number(ReadOnlySpan<byte> data, ref int at, out ulong value)
    {
        value = 0;
        for (int shift = 0; shift < 63; shift += 7)
        {
            if (at >= data.Length)
            {
                return false;
            }
            byte b = data[at++];
            value |= (ulong)(b & 0x7f) << shift;
            if ((b & 0x80) == 0)
            {
                return b != 0 || shift == 0;
            }
        }
        return false;
    }

    private static int CheckLength(byte check) => check == 0 ? 0 : 4 << ((check - 1) / 3);
}
