// SPDX-License-Identifier: MIT
// Operations of device models. Contract: xen/include/public/hvm/dm_op.h of Xen 4.17 (MIT). Used by the hypercall
// handlers, the guests and the tools; layout checked by tests/Unit/Abi.

using System.Runtime.InteropServices;

namespace XenSharp.Abi;

/// <summary>Commands of HYPERVISOR_dm_op, XEN_DMOP_*.</summary>
public enum DmOperation : uint
{
    CreateIoRequestServer = 1, // XEN_DMOP_create_ioreq_server: Instantiate a new IOREQ Server for a secondary emulator.
    GetIoRequestServerInfo = 2, // XEN_DMOP_get_ioreq_server_info: Get all the information necessary to access IOREQ Server id.

    // XEN_DMOP_map_io_range_to_ioreq_server: Register an I/O range for emulation by the client of IOREQ Server id.
    // XEN_DMOP_unmap_io_range_from_ioreq_server: Deregister an I/O range previously registered for emulation by the client of IOREQ Server id.
    MapIoRangeToIoRequestServer = 3,

    UnmapIoRangeFromIoRequestServer = 4, // XEN_DMOP_unmap_io_range_from_ioreq_server
    SetIoRequestServerState = 5, // XEN_DMOP_set_ioreq_server_state: Enable or disable the IOREQ Server id
    DestroyIoRequestServer = 6, // XEN_DMOP_destroy_ioreq_server: Destroy the IOREQ Server id.
    TrackDirtyVram = 7, // XEN_DMOP_track_dirty_vram: Track modifications to the specified pfn range.
    SetPciIntxLevel = 8, // XEN_DMOP_set_pci_intx_level: Set the logical level of one of a domain's PCI INTx pins.
    SetIsaIrqLevel = 9, // XEN_DMOP_set_isa_irq_level: Set the logical level of a one of a domain's ISA IRQ lines.
    SetPciLinkRoute = 10, // XEN_DMOP_set_pci_link_route: Map a PCI INTx line to an IRQ line.
    ModifiedMemory = 11, // XEN_DMOP_modified_memory: Notify that a set of pages were modified by an emulator.

    // XEN_DMOP_set_mem_type: Notify that a region of memory is to be treated in a specific way. (See definition of hvmmem_type_t).
    SetMemoryType = 12,

    InjectEvent = 13, // XEN_DMOP_inject_event: Inject an event into a VCPU, which will get taken up when it is next scheduled.
    InjectMsi = 14, // XEN_DMOP_inject_msi: Inject an MSI for an emulated device.

    // XEN_DMOP_map_mem_type_to_ioreq_server: XEN_DMOP_map_mem_type_to_ioreq_server : map or unmap the IOREQ Server id to specific memory type type
    // for specific accesses flags
    MapMemoryTypeToIoRequestServer = 15,

    // XEN_DMOP_remote_shutdown: XEN_DMOP_remote_shutdown : Declare a shutdown for another domain Identical to SCHEDOP_remote_shutdown
    RemoteShutdown = 16,

    // XEN_DMOP_relocate_memory: XEN_DMOP_relocate_memory : Relocate GFNs for the specified guest. Identical to XENMEM_add_to_physmap with space ==
    // XENMAPSPACE_gmfn_range.
    RelocateMemory = 17,

    // XEN_DMOP_pin_memory_cacheattr: XEN_DMOP_pin_memory_cacheattr : Pin caching type of RAM space. Identical to XEN_DOMCTL_pin_mem_cacheattr.
    PinMemoryCacheAttribute = 18,

    // XEN_DMOP_set_irq_level: Set the logical level of a one of a domain's IRQ lines (currently Arm only). Only SPIs are supported.
    SetIrqLevel = 19,

    VcpuCount = 20, // XEN_DMOP_nr_vcpus: Query the number of vCPUs a domain has.
}

