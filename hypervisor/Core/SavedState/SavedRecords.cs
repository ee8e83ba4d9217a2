// SPDX-License-Identifier: MIT
// The records of a domain's saved state: which there are, in which order, and how each is made. Called by SavedState.
//
// Format: xen/include/public/arch-x86/hvm/save.h.

using System;
using System.Buffers.Binary;
using XenSharp.Abi;
using XenSharp.Core.CpuPolicy;
using XenSharp.Core.Domains;
using XenSharp.Core.Vcpus;
using XenSharp.Devices.Apic;
using XenSharp.Edge;

namespace XenSharp.Core.SavedState;

/// <summary>What the record of a vCPU or of the domain contains. The vCPU is paused and its registers are saved.</summary>
public static class SavedRecords
{
    /// <summary>The longest record: the extended state.</summary>
    public const int MaxLength = ExtendedStateHeader + ExtendedImage;

    /// <summary>Feature mask, XCR0, accumulated XCR0 (struct hvm_hw_cpu_xsave).</summary>
    public const int ExtendedStateHeader = 24;

    public const uint MiscFeatures = 0x140, VirtualSpeculation = 0xc001_011f;

    /// <summary>Offsets in struct hvm_hw_mtrr.</summary>
    public const int MtrrVariable = 8, MtrrFixed = 136, MtrrCapability = 224, MtrrDefaultType = 232;

    private const int ExtendedImage = 3072;
    private const int MsrHeader = 8, MsrSize = 16;

    /// <summary>Whether there is one record for each vCPU (HVMSR_PER_VCPU).</summary>
    public static bool IsPerVcpu(HvmSaveType type) => type is HvmSaveType.Cpu or HvmSaveType.LocalApic or HvmSaveType.LocalApicRegisters or HvmSaveType.Mtrr
        or HvmSaveType.CpuXsave or HvmSaveType.ViridianVcpu or HvmSaveType.VmceVcpu or HvmSaveType.TscAdjust or HvmSaveType.CpuMsr;

    /// <summary>Writes a record's contents; its length, or 0 when the domain has nothing of the kind.</summary>
    public static int Make(HvmSaveType type, Vcpu vcpu, Span<byte> record)
    {
        switch (type)
        {
            case HvmSaveType.Cpu:
                return vcpu.IsUp ? ProcessorRecord.Make(vcpu, record) : 0;
            case HvmSaveType.LocalApic:
                HvmHwLocalApic apic = default;
                apic.ApicBaseMsr = vcpu.Apic.Base;
                apic.Disabled = vcpu.Apic.DisabledReasons;
                apic.TimerDivisor = vcpu.Apic.TimerDivisor;
                return Put(in apic, record);
            case HvmSaveType.LocalApicRegisters:
                vcpu.Apic.SaveRegisters(record.Slice(0, LocalApic.SavedSize));
                return LocalApic.SavedSize;
            case HvmSaveType.Mtrr:
                return MemoryTypes(vcpu.Msrs, record);
            case HvmSaveType.CpuXsave:
                return ExtendedState(vcpu, record);
            case HvmSaveType.VmceVcpu:
                HvmVmceVcpu machineCheck = vcpu.Msrs.MachineCheck;
                return Put(in machineCheck, record);
            case HvmSaveType.TscAdjust:
                HvmTscAdjust adjust;
                adjust.TscAdjust = vcpu.Msrs.TscAdjust;
                return Put(in adjust, record);
            case HvmSaveType.CpuMsr:
                return Msrs(vcpu, record);
            case HvmSaveType.PciIrq:
                // No interrupt lines: the records are there all the same, as Xen's are.
                return Zero(AbiBytes.SizeOf<HvmHwPciIrqs>(), record);
            case HvmSaveType.IsaIrq:
                return Zero(AbiBytes.SizeOf<HvmHwIsaIrqs>(), record);
            case HvmSaveType.PciLink:
                return Zero(AbiBytes.SizeOf<HvmHwPciLink>(), record);
            default:
                return 0;
        }
    }

    /// <summary>Components whose state a record must carry: what the guest has enabled so far. 0: it has not enabled any.</summary>
    public static ulong UsedStates(Vcpu vcpu)
    {
        const ulong fpu = 1;
        ulong used = vcpu.EnabledStates;
        ulong held = BinaryPrimitives.ReadUInt64LittleEndian(vcpu.Context.ExtendedImage.Slice(ExtendedStateImage.HeaderOffset));
        ulong all = (used | held) & vcpu.Domain.Cpuid.States;
        return used == fpu ? 0 : all;
    }

    private static int Put<T>(in T value, Span<byte> record) where T : unmanaged
    {
        AbiBytes.OfReadOnly(in value).CopyTo(record);
        return AbiBytes.SizeOf<T>();
    }

    private static int Zero(int length, Span<byte> record)
    {
        record.Slice(0, length).Clear();
        return length;
    }

    private static int MemoryTypes(VcpuMsrs msrs, Span<byte> record)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(record, msrs.Pat);
        for (int i = 0; i < 2 * VcpuMsrs.VariableRanges; i++)
            BinaryPrimitives.WriteUInt64LittleEndian(record.Slice(MtrrVariable + (i * 8)), msrs.MtrrVariable[i]);
        for (int i = 0; i < VcpuMsrs.FixedRanges; i++)
            BinaryPrimitives.WriteUInt64LittleEndian(record.Slice(MtrrFixed + (i * 8)), msrs.MtrrFixed[i]);
        BinaryPrimitives.WriteUInt64LittleEndian(record.Slice(MtrrCapability), msrs.MtrrCapability);
        BinaryPrimitives.WriteUInt64LittleEndian(record.Slice(MtrrDefaultType), msrs.MtrrDefaultType);
        return AbiBytes.SizeOf<HvmHwMtrr>();
    }

    private static int ExtendedState(Vcpu vcpu, Span<byte> record)
    {
        ulong used = UsedStates(vcpu);
        if (used == 0)
            return 0;
        int image = (int)vcpu.Domain.Cpuid.ImageSize(used);
        BinaryPrimitives.WriteUInt64LittleEndian(record, ExtendedStateImage.HostStates(vcpu.Host.Cpuid));
        BinaryPrimitives.WriteUInt64LittleEndian(record.Slice(8), vcpu.EnabledStates);
        BinaryPrimitives.WriteUInt64LittleEndian(record.Slice(16), used);
        ExtendedStateImage.CopyOut(vcpu.Context.ExtendedImage, record.Slice(ExtendedStateHeader, image), used);
        return ExtendedStateHeader + image;
    }

    // Those that the guest has set.
    private static int Msrs(Vcpu vcpu, Span<byte> record)
    {
        record.Slice(0, MsrHeader).Clear();
        int length = MsrHeader;
        length = Msr(MiscFeatures, vcpu.Msrs.MiscFeatures, record, length);
        if (vcpu.Domain.Cpuid.HasVirtualSsbd)
            length = Msr(VirtualSpeculation, vcpu.Msrs.VirtualSpeculationControl, record, length);
        return length == MsrHeader ? 0 : length;
    }

    private static int Msr(uint index, ulong value, Span<byte> record, int length)
    {
        if (value == 0)
            return length;
        BinaryPrimitives.WriteUInt32LittleEndian(record.Slice(length), index);
        BinaryPrimitives.WriteUInt32LittleEndian(record.Slice(length + 4), 0);
        BinaryPrimitives.WriteUInt64LittleEndian(record.Slice(length + 8), value);
        BinaryPrimitives.WriteUInt32LittleEndian(record, (uint)((length + MsrSize - MsrHeader) / MsrSize));
        return length + MsrSize;
    }
}
