// SPDX-License-Identifier: MIT
// RDMSR and WRMSR of a domain, for the registers that the port intercepts. EFER, the SYSCALL and SYSENTER registers and the segment
// bases are the port's own business.
//
// Behaviour: xen/arch/x86/msr.c, hvm/hvm.c, hvm/svm/svm.c, cpu/mcheck/vmce.c of 4.17. An unknown register takes #GP.

using System;
using XenSharp.Core.Console;
using XenSharp.Core.Vcpus;
using XenSharp.Devices.Apic;

namespace XenSharp.Core.CpuPolicy;

/// <summary>False from <see cref="Read"/> or <see cref="Write"/> means #GP.</summary>
public static class MsrPolicy
{
    /// <summary>Writing a guest-physical address here fills that page with hypercall stubs.</summary>
    public const uint HypercallPage = 0x4000_0000;

    private const uint TimeStampCounter = 0x10, TscAdjust = 0x3b, TscDeadline = 0x6e0, PatchLevel = 0x8b, MiscFeatures = 0x140, DebugControl = 0x1d9, TscAux = 0xc000_0103;
    private const uint McgCap = 0x179, McgStatus = 0x17a, McgCtl = 0x17b;
    private const uint McFirst = 0x400, McLast = 0x47f, McEmulated = McFirst + (4 * VcpuMsrs.MachineCheckBanks);
    private const uint AmdSysCfg = 0xc001_0010, AmdHwcr = 0xc001_0015, AmdTopMemory1 = 0xc001_001a, AmdTopMemory2 = 0xc001_001d;
    private const uint AmdNorthbridge = 0xc001_001f, AmdPatchLoader = 0xc001_0020, AmdC1E = 0xc001_0055, AmdTsegBase = 0xc001_0112;
    private const uint AmdTsegMask = 0xc001_0113, AmdVmCr = 0xc001_0114, AmdHostSave = 0xc001_0117;
    private const uint AmdDecodeConfiguration = 0xc001_1029, AmdExecutionConfiguration = 0xc001_102c;
    private const uint PlatformInformation = 0xce;
    private const uint AmdVirtualSpeculation = 0xc001_011f, AmdBusUnit = 0xc001_1023, AmdBusUnit2 = 0xc001_102a;
    private const ulong LfenceSerialises = 2, StoreBypassDisable = 4;
    private const ulong ThresholdLocked = 1UL << 61;

    public static bool Read(Vcpu vcpu, uint index, out ulong value)
    {
        value = 0;
        if (index == LocalApic.BaseMsr || index - LocalApic.FirstMsr <= LocalApic.LastMsr - LocalApic.FirstMsr)
            return vcpu.Apic.ReadMsr(index, out value);
        VcpuMsrs msrs = vcpu.Msrs;
        if (MemoryTypeMsrs.Contains(index))
            return MemoryTypeMsrs.Read(msrs, index, out value);
        switch (index)
        {
            case TimeStampCounter:
                value = vcpu.Host.Platform.ReadTsc();
                return true;
            case PatchLevel:
                value = vcpu.Host.Cpuid.PatchLevel;
                return true;
            case TscAdjust:
                value = msrs.TscAdjust;
                return true;
            case PlatformInformation:
                value = vcpu.Domain.Cpuid.PlatformInformation;
                return true;
            case MiscFeatures:
                value = msrs.MiscFeatures;
                return true;
            case TscDeadline:
                return true;
            case McgCap:
                value = msrs.MachineCheck.Capabilities;
                return true;
            case McgStatus:
                value = msrs.MachineCheckStatus;
                return true;
            case McgCtl:
                return true;
            case >= 0x280 and <= 0x29f:
                return true;
            case >= McFirst and <= McLast:
                // Control registers of the banks read as all ones, and the banks are empty.
                value = (index & 3) == 0 && index < McEmulated ? ulong.MaxValue : 0;
                return true;
            case DebugControl:
                value = msrs.DebugControl;
                return true;
            case >= 0x1db and <= 0x1de:
                return true;
            case HypercallPage:
                return true;
            case AmdVirtualSpeculation:
                value = msrs.VirtualSpeculationControl;
                return vcpu.Domain.Cpuid.HasVirtualSsbd;
            case TscAux:
                value = msrs.TscAux;
                return vcpu.Domain.Cpuid.HasRdtscp;
        }

        return (vcpu.Domain.Cpuid.IsAmd && ReadAmd(index, out value)) || Refuse(vcpu, index, "RDMSR "u8);
    }