/// <summary>Kinds of I/O ranges, XEN_DMOP_IO_RANGE_*.</summary>
public enum IoRangeType : uint
{
    Port = 0, // XEN_DMOP_IO_RANGE_PORT: I/O port range
    Memory = 1, // XEN_DMOP_IO_RANGE_MEMORY: MMIO range
    Pci = 2, // XEN_DMOP_IO_RANGE_PCI: PCI segment/bus/dev/func range
}

/// <summary>Kinds of events, XEN_DMOP_EVENT_*.</summary>
public enum DmInjectEventType : byte
{
    ExtendedInt = 0, // XEN_DMOP_EVENT_ext_int: external interrupt
    Nmi = 2, // XEN_DMOP_EVENT_nmi: nmi
    HwException = 3, // XEN_DMOP_EVENT_hw_exc: hardware exception
    SwInt = 4, // XEN_DMOP_EVENT_sw_int: software interrupt (CD nn)
    PriSwException = 5, // XEN_DMOP_EVENT_pri_sw_exc: ICEBP (F1)
    SwException = 6, // XEN_DMOP_EVENT_sw_exc: INT3 (CC), INTO (CE)
}

/// <summary>Further numbers of the device model operations.</summary>
public static class DmOperationConstants
{
    public const uint NoGfns = 1u << 0; // XEN_DMOP_no_gfns
    public const uint IoRequestMemoryAccessRead = 1u << 0; // XEN_DMOP_IOREQ_MEM_ACCESS_READ
    public const uint IoRequestMemoryAccessWrite = 1u << 1; // XEN_DMOP_IOREQ_MEM_ACCESS_WRITE

    // XEN_DMOP_MEM_CACHEATTR_UC: Caching types: these happen to be the same as x86 MTRR/PAT type codes.
    public const uint MemoryCacheAttributeUc = 0;

    public const uint MemoryCacheAttributeWc = 1; // XEN_DMOP_MEM_CACHEATTR_WC
    public const uint MemoryCacheAttributeWt = 4; // XEN_DMOP_MEM_CACHEATTR_WT
    public const uint MemoryCacheAttributeWp = 5; // XEN_DMOP_MEM_CACHEATTR_WP
    public const uint MemoryCacheAttributeWb = 6; // XEN_DMOP_MEM_CACHEATTR_WB
    public const uint MemoryCacheAttributeUcm = 7; // XEN_DMOP_MEM_CACHEATTR_UCM
    public const uint DeleteMemoryCacheAttribute = 0xFFFFFFFFu; // XEN_DMOP_DELETE_MEM_CACHEATTR
}

/// <summary>
/// struct xen_dm_op_create_ioreq_server, 6 bytes. XEN_DMOP_create_ioreq_server: Instantiate a new IOREQ Server for a secondary emulator.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct DmOperationCreateIoRequestServer
{
    public byte HandleBufferedIoRequest; // IN: should server handle buffered ioreqs
    public ByteArray3 Pad;
    public ushort Id; // OUT: server id
}

/// <summary>
/// struct xen_dm_op_get_ioreq_server_info, 24 bytes. XEN_DMOP_get_ioreq_server_info: Get all the information necessary to access IOREQ Server id.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct DmOperationGetIoRequestServerInfo
{
    public ushort Id; // IN: server id
    public ushort Flags; // IN: flags
    public uint BufferedIoRequestPort; // OUT: buffered ioreq port
    public ulong IoRequestGfn; // OUT: sync ioreq gfn (see block comment above)
    public ulong BufferedIoRequestGfn; // OUT: buffered ioreq gfn (see block comment above)
}

/// <summary>
/// struct xen_dm_op_ioreq_server_range, 24 bytes. XEN_DMOP_map_io_range_to_ioreq_server: Register an I/O range for emulation by the client of IOREQ
/// Server id. XEN_DMOP_unmap_io_range_from_ioreq_server: Deregister an I/O range previously registered for emulation by the client of IOREQ Server
/// id.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct DmOperationIoRequestServerRange
{
    public ushort Id; // IN: server id
    public ushort Pad;
    public uint Type; // IN: type of range
    public ulong Start; // IN: inclusive start and end of range
    public ulong End; // IN: inclusive start and end of range
}

