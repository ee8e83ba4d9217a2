// SPDX-License-Identifier: MIT
// Domain control: life cycle, vCPUs, memory and scheduling of a domain. Contract: xen/include/public/domctl.h of Xen
// 4.17 (MIT). Used by the hypercall handlers, the guests and the tools; layout checked by tests/Unit/Abi.

using System.Runtime.InteropServices;

namespace XenSharp.Abi;

/// <summary>Flags of XEN_DOMCTL_createdomain, XEN_DOMCTL_CDF_*.</summary>
public enum CreateDomainFlags : uint
{
    Hvm = 1u << 0, // XEN_DOMCTL_CDF_hvm
    Hap = 1u << 1, // XEN_DOMCTL_CDF_hap
    S3Integrity = 1u << 2, // XEN_DOMCTL_CDF_s3_integrity
    OosOff = 1u << 3, // XEN_DOMCTL_CDF_oos_off
    XenstoreDomain = 1u << 4, // XEN_DOMCTL_CDF_xs_domain
    Iommu = 1u << 5, // XEN_DOMCTL_CDF_iommu
    NestedVirt = 1u << 6, // XEN_DOMCTL_CDF_nested_virt
    Vpmu = 1u << 7, // XEN_DOMCTL_CDF_vpmu: Should we expose the vPMU to the guest?
    Max = 1u << 7, // XEN_DOMCTL_CDF_MAX
}

/// <summary>IOMMU options of XEN_DOMCTL_createdomain.</summary>
public enum CreateDomainIommuOptions : uint
{
    NoSharePt = 1u << 0, // XEN_DOMCTL_IOMMU_no_sharept
    Max = 1u << 0, // XEN_DOMCTL_IOMMU_MAX
}

/// <summary>State of a domain, XEN_DOMINF_*; the shutdown code is in bits 23:16.</summary>
public enum DomainInfoFlags : uint
{
    Dying = 1u << 0, // XEN_DOMINF_dying
    HvmGuest = 1u << 1, // XEN_DOMINF_hvm_guest
    Shutdown = 1u << 2, // XEN_DOMINF_shutdown
    Paused = 1u << 3, // XEN_DOMINF_paused
    Blocked = 1u << 4, // XEN_DOMINF_blocked
    Running = 1u << 5, // XEN_DOMINF_running
    Debugged = 1u << 6, // XEN_DOMINF_debugged
    XenstoreDomain = 1u << 7, // XEN_DOMINF_xs_domain
    ShutdownMask = 255, // XEN_DOMINF_shutdownmask: XEN_DOMINF_shutdown guest-supplied code.
    Hap = 1u << 8, // XEN_DOMINF_hap
}

/// <summary>Flags of the vCPU affinity operations, XEN_VCPUAFFINITY_*.</summary>
public enum VcpuAffinityFlags : uint
{
    Hard = 1u << 0, // XEN_VCPUAFFINITY_HARD
    Soft = 1u << 1, // XEN_VCPUAFFINITY_SOFT
    Force = 1u << 2, // XEN_VCPUAFFINITY_FORCE
}

/// <summary>Schedulers, XEN_SCHEDULER_*.</summary>
public enum SchedulerId : uint
{
    Credit = 5, // XEN_SCHEDULER_CREDIT
    Credit2 = 6, // XEN_SCHEDULER_CREDIT2
    Arinc653 = 7, // XEN_SCHEDULER_ARINC653
    Rtds = 8, // XEN_SCHEDULER_RTDS
    Null = 9, // XEN_SCHEDULER_NULL
}

/// <summary>Commands of XEN_DOMCTL_scheduler_op.</summary>
public enum DomctlSchedulerCommand : uint
{
    // XEN_DOMCTL_SCHEDOP_putinfo: Set or get info? For schedulers supporting per-vcpu settings (e.g., RTDS): XEN_DOMCTL_SCHEDOP_putinfo sets params
    // for all vcpus; XEN_DOMCTL_SCHEDOP_getinfo gets default params; XEN_DOMCTL_SCHEDOP_put(get)vcpuinfo sets (gets) params of vcpus;
    PutInfo = 0,

