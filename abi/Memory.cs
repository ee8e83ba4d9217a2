// SPDX-License-Identifier: MIT
// Memory operations of every domain: reservation, physmap, memory map, resources. Contract: xen/include/public/memory.h
// of Xen 4.17 (MIT). Used by the hypercall handlers, the guests and the tools; layout checked by tests/Unit/Abi.

using System.Runtime.InteropServices;

namespace XenSharp.Abi;

/// <summary>Commands of HYPERVISOR_memory_op, XENMEM_*.</summary>
public enum MemoryOperation : uint
{
    // XENMEM_increase_reservation: Increase or decrease the specified domain's memory reservation. Returns the number of extents successfully
    // allocated or freed. arg == addr of struct xen_memory_reservation.
    IncreaseReservation = 0,

    DecreaseReservation = 1, // XENMEM_decrease_reservation

    // XENMEM_maximum_ram_page: Returns the maximum machine frame number of mapped RAM in this system. This command always succeeds (it never returns
    // an error code). arg == NULL.
    MaximumRamPage = 2,

    // XENMEM_current_reservation: Returns the current or maximum memory reservation, in pages, of the specified domain (may be DOMID_SELF). Returns
    // -ve errcode on failure. arg == addr of struct xen_memory_domain.
    CurrentReservation = 3,

    MaximumReservation = 4, // XENMEM_maximum_reservation

    // XENMEM_machphys_mfn_list: Returns a list of MFN bases of 2MB extents comprising the machine_to_phys mapping table. Architectures which do not
    // have a m2p table do not implement this command. arg == addr of xen_machphys_mfn_list_t.
    MachPhysMfnList = 5,

    PopulatePhysmap = 6, // XENMEM_populate_physmap

    // XENMEM_add_to_physmap: Sets the GPFN at which a particular page appears in the specified guest's physical address space (translated guests
    // only). arg == addr of xen_add_to_physmap_t.
    AddToPhysmap = 7,

    // XENMEM_memory_map: Returns the pseudo-physical memory map as it was when the domain was started (specified by XENMEM_set_memory_map). arg ==
    // addr of xen_memory_map_t.
    MemoryMap = 9,

    // XENMEM_machine_memory_map: Returns the real physical memory map. Passes the same structure as XENMEM_memory_map. Specifying buffer as NULL will
    // return the number of entries required to store the complete memory map. arg == addr of xen_memory_map_t.
    MachineMemoryMap = 10,

    // XENMEM_exchange: An atomic exchange of memory pages. If return code is zero then out.extent_list provides GMFNs of the newly-allocated memory.
    // Returns zero on complete success, otherwise a negative error code. On complete success then always nr_exchanged == in.nr_extents.
    Exchange = 11,

    // XENMEM_machphys_mapping: Returns the location in virtual address space of the machine_to_phys mapping table. Architectures which do not have a
    // m2p table, or which do not map it by default into guest address space, do not implement this command. arg == addr of xen_machphys_mapping_t.
    MachPhysMapping = 12,

    // XENMEM_set_memory_map: Set the pseudo-physical memory map of a domain, as returned by XENMEM_memory_map. arg == addr of
    // xen_foreign_memory_map_t.
    SetMemoryMap = 13,

    // XENMEM_maximum_gpfn: Returns the maximum GFN in use by the specified domain (may be DOMID_SELF). Returns -ve errcode on failure. arg == addr of
    // struct xen_memory_domain.
    MaximumGpfn = 14,

    // XENMEM_remove_from_physmap: Unmaps the page appearing at a particular GPFN from the specified guest's physical address space (translated guests
    // only). arg == addr of xen_remove_from_physmap_t.
    RemoveFromPhysmap = 15,

    SetPopulateOnDemandTarget = 16, // XENMEM_set_pod_target
    GetPopulateOnDemandTarget = 17, // XENMEM_get_pod_target
    GetSharingFreedPages = 18, // XENMEM_get_sharing_freed_pages: Get the number of MFNs saved through memory sharing. The call never fails.
    GetSharingSharedPages = 19, // XENMEM_get_sharing_shared_pages
    PagingOperation = 20, // XENMEM_paging_op
    AccessOperation = 21, // XENMEM_access_op
    SharingOperation = 22, // XENMEM_sharing_op
    AddToPhysmapBatch = 23, // XENMEM_add_to_physmap_batch: A batched version of add_to_physmap.

