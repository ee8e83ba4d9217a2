// SPDX-License-Identifier: MIT
// System control: commands, header and what the machine is. Contract: xen/include/public/sysctl.h of Xen 4.17 (MIT).
// Used by the hypercall handlers, the guests and the tools; layout checked by tests/Unit/Abi.

using System.Runtime.InteropServices;

namespace XenSharp.Abi;

/// <summary>Commands of HYPERVISOR_sysctl, XEN_SYSCTL_*.</summary>
public enum SysctlCommand : uint
{
    ReadConsole = 1, // XEN_SYSCTL_readconsole
    TraceBufferOperation = 2, // XEN_SYSCTL_tbuf_op
    PhysInfo = 3, // XEN_SYSCTL_physinfo
    SchedulerId = 4, // XEN_SYSCTL_sched_id
    PerformanceCounterOperation = 5, // XEN_SYSCTL_perfc_op
    GetDomainInfoList = 6, // XEN_SYSCTL_getdomaininfolist
    DebugKeys = 7, // XEN_SYSCTL_debug_keys
    GetCpuInfo = 8, // XEN_SYSCTL_getcpuinfo
    AvailHeap = 9, // XEN_SYSCTL_availheap
    GetPmStat = 10, // XEN_SYSCTL_get_pmstat
    CpuHotplug = 11, // XEN_SYSCTL_cpu_hotplug
    PmOperation = 12, // XEN_SYSCTL_pm_op
    PageOfflineOperation = 14, // XEN_SYSCTL_page_offline_op
    LockProfileOperation = 15, // XEN_SYSCTL_lockprof_op
    CpuTopologyInfo = 16, // XEN_SYSCTL_cputopoinfo
    NumaInfo = 17, // XEN_SYSCTL_numainfo
    CpupoolOperation = 18, // XEN_SYSCTL_cpupool_op
    SchedulerOperation = 19, // XEN_SYSCTL_scheduler_op
    CoverageOperation = 20, // XEN_SYSCTL_coverage_op
    PsrCmtOperation = 21, // XEN_SYSCTL_psr_cmt_op
    PciTopologyInfo = 22, // XEN_SYSCTL_pcitopoinfo
    PsrAlloc = 23, // XEN_SYSCTL_psr_alloc
    GetCpuLevellingCapabilities = 25, // XEN_SYSCTL_get_cpu_levelling_caps
    GetCpuFeatureset = 26, // XEN_SYSCTL_get_cpu_featureset
    LivepatchOperation = 27, // XEN_SYSCTL_livepatch_op
    GetCpuPolicy = 29, // XEN_SYSCTL_get_cpu_policy
}

/// <summary>What the machine can do, XEN_SYSCTL_PHYSCAP_*.</summary>
public enum PhysInfoCapabilities : uint
{
    Hvm = 1u << 0, // XEN_SYSCTL_PHYSCAP_hvm
    Pv = 1u << 1, // XEN_SYSCTL_PHYSCAP_pv
    DirectIo = 1u << 2, // XEN_SYSCTL_PHYSCAP_directio
    Hap = 1u << 3, // XEN_SYSCTL_PHYSCAP_hap
    Shadow = 1u << 4, // XEN_SYSCTL_PHYSCAP_shadow
    IommuHapPtShare = 1u << 5, // XEN_SYSCTL_PHYSCAP_iommu_hap_pt_share
    VmTrace = 1u << 6, // XEN_SYSCTL_PHYSCAP_vmtrace
    Vpmu = 1u << 7, // XEN_SYSCTL_PHYSCAP_vpmu: The platform supports vPMU.
    GrantTableV1 = 1u << 8, // XEN_SYSCTL_PHYSCAP_gnttab_v1: Xen supports the Grant v1 and/or v2 ABIs.
    GrantTableV2 = 1u << 9, // XEN_SYSCTL_PHYSCAP_gnttab_v2
    Max = 1u << 9, // XEN_SYSCTL_PHYSCAP_MAX
}

/// <summary>Commands of XEN_SYSCTL_tbuf_op, XEN_SYSCTL_TBUFOP_*.</summary>
public enum TraceBufferOperation : uint
{
    GetInfo = 0, // XEN_SYSCTL_TBUFOP_get_info
    SetCpuMask = 1, // XEN_SYSCTL_TBUFOP_set_cpu_mask
    SetEventMask = 2, // XEN_SYSCTL_TBUFOP_set_evt_mask
    SetSize = 3, // XEN_SYSCTL_TBUFOP_set_size
    Enable = 4, // XEN_SYSCTL_TBUFOP_enable
    Disable = 5, // XEN_SYSCTL_TBUFOP_disable
}

