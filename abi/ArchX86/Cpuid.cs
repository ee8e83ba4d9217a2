// SPDX-License-Identifier: MIT
// The CPUID leaves by which a guest finds Xen, from 0x40000000 up. Contract: xen/include/public/arch-x86/cpuid.h of Xen
// 4.17 (MIT). Used by the hypercall handlers, the guests and the tools; layout checked by tests/Unit/Abi.

namespace XenSharp.Abi;

/// <summary>Features of leaf 4 in EAX, XEN_HVM_CPUID_*.</summary>
public enum HvmCpuidFlags : uint
{
    ApicAccessVirt = 1u << 0, // XEN_HVM_CPUID_APIC_ACCESS_VIRT: Virtualized APIC registers
    X2apicVirt = 1u << 1, // XEN_HVM_CPUID_X2APIC_VIRT: Virtualized x2APIC accesses
    IommuMappings = 1u << 2, // XEN_HVM_CPUID_IOMMU_MAPPINGS: Memory mapped from other domains has valid IOMMU entries
    VcpuIdPresent = 1u << 3, // XEN_HVM_CPUID_VCPU_ID_PRESENT: vcpu id is present in EBX
    DomainIdPresent = 1u << 4, // XEN_HVM_CPUID_DOMID_PRESENT: domid is present in ECX

    // XEN_HVM_CPUID_EXT_DEST_ID: With interrupt format set to 0 (non-remappable) bits 55:49 from the IO-APIC RTE and bits 11:5 from the MSI address
    // can be used to store high bits for the Destination ID.
    ExtendedDestinationId = 1u << 5,

    // XEN_HVM_CPUID_UPCALL_VECTOR: Per-vCPU event channel upcalls work correctly with physical IRQs bound to event channels.
    UpcallVector = 1u << 6,
}

/// <summary>Leaves, signature and features, XEN_CPUID_*.</summary>
public static class XenCpuid
{
    public const uint FirstLeaf = 0x40000000; // XEN_CPUID_FIRST_LEAF
    public const uint SignatureEbx = 0x566E6558; // XEN_CPUID_SIGNATURE_EBX: "XenV"
    public const uint SignatureEcx = 0x65584D4D; // XEN_CPUID_SIGNATURE_ECX: "MMXe"
    public const uint SignatureEdx = 0x4D4D566E; // XEN_CPUID_SIGNATURE_EDX: "nVMM"
    public const uint Feat1MmuPtUpdatePreserveAd = 1u << 0; // XEN_CPUID_FEAT1_MMU_PT_UPDATE_PRESERVE_AD

    // XEN_CPUID_MACHINE_ADDRESS_WIDTH_MASK: Max. address width in bits taking memory hotplug into account.
    public const uint MachineAddressWidthMask = 0xFF;

    public const uint MaxNumberLeaves = 5; // XEN_CPUID_MAX_NUM_LEAVES
}
