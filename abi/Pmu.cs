// SPDX-License-Identifier: MIT
// Numbers of the virtual performance counters. Contract: xen/include/public/pmu.h of Xen 4.17 (MIT). Used by the
// hypercall handlers, the guests and the tools; layout checked by tests/Unit/Abi.

using System.Runtime.InteropServices;

namespace XenSharp.Abi;

/// <summary>Commands of HYPERVISOR_xenpmu_op, XENPMU_*.</summary>
public enum PmuOperation : uint
{
    ModeGet = 0, // XENPMU_mode_get: Also used for getting PMU version
    ModeSet = 1, // XENPMU_mode_set
    FeatureGet = 2, // XENPMU_feature_get
    FeatureSet = 3, // XENPMU_feature_set
    Init = 4, // XENPMU_init
    Finish = 5, // XENPMU_finish
    LvtpcSet = 6, // XENPMU_lvtpc_set
    Flush = 7, // XENPMU_flush: Write cached MSR values to HW
}

/// <summary>Modes of the performance counters, XENPMU_MODE_*.</summary>
public enum PmuMode : uint
{
    Off = 0, // XENPMU_MODE_OFF: PMU modes: - XENPMU_MODE_OFF: No PMU virtualization
    Self = 1u << 0, // XENPMU_MODE_SELF
    Hv = 1u << 1, // XENPMU_MODE_HV
    All = 1u << 2, // XENPMU_MODE_ALL
}

/// <summary>Features of the performance counters.</summary>
public enum PmuFeature : uint
{
    IntelBts = 1u << 0, // XENPMU_FEATURE_INTEL_BTS: PMU features: - XENPMU_FEATURE_INTEL_BTS: Intel BTS support (ignored on AMD)
    IpcOnly = 1u << 1, // XENPMU_FEATURE_IPC_ONLY
    ArchOnly = 1u << 2, // XENPMU_FEATURE_ARCH_ONLY
}

/// <summary>Version of the interface.</summary>
public static class PmuVersion
{
    public const uint Major = 0; // XENPMU_VER_MAJ
    public const uint Min = 1; // XENPMU_VER_MIN
}

/// <summary>struct xen_pmu_params, member version, 8 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct PmuParamsVersion
{
    public uint Major;
    public uint Min;
}

/// <summary>struct xen_pmu_params, 24 bytes. Parameters structure for HYPERVISOR_xenpmu_op call</summary>
[StructLayout(LayoutKind.Sequential)]
public struct PmuParams
{
    public PmuParamsVersion Version; // IN/OUT
    public ulong Value; // IN/OUT
    public uint Vcpu; // IN
    public uint Pad; // IN
}
