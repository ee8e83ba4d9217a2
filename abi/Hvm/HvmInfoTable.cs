// SPDX-License-Identifier: MIT
// The table that the toolstack leaves for the firmware of an HVM guest. Contract:
// xen/include/public/hvm/hvm_info_table.h of Xen 4.17 (MIT). Used by the hypercall handlers, the guests and the tools;
// layout checked by tests/Unit/Abi.

using System.Runtime.InteropServices;

namespace XenSharp.Abi;

/// <summary>Address of the table.</summary>
public static class HvmInfoConstants
{
    public const uint InfoPfn = 0x9F; // HVM_INFO_PFN
    public const uint InfoOffset = 0x800; // HVM_INFO_OFFSET
    public const uint InfoPhysicalAddress = 0x9F800; // HVM_INFO_PADDR
    public const uint MaxVcpus = 128; // HVM_MAX_VCPUS: Maximum we can support with current vLAPIC ID mapping.
}

/// <summary>
/// struct hvm_info_table, 48 bytes. In some cases SMP HVM guests may require knowledge of Xen's idea of vCPU ids for their vCPUs. For example,
/// HYPERVISOR_vcpu_op and some EVTCHNOP_* hypercalls take vcpu id as a parameter.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct HvmInfoTable
{
    public ByteArray8 Signature; // "HVM INFO"
    public uint Length;
    public byte Checksum;
    public byte ApicMode; // Should firmware build APIC descriptors (APIC MADT / MP BIOS)?
    public ushort Padding0;
    public uint VcpuCount; // How many CPUs does this domain have?

    // MEMORY MAP provided by HVM domain builder. Notes: 1. page_to_phys(x) = x << 12 2. If a field is zero, the corresponding range does not exist.
    // 0x0 to page_to_phys(low_mem_pgend)-1: RAM below 4GB (except for VGA hole 0xA0000-0xBFFFF)
    public uint LowMemoryPgend;

    public uint ReservedMemoryPgstart; // page_to_phys(reserved_mem_pgstart) to 0xFFFFFFFF: Reserved for special memory mappings
    public uint HighMemoryPgend; // 0x100000000 to page_to_phys(high_mem_pgend)-1: RAM above 4GB
    public ByteArray16 VcpuOnline; // Bitmap of which CPUs are online at boot time.
}
