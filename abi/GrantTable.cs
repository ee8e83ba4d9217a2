// SPDX-License-Identifier: MIT
// Grant tables: entries, operations and their arguments. Contract: xen/include/public/grant_table.h of Xen 4.17 (MIT).
// Used by the hypercall handlers, the guests and the tools; layout checked by tests/Unit/Abi.

using System.Runtime.InteropServices;

namespace XenSharp.Abi;

/// <summary>Commands of HYPERVISOR_grant_table_op, GNTTABOP_*.</summary>
public enum GrantTableOperation : uint
{
    MapGrantRef = 0, // GNTTABOP_map_grant_ref
    UnmapGrantRef = 1, // GNTTABOP_unmap_grant_ref
    SetupTable = 2, // GNTTABOP_setup_table
    DumpTable = 3, // GNTTABOP_dump_table
    Transfer = 4, // GNTTABOP_transfer
    Copy = 5, // GNTTABOP_copy
    QuerySize = 6, // GNTTABOP_query_size
    UnmapAndReplace = 7, // GNTTABOP_unmap_and_replace
    SetVersion = 8, // GNTTABOP_set_version
    GetStatusFrames = 9, // GNTTABOP_get_status_frames
    GetVersion = 10, // GNTTABOP_get_version
    SwapGrantRef = 11, // GNTTABOP_swap_grant_ref
    CacheFlush = 12, // GNTTABOP_cache_flush
}

/// <summary>Flags of a grant entry, GTF_*.</summary>
public enum GrantEntryFlags : ushort
{
    Invalid = 0, // GTF_invalid
    PermitAccess = 1 << 0, // GTF_permit_access
    AcceptTransfer = 2, // GTF_accept_transfer
    Transitive = 3, // GTF_transitive
    TypeMask = 3, // GTF_type_mask
    ReadOnly = 1 << 2, // GTF_readonly
    Reading = 1 << 3, // GTF_reading
    Writing = 1 << 4, // GTF_writing
    Pwt = 1 << 5, // GTF_PWT
    Pcd = 1 << 6, // GTF_PCD
    Pat = 1 << 7, // GTF_PAT
    SubPage = 1 << 8, // GTF_sub_page
    TransferCommitted = 1 << 2, // GTF_transfer_committed
    TransferCompleted = 1 << 3, // GTF_transfer_completed
}

/// <summary>Flags of a mapping, GNTMAP_*.</summary>
public enum GrantMapFlags : uint
{
    DeviceMap = 1u << 0, // GNTMAP_device_map
    HostMap = 1u << 1, // GNTMAP_host_map
    ReadOnly = 1u << 2, // GNTMAP_readonly
    ApplicationMap = 1u << 3, // GNTMAP_application_map
    ContainsPte = 1u << 4, // GNTMAP_contains_pte

    // _GNTMAP_guest_avail0: Bits to be placed in guest kernel available PTE bits (architecture dependent; only supported when
    // XENFEAT_gnttab_map_avail_bits is set).
    GuestAvailable0 = 16,

    GuestAvailableMask = 0xFFFF0000, // GNTMAP_guest_avail_mask
}

/// <summary>Flags of GNTTABOP_copy, GNTCOPY_*.</summary>
public enum GrantCopyFlags : ushort
{
    SourceGrantRef = 1 << 0, // GNTCOPY_source_gref
    DestinationGrantRef = 1 << 1, // GNTCOPY_dest_gref
}

/// <summary>Flags of GNTTABOP_cache_flush, GNTTAB_CACHE_*.</summary>
public enum GrantCacheFlags : uint
{
    Clean = 1u << 0, // GNTTAB_CACHE_CLEAN
    Invalidate = 1u << 1, // GNTTAB_CACHE_INVAL
    SourceGrantRef = 1u << 31, // GNTTAB_CACHE_SOURCE_GREF
}

/// <summary>Result of one grant operation, GNTST_*.</summary>
public enum GrantStatus : short
{
    NoSpace = -13, // GNTST_no_space: Out of space (handles etc).
    Again = -12, // GNTST_eagain: Operation not done; try again.
    AddressTooBig = -11, // GNTST_address_too_big: transfer page address too large.
    BadCopyArgument = -10, // GNTST_bad_copy_arg: copy arguments cross page boundary.
    BadPage = -9, // GNTST_bad_page: Specified page was invalid for op.
    PermissionDenied = -8, // GNTST_permission_denied: Not enough privilege for operation.
    NoDeviceSpace = -7, // GNTST_no_device_space: Out of space in I/O MMU.
    BadDeviceAddress = -6, // GNTST_bad_dev_addr: Inappropriate device address to unmap.
    BadVirtAddress = -5, // GNTST_bad_virt_addr: Inappropriate virtual address to map.
    BadHandle = -4, // GNTST_bad_handle: Unrecognised or inappropriate handle.
    BadGrantRef = -3, // GNTST_bad_gntref: Unrecognised or inappropriate gntref.
    BadDomain = -2, // GNTST_bad_domain: Unrecognsed domain id.
    GeneralError = -1, // GNTST_general_error: General undefined error.
    Okay = 0, // GNTST_okay: Normal return.
}

