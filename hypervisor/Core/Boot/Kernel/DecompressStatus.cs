// SPDX-License-Identifier: MIT
// The outcome of unpacking a kernel payload, and the words for it. Returned by every decompressor of this folder.

using System;

namespace XenSharp.Core.Boot.Kernel;

/// <summary>Why a decompressor stopped. Everything except <see cref="Ok"/> means that the output is not to be used.</summary>
public enum DecompressStatus
{
    Ok = 0,
    /// <summary>The stream ends before its own end mark.</summary>
    Truncated,
    /// <summary>The stream does not begin with the magic number of its format.</summary>
    BadMagic,
    /// <summary>A frame, block or chunk header holds a value that the format forbids.</summary>
    BadHeader,
    /// <summary>The coded data is impossible (bad code table, distance before the start, ...).</summary>
    BadData,
    /// <summary>Legal, but a feature that kernels do not use (a preset dictionary, an unknown filter).</summary>
    Unsupported,
    /// <summary>More data comes out than the announced size.</summary>
    OutputTooSmall,
    /// <summary>Less data comes out than the announced size, or sizes inside the stream disagree.</summary>
    SizeMismatch,
    /// <summary>The checksum of the data or of a header does not match.</summary>
    ChecksumMismatch,
    /// <summary>The caller's scratch memory is too small: a bug of the caller, not of the file.</summary>
    ScratchTooSmall,
}

/// <summary>The sentence parts for <see cref="DecompressStatus"/>, made to follow "xz payload ".</summary>
public static class DecompressStatusText
{
    public static ReadOnlySpan<byte> Text(DecompressStatus status) => status switch
    {
        DecompressStatus.Ok => "is intact"u8,
        DecompressStatus.Truncated => "is truncated"u8,
        DecompressStatus.BadMagic => "is damaged: wrong magic number"u8,
        DecompressStatus.BadHeader => "is damaged: bad header"u8,
        DecompressStatus.BadData => "is damaged: corrupt data"u8,
        DecompressStatus.Unsupported => "uses a feature that is not supported"u8,
        DecompressStatus.OutputTooSmall => "is damaged: unpacks to more than its announced size"u8,
        DecompressStatus.SizeMismatch => "is damaged: size mismatch"u8,
        DecompressStatus.ChecksumMismatch => "is damaged: checksum mismatch"u8,
        DecompressStatus.ScratchTooSmall => "cannot be unpacked: too little scratch memory"u8,
        _ => "cannot be unpacked"u8,
    };
}
