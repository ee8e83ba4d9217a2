// SPDX-License-Identifier: MIT
// Parameters of an HVM or PVH domain. Contract: xen/include/public/hvm/params.h of Xen 4.17 (MIT). Used by the
// hypercall handlers, the guests and the tools; layout checked by tests/Unit/Abi.

namespace XenSharp.Abi;

/// <summary>Indexes of HVMOP_set_param and HVMOP_get_param, HVM_PARAM_*.</summary>
public enum HvmParam : uint
{
    CallbackIrq = 0, // HVM_PARAM_CALLBACK_IRQ
    StorePfn = 1, // HVM_PARAM_STORE_PFN
    StoreEventChannel = 2, // HVM_PARAM_STORE_EVTCHN
    PaeEnabled = 4, // HVM_PARAM_PAE_ENABLED
    IoRequestPfn = 5, // HVM_PARAM_IOREQ_PFN
    BufferedIoRequestPfn = 6, // HVM_PARAM_BUFIOREQ_PFN
    Viridian = 9, // HVM_PARAM_VIRIDIAN

    // HVM_PARAM_TIMER_MODE: Set mode for virtual timers (currently x86 only): delay_for_missed_ticks (default): Do not advance a vcpu's time beyond
    // the correct delivery time for interrupts that have been missed due to preemption.
    TimerMode = 10,

    HpetEnabled = 11, // HVM_PARAM_HPET_ENABLED: Boolean: Enable virtual HPET (high-precision event timer)? (x86-only)
    IdentityPageTable = 12, // HVM_PARAM_IDENT_PT: Identity-map page directory used by Intel EPT when CR0.PG=0.
    DeviceModelDomain = 13, // HVM_PARAM_DM_DOMAIN
    AcpiSState = 14, // HVM_PARAM_ACPI_S_STATE: ACPI S state: currently support S0 and S3 on x86.
    Vm86Tss = 15, // HVM_PARAM_VM86_TSS: TSS used on Intel when CR0.PE=0.
    VptAlign = 16, // HVM_PARAM_VPT_ALIGN: Boolean: Enable aligning all periodic vpts to reduce interrupts
    ConsolePfn = 17, // HVM_PARAM_CONSOLE_PFN: Console debug shared memory ring and event channel
    ConsoleEventChannel = 18, // HVM_PARAM_CONSOLE_EVTCHN
    AcpiIoPortsLocation = 19, // HVM_PARAM_ACPI_IOPORTS_LOCATION: Select location of ACPI PM1a and TMR control blocks.
    MemoryEventCr0 = 20, // HVM_PARAM_MEMORY_EVENT_CR0
    MemoryEventCr3 = 21, // HVM_PARAM_MEMORY_EVENT_CR3
    MemoryEventCr4 = 22, // HVM_PARAM_MEMORY_EVENT_CR4
    MemoryEventInt3 = 23, // HVM_PARAM_MEMORY_EVENT_INT3
    NestedHvm = 24, // HVM_PARAM_NESTEDHVM
    MemoryEventSingleStep = 25, // HVM_PARAM_MEMORY_EVENT_SINGLE_STEP
    BufferedIoRequestEventChannel = 26, // HVM_PARAM_BUFIOREQ_EVTCHN
    PagingRingPfn = 27, // HVM_PARAM_PAGING_RING_PFN: Params for the mem event rings
    MonitorRingPfn = 28, // HVM_PARAM_MONITOR_RING_PFN
    SharingRingPfn = 29, // HVM_PARAM_SHARING_RING_PFN
    MemoryEventMsr = 30, // HVM_PARAM_MEMORY_EVENT_MSR
    TripleFaultReason = 31, // HVM_PARAM_TRIPLE_FAULT_REASON: SHUTDOWN_* action in case of a triple fault
    IoRequestServerPfn = 32, // HVM_PARAM_IOREQ_SERVER_PFN
    IoRequestServerPageCount = 33, // HVM_PARAM_NR_IOREQ_SERVER_PAGES
    VmGenerationIdAddress = 34, // HVM_PARAM_VM_GENERATION_ID_ADDR: Location of the VM Generation ID in guest physical address space.