/// <summary>Commands of XEN_SYSCTL_perfc_op.</summary>
public enum PerformanceCounterOperation : uint
{
    Reset = 1, // XEN_SYSCTL_PERFCOP_reset: Reset all counters to zero.
    Query = 2, // XEN_SYSCTL_PERFCOP_query: Get perfctr information.
}

/// <summary>Commands of XEN_SYSCTL_cpu_hotplug.</summary>
public enum CpuHotplugOperation : uint
{
    Online = 0, // XEN_SYSCTL_CPU_HOTPLUG_ONLINE: Single CPU enable/disable.
    Offline = 1, // XEN_SYSCTL_CPU_HOTPLUG_OFFLINE
    SmtEnable = 2, // XEN_SYSCTL_CPU_HOTPLUG_SMT_ENABLE: SMT enable/disable.
    SmtDisable = 3, // XEN_SYSCTL_CPU_HOTPLUG_SMT_DISABLE
}

/// <summary>Commands of XEN_SYSCTL_cpupool_op.</summary>
public enum CpupoolOperation : uint
{
    Create = 1, // XEN_SYSCTL_CPUPOOL_OP_CREATE
    Destroy = 2, // XEN_SYSCTL_CPUPOOL_OP_DESTROY
    Info = 3, // XEN_SYSCTL_CPUPOOL_OP_INFO
    AddCpu = 4, // XEN_SYSCTL_CPUPOOL_OP_ADDCPU
    RemoveCpu = 5, // XEN_SYSCTL_CPUPOOL_OP_RMCPU
    MoveDomain = 6, // XEN_SYSCTL_CPUPOOL_OP_MOVEDOMAIN
    FreeInfo = 7, // XEN_SYSCTL_CPUPOOL_OP_FREEINFO
}

/// <summary>Featuresets of XEN_SYSCTL_get_cpu_featureset.</summary>
public enum CpuFeaturesetIndex : uint
{
    Raw = 0, // XEN_SYSCTL_cpu_featureset_raw
    Host = 1, // XEN_SYSCTL_cpu_featureset_host
    Pv = 2, // XEN_SYSCTL_cpu_featureset_pv
    Hvm = 3, // XEN_SYSCTL_cpu_featureset_hvm
    PvMax = 4, // XEN_SYSCTL_cpu_featureset_pv_max
    HvmMax = 5, // XEN_SYSCTL_cpu_featureset_hvm_max
}

/// <summary>Policies of XEN_SYSCTL_get_cpu_policy.</summary>
public enum CpuPolicyIndex : uint
{
    Raw = 0, // XEN_SYSCTL_cpu_policy_raw
    Host = 1, // XEN_SYSCTL_cpu_policy_host
    PvMax = 2, // XEN_SYSCTL_cpu_policy_pv_max
    HvmMax = 3, // XEN_SYSCTL_cpu_policy_hvm_max
    PvDefault = 4, // XEN_SYSCTL_cpu_policy_pv_default
    HvmDefault = 5, // XEN_SYSCTL_cpu_policy_hvm_default
}

/// <summary>Version of the interface and marks of missing values.</summary>
public static class SysctlConstants
{
    public const uint InterfaceVersion = 0x15; // XEN_SYSCTL_INTERFACE_VERSION
    public const uint InvalidCoreId = 0xFFFFFFFFu; // XEN_INVALID_CORE_ID
    public const uint InvalidSocketId = 0xFFFFFFFFu; // XEN_INVALID_SOCKET_ID
    public const uint InvalidNodeId = 0xFFFFFFFFu; // XEN_INVALID_NODE_ID
    public const uint InvalidMemorySize = 0xFFFFFFFFu; // XEN_INVALID_MEM_SZ
    public const uint InvalidNodeDistance = 0xFFFFFFFFu; // XEN_INVALID_NODE_DIST
    public const uint CpupoolParameterAny = 0xFFFFFFFFu; // XEN_SYSCTL_CPUPOOL_PAR_ANY
    public const uint InvalidDevice = 0xFFFFFFFEu; // XEN_INVALID_DEV
}

/// <summary>struct xen_sysctl_readconsole, 24 bytes. XEN_SYSCTL_readconsole</summary>
[StructLayout(LayoutKind.Sequential)]
public struct SysctlReadConsole
{
    public byte Clear; // IN: Non-zero -> clear after reading.
    public byte Incremental; // IN: Non-zero -> start index specified by index field.
    public byte Pad0;
    public byte Pad1;
    public uint Index; // IN/OUT: where to start (if Incremental); where the next read starts.
    public ulong Buffer; // IN: guest handle of char; receives the log.
    public uint Count; // IN/OUT: size of Buffer; bytes written.
    public uint Padding0;
}

