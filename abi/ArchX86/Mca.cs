// SPDX-License-Identifier: MIT
// Machine check telemetry: the operations and the records. Contract: xen/include/public/arch-x86/xen-mca.h of Xen 4.17
// (MIT). Used by the hypercall handlers, the guests and the tools; layout checked by tests/Unit/Abi.

using System.Runtime.InteropServices;

namespace XenSharp.Abi;

/// <summary>Commands of HYPERVISOR_mca, XEN_MC_*.</summary>
public enum MachineCheckOperation : uint
{
    // XEN_MC_fetch: Usecase 3 Fetch machine check data from hypervisor. Note, this hypercall is special, because both Dom0 and DomU must use this.
    Fetch = 1,

    NotifyDomain = 2, // XEN_MC_notifydomain: Usecase 4 This tells the hypervisor to notify a DomU about the machine check error
    PhysCpuInfo = 3, // XEN_MC_physcpuinfo
    MsrInject = 4, // XEN_MC_msrinject
    MceInject = 5, // XEN_MC_mceinject
    InjectV2 = 6, // XEN_MC_inject_v2
}

/// <summary>Types of records, MC_TYPE_*.</summary>
public enum MachineCheckRecordType : ushort
{
    Global = 0, // MC_TYPE_GLOBAL
    Bank = 1, // MC_TYPE_BANK
    Extended = 2, // MC_TYPE_EXTENDED
    Recovery = 3, // MC_TYPE_RECOVERY
}

/// <summary>Flags of a record, MC_FLAG_*.</summary>
public enum MachineCheckFlags : ushort
{
    Correctable = 1 << 0, // MC_FLAG_CORRECTABLE
    Uncorrectable = 1 << 1, // MC_FLAG_UNCORRECTABLE
    Recoverable = 1 << 2, // MC_FLAG_RECOVERABLE
    Polled = 1 << 3, // MC_FLAG_POLLED
    Reset = 1 << 4, // MC_FLAG_RESET
    Cmci = 1 << 5, // MC_FLAG_CMCI
    Mce = 1 << 6, // MC_FLAG_MCE
}

/// <summary>Further numbers of the machine check interface.</summary>
public static class MachineCheckConstants
{
    public const uint HypervisorMca = 48; // __HYPERVISOR_mca: Hypercall

    // XEN_MCA_INTERFACE_VERSION: The xen-unstable repo has interface version 0x03000001; out interface is incompatible with that and any future minor
    // revisions, so we choose a different version number range that is numerically less than that used in xen-unstable.
    public const uint McaInterfaceVersion = 0x1ECC003;

    public const uint NonUrgent = 0x1; // XEN_MC_NONURGENT: IN: Dom0 calls hypercall to retrieve nonurgent telemetry
    public const uint Urgent = 0x2; // XEN_MC_URGENT: IN: Dom0/DomU calls hypercall to retrieve urgent telemetry
    public const uint Ack = 0x4; // XEN_MC_ACK: IN: Dom0 acknowledges previosly-fetched telemetry
    public const uint Ok = 0x0; // XEN_MC_OK: OUT: All is ok
    public const uint FetchFailed = 0x1; // XEN_MC_FETCHFAILED: OUT: Domain could not fetch data.
    public const uint NoData = 0x2; // XEN_MC_NODATA: OUT: There was no machine check data to fetch.

    // XEN_MC_NOMATCH: OUT: Between notification time and this hypercall an other (most likely) correctable error happened. The fetched data, does not
    // match the original machine check data.
    public const uint NoMatch = 0x4;

