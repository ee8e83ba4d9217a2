// SPDX-License-Identifier: MIT
// The gzip container (RFC 1952). Called by KernelPayload for gzip-packed payloads and for gzip-packed kernel files.

using System;
using System.Buffers.Binary;

namespace XenSharp.Core.Boot.Kernel;

public static class Gzip
{
    private const int FixedHeaderLength = 10;
    private const int TrailerLength = 8;

    private const byte FlagHeaderCrc = 2;
    private const byte FlagExtra = 4;
    private const byte FlagName = 8;
    private const byte FlagComment = 16;

    public static ReadOnlySpan<byte> Magic => new byte[] { 0x1f, 0x8b };

    /// <summary>Unpacks every member of <paramref name="input"/>; members may be followed by zero padding.</summary>
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
            DecompressStatus status = Member(input, ref next, output, ref written, scratch);
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

    private static DecompressStatus Member(ReadOnlySpan<byte> input, ref int next, Span<byte> output, ref int position, DecompressScratch scratch)
    {
        DecompressStatus status = Header(input, ref next);
        if (status != DecompressStatus.Ok)
        {
            return status;
        }
        int start = position;
        status = Inflate.Decode(input, ref next, output, ref position, scratch.Shorts);
        if (status != DecompressStatus.Ok)
        {
            return status;
        }
        if (input.Length - next < TrailerLength)
        {
            return DecompressStatus.Truncated;
        }
        ReadOnlySpan<byte> trailer = input.Slice(next, TrailerLength);
        next += TrailerLength;
        ReadOnlySpan<byte> member = output.Slice(start, position - start);
        if (BinaryPrimitives.ReadUInt32LittleEndian(trailer.Slice(4)) != (uint)member.Length)
        {
            return DecompressStatus.SizeMismatch;
        }
        return Crc32.Compute(scratch.Words, member) == BinaryPrimitives.ReadUInt32LittleEndian(trailer)
            ? DecompressStatus.Ok : DecompressStatus.ChecksumMismatch;
    }

    private static DecompressStatus Header(ReadOnlySpan<byte> input, ref int next)
    {
        if (input.Length - next < FixedHeaderLength)
        {
            return DecompressStatus.Truncated;
        }
        ReadOnlySpan<byte> header = input.Slice(next, FixedHeaderLength);
        if (header[0] != Magic[0] || header[1] != Magic[1])
        {
            return DecompressStatus.BadMagic;
        }
        byte flags = header[3];
        if (header[2] != 8 || (flags & 0xe0) != 0)
        {
            return DecompressStatus.Unsupported;
        }
        next += FixedHeaderLength;
        if ((flags & FlagExtra) != 0)
        {
            if (input.Length - next < 2)
            {
                return DecompressStatus.Truncated;
            }
            int extra = BinaryPrimitives.ReadUInt16LittleEndian(input.Slice(next));
            next += 2;
            if (extra > input.Length - next)
            {
                return DecompressStatus.Truncated;
            }
            next += extra;
        }
        if (((flags & FlagName) != 0 && !SkipText(input, ref next)) || ((flags & FlagComment) != 0 && !SkipText(input, ref next)))
        {
            return DecompressStatus.Truncated;
        }
        if ((flags & FlagHeaderCrc) != 0)
        {
            if (input.Length - next < 2)
            {
                return DecompressStatus.Truncated;
            }
            next += 2;
        }
        return DecompressStatus.Ok;
    }

    private static bool SkipText(ReadOnlySpan<byte> input, ref int next)
    {
        while (next < input.Length)
        {
            if (input[next++] == 0)
            {
                return true;
            }
        }
        return false;
    }
}