/// <summary>struct xen_sysctl_tbuf_op, 48 bytes. XEN_SYSCTL_tbuf_op</summary>
[StructLayout(LayoutKind.Sequential)]
public struct SysctlTraceBufferOperation
{
    public uint Command; // IN
    public uint Padding0;
    public XenctlBitmap CpuMask; // IN/OUT
    public uint EventMask; // IN/OUT
    public uint Padding1;
    public ulong BufferMfn; // OUT
    public uint Size; // OUT: Also an IN variable!
    public uint Padding2;
}

/// <summary>struct xen_sysctl_physinfo, 112 bytes. XEN_SYSCTL_physinfo: what the machine is.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct SysctlPhysInfo
{
    public uint ThreadsPerCore; // OUT
    public uint CoresPerSocket; // OUT
    public uint CpuCount; // OUT: # CPUs currently online
    public uint MaxCpuId; // OUT: Largest possible CPU ID on this host
    public uint NodeCount; // OUT: # nodes currently online
    public uint MaxNodeId; // OUT: Largest possible node ID on this host
    public uint CpuKhz; // OUT
    public PhysInfoCapabilities Capabilities; // OUT: XEN_SYSCTL_PHYSCAP_???
    public uint ArchCapabilities; // OUT: XEN_SYSCTL_PHYSCAP_{X86,ARM,...}_???
    public uint Pad; // OUT
    public ulong TotalPages; // OUT
    public ulong FreePages; // OUT
    public ulong ScrubPages; // OUT
    public ulong OutstandingPages; // OUT
    public ulong MaxMfn; // OUT: Largest possible MFN on this host
    public UInt32Array8 HwCap; // OUT
}

/// <summary>struct xen_sysctl_sched_id, 4 bytes. XEN_SYSCTL_sched_id</summary>
[StructLayout(LayoutKind.Sequential)]
public struct SysctlSchedulerId
{
    public uint SchedulerId; // OUT
}

/// <summary>struct xen_sysctl_getdomaininfolist, 24 bytes. XEN_SYSCTL_getdomaininfolist</summary>
[StructLayout(LayoutKind.Sequential)]
public struct SysctlGetDomainInfoList
{
    public ushort FirstDomain; // IN
    public ushort Padding0;
    public uint MaxDomains; // IN
    public ulong Buffer; // IN: guest handle of DomctlGetDomainInfo.
    public uint DomainCount; // OUT
    public uint Padding1;
}

/// <summary>struct xen_sysctl_debug_keys, 16 bytes. XEN_SYSCTL_debug_keys</summary>
[StructLayout(LayoutKind.Sequential)]
public struct SysctlDebugKeys
{
    public ulong Keys; // IN: guest handle of char.
    public uint KeyCount; // IN
    public uint Padding0;
}

/// <summary>struct xen_sysctl_cpuinfo, 8 bytes. XEN_SYSCTL_getcpuinfo</summary>
[StructLayout(LayoutKind.Sequential)]
public struct SysctlCpuInfo
{
    public ulong IdleTime; // OUT
}

/// <summary>struct xen_sysctl_getcpuinfo, 24 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct SysctlGetCpuInfo
{
    public uint MaxCpus; // IN
    public uint Padding0;
    public ulong Info; // IN: guest handle of SysctlCpuInfo.
    public uint CpuCount; // OUT
    public uint Padding1;
}

/// <summary>struct xen_sysctl_availheap, 24 bytes. XEN_SYSCTL_availheap</summary>
[StructLayout(LayoutKind.Sequential)]
public struct SysctlAvailHeap
{
    public uint MinBitWidth; // IN: Smallest address width (zero if don't care).
    public uint MaxBitWidth; // IN: Largest address width (zero if don't care).
    public int Node; // IN: NUMA node of interest (-1 for all nodes).
    public uint Padding0;
    public ulong AvailableBytes; // OUT: Bytes available in the specified region.
}

/// <summary>struct xen_sysctl_cpu_hotplug, 8 bytes. XEN_SYSCTL_cpu_hotplug</summary>
[StructLayout(LayoutKind.Sequential)]
public struct SysctlCpuHotplug
{
    public uint Cpu; // IN: Physical cpu.
    public uint Operation; // IN: hotplug opcode
}

/// <summary>struct xen_sysctl_cputopo, 12 bytes. XEN_SYSCTL_cputopoinfo</summary>
[StructLayout(LayoutKind.Sequential)]
public struct SysctlCpuTopology
{
    public uint Core; // OUT
    public uint Socket; // OUT
    public uint Node; // OUT
}

