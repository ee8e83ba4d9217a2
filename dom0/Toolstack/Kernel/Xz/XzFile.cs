// SPDX-License-Identifier: MIT
// Unpacks .xz files as a whole: streams, blocks, their filters, their checks. Used by Unpacking. The .xz File Format, version 1.2.0 (tukaani.org/xz/format.html).

using System;
using System.Buffers.Binary;
using System.IO;

namespace XenSharp.Toolstack.Kernel.Xz;

/// <summary>
/// Only what lies whole in memory, which makes the output its own dictionary. Filters: LZMA2, and before it the one for x86 branches; Linux packs kernels with these. The checks None and
/// CRC32 are verified; CRC64 and SHA-256 are passed over.
/// </summary>
internal static class XzFile
{
    private const int HeaderSize = 12, FooterSize = 12, Crc32Check = 1;
    private const ulong LzmaFilter = 0x21, BranchFilter = 0x04;

    private static ReadOnlySpan<byte> CheckSizes => [0, 4, 4, 4, 8, 8, 8, 16, 16, 16, 32, 32, 32, 64, 64, 64];

    /// <param name="size">The unpacked size where the caller knows it, else 0.</param>
    /// <param name="most">More is refused.</param>
    /// <exception cref="InvalidDataException">It is damaged, or has a filter that is not known.</exception>
    public static byte[] Unpack(ReadOnlySpan<byte> packed, int size, int most)
    {
        LzmaDecoder decoder = new(packed, size > 0 ? size : Math.Min(most, Math.Max(1 << 16, packed.Length * 4)), most);
        int place = 0;
        // Streams may be joined, with zeros between them by fours.
        while (packed.Length - place >= HeaderSize + FooterSize && packed[place] != 0)
            place = ReadStream(ref decoder, packed, place);
        return decoder.Finish();
    }

    /// <summary>Where the next stream is.</summary>
    private static int ReadStream(ref LzmaDecoder decoder, ReadOnlySpan<byte> packed, int place)
    {
        ReadOnlySpan<byte> header = packed.Slice(place, HeaderSize);
        if (!header.StartsWith((ReadOnlySpan<byte>)[0xFD, (byte)'7', (byte)'z', (byte)'X', (byte)'Z', 0]) || header[6] != 0 || header[7] > 15)
            throw new InvalidDataException("no header of a stream");
        Verify(header.Slice(6, 2), header[8..], "a stream's header");
        int check = header[7];
        place += HeaderSize;
        while (packed[place] != 0)
            place = ReadBlock(ref decoder, packed, place, check);
        return SkipIndex(packed, place);
    }

    private static int ReadBlock(ref LzmaDecoder decoder, ReadOnlySpan<byte> packed, int place, int check)
    {
        ReadOnlySpan<byte> header = packed.Slice(place, (packed[place] + 1) * 4);
        Verify(header[..^4], header[^4..], "a block's header");
        int flags = header[1], filters = (flags & 3) + 1, at = 2;
        if ((flags & 0x3C) != 0)
            throw new InvalidDataException("a block with flags that are not known");
        if ((flags & 0x40) != 0)
            ReadNumber(header, ref at);
        if ((flags & 0x80) != 0)
            ReadNumber(header, ref at);
        bool hasBranches = false;
        for (int filter = 0; filter < filters; filter++)
        {
            ulong id = ReadNumber(header, ref at);
            int properties = (int)ReadNumber(header, ref at);
            bool isLast = filter == filters - 1;
            if (id == BranchFilter && !isLast && properties == 0 && !hasBranches)
                hasBranches = true;
            else if (id != LzmaFilter || !isLast)
                throw new InvalidDataException($"the filter {id:x} is not known");
            at += properties;
        }
        int start = decoder.Length, begin = place + header.Length;
        int end = decoder.DecodeChunks(begin);
        Span<byte> block = decoder.Output(start);
        if (hasBranches)
            X86Branches.Decode(block);
        place = end + (-(end - begin) & 3);
        if (check == Crc32Check)
            Verify(block, packed.Slice(place, 4), "a block");
        return place + CheckSizes[check];
    }

    /// <summary>What index and footer say has been seen in the blocks themselves.</summary>
    private static int SkipIndex(ReadOnlySpan<byte> packed, int place)
    {
        int start = place++;
        ulong records = ReadNumber(packed, ref place);
        for (ulong index = 0; index < records; index++)
        {
            ReadNumber(packed, ref place);
            ReadNumber(packed, ref place);
        }
        place += -(place - start) & 3;
        Verify(packed[start..place], packed.Slice(place, 4), "the index");
        place += 4 + FooterSize;
        while (place + 4 <= packed.Length && BinaryPrimitives.ReadUInt32LittleEndian(packed[place..]) == 0)
            place += 4;
        return place;
    }

    private static void Verify(ReadOnlySpan<byte> data, ReadOnlySpan<byte> sum, string what)
    {
        if (Crc32.Of(data) != BinaryPrimitives.ReadUInt32LittleEndian(sum))
            throw new InvalidDataException($"{what} has another sum than it should");
    }

    private static ulong ReadNumber(ReadOnlySpan<byte> bytes, ref int place)
    {
        ulong value = 0;
        for (int shift = 0; shift < 63; shift += 7)
        {
            byte part = bytes[place++];
            value |= (ulong)(part & 0x7F) << shift;
            if (part < 0x80)
                return value;
        }
        throw new InvalidDataException("a number that is too long");
    }
}
