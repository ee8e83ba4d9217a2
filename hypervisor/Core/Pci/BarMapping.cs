// SPDX-License-Identifier: MIT
// Shows device memory in the hardware domain's address space while its function decodes it, and takes it away again. Called for writes
// of command and ROM registers, under the PCI lock (xen/drivers/vpci/header.c for what is shown).

using System;
using XenSharp.Core.Console;
using XenSharp.Core.Domains;
using XenSharp.Edge;
using static XenSharp.Core.Pci.PciRegisters;

namespace XenSharp.Core.Pci;

/// <summary>
/// Registers are aligned to their size, so that a few large mappings do for the largest. Pages with MSI-X tables stay out, and pages that
/// another register shows are left as they are. Nothing is displaced.
/// </summary>
public static class BarMapping
{
    private const int MaxKept = 32;
    private const int HugeOrder = 18, OrderStep = 9;

    private struct PageRange
    {
        public ulong First;
        public ulong Last;
    }

    /// <summary>The guest's write of the command register: all bits are the device's, that of memory decoding also changes the map.</summary>
    public static void WriteCommand(MachinePci pci, Domain domain, PciFunction function, uint command, Cpu caller)
    {
        bool map = (command & CommandMemory) != 0;
        if (map != function.AreBarsMapped)
        {
            for (int i = 0; i <= function.BarCount; i++)
            {
                ref PciBar bar = ref function.Bars[i];
                if (bar.IsMemory && (bar.Type != PciBarType.Rom || function.IsRomEnabled))
                    Change(pci, domain, function, ref bar, map, caller);
            }

            function.AreBarsMapped = map;
            if (!map)
                domain.P2m.Flush();
        }

        pci.Write(function.Address, Command, 2, command, caller);
    }

    /// <summary>The guest's write of the ROM's register, whose enable bit shows it while memory decoding is on.</summary>
    public static void WriteRom(MachinePci pci, Domain domain, PciFunction function, uint value, Cpu caller)
    {
        ref PciBar rom = ref function.Bars[function.BarCount];
        bool enable = (value & RomEnable) != 0;
        if (rom.IsMapped && enable)
        {
            Refuse(pci, function, function.BarCount, caller);
            return;
        }

        if (!rom.IsMapped)
            rom.Address = value & RomAddressMask;
        function.IsRomEnabled = enable;
        if (function.AreBarsMapped)
            Change(pci, domain, function, ref rom, enable, caller);
        if (!enable)
        {
            domain.P2m.Flush();
            rom.Address = value & RomAddressMask;
        }

        pci.Write(function.Address, function.RomRegister, 4, value, caller);
    }

    /// <summary>The guest's write of an address register: only while it is not shown.</summary>
    public static void WriteBar(MachinePci pci, PciFunction function, int index, uint value, Cpu caller)
    {
        bool isHigh = function.Bars[index].Type == PciBarType.Memory64High;
        ref PciBar bar = ref function.Bars[isHigh ? index - 1 : index];
        if (!isHigh)
            value &= ~BarFlags;
        if (bar.IsMapped)
        {
            if (value != (uint)(bar.Address >> (isHigh ? 32 : 0)))
                Refuse(pci, function, index, caller);
            return;
        }

        // Bits below the size are zero in the device: the register, not the guest, knows them.
        bar.Address = isHigh ? (uint)bar.Address | ((ulong)value << 32) : (bar.Address & 0xffff_ffff_0000_0000) | (value & (uint)~(bar.Size - 1));
        if (!isHigh)
            value |= (bar.Type == PciBarType.Memory64 ? BarType64 : 0) | (bar.IsPrefetchable ? BarPrefetchable : 0);
        pci.Write(function.Address, FirstBar + (4 * index), 4, value, caller);
    }

    private static void Refuse(MachinePci pci, PciFunction function, int index, Cpu caller) =>
        pci.Host.Console.BeginGuest(LogLevel.Warning, caller).Text("PCI "u8).PciAddress(function.Address).Text(": write of BAR "u8).Decimal(index)
            .Text(" ignored while it is mapped"u8).End();

    private static void Change(MachinePci pci, Domain domain, PciFunction function, ref PciBar bar, bool map, Cpu caller)
    {
        if (bar.IsMapped == map)
            return;
        if (!pci.IsHole(bar.Address, bar.Size) || bar.LastPage >= domain.P2m.FrameLimit)
        {
            if (map)
                ReportPlace(pci, function, in bar, caller);
            return;
        }

        Span<PageRange> kept = stackalloc PageRange[MaxKept];
        int count = FindKept(pci, function, in bar, kept);
        if (count < 0)
        {
            ReportPlace(pci, function, in bar, caller);
            return;
        }

        kept = kept.Slice(0, count);
        using (domain.Lock.Enter(caller))
        {
            bool done = map ? Map(domain, bar.FirstPage, bar.LastPage, kept) : Unmap(domain, bar.FirstPage, bar.LastPage, kept);
            if (!done)
            {
                ReportPlace(pci, function, in bar, caller);
                return;
            }
        }

        bar.IsMapped = map;
    }

