// SPDX-License-Identifier: MIT
// Hypercall numbers, virtual interrupts, domain ids and the flags of the basic hypercalls. Contract:
// xen/include/public/xen.h of Xen 4.17 (MIT). Used by the hypercall handlers, the guests and the tools; layout checked
// by tests/Unit/Abi.

namespace XenSharp.Abi;

/// <summary>Hypercall numbers, __HYPERVISOR_*.</summary>
public enum HypercallNumber : uint
{
    SetTrapTable = 0, // __HYPERVISOR_set_trap_table
    MmuUpdate = 1, // __HYPERVISOR_mmu_update
    SetGdt = 2, // __HYPERVISOR_set_gdt
    StackSwitch = 3, // __HYPERVISOR_stack_switch
    SetCallbacks = 4, // __HYPERVISOR_set_callbacks
    FpuTaskSwitch = 5, // __HYPERVISOR_fpu_taskswitch
    SchedulerOperationCompat = 6, // __HYPERVISOR_sched_op_compat: compat since 0x00030101
    PlatformOperation = 7, // __HYPERVISOR_platform_op
    SetDebugRegister = 8, // __HYPERVISOR_set_debugreg
    GetDebugRegister = 9, // __HYPERVISOR_get_debugreg
    UpdateDescriptor = 10, // __HYPERVISOR_update_descriptor
    MemoryOperation = 12, // __HYPERVISOR_memory_op
    Multicall = 13, // __HYPERVISOR_multicall
    UpdateVaMapping = 14, // __HYPERVISOR_update_va_mapping
    SetTimerOperation = 15, // __HYPERVISOR_set_timer_op
    EventChannelOperationCompat = 16, // __HYPERVISOR_event_channel_op_compat: compat since 0x00030202
    XenVersion = 17, // __HYPERVISOR_xen_version
    ConsoleIo = 18, // __HYPERVISOR_console_io
    PhysicalDeviceOperationCompat = 19, // __HYPERVISOR_physdev_op_compat: compat since 0x00030202
    GrantTableOperation = 20, // __HYPERVISOR_grant_table_op
    VmAssist = 21, // __HYPERVISOR_vm_assist
    UpdateVaMappingOtherDomain = 22, // __HYPERVISOR_update_va_mapping_otherdomain
    Iret = 23, // __HYPERVISOR_iret: x86 only
    VcpuOperation = 24, // __HYPERVISOR_vcpu_op
    SetSegmentBase = 25, // __HYPERVISOR_set_segment_base: x86/64 only
    MmuExtendedOperation = 26, // __HYPERVISOR_mmuext_op
    XsmOperation = 27, // __HYPERVISOR_xsm_op
    NmiOperation = 28, // __HYPERVISOR_nmi_op
    SchedulerOperation = 29, // __HYPERVISOR_sched_op
    CallbackOperation = 30, // __HYPERVISOR_callback_op
    XenoprofOperation = 31, // __HYPERVISOR_xenoprof_op
    EventChannelOperation = 32, // __HYPERVISOR_event_channel_op
    PhysicalDeviceOperation = 33, // __HYPERVISOR_physdev_op
    HvmOperation = 34, // __HYPERVISOR_hvm_op
    Sysctl = 35, // __HYPERVISOR_sysctl
    Domctl = 36, // __HYPERVISOR_domctl
    KexecOperation = 37, // __HYPERVISOR_kexec_op
    TmemOperation = 38, // __HYPERVISOR_tmem_op
    ArgoOperation = 39, // __HYPERVISOR_argo_op
    XenpmuOperation = 40, // __HYPERVISOR_xenpmu_op
    DmOperation = 41, // __HYPERVISOR_dm_op
    HypFsOperation = 42, // __HYPERVISOR_hypfs_op
    Arch0 = 48, // __HYPERVISOR_arch_0
    Arch1 = 49, // __HYPERVISOR_arch_1
    Arch2 = 50, // __HYPERVISOR_arch_2
    Arch3 = 51, // __HYPERVISOR_arch_3
    Arch4 = 52, // __HYPERVISOR_arch_4
    Arch5 = 53, // __HYPERVISOR_arch_5
    Arch6 = 54, // __HYPERVISOR_arch_6
    Arch7 = 55, // __HYPERVISOR_arch_7
}