    // XENMEM_claim_pages: Attempt to stake a claim for a domain on a quantity of pages of system RAM, but _not_ assign specific pageframes.
    ClaimPages = 24,

    MachPhysCompatMfnList = 25, // XENMEM_machphys_compat_mfn_list: For a compat caller, this is identical to XENMEM_machphys_mfn_list.
    GetVnumainfo = 26, // XENMEM_get_vnumainfo: XENMEM_get_vnumainfo used by guest to get vNUMA topology from hypervisor.

    // XENMEM_reserved_device_memory_map: With some legacy devices, certain guest-physical addresses cannot safely be used for other purposes, e.g. to
    // map guest RAM. This hypercall enumerates those regions so the toolstack can avoid using them.
    ReservedDeviceMemoryMap = 27,

    // XENMEM_acquire_resource: Get the pages for a particular guest resource, so that they can be mapped directly by a tools domain.
    AcquireResource = 28,
}

/// <summary>Source of a physmap entry, XENMAPSPACE_*.</summary>
public enum MapSpace : uint
{
    SharedInfo = 0, // XENMAPSPACE_shared_info: shared info page
    GrantTable = 1, // XENMAPSPACE_grant_table: grant table page
    Gmfn = 2, // XENMAPSPACE_gmfn: GMFN
    GmfnRange = 3, // XENMAPSPACE_gmfn_range: GMFN range, XENMEM_add_to_physmap only.
    GmfnForeign = 4, // XENMAPSPACE_gmfn_foreign: GMFN from another dom, XENMEM_add_to_physmap_batch only.

    // XENMAPSPACE_dev_mmio: device mmio region ARM only; the region is mapped in Stage-2 using the Normal Memory Inner/Outer Write-Back Cacheable
    // memory attribute.
    DeviceMmio = 5,
}

/// <summary>Flags of xen_memory_reservation, XENMEMF_*; bits 7:0 are the address width, bits 15:8 the node plus one.</summary>
public enum MemoryFlags : uint
{
    PopulateOnDemand = 1u << 16, // XENMEMF_populate_on_demand: Flag to populate physmap with populate-on-demand entries
    ExactNodeRequest = 1u << 17, // XENMEMF_exact_node_request: Flag to request allocation only from the node specified
    VNode = 1u << 18, // XENMEMF_vnode: Flag to indicate the node specified is virtual node
}

/// <summary>Resources of XENMEM_acquire_resource, XENMEM_resource_*.</summary>
public enum MemoryResource : ushort
{
    IoRequestServer = 0, // XENMEM_resource_ioreq_server
    GrantTable = 1, // XENMEM_resource_grant_table
    VmTraceBuffer = 2, // XENMEM_resource_vmtrace_buf
}

/// <summary>Further numbers of the memory operations.</summary>
public static class MemoryConstants
{
    public const uint MapidxGrantTableStatus = 0x80000000u; // XENMAPIDX_grant_table_status
    public const uint RdmAll = 1; // XENMEM_RDM_ALL: Request all regions (ignore dev union).
    public const uint ResourceGrantTableIdShared = 0; // XENMEM_resource_grant_table_id_shared
    public const uint ResourceGrantTableIdStatus = 1; // XENMEM_resource_grant_table_id_status
    public const uint ResourceIoRequestServerFrameBufferedIoRequest = 0; // XENMEM_resource_ioreq_server_frame_bufioreq
}

/// <summary>struct xen_memory_reservation, 32 bytes. Flag to indicate the node specified is virtual node</summary>
[StructLayout(LayoutKind.Sequential)]
public struct MemoryReservation
{
    // IN/OUT: guest handle of frame numbers. increase: receives MFNs; decrease: GFNs to free; populate: GFNs to fill (PV: replaced by MFNs);
    // claim_pages: 0.
    public ulong ExtentStart;

    public ulong ExtentCount; // IN: Number of extents, and size/alignment of each (2^extent_order pages).
    public uint ExtentOrder; // IN
    public uint MemoryFlags; // IN: XENMEMF flags.
    public ushort DomainId; // IN: Domain whose reservation is being changed. Unprivileged domains can specify only DOMID_SELF.
    public UInt16Array3 Padding0;
}

