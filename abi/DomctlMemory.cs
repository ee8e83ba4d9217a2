// SPDX-License-Identifier: MIT
// Domain control: caches, pools and NUMA nodes of a domain's memory. Contract: xen/include/public/domctl.h of Xen
// 4.17 (MIT). Used by the hypercall handlers, the guests and the tools; layout checked by tests/Unit/Abi.

using System.Runtime.InteropServices;

namespace XenSharp.Abi;

/// <summary>
/// struct xen_domctl_cacheflush, 16 bytes. ARM: Clean and invalidate caches associated with given region of guest memory.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct DomctlCacheFlush
{
    public ulong StartPfn; // IN: page range to flush.
    public ulong PfnCount; // IN: page range to flush.
}

/// <summary>
/// struct xen_domctl_paging_mempool, 8 bytes. XEN_DOMCTL_get_paging_mempool_size / XEN_DOMCTL_set_paging_mempool_size.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct DomctlPagingMempool
{
    public ulong Size; // Size in bytes.
}

/// <summary>struct xen_domctl_vnuma, 48 bytes. XEN_DOMCTL_setvnumainfo: specifies a virtual NUMA topology for the guest</summary>
[StructLayout(LayoutKind.Sequential)]
public struct DomctlVnuma
{
    public uint VNodeCount; // IN: number of vNUMA nodes to setup. Shall be greater than 0
    public uint VmemRangeCount; // IN: number of memory ranges to setup

    // IN: number of vCPUs of the domain (used as size of the vcpu_to_vnode array declared below). Shall be equal to the domain's max_vcpus.
    public uint VcpuCount;

    public uint Pad; // must be zero

    // IN: guest handle of uint. array for specifying the distances of the vNUMA nodes between each others. Shall have nr_vnodes*nr_vnodes elements.
    public ulong VDistance;

    // IN: guest handle of uint. array for specifying to what vNUMA node each vCPU belongs. Shall have nr_vcpus elements.
    public ulong VcpuToVNode;

    // IN: guest handle of uint. array for specifying on what physical NUMA node each vNUMA node is placed. Shall have nr_vnodes elements.
    public ulong VNodeToPNode;

    public ulong VmemRange; // IN: guest handle of VmemRange. array for specifying the memory ranges. Shall have nr_vmemranges elements.
}