/// <summary>Reserved entries.</summary>
public static class GrantTableLimits
{
    // GNTTAB_NR_RESERVED_ENTRIES: The first few grant table entries will be preserved across grant table version changes and may be pre-populated at
    // domain creation by tools.
    public const uint ReservedEntryCount = 8;

    public const uint ReservedConsole = 0; // GNTTAB_RESERVED_CONSOLE
    public const uint ReservedXenstore = 1; // GNTTAB_RESERVED_XENSTORE
}

/// <summary>
/// struct grant_entry_v1, 8 bytes. Version 1 of the grant table entry structure is maintained largely for backwards compatibility. New guests are
/// recommended to support using version 2 to overcome version 1 limitations, but to default to version 1.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct GrantEntryV1
{
    public GrantEntryFlags Flags; // GTF_xxx: various type and flag information. [XEN,GST]
    public ushort DomainId; // The domain being granted foreign privileges. [GST]

    // GTF_permit_access: GFN that domid is allowed to map and access. [GST] GTF_accept_transfer: GFN that domid is allowed to transfer into. [GST]
    // GTF_transfer_completed: MFN whose ownership transferred by domid (non-translated guests only). [XEN]
    public uint Frame;
}

/// <summary>
/// struct grant_entry_header, 4 bytes. Version 1 and version 2 grant entries share a common prefix. The fields of the prefix are documented as part
/// of struct grant_entry_v1.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct GrantEntryHeader
{
    public GrantEntryFlags Flags;
    public ushort DomainId;
}

/// <summary>union grant_entry_v2, member full_page, 16 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct GrantEntryV2FullPage
{
    public GrantEntryHeader Header;
    public uint Pad0;
    public ulong Frame;
}

/// <summary>union grant_entry_v2, member sub_page, 16 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct GrantEntryV2SubPage
{
    public GrantEntryHeader Header;
    public ushort PageOffset;
    public ushort Length;
    public ulong Frame;
}

/// <summary>union grant_entry_v2, member transitive, 12 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct GrantEntryV2Transitive
{
    public GrantEntryHeader Header;
    public ushort TransitiveDomainId;
    public ushort Pad0;
    public uint GrantRef;
}

/// <summary>union grant_entry_v2, 16 bytes. Version 2 of the grant entry structure.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct GrantEntryV2
{
    // largest member: hdr (GrantEntryHeader), full_page (GrantEntryV2FullPage), sub_page (GrantEntryV2SubPage), transitive (GrantEntryV2Transitive),
    // __spacer (uint[4])
    public UInt64Array2 U;
}

/// <summary>
/// struct gnttab_map_grant_ref, 32 bytes. GNTTABOP_map_grant_ref: Map the grant entry (dom,ref) for access by devices and/or host CPUs. If
/// successful, handle is a tracking number that must be presented later to destroy the mapping(s). On error, status is a negative status code.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct GrantTableMapGrantRef
{
    public ulong HostAddress; // IN
    public GrantMapFlags Flags; // IN: GNTMAP_*
    public uint Ref; // IN
    public ushort Domain; // IN
    public GrantStatus Status; // OUT: => enum grant_status
    public uint Handle; // OUT
    public ulong DeviceBusAddress; // OUT
}

/// <summary>
/// struct gnttab_unmap_grant_ref, 24 bytes. GNTTABOP_unmap_grant_ref: Destroy one or more grant-reference mappings tracked by handle. If host_addr or
/// dev_bus_addr is zero, that field is ignored. If non-zero, they must refer to a device/host mapping that is tracked by handle
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct GrantTableUnmapGrantRef
{
    public ulong HostAddress; // IN
    public ulong DeviceBusAddress; // IN
    public uint Handle; // IN
    public GrantStatus Status; // OUT: => enum grant_status
    public ushort Padding0;
}

