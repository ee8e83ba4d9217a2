// SPDX-License-Identifier: MIT
// Two MiB of virtual addresses behind the identity map, mapped page by page: for pointers that end, or may not be written.

namespace XenSharp.Guests;

public static unsafe class Window
{
    private const ulong Start = 1UL << 32, Present = 1, Writable = 2, User = 4;

    /// <summary>The virtual address of a slot; nothing is mapped there until <see cref="Map"/>.</summary>
    public static ulong Address(int slot) => Start + ((ulong)(slot & 511) << 12);

    public static ulong Map(int slot, ulong frame)
    {
        Set(slot, (frame << 12) | Present | Writable | User);
        return Address(slot);
    }

    public static ulong MapReadOnly(int slot, ulong frame)
    {
        Set(slot, (frame << 12) | Present | User);
        return Address(slot);
    }

    public static void Unmap(int slot) => Set(slot, 0);

    // SAFETY: the window's page table has 512 entries and belongs to this kernel.
    private static void Set(int slot, ulong entry)
    {
        System.Threading.Volatile.Write(ref *(ulong*)(Native.Window() + ((ulong)(slot & 511) * 8)), entry);
        Native.Invalidate(Address(slot));
    }
}