    GetInfo = 1, // XEN_DOMCTL_SCHEDOP_getinfo
    PutVcpuInfo = 2, // XEN_DOMCTL_SCHEDOP_putvcpuinfo
    GetVcpuInfo = 3, // XEN_DOMCTL_SCHEDOP_getvcpuinfo
}

/// <summary>Commands of XEN_DOMCTL_shadow_op, XEN_DOMCTL_SHADOW_OP_*.</summary>
public enum ShadowOperation : uint
{
    Off = 0, // XEN_DOMCTL_SHADOW_OP_OFF: Disable shadow mode.
    EnableTest = 1, // XEN_DOMCTL_SHADOW_OP_ENABLE_TEST: Equiv. to ENABLE with no mode flags.
    EnableLogdirty = 2, // XEN_DOMCTL_SHADOW_OP_ENABLE_LOGDIRTY: Equiv. to ENABLE with mode flag ENABLE_LOG_DIRTY.
    Clean = 11, // XEN_DOMCTL_SHADOW_OP_CLEAN: Return the bitmap and clean internal copy for next round.
    Peek = 12, // XEN_DOMCTL_SHADOW_OP_PEEK: Return the bitmap but do not modify internal copy.

    // XEN_DOMCTL_SHADOW_OP_GET_ALLOCATION: Memory allocation accessors. These APIs are broken and will be removed. Use
    // XEN_DOMCTL_{get,set}_paging_mempool_size instead.
    GetAllocation = 30,

    SetAllocation = 31, // XEN_DOMCTL_SHADOW_OP_SET_ALLOCATION
    Enable = 32, // XEN_DOMCTL_SHADOW_OP_ENABLE: Enable shadow mode (mode contains ORed XEN_DOMCTL_SHADOW_ENABLE_* flags).
}

/// <summary>Mode flags of XEN_DOMCTL_shadow_op.</summary>
public enum ShadowFlags : uint
{
    // XEN_DOMCTL_SHADOW_ENABLE_REFCOUNT: Shadow pagetables are refcounted: guest does not use explicit mmu operations nor write-protect its
    // pagetables.
    EnableRefcount = 1u << 1,

    // XEN_DOMCTL_SHADOW_ENABLE_LOG_DIRTY: Log pages in a bitmap as they are dirtied. Used for live relocation to determine which pages must be
    // re-sent.
    EnableLogDirty = 1u << 2,

    EnableTranslate = 1u << 3, // XEN_DOMCTL_SHADOW_ENABLE_TRANSLATE: Automatically translate GPFNs into MFNs.

    // XEN_DOMCTL_SHADOW_ENABLE_EXTERNAL: Xen does not steal virtual address space from the guest. Requires HVM support.
    EnableExternal = 1u << 4,
}

/// <summary>Types of page frames, XEN_DOMCTL_PFINFO_*.</summary>
public enum PageFrameInfo : uint
{
    Notab = 0x0, // XEN_DOMCTL_PFINFO_NOTAB
    L1tab = 1u << 28, // XEN_DOMCTL_PFINFO_L1TAB
    L2tab = 0x20000000, // XEN_DOMCTL_PFINFO_L2TAB
    L3tab = 0x30000000, // XEN_DOMCTL_PFINFO_L3TAB
    L4tab = 0x40000000, // XEN_DOMCTL_PFINFO_L4TAB
    LtabtypeMask = 0x70000000, // XEN_DOMCTL_PFINFO_LTABTYPE_MASK
    Lpintab = 1u << 31, // XEN_DOMCTL_PFINFO_LPINTAB
    Xtab = 0xF0000000, // XEN_DOMCTL_PFINFO_XTAB: invalid page
    Xalloc = 0xE0000000, // XEN_DOMCTL_PFINFO_XALLOC: allocate-only page
    Broken = 0xD0000000, // XEN_DOMCTL_PFINFO_BROKEN: broken page
    LtabMask = 0xF0000000, // XEN_DOMCTL_PFINFO_LTAB_MASK
}

