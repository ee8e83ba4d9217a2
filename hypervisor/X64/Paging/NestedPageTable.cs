// SPDX-License-Identifier: MIT
// A domain's guest-physical to machine translation in the form that nested paging walks (AMD APM vol. 2, 15.25).

using System.Threading;
using XenSharp.Edge;

namespace XenSharp.X64.Paging;

/// <summary>
/// Four levels; leaves of 4 KiB, 2 MiB and, where the CPU has them, 1 GiB. Bits 9..11 and 52..55 of an entry are free for software:
/// the type of the page is kept in 52..55. The CPU sets accessed and dirty bits in it, so entries change by compare-and-exchange.
/// </summary>
public sealed class NestedPageTable : P2m
{
    private const ulong Present = 1, Writable = 2, User = 4, Accessed = 0x20, Dirty = 0x40, Large = 0x80, NoExecute = 1UL << 63;
    private const ulong AddressMask = 0x000f_ffff_ffff_f000;
    private const int TypeShift = 52;

    // At any level: a smaller table is made of it when needed. All other entries that are not present are 0.
    private const ulong OnDemand = (ulong)P2mType.OnDemand << TypeShift;
    private const ulong NoRemoval = ulong.MaxValue;

    private readonly PhysicalMemory _memory;
    private readonly FrameSource _tables;
    private readonly bool _hasGigabytePages;
    private readonly Mfn _root;
    private uint _generation = 1;

    // The last change, when it was the removal of one small page, and the generation before it.
    private ulong _removed;
    private ulong _generationBeforeRemoval = NoRemoval;

    // The table of small pages that the last change went through, with the 2 MiB that it is for; 0 is none. Changed under the domain's lock; who
    // reads it without that lock is a reader whom a flush waits for, as for any table.
    private ulong _lastTable;
    private const int LastTableFrameBits = 36;

    public NestedPageTable(PhysicalMemory memory, FrameSource tables, Mfn root, bool hasGigabytePages)
    {
        _memory = memory;
        _tables = tables;
        _root = root;
        _hasGigabytePages = hasGigabytePages;
    }

    /// <summary>The root table's machine address: nested CR3.</summary>
    public ulong RootAddress => _root.Address;

    public override ulong FrameLimit => 1UL << 36;

    public override uint Generation => Volatile.Read(ref _generation);

    public override P2mEntry Lookup(Gfn guestFrame)
    {
        if (guestFrame.Value >= FrameLimit)
            return default;
        int order = 0;
        if (!TryRecall(guestFrame, out Mfn table))
        {
            table = _root;
            order = 27;
        }

        for (; ; order -= 9)
        {
            ulong entry = _memory.Read64(table, (int)(guestFrame.Value >> order) << 3 & 0xff8);
            if ((entry & Present) == 0)
                return new P2mEntry(Mfn.Invalid, TypeOf(entry), order);
            if (order == 0 || (entry & Large) != 0)
            {
                ulong low = guestFrame.Value & ((1UL << order) - 1);
                return new P2mEntry(new Mfn(((entry & AddressMask) >> FrameSize.Shift) + low), TypeOf(entry), order);
            }

            table = Mfn.Containing(entry & AddressMask);
        }
    }

    public override bool Set(Gfn guestFrame, Mfn frame, int order, P2mType type)
    {
        if (guestFrame.Value >= FrameLimit)
            return false;
        int leaf = order / 9;
        if (leaf == 2 && !_hasGigabytePages)
        {
            for (ulong i = 0; i < 1UL << 18; i += 1UL << 9)
            {
                if (!Set(guestFrame + i, frame + i, 9, type))
                    return false;
            }

            return true;
        }

        if ((Mirror != null && !Mirror.Prepare(guestFrame, order, type)) || !FindEntry(guestFrame, leaf, true, out Mfn table, out int offset))
            return false;
        ulong old = _memory.Read64(table, offset);
        _memory.Write64(table, offset, frame.Address | Flags(type) | (leaf > 0 ? Large : 0));
        Mirror?.Set(guestFrame, frame, order, type);
        Replaced(old, leaf);
        return true;
    }