/// <summary>
/// struct gnttab_setup_table, 24 bytes. GNTTABOP_setup_table: Set up a grant table for dom comprising at least nr_frames pages. The frame addresses
/// are written to the frame_list. Only nr_frames addresses are written, even if the table is larger.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct GrantTableSetupTable
{
    public ushort Domain; // IN
    public ushort Padding0;
    public uint FrameCount; // IN
    public GrantStatus Status; // OUT: => enum grant_status
    public UInt16Array3 Padding1;
    public ulong FrameList; // OUT: guest handle of xen_pfn_t.
}

/// <summary>
/// struct gnttab_dump_table, 4 bytes. GNTTABOP_dump_table: Dump the contents of the grant table to the xen console. Debugging use only.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct GrantTableDumpTable
{
    public ushort Domain; // IN
    public GrantStatus Status; // OUT: => enum grant_status
}

/// <summary>
/// struct gnttab_transfer, 24 bytes. GNTTABOP_transfer: Transfer frame to a foreign domain. The foreign domain has previously registered its interest
/// in the transfer via &lt;domid, ref&gt;.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct GrantTableTransfer
{
    public ulong Mfn; // IN
    public ushort DomainId; // IN
    public ushort Padding0;
    public uint Ref; // IN
    public GrantStatus Status; // OUT
    public UInt16Array3 Padding1;
}

/// <summary>struct gnttab_copy_ptr, 16 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct GrantTableCopyPointer
{
    public ulong U; // union: ref (uint), gmfn (ulong).
    public ushort DomainId;
    public ushort Offset;
    public uint Padding0;
}

/// <summary>
/// struct gnttab_copy, 40 bytes. GNTTABOP_copy: Hypervisor based copy source and destinations can be eithers MFNs or, for foreign domains, grant
/// references. the foreign domain has to grant read/write access in its grant table.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct GrantTableCopy
{
    public GrantTableCopyPointer Source; // IN
    public GrantTableCopyPointer Destination; // IN
    public ushort Length; // IN
    public GrantCopyFlags Flags; // IN: GNTCOPY_*
    public GrantStatus Status; // OUT
    public ushort Padding0;
}

/// <summary>
/// struct gnttab_query_size, 16 bytes. GNTTABOP_query_size: Query the current and maximum sizes of the shared grant table.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct GrantTableQuerySize
{
    public ushort Domain; // IN
    public ushort Padding0;
    public uint FrameCount; // OUT
    public uint MaxFrameCount; // OUT
    public GrantStatus Status; // OUT: => enum grant_status
    public ushort Padding1;
}

/// <summary>
/// struct gnttab_unmap_and_replace, 24 bytes. GNTTABOP_unmap_and_replace: Destroy one or more grant-reference mappings tracked by handle but
/// atomically replace the page table entry with one pointing to the machine address under new_addr. new_addr will be redirected to the null entry.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct GrantTableUnmapAndReplace
{
    public ulong HostAddress; // IN
    public ulong NewAddress; // IN
    public uint Handle; // IN
    public GrantStatus Status; // OUT: => enum grant_status
    public ushort Padding0;
}

/// <summary>
/// struct gnttab_set_version, 4 bytes. GNTTABOP_set_version: Request a particular version of the grant table shared table structure. This operation
/// may be used to toggle between different versions, but must be performed while no grants are active. The only defined versions are 1 and 2.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct GrantTableSetVersion
{
    public uint Version; // IN/OUT
}

/// <summary>
/// struct gnttab_get_status_frames, 16 bytes. GNTTABOP_get_status_frames: Get the list of frames used to store grant status for dom.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct GrantTableGetStatusFrames
{
    public uint FrameCount; // IN
    public ushort Domain; // IN
    public GrantStatus Status; // OUT: => enum grant_status
    public ulong FrameList; // OUT: guest handle of uint64_t.
}

/// <summary>
/// struct gnttab_get_version, 8 bytes. GNTTABOP_get_version: Get the grant table version which is in effect for domain dom.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct GrantTableGetVersion
{
    public ushort Domain; // IN
    public ushort Pad; // IN
    public uint Version; // OUT
}

/// <summary>struct gnttab_swap_grant_ref, 12 bytes. GNTTABOP_swap_grant_ref: Swap the contents of two grant entries.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct GrantTableSwapGrantRef
{
    public uint RefA; // IN
    public uint RefB; // IN
    public GrantStatus Status; // OUT: => enum grant_status
    public ushort Padding0;
}

/// <summary>
/// struct gnttab_cache_flush, 16 bytes. Issue one or more cache maintenance operations on a portion of a page granted to the calling domain by a
/// foreign domain.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct GrantTableCacheFlush
{
    public ulong U; // union: dev_bus_addr (ulong), ref (uint).
    public ushort Offset; // offset from start of grant
    public ushort Length; // size within the grant
    public uint Operation;
}