/// <summary>Triggers of XEN_DOMCTL_sendtrigger.</summary>
public enum SendTrigger : uint
{
    Nmi = 0, // XEN_DOMCTL_SENDTRIGGER_NMI
    Reset = 1, // XEN_DOMCTL_SENDTRIGGER_RESET
    Init = 2, // XEN_DOMCTL_SENDTRIGGER_INIT
    Power = 3, // XEN_DOMCTL_SENDTRIGGER_POWER
    Sleep = 4, // XEN_DOMCTL_SENDTRIGGER_SLEEP
}

/// <summary>Further numbers of the domain control operations.</summary>
public static class DomctlLimits
{
    public const uint GrantVersionMask = 0xF; // XEN_DOMCTL_GRANT_version_mask: Grant version, use low 4 bits.
    public const uint ShutdownShift = 16; // XEN_DOMINF_shutdownshift
    public const uint InvalidMaxVcpuId = 0xFFFFFFFFu; // XEN_INVALID_MAX_VCPU_ID: Domain has no vcpus?
    public const uint PfinfoLtabShift = 28; // XEN_DOMCTL_PFINFO_LTAB_SHIFT

    // XEN_DOMCTL_SHADOW_LOGDIRTY_FINAL: This is the final iteration: Requesting to include pages mapped writably by the hypervisor in the dirty
    // bitmap.
    public const uint ShadowLogdirtyFinal = 1u << 0;

    public const uint SchedrtExtra = 1u << 0; // XEN_DOMCTL_SCHEDRT_extra
}

/// <summary>struct xen_domctl_createdomain, 64 bytes. XEN_DOMCTL_createdomain</summary>
[StructLayout(LayoutKind.Sequential)]
public struct DomctlCreateDomain
{
    public uint SsidRef; // IN
    public DomainHandle Handle; // IN
    public CreateDomainFlags Flags; // IN
    public uint IommuOptions; // IN

    // IN: Various domain limits, which impact the quantity of resources (global mapping space, xenheap, etc) a guest may consume. For
    // max_grant_frames and max_maptrack_frames, < 0 means "use the default maximum value in the hypervisor".
    public uint MaxVcpus;

    public uint MaxEventChannelPort; // IN
    public int MaxGrantFrames; // IN
    public int MaxMaptrackFrames; // IN
    public uint GrantOptions; // IN
    public uint VmTraceSize; // IN: Per-vCPU buffer size in bytes. 0 to disable.
    public uint CpupoolId; // IN: CPU pool to use; specify 0 or a specific existing pool
    public ArchDomainConfig Arch; // IN
}

/// <summary>struct xen_domctl_getdomaininfo, 112 bytes. XEN_DOMCTL_getdomaininfo</summary>
[StructLayout(LayoutKind.Sequential)]
public struct DomctlGetDomainInfo
{
    public ushort Domain; // OUT: Also echoed in domctl.domain
    public ushort Pad1; // OUT
    public DomainInfoFlags Flags; // OUT: XEN_DOMINF_*
    public ulong TotalPages; // OUT
    public ulong MaxPages; // OUT
    public ulong OutstandingPages; // OUT
    public ulong SharedPages; // OUT
    public ulong PagedPages; // OUT
    public ulong SharedInfoFrame; // OUT: GMFN of shared_info struct
    public ulong CpuTime; // OUT
    public uint OnlineVcpuCount; // OUT: Number of VCPUs currently online.
    public uint MaxVcpuId; // OUT: Maximum VCPUID in use by this domain.
    public uint SsidRef; // OUT
    public DomainHandle Handle; // OUT
    public uint Cpupool; // OUT
    public byte GpAddressBits; // OUT: Guest physical address space size.
    public ByteArray7 Pad2; // OUT
    public ArchDomainConfig ArchConfig; // OUT
}

