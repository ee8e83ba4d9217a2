// SPDX-License-Identifier: MIT
// System control: power, schedulers, profiling, live patches. Contract: xen/include/public/sysctl.h of Xen 4.17 (MIT).
// Used by the hypercall handlers, the guests and the tools; layout checked by tests/Unit/Abi.

using System.Runtime.InteropServices;

namespace XenSharp.Abi;

/// <summary>Commands of XEN_SYSCTL_get_pmstat, PMSTAT_*.</summary>
public enum PmStatType : uint
{
    Px = 0x10, // PMSTAT_PX
    GetMaxPx = 0x11, // PMSTAT_get_max_px
    GetPxstat = 0x12, // PMSTAT_get_pxstat
    ResetPxstat = 0x13, // PMSTAT_reset_pxstat
    Cx = 0x20, // PMSTAT_CX
    GetMaxCx = 0x21, // PMSTAT_get_max_cx
    GetCxstat = 0x22, // PMSTAT_get_cxstat
    ResetCxstat = 0x23, // PMSTAT_reset_cxstat
    CategoryMask = 0xF0, // PMSTAT_CATEGORY_MASK
}

/// <summary>Commands of XEN_SYSCTL_pm_op, XEN_SYSCTL_pm_op_*.</summary>
public enum PmOperation : uint
{
    SetSchedulerOptionSmt = 0x21, // XEN_SYSCTL_pm_op_set_sched_opt_smt: set/reset scheduler power saving option

    // XEN_SYSCTL_pm_op_get_max_cstate: cpuidle max C-state and max C-sub-state access command: Set cpuid to 0 for max C-state. Set cpuid to 1 for max
    // C-sub-state.
    GetMaxCstate = 0x22,

    SetMaxCstate = 0x23, // XEN_SYSCTL_pm_op_set_max_cstate
    SetVcpuMigrationDelay = 0x24, // XEN_SYSCTL_pm_op_set_vcpu_migration_delay: set scheduler migration cost value
    GetVcpuMigrationDelay = 0x25, // XEN_SYSCTL_pm_op_get_vcpu_migration_delay
    EnableTurbo = 0x26, // XEN_SYSCTL_pm_op_enable_turbo: enable/disable turbo mode when in dbs governor
    DisableTurbo = 0x27, // XEN_SYSCTL_pm_op_disable_turbo
}

/// <summary>Commands of XEN_SYSCTL_scheduler_op.</summary>
public enum SysctlSchedulerCommand : uint
{
    PutInfo = 0, // XEN_SYSCTL_SCHEDOP_putinfo: Set or get info?
    GetInfo = 1, // XEN_SYSCTL_SCHEDOP_getinfo
}

/// <summary>Commands of XEN_SYSCTL_coverage_op.</summary>
public enum CoverageOperation : uint
{
    GetSize = 0, // XEN_SYSCTL_COVERAGE_get_size: Get total size of output data
    Read = 1, // XEN_SYSCTL_COVERAGE_read: Read output data
    Reset = 2, // XEN_SYSCTL_COVERAGE_reset: Reset all counters
}

/// <summary>Commands of XEN_SYSCTL_psr_cmt_op.</summary>
public enum PsrCmtOperation : uint
{
    GetTotalRmid = 0, // XEN_SYSCTL_PSR_CMT_get_total_rmid
    GetL3UpscalingFactor = 1, // XEN_SYSCTL_PSR_CMT_get_l3_upscaling_factor
    GetL3CacheSize = 2, // XEN_SYSCTL_PSR_CMT_get_l3_cache_size: The L3 cache size is returned in KB unit
    Enabled = 3, // XEN_SYSCTL_PSR_CMT_enabled
    GetL3EventMask = 4, // XEN_SYSCTL_PSR_CMT_get_l3_event_mask
}

/// <summary>Commands of XEN_SYSCTL_psr_alloc.</summary>
public enum SysctlPsrCommand : uint
{
    L3Info = 0, // XEN_SYSCTL_PSR_get_l3_info
    L2Info = 1, // XEN_SYSCTL_PSR_get_l2_info
    MbaInfo = 2, // XEN_SYSCTL_PSR_get_mba_info
}

