// SPDX-License-Identifier: MIT
// Trace buffers: record layout and event numbers. Contract: xen/include/public/trace.h of Xen 4.17 (MIT). Used by the
// hypercall handlers, the guests and the tools; layout checked by tests/Unit/Abi.

using System.Runtime.InteropServices;

namespace XenSharp.Abi;

/// <summary>Classes of trace events; the mask of XEN_SYSCTL_TBUFOP_set_evt_mask.</summary>
public enum TraceClass : uint
{
    Gen = 0x1F000, // TRC_GEN: General trace
    Scheduler = 0x2F000, // TRC_SCHED: Xen Scheduler trace
    Dom0op = 0x4F000, // TRC_DOM0OP: Xen DOM0 operation trace
    Hvm = 0x8F000, // TRC_HVM: Xen HVM trace
    Memory = 0x10F000, // TRC_MEM: Xen memory trace
    Pv = 0x20F000, // TRC_PV: Xen PV traces
    Shadow = 0x40F000, // TRC_SHADOW: Xen shadow tracing
    Hw = 0x80F000, // TRC_HW: Xen hardware-related traces
    Guest = 0x800F000, // TRC_GUEST: Guest-generated traces
    All = 0xFFFF000, // TRC_ALL
}

/// <summary>Trace events, TRC_*.</summary>
public enum TraceEvent : uint
{
    LostRecords = 0x1F001, // TRC_LOST_RECORDS
    TraceWrapBuffer = 0x1F002, // TRC_TRACE_WRAP_BUFFER
    TraceCpuChange = 0x1F003, // TRC_TRACE_CPU_CHANGE
    SchedulerRunstateChange = 0x21001, // TRC_SCHED_RUNSTATE_CHANGE
    SchedulerContinueRunning = 0x21002, // TRC_SCHED_CONTINUE_RUNNING
    SchedulerDomainAdd = 0x28001, // TRC_SCHED_DOM_ADD
    SchedulerDomainRem = 0x28002, // TRC_SCHED_DOM_REM
    SchedulerSleep = 0x28003, // TRC_SCHED_SLEEP
    SchedulerWake = 0x28004, // TRC_SCHED_WAKE
    SchedulerYield = 0x28005, // TRC_SCHED_YIELD
    SchedulerBlock = 0x28006, // TRC_SCHED_BLOCK
    SchedulerShutdown = 0x28007, // TRC_SCHED_SHUTDOWN
    SchedulerCtl = 0x28008, // TRC_SCHED_CTL
    SchedulerAdjustDomain = 0x28009, // TRC_SCHED_ADJDOM
    SchedulerSwitch = 0x2800A, // TRC_SCHED_SWITCH
    SchedulerSTimerFn = 0x2800B, // TRC_SCHED_S_TIMER_FN
    SchedulerTTimerFn = 0x2800C, // TRC_SCHED_T_TIMER_FN
    SchedulerDomainTimerFn = 0x2800D, // TRC_SCHED_DOM_TIMER_FN
    SchedulerSwitchInfprev = 0x2800E, // TRC_SCHED_SWITCH_INFPREV
    SchedulerSwitchInfnext = 0x2800F, // TRC_SCHED_SWITCH_INFNEXT
    SchedulerShutdownCode = 0x28010, // TRC_SCHED_SHUTDOWN_CODE
    SchedulerSwitchInfcont = 0x28011, // TRC_SCHED_SWITCH_INFCONT
    Dom0DomainAdd = 0x41001, // TRC_DOM0_DOM_ADD
    Dom0DomainRem = 0x41002, // TRC_DOM0_DOM_REM
    HvmVmentry = 0x81001, // TRC_HVM_VMENTRY
    HvmVmexit = 0x81002, // TRC_HVM_VMEXIT
    HvmVmexit64 = 0x81102, // TRC_HVM_VMEXIT64
    HvmPfXen = 0x82001, // TRC_HVM_PF_XEN
    HvmPfInject = 0x82002, // TRC_HVM_PF_INJECT
    HvmInjException = 0x82003, // TRC_HVM_INJ_EXC
    HvmInjVirq = 0x82004, // TRC_HVM_INJ_VIRQ
    HvmReinjVirq = 0x82005, // TRC_HVM_REINJ_VIRQ
    HvmIoRead = 0x82006, // TRC_HVM_IO_READ
    HvmIoWrite = 0x82007, // TRC_HVM_IO_WRITE
    HvmCrRead = 0x82008, // TRC_HVM_CR_READ
    HvmCrWrite = 0x82009, // TRC_HVM_CR_WRITE
    HvmDrRead = 0x8200A, // TRC_HVM_DR_READ
    HvmDrWrite = 0x8200B, // TRC_HVM_DR_WRITE
    HvmMsrRead = 0x8200C, // TRC_HVM_MSR_READ
    HvmMsrWrite = 0x8200D, // TRC_HVM_MSR_WRITE
    HvmCpuid = 0x8200E, // TRC_HVM_CPUID
    HvmInterrupt = 0x8200F, // TRC_HVM_INTR
    HvmNmi = 0x82010, // TRC_HVM_NMI
    HvmSmi = 0x82011, // TRC_HVM_SMI
    HvmVmmcall = 0x82012, // TRC_HVM_VMMCALL
    HvmHlt = 0x82013, // TRC_HVM_HLT
    HvmInvlpg = 0x82014, // TRC_HVM_INVLPG
    HvmMce = 0x82015, // TRC_HVM_MCE
    HvmIoPortRead = 0x82016, // TRC_HVM_IOPORT_READ
    HvmIoMemoryRead = 0x82017, // TRC_HVM_IOMEM_READ
    HvmClts = 0x82018, // TRC_HVM_CLTS
    HvmLmsw = 0x82019, // TRC_HVM_LMSW
    HvmRdtsc = 0x8201A, // TRC_HVM_RDTSC
    HvmInterruptWindow = 0x82020, // TRC_HVM_INTR_WINDOW
    HvmNpf = 0x82021, // TRC_HVM_NPF
    HvmRealmodeEmulate = 0x82022, // TRC_HVM_REALMODE_EMULATE
    HvmTrap = 0x82023, // TRC_HVM_TRAP
    HvmTrapDebug = 0x82024, // TRC_HVM_TRAP_DEBUG
    HvmVlapic = 0x82025, // TRC_HVM_VLAPIC
    HvmPfXen64 = 0x82101, // TRC_HVM_PF_XEN64
    HvmPfInject64 = 0x82102, // TRC_HVM_PF_INJECT64
    HvmCrRead64 = 0x82108, // TRC_HVM_CR_READ64
    HvmCrWrite64 = 0x82109, // TRC_HVM_CR_WRITE64
    HvmInvlpg64 = 0x82114, // TRC_HVM_INVLPG64
    HvmLmsw64 = 0x82119, // TRC_HVM_LMSW64
    HvmXcrRead64 = 0x82126, // TRC_HVM_XCR_READ64
    HvmXcrWrite64 = 0x82127, // TRC_HVM_XCR_WRITE64
    HvmIoPortWrite = 0x82216, // TRC_HVM_IOPORT_WRITE
    HvmIoMemoryWrite = 0x82217, // TRC_HVM_IOMEM_WRITE
    HvmEmulateHpetStartTimer = 0x84001, // TRC_HVM_EMUL_HPET_START_TIMER: Trace events for emulated devices
    HvmEmulatePitStartTimer = 0x84002, // TRC_HVM_EMUL_PIT_START_TIMER
    HvmEmulateRtcStartTimer = 0x84003, // TRC_HVM_EMUL_RTC_START_TIMER
    HvmEmulateLocalApicStartTimer = 0x84004, // TRC_HVM_EMUL_LAPIC_START_TIMER
    HvmEmulateHpetStopTimer = 0x84005, // TRC_HVM_EMUL_HPET_STOP_TIMER
    HvmEmulatePitStopTimer = 0x84006, // TRC_HVM_EMUL_PIT_STOP_TIMER
    HvmEmulateRtcStopTimer = 0x84007, // TRC_HVM_EMUL_RTC_STOP_TIMER
    HvmEmulateLocalApicStopTimer = 0x84008, // TRC_HVM_EMUL_LAPIC_STOP_TIMER
    HvmEmulatePitTimerCb = 0x84009, // TRC_HVM_EMUL_PIT_TIMER_CB
    HvmEmulateLocalApicTimerCb = 0x8400A, // TRC_HVM_EMUL_LAPIC_TIMER_CB
    HvmEmulatePicIntOutput = 0x8400B, // TRC_HVM_EMUL_PIC_INT_OUTPUT
    HvmEmulatePicKick = 0x8400C, // TRC_HVM_EMUL_PIC_KICK
    HvmEmulatePicIntack = 0x8400D, // TRC_HVM_EMUL_PIC_INTACK
    HvmEmulatePicPosedge = 0x8400E, // TRC_HVM_EMUL_PIC_POSEDGE
    HvmEmulatePicNegedge = 0x8400F, // TRC_HVM_EMUL_PIC_NEGEDGE
    HvmEmulatePicPendIrqCall = 0x84010, // TRC_HVM_EMUL_PIC_PEND_IRQ_CALL
    HvmEmulateLocalApicPicInterrupt = 0x84011, // TRC_HVM_EMUL_LAPIC_PIC_INTR
    MemoryPageGrantMap = 0x10F001, // TRC_MEM_PAGE_GRANT_MAP
    MemoryPageGrantUnmap = 0x10F002, // TRC_MEM_PAGE_GRANT_UNMAP
    MemoryPageGrantTransfer = 0x10F003, // TRC_MEM_PAGE_GRANT_TRANSFER
    MemorySetP2mEntry = 0x10F004, // TRC_MEM_SET_P2M_ENTRY
    MemoryDecreaseReservation = 0x10F005, // TRC_MEM_DECREASE_RESERVATION
    MemoryPopulateOnDemandPopulate = 0x10F010, // TRC_MEM_POD_POPULATE
    MemoryPopulateOnDemandZeroReclaim = 0x10F011, // TRC_MEM_POD_ZERO_RECLAIM
    MemoryPopulateOnDemandSuperpageSplinter = 0x10F012, // TRC_MEM_POD_SUPERPAGE_SPLINTER
    PvHypercall = 0x201001, // TRC_PV_HYPERCALL
    PvTrap = 0x201003, // TRC_PV_TRAP
    PvPageFault = 0x201004, // TRC_PV_PAGE_FAULT
    PvForcedInvalidOperation = 0x201005, // TRC_PV_FORCED_INVALID_OP
    PvEmulatePrivop = 0x201006, // TRC_PV_EMULATE_PRIVOP
    PvEmulateFourGb = 0x201007, // TRC_PV_EMULATE_4GB
    PvMathStateRestore = 0x201008, // TRC_PV_MATH_STATE_RESTORE
    PvPagingFixup = 0x201009, // TRC_PV_PAGING_FIXUP
    PvGdtLdtMappingFault = 0x20100A, // TRC_PV_GDT_LDT_MAPPING_FAULT
    PvPtwrEmulation = 0x20100B, // TRC_PV_PTWR_EMULATION
    PvPtwrEmulationPae = 0x20100C, // TRC_PV_PTWR_EMULATION_PAE
    PvHypercallV2 = 0x20100D, // TRC_PV_HYPERCALL_V2
    PvHypercallSubcall = 0x20200E, // TRC_PV_HYPERCALL_SUBCALL
    ShadowNotShadow = 0x40F001, // TRC_SHADOW_NOT_SHADOW
    ShadowFastPropagate = 0x40F002, // TRC_SHADOW_FAST_PROPAGATE
    ShadowFastMmio = 0x40F003, // TRC_SHADOW_FAST_MMIO
    ShadowFalseFastPath = 0x40F004, // TRC_SHADOW_FALSE_FAST_PATH
    ShadowMmio = 0x40F005, // TRC_SHADOW_MMIO
    ShadowFixup = 0x40F006, // TRC_SHADOW_FIXUP
    ShadowDomfDying = 0x40F007, // TRC_SHADOW_DOMF_DYING
    ShadowEmulate = 0x40F008, // TRC_SHADOW_EMULATE
    ShadowEmulateUnshadowUser = 0x40F009, // TRC_SHADOW_EMULATE_UNSHADOW_USER
    ShadowEmulateUnshadowEvtinj = 0x40F00A, // TRC_SHADOW_EMULATE_UNSHADOW_EVTINJ
    ShadowEmulateUnshadowUnhandled = 0x40F00B, // TRC_SHADOW_EMULATE_UNSHADOW_UNHANDLED
    ShadowWrmapBf = 0x40F00C, // TRC_SHADOW_WRMAP_BF
    ShadowPreallocUnpin = 0x40F00D, // TRC_SHADOW_PREALLOC_UNPIN
    ShadowResyncFull = 0x40F00E, // TRC_SHADOW_RESYNC_FULL
    ShadowResyncOnly = 0x40F00F, // TRC_SHADOW_RESYNC_ONLY
    PmFrequencyChange = 0x801001, // TRC_PM_FREQ_CHANGE: trace events for per class
    PmIdleEntry = 0x801002, // TRC_PM_IDLE_ENTRY
    PmIdleExit = 0x801003, // TRC_PM_IDLE_EXIT
    HwIrqMoveCleanupDelay = 0x802001, // TRC_HW_IRQ_MOVE_CLEANUP_DELAY: Trace events for IRQs
    HwIrqMoveCleanup = 0x802002, // TRC_HW_IRQ_MOVE_CLEANUP
    HwIrqBindVector = 0x802003, // TRC_HW_IRQ_BIND_VECTOR
    HwIrqClearVector = 0x802004, // TRC_HW_IRQ_CLEAR_VECTOR
    HwIrqMoveFinish = 0x802005, // TRC_HW_IRQ_MOVE_FINISH
    HwIrqAssignVector = 0x802006, // TRC_HW_IRQ_ASSIGN_VECTOR
    HwIrqUnmappedVector = 0x802007, // TRC_HW_IRQ_UNMAPPED_VECTOR
    HwIrqHandled = 0x802008, // TRC_HW_IRQ_HANDLED
}

