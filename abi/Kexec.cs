// SPDX-License-Identifier: MIT
// Loading and starting of a crash kernel. Contract: xen/include/public/kexec.h of Xen 4.17 (MIT). Used by the hypercall
// handlers, the guests and the tools; layout checked by tests/Unit/Abi.

using System.Runtime.InteropServices;

namespace XenSharp.Abi;

/// <summary>Commands of HYPERVISOR_kexec_op, KEXEC_CMD_*.</summary>
public enum KexecOperation : uint
{
    // KEXEC_CMD_kexec: Perform kexec having previously loaded a kexec or kdump kernel as appropriate. type == KEXEC_TYPE_DEFAULT or KEXEC_TYPE_CRASH
    // [in]
    Kexec = 0,

    KexecLoadV1 = 1, // KEXEC_CMD_kexec_load_v1: obsolete since 0x00040400
    KexecUnloadV1 = 2, // KEXEC_CMD_kexec_unload_v1: obsolete since 0x00040400

    // KEXEC_CMD_kexec_get_range: Find the address and size of certain memory areas range == KEXEC_RANGE_... [in] nr == physical CPU number (starting
    // from 0) if KEXEC_RANGE_MA_CPU [in] size == number of bytes reserved in window [out] start == address of the first byte in the window [out]
    KexecGetRange = 3,

    KexecLoad = 4, // KEXEC_CMD_kexec_load
    KexecUnload = 5, // KEXEC_CMD_kexec_unload: Unload a kexec image.

    // KEXEC_CMD_kexec_status: Figure out whether we have an image loaded. A return value of zero indicates no image loaded. A return value of one
    // indicates an image is loaded. A negative return value indicates an error.
    KexecStatus = 6,
}

/// <summary>Ranges of KEXEC_CMD_kexec_get_range.</summary>
public enum KexecRangeId
{
    MaCrash = 0, // KEXEC_RANGE_MA_CRASH: machine address and size of crash area
    MaXen = 1, // KEXEC_RANGE_MA_XEN: machine address and size of Xen itself
    MaCpu = 2, // KEXEC_RANGE_MA_CPU: machine address and size of a CPU note

    // KEXEC_RANGE_MA_XENHEAP: machine address and size of xenheap Note that although this is adjacent to Xen it exists in a separate EFI region on
    // ia64, and thus needs to be inserted into iomem_machine separately
    MaXenheap = 3,

    MaBootParam = 4, // KEXEC_RANGE_MA_BOOT_PARAM: Obsolete: machine address and size of the ia64_boot_param
    MaEfiMemoryMap = 5, // KEXEC_RANGE_MA_EFI_MEMMAP: machine address and size of of the EFI Memory Map
    MaVmCoreInfo = 6, // KEXEC_RANGE_MA_VMCOREINFO: machine address and size of vmcoreinfo
}

/// <summary>Kinds of images, KEXEC_TYPE_*.</summary>
public enum KexecType : uint
{
    Default = 0, // KEXEC_TYPE_DEFAULT
    Crash = 1, // KEXEC_TYPE_CRASH
}

/// <summary>Limits.</summary>
public static class KexecLimits
{
    public const uint NoPages = 17; // KEXEC_XEN_NO_PAGES
}

/// <summary>
/// struct xen_kexec_exec, 4 bytes. Perform kexec having previously loaded a kexec or kdump kernel as appropriate. type == KEXEC_TYPE_DEFAULT or
/// KEXEC_TYPE_CRASH [in]
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct KexecExec
{
    public int Type; // IN
}

/// <summary>
/// struct xen_kexec_range, 24 bytes. Find the address and size of certain memory areas range == KEXEC_RANGE_... [in] nr == physical CPU number
/// (starting from 0) if KEXEC_RANGE_MA_CPU [in] size == number of bytes reserved in window [out] start == address of the first byte in the window
/// [out]
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct KexecRange
{
    public int Range;
    public int Count;
    public ulong Size;
    public ulong Start;
}

/// <summary>struct xen_kexec_segment, 32 bytes. A contiguous chunk of a kexec image and it's destination machine address.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct KexecSegment
{
    public ulong Buffer; // union of h, _pad; guest handle of void.
    public ulong BufferSize;
    public ulong DestinationMaddr;
    public ulong DestinationSize;
}

/// <summary>struct xen_kexec_load, 24 bytes. Load a kexec image into memory.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct KexecLoad
{
    public byte Type; // IN: One of KEXEC_TYPE_*
    public byte Pad; // IN
    public ushort Arch; // IN: ELF machine type (EM_*).
    public uint SegmentCount; // IN
    public ulong Segments; // IN: union of h, _pad; guest handle of KexecSegment.
    public ulong EntryMaddr; // IN: image entry point machine address.
}

/// <summary>struct xen_kexec_unload, 1 bytes. Unload a kexec image.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct KexecUnload
{
    public byte Type; // IN
}

/// <summary>
/// struct xen_kexec_status, 1 bytes. Figure out whether we have an image loaded. A return value of zero indicates no image loaded. A return value of
/// one indicates an image is loaded. A negative return value indicates an error.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct KexecStatus
{
    public byte Type;
}
