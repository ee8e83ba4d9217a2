// SPDX-License-Identifier: MIT
// System control: power states and frequencies, pages taken offline. Contract: xen/include/public/sysctl.h of Xen 4.17
// (MIT). Used by the hypercall handlers, the guests and the tools; layout checked by tests/Unit/Abi.

using System.Runtime.InteropServices;

namespace XenSharp.Abi;

/// <summary>struct pm_px_val, 24 bytes. XEN_SYSCTL_get_pmstat</summary>
[StructLayout(LayoutKind.Sequential)]
public struct PmPxValue
{
    public ulong Frequency; // Px core frequency
    public ulong Residency; // Px residency time
    public ulong Count; // Px transition count
}

/// <summary>struct pm_px_stat, 24 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct PmPxStat
{
    public byte Total; // total Px states
    public byte Usable; // usable Px states
    public byte Last; // last Px state
    public byte Current; // current Px state
    public uint Padding0;
    public ulong TransitivePt; // guest handle of uint64. Px transition table
    public ulong Pt; // guest handle of PmPxValue.
}

/// <summary>struct pm_cx_stat, 56 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct PmCxStat
{
    public uint Count; // entry nr in triggers & residencies, including C0
    public uint Last; // last Cx state
    public ulong IdleTime; // idle time from boot
    public ulong Triggers; // guest handle of uint64. Cx trigger counts
    public ulong Residencies; // guest handle of uint64. Cx residencies
    public uint PcCount; // entry nr in pc[]
    public uint CcCount; // entry nr in cc[]

    // guest handle of uint64. These two arrays may (and generally will) have unused slots; slots not having a corresponding hardware register will
    // not be written by the hypervisor.
    public ulong Pc;

    public ulong Cc; // guest handle of uint64.
}

/// <summary>struct xen_sysctl_get_pmstat, 64 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct SysctlGetPmStat
{
    public uint Type;
    public uint Cpuid;
    public UInt64Array7 U; // union: getpx (PmPxStat), getcx (PmCxStat).
}

/// <summary>struct xen_userspace, 4 bytes. XEN_SYSCTL_pm_op</summary>
[StructLayout(LayoutKind.Sequential)]
public struct CpuFreqUserspace
{
    public uint ScalingSetSpeed;
}

/// <summary>struct xen_ondemand, 16 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct CpuFreqOndemand
{
    public uint SamplingRateMax;
    public uint SamplingRateMin;
    public uint SamplingRate;
    public uint UpThreshold;
}

/// <summary>
/// struct xen_get_cpufreq_para, 120 bytes. cpufreq para name of this structure named same as sysfs file name of native linux
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct GetCpuFreqParameters
{
    public uint CpuNumber; // IN/OUT
    public uint FrequencyNumber; // IN/OUT
    public uint GovernorNumber; // IN/OUT
    public uint Padding0;
    public ulong AffectedCpus; // OUT: guest handle of uint32.
    public ulong ScalingAvailableFrequencies; // OUT: guest handle of uint32.
    public ulong ScalingAvailableGovernors; // OUT: guest handle of char.
    public ByteArray16 ScalingDriver; // OUT
    public uint CpuInfoCurrentFrequency; // OUT
    public uint CpuInfoMaxFrequency; // OUT
    public uint CpuInfoMinFrequency; // OUT
    public uint ScalingCurrentFrequency; // OUT
    public ByteArray16 ScalingGovernor; // OUT
    public uint ScalingMaxFrequency; // OUT
    public uint ScalingMinFrequency; // OUT
    public UInt32Array4 U; // OUT: union: userspace (CpuFreqUserspace), ondemand (CpuFreqOndemand). for specific governor
    public int TurboEnabled; // OUT
    public uint Padding1;
}

/// <summary>struct xen_set_cpufreq_gov, 16 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct SetCpuFreqGovernor
{
    public ByteArray16 ScalingGovernor;
}

/// <summary>struct xen_set_cpufreq_para, 8 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct SetCpuFreqParameters
{
    public uint ControlType;
    public uint ControlValue;
}

/// <summary>struct xen_sysctl_pm_op, 128 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct SysctlPmOperation
{
    public uint Command;
    public uint Cpuid;

    // union: get_para (GetCpuFreqParameters), set_gov (SetCpuFreqGovernor), set_para (SetCpuFreqParameters), get_avgfreq (ulong), set_sched_opt_smt
    // (uint), get_max_cstate (uint), set_max_cstate (uint).
    public UInt64Array15 U;
}

/// <summary>struct xen_sysctl_page_offline_op, 24 bytes. XEN_SYSCTL_page_offline_op</summary>
[StructLayout(LayoutKind.Sequential)]
public struct SysctlPageOfflineOperation
{
    public uint Command;
    public uint Start;
    public uint End;
    public uint Padding0;
    public ulong Status; // OUT: guest handle of uint32. result of page offline request bit 0~15: result flags bit 16~31: owner
}