/// <summary>Commands of XEN_SYSCTL_livepatch_op.</summary>
public enum LivepatchOperation : uint
{
    // XEN_SYSCTL_LIVEPATCH_UPLOAD: Upload a payload to the hypervisor. The payload is verified against basic checks and if there are any issues the
    // proper return code will be returned. The payload is not applied at this time - that is controlled by XEN_SYSCTL_LIVEPATCH_ACTION.
    Upload = 0,

    Get = 1, // XEN_SYSCTL_LIVEPATCH_GET: Retrieve an status of an specific payload.

    // XEN_SYSCTL_LIVEPATCH_LIST: Retrieve an array of abbreviated status, names and metadata of payloads that are loaded in the hypervisor.
    List = 2,

    // XEN_SYSCTL_LIVEPATCH_ACTION: Perform an operation on the payload structure referenced by the `name` field. The operation request is
    // asynchronous and the status should be retrieved by using either XEN_SYSCTL_LIVEPATCH_GET or XEN_SYSCTL_LIVEPATCH_LIST hypercall.
    Action = 3,
}

/// <summary>Actions of XEN_SYSCTL_LIVEPATCH_ACTION.</summary>
public enum LivepatchAction : uint
{
    Unload = 1, // LIVEPATCH_ACTION_UNLOAD
    Revert = 2, // LIVEPATCH_ACTION_REVERT
    Apply = 3, // LIVEPATCH_ACTION_APPLY
    Replace = 4, // LIVEPATCH_ACTION_REPLACE
}

/// <summary>State of a live patch.</summary>
public enum LivepatchState : uint
{
    Checked = 1, // LIVEPATCH_STATE_CHECKED
    Applied = 2, // LIVEPATCH_STATE_APPLIED
}

/// <summary>Result of XEN_SYSCTL_page_offline_op, PG_OFFLINE_* and PG_ONLINE_*.</summary>
public enum PageOfflineStatus : uint
{
    FflineStatusMask = 0xFF, // PG_OFFLINE_STATUS_MASK
    FflineInvalid = 1u << 0, // PG_OFFLINE_INVALID: The result is invalid, i.e. HV does not handle it
    FflineOfflined = 1u << 1, // PG_OFFLINE_OFFLINED
    FflinePending = 1u << 2, // PG_OFFLINE_PENDING
    FflineFailed = 1u << 3, // PG_OFFLINE_FAILED
    FflineAgain = 1u << 4, // PG_OFFLINE_AGAIN
    NlineFailed = 1u << 3, // PG_ONLINE_FAILED
    NlineOnlined = 1u << 1, // PG_ONLINE_ONLINED
    FflineStatusOfflined = 1u << 1, // PG_OFFLINE_STATUS_OFFLINED
    FflineStatusOnline = 1u << 2, // PG_OFFLINE_STATUS_ONLINE
    FflineStatusOfflinePending = 1u << 3, // PG_OFFLINE_STATUS_OFFLINE_PENDING
    FflineStatusBroken = 1u << 4, // PG_OFFLINE_STATUS_BROKEN
    FflineMiscMask = 0xFF0, // PG_OFFLINE_MISC_MASK
    FflineXenpage = 1u << 8, // PG_OFFLINE_XENPAGE: valid when PG_OFFLINE_FAILED or PG_OFFLINE_PENDING
    FflineDom0page = 1u << 9, // PG_OFFLINE_DOM0PAGE
    FflineAnonymous = 1u << 10, // PG_OFFLINE_ANONYMOUS
    FflineNotConvRam = 1u << 11, // PG_OFFLINE_NOT_CONV_RAM
    FflineOwned = 1u << 12, // PG_OFFLINE_OWNED
    FflineBroken = 1u << 13, // PG_OFFLINE_BROKEN
    NlineBroken = 1u << 13, // PG_ONLINE_BROKEN
    FflineOwnerShift = 16, // PG_OFFLINE_OWNER_SHIFT
}

