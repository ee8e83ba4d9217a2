// SPDX-License-Identifier: MIT
// The hypervisor's own address space: direct map, image (write xor execute), stacks with guard pages, device registers.
// AMD APM vol. 2, 5.3 "Long-mode page translation".

using System;
using XenSharp.Edge;
using XenSharp.X64.Boot;
using XenSharp.X64.Runtime;

namespace XenSharp.X64.Paging;

/// <summary>Built at boot, shared by all CPUs. Page 0 and everything in the lower half is unmapped.</summary>
// SAFETY: tables come zeroed from early memory and are reached through the direct map; only the boot CPU changes them.
internal static unsafe class HostPageTables
{
    public const ulong Writable = 2, WriteThrough = 8, Uncached = 0x18, Global = 0x100, NoExecute = 1UL << 63;
    private const ulong Present = 1, Large = 0x80, Used = 0x60;
    private const ulong AddressMask = 0x000f_ffff_ffff_f000;

    /// <summary>Where device registers are mapped, page by page.</summary>
    private const ulong DeviceBase = 0xffff_82c0_0000_0000;

    /// <summary>Where stacks lie, 128 KiB for each CPU.</summary>
    private const ulong StackBase = 0xffff_82c8_0000_0000;

    private static ulong s_root;
    private static ulong s_nextDevice;
    private static bool s_hasGigabytePages;

    /// <summary>The value of CR3.</summary>
    public static ulong Root => s_root;

    public static bool IsActive { get; private set; }

    /// <summary>Builds the tables and switches to them.</summary>
    public static void Activate(bool hasGigabytePages)
    {
        s_hasGigabytePages = hasGigabytePages;
        s_root = NewTable();
        s_nextDevice = DeviceBase;
        MapImage();
        MapDirect(0, 0x100000);
        for (int i = 0; i < EarlyMemory.MapCount; i++)
        {
            ref MemoryRegion region = ref EarlyMemory.Map(i);
            if (region.Type is 1 or 3 or 4)
                MapDirect(region.Start & ~FrameSize.Mask, (region.End + FrameSize.Mask) & ~FrameSize.Mask);
        }

        // The lower levels of the direct map must be there before the switch, for tables taken later.
        Assembly.WriteCr3(s_root);
        IsActive = true;
    }

    /// <summary>Maps a range of memory at its place in the direct map, for firmware tables outside RAM.</summary>
    public static void MapDirect(ulong start, ulong end)
    {
        while (start < end)
        {
            ulong address = DirectMap.Base + start;
            if (IsMapped(address))
            {
                start += FrameSize.Bytes;
                continue;
            }

            int level = 0;
            if (s_hasGigabytePages && (start & 0x3fff_ffff) == 0 && end - start >= 0x4000_0000)
                level = 2;
            else if ((start & 0x1f_ffff) == 0 && end - start >= 0x20_0000)
                level = 1;
            Map(address, start, level, Writable | Global | NoExecute);
            start += FrameSize.Bytes * (1UL << (9 * level));
        }
    }

    /// <summary>Maps device registers uncached; returns where.</summary>
    public static byte* MapDevice(ulong machineAddress, ulong bytes)
    {
        ulong first = machineAddress & ~FrameSize.Mask;
        ulong result = s_nextDevice + (machineAddress & FrameSize.Mask);
        for (ulong page = first; page < machineAddress + bytes; page += FrameSize.Bytes)
        {
            Map(s_nextDevice, page, 0, Writable | Global | NoExecute | Uncached);
            s_nextDevice += FrameSize.Bytes;
        }

        return (byte*)result;
    }

    /// <summary>Sets aside addresses for so many pages of devices, with their tables; nothing is mapped there until <see cref="Redirect"/>.</summary>
    public static ulong ReserveDevicePages(int pages)
    {
        ulong first = s_nextDevice;
        for (int i = 0; i < pages; i++, s_nextDevice += FrameSize.Bytes)
        {
            Map(s_nextDevice, 0, 0, 0);
            *LeafPointer(s_nextDevice) = 0;
        }

        return first;
    }