    public const uint CannotHandle = 0x8; // XEN_MC_CANNOTHANDLE: OUT: DomU did not register MC NMI handler. Try something else.
    public const uint NotDelivered = 0x10; // XEN_MC_NOTDELIVERED: OUT: Notifying DomU failed. Retry later or try something else.
    public const uint VcpuIdInvalid = 0xFFFF; // XEN_MC_VCPUID_INVALID: Applicable to all mc_vcpuid fields below.
    public const uint VirqMca = 16; // VIRQ_MCA: G. (DOM0) Machine Check Architecture
    public const uint RecActionRecovered = 1u << 0; // REC_ACTION_RECOVERED: Xen takes successful recovery action, the error is recovered
    public const uint RecActionNone = 1u << 1; // REC_ACTION_NONE: No action is performed by XEN
    public const uint RecActionNeedReset = 1u << 2; // REC_ACTION_NEED_RESET: It's possible DOM0 might take action ownership in some case
    public const uint ActionPageOffline = 1u << 0; // MC_ACTION_PAGE_OFFLINE: Page Offline Action
    public const uint ActionCpuOffline = 1u << 1; // MC_ACTION_CPU_OFFLINE: CPU offline Action
    public const uint ActionCacheShrink = 1u << 2; // MC_ACTION_CACHE_SHRINK: L3 cache disable Action
    public const uint MaxUnionSize = 16; // MAX_UNION_SIZE
    public const uint McInfoHypercallSize = 1024; // MCINFO_HYPERCALLSIZE
    public const uint McInfoMaxSize = 768; // MCINFO_MAXSIZE
    public const uint McInfoFlagsUncomplete = 0x1; // MCINFO_FLAGS_UNCOMPLETE
    public const uint McMsrArraysize = 8; // __MC_MSR_ARRAYSIZE
    public const uint Ncaps = 7; // MC_NCAPS: 7 CPU feature flag words
    public const uint CapabilitiesStdEdx = 0; // MC_CAPS_STD_EDX: cpuid level 0x00000001 (%edx)
    public const uint CapabilitiesAmdEdx = 1; // MC_CAPS_AMD_EDX: cpuid level 0x80000001 (%edx)
    public const uint CapabilitiesTm = 2; // MC_CAPS_TM: cpuid level 0x80860001 (TransMeta)
    public const uint CapabilitiesLinux = 3; // MC_CAPS_LINUX: Linux-defined
    public const uint CapabilitiesStdEcx = 4; // MC_CAPS_STD_ECX: cpuid level 0x00000001 (%ecx)
    public const uint CapabilitiesVia = 5; // MC_CAPS_VIA: cpuid level 0xc0000001
    public const uint CapabilitiesAmdEcx = 6; // MC_CAPS_AMD_ECX: cpuid level 0x80000001 (%ecx)
    public const uint MsrinjMaxMsrs = 8; // MC_MSRINJ_MAXMSRS
    public const uint MsrinjFInterpose = 0x1; // MC_MSRINJ_F_INTERPOSE: Flags for mcinj_flags above; bits 16-31 are reserved
    public const uint MsrinjFGpAddress = 0x2; // MC_MSRINJ_F_GPADDR
    public const uint InjectTypeMask = 0x7; // XEN_MC_INJECT_TYPE_MASK
    public const uint InjectTypeMce = 0x0; // XEN_MC_INJECT_TYPE_MCE
    public const uint InjectTypeCmci = 0x1; // XEN_MC_INJECT_TYPE_CMCI
    public const uint InjectTypeLmce = 0x2; // XEN_MC_INJECT_TYPE_LMCE
    public const uint InjectCpuBroadcast = 0x8; // XEN_MC_INJECT_CPU_BROADCAST
}

/// <summary>
/// struct mcinfo_common, 4 bytes. Machine Check Architecure: structs are read-only and used to report all kinds of correctable and uncorrectable
/// errors detected by the HW. Dom0 and DomU: register a handler to get notified.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct McInfoCommon
{
    public ushort Type; // structure type
    public ushort Size; // size of this struct in bytes
}

/// <summary>struct mcinfo_global, 32 bytes. contains global x86 mc information</summary>
[StructLayout(LayoutKind.Sequential)]
public struct McInfoGlobal
{
    public McInfoCommon Common;
    public ushort McDomainId; // running domain at the time in error (most likely the impacted one)
    public ushort McVcpuId; // virtual cpu scheduled for mc_domid
    public uint McSocketid; // physical socket of the physical core
    public ushort McCoreid; // physical impacted core
    public ushort McCoreThreadid; // core thread of physical core
    public uint McApicid;
    public uint McFlags;
    public ulong McGstatus; // global status
}

/// <summary>struct mcinfo_bank, 48 bytes. contains bank local x86 mc information</summary>
[StructLayout(LayoutKind.Sequential)]
public struct McInfoBank
{
    public McInfoCommon Common;
    public ushort McBank; // bank nr
    public ushort McDomainId; // Usecase 5: domain referenced by mc_addr on dom0 and if mc_addr is valid. Never valid on DomU.
    public ulong McStatus; // bank status
    public ulong McAddress; // bank address, only valid if addr bit is set in mc_status
    public ulong McMisc;
    public ulong McControl2;
    public ulong McTsc;
}

/// <summary>struct mcinfo_msr, 16 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct McInfoMsr
{
    public ulong Register; // MSR
    public ulong Value; // MSR value
}

/// <summary>struct mcinfo_extended, 520 bytes. contains mc information from other or additional mc MSRs</summary>
[StructLayout(LayoutKind.Sequential)]
public struct McInfoExtended
{
    public McInfoCommon Common;

    // You can fill up to five registers. If you need more, then use this structure multiple times. Number of msr with valid values.
    public uint McMsrs;

    // Currently Intel extended MSR (32/64) include all gp registers and E(R)FLAGS, E(R)IP, E(R)MISC, up to 11/19 of them might be useful at present.
    // So expand this array to 32 to leave room.
    public McInfoMsrArray32 McMsr;
}

