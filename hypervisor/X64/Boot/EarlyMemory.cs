// SPDX-License-Identifier: MIT
// Memory before the frame allocator: the loader's map, what is taken of it, and pages for page tables and first objects.

using System.Runtime.CompilerServices;
using XenSharp.Abi;
using XenSharp.Edge;

namespace XenSharp.X64.Boot;

/// <summary>One region of the loader's memory map (E820 types: 1 RAM, 2 reserved, 3 ACPI, 4 NVS, 5 unusable).</summary>
internal struct MemoryRegion
{
    public ulong Start;
    public ulong End;
    public uint Type;
}

[InlineArray(EarlyMemory.MaxRegions)]
internal struct MemoryRegions
{
    private MemoryRegion _first;
}

/// <summary>
/// Free ranges are taken from the top of the memory below 4 GiB, which the boot page tables map. <see cref="HandOver"/>
/// gives the rest to the frame allocator.
/// </summary>
internal static class EarlyMemory
{
    public const int MaxRegions = 128;
    private const ulong BootMapLimit = 1UL << 32;

    private static MemoryRegions s_map;
    private static MemoryRegions s_free;
    private static int s_mapCount;
    private static int s_freeCount;

    public static bool IsHandedOver { get; private set; }

    public static int MapCount => s_mapCount;

    /// <summary>Bytes of RAM in the map.</summary>
    public static ulong TotalRam { get; private set; }

    /// <summary>The end of the highest RAM region.</summary>
    public static ulong RamEnd { get; private set; }

    public static ref MemoryRegion Map(int index) => ref s_map[index];

    public static void AddMapEntry(ulong start, ulong length, uint type)
    {
        if (s_mapCount == MaxRegions || length == 0 || start + length < start)
            return;
        // Sorted by start, so that gaps and overlaps are easy to see.
        int position = s_mapCount;
        while (position > 0 && s_map[position - 1].Start > start)
        {
            s_map[position] = s_map[position - 1];
            position--;
        }

        s_map[position].Start = start;
        s_map[position].End = start + length;
        s_map[position].Type = type;
        s_mapCount++;
        if (type == 1)
        {
            TotalRam += length;
            if (start + length > RamEnd)
                RamEnd = start + length;
            AddFree((start + FrameSize.Mask) & ~FrameSize.Mask, (start + length) & ~FrameSize.Mask);
        }
        else
        {
            Reserve(start, start + length);
        }
    }

    /// <summary>Removes a range from what may be allocated.</summary>
    public static void Reserve(ulong start, ulong end)
    {
        start &= ~FrameSize.Mask;
        end = (end + FrameSize.Mask) & ~FrameSize.Mask;
        for (int i = 0; i < s_freeCount; i++)
        {
            MemoryRegion range = s_free[i];
            if (range.End <= start || range.Start >= end)
                continue;
            s_free[i].End = range.Start < start ? start : range.Start;
            if (range.End > end)
                AddFree(end, range.End);
        }
    }

    /// <summary>Number of free ranges; <see cref="Free"/> gives one, in no order.</summary>
    public static int FreeCount => s_freeCount;

    public static MemoryRegion Free(int index) => s_free[index];

    /// <summary>Makes the pages of a range of RAM free again; those that are already stay so.</summary>
    public static void GiveBack(ulong firstPage, ulong end)
    {
        end = (end + FrameSize.Mask) & ~FrameSize.Mask;
        Reserve(firstPage, end);
        AddFree(firstPage, end);
    }

    /// <summary>Takes memory, below 4 GiB when possible; returns its machine address, or 0 when there is none.</summary>
    public static ulong Allocate(ulong bytes, ulong alignment)
    {
        ulong result = AllocateBelow(bytes, alignment, BootMapLimit);
        return result != 0 ? result : AllocateBelow(bytes, alignment, ulong.MaxValue);
    }

    public static ulong AllocateHigh(ulong bytes, ulong alignment) => AllocateBelow(bytes, alignment, ulong.MaxValue);

    public static ulong AllocateBelow(ulong bytes, ulong alignment, ulong limit)
    {
        bytes = (bytes + FrameSize.Mask) & ~FrameSize.Mask;
        int best = -1;
        ulong bestStart = 0;
        for (int i = 0; i < s_freeCount; i++)
        {
            ulong end = s_free[i].End < limit ? s_free[i].End : limit;
            if (end < bytes)
                continue;
            ulong start = (end - bytes) & ~(alignment - 1);
            if (start < s_free[i].Start || start < 0x100000 || (best >= 0 && start < bestStart))
                continue;
            best = i;
            bestStart = start;
        }

        if (best < 0)
            return 0;
        ulong rest = s_free[best].End;
        s_free[best].End = bestStart;
        if (bestStart + bytes < rest)
            AddFree(bestStart + bytes, rest);
        return bestStart;
    }

    /// <summary>A page below 1 MiB for the start of other CPUs, or 0.</summary>
    public static ulong AllocateLowPage()
    {
        for (int i = 0; i < s_freeCount; i++)
        {
            if (s_free[i].Start >= 0xa0000 || s_free[i].End <= 0x2000)
                continue;
            ulong end = s_free[i].End < 0xa0000 ? s_free[i].End : 0xa0000;
            ulong page = end - FrameSize.Bytes;
            Reserve(page, end);
            return page;
        }

        return 0;
    }

    /// <summary>Gives the allocator everything above 1 MiB that nobody took.</summary>
    public static void HandOver(Core.Memory.FrameAllocator allocator)
    {
        IsHandedOver = true;
        for (int i = 0; i < s_freeCount; i++)
        {
            ulong start = s_free[i].Start < 0x100000 ? 0x100000 : s_free[i].Start;
            if (s_free[i].End > start)
                allocator.AddRange(Mfn.Containing(start), (s_free[i].End - start) >> FrameSize.Shift);
        }

        allocator.TotalPages = TotalRam >> FrameSize.Shift;
    }

    private static void AddFree(ulong start, ulong end)
    {
        if (start >= end || s_freeCount == MaxRegions)
            return;
        s_free[s_freeCount].Start = start;
        s_free[s_freeCount].End = end;
        s_freeCount++;
    }
}