    /// <summary>Maps a page of device registers, uncached, at a reserved address that only the calling CPU uses.</summary>
    public static void Redirect(ulong address, ulong machineAddress)
    {
        *LeafPointer(address) = (machineAddress & AddressMask) | Present | Used | Writable | NoExecute | Uncached;
        Assembly.InvalidatePage(address);
    }

    /// <summary>Gives a CPU its stacks, each with an unmapped page below it.</summary>
    public static void MapStacks(int cpu, PerCpu* block)
    {
        ulong next = StackBase + ((ulong)cpu * 0x20000);
        block->StackTop = MapStack(ref next, 8);
        block->NmiStackTop = MapStack(ref next, 2);
        block->DoubleFaultStackTop = MapStack(ref next, 2);
        block->MachineCheckStackTop = MapStack(ref next, 2);
    }

    /// <summary>The machine address behind an address of the hypervisor's, or 0.</summary>
    public static ulong Translate(ulong address)
    {
        ulong table = s_root;
        for (int level = 3; ; level--)
        {
            ulong entry = Entry(table, address, level);
            if ((entry & Present) == 0)
                return 0;
            if (level == 0 || (entry & Large) != 0)
            {
                ulong low = (1UL << (12 + (9 * level))) - 1;
                return (entry & AddressMask & ~low) | (address & low);
            }

            table = entry & AddressMask;
        }
    }

    public static bool IsMapped(ulong address) => Translate(address) != 0;

    private static ulong MapStack(ref ulong next, int pages)
    {
        next += FrameSize.Bytes;
        for (int i = 0; i < pages; i++)
        {
            Map(next, NewTable(), 0, Writable | Global | NoExecute);
            next += FrameSize.Bytes;
        }

        return next;
    }

    private static void MapImage()
    {
        ulong textStart = Assembly.TextStart(), textEnd = Assembly.TextEnd(), readOnlyEnd = Assembly.ReadOnlyEnd(), end = Assembly.ImageEnd();
        for (ulong address = textStart; address < end; address += FrameSize.Bytes)
        {
            ulong flags = address < textEnd ? Global : address < readOnlyEnd ? Global | NoExecute : Global | NoExecute | Writable;
            Map(address, address - ImageOffset, 0, flags);
        }
    }

    /// <summary>Difference between the image's virtual and machine addresses.</summary>
    public const ulong ImageOffset = 0xffff_82d0_4000_0000;

    private static void Map(ulong address, ulong machineAddress, int leafLevel, ulong flags)
    {
        ulong table = s_root;
        for (int level = 3; level > leafLevel; level--)
        {
            ulong* entry = EntryPointer(table, address, level);
            if ((*entry & Present) == 0)
                *entry = NewTable() | Present | Writable | Used;
            table = *entry & AddressMask;
        }

        *EntryPointer(table, address, leafLevel) = machineAddress | Present | Used | flags | (leafLevel > 0 ? Large : 0);
    }

    private static ulong* LeafPointer(ulong address)
    {
        ulong table = s_root;
        for (int level = 3; level > 0; level--)
            table = Entry(table, address, level) & AddressMask;
        return EntryPointer(table, address, 0);
    }

    private static ulong Entry(ulong table, ulong address, int level) => *EntryPointer(table, address, level);

    private static ulong* EntryPointer(ulong table, ulong address, int level) =>
        (ulong*)DirectMap.At(table) + ((address >> (12 + (9 * level))) & 511);

    private static ulong NewTable()
    {
        ulong page;
        if (EarlyMemory.IsHandedOver)
        {
            Core.Host host = Runtime.Root.Host;
            page = host.Allocator.TryAllocate(0, host.CurrentProcessor, out Mfn frame) ? frame.Address : 0;
        }
        else
        {
            page = EarlyMemory.Allocate(FrameSize.Bytes, FrameSize.Bytes);
        }

        if (page == 0)
            Machine.EarlyConsole.Stop("no memory for the hypervisor's page tables: give the machine more memory"u8);
        new Span<byte>(DirectMap.At(page), FrameSize.Bytes).Clear();
        return page;
    }
}
