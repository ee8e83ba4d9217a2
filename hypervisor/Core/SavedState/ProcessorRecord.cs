// SPDX-License-Identifier: MIT
// The record of a vCPU's registers (struct hvm_hw_cpu, xen/include/public/arch-x86/hvm/save.h).

using System;
using XenSharp.Abi;
using XenSharp.Core.CpuPolicy;
using XenSharp.Core.Vcpus;
using XenSharp.Edge;
using static XenSharp.Core.Hypercalls.HypercallError;

namespace XenSharp.Core.SavedState;

/// <summary>Segments by the numbers of <see cref="VcpuContext.GetSegment"/>.</summary>
public static class ProcessorRecord
{
    private const int Es = 0, Cs = 1, Ss = 2, Ds = 3, Fs = 4, Gs = 5, TaskRegister = 6, LocalTable = 7, GlobalTable = 8, InterruptTable = 9;
    private const ulong DefinedCr0 = 0xe005_003f, ProtectionEnable = 1, ExtensionType = 1 << 4, PagingEnable = 1UL << 31;
    private const ulong EferSyscall = 1, EferLongEnable = 1 << 8, EferLongActive = 1 << 10, EferNoExecute = 1 << 11, EferFastFxsr = 1 << 14;
    private const ulong ReservedFlags = 2;
    private const ushort ResetControlWord = 0x40;
    private const uint FpuInitialised = 1;
    private const uint EventValid = 1U << 31, EventErrorValid = 1 << 11;

    public static int Make(Vcpu vcpu, Span<byte> record)
    {
        VcpuContext context = vcpu.Context;
        HvmHwCpu cpu = default;
        if (ExtendedStateImage.IsInitialised(vcpu))
        {
            context.ExtendedImage.Slice(0, ExtendedStateImage.HeaderOffset).CopyTo(AbiBytes.Of(ref cpu.FpuRegisters));
            cpu.Flags = FpuInitialised;
        }

        GetGeneral(context, ref cpu);
        context.GetSystem(out SystemState system);
        cpu.Cr0 = system.Cr0;
        cpu.Cr2 = system.Cr2;
        cpu.Cr3 = system.Cr3;
        cpu.Cr4 = system.Cr4;
        cpu.Dr0 = system.Dr0;
        cpu.Dr1 = system.Dr1;
        cpu.Dr2 = system.Dr2;
        cpu.Dr3 = system.Dr3;
        cpu.Dr6 = system.Dr6;
        cpu.Dr7 = system.Dr7;
        cpu.SysenterCs = system.SysenterCs;
        cpu.SysenterEsp = system.SysenterEsp;
        cpu.SysenterRip = system.SysenterEip;
        cpu.ShadowGs = system.KernelGsBase;
        cpu.MsrLstar = system.LStar;
        cpu.MsrStar = system.Star;
        cpu.MsrCstar = system.CStar;
        cpu.MsrSyscallMask = system.SyscallMask;
        cpu.MsrEfer = system.Efer;
        cpu.MsrTscAux = vcpu.Msrs.TscAux;
        cpu.Tsc = vcpu.Host.Platform.ReadTsc();
        if ((system.PendingEvent & EventValid) != 0 && IsRepeated((uint)system.PendingEvent))
        {
            cpu.PendingEvent = (uint)system.PendingEvent;
            cpu.ErrorCode = (uint)(system.PendingEvent >> 32);
        }

        GetSegments(context, ref cpu);
        AbiBytes.OfReadOnly(in cpu).CopyTo(record);
        return AbiBytes.SizeOf<HvmHwCpu>();
    }

    /// <summary>Whether a record's registers may be loaded: 0 or -EINVAL.</summary>
    public static long Check(Vcpu vcpu, in HvmHwCpu cpu)
    {
        CpuidPolicy policy = vcpu.Domain.Cpuid;
        bool isPaging = (cpu.Cr0 & PagingEnable) != 0;
        if (cpu.Pad0 != 0 || (cpu.Cr0 & ~DefinedCr0) != 0 || (cpu.Cr0 & ExtensionType) == 0 || (isPaging && (cpu.Cr0 & ProtectionEnable) == 0))
            return EINVAL;
        if ((cpu.Cr4 & ~policy.ControlRegister4Bits) != 0 || !IsEfer(policy, cpu.MsrEfer, isPaging))
            return EINVAL;
        if (cpu.Cr3 >> policy.PhysicalAddressBits != 0 || (cpu.Flags & ~FpuInitialised) != 0 || cpu.MsrTscAux > uint.MaxValue)
            return EINVAL;
        return IsEvent(cpu.PendingEvent, cpu.ErrorCode) ? 0 : EINVAL;
    }

