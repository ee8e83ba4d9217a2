// SPDX-License-Identifier: MIT
// Memory of a domain at its virtual addresses, for a debugger in the control domain (XEN_DOMCTL_gdbsx_guestmemio).

using System;
using XenSharp.Core.Domains;
using XenSharp.Core.Memory;
using XenSharp.Core.Vcpus;
using XenSharp.Edge;

namespace XenSharp.Core.Debugging;

/// <summary>
/// The address space is the one in which the domain's first vCPU is. Rights in the guest's tables do not count, so that breakpoints can be put into
/// code, and nothing is marked in them. The domain need not be paused: what is read then is what happens to be there.
/// Behaviour: xen/arch/x86/gdbsx.c.
/// </summary>
public static class DebuggedMemory
{
    private const ulong Present = 1, Large = 0x80;
    private const ulong AddressMask = 0x000f_ffff_ffff_f000;
    private const ulong PagingEnabled = 1UL << 31, PhysicalAddressExtension = 1UL << 5, LongModeActive = 1UL << 10;

    // As many frames on demand as one walk can meet, and one more.
    private const int MaxAttempts = 6;

    /// <summary>Fills <paramref name="bytes"/>, which lie in one page; false: nothing is there.</summary>
    public static bool TryRead(Domain domain, ulong address, Span<byte> bytes, Cpu caller)
    {
        using SpinLock.Guard guard = domain.Lock.Enter(caller);
        if (!TryFindPopulated(domain, address, caller, out P2mEntry page))
            return false;
        domain.Host.Memory.Read(page.Frame, (int)(address & FrameSize.Mask), bytes);
        return true;
    }

    /// <summary>Puts <paramref name="bytes"/> there, within one page; false: nothing is there, or what cannot be written.</summary>
    public static bool TryWrite(Domain domain, ulong address, ReadOnlySpan<byte> bytes, Cpu caller)
    {
        using SpinLock.Guard guard = domain.Lock.Enter(caller);
        if (!TryFindPopulated(domain, address, caller, out P2mEntry page) || !page.IsWritable)
            return false;
        domain.Host.Memory.Write(page.Frame, (int)(address & FrameSize.Mask), bytes);
        return true;
    }

    // Under the domain's lock: until it is dying its translation, and with it the frame found, stays.
    private static bool TryFindPopulated(Domain domain, ulong address, Cpu caller, out P2mEntry page)
    {
        page = new P2mEntry(Mfn.Invalid, P2mType.None, 0);
        if (domain.IsDying)
            return false;
        for (int attempt = 0; attempt < MaxAttempts; attempt++)
        {
            if (TryFind(domain, address, out page, out Gfn frame))
                return true;
            if (page.Type != P2mType.OnDemand || !domain.OnDemand.Lookup(frame, caller).IsPresent)
                return false;
        }

        return false;
    }

    // False with a page of type OnDemand: the walk needs this frame, or ends at it.
    private static bool TryFind(Domain domain, ulong address, out P2mEntry page, out Gfn frame)
    {
        page = new P2mEntry(Mfn.Invalid, P2mType.None, 0);
        frame = default;
        if (domain.FindVcpu(0) is not { } vcpu)
            return false;
        VcpuContext context = vcpu.Context;
        if ((context.Cr0 & PagingEnabled) == 0)
            return TryLookUp(domain, address, out page, out frame);
        if ((context.Efer & LongModeActive) != 0)
            return TryWalk(domain, address, 4, 9, context.Cr3 & AddressMask, out page, out frame);
        if ((context.Cr4 & PhysicalAddressExtension) != 0)
            return address <= uint.MaxValue && TryWalk(domain, address, 3, 9, context.Cr3 & 0xffff_ffe0, out page, out frame);
        return TryWalk(domain, address, 2, 10, context.Cr3 & 0xffff_f000, out page, out frame);
    }

    private static bool TryWalk(Domain domain, ulong address, int levels, int bitsPerLevel, ulong table, out P2mEntry page, out Gfn frame)
    {
        const int largestLevel = 2;
        bool isNarrow = bitsPerLevel == 10;
        PhysicalMemory memory = domain.Host.Memory;
        for (int level = levels - 1; level >= 0; level--)
        {
            int shift = FrameSize.Shift + (level * bitsPerLevel);
            ulong index = (address >> shift) & ((1UL << bitsPerLevel) - 1);
            ulong entryAddress = table + (index * (isNarrow ? 4UL : 8UL));
            if (!TryLookUp(domain, entryAddress, out page, out frame))
                return false;
            int offset = (int)(entryAddress & FrameSize.Mask);
            ulong entry = isNarrow ? memory.Read32(page.Frame, offset) : memory.Read64(page.Frame, offset);
            if ((entry & Present) == 0)
            {
                page = new P2mEntry(Mfn.Invalid, P2mType.None, 0);
                return false;
            }

            // The four entries above PAE's tables are pointers only.
            bool isLarge = (entry & Large) != 0 && level is > 0 and <= largestLevel && !(levels == 3 && level == 2);
            if (isLarge)
            {
                ulong low = (1UL << shift) - 1;
                return TryLookUp(domain, (entry & AddressMask & ~low) | (address & low), out page, out frame);
            }

            table = entry & AddressMask;
        }

        return TryLookUp(domain, table, out page, out frame);
    }

    // Pages of memory, not of devices: a read there can have effects.
    private static bool TryLookUp(Domain domain, ulong physical, out P2mEntry page, out Gfn frame)
    {
        frame = Gfn.Containing(physical);
        page = frame.Value < domain.P2m.FrameLimit ? domain.P2m.Lookup(frame) : new P2mEntry(Mfn.Invalid, P2mType.None, 0);
        return page.IsPresent && page.Type != P2mType.Direct;
    }
}
