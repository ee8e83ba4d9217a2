// SPDX-License-Identifier: MIT
// Paging, access and sharing operations of memory_op; for the toolstack. Contract: xen/include/public/memory.h of Xen
// 4.17 (MIT). Used by the hypercall handlers, the guests and the tools; layout checked by tests/Unit/Abi.

using System.Runtime.InteropServices;

namespace XenSharp.Abi;

/// <summary>Commands of XENMEM_paging_op.</summary>
public enum MemoryPagingOperation : byte
{
    Nominate = 0, // XENMEM_paging_op_nominate
    Evict = 1, // XENMEM_paging_op_evict
    Prepare = 2, // XENMEM_paging_op_prep
}

/// <summary>Commands of XENMEM_access_op.</summary>
public enum MemoryAccessOperation : byte
{
    SetAccess = 0, // XENMEM_access_op_set_access
    GetAccess = 1, // XENMEM_access_op_get_access

    // XENMEM_access_op_set_access_multi: XENMEM_access_op_enable_emulate and XENMEM_access_op_disable_emulate are currently unused, but since they
    // have been in use please do not reuse them.
    SetAccessMulti = 4,
}

/// <summary>Commands of XENMEM_sharing_op.</summary>
public enum MemorySharingOperation : byte
{
    NominateGfn = 0, // XENMEM_sharing_op_nominate_gfn
    NominateGrantRef = 1, // XENMEM_sharing_op_nominate_gref
    Share = 2, // XENMEM_sharing_op_share
    DebugGfn = 3, // XENMEM_sharing_op_debug_gfn
    DebugMfn = 4, // XENMEM_sharing_op_debug_mfn
    DebugGrantRef = 5, // XENMEM_sharing_op_debug_gref
    AddPhysmap = 6, // XENMEM_sharing_op_add_physmap
    Audit = 7, // XENMEM_sharing_op_audit
    RangeShare = 8, // XENMEM_sharing_op_range_share
    Fork = 9, // XENMEM_sharing_op_fork
    ForkReset = 10, // XENMEM_sharing_op_fork_reset
}

/// <summary>Flags of XENMEM_sharing_op_fork, XENMEM_FORK_*.</summary>
public enum MemoryForkFlags : ushort
{
    WithIommuAllowed = 1 << 0, // XENMEM_FORK_WITH_IOMMU_ALLOWED: Only makes sense for short-lived forks
    BlockInterrupts = 1 << 1, // XENMEM_FORK_BLOCK_INTERRUPTS: Only makes sense for short-lived forks
    ResetState = 1 << 2, // XENMEM_FORK_RESET_STATE
    ResetMemory = 1 << 3, // XENMEM_FORK_RESET_MEMORY
}

/// <summary>xenmem_access_t: what a guest may do to a page, XENMEM_access_*.</summary>
public enum MemoryAccess : byte
{
    None = 0, // XENMEM_access_n
    R = 1, // XENMEM_access_r
    W = 2, // XENMEM_access_w
    Rw = 3, // XENMEM_access_rw
    X = 4, // XENMEM_access_x
    Rx = 5, // XENMEM_access_rx
    Wx = 6, // XENMEM_access_wx
    Rwx = 7, // XENMEM_access_rwx
    Rx2rw = 8, // XENMEM_access_rx2rw: Page starts off as r-x, but automatically change to r-w on a write

    // XENMEM_access_n2rwx: Log access: starts off as n, automatically goes to rwx, generating an event without pausing the vcpu
    NoneToRwx = 9,

    Default = 10, // XENMEM_access_default: Take the domain default
}

/// <summary>Marks of the sharing operations.</summary>
public static class MemorySharingConstants
{
    public const int SHandleInvalid = -10; // XENMEM_SHARING_OP_S_HANDLE_INVALID
    public const int CHandleInvalid = -9; // XENMEM_SHARING_OP_C_HANDLE_INVALID