    /// <summary>Loads registers that have been checked. Any time-stamp counter is the machine's: that of the record is not used.</summary>
    public static void Load(Vcpu vcpu, in HvmHwCpu cpu)
    {
        VcpuContext context = vcpu.Context;
        SystemState system = default;
        system.Cr0 = cpu.Cr0;
        system.Cr2 = cpu.Cr2;
        system.Cr3 = cpu.Cr3;
        system.Cr4 = cpu.Cr4;
        system.Efer = cpu.MsrEfer;
        system.Dr0 = cpu.Dr0;
        system.Dr1 = cpu.Dr1;
        system.Dr2 = cpu.Dr2;
        system.Dr3 = cpu.Dr3;
        system.Dr6 = cpu.Dr6;
        system.Dr7 = cpu.Dr7;
        system.SysenterCs = cpu.SysenterCs;
        system.SysenterEsp = cpu.SysenterEsp;
        system.SysenterEip = cpu.SysenterRip;
        system.KernelGsBase = cpu.ShadowGs;
        system.LStar = cpu.MsrLstar;
        system.Star = cpu.MsrStar;
        system.CStar = cpu.MsrCstar;
        system.SyscallMask = cpu.MsrSyscallMask;
        if ((cpu.PendingEvent & EventValid) != 0 && IsRepeated(cpu.PendingEvent))
            system.PendingEvent = cpu.PendingEvent | ((cpu.PendingEvent & EventErrorValid) != 0 ? (ulong)cpu.ErrorCode << 32 : 0);
        context.LoadSystem(in system);
        LoadSegments(context, in cpu);
        LoadGeneral(context, in cpu);
        HvmHwCpu copy = cpu;
        ReadOnlySpan<byte> fpu = AbiBytes.Of(ref copy.FpuRegisters);
        ExtendedStateImage.LoadLegacy(vcpu, (cpu.Flags & FpuInitialised) != 0 ? fpu : default, ResetControlWord);
        vcpu.Msrs.TscAux = (uint)cpu.MsrTscAux;
        vcpu.Msrs.Pat = VcpuMsrs.ResetPat;
    }

    // hvm_efer_valid of Xen.
    private static bool IsEfer(CpuidPolicy policy, ulong efer, bool isPaging)
    {
        ulong allowed = policy.ExtendedFeatureBits & (EferSyscall | EferLongEnable | EferLongActive | EferNoExecute | EferFastFxsr);
        if ((efer & ~allowed) != 0)
            return false;
        return (efer & EferLongActive) == 0 || ((efer & EferLongEnable) != 0 && isPaging);
    }

    private static bool IsEvent(uint pending, uint errorCode)
    {
        if ((pending & EventValid) == 0)
            return true;
        uint type = (pending >> 8) & 7, reserved = (pending >> 12) & 0x7_ffff;
        return type is not 1 and <= 4 && reserved == 0 && ((pending & EventErrorValid) == 0 || errorCode <= ushort.MaxValue);
    }

    // What the guest does not bring about again by itself: interrupts, NMIs, exceptions other than those of INT3 and INTO.
    private static bool IsRepeated(uint pending)
    {
        const uint nmi = 2, exception = 3;
        uint type = (pending >> 8) & 7, vector = pending & 0xff;
        return type is 0 or nmi || (type == exception && vector is not (3 or 4));
    }

    private static void GetGeneral(VcpuContext context, ref HvmHwCpu cpu)
    {
        cpu.Rax = context.GetRegister(0);
        cpu.Rcx = context.GetRegister(1);
        cpu.Rdx = context.GetRegister(2);
        cpu.Rbx = context.GetRegister(3);
        cpu.Rsp = context.GetRegister(4);
        cpu.Rbp = context.GetRegister(5);
        cpu.Rsi = context.GetRegister(6);
        cpu.Rdi = context.GetRegister(7);
        cpu.R8 = context.GetRegister(8);
        cpu.R9 = context.GetRegister(9);
        cpu.R10 = context.GetRegister(10);
        cpu.R11 = context.GetRegister(11);
        cpu.R12 = context.GetRegister(12);
        cpu.R13 = context.GetRegister(13);
        cpu.R14 = context.GetRegister(14);
        cpu.R15 = context.GetRegister(15);
        cpu.Rip = context.Rip;
        cpu.Rflags = context.Rflags;
    }

