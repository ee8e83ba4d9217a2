// SPDX-License-Identifier: MIT
// Reads an ELF kernel, 32 or 64 bits: checks the whole file's headers first, then hands out segments and notes.
// Called by KernelImage, and by whoever copies the segments into a domain's memory.

using System;
using System.Buffers.Binary;

namespace XenSharp.Core.Boot.Kernel;

/// <summary>A LOAD segment. Memory past <see cref="Data"/> up to <see cref="MemorySize"/> is to be zeroed.</summary>
public readonly ref struct ElfSegment
{
    public readonly ulong PhysicalAddress;
    public readonly ulong VirtualAddress;
    public readonly ulong MemorySize;
    public readonly ReadOnlySpan<byte> Data;

    internal ElfSegment(ulong physicalAddress, ulong virtualAddress, ulong memorySize, ReadOnlySpan<byte> data)
    {
        PhysicalAddress = physicalAddress;
        VirtualAddress = virtualAddress;
        MemorySize = memorySize;
        Data = data;
    }
}

/// <summary>An ELF file whose header, program headers and segment ranges have been checked.</summary>
public readonly ref struct ElfImage
{
    /// <summary>Physical addresses that a processor of this architecture can have end here.</summary>
    private const ulong AddressLimit = 1UL << 52;
    private const int MaxProgramHeaders = 128;
    private const ushort TypeExecutable = 2;
    private const ushort TypeShared = 3;
    private const ushort Machine386 = 3;
    private const ushort MachineX64 = 62;
    private const uint SegmentLoad = 1;
    private const uint SegmentNote = 4;

    private readonly ReadOnlySpan<byte> _file;
    private readonly int _headersOffset;
    private readonly int _headersCount;

    public readonly bool Is64Bit;
    /// <summary>e_entry: a virtual address for most kernels, and not where a PVH kernel is entered.</summary>
    public readonly ulong Entry;
    /// <summary>Lowest physical address of a LOAD segment.</summary>
    public readonly ulong Start;
    /// <summary>First physical address past all LOAD segments.</summary>
    public readonly ulong End;
    public readonly int LoadCount;

    public static ReadOnlySpan<byte> Magic => new byte[] { 0x7f, (byte)'E', (byte)'L', (byte)'F' };

    private ElfImage(ReadOnlySpan<byte> file, bool is64Bit, ulong entry, int offset, int count)
    {
        _file = file;
        Is64Bit = is64Bit;
        Entry = entry;
        _headersOffset = offset;
        _headersCount = count;
    }

    private ElfImage(ElfImage image, ulong start, ulong end, int loadCount)
    {
        this = image;
        Start = start;
        End = end;
        LoadCount = loadCount;
    }

    /// <summary>Checks everything that loading will rely on. On success every segment lies inside the file and no two overlap in memory.</summary>
    public static KernelError Parse(ReadOnlySpan<byte> file, out ElfImage image)
    {
        image = default;
        if (!KernelPayload.StartsWith(file, Magic))
        {
            return KernelError.NotAKernel;
        }
        if (file.Length < 52)
        {
            return KernelError.ElfTruncated;
        }
        bool is64Bit = file[4] == 2;
        if ((!is64Bit && file[4] != 1) || file[5] != 1 || file[6] != 1)
        {
            return KernelError.ElfWrongClass;
        }
        if (is64Bit && file.Length < 64)
        {
            return KernelError.ElfTruncated;
        }
        ushort type = BinaryPrimitives.ReadUInt16LittleEndian(file.Slice(16));
        ushort machine = BinaryPrimitives.ReadUInt16LittleEndian(file.Slice(18));
        if (machine != Machine386 && machine != MachineX64)
        {
            return KernelError.ElfWrongMachine;
        }
        if (type != TypeExecutable && type != TypeShared)
        {
            return KernelError.ElfNotExecutable;
        }
        ulong entry = is64Bit ? BinaryPrimitives.ReadUInt64LittleEndian(file.Slice(24)) : BinaryPrimitives.ReadUInt32LittleEndian(file.Slice(24));
        ulong offset = is64Bit ? BinaryPrimitives.ReadUInt64LittleEndian(file.Slice(32)) : BinaryPrimitives.ReadUInt32LittleEndian(file.Slice(28));
        ReadOnlySpan<byte> counts = file.Slice(is64Bit ? 54 : 42, 4);
        int entrySize = BinaryPrimitives.ReadUInt16LittleEndian(counts);
        int count = BinaryPrimitives.ReadUInt16LittleEndian(counts.Slice(2));
        if (entrySize != (is64Bit ? 56 : 32) || count == 0 || count > MaxProgramHeaders)
        {
            return KernelError.ElfBadProgramHeaders;
        }
        if (offset > (ulong)file.Length || (ulong)(entrySize * count) > (ulong)file.Length - offset)
        {
            return KernelError.ElfTruncated;
        }
        ElfImage parsed = new(file, is64Bit, entry, (int)offset, count);
        KernelError error = parsed.CheckSegments(out ulong start, out ulong end, out int loads);
        if (error == KernelError.None)
        {
            image = new ElfImage(parsed, start, end, loads);
        }
        return error;
    }

    /// <summary>
    /// The next LOAD segment in the order of physical addresses. Start with <paramref name="cursor"/> = 0; false after the last one.
    /// Empty segments are left out.
    /// </summary>
    public bool NextSegment(scoped ref ulong cursor, out ElfSegment segment)
    {
        int best = -1;
        ulong bestAddress = ulong.MaxValue;
        for (int i = 0; i < _headersCount; i++)
        {
            ProgramHeader header = Header(i);
            if (header.IsLoad && header.PhysicalAddress >= cursor && header.PhysicalAddress < bestAddress)
            {
                best = i;
                bestAddress = header.PhysicalAddress;
            }
        }
        if (best < 0)
        {
            segment = default;
            return false;
        }
        ProgramHeader found = Header(best);
        segment = new ElfSegment(found.PhysicalAddress, found.VirtualAddress, found.MemorySize, _file.Slice((int)found.Offset, (int)found.FileSize));
        cursor = bestAddress + found.MemorySize;
        return true;
    }

    /// <summary>The contents of the note segment of that index (in file order); false when there are no more. Start with 0.</summary>
    public bool NextNotes(scoped ref int index, out ReadOnlySpan<byte> notes, out int alignment)
    {
        while (index < _headersCount)
        {
            ProgramHeader header = Header(index++);
            if (header.Type == SegmentNote)
            {
                notes = _file.Slice((int)header.Offset, (int)header.FileSize);
                alignment = header.Alignment == 8 ? 8 : 4;
                return true;
            }
        }
        notes = default;
        alignment = 4;
        return false;
    }

    /// <summary>Whether a physical address lies in the file-backed part of a LOAD segment: there is code to run there.</summary>
    public bool HoldsCode(ulong physicalAddress)
    {
        for (int i = 0; i < _headersCount; i++)
        {
            ProgramHeader header = Header(i);
            if (header.IsLoad && physicalAddress >= header.PhysicalAddress && physicalAddress - header.PhysicalAddress < header.FileSize)
            {
                return true;
            }
        }
        return false;
    }

    private KernelError CheckSegments(out ulong start, out ulong end, out int loads)
    {
        start = ulong.MaxValue;
        end = 0;
        loads = 0;
        for (int i = 0; i < _headersCount; i++)
        {
            ProgramHeader header = Header(i);
            if (header.Type != SegmentLoad && header.Type != SegmentNote)
            {
                continue;
            }
            if (header.Offset > (ulong)_file.Length || header.FileSize > (ulong)_file.Length - header.Offset)
            {
                return KernelError.ElfTruncated;
            }
            if (header.Type == SegmentNote)
            {
                continue;
            }
            if (header.FileSize > header.MemorySize)
            {
                return KernelError.ElfBadSegment;
            }
            if (!header.IsLoad)
            {
                continue;
            }
            if (header.MemorySize > AddressLimit || header.PhysicalAddress > AddressLimit - header.MemorySize)
            {
                return KernelError.ElfBadSegment;
            }
            ulong last = header.PhysicalAddress + header.MemorySize;
            for (int j = 0; j < i; j++)
            {
                ProgramHeader other = Header(j);
                if (other.IsLoad && header.PhysicalAddress < other.PhysicalAddress + other.MemorySize && other.PhysicalAddress < last)
                {
                    return KernelError.ElfSegmentsOverlap;
                }
            }
            start = Math.Min(start, header.PhysicalAddress);
            end = Math.Max(end, last);
            loads++;
        }
        return loads == 0 ? KernelError.ElfNothingToLoad : KernelError.None;
    }

    /// <summary>One program header. The table's range was checked before the first call.</summary>
    private ProgramHeader Header(int index)
    {
        ProgramHeader header;
        if (Is64Bit)
        {
            ReadOnlySpan<byte> raw = _file.Slice(_headersOffset + index * 56, 56);
            header.Type = BinaryPrimitives.ReadUInt32LittleEndian(raw);
            header.Offset = BinaryPrimitives.ReadUInt64LittleEndian(raw.Slice(8));
            header.VirtualAddress = BinaryPrimitives.ReadUInt64LittleEndian(raw.Slice(16));
            header.PhysicalAddress = BinaryPrimitives.ReadUInt64LittleEndian(raw.Slice(24));
            header.FileSize = BinaryPrimitives.ReadUInt64LittleEndian(raw.Slice(32));
            header.MemorySize = BinaryPrimitives.ReadUInt64LittleEndian(raw.Slice(40));
            header.Alignment = BinaryPrimitives.ReadUInt64LittleEndian(raw.Slice(48));
            return header;
        }
        ReadOnlySpan<byte> raw32 = _file.Slice(_headersOffset + index * 32, 32);
        header.Type = BinaryPrimitives.ReadUInt32LittleEndian(raw32);
        header.Offset = BinaryPrimitives.ReadUInt32LittleEndian(raw32.Slice(4));
        header.VirtualAddress = BinaryPrimitives.ReadUInt32LittleEndian(raw32.Slice(8));
        header.PhysicalAddress = BinaryPrimitives.ReadUInt32LittleEndian(raw32.Slice(12));
        header.FileSize = BinaryPrimitives.ReadUInt32LittleEndian(raw32.Slice(16));
        header.MemorySize = BinaryPrimitives.ReadUInt32LittleEndian(raw32.Slice(20));
        header.Alignment = BinaryPrimitives.ReadUInt32LittleEndian(raw32.Slice(28));
        return header;
    }

    private struct ProgramHeader
    {
        public uint Type;
        public ulong Offset;
        public ulong VirtualAddress;
        public ulong PhysicalAddress;
        public ulong FileSize;
        public ulong MemorySize;
        public ulong Alignment;

        public readonly bool IsLoad => Type == SegmentLoad && MemorySize != 0;
    }
}