/// <summary>Fields of an event number and subclasses, TRC_*.</summary>
public static class TraceConstants
{
    public const uint ExtraMax = 7; // TRACE_EXTRA_MAX
    public const uint ExtraShift = 28; // TRACE_EXTRA_SHIFT
    public const uint ClsShift = 16; // TRC_CLS_SHIFT: Trace classes
    public const ulong HdCycleFlag = 1ul << 31; // TRC_HD_CYCLE_FLAG
    public const uint SubclsShift = 12; // TRC_SUBCLS_SHIFT: Trace subclasses
    public const uint HvmEntryexit = 0x81000; // TRC_HVM_ENTRYEXIT: VMENTRY and #VMEXIT
    public const uint HvmHandler = 0x82000; // TRC_HVM_HANDLER: various HVM handlers
    public const uint HvmEmulate = 0x84000; // TRC_HVM_EMUL: emulated devices
    public const uint SchedulerMin = 0x21000; // TRC_SCHED_MIN: Just runstate changes
    public const uint SchedulerClass = 0x22000; // TRC_SCHED_CLASS: Scheduler-specific
    public const uint SchedulerVerbose = 0x28000; // TRC_SCHED_VERBOSE: More inclusive scheduling

    // TRC_SCHED_ID_BITS: The highest 3 bits of the last 12 bits of TRC_SCHED_CLASS above are reserved for encoding what scheduler produced the
    // information. The actual event is encoded in the last 9 bits.
    public const uint SchedulerIdBits = 3;

