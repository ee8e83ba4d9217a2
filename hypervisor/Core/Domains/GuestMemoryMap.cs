// SPDX-License-Identifier: MIT
// A domain's E820 table as XENMEM_memory_map answers it.

namespace XenSharp.Core.Domains;

/// <summary>struct e820entry: 20 bytes, packed.</summary>
public struct MemoryMapEntry
{
    public ulong Address;
    public ulong Size;

    /// <summary>1 RAM, 2 reserved, 3 ACPI, 4 NVS, 5 unusable.</summary>
    public uint Type;
}

/// <summary>Up to 128 entries (E820MAX), in the order in which they were given; the domain lock guards it.</summary>
public sealed class GuestMemoryMap
{
    public const int Capacity = 128;
    public const int EntrySize = 20;

    private readonly MemoryMapEntry[] _entries = new MemoryMapEntry[Capacity];

    public int Count { get; private set; }

    public ref readonly MemoryMapEntry this[int index] => ref _entries[index];

    public void Clear() => Count = 0;

    /// <summary>Adds an entry; false when the table is full.</summary>
    public bool Add(ulong address, ulong size, uint type)
    {
        if (Count == Capacity)
            return false;
        _entries[Count] = new MemoryMapEntry { Address = address, Size = size, Type = type };
        Count++;
        return true;
    }
}
