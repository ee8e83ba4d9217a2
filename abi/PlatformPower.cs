// SPDX-License-Identifier: MIT
// Power states of the CPUs that dom0 reports through XENPF_set_processor_pminfo. Contract:
// xen/include/public/platform.h of Xen 4.17 (MIT). Used by the hypercall handlers, the guests and the tools; layout
// checked by tests/Unit/Abi.

using System.Runtime.InteropServices;

namespace XenSharp.Abi;

/// <summary>struct xen_power_register, 24 bytes. Px sub info type</summary>
[StructLayout(LayoutKind.Sequential)]
public struct PowerRegister
{
    public uint SpaceId;
    public uint BitWidth;
    public uint BitOffset;
    public uint AccessSize;
    public ulong Address;
}

/// <summary>struct xen_processor_csd, 12 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct ProcessorCsd
{
    public uint Domain; // domain number of one dependent group
    public uint CoordType; // coordination type
    public uint Number; // number of processors in same domain
}

/// <summary>struct xen_processor_cx, 48 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct ProcessorCx
{
    public PowerRegister Register; // GAS for Cx trigger register
    public byte Type; // cstate value, c0: 0, c1: 1, ...
    public ByteArray3 Padding0;
    public uint Latency; // worst latency (ms) to enter/exit this cstate
    public uint Power; // average power consumption(mW)
    public uint Dpcnt; // number of dependency entries
    public ulong Dp; // guest handle of ProcessorCsd. NULL if no dependency
}

/// <summary>struct xen_processor_flags, 4 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct ProcessorFlags
{
    public byte Bits0; // bits, low to high: bm_control:1, bm_check:1, has_cst:1, power_setup_done:1, bm_rld_set:1
    public ByteArray3 Padding0;
}

/// <summary>struct xen_processor_power, 16 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct ProcessorPower
{
    public uint Count; // number of C state entries in array below
    public ProcessorFlags Flags; // global flags of this processor
    public ulong States; // guest handle of ProcessorCx. supported c states
}

/// <summary>struct xen_pct_register, 16 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct PctRegister
{
    public byte Descriptor;
    public byte Padding0;
    public ushort Length;
    public byte SpaceId;
    public byte BitWidth;
    public byte BitOffset;
    public byte Reserved;
    public ulong Address;
}

/// <summary>struct xen_processor_px, 48 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct ProcessorPx
{
    public ulong CoreFrequency; // megahertz
    public ulong Power; // milliWatts
    public ulong TransitionLatency; // microseconds
    public ulong BusMasterLatency; // microseconds
    public ulong Control; // control value
    public ulong Status; // success indicator
}

/// <summary>struct xen_psd_package, 40 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct PsdPackage
{
    public ulong EntryCount;
    public ulong Revision;
    public ulong Domain;
    public ulong CoordType;
    public ulong ProcessorCount;
}

/// <summary>struct xen_processor_performance, 104 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct ProcessorPerformance
{
    public uint Flags; // flag for Px sub info type
    public uint PlatformLimit; // Platform limitation on freq usage
    public PctRegister ControlRegister;
    public PctRegister StatusRegister;
    public uint StateCount; // total available performance states
    public uint Padding0;
    public ulong States; // guest handle of ProcessorPx.
    public PsdPackage DomainInfo;
    public uint SharedType;
    public uint Padding1;
}

/// <summary>struct xenpf_set_processor_pminfo, 112 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct PlatformSetProcessorPmInfo
{
    public uint Id; // IN: ACPI CPU ID
    public uint Type; // IN: {XEN_PM_CX, XEN_PM_PX}
    public UInt64Array13 U; // IN: union: power (ProcessorPower), perf (ProcessorPerformance), pdc (ulong).
}
