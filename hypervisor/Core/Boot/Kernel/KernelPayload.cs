// SPDX-License-Identifier: MIT
// How a kernel payload is packed: recognised by its first bytes, unpacked by one call. Called by KernelImage.

using System;

namespace XenSharp.Core.Boot.Kernel;

/// <summary>Every packing that a Linux kernel build can choose, including those that are recognised only to be refused by name.</summary>
public enum PayloadFormat
{
    Unknown = 0,
    /// <summary>Not packed: an ELF file as it is.</summary>
    None,
    Gzip,
    Xz,
    Lz4,
    Zstd,
    Bzip2,
    Lzma,
    Lzo,
}

public static class KernelPayload
{
    public static PayloadFormat Detect(ReadOnlySpan<byte> payload)
    {
        if (StartsWith(payload, Gzip.Magic))
        {
            return PayloadFormat.Gzip;
        }
        if (StartsWith(payload, Xz.Magic))
        {
            return PayloadFormat.Xz;
        }
        if (StartsWith(payload, Zstd.Magic))
        {
            return PayloadFormat.Zstd;
        }
        if (StartsWith(payload, Lz4.Magic) || StartsWith(payload, Lz4.ModernMagic))
        {
            return PayloadFormat.Lz4;
        }
        if (StartsWith(payload, ElfImage.Magic))
        {
            return PayloadFormat.None;
        }
        if (StartsWith(payload, "BZh"u8))
        {
            return PayloadFormat.Bzip2;
        }
        if (StartsWith(payload, LzmaMagic))
        {
            return PayloadFormat.Lzma;
        }
        return StartsWith(payload, LzoMagic) ? PayloadFormat.Lzo : PayloadFormat.Unknown;
    }

    public static ReadOnlySpan<byte> Name(PayloadFormat format) => format switch
    {
        PayloadFormat.None => "unpacked"u8,
        PayloadFormat.Gzip => "gzip"u8,
        PayloadFormat.Xz => "xz"u8,
        PayloadFormat.Lz4 => "lz4"u8,
        PayloadFormat.Zstd => "zstd"u8,
        PayloadFormat.Bzip2 => "bzip2"u8,
        PayloadFormat.Lzma => "lzma"u8,
        PayloadFormat.Lzo => "lzo"u8,
        _ => "unknown"u8,
    };

    public static bool IsSupported(PayloadFormat format) => format >= PayloadFormat.None && format <= PayloadFormat.Zstd;

    /// <summary>
    /// Unpacks to <paramref name="output"/>, whose length is the announced size: anything but exactly that many bytes is an error.
    /// </summary>
    public static DecompressStatus Unpack(PayloadFormat format, ReadOnlySpan<byte> payload, Span<byte> output, DecompressScratch scratch)
    {
        int written = 0;
        DecompressStatus status = DecompressStatus.Unsupported;
        switch (format)
        {
            case PayloadFormat.None:
                if (payload.Length > output.Length)
                {
                    return DecompressStatus.OutputTooSmall;
                }
                payload.CopyTo(output);
                written = payload.Length;
                status = DecompressStatus.Ok;
                break;
            case PayloadFormat.Gzip:
                status = Gzip.Decompress(payload, output, scratch, out written);
                break;
            case PayloadFormat.Xz:
                status = Xz.Decompress(payload, output, scratch, out written);
                break;
            case PayloadFormat.Lz4:
                status = Lz4.Decompress(payload, output, out written);
                break;
            case PayloadFormat.Zstd:
                status = Zstd.Decompress(payload, output, scratch, out written);
                break;
            default:
                break;
        }
        return status == DecompressStatus.Ok && written != output.Length ? DecompressStatus.SizeMismatch : status;
    }

    internal static bool StartsWith(ReadOnlySpan<byte> data, ReadOnlySpan<byte> prefix)
    {
        if (data.Length < prefix.Length)
        {
            return false;
        }
        for (int i = 0; i < prefix.Length; i++)
        {
            if (data[i] != prefix[i])
            {
                return false;
            }
        }
        return true;
    }

    private static ReadOnlySpan<byte> LzmaMagic => new byte[] { 0x5d, 0x00, 0x00 };

    private static ReadOnlySpan<byte> LzoMagic => new byte[] { 0x89, 0x4c, 0x5a, 0x4f };
}
