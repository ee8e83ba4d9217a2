// SPDX-License-Identifier: MIT
// One page of a directory: names in byte order, each with a handle. Used by DirectoryStore.

using System;
using System.Runtime.InteropServices;

namespace XenSharp.Xenstore.Tree;

[StructLayout(LayoutKind.Sequential, Pack = 4)]
internal struct PageHeader
{
    public const int Size = 20;

    public ulong Born;
    public uint ListBytes;      // Length of the names below this page, each with its nul.
    public ushort Count;
    public ushort Used;         // Bytes of header and entries.
    public ushort Capacity;     // Bytes of the block.
    public byte Level;          // 0 for a leaf, whose handles are nodes; else they are pages.
    private readonly byte _unused;
}

/// <summary>
/// Header, then entries (handle, length, name) without gaps in any order, and from the block's end backwards the entries' offsets in the order of the
/// names. An inner page's names part the pages below: each page holds names from its own up to the next one's; the first name does not count.
/// </summary>
internal readonly ref struct Page(Span<byte> block)
{
    public const int EntryOverhead = sizeof(uint) + sizeof(ushort) + sizeof(ushort);

    private readonly Span<byte> _block = block;

    public ref PageHeader Header => ref MemoryMarshal.AsRef<PageHeader>(_block);

    public int Count => Header.Count;

    /// <summary>Bytes that the page needs at least.</summary>
    public int Needed => Header.Used + Header.Count * sizeof(ushort);

    public int Room => Header.Capacity - Needed;

    public static Page Format(Span<byte> block, ulong born, byte level)
    {
        Page page = new(block);
        block[..PageHeader.Size].Clear();
        page.Header.Born = born;
        page.Header.Used = PageHeader.Size;
        page.Header.Capacity = (ushort)block.Length;
        page.Header.Level = level;
        return page;
    }

    public uint Handle(int index) => MemoryMarshal.Read<uint>(_block[Offset(index)..]);

    public void SetHandle(int index, uint handle) => MemoryMarshal.Write(_block[Offset(index)..], in handle);

    public ReadOnlySpan<byte> Name(int index)
    {
        int offset = Offset(index);
        return _block.Slice(offset + 6, MemoryMarshal.Read<ushort>(_block[(offset + 4)..]));
    }

    /// <summary>The place of a name, or the complement of the place where it belongs.</summary>
    public int Find(ReadOnlySpan<byte> name)
    {
        int low = 0;
        int high = Count - 1;
        while (low <= high)
        {
            int middle = (low + high) >> 1;
            int order = Name(middle).SequenceCompareTo(name);
            if (order == 0)
                return middle;
            if (order < 0)
                low = middle + 1;
            else
                high = middle - 1;
        }
        return ~low;
    }

    /// <summary>In an inner page: the page below that may hold the name. The first page holds whatever is below the second's name.</summary>
    public int FindBelow(ReadOnlySpan<byte> name)
    {
        int low = 1;
        int high = Count - 1;
        while (low <= high)
        {
            int middle = (low + high) >> 1;
            if (Name(middle).SequenceCompareTo(name) <= 0)
                low = middle + 1;
            else
                high = middle - 1;
        }
        return low - 1;
    }

    /// <summary>There must be room.</summary>
    public void Insert(int index, ReadOnlySpan<byte> name, uint handle)
    {
        ref PageHeader header = ref Header;
        int offset = header.Used;
        MemoryMarshal.Write(_block[offset..], in handle);
        ushort length = (ushort)name.Length;
        MemoryMarshal.Write(_block[(offset + 4)..], in length);
        name.CopyTo(_block[(offset + 6)..]);
        Span<ushort> slots = Slots(header.Count + 1);
        // The slots lie backwards: the entry with the highest place has the lowest address.
        int moved = header.Count - index;
        slots.Slice(1, moved).CopyTo(slots);
        slots[moved] = (ushort)offset;
        header.Used += (ushort)(6 + name.Length);
        header.Count++;
    }

    public void RemoveAt(int index)
    {
        ref PageHeader header = ref Header;
        int offset = Offset(index);
        int size = 6 + MemoryMarshal.Read<ushort>(_block[(offset + 4)..]);
        _block[(offset + size)..header.Used].CopyTo(_block[offset..]);
        header.Used -= (ushort)size;
        Span<ushort> slots = Slots(header.Count);
        int moved = header.Count - 1 - index;
        slots[..moved].CopyTo(slots[1..]);
        header.Count--;
        slots = Slots(header.Count);
        for (int slot = 0; slot < slots.Length; slot++)
        {
            if (slots[slot] > offset)
                slots[slot] -= (ushort)size;
        }
    }

    /// <summary>Everything but the block's own size.</summary>
    public void CopyTo(Page other)
    {
        ushort capacity = other.Header.Capacity;
        int count = Count;
        _block[..Header.Used].CopyTo(other._block);
        other.Header.Capacity = capacity;
        Slots(count).CopyTo(other.Slots(count));
    }

    private int Offset(int index) => MemoryMarshal.Read<ushort>(_block[^((index + 1) * sizeof(ushort))..]);

    private Span<ushort> Slots(int count) => MemoryMarshal.Cast<byte, ushort>(_block[^(count * sizeof(ushort))..]);
}