/// <summary>Virtual interrupts, VIRQ_*. V: one per vCPU; G: one per domain, initially on vCPU 0.</summary>
public enum VirtualIrq : uint
{
    Timer = 0, // VIRQ_TIMER: V. Timebase update, and/or requested timeout.
    Debug = 1, // VIRQ_DEBUG: V. Request guest to dump debug info.
    Console = 2, // VIRQ_CONSOLE: G. (DOM0) Bytes received on emergency console.
    DomainException = 3, // VIRQ_DOM_EXC: G. (DOM0) Exceptional event for some domain.
    TraceBuffer = 4, // VIRQ_TBUF: G. (DOM0) Trace buffer has records available.
    Debugger = 6, // VIRQ_DEBUGGER: G. (DOM0) A domain has paused for debugging.
    Xenoprof = 7, // VIRQ_XENOPROF: V. XenOprofile interrupt: new sample available
    ConsoleRing = 8, // VIRQ_CON_RING: G. (DOM0) Bytes received on console
    PcpuState = 9, // VIRQ_PCPU_STATE: G. (DOM0) PCPU state changed
    MemoryEvent = 10, // VIRQ_MEM_EVENT: G. (DOM0) A memory event has occurred
    Argo = 11, // VIRQ_ARGO: G. Argo interdomain message notification
    NoMemory = 12, // VIRQ_ENOMEM: G. (DOM0) Low on heap memory
    Xenpmu = 13, // VIRQ_XENPMU: V. PMC interrupt
    Arch0 = 16, // VIRQ_ARCH_0
    Arch1 = 17, // VIRQ_ARCH_1
    Arch2 = 18, // VIRQ_ARCH_2
    Arch3 = 19, // VIRQ_ARCH_3
    Arch4 = 20, // VIRQ_ARCH_4
    Arch5 = 21, // VIRQ_ARCH_5
    Arch6 = 22, // VIRQ_ARCH_6
    Arch7 = 23, // VIRQ_ARCH_7
}

/// <summary>Sub-command in bits 1:0 of mmu_update.ptr, MMU_*.</summary>
public enum MmuUpdateCommand : uint
{
    NormalPtUpdate = 0, // MMU_NORMAL_PT_UPDATE
    MachPhysUpdate = 1, // MMU_MACHPHYS_UPDATE: ptr = MA of frame to modify entry for
    PtUpdatePreserveAd = 2, // MMU_PT_UPDATE_PRESERVE_AD: atomically: *ptr = val | (*ptr&(A|D))
    PtUpdateNoTranslate = 3, // MMU_PT_UPDATE_NO_TRANSLATE: checked '*ptr = val'. ptr is MA. val never translated.
}

/// <summary>Commands of HYPERVISOR_mmuext_op, MMUEXT_*.</summary>
public enum MmuExtendedOperation : uint
{
    PinL1Table = 0, // MMUEXT_PIN_L1_TABLE
    PinL2Table = 1, // MMUEXT_PIN_L2_TABLE
    PinL3Table = 2, // MMUEXT_PIN_L3_TABLE
    PinL4Table = 3, // MMUEXT_PIN_L4_TABLE
    UnpinTable = 4, // MMUEXT_UNPIN_TABLE
    NewBasePointer = 5, // MMUEXT_NEW_BASEPTR
    TlbFlushLocal = 6, // MMUEXT_TLB_FLUSH_LOCAL
    InvlpgLocal = 7, // MMUEXT_INVLPG_LOCAL
    TlbFlushMulti = 8, // MMUEXT_TLB_FLUSH_MULTI
    InvlpgMulti = 9, // MMUEXT_INVLPG_MULTI
    TlbFlushAll = 10, // MMUEXT_TLB_FLUSH_ALL
    InvlpgAll = 11, // MMUEXT_INVLPG_ALL
    FlushCache = 12, // MMUEXT_FLUSH_CACHE
    SetLdt = 13, // MMUEXT_SET_LDT
    NewUserBasePointer = 15, // MMUEXT_NEW_USER_BASEPTR
    ClearPage = 16, // MMUEXT_CLEAR_PAGE
    CopyPage = 17, // MMUEXT_COPY_PAGE
    FlushCacheGlobal = 18, // MMUEXT_FLUSH_CACHE_GLOBAL
    MarkSuper = 19, // MMUEXT_MARK_SUPER
    UnmarkSuper = 20, // MMUEXT_UNMARK_SUPER
}

/// <summary>Flags of HYPERVISOR_update_va_mapping, UVMF_*.</summary>
public enum UpdateVirtualMappingFlags : ulong
{
    None = 0, // UVMF_NONE: No flushing at all.
    TlbFlush = 1ul << 0, // UVMF_TLB_FLUSH: Flush entire TLB(s).
    Invlpg = 2, // UVMF_INVLPG: Flush only one entry.
    FlushTypeMask = 3, // UVMF_FLUSHTYPE_MASK
    Multi = 0, // UVMF_MULTI: Flush subset of TLBs.
    Local = 0, // UVMF_LOCAL: Flush local TLB.
    All = 1ul << 2, // UVMF_ALL: Flush all TLBs.
}

/// <summary>Commands of HYPERVISOR_console_io(cmd, count, buffer), CONSOLEIO_*.</summary>
public enum ConsoleIoOperation : uint
{
    Write = 0, // CONSOLEIO_write
    Read = 1, // CONSOLEIO_read
}