/// <summary>
/// struct xen_domctl_getpageframeinfo3, 16 bytes. Both value `num' and `array' may get modified by the hypercall to allow preemption.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct DomctlGetPageFrameInfo3
{
    public ulong Count; // IN
    public ulong Array; // IN/OUT: guest handle of xen_pfn_t.
}

/// <summary>struct xen_domctl_shadow_op_stats, 8 bytes. Counts of a log-dirty round.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct DomctlShadowOperationStats
{
    public uint FaultCount;
    public uint DirtyCount;
}

/// <summary>struct xen_domctl_shadow_op, 40 bytes. XEN_DOMCTL_shadow_op: paging assistance and log-dirty mode.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct DomctlShadowOperation
{
    public ShadowOperation Operation; // IN: XEN_DOMCTL_SHADOW_OP_*
    public uint Mode; // IN: OP_ENABLE: XEN_DOMCTL_SHADOW_ENABLE_* OP_PEAK / OP_CLEAN: XEN_DOMCTL_SHADOW_LOGDIRTY_*
    public uint Mb; // IN/OUT: allocation in MiB, OP_GET_ALLOCATION and OP_SET_ALLOCATION.
    public uint Padding0;
    public ulong DirtyBitmap; // IN: guest handle of uint8. OP_PEEK / OP_CLEAN
    public ulong Pages; // IN/OUT: size of DirtyBitmap in pages; what was filled.
    public DomctlShadowOperationStats Stats; // OUT
}

/// <summary>struct xen_domctl_max_mem, 8 bytes. XEN_DOMCTL_max_mem</summary>
[StructLayout(LayoutKind.Sequential)]
public struct DomctlMaxMemory
{
    public ulong MaxMemoryKb; // IN
}

/// <summary>struct xen_domctl_vcpucontext, 16 bytes. XEN_DOMCTL_getvcpucontext</summary>
[StructLayout(LayoutKind.Sequential)]
public struct DomctlVcpuContext
{
    public uint Vcpu; // IN
    public uint Padding0;
    public ulong Context; // IN/OUT: guest handle of VcpuGuestContext.
}

/// <summary>struct xen_domctl_getvcpuinfo, 24 bytes. XEN_DOMCTL_getvcpuinfo</summary>
[StructLayout(LayoutKind.Sequential)]
public struct DomctlGetVcpuInfo
{
    public uint Vcpu; // IN
    public byte Online; // OUT: currently online (not hotplugged)?
    public byte Blocked; // OUT: blocked waiting for an event?
    public byte Running; // OUT: currently scheduled on its CPU?
    public byte Padding0;
    public ulong CpuTime; // OUT: total cpu time consumed (ns)
    public uint Cpu; // OUT: current mapping
    public uint Padding1;
}

/// <summary>
/// struct xen_domctl_max_vcpus, 4 bytes. XEN_DOMCTL_max_vcpus: The parameter passed to XEN_DOMCTL_max_vcpus must match the value passed to
/// XEN_DOMCTL_createdomain.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct DomctlMaxVcpus
{
    public uint Max; // IN: maximum number of vcpus
}

/// <summary>struct xen_domctl_setdomainhandle, 16 bytes. XEN_DOMCTL_setdomainhandle</summary>
[StructLayout(LayoutKind.Sequential)]
public struct DomctlSetDomainHandle
{
    public DomainHandle Handle; // IN
}

/// <summary>struct xen_domctl_setdebugging, 1 bytes. XEN_DOMCTL_setdebugging</summary>
[StructLayout(LayoutKind.Sequential)]
public struct DomctlSetDebugging
{
    public byte Enable; // IN
}

