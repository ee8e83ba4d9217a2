// SPDX-License-Identifier: MIT
// Where things lie in the memory of a PVH guest on x86. tools/libs/guest/xg_dom_x86.c and xen/include/public/arch-x86/guest-acpi.h of Xen. Used by DomainBuilder.

using System.Collections.Generic;
using XenSharp.Abi;

namespace XenSharp.Toolstack.Building;

/// <param name="Pages">Memory in pages, without the special ones.</param>
internal sealed record GuestLayout(ulong Pages)
{
    public const int PageSize = 4096;

    /// <summary>ACPI_INFO_PHYSICAL_ADDRESS: the lowest thing above the guest's low memory.</summary>
    public const uint AcpiInfo = 0xFC00_0000;

    public const uint AcpiTables = AcpiInfo + PageSize;

    /// <summary>Where old Linux kernels look for the root of the ACPI tables.</summary>
    public const uint BiosRsdp = 0x10_0000 - RsdpBytes;

    public const uint RsdpBytes = 64;

    public const uint SpecialCount = 8;

    /// <summary>The first of the special pages, which end below X86_HVM_END_SPECIAL_REGION.</summary>
    public const ulong FirstSpecial = 0xF_F000 - SpecialCount;

    private const ulong FourGiB = 1ul << 32;

    /// <summary>End of memory below 4 GiB.</summary>
    public ulong LowEnd => System.Math.Min(Pages * PageSize, AcpiInfo);

    /// <summary>End of memory above 4 GiB; 4 GiB if there is none.</summary>
    public ulong HighEnd => FourGiB + (Pages * PageSize) - LowEnd;

    /// <summary>The frame of a special page.</summary>
    public static ulong Frame(SpecialPage page) => FirstSpecial + (ulong)page;

    /// <summary>The frames of memory as (first, count), low before high.</summary>
    public IEnumerable<(ulong First, ulong Count)> Ranges()
    {
        yield return (0, LowEnd / PageSize);
        if (HighEnd > FourGiB)
            yield return (FourGiB / PageSize, (HighEnd - FourGiB) / PageSize);
    }

    /// <summary>The E820 map that the guest sees: RAM, the special pages, the ACPI areas, high RAM.</summary>
    public List<E820Entry> MemoryMap(uint rsdp, int acpiTables)
    {
        List<E820Entry> map =
        [
            Entry(0, LowEnd, HvmMemoryMapType.Ram),
            Entry(FirstSpecial * PageSize, SpecialCount * PageSize, HvmMemoryMapType.Reserved),
            Entry(rsdp & ~(PageSize - 1u), RsdpBytes + (rsdp & (PageSize - 1)), HvmMemoryMapType.Acpi),
            Entry(AcpiInfo, PageSize, HvmMemoryMapType.Acpi),
            Entry(AcpiTables, (ulong)acpiTables, HvmMemoryMapType.Acpi),
        ];
        if (HighEnd > FourGiB)
            map.Add(Entry(FourGiB, HighEnd - FourGiB, HvmMemoryMapType.Ram));
        return map;
    }

    private static E820Entry Entry(ulong address, ulong size, HvmMemoryMapType type) => new() { Address = address, Size = size, Type = type };
}

/// <summary>SPECIALPAGE_*: pages that are not memory, by their order.</summary>
internal enum SpecialPage : ulong
{
    Paging,
    Access,
    Sharing,
    BufferedIoRequest,
    Xenstore,
    IoRequest,
    IdentityPageTable,
    Console,
}