    private static void LoadGeneral(VcpuContext context, in HvmHwCpu cpu)
    {
        context.SetRegister(0, cpu.Rax);
        context.SetRegister(1, cpu.Rcx);
        context.SetRegister(2, cpu.Rdx);
        context.SetRegister(3, cpu.Rbx);
        context.SetRegister(4, cpu.Rsp);
        context.SetRegister(5, cpu.Rbp);
        context.SetRegister(6, cpu.Rsi);
        context.SetRegister(7, cpu.Rdi);
        context.SetRegister(8, cpu.R8);
        context.SetRegister(9, cpu.R9);
        context.SetRegister(10, cpu.R10);
        context.SetRegister(11, cpu.R11);
        context.SetRegister(12, cpu.R12);
        context.SetRegister(13, cpu.R13);
        context.SetRegister(14, cpu.R14);
        context.SetRegister(15, cpu.R15);
        context.Rip = cpu.Rip;
        context.Rflags = cpu.Rflags | ReservedFlags;
    }

    private static void GetSegments(VcpuContext context, ref HvmHwCpu cpu)
    {
        Get(context, Cs, out cpu.CsSelector, out cpu.CsLimit, out cpu.CsBase, out cpu.CsAccessRights);
        Get(context, Ds, out cpu.DsSelector, out cpu.DsLimit, out cpu.DsBase, out cpu.DsAccessRights);
        Get(context, Es, out cpu.EsSelector, out cpu.EsLimit, out cpu.EsBase, out cpu.EsAccessRights);
        Get(context, Fs, out cpu.FsSelector, out cpu.FsLimit, out cpu.FsBase, out cpu.FsAccessRights);
        Get(context, Gs, out cpu.GsSelector, out cpu.GsLimit, out cpu.GsBase, out cpu.GsAccessRights);
        Get(context, Ss, out cpu.SsSelector, out cpu.SsLimit, out cpu.SsBase, out cpu.SsAccessRights);
        Get(context, TaskRegister, out cpu.TrSelector, out cpu.TrLimit, out cpu.TrBase, out cpu.TrAccessRights);
        Get(context, LocalTable, out cpu.LdtrSelector, out cpu.LdtrLimit, out cpu.LdtrBase, out cpu.LdtrAccessRights);
        Get(context, GlobalTable, out _, out cpu.GdtrLimit, out cpu.GdtrBase, out _);
        Get(context, InterruptTable, out _, out cpu.IdtrLimit, out cpu.IdtrBase, out _);
    }

    private static void LoadSegments(VcpuContext context, in HvmHwCpu cpu)
    {
        Load(context, Cs, cpu.CsSelector, cpu.CsLimit, cpu.CsBase, cpu.CsAccessRights);
        Load(context, Ds, cpu.DsSelector, cpu.DsLimit, cpu.DsBase, cpu.DsAccessRights);
        Load(context, Es, cpu.EsSelector, cpu.EsLimit, cpu.EsBase, cpu.EsAccessRights);
        Load(context, Fs, cpu.FsSelector, cpu.FsLimit, cpu.FsBase, cpu.FsAccessRights);
        Load(context, Gs, cpu.GsSelector, cpu.GsLimit, cpu.GsBase, cpu.GsAccessRights);
        Load(context, Ss, cpu.SsSelector, cpu.SsLimit, cpu.SsBase, cpu.SsAccessRights);
        Load(context, TaskRegister, cpu.TrSelector, cpu.TrLimit, cpu.TrBase, cpu.TrAccessRights);
        Load(context, LocalTable, cpu.LdtrSelector, cpu.LdtrLimit, cpu.LdtrBase, cpu.LdtrAccessRights);
        Load(context, GlobalTable, 0, cpu.GdtrLimit, cpu.GdtrBase, 0);
        Load(context, InterruptTable, 0, cpu.IdtrLimit, cpu.IdtrBase, 0);
    }

    private static void Get(VcpuContext context, int number, out uint selector, out uint limit, out ulong address, out uint rights)
    {
        context.GetSegment(number, out SegmentState segment);
        selector = segment.Selector;
        limit = segment.Limit;
        address = segment.Base;
        rights = segment.Attributes;
    }

    private static void Load(VcpuContext context, int number, uint selector, uint limit, ulong address, uint rights)
    {
        // Rights as Intel's VMCS has them are folded (as in Xen).
        if ((rights & 0xf000) != 0 && (rights & 0x0f00) == 0)
            rights = (rights & 0xff) | ((rights >> 4) & 0xf00);
        SegmentState segment;
        segment.Selector = (ushort)selector;
        segment.Limit = limit;
        segment.Base = address;
        segment.Attributes = (ushort)rights;
        context.LoadSegment(number, in segment);
    }
}