/// <summary>
/// struct xen_memory_exchange, 72 bytes. An atomic exchange of memory pages. If return code is zero then out.extent_list provides GMFNs of the
/// newly-allocated memory. Returns zero on complete success, otherwise a negative error code. On complete success then always nr_exchanged ==
/// in.nr_extents.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct MemoryExchange
{
    // IN: Details of memory extents to be exchanged (GMFN bases). Note that in.address_bits is ignored and unused.
    public MemoryReservation In;

    // IN/OUT: Details of new memory extents. We require that: 1. in.domid == out.domid 2. in.nr_extents << in.extent_order == out.nr_extents <<
    // out.extent_order 3. in.extent_start and out.extent_start lists must not overlap 4.
    public MemoryReservation Out;

    // OUT: Number of input extents that were successfully exchanged: 1. The first nr_exchanged input extents were successfully deallocated. 2. The
    // corresponding first entries in the output extent list correctly indicate the GMFNs that were successfully exchanged.
    public ulong ExchangedCount;
}

/// <summary>
/// struct xen_memory_domain, 2 bytes. Argument of XENMEM_current_reservation, XENMEM_maximum_reservation and XENMEM_maximum_gpfn.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct MemoryDomain
{
    public ushort DomainId; // IN: Domain information is being queried for.
}

/// <summary>
/// struct xen_machphys_mfn_list, 24 bytes. Returns a list of MFN bases of 2MB extents comprising the machine_to_phys mapping table. Architectures
/// which do not have a m2p table do not implement this command. arg == addr of xen_machphys_mfn_list_t.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct MachPhysMfnList
{
    // IN: Size of the 'extent_start' array. Fewer entries will be filled if the machphys table is smaller than max_extents * 2MB.
    public uint MaxExtents;

    public uint Padding0;
    public ulong ExtentStart; // IN: guest handle of xen_pfn_t; receives the MFNs of 2 MiB extents, 0 for a gap.

    // OUT: Number of extents written to the above array. This will be smaller than 'max_extents' if the machphys table is smaller than max_e * 2MB.
    public uint ExtentCount;

    public uint Padding1;
}

/// <summary>
/// struct xen_machphys_mapping, 24 bytes. Returns the location in virtual address space of the machine_to_phys mapping table. Architectures which do
/// not have a m2p table, or which do not map it by default into guest address space, do not implement this command. arg == addr of
/// xen_machphys_mapping_t.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct MachPhysMapping
{
    public ulong VStart; // OUT: Start and end virtual addresses.
    public ulong VEnd; // OUT: Start and end virtual addresses.
    public ulong MaxMfn; // OUT: Maximum MFN that can be looked up.
}

/// <summary>
/// struct xen_add_to_physmap, 24 bytes. Sets the GPFN at which a particular page appears in the specified guest's physical address space (translated
/// guests only). arg == addr of xen_add_to_physmap_t.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct AddToPhysmap
{
    public ushort DomainId; // IN: Which domain to change the mapping for.
    public ushort Size; // IN: Number of pages to go through for gmfn_range
    public MapSpace Space; // IN: => enum phys_map_space
    public ulong Index; // IN: Index into space being mapped.
    public ulong Gpfn; // IN: GPFN in domid where the source mapping page should appear.
}

/// <summary>struct xen_add_to_physmap_batch, 32 bytes. A batched version of add_to_physmap.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct AddToPhysmapBatch
{
    public ushort DomainId; // IN: Which domain to change the mapping for.
    public ushort Space; // IN: => enum phys_map_space
    public ushort Size; // IN: Number of pages to go through
    public ushort ForeignDomainId; // IN: union of foreign_domid, res0.
    public ulong Indexes; // IN: guest handle of xen_ulong_t. Indexes into space being mapped.
    public ulong Gpfns; // IN: guest handle of xen_pfn_t. GPFN in domid where the source mapping page should appear.
    public ulong Errors; // OUT: guest handle of int. Per index error code.
}

/// <summary>
/// struct xen_remove_from_physmap, 16 bytes. Unmaps the page appearing at a particular GPFN from the specified guest's physical address space
/// (translated guests only). arg == addr of xen_remove_from_physmap_t.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct RemoveFromPhysmap
{
    public ushort DomainId; // IN: Which domain to change the mapping for.
    public UInt16Array3 Padding0;
    public ulong Gpfn; // IN: GPFN of the current mapping of the page.
}

