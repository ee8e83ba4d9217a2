// SPDX-License-Identifier: MIT
// Parts of a vCPU's registers as they are saved and loaded; see VcpuContext.

namespace XenSharp.Edge;

/// <summary>A segment register with its hidden part; attributes as in xen/include/public/hvm/hvm_vcpu.h.</summary>
public struct SegmentState
{
    public ulong Base;
    public uint Limit;
    public ushort Selector;
    public ushort Attributes;
}

/// <summary>Control and debug registers, and the model-specific registers that the port switches.</summary>
public struct SystemState
{
    public ulong Cr0;
    public ulong Cr2;
    public ulong Cr3;
    public ulong Cr4;
    public ulong Efer;
    public ulong Dr0;
    public ulong Dr1;
    public ulong Dr2;
    public ulong Dr3;
    public ulong Dr6;
    public ulong Dr7;
    public ulong Star;
    public ulong LStar;
    public ulong CStar;
    public ulong SyscallMask;
    public ulong KernelGsBase;
    public ulong SysenterCs;
    public ulong SysenterEsp;
    public ulong SysenterEip;

    /// <summary>The event that the next entry delivers, as AMD's EVENTINJ (APM vol. 2, 15.20); bit 31 clear: none.</summary>
    public ulong PendingEvent;
}