/// <summary>Bits of XEN_SYSCTL_get_cpu_levelling_caps.</summary>
public enum CpuLevellingCapabilities : uint
{
    Faulting = 1u << 0, // XEN_SYSCTL_CPU_LEVELCAP_faulting: CPUID faulting
    Ecx = 1u << 1, // XEN_SYSCTL_CPU_LEVELCAP_ecx: 0x00000001.ecx
    Edx = 1u << 2, // XEN_SYSCTL_CPU_LEVELCAP_edx: 0x00000001.edx
    ExtdEcx = 1u << 3, // XEN_SYSCTL_CPU_LEVELCAP_extd_ecx: 0x80000001.ecx
    ExtdEdx = 1u << 4, // XEN_SYSCTL_CPU_LEVELCAP_extd_edx: 0x80000001.edx
    XsaveEax = 1u << 5, // XEN_SYSCTL_CPU_LEVELCAP_xsave_eax: 0x0000000D:1.eax
    ThermalEcx = 1u << 6, // XEN_SYSCTL_CPU_LEVELCAP_thermal_ecx: 0x00000006.ecx
    L7s0Eax = 1u << 7, // XEN_SYSCTL_CPU_LEVELCAP_l7s0_eax: 0x00000007:0.eax
    L7s0Ebx = 1u << 8, // XEN_SYSCTL_CPU_LEVELCAP_l7s0_ebx: 0x00000007:0.ebx
}

/// <summary>Commands of XEN_SYSCTL_lockprof_op.</summary>
public enum LockProfileOperation : uint
{
    Reset = 1, // XEN_SYSCTL_LOCKPROF_reset: Reset all profile data to zero.
    Query = 2, // XEN_SYSCTL_LOCKPROF_query: Get lock profile information.
}

/// <summary>Limits of the system control operations.</summary>
public static class SysctlLimits
{
    // CPUFREQ_NAME_LEN: cpufreq para name of this structure named same as sysfs file name of native linux
    public const uint CpuFreqNameLength = 16;

    public const uint ScalingMaxFrequency = 1; // SCALING_MAX_FREQ
    public const uint ScalingMinFrequency = 2; // SCALING_MIN_FREQ
    public const uint ScalingSetSpeed = 3; // SCALING_SETSPEED
    public const uint SamplingRate = 4; // SAMPLING_RATE
    public const uint UpThreshold = 5; // UP_THRESHOLD
    public const uint PmParametersCategoryMask = 0xF0; // PM_PARA_CATEGORY_MASK
    public const uint CpuFreqParameters = 0x10; // CPUFREQ_PARA
    public const uint GetCpuFreqParameters = 0x11; // GET_CPUFREQ_PARA: cpufreq command type
    public const uint SetCpuFreqGovernor = 0x12; // SET_CPUFREQ_GOV
    public const uint SetCpuFreqParameters = 0x13; // SET_CPUFREQ_PARA
    public const uint GetCpuFreqAverageFrequency = 0x14; // GET_CPUFREQ_AVGFREQ
    public const uint CxUnlimited = 0xFFFFFFFFu; // XEN_SYSCTL_CX_UNLIMITED
    public const uint SysctlPageOffline = 1; // sysctl_page_offline: IN: range of page to be offlined
    public const uint SysctlPageOnline = 2; // sysctl_page_online
    public const uint SysctlQueryPageOffline = 3; // sysctl_query_page_offline
    public const uint LockProfileTypeGlobal = 0; // LOCKPROF_TYPE_GLOBAL: global lock, idx meaningless
    public const uint LockProfileTypePerDomain = 1; // LOCKPROF_TYPE_PERDOM: per-domain lock, idx is domid
    public const uint LockProfileTypeN = 2; // LOCKPROF_TYPE_N: number of types
    public const uint Arinc653MaxDomainsPerSchedule = 64; // ARINC653_MAX_DOMAINS_PER_SCHEDULE

    // XEN_SYSCTL_SCHED_RATELIMIT_MAX: Valid range for context switch rate limit (in microseconds). Applicable to Credit and Credit2 schedulers.
    public const uint SchedulerRatelimitMax = 0x7A120;

    public const uint SchedulerRatelimitMin = 100; // XEN_SYSCTL_SCHED_RATELIMIT_MIN
    public const uint CschedTimeSliceMax = 1000; // XEN_SYSCTL_CSCHED_TSLICE_MAX: Length of timeslice in milliseconds
    public const uint CschedTimeSliceMin = 1; // XEN_SYSCTL_CSCHED_TSLICE_MIN

