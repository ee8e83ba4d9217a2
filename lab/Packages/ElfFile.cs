// SPDX-License-Identifier: MIT
// Reads which shared libraries an ELF program needs. Used by PackageFiles.

using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.Text;

namespace XenSharp.Lab.Packages;

/// <remarks>Layout: System V ABI, "Object Files" and "Dynamic Section".</remarks>
internal static class ElfFile
{
    private const uint Magic = 0x7F454C46;
    private const int SegmentLoad = 1;
    private const int SegmentDynamic = 2;
    private const long TagNeeded = 1;
    private const long TagStringTable = 5;

    /// <summary>The names in the dynamic section's NEEDED entries; none when the file is no 64-bit ELF file or is linked statically.</summary>
    public static IReadOnlyList<string> Needed(byte[] file)
    {
        if (file.Length < 64 || BinaryPrimitives.ReadUInt32BigEndian(file) != Magic || file[4] != 2)
            return [];
        List<(int Type, long Offset, long Address, long Size)> segments = [];
        long table = Long(file, 0x20);
        int size = BinaryPrimitives.ReadUInt16LittleEndian(file.AsSpan(0x36));
        int count = BinaryPrimitives.ReadUInt16LittleEndian(file.AsSpan(0x38));
        for (int index = 0; index < count; index++)
        {
            int header = (int)table + (index * size);
            segments.Add((BinaryPrimitives.ReadInt32LittleEndian(file.AsSpan(header)), Long(file, header + 8), Long(file, header + 16), Long(file, header + 32)));
        }
        int dynamic = segments.FindIndex(segment => segment.Type == SegmentDynamic);
        if (dynamic < 0)
            return [];
        List<long> names = [];
        long strings = 0;
        for (long entry = segments[dynamic].Offset; entry < segments[dynamic].Offset + segments[dynamic].Size; entry += 16)
        {
            long tag = Long(file, (int)entry);
            if (tag == TagNeeded)
                names.Add(Long(file, (int)entry + 8));
            else if (tag == TagStringTable)
                strings = Long(file, (int)entry + 8);
        }
        int home = segments.FindIndex(segment => segment.Type == SegmentLoad && strings >= segment.Address && strings < segment.Address + segment.Size);
        if (home < 0)
            return [];
        long start = strings - segments[home].Address + segments[home].Offset;
        return names.ConvertAll(name => Text(file, (int)(start + name)));
    }

    private static long Long(byte[] file, int offset) => BinaryPrimitives.ReadInt64LittleEndian(file.AsSpan(offset));

    private static string Text(byte[] file, int start) => Encoding.ASCII.GetString(file, start, Array.IndexOf(file, (byte)0, start) - start);
}