    public const uint SchedulerIdShift = 9; // TRC_SCHED_ID_SHIFT
    public const ulong SchedulerIdMask = 3584; // TRC_SCHED_ID_MASK
    public const int SchedulerEventMask = -3585; // TRC_SCHED_EVT_MASK
    public const uint SchedulerCsched = 0; // TRC_SCHED_CSCHED: Per-scheduler IDs, to identify scheduler specific events
    public const uint SchedulerCsched2 = 1; // TRC_SCHED_CSCHED2
    public const uint SchedulerArinc653 = 3; // TRC_SCHED_ARINC653
    public const uint SchedulerRtds = 4; // TRC_SCHED_RTDS
    public const uint SchedulerSnull = 5; // TRC_SCHED_SNULL
    public const uint Dom0Domops = 0x41000; // TRC_DOM0_DOMOPS: Domains manipulations
    public const uint HwPm = 0x801000; // TRC_HW_PM: Power management traces
    public const uint HwIrq = 0x802000; // TRC_HW_IRQ: Traces relating to the handling of IRQs
    public const uint PvEntry = 0x201000; // TRC_PV_ENTRY: Hypervisor entry points for PV guests.
    public const uint PvSubcall = 0x202000; // TRC_PV_SUBCALL: Sub-call in a multicall hypercall
    public const uint PvHypercallV2ArgumentMask = 0xFFF00000u; // TRC_PV_HYPERCALL_V2_ARG_MASK
    public const uint HvmNestedflag = 0x400; // TRC_HVM_NESTEDFLAG
    public const uint Address64Flag = 0x100; // TRC_64_FLAG: Addresses are 64 bits (instead of 32 bits)
}

