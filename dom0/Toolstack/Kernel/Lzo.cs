// SPDX-License-Identifier: MIT
// LZO1X in lzop's container, which some kernels are packed with. Written from Documentation/staging/lzo.rst of Linux. Used by Unpacking.

using System;
using System.Buffers.Binary;
using System.IO;

namespace XenSharp.Toolstack.Kernel;

internal static class Lzo
{
    private static ReadOnlySpan<byte> Magic => [0x89, (byte)'L', (byte)'Z', (byte)'O', 0, 0x0D, 0x0A, 0x1A, 0x0A];

    private const uint HasAdler32OfUnpacked = 1, HasAdler32OfPacked = 2, HasCrc32OfUnpacked = 0x100, HasCrc32OfPacked = 0x200, HasFilter = 0x800, HasExtra = 0x40;

    public static byte[] Unpack(ReadOnlySpan<byte> packed, int size)
    {
        if (!packed.StartsWith(Magic))
            throw new InvalidDataException("no lzop header");
        int place = Magic.Length;
        int version = BinaryPrimitives.ReadUInt16BigEndian(packed[place..]);
        // Version of the program, of the library, the needed one, method and level.
        place += version >= 0x940 ? 2 + 2 + 2 + 1 + 1 : 2 + 2 + 1;
        uint flags = BinaryPrimitives.ReadUInt32BigEndian(packed[place..]);
        place += 4;
        if ((flags & HasFilter) != 0)
            place += 4;
        // Mode and time; then the name, the checksum, and what else there is.
        place += 4 + 4 + (version >= 0x940 ? 4 : 0);
        place += 1 + packed[place] + 4;
        if ((flags & HasExtra) != 0)
            place += 4 + (int)BinaryPrimitives.ReadUInt32BigEndian(packed[place..]) + 4;

        using MemoryStream unpacked = new(size);
        byte[] block = [];
        while (true)
        {
            uint length = BinaryPrimitives.ReadUInt32BigEndian(packed[place..]);
            place += 4;
            if (length == 0)
                return unpacked.ToArray();
            uint stored = BinaryPrimitives.ReadUInt32BigEndian(packed[place..]);
            place += 4;
            if (length > 64 << 20 || stored > length || unpacked.Length + length > Unpacking.MostBytes)
                throw new InvalidDataException("a block is too long");
            place += (flags & HasAdler32OfUnpacked) != 0 ? 4 : 0;
            place += (flags & HasCrc32OfUnpacked) != 0 ? 4 : 0;
            if (stored < length)
            {
                place += (flags & HasAdler32OfPacked) != 0 ? 4 : 0;
                place += (flags & HasCrc32OfPacked) != 0 ? 4 : 0;
            }
            ReadOnlySpan<byte> source = packed.Slice(place, (int)stored);
            place += (int)stored;
            if (stored == length)
            {
                unpacked.Write(source);
                continue;
            }
            if (block.Length < length)
                block = new byte[length];
            if (UnpackBlock(source, block.AsSpan(0, (int)length)) != length)
                throw new InvalidDataException("a block does not unpack");
            unpacked.Write(block, 0, (int)length);
        }
    }

    /// <summary>Copies of literals and of earlier output, until the end mark. Whatever leaves the two spans is an index error.</summary>
    internal static int UnpackBlock(ReadOnlySpan<byte> source, Span<byte> target)
    {
        int from = 0, to = 0;
        // How many literals the last instruction brought: 0 to 3, or 4 for "four and more".
        int state = 0;
        if (source[0] > 17)
        {
            int count = source[from++] - 17;
            Literals(source, target, ref from, ref to, count);
            state = Math.Min(count, 4);
        }
        while (true)
        {
            int code = source[from++];
            int length, distance, next;
            if (code >= 64)
            {
                length = code >= 128 ? 5 + ((code >> 5) & 3) : 3 + ((code >> 5) & 1);
                distance = (source[from++] << 3) + ((code >> 2) & 7) + 1;
                next = code & 3;
            }
            else if (code >= 32)
            {
                length = Length(source, ref from, code & 31, 31) + 2;
                int bits = source[from] | (source[from + 1] << 8);
                from += 2;
                distance = (bits >> 2) + 1;
                next = bits & 3;
            }
            else if (code >= 16)
            {
                length = Length(source, ref from, code & 7, 7) + 2;
                int bits = source[from] | (source[from + 1] << 8);
                from += 2;
                distance = 16384 + ((code & 8) << 11) + (bits >> 2);
                next = bits & 3;
                if (distance == 16384)
                    return to;
            }
            else if (state == 0)
            {
                Literals(source, target, ref from, ref to, Length(source, ref from, code, 15) + 3);
                state = 4;
                continue;
            }
            else
            {
                length = state == 4 ? 3 : 2;
                distance = (source[from++] << 2) + ((code >> 2) & 3) + (state == 4 ? 2049 : 1);
                next = code & 3;
            }
            for (int index = 0; index < length; index++, to++)
                target[to] = target[to - distance];
            Literals(source, target, ref from, ref to, next);
            state = next;
        }
    }

    private static void Literals(ReadOnlySpan<byte> source, Span<byte> target, ref int from, ref int to, int count)
    {
        source.Slice(from, count).CopyTo(target[to..]);
        from += count;
        to += count;
    }

    /// <summary>A length of 0 in the code's own bits goes on in bytes: each zero is 255 more.</summary>
    private static int Length(ReadOnlySpan<byte> source, ref int from, int bits, int largest)
    {
        if (bits != 0)
            return bits;
        int length = largest;
        while (source[from] == 0)
        {
            length = checked(length + 255);
            from++;
        }
        return length + source[from++];
    }
}