/// <summary>
/// struct xen_dm_op_set_ioreq_server_state, 4 bytes. XEN_DMOP_set_ioreq_server_state: Enable or disable the IOREQ Server id
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct DmOperationSetIoRequestServerState
{
    public ushort Id; // IN: server id
    public byte Enabled; // IN: enabled?
    public byte Pad; // IN
}

/// <summary>struct xen_dm_op_destroy_ioreq_server, 4 bytes. XEN_DMOP_destroy_ioreq_server: Destroy the IOREQ Server id.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct DmOperationDestroyIoRequestServer
{
    public ushort Id; // IN: server id
    public ushort Pad;
}

/// <summary>
/// struct xen_dm_op_track_dirty_vram, 16 bytes. XEN_DMOP_track_dirty_vram: Track modifications to the specified pfn range.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct DmOperationTrackDirtyVram
{
    public uint Count; // IN: number of pages to be tracked
    public uint Pad;
    public ulong FirstPfn; // IN: first pfn to track
}

/// <summary>
/// struct xen_dm_op_set_pci_intx_level, 6 bytes. XEN_DMOP_set_pci_intx_level: Set the logical level of one of a domain's PCI INTx pins.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct DmOperationSetPciIntxLevel
{
    public ushort Domain; // IN: PCI INTx identification (domain:bus:device:intx)
    public byte Bus; // IN
    public byte Device; // IN
    public byte Intx; // IN
    public byte Level; // IN: Level: 0 -> deasserted, 1 -> asserted
}

/// <summary>
/// struct xen_dm_op_set_isa_irq_level, 2 bytes. XEN_DMOP_set_isa_irq_level: Set the logical level of a one of a domain's ISA IRQ lines.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct DmOperationSetIsaIrqLevel
{
    public byte IsaIrq; // IN: ISA IRQ (0-15)
    public byte Level; // IN: Level: 0 -> deasserted, 1 -> asserted
}

/// <summary>
/// struct xen_dm_op_set_pci_link_route, 2 bytes. XEN_DMOP_set_pci_link_route: Map a PCI INTx line to an IRQ line.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct DmOperationSetPciLinkRoute
{
    public byte Link; // IN: PCI INTx line (0-3)
    public byte IsaIrq; // IN: ISA IRQ (1-15) or 0 -> disable link
}

/// <summary>
/// struct xen_dm_op_modified_memory, 8 bytes. XEN_DMOP_modified_memory: Notify that a set of pages were modified by an emulator.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct DmOperationModifiedMemory
{
    public uint ExtentCount; // IN: Number of extents to be processed OUT -returns n+1 for failing extent
    public uint Opaque; // IN/OUT: Must be set to 0
}

/// <summary>struct xen_dm_op_modified_memory_extent, 16 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct DmOperationModifiedMemoryExtent
{
    public uint Count; // IN: number of contiguous pages modified
    public uint Pad;
    public ulong FirstPfn; // IN: first pfn modified
}

/// <summary>
/// struct xen_dm_op_set_mem_type, 16 bytes. XEN_DMOP_set_mem_type: Notify that a region of memory is to be treated in a specific way. (See definition
/// of hvmmem_type_t).
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct DmOperationSetMemoryType
{
    public uint Count; // IN: number of contiguous pages
    public ushort MemoryType; // IN: new hvmmem_type_t of region
    public ushort Pad; // IN
    public ulong FirstPfn; // IN: first pfn in region
}

/// <summary>
/// struct xen_dm_op_inject_event, 24 bytes. XEN_DMOP_inject_event: Inject an event into a VCPU, which will get taken up when it is next scheduled.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct DmOperationInjectEvent
{
    public uint VcpuId; // IN: index of vCPU
    public byte Vector; // IN: interrupt vector
    public byte Type; // IN: event type (DMOP_EVENT_* )
    public byte InstructionLength; // IN: instruction length
    public byte Pad0;
    public uint ErrorCode; // IN: error code (or ~0 to skip)
    public uint Pad1;
    public ulong Cr2; // IN: type-specific extra data (%cr2 for #PF, pending_dbg for #DB)
}

