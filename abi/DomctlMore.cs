// SPDX-License-Identifier: MIT
// Domain control: devices and CPU policy; numbers of debugging and monitoring. Contract: xen/include/public/domctl.h of
// Xen 4.17 (MIT). Used by the hypercall handlers, the guests and the tools; layout checked by tests/Unit/Abi.

using System.Runtime.InteropServices;

namespace XenSharp.Abi;

/// <summary>Kinds of devices of XEN_DOMCTL_assign_device.</summary>
public enum AssignDeviceKind : uint
{
    Pci = 0, // XEN_DOMCTL_DEV_PCI
    DeviceTree = 1, // XEN_DOMCTL_DEV_DT
}

/// <summary>Cache attributes, XEN_DOMCTL_MEM_CACHEATTR_*.</summary>
public enum MemoryCacheAttribute : uint
{
    Uc = 0, // XEN_DOMCTL_MEM_CACHEATTR_UC: Caching types: these happen to be the same as x86 MTRR/PAT type codes.
    Wc = 1, // XEN_DOMCTL_MEM_CACHEATTR_WC
    Wt = 4, // XEN_DOMCTL_MEM_CACHEATTR_WT
    Wp = 5, // XEN_DOMCTL_MEM_CACHEATTR_WP
    Wb = 6, // XEN_DOMCTL_MEM_CACHEATTR_WB
    Ucm = 7, // XEN_DOMCTL_MEM_CACHEATTR_UCM
}

/// <summary>Commands of XEN_DOMCTL_vm_event_op.</summary>
public enum VmEventOperation : uint
{
    Enable = 0, // XEN_VM_EVENT_ENABLE
    Disable = 1, // XEN_VM_EVENT_DISABLE
    Resume = 2, // XEN_VM_EVENT_RESUME
    GetVersion = 3, // XEN_VM_EVENT_GET_VERSION
}

/// <summary>Rings of XEN_DOMCTL_vm_event_op.</summary>
public enum VmEventMode : uint
{
    // XEN_DOMCTL_VM_EVENT_OP_PAGING: Domain memory paging Page memory in and out. Domctl interface to set up and tear down the pager<->hypervisor
    // interface. Use XENMEM_paging_op* to perform per-page operations.
    Paging = 1,

    Monitor = 2, // XEN_DOMCTL_VM_EVENT_OP_MONITOR: Monitor helper.
    Sharing = 3, // XEN_DOMCTL_VM_EVENT_OP_SHARING: Sharing ENOMEM helper.
}

/// <summary>Commands of XEN_DOMCTL_psr_cmt_op.</summary>
public enum DomctlPsrCmtCommand : uint
{
    Detach = 0, // XEN_DOMCTL_PSR_CMT_OP_DETACH
    Attach = 1, // XEN_DOMCTL_PSR_CMT_OP_ATTACH
    QueryRmid = 2, // XEN_DOMCTL_PSR_CMT_OP_QUERY_RMID
}

/// <summary>Commands of XEN_DOMCTL_psr_alloc.</summary>
public enum DomctlPsrCommand : uint
{
    SetL3Cbm = 0, // XEN_DOMCTL_PSR_SET_L3_CBM
    GetL3Cbm = 1, // XEN_DOMCTL_PSR_GET_L3_CBM
    SetL3Code = 2, // XEN_DOMCTL_PSR_SET_L3_CODE
    SetL3Data = 3, // XEN_DOMCTL_PSR_SET_L3_DATA
    GetL3Code = 4, // XEN_DOMCTL_PSR_GET_L3_CODE
    GetL3Data = 5, // XEN_DOMCTL_PSR_GET_L3_DATA
    SetL2Cbm = 6, // XEN_DOMCTL_PSR_SET_L2_CBM
    GetL2Cbm = 7, // XEN_DOMCTL_PSR_GET_L2_CBM
    SetMbaThrottle = 8, // XEN_DOMCTL_PSR_SET_MBA_THRTL
    GetMbaThrottle = 9, // XEN_DOMCTL_PSR_GET_MBA_THRTL
}

/// <summary>Commands of XEN_DOMCTL_monitor_op.</summary>
public enum MonitorOperation : uint
{
    Enable = 0, // XEN_DOMCTL_MONITOR_OP_ENABLE
    Disable = 1, // XEN_DOMCTL_MONITOR_OP_DISABLE
    GetCapabilities = 2, // XEN_DOMCTL_MONITOR_OP_GET_CAPABILITIES
    EmulateEachRep = 3, // XEN_DOMCTL_MONITOR_OP_EMULATE_EACH_REP

