// SPDX-License-Identifier: MIT
// What the devices of a domain reach: a host page table as an AMD IOMMU walks it (AMD I/O Virtualization Technology Specification
// 48882, 2.2.3 "I/O Page Tables for Host Translations"). Follows the domain's p2m; called by the port's P2m under the domain's lock.

using XenSharp.Edge;

namespace XenSharp.Core.Iommu;

/// <summary>
/// Four levels; leaves of 4 KiB, 2 MiB and 1 GiB. An entry that maps nothing is 0 as a whole: there are walkers that look no further
/// than that at the last level.
/// </summary>
public sealed class IoPageTable(IommuSystem iommu, ushort domainId, FrameSource tables, PhysicalMemory memory, Mfn root) : P2mMirror
{
    public const int Levels = 4;

    private const ulong Present = 1, NextLevelMask = 7UL << NextLevelShift, ForceCoherent = 1UL << 60, Read = 1UL << 61, Write = 1UL << 62;
    private const ulong AddressMask = 0x000f_ffff_ffff_f000;
    private const int NextLevelShift = 9;

    private const ulong NoRegion = ulong.MaxValue;

    private bool _isStale;

    // The last-level table of the 2 MiB where something changed last: one change seldom comes alone.
    private ulong _lastRegion = NoRegion;
    private Mfn _lastTable;

    /// <summary>The IOMMU's own name of these translations, in device table and caches.</summary>
    public ushort DomainId { get; } = domainId;

    public Mfn Root { get; } = root;

    /// <summary>What a device may do at a page: nothing if the address is not mapped.</summary>
    public bool TryTranslate(ulong address, out ulong machineAddress, out bool isWritable)
    {
        machineAddress = 0;
        isWritable = false;
        if (address >> (FrameSize.Shift + (9 * Levels)) != 0)
            return false;
        Mfn table = Root;
        for (int level = Levels; ; level--)
        {
            ulong entry = memory.Read64(table, Offset(Gfn.Containing(address), level));
            if ((entry & Present) == 0)
                return false;
            if ((entry & NextLevelMask) == 0)
            {
                ulong low = (1UL << (FrameSize.Shift + (9 * (level - 1)))) - 1;
                machineAddress = (entry & AddressMask & ~low) | (address & low);
                isWritable = (entry & Write) != 0;
                return true;
            }

            table = Mfn.Containing(entry & AddressMask);
        }
    }

    public override bool Prepare(Gfn guestFrame, int order, P2mType type)
    {
        int leaf = (order / 9) + 1;
        if (leaf == 1 && guestFrame.Value >> 9 == _lastRegion)
            return true;
        bool create = Flags(type) != 0;
        Mfn table = Root;
        for (int level = Levels; level > leaf; level--)
        {
            int offset = Offset(guestFrame, level);
            ulong entry = memory.Read64(table, offset);
            if ((entry & Present) == 0)
            {
                if (!create)
                    return true;
                if (!tables.TryAllocate(out Mfn added))
                    return false;
                entry = Pointer(added, level - 1);
                memory.Write64(table, offset, entry);
            }
            else if ((entry & NextLevelMask) == 0)
            {
                if (!Split(table, offset, level, entry, out entry))
                    return false;
            }

            table = Mfn.Containing(entry & AddressMask);
        }

        if (leaf == 1)
        {
            _lastRegion = guestFrame.Value >> 9;
            _lastTable = table;
        }

        return true;
    }

    public override void Set(Gfn guestFrame, Mfn frame, int order, P2mType type)
    {
        ulong flags = Flags(type);
        int leaf = (order / 9) + 1;
        if (!FindTable(guestFrame, leaf, out Mfn table))
            return; // Prepare has made the tables unless there is nothing to map
        int offset = Offset(guestFrame, leaf);
        ulong old = memory.Read64(table, offset);
        ulong entry = flags == 0 ? 0 : frame.Address | flags;
        if (entry == old)
            return;
        memory.Write64(table, offset, entry);
        if ((old & Present) == 0 && !_isStale && !iommu.CachesAbsent)
            return;
        _isStale = true;
        if (entry != 0)
            iommu.FlushBeforeGuest();
        if ((old & Present) == 0 || (old & NextLevelMask) == 0)
            return;
        // No device may still walk a table that is given back.
        Flush();
        _lastRegion = NoRegion;
        FreeTable(Mfn.Containing(old & AddressMask), leaf - 1);
    }

    private bool FindTable(Gfn guestFrame, int leaf, out Mfn table)
    {
        table = _lastTable;
        if (leaf == 1 && guestFrame.Value >> 9 == _lastRegion)
            return true;
        table = Root;
        for (int level = Levels; level > leaf; level--)
        {
            ulong pointer = memory.Read64(table, Offset(guestFrame, level));
            if ((pointer & Present) == 0)
                return false;
            table = Mfn.Containing(pointer & AddressMask);
        }

        return true;
    }

    public override void Flush() => iommu.Flush(DomainId, ref _isStale);

    private static ulong Flags(P2mType type) => type switch
    {
        // As p2m_get_iommu_flags of Xen; devices have no business in the hypervisor's own pages.
        P2mType.Ram or P2mType.GrantWritable or P2mType.Foreign => Present | ForceCoherent | Read | Write,
        P2mType.RamReadOnly or P2mType.GrantReadOnly => Present | ForceCoherent | Read,
        P2mType.Direct => Present | Read | Write,
        _ => 0,
    };

    private static ulong Pointer(Mfn table, int level) => table.Address | ((ulong)level << NextLevelShift) | Present | Read | Write;

    private static int Offset(Gfn guestFrame, int level) => (int)((guestFrame.Value >> (9 * (level - 1))) & 511) * 8;

    // The same translation in smaller pages. What a device has cached stays right, and is forgotten with all else by the next flush.
    private bool Split(Mfn table, int offset, int level, ulong large, out ulong entry)
    {
        entry = 0;
        if (!tables.TryAllocate(out Mfn added))
            return false;
        ulong step = (ulong)FrameSize.Bytes << (9 * (level - 2));
        for (int i = 0; i < 512; i++)
            memory.Write64(added, i * 8, large + ((ulong)i * step));
        entry = Pointer(added, level - 1);
        memory.Write64(table, offset, entry);
        _isStale = true;
        return true;
    }

    // A table that a larger page has replaced; bounded by its 512 entries at each of at most two levels.
    private void FreeTable(Mfn table, int level)
    {
        for (int i = 0; level > 1 && i < 512; i++)
        {
            ulong entry = memory.Read64(table, i * 8);
            if ((entry & Present) != 0 && (entry & NextLevelMask) != 0)
                FreeTable(Mfn.Containing(entry & AddressMask), level - 1);
        }

        tables.Free(table);
    }
}
