// SPDX-License-Identifier: MIT
// The memory map (E820) of dom0, made from the machine's. Called by the builder of dom0.
//
// The form is Xen's (xen/arch/x86/hvm/dom0_build.c, pvh_setup_e820): dom0's RAM is the machine's, first fit from the bottom; what
// RAM is left over is UNUSABLE, so that no device window or scratch area is put there; all else stays.

using System;
using XenSharp.Abi;
using XenSharp.Edge;

namespace XenSharp.Core.Boot.Acpi;

/// <summary>Builds the map and finds room in it for dom0's ACPI tables.</summary>
public static class Dom0MemoryMap
{
    private const ulong LowEnd = 0x10_0000, Below4Gib = 0x1_0000_0000;

    /// <summary>
    /// Writes the map and returns the number of its entries; the tables get the whole pages from <paramref name="acpiAddress"/> on, taken
    /// from the top of the last RAM region below 4 GiB. 0 when there is no room, in <paramref name="output"/> or in memory.
    /// </summary>
    public static int Build(
        ReadOnlySpan<E820Entry> machine,
        ulong pages,
        uint vcpus,
        MachineTables tables,
        Span<E820Entry> output,
        out ulong acpiAddress,
        out ulong acpiSize)
    {
        acpiAddress = 0;
        acpiSize = ((ulong)Dom0Acpi.Size(tables, (int)vcpus) + FrameSize.Mask) & ~FrameSize.Mask;
        int count = 0;
        ulong left = pages;
        foreach (E820Entry entry in machine)
        {
            // Room for a split region and for the tables' own.
            if (count + 3 > output.Length)
                return 0;
            if (entry.Type == HvmMemoryMapType.Ram)
                count = AddRam(in entry, ref left, output, count);
            else
                output[count++] = entry;
        }

        Sort(output.Slice(0, count));
        return TakeTop(output, ref count, acpiSize, out acpiAddress) ? count : 0;
    }

    private static int AddRam(in E820Entry entry, ref ulong left, Span<E820Entry> output, int count)
    {
        ulong start = (entry.Address + FrameSize.Mask) & ~FrameSize.Mask;
        ulong end = (entry.Address + entry.Size) & ~FrameSize.Mask;
        if (start >= end)
            return count;
        ulong taken = Math.Min(left, (end - start) >> FrameSize.Shift);
        left -= taken;
        ulong split = start + (taken << FrameSize.Shift);
        if (split > start)
            output[count++] = Entry(start, split, HvmMemoryMapType.Ram);
        if (end > split)
            output[count++] = Entry(split, end, HvmMemoryMapType.Unusable);
        return count;
    }

    private static bool TakeTop(Span<E820Entry> map, ref int count, ulong size, out ulong address)
    {
        address = 0;
        for (int i = count - 1; i >= 0; i--)
        {
            ref E820Entry entry = ref map[i];
            ulong end = entry.Address + entry.Size;
            if (entry.Type != HvmMemoryMapType.Ram || end > Below4Gib || entry.Size <= size || end - size < LowEnd)
                continue;
            address = end - size;
            entry.Size -= size;
            for (int j = count; j > i + 1; j--)
                map[j] = map[j - 1];
            map[i + 1] = Entry(address, end, HvmMemoryMapType.Acpi);
            count++;
            return true;
        }

        return false;
    }

    // Loaders nearly always give a sorted map.
    private static void Sort(Span<E820Entry> map)
    {
        for (int i = 1; i < map.Length; i++)
        {
            E820Entry moving = map[i];
            int j = i;
            for (; j > 0 && map[j - 1].Address > moving.Address; j--)
                map[j] = map[j - 1];
            map[j] = moving;
        }
    }

    private static E820Entry Entry(ulong start, ulong end, HvmMemoryMapType type)
    {
        E820Entry entry = default;
        entry.Address = start;
        entry.Size = end - start;
        entry.Type = type;
        return entry;
    }
}