    public static bool Write(Vcpu vcpu, uint index, ulong value)
    {
        if (index == LocalApic.BaseMsr || index - LocalApic.FirstMsr <= LocalApic.LastMsr - LocalApic.FirstMsr)
            return vcpu.Apic.WriteMsr(index, value);
        VcpuMsrs msrs = vcpu.Msrs;
        if (MemoryTypeMsrs.Contains(index))
            return MemoryTypeMsrs.Write(msrs, index, value, vcpu.Domain.Cpuid.PhysicalAddressBits);
        switch (index)
        {
            case TimeStampCounter:
                // The TSC is the machine's, common to all: it cannot be set.
                return true;
            case TscAdjust:
                msrs.TscAdjust = value;
                return true;
            case MiscFeatures:
                if ((value & ~(vcpu.Domain.Cpuid.PlatformInformation >> 31)) != 0)
                    return false;
                msrs.MiscFeatures = value;
                return true;
            case TscDeadline:
                // No timer in deadline mode exists: ignored, as Xen does then.
                return true;
            case McgStatus:
                msrs.MachineCheckStatus = value;
                return true;
            case McgCap or McgCtl:
            case >= 0x280 and <= 0x29f:
                return true;
            case >= McFirst and <= McLast:
                // Control registers stay at all ones; the others may only be cleared.
                return (index & 3) == 0 || value == 0 || index >= McEmulated;
            case DebugControl:
                msrs.DebugControl = value & 0x3f;
                return true;
            case HypercallPage:
                return HypercallStubs.Write(vcpu, value);
            case AmdVirtualSpeculation:
                msrs.VirtualSpeculationControl = value & StoreBypassDisable;
                return vcpu.Domain.Cpuid.HasVirtualSsbd;
            case TscAux:
                if (!vcpu.Domain.Cpuid.HasRdtscp || value > uint.MaxValue)
                    return false;
                msrs.TscAux = (uint)value;
                return true;
        }

        return (vcpu.Domain.Cpuid.IsAmd && WriteAmd(index)) || Refuse(vcpu, index, "WRMSR "u8);
    }

    private static bool ReadAmd(uint index, out ulong value)
    {
        value = index == AmdDecodeConfiguration ? LfenceSerialises : 0;
        switch (index)
        {
            case AmdSysCfg or AmdHwcr or AmdTopMemory1 or AmdTopMemory2 or AmdNorthbridge or AmdC1E:
            case >= 0xc001_0016 and <= 0xc001_0019:
            case AmdTsegBase or AmdTsegMask or AmdVmCr or AmdHostSave or AmdDecodeConfiguration or AmdExecutionConfiguration:
            case AmdBusUnit or AmdBusUnit2:
            case >= 0xc001_0000 and <= 0xc001_0007:
            case >= 0xc001_0200 and <= 0xc001_020b:
                return true;
            case >= 0xc000_0408 and <= 0xc000_040a:
                value = ThresholdLocked;
                return true;
            default:
                return false;
        }
    }

    // Performance counters ignore what is written: a kernel that reads its value back learns that there are none.
    private static bool WriteAmd(uint index) => index is AmdNorthbridge or AmdPatchLoader or AmdDecodeConfiguration or AmdVmCr or AmdSysCfg
        or (>= 0xc000_0408 and <= 0xc000_040a) or (>= 0xc001_0000 and <= 0xc001_0007) or (>= 0xc001_0200 and <= 0xc001_020b) or AmdBusUnit or AmdBusUnit2;

    private static bool Refuse(Vcpu vcpu, uint index, ReadOnlySpan<byte> access)
    {
        vcpu.Host.Console.BeginGuest(LogLevel.Debug, vcpu.Processor).Text("d"u8).Decimal(vcpu.Domain.Id).Text("v"u8).Decimal(vcpu.Id)
            .Text(": "u8).Text(access).Hex(index, 8).Text(" is not implemented"u8).End();
        return false;
    }
}
