// SPDX-License-Identifier: MIT
// Features that XENVER_get_features and the ELF notes speak of. Contract: xen/include/public/features.h of Xen 4.17
// (MIT). Used by the hypercall handlers, the guests and the tools; layout checked by tests/Unit/Abi.

namespace XenSharp.Abi;

/// <summary>Bit numbers of features, XENFEAT_*.</summary>
public enum XenFeature : uint
{
    // XENFEAT_writable_page_tables: If set, the guest does not need to write-protect its pagetables, and can update them via direct writes.
    WritablePageTables = 0,

    // XENFEAT_writable_descriptor_tables: If set, the guest does not need to write-protect its segment descriptor tables, and can update them via
    // direct writes.
    WritableDescriptorTables = 1,

    // XENFEAT_auto_translated_physmap: If set, translation between the guest's 'pseudo-physical' address space and the host's machine address space
    // are handled by the hypervisor. In this mode the guest does not need to perform phys-to/from-machine translations when performing page table
    // operations.
    AutoTranslatedPhysmap = 2,

    SupervisorModeKernel = 3, // XENFEAT_supervisor_mode_kernel: If set, the guest is running in supervisor mode (e.g., x86 ring 0).

    // XENFEAT_pae_pgdir_above_4gb: If set, the guest does not need to allocate x86 PAE page directories below 4GB. This flag is usually implied by
    // auto_translated_physmap.
    PaePageDirectoryAbove4Gb = 4,

    // XENFEAT_mmu_pt_update_preserve_ad: x86: Does this Xen host support the MMU_PT_UPDATE_PRESERVE_AD hypercall?
    MmuPtUpdatePreserveAd = 5,

    HighmemAssist = 6, // XENFEAT_highmem_assist: x86: Does this Xen host support the MMU_{CLEAR,COPY}_PAGE hypercall?

    // XENFEAT_gnttab_map_avail_bits: If set, GNTTABOP_map_grant_ref honors flags to be placed into guest kernel available pte bits.
    GrantTableMapAvailableBits = 7,

    HvmCallbackVector = 8, // XENFEAT_hvm_callback_vector: x86: Does this Xen host support the HVM callback vector type?
    HvmSafePvclock = 9, // XENFEAT_hvm_safe_pvclock: x86: pvclock algorithm is safe to use on HVM
    HvmPirqs = 10, // XENFEAT_hvm_pirqs: x86: pirq can be used by HVM guests
    Dom0 = 11, // XENFEAT_dom0: operation as Dom0 is supported

    // XENFEAT_memory_op_vnode_supported: Guest can use XENMEMF_vnode to specify virtual node for memory op.
    MemoryOperationVNodeSupported = 13,

    ArmSmcccSupported = 14, // XENFEAT_ARM_SMCCC_supported: arm: Hypervisor supports ARM SMC calling convention.

    // XENFEAT_linux_rsdp_unrestricted: x86/PVH: If set, ACPI RSDP can be placed at any address. Otherwise RSDP must be located in lower 1MB, as
    // required by ACPI Specification for IA-PC systems. This feature flag is only consulted if XEN_ELFNOTE_GUEST_OS contains the "linux" string.
    LinuxRsdpUnrestricted = 15,

    // XENFEAT_not_direct_mapped: A direct-mapped (or 1:1 mapped) domain is a domain for which its local pages have gfn == mfn. If a domain is
    // direct-mapped, XENFEAT_direct_mapped is set; otherwise XENFEAT_not_direct_mapped is set.
    NotDirectMapped = 16,

    DirectMapped = 17, // XENFEAT_direct_mapped
}

/// <summary>Number of 32-bit feature words.</summary>
public static class XenFeatureLimits
{
    public const uint SubmapCount = 1; // XENFEAT_NR_SUBMAPS
}