    // HVM_PARAM_ALTP2M: Set mode for altp2m: disabled: don't activate altp2m (default) mixed: allow access to all altp2m ops for both in-guest and
    // external tools external: allow access to external privileged tools only limited: guest only has limited access (ie.
    Altp2m = 35,

    // HVM_PARAM_X87_FIP_WIDTH: Size of the x87 FPU FIP/FDP registers that the hypervisor needs to save/restore. This is a workaround for a hardware
    // limitation that does not allow the full FIP/FDP and FCS/FDS to be restored.
    X87FipWidth = 36,

    // HVM_PARAM_VM86_TSS_SIZED: TSS (and its size) used on Intel when CR0.PE=0. The address occupies the low 32 bits, while the size is in the high
    // 32 ones.
    Vm86TssSized = 37,

    McaCap = 38, // HVM_PARAM_MCA_CAP: Enable MCA capabilities.
}

/// <summary>Bits 63:56 of HVM_PARAM_CALLBACK_IRQ, HVM_PARAM_CALLBACK_TYPE_*.</summary>
public enum HvmCallbackType : uint
{
    Gsi = 0, // HVM_PARAM_CALLBACK_TYPE_GSI
    PciIntx = 1, // HVM_PARAM_CALLBACK_TYPE_PCI_INTX
    Vector = 2, // HVM_PARAM_CALLBACK_TYPE_VECTOR
}

/// <summary>Values of HVM_PARAM_TIMER_MODE, HVMPTM_*.</summary>
public enum HvmTimerMode : uint
{
    DelayForMissedTicks = 0, // HVMPTM_delay_for_missed_ticks
    NoDelayForMissedTicks = 1, // HVMPTM_no_delay_for_missed_ticks
    NoMissedTicksPending = 2, // HVMPTM_no_missed_ticks_pending
    OneMissedTickPending = 3, // HVMPTM_one_missed_tick_pending
}

/// <summary>Values of HVM_PARAM_ALTP2M, XEN_ALTP2M_*.</summary>
public enum HvmAltp2mMode : uint
{
    Disabled = 0, // XEN_ALTP2M_disabled
    Mixed = 1, // XEN_ALTP2M_mixed
    External = 2, // XEN_ALTP2M_external
    Limited = 3, // XEN_ALTP2M_limited
}

/// <summary>Values of HVM_PARAM_VIRIDIAN, HVMPV_*.</summary>
public enum ViridianFeatures : uint
{
    BaseFrequency = 1u << 0, // HVMPV_base_freq
    NoFrequency = 1u << 1, // HVMPV_no_freq
    TimeRefCount = 1u << 2, // HVMPV_time_ref_count
    ReferenceTsc = 1u << 3, // HVMPV_reference_tsc
    HcallRemoteTlbFlush = 1u << 4, // HVMPV_hcall_remote_tlb_flush
    ApicAssist = 1u << 5, // HVMPV_apic_assist
    CrashCtl = 1u << 6, // HVMPV_crash_ctl
    Synic = 1u << 7, // HVMPV_synic
    Stimer = 1u << 8, // HVMPV_stimer
    HcallIpi = 1u << 9, // HVMPV_hcall_ipi
    ExProcessorMasks = 1u << 10, // HVMPV_ex_processor_masks
    NoVpLimit = 1u << 11, // HVMPV_no_vp_limit
    CpuHotplug = 1u << 12, // HVMPV_cpu_hotplug
    FeatureMask = 8191, // HVMPV_feature_mask
}

/// <summary>Number of parameters, masks.</summary>
public static class HvmParamConstants
{
    public const ulong CallbackIrqTypeMask = 0xFF00000000000000; // HVM_PARAM_CALLBACK_IRQ_TYPE_MASK
    public const ulong McaCapLmce = 1ul << 0; // XEN_HVM_MCA_CAP_LMCE
    public const uint McaCapMask = 1u << 0; // XEN_HVM_MCA_CAP_MASK
    public const uint Count = 39; // HVM_NR_PARAMS
}