/// <summary>struct xen_dm_op_inject_msi, 16 bytes. XEN_DMOP_inject_msi: Inject an MSI for an emulated device.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct DmOperationInjectMsi
{
    public uint Data; // IN: MSI data (lower 32 bits)
    public uint Pad;
    public ulong Address; // IN: MSI address (0xfeexxxxx)
}

/// <summary>
/// struct xen_dm_op_map_mem_type_to_ioreq_server, 16 bytes. XEN_DMOP_map_mem_type_to_ioreq_server : map or unmap the IOREQ Server id to specific
/// memory type type for specific accesses flags
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct DmOperationMapMemoryTypeToIoRequestServer
{
    public ushort Id; // IN: ioreq server id
    public ushort Type; // IN: memory type
    public uint Flags; // IN: types of accesses to be forwarded to the ioreq server. flags with 0 means to unmap the ioreq server
    public ulong Opaque; // IN/OUT: only used for hypercall continuation, has to be set to zero by the caller
}

/// <summary>
/// struct xen_dm_op_remote_shutdown, 4 bytes. XEN_DMOP_remote_shutdown : Declare a shutdown for another domain Identical to SCHEDOP_remote_shutdown
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct DmOperationRemoteShutdown
{
    public uint Reason; // SHUTDOWN_* => enum sched_shutdown_reason
}

/// <summary>
/// struct xen_dm_op_relocate_memory, 24 bytes. XEN_DMOP_relocate_memory : Relocate GFNs for the specified guest. Identical to XENMEM_add_to_physmap
/// with space == XENMAPSPACE_gmfn_range.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct DmOperationRelocateMemory
{
    public uint Size; // All fields are IN/OUT, with their OUT state undefined. Number of GFNs to process.
    public uint Pad;
    public ulong SourceGfn; // Starting GFN to relocate.
    public ulong DstGfn; // Starting GFN where GFNs should be relocated.
}

/// <summary>
/// struct xen_dm_op_pin_memory_cacheattr, 24 bytes. XEN_DMOP_pin_memory_cacheattr : Pin caching type of RAM space. Identical to
/// XEN_DOMCTL_pin_mem_cacheattr.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct DmOperationPinMemoryCacheAttribute
{
    public ulong Start; // Start gfn.
    public ulong End; // End gfn.
    public uint Type; // XEN_DMOP_MEM_CACHEATTR_*
    public uint Pad;
}

/// <summary>
/// struct xen_dm_op_set_irq_level, 8 bytes. XEN_DMOP_set_irq_level: Set the logical level of a one of a domain's IRQ lines (currently Arm only). Only
/// SPIs are supported.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct DmOperationSetIrqLevel
{
    public uint Irq; // IN
    public byte Level; // IN: Level: 0 -> deasserted, 1 -> asserted
    public ByteArray3 Pad; // IN
}

/// <summary>struct xen_dm_op_nr_vcpus, 4 bytes. XEN_DMOP_nr_vcpus: Query the number of vCPUs a domain has.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct DmOperationVcpuCount
{
    public uint Vcpus; // OUT
}

/// <summary>struct xen_dm_op, 32 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct DmOperationHeader
{
    /// <summary>Bytes of the whole C structure; a caller supplies this many.</summary>
    public const int TotalSize = 32;

    /// <summary>Offset and size of union u, where the operation's own structure starts.</summary>
    public const int ArgumentOffset = 8, ArgumentSize = 24;

    public DmOperation Operation; // IN
    public uint Pad; // IN
}

/// <summary>struct xen_dm_op_buf, 16 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct DmOperationBuffer
{
    public ulong H; // guest handle of void.
    public ulong Size;
}
