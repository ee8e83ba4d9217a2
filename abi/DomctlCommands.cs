// SPDX-License-Identifier: MIT
// Domain control: commands and the structure that carries them. Contract: xen/include/public/domctl.h of Xen 4.17
// (MIT). Used by the hypercall handlers, the guests and the tools; layout checked by tests/Unit/Abi.

using System.Runtime.InteropServices;

namespace XenSharp.Abi;

/// <summary>Commands of HYPERVISOR_domctl, XEN_DOMCTL_*.</summary>
public enum DomctlCommand : uint
{
    CreateDomain = 1, // XEN_DOMCTL_createdomain
    DestroyDomain = 2, // XEN_DOMCTL_destroydomain
    PauseDomain = 3, // XEN_DOMCTL_pausedomain
    UnpauseDomain = 4, // XEN_DOMCTL_unpausedomain
    GetDomainInfo = 5, // XEN_DOMCTL_getdomaininfo
    SetVcpuAffinity = 9, // XEN_DOMCTL_setvcpuaffinity
    ShadowOperation = 10, // XEN_DOMCTL_shadow_op
    MaxMemory = 11, // XEN_DOMCTL_max_mem
    SetVcpuContext = 12, // XEN_DOMCTL_setvcpucontext
    GetVcpuContext = 13, // XEN_DOMCTL_getvcpucontext
    GetVcpuInfo = 14, // XEN_DOMCTL_getvcpuinfo
    MaxVcpus = 15, // XEN_DOMCTL_max_vcpus
    SchedulerOperation = 16, // XEN_DOMCTL_scheduler_op
    SetDomainHandle = 17, // XEN_DOMCTL_setdomainhandle
    SetDebugging = 18, // XEN_DOMCTL_setdebugging
    IrqPermission = 19, // XEN_DOMCTL_irq_permission
    IoMemoryPermission = 20, // XEN_DOMCTL_iomem_permission
    IoPortPermission = 21, // XEN_DOMCTL_ioport_permission
    HypercallInit = 22, // XEN_DOMCTL_hypercall_init
    SetTimeOffset = 24, // XEN_DOMCTL_settimeoffset
    GetVcpuAffinity = 25, // XEN_DOMCTL_getvcpuaffinity
    RealModeArea = 26, // XEN_DOMCTL_real_mode_area: Obsolete PPC only
    ResumeDomain = 27, // XEN_DOMCTL_resumedomain
    SendTrigger = 28, // XEN_DOMCTL_sendtrigger
    Subscribe = 29, // XEN_DOMCTL_subscribe
    GetHvmContext = 33, // XEN_DOMCTL_gethvmcontext
    SetHvmContext = 34, // XEN_DOMCTL_sethvmcontext
    SetAddressSize = 35, // XEN_DOMCTL_set_address_size
    GetAddressSize = 36, // XEN_DOMCTL_get_address_size
    AssignDevice = 37, // XEN_DOMCTL_assign_device
    BindPtIrq = 38, // XEN_DOMCTL_bind_pt_irq
    MemoryMapping = 39, // XEN_DOMCTL_memory_mapping
    IoPortMapping = 40, // XEN_DOMCTL_ioport_mapping
    SetExtendedVcpuContext = 42, // XEN_DOMCTL_set_ext_vcpucontext
    GetExtendedVcpuContext = 43, // XEN_DOMCTL_get_ext_vcpucontext
    SetOptionFeature = 44, // XEN_DOMCTL_set_opt_feature: Obsolete IA64 only
    TestAssignDevice = 45, // XEN_DOMCTL_test_assign_device
    SetTarget = 46, // XEN_DOMCTL_set_target
    DeassignDevice = 47, // XEN_DOMCTL_deassign_device
    UnbindPtIrq = 48, // XEN_DOMCTL_unbind_pt_irq
    GetDeviceGroup = 50, // XEN_DOMCTL_get_device_group
    DebugOperation = 54, // XEN_DOMCTL_debug_op
    GetHvmContextPartial = 55, // XEN_DOMCTL_gethvmcontext_partial
    VmEventOperation = 56, // XEN_DOMCTL_vm_event_op
    MemorySharingOperation = 57, // XEN_DOMCTL_mem_sharing_op
    GetTscInfo = 59, // XEN_DOMCTL_gettscinfo
    SetTscInfo = 60, // XEN_DOMCTL_settscinfo
    GetPageFrameInfo3 = 61, // XEN_DOMCTL_getpageframeinfo3
    SetVcpuExtendedState = 62, // XEN_DOMCTL_setvcpuextstate
    GetVcpuExtendedState = 63, // XEN_DOMCTL_getvcpuextstate
    SetAccessRequired = 64, // XEN_DOMCTL_set_access_required
    AuditP2m = 65, // XEN_DOMCTL_audit_p2m
    SetVirqHandler = 66, // XEN_DOMCTL_set_virq_handler
    SetBrokenPageP2m = 67, // XEN_DOMCTL_set_broken_page_p2m
    SetNodeAffinity = 68, // XEN_DOMCTL_setnodeaffinity
    GetNodeAffinity = 69, // XEN_DOMCTL_getnodeaffinity
    CacheFlush = 71, // XEN_DOMCTL_cacheflush
    GetVcpuMsrs = 72, // XEN_DOMCTL_get_vcpu_msrs
    SetVcpuMsrs = 73, // XEN_DOMCTL_set_vcpu_msrs
    SetVnumaInfo = 74, // XEN_DOMCTL_setvnumainfo
    PsrCmtOperation = 75, // XEN_DOMCTL_psr_cmt_op
    MonitorOperation = 77, // XEN_DOMCTL_monitor_op
    PsrAlloc = 78, // XEN_DOMCTL_psr_alloc
    SoftReset = 79, // XEN_DOMCTL_soft_reset
    VuartOperation = 81, // XEN_DOMCTL_vuart_op
    GetCpuPolicy = 82, // XEN_DOMCTL_get_cpu_policy
    SetCpuPolicy = 83, // XEN_DOMCTL_set_cpu_policy
    VmTraceOperation = 84, // XEN_DOMCTL_vmtrace_op
    GetPagingMempoolSize = 85, // XEN_DOMCTL_get_paging_mempool_size
    SetPagingMempoolSize = 86, // XEN_DOMCTL_set_paging_mempool_size
    GdbsxGuestMemoryIo = 1000, // XEN_DOMCTL_gdbsx_guestmemio
    GdbsxPauseVcpu = 1001, // XEN_DOMCTL_gdbsx_pausevcpu
    GdbsxUnpauseVcpu = 1002, // XEN_DOMCTL_gdbsx_unpausevcpu
    GdbsxDomainStatus = 1003, // XEN_DOMCTL_gdbsx_domstatus
}

/// <summary>Version of the interface.</summary>
public static class DomctlVersion
{
    public const uint InterfaceVersion = 0x15; // XEN_DOMCTL_INTERFACE_VERSION
}

/// <summary>
/// struct xen_domctl, 144 bytes. Domain control operations; for the toolstack. The argument follows at ArgumentOffset.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct DomctlHeader
{
    /// <summary>Bytes of the whole C structure; a caller supplies this many.</summary>
    public const int TotalSize = 144;

    /// <summary>Offset and size of union u, where the operation's own structure starts.</summary>
    public const int ArgumentOffset = 16, ArgumentSize = 128;

    public DomctlCommand Command; // IN
    public uint InterfaceVersion; // IN: XEN_DOMCTL_INTERFACE_VERSION
    public ushort Domain; // IN
    public UInt16Array3 Pad; // IN
}
