// SPDX-License-Identifier: MIT
// The work memory of the decompressors, handed in by whoever loads a kernel (the port's boot code, the domain builder, tests).

using System;

namespace XenSharp.Core.Boot.Kernel;

/// <summary>
/// Three spans that a decompressor may scribble over; they need not be cleared, and nothing in them survives a call.
/// One set of the sizes below serves every format, one call at a time.
/// </summary>
public readonly ref struct DecompressScratch
{
    /// <summary>Literals of one zstd block, and slack for copies by the word.</summary>
    public const int ByteCount = Zstd.MaxBlockSize + 64;
    /// <summary>LZMA probabilities with lc + lp = 4, the largest that xz allows.</summary>
    public const int ShortCount = Lzma.ProbabilityCount;
    /// <summary>CRC32 tables, and zstd's three sequence tables.</summary>
    public const int WordCount = Crc32.TableLength + Zstd.TableWords;

    public readonly Span<byte> Bytes;
    public readonly Span<ushort> Shorts;
    public readonly Span<uint> Words;

    public DecompressScratch(Span<byte> bytes, Span<ushort> shorts, Span<uint> words)
    {
        Bytes = bytes;
        Shorts = shorts;
        Words = words;
    }

    internal bool IsLargeEnough => Bytes.Length >= ByteCount && Shorts.Length >= ShortCount && Words.Length >= WordCount;
}
