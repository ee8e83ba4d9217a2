// SPDX-License-Identifier: MIT
// From a guest's virtual address to the machine frame behind it (AMD APM vol. 2, 5.3 "Long-mode page translation").

using System.Runtime.CompilerServices;
using XenSharp.Core.Vcpus;
using XenSharp.Edge;

namespace XenSharp.Core.Memory;

/// <summary>What the hypervisor is about to do with a guest page on the guest's behalf.</summary>
public enum GuestPageAccess { Read, Write, Fetch }

/// <summary>
/// The software page walk, for a guest kernel's accesses (hypercalls come from privilege level 0). As in Xen, bits above the walk's
/// do not count: an address need not be canonical.
/// </summary>
public static class GuestPageWalk
{
    private const ulong Present = 1, Writable = 2, Accessed = 0x20, Dirty = 0x40, Large = 0x80;
    private const ulong AddressMask = 0x000f_ffff_ffff_f000;
    private const ulong PagingEnabled = 1UL << 31, WriteProtect = 1UL << 16, PhysicalAddressExtension = 1UL << 5, LongModeActive = 1UL << 10;

    /// <summary>The machine frame for an access, with the guest's accessed and dirty bits set as the CPU would; invalid: the access faults.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Mfn Translate(Vcpu vcpu, ulong address, GuestPageAccess access)
    {
        Mfn frame = vcpu.Translations.Repeat(address, access);
        return frame != Mfn.Invalid ? frame : TranslateAnew(vcpu, address, access);
    }

    /// <summary>The same, where the short way has found nothing.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    internal static Mfn TranslateAnew(Vcpu vcpu, ulong address, GuestPageAccess access)
    {
        TranslationCache translations = vcpu.Translations;
        translations.Refresh();
        Mfn frame = translations.Repeat(address, access);
        if (frame != Mfn.Invalid)
            return frame;
        if (!ToPhysical(vcpu, address, access, out ulong physical, out int depth))
            return Mfn.Invalid;
        ulong guestFrame = physical >> FrameSize.Shift;
        if (!translations.TryFind(guestFrame, out frame, out bool isWritable) || (access == GuestPageAccess.Write && !isWritable))
            return Mfn.Invalid;
        if (depth != 0)
            translations.Remember(address, access, depth, guestFrame, frame);
        return frame;
    }

    /// <summary>The guest-physical address of an access.</summary>
    public static bool ToPhysical(Vcpu vcpu, ulong address, GuestPageAccess access, out ulong physical) =>
        ToPhysical(vcpu, address, access, out physical, out _);

    /// <param name="depth">Steps that the walk has noted, 0 for one that cannot be remembered.</param>
    private static bool ToPhysical(Vcpu vcpu, ulong address, GuestPageAccess access, out ulong physical, out int depth)
    {
        vcpu.Translations.Refresh();
        VcpuContext context = vcpu.Context;
        depth = 0;
        ulong cr0 = context.Cr0;
        if ((cr0 & PagingEnabled) == 0)
        {
            physical = (uint)address;
            return true;
        }

        bool isProtected = access == GuestPageAccess.Write && (cr0 & WriteProtect) != 0;
        if ((context.Efer & LongModeActive) != 0)
            return WalkLongMode(vcpu, address, access, Present | (isProtected ? Writable : 0), context.Cr3 & AddressMask, out physical, out depth);
        if ((context.Cr4 & PhysicalAddressExtension) != 0)
            return Walk(vcpu, (uint)address, access, 3, 9, context.Cr3 & 0xffff_ffe0, out physical);
        return Walk(vcpu, (uint)address, access, 2, 10, context.Cr3 & 0xffff_f000, out physical);
    }

    // Four levels of eight-byte entries: the way of all 64-bit guests, kept short.
    private static bool WalkLongMode(Vcpu vcpu, ulong address, GuestPageAccess access, ulong needed, ulong table, out ulong physical, out int depth)
    {
        const int topShift = 39, entryShift = 3;
        TranslationCache translations = vcpu.Translations;
        PhysicalMemory memory = vcpu.Host.Memory;
        translations.BeginWalk(address);
        physical = 0;
        depth = 0;
        for (int shift = topShift; ; shift -= 9)
        {
            if (!translations.TryFind(table >> FrameSize.Shift, out Mfn frame, out bool isWritable))
                return false;
            int offset = (int)(address >> (shift - entryShift)) & 0xff8;
            ulong entry = memory.Read64(frame, offset);
            if ((entry & needed) != needed)
                return false;
            bool isLeaf = shift == FrameSize.Shift || ((entry & Large) != 0 && shift != topShift);
            ulong wanted = isLeaf && access == GuestPageAccess.Write ? Accessed | Dirty : Accessed;
            if ((entry & wanted) != wanted && isWritable)
            {
                memory.CompareExchange64(frame, offset, entry | wanted, entry);
                entry |= wanted;
            }

            translations.NoteStep(address, depth, table >> FrameSize.Shift, frame, offset, entry);
            depth++;
            if (isLeaf)
            {
                ulong low = (1UL << shift) - 1;
                physical = (entry & AddressMask & ~low) | (address & low);
                return true;
            }

            table = entry & AddressMask;
        }
    }

    private static bool Walk(Vcpu vcpu, ulong address, GuestPageAccess access, int levels, int bitsPerLevel, ulong table, out ulong physical)
    {
        physical = 0;
        PhysicalMemory memory = vcpu.Host.Memory;
        TranslationCache translations = vcpu.Translations;
        bool write = access == GuestPageAccess.Write && (vcpu.Context.Cr0 & WriteProtect) != 0;
        int entrySize = bitsPerLevel == 10 ? 4 : 8;
        for (int level = levels - 1; ; level--)
        {
            int shift = FrameSize.Shift + (level * bitsPerLevel);
            int index = (int)(address >> shift) & ((1 << bitsPerLevel) - 1);
            ulong entryAddress = table + (ulong)(index * entrySize);
            if (!translations.TryFind(entryAddress >> FrameSize.Shift, out Mfn tableFrame, out bool tableIsWritable))
                return false;
            int offset = (int)(entryAddress & FrameSize.Mask);
            ulong entry = entrySize == 8 ? memory.Read64(tableFrame, offset) : memory.Read32(tableFrame, offset);
            // The four entries above PAE's tables have no rights and no marks (AMD APM vol. 2, 5.2.3).
            bool isPointer = levels == 3 && level == 2;
            if ((entry & Present) == 0 || (write && !isPointer && (entry & Writable) == 0))
                return false;
            bool leaf = level == 0 || ((entry & Large) != 0 && level < 2);
            ulong wanted = Accessed | (leaf && access == GuestPageAccess.Write ? Dirty : 0);
            if ((entry & wanted) != wanted && !isPointer && tableIsWritable)
                MarkUsed(memory, tableFrame, offset, entrySize, entry, entry | wanted);
            if (leaf)
            {
                ulong low = (1UL << shift) - 1;
                physical = (entry & AddressMask & ~low) | (address & low);
                return true;
            }

            table = entry & AddressMask;
        }
    }

    private static void MarkUsed(PhysicalMemory memory, Mfn frame, int offset, int entrySize, ulong old, ulong updated)
    {
        // A guest that changes the entry meanwhile wins: the mark is then its business.
        if (entrySize == 8)
            memory.CompareExchange64(frame, offset, updated, old);
        else
            memory.CompareExchange32(frame, offset, (uint)updated, (uint)old);
    }
}
