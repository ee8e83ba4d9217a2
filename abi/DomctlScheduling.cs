// SPDX-License-Identifier: MIT
// Domain control: affinity and scheduling of vCPUs. Contract: xen/include/public/domctl.h of Xen 4.17 (MIT). Used by
// the hypercall handlers, the guests and the tools; layout checked by tests/Unit/Abi.

using System.Runtime.InteropServices;

namespace XenSharp.Abi;

/// <summary>struct xen_domctl_nodeaffinity, 16 bytes. XEN_DOMCTL_getnodeaffinity</summary>
[StructLayout(LayoutKind.Sequential)]
public struct DomctlNodeAffinity
{
    public XenctlBitmap NodeMap; // IN
}

/// <summary>struct xen_domctl_vcpuaffinity, 40 bytes. XEN_DOMCTL_getvcpuaffinity</summary>
[StructLayout(LayoutKind.Sequential)]
public struct DomctlVcpuAffinity
{
    public uint Vcpu; // IN
    public VcpuAffinityFlags Flags; // IN
    public XenctlBitmap CpuMapHard; // IN/OUT: set: wanted, then effective hard affinity; get: OUT.
    public XenctlBitmap CpuMapSoft; // IN/OUT: set: wanted, then effective soft affinity; get: OUT.
}

/// <summary>struct xen_domctl_sched_credit, 4 bytes. Credit scheduler.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct DomctlSchedulerCredit
{
    public ushort Weight;
    public ushort Cap;
}

/// <summary>struct xen_domctl_sched_credit2, 4 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct DomctlSchedulerCredit2
{
    public ushort Weight;
    public ushort Cap;
}

/// <summary>struct xen_domctl_sched_rtds, 12 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct DomctlSchedulerRtds
{
    public uint Period;
    public uint Budget;
    public uint Flags;
}

/// <summary>struct xen_domctl_schedparam_vcpu, 16 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct DomctlSchedulerParametersVcpu
{
    public UInt32Array3 U; // union: credit (DomctlSchedulerCredit), credit2 (DomctlSchedulerCredit2), rtds (DomctlSchedulerRtds).
    public uint VcpuId;
}

/// <summary>struct xen_domctl_scheduler_op, member u.v, 16 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct DomctlSchedulerVcpus
{
    public ulong Vcpus; // guest handle of DomctlSchedulerParametersVcpu.
    public uint VcpuCount; // IN/OUT: Number of elements in vcpus array; Number of processed elements of vcpus array.
    public uint Pad;
}

/// <summary>
/// struct xen_domctl_scheduler_op, 24 bytes. Set or get info? For schedulers supporting per-vcpu settings (e.g., RTDS): XEN_DOMCTL_SCHEDOP_putinfo
/// sets params for all vcpus; XEN_DOMCTL_SCHEDOP_getinfo gets default params; XEN_DOMCTL_SCHEDOP_put(get)vcpuinfo sets (gets) params of vcpus;
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct DomctlSchedulerOperation
{
    public SchedulerId SchedulerId; // IN: XEN_SCHEDULER_*
    public DomctlSchedulerCommand Command; // IN: XEN_DOMCTL_SCHEDOP_*

    // IN/OUT: union: credit (DomctlSchedulerCredit), credit2 (DomctlSchedulerCredit2), rtds (DomctlSchedulerRtds), v (DomctlSchedulerVcpus).
    public UInt64Array2 U;
}