/// <summary>struct t_rec, member u.cycles, 36 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct TraceRecordCycles
{
    public uint CyclesLow; // cycle counter timestamp
    public uint CyclesHigh; // cycle counter timestamp
    public UInt32Array7 ExtraU32; // event data items
}

/// <summary>struct t_rec, member u.nocycles, 28 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct TraceRecordNoCycles
{
    public UInt32Array7 ExtraU32; // event data items
}

/// <summary>struct t_rec, 40 bytes. This structure represents a single trace buffer record.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct TraceRecord
{
    public uint EventAndFlags; // bits, low to high: event:28, extra_u32:3, cycles_included:1
    public UInt32Array9 U; // union: cycles (TraceRecordCycles), nocycles (TraceRecordNoCycles).
}

/// <summary>
/// struct t_buf, 8 bytes. This structure contains the metadata for a single trace buffer. The head field, indexes into an array of struct t_rec's.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct TraceBuffer
{
    public uint Consumer; // Assume the data buffer size is X. X is generally not a power of 2.
    public uint Producer; // Offset of next item to be produced by Xen.
}

/// <summary>
/// struct t_info, 2 bytes. Structure used to pass MFNs to the trace buffers back to trace consumers. Offset is an offset into the mapped structure
/// where the mfn list will be held. MFNs will be at ((unsigned long *)(t_info))+(t_info-&gt;cpu_offset[cpu]). Followed by a variable-length array
/// <c>mfn_offset</c>.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct TraceInfo
{
    public ushort TraceBufferSize; // Size in pages of each trace buffer
}