/// <summary>Commands of HYPERVISOR_vm_assist(cmd, type), VMASST_CMD_*.</summary>
public enum VmAssistCommand : uint
{
    Enable = 0, // VMASST_CMD_enable
    Disable = 1, // VMASST_CMD_disable
}

/// <summary>Bit numbers of the assists of HYPERVISOR_vm_assist, VMASST_TYPE_*.</summary>
public enum VmAssistType : uint
{
    FourGbSegments = 0, // VMASST_TYPE_4gb_segments: x86/32 guests: simulate full 4GB segment limits.
    FourGbSegmentsNotify = 1, // VMASST_TYPE_4gb_segments_notify: x86/32 guests: trap (vector 15) whenever above vmassist is used.
    WritablePageTables = 2, // VMASST_TYPE_writable_pagetables: x86 guests: support writes to bottom-level PTEs.
    PaeExtendedCr3 = 3, // VMASST_TYPE_pae_extended_cr3: x86/PAE guests: support PDPTs above 4GB.

    // VMASST_TYPE_architectural_iopl: x86 guests: Sane behaviour for virtual iopl; - virtual iopl updated from do_iret() hypercalls.
    ArchitecturalIopl = 4,

    // VMASST_TYPE_runstate_update_flag: All guests: activate update indicator in vcpu_runstate_info Enable setting the XEN_RUNSTATE_UPDATE flag in
    // guest memory mapped vcpu_runstate_info during updates of the runstate information.
    RunstateUpdateFlag = 5,

    M2pStrict = 32, // VMASST_TYPE_m2p_strict: x86/64 guests: strictly hide M2P from user mode.
}

/// <summary>Flags of start_info and hvm_start_info, SIF_*.</summary>
public enum StartInfoFlags : uint
{
    Privileged = 1u << 0, // SIF_PRIVILEGED
    InitialDomain = 1u << 1, // SIF_INITDOMAIN: Is this the initial control domain?
    MultibootModule = 1u << 2, // SIF_MULTIBOOT_MOD: Is mod_start a multiboot module?
    ModuleStartPfn = 1u << 3, // SIF_MOD_START_PFN: Is mod_start a PFN?
    VirtualP2mForTools = 1u << 4, // SIF_VIRT_P2M_4TOOLS: Do Xen tools understand a virt. mapped P->M making the 3 level tree obsolete?
    PmMask = 0xFF00, // SIF_PM_MASK: reserve 1 byte for xen-pm options
}

/// <summary>Kinds of video console, XEN_VGATYPE_*.</summary>
public enum VgaType : byte
{
    TextMode3 = 0x3, // XEN_VGATYPE_TEXT_MODE_3
    VesaLfb = 0x23, // XEN_VGATYPE_VESA_LFB
    EfiLfb = 0x70, // XEN_VGATYPE_EFI_LFB
}

/// <summary>Flags of vcpu_time_info, XEN_PVCLOCK_*.</summary>
public enum PvclockFlags : byte
{
    TscStableBit = 1 << 0, // XEN_PVCLOCK_TSC_STABLE_BIT
    GuestStopped = 1 << 1, // XEN_PVCLOCK_GUEST_STOPPED
}

/// <summary>Reserved domain ids, DOMID_*.</summary>
public static class DomainIds
{
    // DOMID_FIRST_RESERVED: Domain ids >= DOMID_FIRST_RESERVED cannot be used for ordinary domains.
    public const ushort FirstReserved = 0x7FF0;

    public const ushort Self = 0x7FF0; // DOMID_SELF: used in certain contexts to refer to oneself.

    // DOMID_IO: used to restrict page-table updates to mapping I/O memory. Although no Foreign Domain need be specified to map I/O pages, DOMID_IO is
    // useful to ensure that no mappings to the OS's own heap are accidentally installed.
    public const ushort Io = 0x7FF1;

    // DOMID_XEN: used to allow privileged domains to map restricted parts of Xen's heap space (e.g., the machine_to_phys table). This only makes
    // sense as
    public const ushort Xen = 0x7FF2;

    public const ushort Cow = 0x7FF3; // DOMID_COW: used as the owner of sharable pages
    public const ushort Invalid = 0x7FF4; // DOMID_INVALID: used to identify pages with unknown owner.
    public const ushort Idle = 0x7FFF; // DOMID_IDLE: Idle domain.
    public const ushort Mask = 0x7FFF; // DOMID_MASK: Mask for valid domain id values
}

/// <summary>Limits of the basic interface.</summary>
public static class XenLimits
{
    public const uint VirtualIrqCount = 24; // NR_VIRQS
    public const uint MaxGuestCommandLine = 1024; // MAX_GUEST_CMDLINE
}
