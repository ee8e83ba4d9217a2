// SPDX-License-Identifier: MIT
// Which file or device a path leads to. statx(2). Used by the toolstack to name disks to backends and to see who shares one.

using System;
using System.Buffers.Binary;
using System.Globalization;

namespace XenSharp.Interop;

/// <param name="Device">Major and minor number of the file system, as text.</param>
/// <param name="ChangedNs">When content, name or owner changed last, in nanoseconds since 1970.</param>
/// <param name="Number">Major and minor number of a device, in hexadecimal as backends want it.</param>
public readonly record struct FileIdentity(bool IsBlockDevice, bool IsRegular, string Device, ulong Inode, string Number, ulong Size, long ChangedNs)
{
    private const int StructureSize = 256, CurrentFolder = -100;
    private const uint BasicFields = 0x7FF;

    /// <summary>Follows links.</summary>
    /// <exception cref="SystemFailure">There is no such file.</exception>
    public static unsafe FileIdentity Of(string path)
    {
        byte* buffer = stackalloc byte[StructureSize];
        // SAFETY: struct statx, 256 bytes, which the kernel fills.
        SystemFailure.Check(LibC.statx(CurrentFolder, path, 0, BasicFields, buffer), path);
        ReadOnlySpan<byte> bytes = new(buffer, StructureSize);
        int type = BinaryPrimitives.ReadUInt16LittleEndian(bytes[28..]) & 0xF000;
        return new FileIdentity(
            type == 0x6000, type == 0x8000, string.Create(CultureInfo.InvariantCulture, $"{Word(bytes, 136)}:{Word(bytes, 140)}"),
            BinaryPrimitives.ReadUInt64LittleEndian(bytes[32..]), $"{Word(bytes, 128):x}:{Word(bytes, 132):x}",
            BinaryPrimitives.ReadUInt64LittleEndian(bytes[40..]), (BinaryPrimitives.ReadInt64LittleEndian(bytes[96..]) * 1_000_000_000) + Word(bytes, 104));
    }

    private static uint Word(ReadOnlySpan<byte> bytes, int offset) => BinaryPrimitives.ReadUInt32LittleEndian(bytes[offset..]);
}