    // XEN_SYSCTL_CSCHED_MGR_DLY_MAX_US: How long we consider a vCPU to be cache-hot on the CPU where it has run (max 100ms, in microseconds)
    public const uint CschedMgrDlyMaxUs = 0x186A0;

    public const uint GcovFormatMagic = 0x58434F56; // XEN_GCOV_FORMAT_MAGIC: XCOV
    public const uint PsrCatL3Cdp = 1u << 0; // XEN_SYSCTL_PSR_CAT_L3_CDP
    public const uint PsrMbaLinear = 1u << 0; // XEN_SYSCTL_PSR_MBA_LINEAR
    public const uint LivepatchPayloadVersion = 2; // LIVEPATCH_PAYLOAD_VERSION

    // XEN_LIVEPATCH_NAME_SIZE: Structure describing an ELF payload. Uniquely identifies the payload. Should be human readable. Recommended length is
    // upto XEN_LIVEPATCH_NAME_SIZE. Includes the NUL terminator.
    public const uint LivepatchNameSize = 128;

    // LIVEPATCH_ACTION_APPLY_NODEPS: Override default inter-module buildid dependency chain enforcement. Check only if module is built for given
    // hypervisor by comparing buildid.
    public const uint LivepatchActionApplyNodeps = 1u << 0;
}

/// <summary>struct xen_sysctl_perfc_desc, 84 bytes. Sub-operations:</summary>
[StructLayout(LayoutKind.Sequential)]
public struct SysctlPerformanceCounterDescriptor
{
    public ByteArray80 Name; // name of perf counter
    public uint ValCount; // number of values for this counter
}

/// <summary>struct xen_sysctl_perfc_op, 32 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct SysctlPerformanceCounterOperation
{
    public uint Command; // IN: XEN_SYSCTL_PERFCOP_???
    public uint CounterCount; // OUT: number of counters description
    public uint ValCount; // OUT: number of values
    public uint Padding0;
    public ulong Descriptor; // OUT: guest handle of SysctlPerformanceCounterDescriptor. counter information (or NULL)
    public ulong Value; // OUT: guest handle of xen_sysctl_perfc_val_t. counter values (or NULL)
}

/// <summary>struct xen_sysctl_lockprof_data, 80 bytes. Record-type:</summary>
[StructLayout(LayoutKind.Sequential)]
public struct SysctlLockProfileData
{
    public ByteArray40 Name; // lock name (may include up to 2 %d specifiers)
    public int Type; // LOCKPROF_TYPE_???
    public int Index; // index (e.g. domain id)
    public ulong LockCount; // # of locking succeeded
    public ulong BlockCount; // # of wait for lock
    public ulong LockTime; // nsecs lock held
    public ulong BlockTime; // nsecs waited for lock
}

/// <summary>struct xen_sysctl_lockprof_op, 32 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct SysctlLockProfileOperation
{
    public uint Command; // IN: XEN_SYSCTL_LOCKPROF_???
    public uint MaxElement; // IN: size of output buffer
    public uint ElementCount; // OUT: number of elements available
    public uint Padding0;
    public ulong Time; // OUT: nsecs of profile measurement
    public ulong Data; // OUT: guest handle of SysctlLockProfileData. profile information (or NULL)
}

/// <summary>struct xen_sysctl_arinc653_schedule, member sched_entries[0], 32 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct SysctlArinc653ScheduleEntry
{
    public DomainHandle DomainHandle; // dom_handle must match a domain's UUID

    // If a domain has multiple VCPUs, vcpu_id specifies which one this schedule entry applies to. It should be set to 0 if there is only one VCPU for
    // the domain.
    public uint VcpuId;

    public uint Padding0;

    // runtime specifies the amount of time that should be allocated to this VCPU per major frame. It is specified in nanoseconds
    public ulong Runtime;
}