    // XEN_DOMCTL_MONITOR_OP_CONTROL_REGISTERS: Control register feature can result in guest-crashes when the monitor subsystem is being turned off.
    // User has to take special precautions to ensure all vCPUs have resumed before it is safe to turn it off.
    ControlRegisters = 4,
}

/// <summary>Events of XEN_DOMCTL_monitor_op.</summary>
public enum MonitorEvent : uint
{
    WriteControlRegister = 0, // XEN_DOMCTL_MONITOR_EVENT_WRITE_CTRLREG
    MovToMsr = 1, // XEN_DOMCTL_MONITOR_EVENT_MOV_TO_MSR
    SingleStep = 2, // XEN_DOMCTL_MONITOR_EVENT_SINGLESTEP
    SoftwareBreakpoint = 3, // XEN_DOMCTL_MONITOR_EVENT_SOFTWARE_BREAKPOINT
    GuestRequest = 4, // XEN_DOMCTL_MONITOR_EVENT_GUEST_REQUEST
    DebugException = 5, // XEN_DOMCTL_MONITOR_EVENT_DEBUG_EXCEPTION
    Cpuid = 6, // XEN_DOMCTL_MONITOR_EVENT_CPUID
    PrivilegedCall = 7, // XEN_DOMCTL_MONITOR_EVENT_PRIVILEGED_CALL
    Interrupt = 8, // XEN_DOMCTL_MONITOR_EVENT_INTERRUPT
    DescriptorAccess = 9, // XEN_DOMCTL_MONITOR_EVENT_DESC_ACCESS
    EmulateUnimplemented = 10, // XEN_DOMCTL_MONITOR_EVENT_EMUL_UNIMPLEMENTED
    InguestPagefault = 11, // XEN_DOMCTL_MONITOR_EVENT_INGUEST_PAGEFAULT: Enabled by default
    Vmexit = 12, // XEN_DOMCTL_MONITOR_EVENT_VMEXIT
}

/// <summary>Commands of XEN_DOMCTL_vmtrace_op.</summary>
public enum VmTraceOperation : uint
{
    Enable = 1, // XEN_DOMCTL_vmtrace_enable: General enable/disable of tracing.
    Disable = 2, // XEN_DOMCTL_vmtrace_disable
    ResetAndEnable = 3, // XEN_DOMCTL_vmtrace_reset_and_enable
    OutputPosition = 4, // XEN_DOMCTL_vmtrace_output_position: Obtain the current output position within the buffer. Fills value.
    GetOption = 5, // XEN_DOMCTL_vmtrace_get_option: Get/Set platform specific configuration.
    SetOption = 6, // XEN_DOMCTL_vmtrace_set_option
}

/// <summary>Fields of gflags of an MSI binding.</summary>
public enum VmsiX86Flags : uint
{
    DestinationIdMask = 0xFF, // XEN_DOMCTL_VMSI_X86_DEST_ID_MASK
    RedirectionHintMask = 0x100, // XEN_DOMCTL_VMSI_X86_RH_MASK
    DestinationModeMask = 0x200, // XEN_DOMCTL_VMSI_X86_DM_MASK
    DeliveryModeMask = 0x7000, // XEN_DOMCTL_VMSI_X86_DELIV_MASK
    TriggerModeMask = 0x8000, // XEN_DOMCTL_VMSI_X86_TRIG_MASK
    Unmasked = 0x10000, // XEN_DOMCTL_VMSI_X86_UNMASKED
}

/// <summary>enum pt_irq_type: kinds of passed-through interrupts, PT_IRQ_TYPE_*.</summary>
public enum PassThroughIrqType : uint
{
    Pci = 0, // PT_IRQ_TYPE_PCI
    Isa = 1, // PT_IRQ_TYPE_ISA
    Msi = 2, // PT_IRQ_TYPE_MSI
    MsiTranslate = 3, // PT_IRQ_TYPE_MSI_TRANSLATE
    Spi = 4, // PT_IRQ_TYPE_SPI: ARM: valid range 32-1019
}

