// SPDX-License-Identifier: MIT
// Unpacks what kernels and ramdisks are packed with, found out by the first bytes. Used by KernelFile.
// Formats: those that scripts/Makefile.lib of Linux makes and tools/libs/guest/xg_dom_bzimageloader.c of Xen takes.

using System;
using System.Buffers.Binary;
using System.IO;
using System.IO.Compression;
using K4os.Compression.LZ4;
using SharpCompress.Compressors.BZip2;
using SharpCompress.Compressors.LZMA;
using CompressionMode = SharpCompress.Compressors.CompressionMode;

namespace XenSharp.Toolstack.Kernel;

internal static class Unpacking
{
    /// <summary>What an unpacked kernel may be at most (XC_DOM_DECOMPRESS_MAX of Xen).</summary>
    public const int MostBytes = 1 << 30;

    private const int LzmaHeaderSize = 13;

    /// <summary>The name of the format; null for none that is known.</summary>
    public static string? FormatOf(ReadOnlySpan<byte> packed) => packed switch
    {
        [0x1F, 0x8B, ..] => "gzip",
        [(byte)'B', (byte)'Z', (byte)'h', ..] => "bzip2",
        [0xFD, (byte)'7', (byte)'z', (byte)'X', (byte)'Z', 0, ..] => "xz",
        [0x28, 0xB5, 0x2F, 0xFD, ..] => "zstd",
        [0x5D, 0, ..] => "lzma",
        [0x89, (byte)'L', (byte)'Z', (byte)'O', ..] => "lzo",
        [0x02, 0x21, 0x4C, 0x18, ..] => "lz4",
        _ => null,
    };

    /// <param name="size">The unpacked size where the caller knows it, else 0.</param>
    /// <exception cref="ToolstackException">It is damaged, or unpacks to more than <see cref="MostBytes"/>.</exception>
    public static byte[] Unpack(ReadOnlyMemory<byte> packed, int size, string name)
    {
        string format = FormatOf(packed.Span) ?? throw new ToolstackException($"{name} is packed in a format that is not known");
        try
        {
            return format switch
            {
                "lz4" => UnpackLz4(packed.Span, size),
                "lzo" => Lzo.Unpack(packed.Span, size),
                "xz" => XzFile.Unpack(packed.Span, size, MostBytes),
                _ => ReadAll(Open(format, packed), size),
            };
        }
        catch (Exception failure) when (failure is not (ToolstackException or OutOfMemoryException))
        {
            throw new ToolstackException($"{name} is damaged: its {format} data cannot be unpacked ({failure.Message})", failure);
        }
    }

    private static Stream Open(string format, ReadOnlyMemory<byte> packed)
    {
        MemoryStream source = new(packed.ToArray(), writable: false);
        switch (format)
        {
            case "gzip":
                return new GZipStream(source, System.IO.Compression.CompressionMode.Decompress);
            case "bzip2":
                return BZip2Stream.Create(source, CompressionMode.Decompress, false);
            case "zstd":
                return new ZstdSharp.DecompressionStream(source);
            default:
                byte[] header = new byte[LzmaHeaderSize];
                source.ReadExactly(header);
                long length = BinaryPrimitives.ReadInt64LittleEndian(header.AsSpan(5));
                return LzmaStream.Create(header[..5], source, source.Length - LzmaHeaderSize, length);
        }
    }

    private static byte[] ReadAll(Stream source, int size)
    {
        using (source)
        {
            byte[] unpacked = new byte[size > 0 ? size : 1 << 20];
            int length = 0;
            while (true)
            {
                if (length == unpacked.Length)
                {
                    if (size > 0)
                        return unpacked;
                    if (length >= MostBytes)
                        throw new InvalidDataException($"more than {MostBytes} bytes");
                    Array.Resize(ref unpacked, length * 2);
                }
                int read = source.Read(unpacked, length, unpacked.Length - length);
                if (read <= 0)
                    break;
                length += read;
            }
            return unpacked[..length];
        }
    }

    /// <summary>The legacy frame of lz4 that Linux uses: magic, then blocks of at most 8 MiB, each with its packed size before it.</summary>
    private static byte[] UnpackLz4(ReadOnlySpan<byte> packed, int size)
    {
        const int blockSize = 8 << 20;
        const uint magic = 0x184C2102;
        using MemoryStream unpacked = new(size);
        byte[] block = new byte[blockSize];
        packed = packed[4..];
        while (packed.Length >= 4)
        {
            uint length = BinaryPrimitives.ReadUInt32LittleEndian(packed);
            packed = packed[4..];
            // Files may be joined; the unpacked size may follow the last block.
            if (length == magic)
                continue;
            if (length == 0 || length > packed.Length)
                break;
            int count = LZ4Codec.Decode(packed[..(int)length], block);
            if (count < 0 || unpacked.Length + count > MostBytes)
                throw new InvalidDataException("a block does not unpack");
            unpacked.Write(block, 0, count);
            packed = packed[(int)length..];
        }
        return unpacked.ToArray();
    }
}
