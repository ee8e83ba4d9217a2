// SPDX-License-Identifier: MIT
// The header of a qcow2 file, checked. Format: docs/interop/qcow2.txt of QEMU. Used by Qcow2Image.

using System;
using System.Buffers.Binary;
using System.IO;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace XenSharp.BlockBackend.Images;

/// <summary>What the image needs of the header. Anything that cannot be served is refused here, by a sentence.</summary>
internal sealed class Qcow2Header
{
    public const uint Magic = 0x5146_49fb;

    private const int MaxL1Bytes = 32 << 20, MaxRefcountTableBytes = 8 << 20;
    private const int FullLength = 112;

    public required uint Version { get; init; }

    public required int ClusterBits { get; init; }

    public required long VirtualSize { get; init; }

    public required int L1Entries { get; init; }

    public required long L1Offset { get; init; }

    public required long RefcountTableOffset { get; init; }

    public required int RefcountTableClusters { get; init; }

    public required string? BackingFile { get; init; }

    /// <summary>"raw", "qcow2", or null when the file does not say.</summary>
    public required string? BackingFormat { get; init; }

    public long ClusterSize => 1L << ClusterBits;

    public static bool IsQcow2(SafeFileHandle file)
    {
        Span<byte> magic = stackalloc byte[4];
        return RandomAccess.Read(file, magic, 0) == 4 && BinaryPrimitives.ReadUInt32BigEndian(magic) == Magic;
    }

    public static Qcow2Header Read(SafeFileHandle file, string path, bool readOnly)
    {
        byte[] data = new byte[FullLength];
        FileRange.Read(file, 0, data);
        ReadOnlySpan<byte> header = data;
        if (U32(header, 0) != Magic)
            throw Refuse(path, "is not a qcow2 image");
        uint version = U32(header, 4);
        if (version is not (2 or 3))
            throw Refuse(path, $"has qcow2 version {version}; 2 and 3 are supported");
        uint clusterBits = U32(header, 20);
        if (clusterBits is < 9 or > 21)
            throw Refuse(path, $"has clusters of 2^{clusterBits} bytes; 2^9 to 2^21 are legal");
        if (U32(header, 32) != 0)
            throw Refuse(path, "is encrypted, which is not supported");
        uint order = version == 3 ? U32(header, 96) : 4;
        if (order != 4)
            throw Refuse(path, $"has reference counts of {1 << (int)Math.Min(order, 6)} bits; only 16 are supported");
        if (version == 3)
            CheckFeatures(header, path, readOnly);
        ulong size = U64(header, 24);
        long clusterSize = 1L << (int)clusterBits;
        uint l1Entries = U32(header, 36);
        long perEntry = clusterSize * (clusterSize / 8);
        if (size > long.MaxValue / 2 || size % DiskImage.SectorSize != 0)
            throw Refuse(path, $"has an illegal size of {size} bytes");
        if (l1Entries > MaxL1Bytes / 8 || (long)l1Entries < ((long)size + perEntry - 1) / perEntry)
            throw Refuse(path, $"has a first-level table of {l1Entries} entries, which does not fit its size");
        uint refcountClusters = U32(header, 56);
        if (refcountClusters == 0 || refcountClusters > MaxRefcountTableBytes / clusterSize)
            throw Refuse(path, $"has a reference count table of {refcountClusters} clusters; 1 to {MaxRefcountTableBytes / clusterSize} are supported");
        return new Qcow2Header
        {
            Version = version,
            ClusterBits = (int)clusterBits,
            VirtualSize = (long)size,
            L1Entries = (int)l1Entries,
            L1Offset = Aligned(U64(header, 40), clusterSize, path, "first-level table"),
            RefcountTableOffset = Aligned(U64(header, 48), clusterSize, path, "reference count table"),
            RefcountTableClusters = (int)refcountClusters,
            BackingFile = ReadBackingFile(file, header, path),
            BackingFormat = ReadBackingFormat(file, header, version, clusterSize),
        };
    }

    private static void CheckFeatures(ReadOnlySpan<byte> header, string path, bool readOnly)
    {
        const ulong dirty = 1, corrupt = 2, externalData = 4, compressionType = 8, extendedL2 = 16;
        ulong features = U64(header, 72);
        if ((features & corrupt) != 0 || ((features & dirty) != 0 && !readOnly))
            throw Refuse(path, "was not closed cleanly: run `qemu-img check -r all` on it first");
        if ((features & externalData) != 0)
            throw Refuse(path, "keeps its data in another file, which is not supported");
        if ((features & compressionType) != 0)
            throw Refuse(path, "is compressed by another method than zlib, which is not supported");
        if ((features & extendedL2) != 0)
            throw Refuse(path, "has extended second-level entries, which are not supported");
        if ((features & ~(dirty | corrupt | externalData | compressionType | extendedL2)) != 0)
            throw Refuse(path, $"needs features that are not known (0x{features:x})");
    }

    private static string? ReadBackingFile(SafeFileHandle file, ReadOnlySpan<byte> header, string path)
    {
        ulong offset = U64(header, 8);
        uint length = U32(header, 16);
        if (offset == 0)
            return null;
        if (length is 0 or > 1023 || offset > 1 << 21)
            throw Refuse(path, "has an illegal name of a backing file");
        byte[] name = new byte[(int)length];
        FileRange.Read(file, (long)offset, name);
        return Encoding.UTF8.GetString(name);
    }

    // Header extensions follow the header: type, length, data padded to eight bytes; type 0 ends them.
    private static string? ReadBackingFormat(SafeFileHandle file, ReadOnlySpan<byte> header, uint version, long clusterSize)
    {
        const uint backingFormat = 0xe279_2aca;
        long position = version == 3 ? Math.Max(U32(header, 100), 104u) : 72;
        Span<byte> extension = stackalloc byte[8];
        while (position + 8 <= clusterSize)
        {
            FileRange.Read(file, position, extension);
            uint type = U32(extension, 0), length = U32(extension, 4);
            position += 8;
            if (type == 0)
                break;
            if (type == backingFormat && length is > 0 and < 16)
            {
                byte[] name = new byte[(int)length];
                FileRange.Read(file, position, name);
                return Encoding.ASCII.GetString(name);
            }

            position += ((long)length + 7) & ~7L;
        }

        return null;
    }

    private static long Aligned(ulong offset, long clusterSize, string path, string what) =>
        offset != 0 && offset < long.MaxValue && (offset & (ulong)(clusterSize - 1)) == 0 ? (long)offset
        : throw Refuse(path, $"has its {what} at the illegal offset {offset}");

    internal static InvalidDataException Refuse(string path, string why) => new($"the image {path} {why}");

    private static uint U32(ReadOnlySpan<byte> data, int offset) => BinaryPrimitives.ReadUInt32BigEndian(data[offset..]);

    private static ulong U64(ReadOnlySpan<byte> data, int offset) => BinaryPrimitives.ReadUInt64BigEndian(data[offset..]);
}