/// <summary>Further numbers of these operations.</summary>
public static class DomctlDeviceConstants
{
    public const uint DeviceRdmRelaxed = 1; // XEN_DOMCTL_DEV_RDM_RELAXED: assign only
    public const uint DpciAddMapping = 1; // DPCI_ADD_MAPPING
    public const uint DpciRemoveMapping = 0; // DPCI_REMOVE_MAPPING
    public const uint DeleteMemoryCacheAttribute = 0xFFFFFFFFu; // XEN_DOMCTL_DELETE_MEM_CACHEATTR
    public const uint CpuidInputUnused = 0xFFFFFFFFu; // XEN_CPUID_INPUT_UNUSED
    public const uint DebugOperationSingleStepOff = 0; // XEN_DOMCTL_DEBUG_OP_SINGLE_STEP_OFF
    public const uint DebugOperationSingleStepOn = 1; // XEN_DOMCTL_DEBUG_OP_SINGLE_STEP_ON
    public const uint MemorySharingControl = 0; // XEN_DOMCTL_MEM_SHARING_CONTROL
    public const uint VuartOperationInit = 0; // XEN_DOMCTL_VUART_OP_INIT
    public const uint VuartTypeVpl011 = 0; // XEN_DOMCTL_VUART_TYPE_VPL011
}

/// <summary>struct xen_domctl_assign_device, member u.pci, 4 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct DomctlAssignDevicePci
{
    public uint MachineSbdf; // machine PCI ID of assigned device
}

/// <summary>struct xen_domctl_assign_device, member u.dt, 16 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct DomctlAssignDeviceDt
{
    public uint Size; // Length of the path
    public uint Padding0;
    public ulong Path; // guest handle of char. Path to the device tree node
}

/// <summary>
/// struct xen_domctl_assign_device, 24 bytes. XEN_DOMCTL_assign_device, XEN_DOMCTL_test_assign_device and XEN_DOMCTL_deassign_device.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct DomctlAssignDevice
{
    public uint Device; // IN: XEN_DOMCTL_DEV_*
    public uint Flags; // IN
    public UInt64Array2 U; // IN: union: pci (DomctlAssignDevicePci), dt (DomctlAssignDeviceDt).
}

/// <summary>struct xen_domctl_get_device_group, 24 bytes. XEN_DOMCTL_get_device_group</summary>
[StructLayout(LayoutKind.Sequential)]
public struct DomctlGetDeviceGroup
{
    public uint MachineSbdf; // IN
    public uint MaxSiblingDevices; // IN
    public uint SiblingDeviceCount; // OUT
    public uint Padding0;
    public ulong SiblingDeviceArray; // OUT: guest handle of uint32.
}

/// <summary>struct xen_domctl_bind_pt_irq, member u.isa, 1 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct DomctlBindPtIrqIsa
{
    public byte IsaIrq;
}

/// <summary>struct xen_domctl_bind_pt_irq, member u.pci, 3 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct DomctlBindPtIrqPci
{
    public byte Bus;
    public byte Device;
    public byte Intx;
}

/// <summary>struct xen_domctl_bind_pt_irq, member u.msi, 16 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct DomctlBindPtIrqMsi
{
    public byte GuestVector;
    public ByteArray3 Padding0;
    public uint GuestFlags;
    public ulong GTable;
}

/// <summary>struct xen_domctl_bind_pt_irq, member u.spi, 2 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct DomctlBindPtIrqSpi
{
    public ushort Spi;
}

/// <summary>struct xen_domctl_bind_pt_irq, 24 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct DomctlBindPtIrq
{
    public uint MachineIrq;
    public uint IrqType; // enum pt_irq_type
    public UInt64Array2 U; // union: isa (DomctlBindPtIrqIsa), pci (DomctlBindPtIrqPci), msi (DomctlBindPtIrqMsi), spi (DomctlBindPtIrqSpi).
}

/// <summary>
/// struct xen_domctl_memory_mapping, 32 bytes. XEN_DOMCTL_memory_mapping: maps machine I/O pages into a guest. A positive result is the number of
/// frames done; -E2BIG asks for fewer.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct DomctlMemoryMapping
{
    public ulong FirstGfn; // IN: first page (hvm guest phys page) in range
    public ulong FirstMfn; // IN: first page (machine page) in range
    public ulong MfnCount; // IN: number of pages in range (>0)
    public uint AddMapping; // IN: add or remove mapping
    public uint Pad; // IN: padding for 64-bit aligned structure
}

/// <summary>struct xen_domctl_ioport_mapping, 16 bytes. XEN_DOMCTL_ioport_mapping</summary>
[StructLayout(LayoutKind.Sequential)]
public struct DomctlIoPortMapping
{
    public uint FirstGuestPort; // IN: first guest IO port
    public uint FirstMachinePort; // IN: first machine IO port
    public uint PortCount; // IN: size of port range
    public uint AddMapping; // IN: add or remove mapping
}