    public override bool SetOnDemand(Gfn guestFrame, int order)
    {
        int leaf = order / 9;
        if (Mirror != null || guestFrame.Value >= FrameLimit || !FindEntry(guestFrame, leaf, true, out Mfn table, out int offset))
            return false;
        ulong old = _memory.Read64(table, offset);
        _memory.Write64(table, offset, OnDemand);
        Replaced(old, leaf);
        return true;
    }

    // What becomes of an entry's old value.
    private void Replaced(ulong old, int leaf)
    {
        if (leaf == 0 || (old & (Present | Large)) != Present)
        {
            if ((old & Present) != 0)
                Changed();
            return;
        }

        // No CPU may still walk a table that is given back.
        Volatile.Write(ref _lastTable, 0);
        Flush();
        FreeTable(Mfn.Containing(old & AddressMask), leaf - 1);
    }

    public override bool Remove(Gfn guestFrame, int order)
    {
        if (guestFrame.Value >= FrameLimit || !FindEntry(guestFrame, order / 9, false, out Mfn table, out int offset))
            return guestFrame.Value < FrameLimit && Lookup(guestFrame).Type == P2mType.None;
        if (order != 0 && (_memory.Read64(table, offset) & (Present | Large)) == Present)
            return false;
        if (Mirror != null && !Mirror.Prepare(guestFrame, order, P2mType.None))
            return false;
        _memory.Write64(table, offset, 0);
        Mirror?.Set(guestFrame, Mfn.Invalid, order, P2mType.None);
        if (order != 0)
        {
            Changed();
            return true;
        }

        // A reader that sees the new frame does not see the old generation beside it.
        Volatile.Write(ref _generationBeforeRemoval, NoRemoval);
        Volatile.Write(ref _removed, guestFrame.Value);
        Volatile.Write(ref _generationBeforeRemoval, _generation);
        Bump();
        return true;
    }

    public override bool TryFindOnlyRemoval(uint sinceGeneration, out Gfn guestFrame)
    {
        guestFrame = new Gfn(Volatile.Read(ref _removed));
        return Volatile.Read(ref _generationBeforeRemoval) == sinceGeneration;
    }

    public override void Flush()
    {
        Bump();
        Interlocked.MemoryBarrier();
        Runtime.Root.Platform.ExpelGuests(this);
        Mirror?.Flush();
    }

    public override bool ReleaseTables(int limit)
    {
        Volatile.Write(ref _lastTable, 0);
        bool done = ReleaseBelow(_root, 3, ref limit);
        Changed();
        return done;
    }

    public override void Release() => _tables.Free(_root);

    // Three levels deep at most; entries are cleared on the way, so that the next call goes on behind them.
    private bool ReleaseBelow(Mfn table, int level, ref int limit)
    {
        for (int i = 0; level > 0 && i < 512; i++)
        {
            ulong entry = _memory.Read64(table, i * 8);
            if ((entry & (Present | Large)) != Present)
                continue;
            Mfn below = Mfn.Containing(entry & AddressMask);
            if (!ReleaseBelow(below, level - 1, ref limit) || limit == 0)
                return false;
            limit--;
            _memory.Write64(table, i * 8, 0);
            _tables.Free(below);
        }

        return true;
    }

    // Every vCPU compares the generation before it enters the guest and flushes its translations when it has changed.
    private void Changed()
    {
        Volatile.Write(ref _generationBeforeRemoval, NoRemoval);
        Bump();
    }

    private void Bump() => Interlocked.Add(ref System.Runtime.CompilerServices.Unsafe.As<uint, int>(ref _generation), 1);

    private static P2mType TypeOf(ulong entry) => (P2mType)((entry >> TypeShift) & 15);

    private static ulong Flags(P2mType type)
    {
        ulong flags = Present | User | Accessed | Dirty | ((ulong)type << TypeShift);
        return type switch
        {
            P2mType.Ram => flags | Writable,
            P2mType.Direct or P2mType.GrantWritable or P2mType.Foreign or P2mType.Shared => flags | Writable | NoExecute,
            _ => flags | NoExecute,
        };
    }