/// <summary>struct xen_memory_map, 16 bytes. Argument of XENMEM_memory_map and XENMEM_machine_memory_map.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct MemoryMap
{
    public uint EntryCount; // IN/OUT: capacity of Buffer; entries stored.
    public uint Padding0;
    public ulong Buffer; // IN: guest handle of E820Entry; receives the entries.
}

/// <summary>
/// struct xen_foreign_memory_map, 24 bytes. Set the pseudo-physical memory map of a domain, as returned by XENMEM_memory_map. arg == addr of
/// xen_foreign_memory_map_t.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct ForeignMemoryMap
{
    public ushort DomainId; // IN
    public UInt16Array3 Padding0;
    public MemoryMap Map; // IN
}

/// <summary>struct xen_pod_target, 40 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct PopulateOnDemandTarget
{
    public ulong TargetPages; // IN
    public ulong TotalPages; // OUT
    public ulong PopulateOnDemandCachePages; // OUT
    public ulong PopulateOnDemandEntries; // OUT
    public ushort DomainId; // IN
    public UInt16Array3 Padding0;
}

/// <summary>
/// struct xen_reserved_device_memory, 16 bytes. With some legacy devices, certain guest-physical addresses cannot safely be used for other purposes,
/// e.g. to map guest RAM. This hypercall enumerates those regions so the toolstack can avoid using them.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct ReservedDeviceMemory
{
    public ulong StartPfn;
    public ulong PageCount;
}

/// <summary>struct xen_reserved_device_memory_map, 24 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct ReservedDeviceMemoryMap
{
    public uint Flags; // IN
    public uint EntryCount; // IN/OUT Gets set to the required number of entries when too low, signaled by error code -ERANGE.
    public ulong Buffer; // OUT: guest handle of ReservedDeviceMemory.
    public UInt16Array2 Device; // IN: union: pci (PhysicalDevicePciDevice).
    public uint Padding0;
}

/// <summary>
/// struct xen_mem_acquire_resource, 32 bytes. Get the pages for a particular guest resource, so that they can be mapped directly by a tools domain.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct AcquireResource
{
    public ushort DomainId; // IN: The domain whose resource is to be mapped
    public MemoryResource Type; // IN: the type of resource

    // IN: a type-specific resource identifier, which must be zero unless stated otherwise. type == XENMEM_resource_ioreq_server -> id == ioreq server
    // id type == XENMEM_resource_grant_table -> id defined below
    public uint Id;

    // IN/OUT As an IN parameter number of frames of the resource to be mapped. This value may be updated over the course of the operation.
    public uint FrameCount;

    // Padding field, must be zero on input. In a previous version this was an output field with the lowest bit named XENMEM_rsrc_acq_caller_owned.
    // Future versions of this interface will not reuse this bit as an output with the field being zero on input.
    public uint Pad;

    // IN: the index of the initial frame to be mapped. This parameter is ignored if nr_frames is 0. This value may be updated over the course of the
    // operation.
    public ulong Frame;

    // IN/OUT: guest handle of xen_pfn_t. If the tools domain is PV then, upon return, frame_list will be populated with the MFNs of the resource.
    public ulong FrameList;
}

/// <summary>struct xen_vmemrange, 24 bytes. vNUMA node memory ranges</summary>
[StructLayout(LayoutKind.Sequential)]
public struct VmemRange
{
    public ulong Start;
    public ulong End;
    public uint Flags;
    public uint Nid;
}

/// <summary>
/// struct xen_vnuma_topology_info, 40 bytes. vNUMA topology specifies vNUMA node number, distance table, memory ranges and vcpu mapping provided for
/// guests. XENMEM_get_vnumainfo hypercall expects to see from guest nr_vnodes, nr_vmemranges and nr_vcpus to indicate available memory.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct VnumaTopologyInfo
{
    public ushort DomainId; // IN
    public ushort Pad; // IN
    public uint VNodeCount; // IN/OUT
    public uint VcpuCount; // IN/OUT
    public uint VmemRangeCount; // IN/OUT
    public ulong VDistance; // OUT: union of h, pad; guest handle of uint.
    public ulong VcpuToVNode; // OUT: union of h, pad; guest handle of uint.
    public ulong VmemRange; // OUT: union of h, pad; guest handle of VmemRange.
}