/// <summary>struct xen_domctl_ext_vcpucontext, 64 bytes. XEN_DOMCTL_get_ext_vcpucontext</summary>
[StructLayout(LayoutKind.Sequential)]
public struct DomctlExtendedVcpuContext
{
    public uint Vcpu; // IN: VCPU that this call applies to.
    public uint Size; // SET: Size of struct (IN) GET: Size of struct (OUT, up to 128 bytes)

    // SYSCALL from 32-bit mode and SYSENTER callback information. NB. SYSCALL from 64-bit mode is contained in vcpu_guest_context_t
    public ulong Syscall32CallbackRip;

    public ulong SysenterCallbackRip;
    public ushort Syscall32CallbackCs;
    public ushort SysenterCallbackCs;
    public byte Syscall32DisablesEvents;
    public byte SysenterDisablesEvents;
    public ushort Padding0;
    public HvmVmceVcpu Vmce;
}

/// <summary>
/// struct xen_domctl_cpu_policy, 40 bytes. XEN_DOMCTL_{get,set}_cpu_policy (x86 specific); Query or set the CPUID and MSR policies for a specific
/// domain.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct DomctlCpuPolicy
{
    public uint LeafCount; // IN/OUT: Number of leaves in/written to 'leaves'
    public uint MsrCount; // IN/OUT: Number of MSRs in/written to 'msrs'
    public ulong Leaves; // IN/OUT: guest handle of CpuidLeaf.
    public ulong Msrs; // IN/OUT: guest handle of MsrEntry.

    // OUT: set_policy only. Written in some (but not all) error cases to identify the CPUID leaf/subleaf and/or MSR which auditing objects to.
    public uint ErrLeaf;

    // OUT: set_policy only. Written in some (but not all) error cases to identify the CPUID leaf/subleaf and/or MSR which auditing objects to.
    public uint ErrSubleaf;

    // OUT: set_policy only. Written in some (but not all) error cases to identify the CPUID leaf/subleaf and/or MSR which auditing objects to.
    public uint ErrMsr;

    public uint Padding0;
}

/// <summary>struct xen_domctl_vcpuextstate, 32 bytes. XEN_DOMCTL_getvcpuextstate</summary>
[StructLayout(LayoutKind.Sequential)]
public struct DomctlVcpuExtendedState
{
    public uint Vcpu; // IN: VCPU that this call applies to.
    public uint Padding0;

    // SET: Ignored. GET: xfeature support mask of struct (IN/OUT) xfeature mask is served as identifications of the saving format so that compatible
    // CPUs can have a check on format to decide whether it can restore.
    public ulong XfeatureMask;

    public ulong Size; // SET: Size of struct (IN) GET: Size of struct (IN/OUT)
    public ulong Buffer; // guest handle of uint64.
}

/// <summary>struct xen_domctl_vcpu_msr, 16 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct DomctlVcpuMsr
{
    public uint Index;
    public uint Reserved;
    public ulong Value;
}

/// <summary>struct xen_domctl_vcpu_msrs, 16 bytes. XEN_DOMCTL_set_vcpu_msrs / XEN_DOMCTL_get_vcpu_msrs.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct DomctlVcpuMsrs
{
    public uint Vcpu; // IN
    public uint MsrCount; // IN/OUT
    public ulong Msrs; // IN/OUT: guest handle of DomctlVcpuMsr.
}

/// <summary>struct xen_domctl_psr_cmt_op, 8 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct DomctlPsrCmtOperation
{
    public uint Command;
    public uint Data;
}

/// <summary>struct xen_domctl_psr_alloc, 16 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct DomctlPsrAlloc
{
    public uint Command; // IN: XEN_DOMCTL_PSR_*
    public uint Target; // IN
    public ulong Data; // IN/OUT
}

/// <summary>struct xen_domctl_vuart_op, 24 bytes. XEN_DOMCTL_vuart_op</summary>
[StructLayout(LayoutKind.Sequential)]
public struct DomctlVuartOperation
{
    public uint Command; // XEN_DOMCTL_VUART_OP_*
    public uint Type; // IN: type of vuart. Currently only vpl011 supported.
    public ulong Gfn; // IN: guest gfn to be used as a ring buffer.
    public ushort ConsoleDomainId; // IN: domid of domain running the backend console.
    public ByteArray2 Pad;
    public uint EventChannel; // OUT: remote port of the event channel used for sending ring buffer events.
}

/// <summary>struct xen_domctl_set_virq_handler, 4 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct DomctlSetVirqHandler
{
    public uint Virq; // IN
}