/// <summary>
/// struct xen_sysctl_arinc653_schedule, 2064 bytes. This structure is used to pass a new ARINC653 schedule from a privileged domain (ie dom0) to Xen.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct SysctlArinc653Schedule
{
    public ulong MajorFrame; // major_frame holds the time for the new schedule's major frame in nanoseconds.
    public byte SchedulerEntryCount; // num_sched_entries holds how many of the entries in the sched_entries[] array are valid.
    public ByteArray7 Padding0;
    public SysctlArinc653ScheduleEntryArray64 SchedulerEntries; // The sched_entries array holds the actual schedule entries.
}

/// <summary>
/// struct xen_sysctl_credit_schedule, 12 bytes. Valid range for context switch rate limit (in microseconds). Applicable to Credit and Credit2
/// schedulers.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct SysctlCreditSchedule
{
    public uint TimeSliceMs;
    public uint RatelimitUs;
    public uint VcpuMigrationDelayUs;
}

/// <summary>struct xen_sysctl_credit2_schedule, 4 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct SysctlCredit2Schedule
{
    public uint RatelimitUs;
}

/// <summary>struct xen_sysctl_sched_arinc653, 8 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct SysctlArinc653ScheduleArgument
{
    public ulong Schedule; // guest handle of SysctlArinc653Schedule.
}

/// <summary>struct xen_sysctl_scheduler_op, 32 bytes. Set or get info?</summary>
[StructLayout(LayoutKind.Sequential)]
public struct SysctlSchedulerOperation
{
    public uint CpupoolId; // Cpupool whose scheduler is to be targetted.
    public uint SchedulerId; // XEN_SCHEDULER_* (domctl.h)
    public uint Command; // XEN_SYSCTL_SCHEDOP_*
    public uint Padding0;

    // union: sched_arinc653 (SysctlArinc653ScheduleArgument), sched_credit (SysctlCreditSchedule), sched_credit2 (SysctlCredit2Schedule).
    public UInt64Array2 U;
}

/// <summary>
/// struct xen_sysctl_coverage_op, 16 bytes. Ouput format of LLVM coverage data is just a raw stream, as would be written by the compiler_rt run time
/// library into a .profraw file. There are no special Xen tags or delimiters because none are needed.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct SysctlCoverageOperation
{
    public uint Command;
    public uint Size; // IN/OUT: size of the buffer
    public ulong Buffer; // OUT: guest handle of char.
}

/// <summary>struct xen_sysctl_psr_cmt_op, member u.l3_cache, 8 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct SysctlPsrCmtOperationL3Cache
{
    public uint Cpu; // IN
    public uint Reserved;
}

/// <summary>struct xen_sysctl_psr_cmt_op, 16 bytes. The L3 cache size is returned in KB unit</summary>
[StructLayout(LayoutKind.Sequential)]
public struct SysctlPsrCmtOperation
{
    public uint Command; // IN: XEN_SYSCTL_PSR_CMT_*
    public uint Flags; // padding variable, may be extended for future use
    public ulong U; // union: data (ulong), l3_cache (SysctlPsrCmtOperationL3Cache).
}

/// <summary>struct xen_sysctl_psr_alloc, member u.cat_info, 12 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct SysctlPsrAllocCatInfo
{
    public uint CbmLength; // OUT: CBM length
    public uint CosMax; // OUT: Maximum COS
    public uint Flags; // OUT: CAT flags
}

/// <summary>struct xen_sysctl_psr_alloc, member u.mba_info, 12 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct SysctlPsrAllocMbaInfo
{
    public uint ThrottleMax; // OUT: Maximum throttle
    public uint CosMax; // OUT: Maximum COS
    public uint Flags; // OUT: MBA flags
}

/// <summary>struct xen_sysctl_psr_alloc, 20 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct SysctlPsrAlloc
{
    public uint Command; // IN: XEN_SYSCTL_PSR_*
    public uint Target; // IN
    public UInt32Array3 U; // union: cat_info (SysctlPsrAllocCatInfo), mba_info (SysctlPsrAllocMbaInfo).
}

/// <summary>
/// struct xen_sysctl_cpu_levelling_caps, 4 bytes. XEN_SYSCTL_get_cpu_levelling_caps (x86 specific); Return hardware capabilities concerning masking
/// or faulting of the cpuid instruction for PV guests.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct SysctlCpuLevellingCapabilities
{
    public uint Capabilities;
}