/// <summary>struct xen_sysctl_cputopoinfo, 16 bytes. IN: - a NULL 'cputopo' handle is a request for maximun 'num_cpus'.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct SysctlCpuTopologyInfo
{
    public uint CpuCount;
    public uint Padding0;
    public ulong CpuTopology; // guest handle of SysctlCpuTopology.
}

/// <summary>struct xen_sysctl_meminfo, 16 bytes. XEN_SYSCTL_numainfo</summary>
[StructLayout(LayoutKind.Sequential)]
public struct SysctlMemoryInfo
{
    public ulong MemorySize; // OUT
    public ulong MemoryFree; // OUT
}

/// <summary>
/// struct xen_sysctl_numainfo, 24 bytes. IN: - Both 'meminfo' and 'distance' handles being null is a request for maximum value of 'num_nodes'.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct SysctlNumaInfo
{
    public uint NodeCount;
    public uint Padding0;
    public ulong MemoryInfo; // guest handle of SysctlMemoryInfo.

    // guest handle of uint32. Distance between nodes 'i' and 'j' is stored in index 'i*N + j', where N is the number of nodes that will be returned
    // in 'num_nodes' (i.e. not 'num_nodes' provided by the caller)
    public ulong Distance;
}

/// <summary>struct xen_sysctl_cpupool_op, 40 bytes. XEN_SYSCTL_cpupool_op</summary>
[StructLayout(LayoutKind.Sequential)]
public struct SysctlCpupoolOperation
{
    public CpupoolOperation Operation; // IN
    public uint CpupoolId; // IN/OUT: CDIARM; CI
    public uint SchedulerId; // IN/OUT: C; I
    public uint DomainId; // IN: M
    public uint Cpu; // IN: AR
    public uint DomainCount; // OUT: I
    public XenctlBitmap CpuMap; // OUT: IF
}

/// <summary>struct xen_sysctl_pcitopoinfo, 24 bytes. XEN_SYSCTL_pcitopoinfo</summary>
[StructLayout(LayoutKind.Sequential)]
public struct SysctlPciTopologyInfo
{
    public uint DeviceCount; // IN/OUT: Number of elements in 'devs' and 'nodes' arrays; Number of processed elements of those arrays.
    public uint Padding0;
    public ulong Devices; // IN: guest handle of PhysicalDevicePciDevice. list of devices for which node IDs are requested.

    // OUT: guest handle of uint32. node identifier for each device. If information for a particular device is not available then corresponding entry
    // will be set to XEN_INVALID_NODE_ID. If device is not known to the hypervisor then XEN_INVALID_DEV will be provided.
    public ulong Nodes;
}

/// <summary>
/// struct xen_sysctl_cpu_featureset, 16 bytes. XEN_SYSCTL_get_cpu_featureset (x86 specific); Return information about featuresets available on this
/// host.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct SysctlCpuFeatureset
{
    public uint Index; // IN: Which featureset to query?

    // IN/OUT: Number of entries in/written to 'features', or the maximum number of features if the guest handle is NULL. NB. All featuresets come
    // from the same numberspace, so have the same maximum length.
    public uint FeatureCount;

    public ulong Features; // OUT: guest handle of uint32.
}

/// <summary>
/// struct xen_sysctl_cpu_policy, 32 bytes. XEN_SYSCTL_get_cpu_policy (x86 specific); Return information about CPUID and MSR policies available on
/// this host.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct SysctlCpuPolicy
{
    public uint Index; // IN: Which policy to query?
    public uint LeafCount; // IN/OUT: Number of leaves in/written to 'leaves', or the max number if 'leaves' is NULL.
    public uint MsrCount; // IN/OUT: Number of MSRs in/written to 'msrs', or the max number of if 'msrs' is NULL.
    public uint Reserved; // Must be zero.
    public ulong Leaves; // OUT: guest handle of CpuidLeaf.
    public ulong Msrs; // OUT: guest handle of MsrEntry.
}

/// <summary>
/// struct xen_sysctl, 136 bytes. System control operations; for the toolstack. The argument follows at ArgumentOffset.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct SysctlHeader
{
    /// <summary>Bytes of the whole C structure; a caller supplies this many.</summary>
    public const int TotalSize = 136;

    /// <summary>Offset and size of union u, where the operation's own structure starts.</summary>
    public const int ArgumentOffset = 8, ArgumentSize = 128;

    public SysctlCommand Command; // IN
    public uint InterfaceVersion; // IN: XEN_SYSCTL_INTERFACE_VERSION
}
