// SPDX-License-Identifier: MIT
// A kernel's file as the user names it: ELF, packed ELF, or a Linux bzImage. Used by DomainBuilder.
// Layout of a bzImage: Documentation/arch/x86/boot.rst of Linux (setup_sects, payload_offset, payload_length).

using System;
using System.Buffers.Binary;
using System.IO;
using XenSharp.Interop;

namespace XenSharp.Toolstack.Kernel;

public static class KernelFile
{
    private const int SetupSectorsOffset = 0x1F1, MagicOffset = 0x202, VersionOffset = 0x206, PayloadOffset = 0x248, PayloadLength = 0x24C, HeaderSize = 0x250;
    private const int FirstVersionWithPayload = 0x208;

    /// <summary>Reads, unpacks and checks a kernel.</summary>
    /// <param name="cache">Keeps what was unpacked; null for none.</param>
    /// <exception cref="ToolstackException">There is no such file, or it is no kernel for a PVH guest.</exception>
    public static KernelImage Load(string path, KernelCache? cache = null)
    {
        if (cache?.FindUnchanged(path) is { } known)
            return KernelImage.Read(known.Content, path, known.Owner);
        (string, FileIdentity)? source = cache is not null && File.Exists(path) ? (path, FileIdentity.Of(path)) : null;
        return Unpack(ReadFile(path, "the kernel"), path, cache, source);
    }

    /// <summary>Unpacks and checks a kernel that has been read already.</summary>
    /// <param name="name">What messages call it.</param>
    internal static KernelImage Load(ReadOnlyMemory<byte> file, string name, KernelCache? cache) => Unpack(file, name, cache, null);

    private static KernelImage Unpack(ReadOnlyMemory<byte> file, string path, KernelCache? cache, (string, FileIdentity)? source)
    {
        (ReadOnlyMemory<byte> payload, int size) = Payload(file, path);
        if (Unpacking.FormatOf(payload.Span) is null)
            return KernelImage.Read(payload, path);
        if (cache?.Find(file.Span) is { } kept)
        {
            if (source is { } named)
                cache.Remember(file.Span, named);
            return KernelImage.Read(kept.Content, path, kept.Owner);
        }
        byte[] unpacked = Unpacking.Unpack(payload, size, path);
        KernelImage image = KernelImage.Read(unpacked, path);
        cache?.Keep(file.Span, unpacked, source);
        return image;
    }

    /// <summary>A file as a whole; a sentence when it cannot be read.</summary>
    internal static ReadOnlyMemory<byte> ReadFile(string path, string what)
    {
        try
        {
            return AlignedFile.Read(path);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new ToolstackException(failure is FileNotFoundException or DirectoryNotFoundException
                ? $"{what} {path} is not there" : $"{what} {path} cannot be read: {failure.Message}", failure);
        }
    }

    /// <summary>What a bzImage carries, with its unpacked size; any other file as it is.</summary>
    private static (ReadOnlyMemory<byte> Payload, int Size) Payload(ReadOnlyMemory<byte> file, string path)
    {
        ReadOnlySpan<byte> bytes = file.Span;
        if (bytes.Length < HeaderSize || !bytes.Slice(MagicOffset, 4).SequenceEqual("HdrS"u8))
            return (file, 0);
        int version = BinaryPrimitives.ReadUInt16LittleEndian(bytes[VersionOffset..]);
        if (version < FirstVersionWithPayload)
            throw new ToolstackException($"{path} is a bzImage of boot protocol {version >> 8}.{version & 0xFF:00}; 2.08 is needed at least");
        int sectors = bytes[SetupSectorsOffset] == 0 ? 4 : bytes[SetupSectorsOffset];
        long start = ((sectors + 1) * 512L) + BinaryPrimitives.ReadUInt32LittleEndian(bytes[PayloadOffset..]);
        long length = BinaryPrimitives.ReadUInt32LittleEndian(bytes[PayloadLength..]);
        if (length < 8 || start + length > bytes.Length)
            throw new ToolstackException($"{path} is cut short: its payload lies outside the file");
        ReadOnlyMemory<byte> payload = file.Slice((int)start, (int)length);
        // The last four bytes are the unpacked size, whatever the format (for gzip they are its own trailer).
        int size = BinaryPrimitives.ReadInt32LittleEndian(payload.Span[^4..]);
        bool isPlausible = size > length && size < Unpacking.MostBytes;
        return (Unpacking.FormatOf(payload.Span) is null or "gzip" ? payload : payload[..^4], isPlausible ? size : 0);
    }
}
