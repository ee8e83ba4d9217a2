// SPDX-License-Identifier: MIT
// Domain control: debugging and monitoring of a domain. Contract: xen/include/public/domctl.h of Xen 4.17 (MIT). Used
// by the hypercall handlers, the guests and the tools; layout checked by tests/Unit/Abi.

using System.Runtime.InteropServices;

namespace XenSharp.Abi;

/// <summary>struct xen_domctl_subscribe, 4 bytes. XEN_DOMCTL_subscribe</summary>
[StructLayout(LayoutKind.Sequential)]
public struct DomctlSubscribe
{
    public uint Port; // IN
}

/// <summary>struct xen_domctl_debug_op, 8 bytes. XEN_DOMCTL_debug_op</summary>
[StructLayout(LayoutKind.Sequential)]
public struct DomctlDebugOperation
{
    public uint Operation; // IN
    public uint Vcpu; // IN
}

/// <summary>struct xen_domctl_gdbsx_memio, 40 bytes. XEN_DOMCTL_gdbsx_guestmemio guest mem io</summary>
[StructLayout(LayoutKind.Sequential)]
public struct DomctlGdbsxMemoryIo
{
    public ulong Pgd3val; // IN: optional: init_mm.pgd[3] value
    public ulong GuestVirtualAddress; // IN: guest virtual address
    public ulong UserVirtualAddress; // IN: user buffer virtual address
    public uint Length; // IN: number of bytes to read/write
    public byte Write; // IN: 0 = read from guest. 1 = write to guest
    public ByteArray3 Padding0;
    public uint Remain; // OUT: bytes remaining to be copied
    public uint Padding1;
}

/// <summary>struct xen_domctl_gdbsx_pauseunp_vcpu, 4 bytes. XEN_DOMCTL_gdbsx_unpausevcpu</summary>
[StructLayout(LayoutKind.Sequential)]
public struct DomctlGdbsxPauseUnpauseVcpu
{
    public uint Vcpu; // pause/unpause a vcpu which vcpu
}

/// <summary>struct xen_domctl_gdbsx_domstatus, 12 bytes. XEN_DOMCTL_gdbsx_domstatus</summary>
[StructLayout(LayoutKind.Sequential)]
public struct DomctlGdbsxDomainStatus
{
    public byte Paused; // OUT: is the domain paused
    public ByteArray3 Padding0;
    public uint VcpuId; // OUT: any vcpu in an event?
    public uint VcpuEvent; // OUT: if yes, what event?
}

/// <summary>struct xen_domctl_vm_event_op, member u.enable, 4 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct DomctlVmEventOperationEnable
{
    public uint Port; // OUT: event channel for ring
}

/// <summary>
/// struct xen_domctl_vm_event_op, 12 bytes. Use for teardown/setup of helper&lt;-&gt;hypervisor interface for paging, access and sharing.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct DomctlVmEventOperation
{
    public uint Operation; // XEN_VM_EVENT_*
    public uint Mode; // XEN_DOMCTL_VM_EVENT_OP_*
    public uint U; // union: enable (DomctlVmEventOperationEnable), version (uint).
}

/// <summary>
/// struct xen_domctl_mem_sharing_op, 2 bytes. XEN_DOMCTL_mem_sharing_op. The CONTROL sub-domctl is used for bringup/teardown.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct DomctlMemorySharingOperation
{
    public byte Operation; // XEN_DOMCTL_MEM_SHARING_*
    public byte Enable;
}

/// <summary>struct xen_domctl_audit_p2m, 24 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct DomctlAuditP2m
{
    public ulong Orphans; // OUT
    public ulong M2pBad; // OUT
    public ulong P2mBad; // OUT
}

/// <summary>
/// struct xen_domctl_set_access_required, 1 bytes. XEN_DOMCTL_set_access_required: sets whether a memory event listener must be present to handle
/// page access events: if false, the page access will revert to full permissions if no one is listening;
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct DomctlSetAccessRequired
{
    public byte AccessRequired; // IN
}

/// <summary>struct xen_domctl_set_broken_page_p2m, 8 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct DomctlSetBrokenPageP2m
{
    public ulong Pfn; // IN
}

/// <summary>struct xen_domctl_monitor_op, member u.mov_to_cr, 16 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct DomctlMonitorOperationMovToCr
{
    public byte Index; // Which control register
    public byte Sync; // Pause vCPU until response
    public byte OnChangeOnly; // Send event only on a change of value
    public byte Pad1; // Allignment padding
    public uint Pad2;
    public ulong Bitmask; // Send event only if the changed bit in the control register is not masked.
}

/// <summary>struct xen_domctl_monitor_op, member u.mov_to_msr, 8 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct DomctlMonitorOperationMovToMsr
{
    public uint Msr;
    public byte OnChangeOnly; // Send event only on a change of value
    public ByteArray3 Padding0;
}

/// <summary>struct xen_domctl_monitor_op, member u.guest_request, 2 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct DomctlMonitorOperationGuestRequest
{
    public byte Sync; // Pause vCPU until response
    public byte AllowUserspace;
}

/// <summary>struct xen_domctl_monitor_op, member u.debug_exception, 1 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct DomctlMonitorOperationDebugException
{
    public byte Sync; // Pause vCPU until response
}

/// <summary>struct xen_domctl_monitor_op, member u.vmexit, 1 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct DomctlMonitorOperationVmexit
{
    public byte Sync; // Send event and don't process vmexit
}

/// <summary>struct xen_domctl_monitor_op, 24 bytes. Enabled by default</summary>
[StructLayout(LayoutKind.Sequential)]
public struct DomctlMonitorOperation
{
    public uint Operation; // XEN_DOMCTL_MONITOR_OP_*

    // When used with ENABLE/DISABLE this has to be set to the requested XEN_DOMCTL_MONITOR_EVENT_* value. With GET_CAPABILITIES this field returns a
    // bitmap of events supported by the platform, in the format (1 << XEN_DOMCTL_MONITOR_EVENT_*).
    public uint Event;

    // union: mov_to_cr (DomctlMonitorOperationMovToCr), mov_to_msr (DomctlMonitorOperationMovToMsr), guest_request
    // (DomctlMonitorOperationGuestRequest), debug_exception (DomctlMonitorOperationDebugException), vmexit (DomctlMonitorOperationVmexit).
    public UInt64Array2 U;
}

/// <summary>struct xen_domctl_vmtrace_op, 24 bytes. XEN_DOMCTL_vmtrace_op: Perform VM tracing operations.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct DomctlVmTraceOperation
{
    public uint Command; // IN
    public uint Vcpu; // IN
    public ulong Key; // IN: cmd specific data.
    public ulong Value; // IN/OUT: cmd specific data.
}
