// SPDX-License-Identifier: MIT
// Where an HVM guest finds its memory map, and the entries of memory maps. Contract: xen/include/public/hvm/e820.h of
// Xen 4.17 (MIT). Used by the hypercall handlers, the guests and the tools; layout checked by tests/Unit/Abi.

using System.Runtime.InteropServices;

namespace XenSharp.Abi;

/// <summary>Addresses around the memory map of an HVM guest.</summary>
public static class HvmE820
{
    public const uint E820Page = 0x90000; // HVM_E820_PAGE: E820 location in HVM virtual address space.
    public const uint E820CountOffset = 0x1E8; // HVM_E820_NR_OFFSET
    public const uint E820Offset = 0x2D0; // HVM_E820_OFFSET
    public const uint Below4gRamEnd = 0xF0000000u; // HVM_BELOW_4G_RAM_END
    public const uint Below4gMmioStart = 0xF0000000u; // HVM_BELOW_4G_MMIO_START
    public const ulong Below4gMmioLength = 0x10000000; // HVM_BELOW_4G_MMIO_LENGTH
}

/// <summary>
/// struct e820entry, 20 bytes. Entry of the buffer of XENMEM_memory_map and its relatives, in the format of BIOS INT 0x15
/// EAX=0xE820; the size is not a multiple of the alignment.
/// </summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
public struct E820Entry
{
    public ulong Address;
    public ulong Size;
    public HvmMemoryMapType Type; // same numbers
}
