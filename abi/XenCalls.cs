// SPDX-License-Identifier: MIT
// Structures of multicall and the memory management hypercalls, and small types that several headers share. Contract:
// xen/include/public/xen.h of Xen 4.17 (MIT). Used by the hypercall handlers, the guests and the tools; layout checked
// by tests/Unit/Abi.

using System.Runtime.InteropServices;

namespace XenSharp.Abi;

/// <summary>struct mmuext_op, 24 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct MmuExtendedArgument
{
    public uint Command; // => enum mmuext_cmd
    public uint Padding0;
    public ulong Argument1; // union of mfn, linear_addr.
    public ulong Argument2; // union: nr_ents (uint), vcpumask (ulong), src_mfn (ulong).
}

/// <summary>struct mmu_update, 16 bytes. Send an array of these to HYPERVISOR_mmu_update().</summary>
[StructLayout(LayoutKind.Sequential)]
public struct MmuUpdate
{
    public ulong Pointer; // IN: Machine address of PTE.
    public ulong Value; // IN: New contents of PTE.
}

/// <summary>struct multicall_entry, 64 bytes. One call of HYPERVISOR_multicall: Result is filled in by the hypervisor.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct MulticallEntry
{
    public ulong Operation; // IN
    public ulong Result; // OUT
    public UInt64Array6 Arguments; // IN
}

/// <summary>xen_uuid_t, 16 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct XenUuid
{
    public ByteArray16 A;
}

/// <summary>struct xenctl_bitmap, 16 bytes. Default definitions for macros used by domctl/sysctl.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct XenctlBitmap
{
    public ulong Bitmap; // guest handle of uint8.
    public uint BitCount;
    public uint Padding0;
}
