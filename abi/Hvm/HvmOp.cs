// SPDX-License-Identifier: MIT
// Operations of HVM and PVH domains on themselves. Contract: xen/include/public/hvm/hvm_op.h of Xen 4.17 (MIT). Used by
// the hypercall handlers, the guests and the tools; layout checked by tests/Unit/Abi.

using System.Runtime.InteropServices;

namespace XenSharp.Abi;

/// <summary>Commands of HYPERVISOR_hvm_op, HVMOP_*.</summary>
public enum HvmOperation : uint
{
    SetParam = 0, // HVMOP_set_param: Get/set subcommands: extra argument == pointer to xen_hvm_param struct.
    GetParam = 1, // HVMOP_get_param
    FlushTlbs = 5, // HVMOP_flush_tlbs: Flushes all VCPU TLBs: arg must be NULL.
    PageTableDying = 9, // HVMOP_pagetable_dying: Hint from PV drivers for pagetable destruction.
    GetTime = 10, // HVMOP_get_time: Get the current Xen time, in nanoseconds since system boot.
    XenTrace = 11, // HVMOP_xentrace
    SetMemoryAccess = 12, // HVMOP_set_mem_access: Deprecated by XENMEM_access_op_set_access
    GetMemoryAccess = 13, // HVMOP_get_mem_access: Deprecated by XENMEM_access_op_get_access
    GetMemoryType = 15, // HVMOP_get_mem_type

    // HVMOP_set_evtchn_upcall_vector: Set a vector that should be used for event channel upcalls on the specified vcpu. If set, this vector will be
    // used in preference to the domain global callback via (see HVM_PARAM_CALLBACK_IRQ).
    SetEventChannelUpcallVector = 23,

    GuestRequestVmEvent = 24, // HVMOP_guest_request_vm_event
    Altp2m = 25, // HVMOP_altp2m: perform altp2m state operations
}

/// <summary>How an I/O request server wants its buffered page, HVM_IOREQSRV_BUFIOREQ_*.</summary>
public enum BufferedIoRequestMode : uint
{
    Off = 0, // HVM_IOREQSRV_BUFIOREQ_OFF
    Legacy = 1, // HVM_IOREQSRV_BUFIOREQ_LEGACY

    // HVM_IOREQSRV_BUFIOREQ_ATOMIC: Use this when read_pointer gets updated atomically and the pointer pair gets read atomically:
    Atomic = 2,
}

/// <summary>hvmmem_type_t: what a guest frame is, HVMMEM_*.</summary>
public enum HvmMemoryType : ushort
{
    RamRw = 0, // HVMMEM_ram_rw: Normal read/write guest RAM
    RamRo = 1, // HVMMEM_ram_ro: Read-only; writes are discarded
    MmioDeviceModel = 2, // HVMMEM_mmio_dm: Reads and write go to the device model
    Unused = 3, // HVMMEM_unused: Placeholder; setting memory to this type will fail for code after 4.7.0

    // HVMMEM_ioreq_server: Memory type claimed by an ioreq server; type changes to this value are only allowed after an ioreq server has claimed its
    // ownership.
    IoRequestServer = 4,
}

/// <summary>struct xen_hvm_param, 16 bytes. Argument of HVMOP_set_param and HVMOP_get_param.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct HvmParamArgument
{
    public ushort DomainId; // IN
    public ushort Pad;
    public HvmParam Index; // IN
    public ulong Value; // IN: for set, OUT for get.
}

/// <summary>struct xen_hvm_pagetable_dying, 16 bytes. Hint from PV drivers for pagetable destruction.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct HvmPageTableDying
{
    public ushort DomainId; // Domain with a pagetable about to be destroyed.
    public UInt16Array3 Pad; // align next field on 8-byte boundary
    public ulong GuestPhysicalAddress; // guest physical address of the toplevel pagetable dying
}

/// <summary>struct xen_hvm_get_time, 8 bytes. Get the current Xen time, in nanoseconds since system boot.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct HvmGetTime
{
    public ulong Now; // OUT
}

/// <summary>struct xen_hvm_xentrace, 32 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct HvmXenTrace
{
    public ushort Event;
    public ushort ExtraBytes;
    public ByteArray28 Extra;
}

/// <summary>struct xen_hvm_get_mem_type, 16 bytes. Return hvmmem_type_t for the specified pfn.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct HvmGetMemoryType
{
    public ushort DomainId; // IN
    public ushort MemoryType; // OUT
    public UInt16Array2 Pad;
    public ulong Pfn; // IN
}

/// <summary>
/// struct xen_hvm_evtchn_upcall_vector, 8 bytes. HVMOP_set_evtchn_upcall_vector: the local APIC vector for event channel upcalls on one vCPU, in
/// preference to HVM_PARAM_CALLBACK_IRQ.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct HvmEventChannelUpcallVector
{
    public uint Vcpu; // IN
    public byte Vector; // IN
    public ByteArray3 Padding0;
}