/// <summary>
/// struct page_offline_action, 16 bytes. Below interface used between XEN/DOM0 for passing XEN's recovery action information to DOM0. usage Senario:
/// After offlining broken page, XEN might pass its page offline recovery action result to DOM0.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct PageOfflineAction
{
    public ulong Mfn; // Params for passing the offlined page number to DOM0
    public ulong Status;
}

/// <summary>struct cpu_offline_action, 8 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct CpuOfflineAction
{
    public uint McSocketid; // Params for passing the identity of the offlined CPU to DOM0
    public ushort McCoreid;
    public ushort McCoreThreadid;
}

/// <summary>struct mcinfo_recovery, 24 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct McInfoRecovery
{
    public McInfoCommon Common;
    public ushort McBank; // bank nr
    public byte ActionFlags;
    public byte ActionTypes;
    public UInt64Array2 ActionInfo; // union: page_retire (PageOfflineAction), cpu_offline (CpuOfflineAction), pad (byte[16]).
}

/// <summary>struct mc_info, 768 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct McInfo
{
    public uint MiNentries; // Number of mcinfo_* entries in mi_data
    public uint Flags;
    public UInt64Array95 MiData;
}

/// <summary>struct mcinfo_logical_cpu, 304 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct McInfoLogicalCpu
{
    public uint McCpunr;
    public uint McChipid;
    public ushort McCoreid;
    public ushort McThreadid;
    public uint McApicid;
    public uint McClusterid;
    public uint McNcores;
    public uint McNcoresActive;
    public uint McNthreads;
    public int McCpuidLevel;
    public uint McFamily;
    public uint McVendor;
    public uint McModel;
    public uint McStep;
    public ByteArray16 McVendorid;
    public ByteArray64 McBrandid;
    public UInt32Array7 McCpuCapabilities;
    public uint McCacheSize;
    public uint McCacheAlignment;
    public int McNmsrvals;
    public uint Padding0;
    public McInfoMsrArray8 McMsrvalues;
}

/// <summary>
/// struct xen_mc_fetch, 24 bytes. Usecase 3 Fetch machine check data from hypervisor. Note, this hypercall is special, because both Dom0 and DomU
/// must use this.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct MachineCheckFetch
{
    public uint Flags; // IN: XEN_MC_NONURGENT, XEN_MC_URGENT, XEN_MC_ACK if ack'ing an earlier fetch
    public uint Pad0; // OUT: XEN_MC_OK, XEN_MC_FETCHFAILED, XEN_MC_NODATA, XEN_MC_NOMATCH
    public ulong FetchId; // OUT: id for ack, IN: id we are ack'ing
    public ulong Data; // OUT: guest handle of McInfo.
}

/// <summary>
/// struct xen_mc_notifydomain, 8 bytes. Usecase 4 This tells the hypervisor to notify a DomU about the machine check error
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct MachineCheckNotifyDomain
{
    public ushort McDomainId; // IN: The unprivileged domain to notify.
    public ushort McVcpuId; // IN: The vcpu in mc_domid to notify. Usually echo'd value from the fetch hypercall.
    public uint Flags; // IN/OUT
}

/// <summary>struct xen_mc_physcpuinfo, 16 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct MachineCheckPhysCpuInfo
{
    public uint Ncpus; // IN/OUT
    public uint Pad0; // IN/OUT
    public ulong Info; // OUT: guest handle of McInfoLogicalCpu.
}

/// <summary>struct xen_mc_msrinject, 144 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct MachineCheckMsrInject
{
    public uint McinjCpunr; // IN: target processor id
    public uint McinjFlags; // IN: see MC_MSRINJ_F_* below
    public uint McinjCount; // IN: 0 .. count-1 in array are valid
    public ushort McinjDomainId; // IN: valid only if MC_MSRINJ_F_GPADDR is present in mcinj_flags
    public ushort Pad0; // IN
    public McInfoMsrArray8 McinjMsr; // IN
}

/// <summary>struct xen_mc_mceinject, 4 bytes. Flags for mcinj_flags above; bits 16-31 are reserved</summary>
[StructLayout(LayoutKind.Sequential)]
public struct MachineCheckMceInject
{
    public uint MceinjCpunr; // target processor id
}

/// <summary>struct xen_mc_inject_v2, 24 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct MachineCheckInjectV2
{
    public uint Flags;
    public uint Padding0;
    public XenctlBitmap CpuMap;
}

/// <summary>struct xen_mc, 152 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct MachineCheckHeader
{
    /// <summary>Bytes of the whole C structure; a caller supplies this many.</summary>
    public const int TotalSize = 152;

    /// <summary>Offset and size of union u, where the operation's own structure starts.</summary>
    public const int ArgumentOffset = 8, ArgumentSize = 144;

    public uint Command;
    public uint InterfaceVersion; // XEN_MCA_INTERFACE_VERSION
}
