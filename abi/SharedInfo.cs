// SPDX-License-Identifier: MIT
// The page shared with each domain, and the clock in it. Contract: xen/include/public/xen.h of Xen 4.17 (MIT). Used by
// the hypercall handlers, the guests and the tools; layout checked by tests/Unit/Abi.

using System.Runtime.InteropServices;

namespace XenSharp.Abi;

/// <summary>
/// struct vcpu_time_info, 32 bytes. The pvclock record: system time at TscTimestamp and how to scale the TSC since then; Version is odd while it
/// changes.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct VcpuTimeInfo
{
    // Updates to the following values are preceded and followed by an increment of 'version'. The guest can therefore detect updates by looking for
    // changes to 'version'.
    public uint Version;

    public uint Pad0;
    public ulong TscTimestamp; // TSC at last update of time vals.
    public ulong SystemTime; // Time, in nanosecs, since boot.

    // Current system time: system_time + ((((tsc - tsc_timestamp) << tsc_shift) * tsc_to_system_mul) >> 32) CPU frequency (Hz): ((10^9 << 32) /
    // tsc_to_system_mul) >> tsc_shift
    public uint TscToSystemMul;

    public sbyte TscShift;
    public byte Flags;
    public ByteArray2 Pad1;
}

/// <summary>
/// struct vcpu_info, 64 bytes. Per-vCPU part of the shared info page, shared with the guest; it may move it with VCPUOP_register_vcpu_info.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct VcpuInfo
{
    // 'evtchn_upcall_pending' is written non-zero by Xen to indicate a pending notification for a particular VCPU. It is then cleared by the guest OS
    // /before/ checking for pending work, thus avoiding a set-and-check race.
    public byte EventChannelUpcallPending;

    public byte EventChannelUpcallMask;
    public UInt16Array3 Padding0;
    public ulong EventChannelPendingSelector;
    public ArchVcpuInfo Arch;
    public VcpuTimeInfo Time;
}

/// <summary>
/// struct shared_info, 3136 bytes. The page shared between a domain and the hypervisor: event channel bitmaps (2-level format), wall clock, vCPU
/// infos of the first 32 vCPUs.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct SharedInfo
{
    public VcpuInfoArray32 VcpuInfo;

    // A domain can create "event channels" on which it can send and receive asynchronous event notifications. There are three classes of event that
    // are delivered by this mechanism: 1. Bi-directional inter- and intra-domain connections.
    public UInt64Array64 EventChannelPending;

    public UInt64Array64 EventChannelMask;

    // Wallclock time: updated by control software or RTC emulation. Guests should base their gettimeofday() syscall on this wallclock-base value.
    public uint WallClockVersion;

    public uint WallClockSec;
    public uint WallClockNsec;
    public uint WallClockSecHigh;
    public ArchSharedInfo Arch;
}