    // XENMEM_SHARING_OP_FIELD_IS_GREF_FLAG: The following allows sharing of grant refs. This is useful for sharing utilities sitting as "filters" in
    // IO backends (e.g. memshr + blktap(2)). The IO backend is only exposed to grant references, and this allows sharing of the grefs
    public const ulong FieldIsGrantRefFlag = 1ul << 62;
}

/// <summary>
/// struct xen_mem_paging_op, 24 bytes. Get the number of MFNs saved through memory sharing. The call never fails.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct MemoryPagingArgument
{
    public byte Operation; // XENMEM_paging_op_*
    public byte Padding0;
    public ushort Domain;
    public uint Padding1;
    public ulong Buffer; // IN: guest handle of uint8. (XENMEM_paging_op_prep) buffer to immediately fill page from
    public ulong Gfn; // IN: gfn of page being operated on
}

/// <summary>struct xen_mem_access_op, 32 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct MemoryAccessArgument
{
    public byte Operation; // XENMEM_access_op_*
    public byte Access; // xenmem_access_t
    public ushort DomainId;

    // Number of pages for set op (or size of pfn_list for XENMEM_access_op_set_access_multi) Ignored on setting default access and other ops
    public uint Count;

    public ulong Pfn; // First pfn for set op pfn for get op ~0ull is used to set and get the default access for pages
    public ulong PfnList; // guest handle of uint64. List of pfns to set access for Used only with XENMEM_access_op_set_access_multi

    // guest handle of uint8. Corresponding list of access settings for pfn_list Used only with XENMEM_access_op_set_access_multi
    public ulong AccessList;
}

/// <summary>struct mem_sharing_op_nominate, 16 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct MemorySharingOperationNominate
{
    public ulong U; // union: gfn (ulong), grant_ref (uint). OP_NOMINATE_xxx
    public ulong Handle; // OUT: the handle
}

/// <summary>struct mem_sharing_op_share, 40 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct MemorySharingOperationShare
{
    public ulong SourceGfn; // OP_SHARE/ADD_PHYSMAP IN: the gfn of the source page
    public ulong SourceHandle; // IN: handle to the source page
    public ulong ClientGfn; // IN: the client gfn
    public ulong ClientHandle; // IN: handle to the client page
    public ushort ClientDomain; // IN: the client domain id
    public UInt16Array3 Padding0;
}

/// <summary>struct mem_sharing_op_range, 32 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct MemorySharingOperationRange
{
    public ulong FirstGfn; // OP_RANGE_SHARE IN: the first gfn
    public ulong LastGfn; // IN: the last gfn
    public ulong Opaque; // Must be set to 0
    public ushort ClientDomain; // IN: the client domain id
    public UInt16Array3 Pad; // Must be set to 0
}

/// <summary>struct mem_sharing_op_debug, 8 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct MemorySharingOperationDebug
{
    public ulong U; // union: gfn (ulong), mfn (ulong), gref (uint). OP_DEBUG_xxx
}

/// <summary>struct mem_sharing_op_fork, 8 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct MemorySharingOperationFork
{
    public ushort ParentDomain; // OP_FORK{,_RESET} IN: parent's domain id
    public ushort Flags; // IN: optional settings
    public uint Pad; // Must be set to 0
}

/// <summary>
/// struct xen_mem_sharing_op, 48 bytes. The following allows sharing of grant refs. This is useful for sharing utilities sitting as "filters" in IO
/// backends (e.g. memshr + blktap(2)). The IO backend is only exposed to grant references, and this allows sharing of the grefs
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct MemorySharingArgument
{
    public byte Operation; // XENMEM_sharing_op_*
    public byte Padding0;
    public ushort Domain;
    public uint Padding1;

    // union: nominate (MemorySharingOperationNominate), share (MemorySharingOperationShare), range (MemorySharingOperationRange), debug
    // (MemorySharingOperationDebug), fork (MemorySharingOperationFork).
    public UInt64Array5 U;
}