    private static void ReportPlace(MachinePci pci, PciFunction function, in PciBar bar, Cpu caller) =>
        pci.Host.Console.BeginGuest(LogLevel.Warning, caller).Text("PCI "u8).PciAddress(function.Address).Text(": not mapping BAR ["u8).Hex(bar.FirstPage)
            .Text(", "u8).Hex(bar.LastPage).Text("] invalid position"u8).End();

    // The page ranges inside a register's that are not touched; -1 when there are too many.
    private static int FindKept(MachinePci pci, PciFunction function, in PciBar bar, Span<PageRange> kept)
    {
        int count = 0;
        if (function.Msix != null)
        {
            MessageTable table = function.Msix;
            KeepPart(function, table.TableBar, table.TableOffset, table.TableSize, in bar, kept, ref count);
            KeepPart(function, table.PendingBar, table.PendingOffset, table.PendingSize, in bar, kept, ref count);
        }

        for (int i = 0; i < pci.Count; i++)
        {
            PciFunction other = pci[i];
            for (int j = 0; j <= other.BarCount; j++)
            {
                ref PciBar shown = ref other.Bars[j];
                bool counts = other != function || bar.Type == PciBarType.Rom && j != other.BarCount;
                if (!shown.IsMapped || !counts || shown.FirstPage > bar.LastPage || shown.LastPage < bar.FirstPage)
                    continue;
                if (count == kept.Length)
                    return -1;
                kept[count].First = shown.FirstPage;
                kept[count].Last = shown.LastPage;
                count++;
            }
        }

        return count;
    }

    // The part lies in another register than the one looked at, or its pages are kept.
    private static void KeepPart(PciFunction function, int index, uint offset, uint size, in PciBar bar, Span<PageRange> kept, ref int count)
    {
        ulong start = function.Bars[index].Address + offset;
        ulong first = start >> FrameSize.Shift, last = (start + size - 1) >> FrameSize.Shift;
        if (first > bar.LastPage || last < bar.FirstPage)
            return;
        kept[count].First = first;
        kept[count].Last = last;
        count++;
    }

    private static bool Map(Domain domain, ulong first, ulong last, ReadOnlySpan<PageRange> kept)
    {
        for (ulong page = first; page <= last;)
        {
            if (IsKept(page, page, kept))
            {
                page++;
                continue;
            }

            int order = HugeOrder;
            while (order > 0 && !IsFreeBlock(domain, page, order, last, kept))
                order -= OrderStep;
            if ((order == 0 && !IsEmpty(domain, page, page)) || !domain.P2m.Set(new Gfn(page), new Mfn(page), order, P2mType.Direct))
            {
                Unmap(domain, first, page, kept);
                return false;
            }

            page += 1UL << order;
        }

        return true;
    }

    private static bool IsFreeBlock(Domain domain, ulong page, int order, ulong last, ReadOnlySpan<PageRange> kept)
    {
        ulong rest = (1UL << order) - 1;
        return (page & rest) == 0 && page + rest <= last && !IsKept(page, page + rest, kept) && IsEmpty(domain, page, page + rest);
    }

    private static bool Unmap(Domain domain, ulong first, ulong last, ReadOnlySpan<PageRange> kept)
    {
        for (ulong page = first; page <= last; page++)
        {
            if (IsKept(page, page, kept))
                continue;
            P2mEntry entry = domain.P2m.Lookup(new Gfn(page));
            ulong rest = (1UL << entry.Order) - 1;
            bool isWhole = (page & rest) == 0 && page + rest <= last && !IsKept(page, page + rest, kept);
            if (!entry.IsPresent)
                page |= rest;
            else if (entry.Type == P2mType.Direct && entry.Frame.Value == page)
            {
                if (!domain.P2m.Remove(new Gfn(page), isWhole ? entry.Order : 0))
                    return false;
                if (isWhole)
                    page += rest;
            }
        }

        return true;
    }

    private static bool IsKept(ulong first, ulong last, ReadOnlySpan<PageRange> kept)
    {
        foreach (ref readonly PageRange range in kept)
        {
            if (range.First <= last && range.Last >= first)
                return true;
        }

        return false;
    }

    // Nothing is there, or the same device memory.
    private static bool IsEmpty(Domain domain, ulong first, ulong last)
    {
        for (ulong page = first; page <= last; page++)
        {
            P2mEntry entry = domain.P2m.Lookup(new Gfn(page));
            if (!entry.IsPresent)
                page |= (1UL << entry.Order) - 1;
            else if (entry.Type != P2mType.Direct || entry.Frame.Value != page)
                return false;
        }

        return true;
    }
}