/// <summary>struct xen_domctl_irq_permission, 8 bytes. XEN_DOMCTL_irq_permission</summary>
[StructLayout(LayoutKind.Sequential)]
public struct DomctlIrqPermission
{
    public uint Pirq; // IN
    public byte AllowAccess; // IN: flag to specify enable/disable of IRQ access
    public ByteArray3 Pad; // IN
}

/// <summary>struct xen_domctl_iomem_permission, 24 bytes. XEN_DOMCTL_iomem_permission</summary>
[StructLayout(LayoutKind.Sequential)]
public struct DomctlIoMemoryPermission
{
    public ulong FirstMfn; // IN: first page (physical page number) in range
    public ulong MfnCount; // IN: number of pages in range (>0)
    public byte AllowAccess; // IN: allow (!0) or deny (0) access to range?
    public ByteArray7 Padding0;
}

/// <summary>struct xen_domctl_ioport_permission, 12 bytes. XEN_DOMCTL_ioport_permission</summary>
[StructLayout(LayoutKind.Sequential)]
public struct DomctlIoPortPermission
{
    public uint FirstPort; // IN: first port int range
    public uint PortCount; // IN: size of port range
    public byte AllowAccess; // IN: allow or deny access to range?
    public ByteArray3 Padding0;
}

/// <summary>struct xen_domctl_hypercall_init, 8 bytes. XEN_DOMCTL_hypercall_init</summary>
[StructLayout(LayoutKind.Sequential)]
public struct DomctlHypercallInit
{
    public ulong Gmfn; // GMFN to be initialised
}

/// <summary>struct xen_domctl_settimeoffset, 8 bytes. XEN_DOMCTL_settimeoffset</summary>
[StructLayout(LayoutKind.Sequential)]
public struct DomctlSetTimeOffset
{
    public long TimeOffsetSeconds; // IN: applied to domain wallclock time
}

/// <summary>struct xen_domctl_hvmcontext, 16 bytes. XEN_DOMCTL_sethvmcontext</summary>
[StructLayout(LayoutKind.Sequential)]
public struct DomctlHvmContext
{
    public uint Size; // IN/OUT: size of buffer / bytes filled
    public uint Padding0;
    public ulong Buffer; // IN/OUT: guest handle of uint8. data, or call gethvmcontext with NULL buffer to get size req'd
}

/// <summary>struct xen_domctl_address_size, 4 bytes. XEN_DOMCTL_get_address_size</summary>
[StructLayout(LayoutKind.Sequential)]
public struct DomctlAddressSize
{
    public uint Size;
}

/// <summary>struct xen_domctl_sendtrigger, 8 bytes. XEN_DOMCTL_sendtrigger</summary>
[StructLayout(LayoutKind.Sequential)]
public struct DomctlSendTrigger
{
    public SendTrigger Trigger; // IN
    public uint Vcpu; // IN
}

/// <summary>struct xen_domctl_set_target, 2 bytes. XEN_DOMCTL_set_target</summary>
[StructLayout(LayoutKind.Sequential)]
public struct DomctlSetTarget
{
    public ushort Target; // IN
}

/// <summary>struct xen_domctl_hvmcontext_partial, 24 bytes. XEN_DOMCTL_gethvmcontext_partial</summary>
[StructLayout(LayoutKind.Sequential)]
public struct DomctlHvmContextPartial
{
    public uint Type; // IN: Type of record required
    public uint Instance; // IN: Instance of that type
    public ulong BufferSize; // IN: size of buffer
    public ulong Buffer; // OUT: guest handle of uint8. buffer to write record into
}

/// <summary>struct xen_domctl_tsc_info, 24 bytes. XEN_DOMCTL_settscinfo</summary>
[StructLayout(LayoutKind.Sequential)]
public struct DomctlTscInfo
{
    public uint TscMode; // IN/OUT
    public uint GuestTscKhz; // IN/OUT
    public uint Incarnation; // IN/OUT
    public uint Pad; // IN/OUT
    public ulong ElapsedNsec; // IN/OUT
}
