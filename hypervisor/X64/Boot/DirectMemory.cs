// SPDX-License-Identifier: MIT
// Memory of a dom0 whose guest-physical addresses are machine addresses. Called at boot on a machine without IOMMU.

using System;
using XenSharp.Abi;
using XenSharp.Core;
using XenSharp.Edge;

namespace XenSharp.X64.Boot;

/// <summary>The loader's files move out of the way, then dom0 gets the lowest memory that nobody has taken.</summary>
internal static class DirectMemory
{
    private const ulong LowMemoryEnd = 0x10_0000;

    /// <summary>
    /// Moves the modules and their command lines to the top of memory, since loaders put them where dom0's kernel must be. What finds no
    /// room elsewhere stays.
    /// </summary>
    public static void MoveModules()
    {
        for (int i = 0; i < BootInformation.ModuleCount; i++)
        {
            ref BootModule module = ref BootInformation.Module(i);
            ulong size = module.End - module.Start;
            module.Start = Move(module.Start, size, (module.Start + FrameSize.Mask) & ~FrameSize.Mask);
            module.End = module.Start + size;
            if (module.CommandLine != 0)
                module.CommandLine = Move(module.CommandLine, (ulong)module.CommandLineLength + 1, module.CommandLine & ~FrameSize.Mask);
        }

        BootInformation.MoveCommandLine();
    }

    /// <summary>Copies a range elsewhere, gives its pages from <paramref name="firstPage"/> on back, and returns the new place, or the old one.</summary>
    // SAFETY: the new place comes from early memory, the old one is the loader's; both lie in the direct map.
    public static unsafe ulong Move(ulong start, ulong size, ulong firstPage)
    {
        ulong place = EarlyMemory.AllocateHigh(size, FrameSize.Bytes);
        if (place == 0)
            return start;
        new ReadOnlySpan<byte>(DirectMap.At(start), (int)size).CopyTo(new Span<byte>(DirectMap.At(place), (int)size));
        EarlyMemory.GiveBack(firstPage, start + size);
        return place;
    }

    /// <summary>
    /// Takes dom0's memory, first fit from the bottom, and writes a memory map in which it is the only RAM above the first MiB. Returns
    /// its pages; 0 when the machine has too little.
    /// </summary>
    public static ulong Take(Host host, Span<E820Entry> map, out int count)
    {
        count = 0;
        ulong free = 0;
        for (int i = 0; i < EarlyMemory.FreeCount; i++)
        {
            MemoryRegion range = EarlyMemory.Free(i);
            free += (range.End - Math.Min(Math.Max(range.Start, LowMemoryEnd), range.End)) >> FrameSize.Shift;
        }

        ulong kept = Math.Max(free / 32, 4096);
        if (free <= kept + 4096)
            return 0;
        ulong wanted = host.Options.Dom0Memory.ResolvePages(free - kept);
        ulong left = wanted;
        for (int i = 0; i < EarlyMemory.MapCount; i++)
        {
            ref MemoryRegion region = ref EarlyMemory.Map(i);
            if (region.Type == 1 && region.End > LowMemoryEnd)
                TakeRegion(region.Start, region.End, ref left, map, ref count);
            else
                Add(region.Start, region.End, (HvmMemoryMapType)region.Type, map, ref count);
        }

        return wanted - left;
    }

    // Free ranges inside a region of RAM, from the bottom; the rest of it is unusable.
    private static void TakeRegion(ulong start, ulong end, ref ulong left, Span<E820Entry> map, ref int count)
    {
        ulong position = start;
        while (left > 0 && FindFree(position, end, out MemoryRegion range))
        {
            ulong taken = Math.Min(left, (range.End - range.Start) >> FrameSize.Shift);
            left -= taken;
            Add(position, range.Start, HvmMemoryMapType.Unusable, map, ref count);
            position = range.Start + (taken << FrameSize.Shift);
            Add(range.Start, position, HvmMemoryMapType.Ram, map, ref count);
            EarlyMemory.Reserve(range.Start, position);
        }

        Add(position, end, HvmMemoryMapType.Unusable, map, ref count);
    }

    private static bool FindFree(ulong position, ulong end, out MemoryRegion lowest)
    {
        lowest = default;
        lowest.Start = ulong.MaxValue;
        for (int i = 0; i < EarlyMemory.FreeCount; i++)
        {
            MemoryRegion range = EarlyMemory.Free(i);
            range.Start = Math.Max(range.Start, Math.Max(position, LowMemoryEnd));
            range.End = Math.Min(range.End, end);
            if (range.Start < range.End && range.Start < lowest.Start)
                lowest = range;
        }

        return lowest.Start != ulong.MaxValue;
    }

    // Neighbours of one type become one entry; what does not fit any more is left out.
    private static void Add(ulong start, ulong end, HvmMemoryMapType type, Span<E820Entry> map, ref int count)
    {
        if (start >= end)
            return;
        if (count > 0 && map[count - 1].Type == type && map[count - 1].Address + map[count - 1].Size == start)
        {
            map[count - 1].Size += end - start;
            return;
        }

        if (count == map.Length)
            return;
        map[count].Address = start;
        map[count].Size = end - start;
        map[count].Type = type;
        count++;
    }
}