    [System.Runtime.CompilerServices.MethodImpl(System.Runtime.CompilerServices.MethodImplOptions.AggressiveInlining)]
    private static int IndexOffset(Gfn guestFrame, int level) => (int)((guestFrame.Value >> (9 * level)) & 511) * 8;

    // Walks to the entry of the level, adding tables and splitting larger pages on the way.
    private bool FindEntry(Gfn guestFrame, int leaf, bool create, out Mfn table, out int offset)
    {
        offset = IndexOffset(guestFrame, leaf);
        if (leaf == 0 && TryRecall(guestFrame, out table))
            return true;
        table = _root;
        for (int level = 3; level > leaf; level--)
        {
            ulong entry = _memory.Read64(table, IndexOffset(guestFrame, level));
            if ((entry & (Present | Large)) != Present)
                return MakeEntry(guestFrame, leaf, create, level, ref table, out offset);
            table = Mfn.Containing(entry & AddressMask);
        }

        if (leaf == 0 && table.Value >> LastTableFrameBits == 0)
            Volatile.Write(ref _lastTable, TagOf(guestFrame) << LastTableFrameBits | table.Value);
        return true;
    }

    // Only for frames below the limit.
    [System.Runtime.CompilerServices.MethodImpl(System.Runtime.CompilerServices.MethodImplOptions.AggressiveInlining)]
    private bool TryRecall(Gfn guestFrame, out Mfn table)
    {
        ulong last = Volatile.Read(ref _lastTable);
        table = new Mfn(last & ((1UL << LastTableFrameBits) - 1));
        return last >> LastTableFrameBits == TagOf(guestFrame);
    }

    // 27 bits for the 2 MiB, and one above them that tells it from none.
    [System.Runtime.CompilerServices.MethodImpl(System.Runtime.CompilerServices.MethodImplOptions.AggressiveInlining)]
    private static ulong TagOf(Gfn guestFrame) => (guestFrame.Value >> 9) | (1UL << 27);

    // From a table of the level on.
    private bool MakeEntry(Gfn guestFrame, int leaf, bool create, int level, ref Mfn table, out int offset)
    {
        for (; level > leaf; level--)
        {
            offset = IndexOffset(guestFrame, level);
            ulong entry = _memory.Read64(table, offset);
            if ((entry & Present) == 0)
            {
                if ((!create && entry == 0) || !_tables.TryAllocate(out Mfn added))
                    return false;
                for (int i = 0; entry != 0 && i < 512; i++)
                    _memory.Write64(added, i * 8, entry);
                entry = added.Address | Present | Writable | User | Accessed;
                _memory.Write64(table, offset, entry);
            }
            else if ((entry & Large) != 0)
            {
                if (!Split(table, offset, level, entry, out entry))
                    return false;
            }

            table = Mfn.Containing(entry & AddressMask);
        }

        offset = IndexOffset(guestFrame, leaf);
        return true;
    }

    private bool Split(Mfn table, int offset, int level, ulong large, out ulong entry)
    {
        entry = 0;
        if (!_tables.TryAllocate(out Mfn added))
            return false;
        ulong step = (ulong)FrameSize.Bytes << (9 * (level - 1));
        ulong flags = level == 1 ? large & ~Large : large;
        for (int i = 0; i < 512; i++)
            _memory.Write64(added, i * 8, flags + ((ulong)i * step));
        entry = added.Address | Present | Writable | User | Accessed;
        _memory.Write64(table, offset, entry);
        Changed();
        return true;
    }

    // A table that a larger page has replaced; bounded by its 512 entries at each of at most two levels.
    private void FreeTable(Mfn table, int level)
    {
        for (int i = 0; level > 0 && i < 512; i++)
        {
            ulong entry = _memory.Read64(table, i * 8);
            if ((entry & (Present | Large)) == Present)
                FreeTable(Mfn.Containing(entry & AddressMask), level - 1);
        }

        _tables.Free(table);
    }
}
