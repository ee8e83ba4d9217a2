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
    public uint Version; // Odd while the record changes; a reader repeats until it sees the same even number before and after.
    public uint Pad0;
    public ulong TscTimestamp; // TSC when the record was written.
    public ulong SystemTime; // System time then, in ns since boot.
    public uint TscToSystemMul; // now = SystemTime + ((((tsc - TscTimestamp) << TscShift) * TscToSystemMul) >> 32)
    public sbyte TscShift; // Shift to the left, or to the right if negative.
    public PvclockFlags Flags; // PvclockFlags.
    public ByteArray2 Pad1;
}

/// <summary>
/// struct vcpu_info, 64 bytes. Per-vCPU part of the shared info page, shared with the guest; it may move it with VCPUOP_register_vcpu_info.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct VcpuInfo
{
    public byte EventChannelUpcallPending; // Set by the hypervisor when an event is pending; cleared by the guest before it looks.
    public byte EventChannelUpcallMask; // PV: no upcall while set. Written by the guest; cleared by SCHEDOP_block.
    public UInt16Array3 Padding0;
    public ulong EventChannelPendingSelector; // Bit per 64-bit word of SharedInfo.EventChannelPending that has an unmasked pending port.
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
    public VcpuInfoArray32 VcpuInfo; // vCPUs 0 to 31, until they register a place of their own.

    // 2-level format: bit per port; set by the hypervisor, cleared by the guest. Each 64-bit word has its bit in
    // VcpuInfo.EventChannelPendingSelector.
    public UInt64Array64 EventChannelPending;

    public UInt64Array64 EventChannelMask; // 2-level format: bit per port; set and cleared by the guest, read by the hypervisor.
    public uint WallClockVersion; // Odd while the wall clock fields change.
    public uint WallClockSec; // Seconds since the Unix epoch at system time 0, adjusted by the time offset of the domain; low half.
    public uint WallClockNsec; // Nanoseconds below.
    public uint WallClockSecHigh; // High half of WallClockSec.
    public ArchSharedInfo Arch;
}
