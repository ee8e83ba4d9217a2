// SPDX-License-Identifier: MIT
// The virtual machine control block (AMD APM vol. 2, appendix B).

using System.Runtime.InteropServices;

namespace XenSharp.X64.Svm;

/// <summary>A segment register as the VMCB holds it; attributes are descriptor bits 40..47 and 52..55.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct VmcbSegment
{
    public ushort Selector;
    public ushort Attributes;
    public uint Limit;
    public ulong Base;
}

/// <summary>Control area at 0, state save area at 0x400; fields that the port does not use are named padding.</summary>
[StructLayout(LayoutKind.Explicit, Size = 4096)]
internal struct Vmcb
{
    [FieldOffset(0x000)] public ushort InterceptCrRead;
    [FieldOffset(0x002)] public ushort InterceptCrWrite;
    [FieldOffset(0x004)] public ushort InterceptDrRead;
    [FieldOffset(0x006)] public ushort InterceptDrWrite;
    [FieldOffset(0x008)] public uint InterceptExceptions;
    [FieldOffset(0x00c)] public uint Intercept1;
    [FieldOffset(0x010)] public uint Intercept2;
    [FieldOffset(0x040)] public ulong IoPermissionMap;
    [FieldOffset(0x048)] public ulong MsrPermissionMap;
    [FieldOffset(0x050)] public ulong TscOffset;
    [FieldOffset(0x058)] public uint AddressSpaceId;
    [FieldOffset(0x05c)] public uint TlbControl;
    [FieldOffset(0x060)] public uint VirtualInterrupt;
    [FieldOffset(0x064)] public uint VirtualInterruptVector;
    [FieldOffset(0x068)] public ulong InterruptShadow;
    [FieldOffset(0x070)] public ulong ExitCode;
    [FieldOffset(0x078)] public ulong ExitInfo1;
    [FieldOffset(0x080)] public ulong ExitInfo2;
    [FieldOffset(0x088)] public ulong ExitInterruptInfo;
    [FieldOffset(0x090)] public ulong NestedControl;
    [FieldOffset(0x0a8)] public ulong EventInjection;
    [FieldOffset(0x0b0)] public ulong NestedCr3;
    [FieldOffset(0x0c0)] public uint CleanBits;
    [FieldOffset(0x0c8)] public ulong NextRip;

    [FieldOffset(0x400)] public VmcbSegment Es;
    [FieldOffset(0x410)] public VmcbSegment Cs;
    [FieldOffset(0x420)] public VmcbSegment Ss;
    [FieldOffset(0x430)] public VmcbSegment Ds;
    [FieldOffset(0x440)] public VmcbSegment Fs;
    [FieldOffset(0x450)] public VmcbSegment Gs;
    [FieldOffset(0x460)] public VmcbSegment Gdtr;
    [FieldOffset(0x470)] public VmcbSegment Ldtr;
    [FieldOffset(0x480)] public VmcbSegment Idtr;
    [FieldOffset(0x490)] public VmcbSegment Tr;
    [FieldOffset(0x4cb)] public byte PrivilegeLevel;
    [FieldOffset(0x4d0)] public ulong Efer;
    [FieldOffset(0x548)] public ulong Cr4;
    [FieldOffset(0x550)] public ulong Cr3;
    [FieldOffset(0x558)] public ulong Cr0;
    [FieldOffset(0x560)] public ulong Dr7;
    [FieldOffset(0x568)] public ulong Dr6;
    [FieldOffset(0x570)] public ulong Rflags;
    [FieldOffset(0x578)] public ulong Rip;
    [FieldOffset(0x5d8)] public ulong Rsp;
    [FieldOffset(0x5f8)] public ulong Rax;
    [FieldOffset(0x600)] public ulong Star;
    [FieldOffset(0x608)] public ulong LStar;
    [FieldOffset(0x610)] public ulong CStar;
    [FieldOffset(0x618)] public ulong SyscallMask;
    [FieldOffset(0x620)] public ulong KernelGsBase;
    [FieldOffset(0x628)] public ulong SysenterCs;
    [FieldOffset(0x630)] public ulong SysenterEsp;
    [FieldOffset(0x638)] public ulong SysenterEip;
    [FieldOffset(0x640)] public ulong Cr2;
    [FieldOffset(0x668)] public ulong Pat;
}

/// <summary>Names of the bits and codes above.</summary>
internal static class Svm
{
    public const uint InterceptIntr = 1 << 0, InterceptNmi = 1 << 1, InterceptSmi = 1 << 2, InterceptInit = 1 << 3, InterceptVintr = 1 << 4;
    public const uint InterceptRdpmc = 1 << 15, InterceptIret = 1 << 20, InterceptSoftwareInterrupt = 1 << 21, InterceptCpuid = 1 << 18, InterceptInvd = 1 << 22, InterceptHlt = 1 << 24, InterceptInvlpga = 1 << 26;
    public const uint InterceptIo = 1 << 27, InterceptMsr = 1 << 28, InterceptTaskSwitch = 1 << 29, InterceptShutdown = 1u << 31;

    public const uint InterceptVmrun = 1 << 0, InterceptVmmcall = 1 << 1, InterceptVmload = 1 << 2, InterceptVmsave = 1 << 3, InterceptStgi = 1 << 4;
    public const uint InterceptClgi = 1 << 5, InterceptSkinit = 1 << 6, InterceptMonitor = 1 << 10, InterceptMwait = 1 << 11, InterceptXsetbv = 1 << 13;

    public const ulong ExitCrWrite = 0x10, ExitException = 0x40, ExitIntr = 0x60, ExitNmi = 0x61, ExitInit = 0x63, ExitVintr = 0x64, ExitRdpmc = 0x6f, ExitIret = 0x74, ExitSoftwareInterrupt = 0x75;
    public const ulong ExitCpuid = 0x72, ExitInvd = 0x76, ExitHlt = 0x78, ExitInvlpga = 0x7a, ExitIo = 0x7b, ExitMsr = 0x7c, ExitTaskSwitch = 0x7d, ExitShutdown = 0x7f;
    public const ulong ExitVmrun = 0x80, ExitVmmcall = 0x81, ExitVmload = 0x82, ExitVmsave = 0x83, ExitStgi = 0x84, ExitClgi = 0x85, ExitSkinit = 0x86;
    public const ulong ExitMonitor = 0x8a, ExitMwait = 0x8b, ExitXsetbv = 0x8d, ExitNestedPageFault = 0x400;

    public const ulong EventValid = 1UL << 31, EventErrorValid = 1 << 11, EventTypeMask = 7 << 8, EventTypeInterrupt = 0, EventTypeNmi = 2 << 8, EventTypeException = 3 << 8, EventTypeSoftware = 4 << 8;

    public const int DebugVector = 1, BreakpointVector = 3;

    /// <summary>V_IRQ, priority 15, ignore TPR: opens the interrupt window as soon as RFLAGS.IF is set.</summary>
    public const uint VirtualInterruptPending = (1 << 8) | (15 << 16) | (1 << 20);

    /// <summary>V_IRQ alone: the CPU clears it when the guest has taken the interrupt.</summary>
    public const uint VirtualInterruptRequest = 1 << 8;

    /// <summary>V_INTR_MASKING: the guest's RFLAGS.IF does not hold back the machine's interrupts.</summary>
    public const uint VirtualInterruptMasking = 1 << 24;

    public const uint FlushAll = 1;
}
