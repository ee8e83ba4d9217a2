// SPDX-License-Identifier: MIT
// Alternate views of guest memory: the operations under HVMOP_altp2m. Contract: xen/include/public/hvm/hvm_op.h of Xen
// 4.17 (MIT). Used by the hypercall handlers, the guests and the tools; layout checked by tests/Unit/Abi.

using System.Runtime.InteropServices;

namespace XenSharp.Abi;

/// <summary>Commands of HVMOP_altp2m, HVMOP_altp2m_*.</summary>
public enum HvmAltp2mCommand : uint
{
    GetDomainState = 1, // HVMOP_altp2m_get_domain_state: Get/set the altp2m state for a domain
    SetDomainState = 2, // HVMOP_altp2m_set_domain_state
    VcpuEnableNotify = 3, // HVMOP_altp2m_vcpu_enable_notify: Set a given VCPU to receive altp2m event notifications
    CreateP2m = 4, // HVMOP_altp2m_create_p2m: Create a new view
    DestroyP2m = 5, // HVMOP_altp2m_destroy_p2m: Destroy a view
    SwitchP2m = 6, // HVMOP_altp2m_switch_p2m: Switch view for an entire domain
    SetMemoryAccess = 7, // HVMOP_altp2m_set_mem_access: Notify that a page of memory is to have specific access types
    ChangeGfn = 8, // HVMOP_altp2m_change_gfn: Change a p2m entry to have a different gfn->mfn mapping
    SetMemoryAccessMulti = 9, // HVMOP_altp2m_set_mem_access_multi: Set access for an array of pages
    SetSuppressVe = 10, // HVMOP_altp2m_set_suppress_ve: Set the "Suppress #VE" bit on a page
    GetSuppressVe = 11, // HVMOP_altp2m_get_suppress_ve: Get the "Suppress #VE" bit of a page
    GetMemoryAccess = 12, // HVMOP_altp2m_get_mem_access: Get the access of a page of memory from a certain view
    VcpuDisableNotify = 13, // HVMOP_altp2m_vcpu_disable_notify: Disable altp2m event notifications for a given VCPU
    GetP2mIndex = 14, // HVMOP_altp2m_get_p2m_idx: Get the active vcpu p2m index
    SetSuppressVeMulti = 15, // HVMOP_altp2m_set_suppress_ve_multi: Set the "Supress #VE" bit for a range of pages
    SetVisibility = 16, // HVMOP_altp2m_set_visibility: Set visibility for a given altp2m view
}

/// <summary>Version of the interface.</summary>
public static class HvmAltp2mVersion
{
    public const uint InterfaceVersion = 0x1; // HVMOP_ALTP2M_INTERFACE_VERSION
}

/// <summary>struct xen_hvm_altp2m_suppress_ve, 16 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct HvmAltp2mSuppressVe
{
    public ushort View;
    public byte SuppressVe; // Boolean type.
    public byte Pad1;
    public uint Pad2;
    public ulong Gfn;
}

/// <summary>struct xen_hvm_altp2m_suppress_ve_multi, 32 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct HvmAltp2mSuppressVeMulti
{
    public ushort View;
    public byte SuppressVe; // Boolean type.
    public byte Pad1;
    public int FirstError; // Should be set to 0.
    public ulong FirstGfn; // Value may be updated.
    public ulong LastGfn;
    public ulong FirstErrorGfn; // Gfn of the first error.
}

/// <summary>struct xen_hvm_altp2m_domain_state, 1 bytes. HVMOP_altp2m: perform altp2m state operations</summary>
[StructLayout(LayoutKind.Sequential)]
public struct HvmAltp2mDomainState
{
    public byte State; // IN: or OUT variable on/off
}

/// <summary>struct xen_hvm_altp2m_vcpu_enable_notify, 16 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct HvmAltp2mVcpuEnableNotify
{
    public uint VcpuId;
    public uint Pad;
    public ulong Gfn; // #VE info area gfn
}

/// <summary>struct xen_hvm_altp2m_vcpu_disable_notify, 4 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct HvmAltp2mVcpuDisableNotify
{
    public uint VcpuId;
}

/// <summary>struct xen_hvm_altp2m_view, 4 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct HvmAltp2mView
{
    public ushort View; // IN/OUT
    public ushort HvmmemDefaultAccess; // IN/OUT: xenmem_access_t
}

/// <summary>struct xen_hvm_altp2m_mem_access, 16 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct HvmAltp2mMemoryAccess
{
    public ushort View; // view
    public ushort Access; // Memory type xenmem_access_t
    public uint Pad;
    public ulong Gfn; // gfn
}

/// <summary>struct xen_hvm_altp2m_set_mem_access_multi, 32 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct HvmAltp2mSetMemoryAccessMulti
{
    public ushort View; // view
    public ushort Pad;
    public uint Count; // Number of pages
    public ulong Opaque; // Used for continuation purposes. Must be set to zero upon initial invocation.
    public ulong PfnList; // guest handle of uint64. List of pfns to set access for
    public ulong AccessList; // guest handle of uint8. Corresponding list of access settings for pfn_list
}

/// <summary>struct xen_hvm_altp2m_change_gfn, 24 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct HvmAltp2mChangeGfn
{
    public ushort View; // view
    public ushort Pad1;
    public uint Pad2;
    public ulong OldGfn; // old gfn
    public ulong NewGfn; // new gfn, INVALID_GFN (~0UL) means revert
}

/// <summary>struct xen_hvm_altp2m_get_vcpu_p2m_idx, 8 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct HvmAltp2mGetVcpuP2mIndex
{
    public uint VcpuId;
    public ushort Altp2mIndex;
    public ushort Padding0;
}

/// <summary>struct xen_hvm_altp2m_set_visibility, 4 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct HvmAltp2mSetVisibility
{
    public ushort Altp2mIndex;
    public byte Visible;
    public byte Pad;
}

/// <summary>struct xen_hvm_altp2m_op, 80 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct HvmAltp2mHeader
{
    /// <summary>Bytes of the whole C structure; a caller supplies this many.</summary>
    public const int TotalSize = 80;

    /// <summary>Offset and size of union u, where the operation's own structure starts.</summary>
    public const int ArgumentOffset = 16, ArgumentSize = 64;

    public uint Version; // IN: HVMOP_ALTP2M_INTERFACE_VERSION
    public HvmAltp2mCommand Command; // IN
    public ushort Domain; // IN
    public ushort Pad1; // IN
    public uint Pad2; // IN
}
