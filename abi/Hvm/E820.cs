// SPDX-License-Identifier: MIT
// Where an HVM guest finds its memory map. Contract: xen/include/public/hvm/e820.h of Xen 4.17 (MIT). Used by the
// hypercall handlers, the guests and the tools; layout checked by tests/Unit/Abi.

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
