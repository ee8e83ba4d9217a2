// SPDX-License-Identifier: MIT
// XEN_DOMCTL_sethvmcontext: loads saved state into a domain's vCPUs and devices.

using System;
using System.Buffers.Binary;
using XenSharp.Abi;
using XenSharp.Core.CpuPolicy;
using XenSharp.Core.Domains;
using XenSharp.Core.Memory;
using XenSharp.Core.Vcpus;
using XenSharp.Devices.Apic;
using XenSharp.Edge;
using static XenSharp.Core.Hypercalls.HypercallError;

namespace XenSharp.Core.SavedState;

/// <summary>
/// Two rounds over the toolstack's buffer: the first only checks, so that state that is wrong anywhere is not loaded at all; the second
/// checks again what it loads, since the buffer may have changed.
/// </summary>
public static partial class DomainContext
{
    private const int HeaderSize = 24, MsrHeader = 8, MsrSize = 16;
    private const uint MaxContext = 16 << 20;
    private const ulong BankCount = 0xff, ControlPresent = 1 << 8;

    // Where the reader is. The buffer belongs to the caller.
    private struct Reader(Vcpu caller, ulong buffer, uint size)
    {
        public readonly Vcpu Caller = caller;
        public readonly ulong Buffer = buffer;
        public uint At;
        public HvmSaveDescriptor Descriptor;

        public readonly uint Left => size - At;

        /// <summary>Takes the next descriptor in; false at the end of the buffer.</summary>
        public bool Next(out bool isFault)
        {
            isFault = false;
            if (Left < DescriptorSize)
                return false;
            isFault = !GuestAccess.TryRead(Caller, Buffer + At, out Descriptor);
            return !isFault;
        }

        /// <summary>Moves on behind the record.</summary>
        public void Skip() => At += DescriptorSize + Descriptor.Length;
    }

    public static long Load(Vcpu caller, Domain domain, ulong buffer, uint size)
    {
        if (size > MaxContext)
            return ENOMEM;
        for (uint at = 0; at < size; at += FrameSize.Bytes)
        {
            if (!GuestAccess.TryRead(caller, buffer + at, out byte _))
                return EFAULT;
        }

        if (size != 0 && !GuestAccess.TryRead(caller, buffer + size - 1, out byte _))
            return EFAULT;
        if (domain.IsDying)
            return EINVAL;
        long result = CheckHeader(caller, buffer, size);
        if (result != 0)
            return result;
        // Only vCPUs whose registers are loaded come up again.
        foreach (Vcpu? vcpu in domain.Vcpus)
        {
            if (vcpu != null)
                domain.Host.Scheduler.VcpuDown(vcpu, caller.Processor);
        }

        result = Go(caller, domain, buffer, size, isLoading: false);
        return result != 0 ? result : Go(caller, domain, buffer, size, isLoading: true);
    }

    private static long CheckHeader(Vcpu caller, ulong buffer, uint size)
    {
        var reader = new Reader(caller, buffer, size);
        if (!reader.Next(out bool isFault))
            return isFault ? EFAULT : ENODATA;
        if (reader.Descriptor.TypeCode != (ushort)HvmSaveType.Header || reader.Descriptor.Length != HeaderSize || size < DescriptorSize + HeaderSize)
            return ENODATA;
        if (!GuestAccess.TryRead(caller, buffer + DescriptorSize, out HvmSaveHeader header))
            return EFAULT;
        return header.Magic == HvmSaveConstants.HvmFileMagic && header.Version == HvmSaveConstants.HvmFileVersion ? 0 : EINVAL;
    }

    private static long Go(Vcpu caller, Domain domain, ulong buffer, uint size, bool isLoading)
    {
        Span<byte> record = stackalloc byte[SavedRecords.MaxLength];
        var reader = new Reader(caller, buffer, size) { At = DescriptorSize + HeaderSize };
        bool isFault;
        while (reader.Next(out isFault))
        {
            var type = (HvmSaveType)reader.Descriptor.TypeCode;
            if (type == HvmSaveType.End)
                return 0;
            long result = Record(domain, type, ref reader, record, isLoading);
            if (result != 0)
                return result;
            reader.Skip();
        }

        return isFault ? EFAULT : ENODATA;
    }

    private static long Record(Domain domain, HvmSaveType type, ref Reader reader, Span<byte> record, bool isLoading)
    {
        switch (type)
        {
            case HvmSaveType.Pic or HvmSaveType.IoApic or HvmSaveType.Pit or HvmSaveType.Rtc or HvmSaveType.Hpet or HvmSaveType.PmTimer:
                return ENODEV; // a PVH domain has none
            case HvmSaveType.PciIrq:
                return Read(ref reader, AbiBytes.SizeOf<HvmHwPciIrqs>(), AbiBytes.SizeOf<HvmHwPciIrqs>(), record);
            case HvmSaveType.IsaIrq:
                return Read(ref reader, AbiBytes.SizeOf<HvmHwIsaIrqs>(), AbiBytes.SizeOf<HvmHwIsaIrqs>(), record);
            case HvmSaveType.PciLink:
                return PciLinks(ref reader, record);
            case HvmSaveType.ViridianDomain:
                return Read(ref reader, 0, AbiBytes.SizeOf<HvmViridianDomainContext>(), record);
            case < HvmSaveType.Cpu or > HvmSaveType.CpuMsr:
                return EINVAL;
        }

        Vcpu? vcpu = domain.FindVcpu(reader.Descriptor.Instance);
        if (vcpu == null)
            return EINVAL;
        switch (type)
        {
            case HvmSaveType.Cpu:
                return Processor(vcpu, ref reader, record, isLoading);
            case HvmSaveType.LocalApic:
                return LocalApicMode(vcpu, ref reader, record, isLoading);
            case HvmSaveType.LocalApicRegisters:
                long result = Read(ref reader, LocalApic.SavedSize, LocalApic.SavedSize, record);
                if (result == 0 && isLoading)
                    vcpu.Apic.LoadRegisters(record.Slice(0, LocalApic.SavedSize));
                return result;
            case HvmSaveType.Mtrr:
                return MemoryTypes(vcpu, ref reader, record, isLoading);
            case HvmSaveType.CpuXsave:
                return ExtendedState(vcpu, ref reader, record, isLoading);
            case HvmSaveType.VmceVcpu:
                return MachineCheck(vcpu, ref reader, record, isLoading);
            case HvmSaveType.TscAdjust:
                long read = Read(ref reader, sizeof(ulong), sizeof(ulong), record);
                if (read == 0 && isLoading)
                    vcpu.Msrs.TscAdjust = BinaryPrimitives.ReadUInt64LittleEndian(record);
                return read;
            case HvmSaveType.CpuMsr:
                return Msrs(vcpu, ref reader, record, isLoading);
            default:
                return Viridian(ref reader, record);
        }
    }

    // The contents, of a length within limits, filled up with zeroes; -EINVAL for another length.
    private static long Read(ref Reader reader, int least, int most, Span<byte> record)
    {
        uint length = reader.Descriptor.Length;
        if (length < (uint)least || length > (uint)most || length > reader.Left - DescriptorSize)
            return EINVAL;
        record.Slice(0, most).Clear();
        return GuestAccess.Read(reader.Caller, reader.Buffer + reader.At + DescriptorSize, record.Slice(0, (int)length)) ? 0 : EFAULT;
    }

    private static T As<T>(ReadOnlySpan<byte> record) where T : unmanaged
    {
        T value = default;
        record.Slice(0, AbiBytes.SizeOf<T>()).CopyTo(AbiBytes.Of(ref value));
        return value;
    }

    private static long PciLinks(ref Reader reader, Span<byte> record)
    {
        const int links = 4;
        const byte lastIrq = 15;
        long result = Read(ref reader, AbiBytes.SizeOf<HvmHwPciLink>(), AbiBytes.SizeOf<HvmHwPciLink>(), record);
        for (int i = 0; result == 0 && i < links; i++)
        {
            if (record[i] > lastIrq)
                result = EINVAL;
        }

        return result;
    }

    private static long Processor(Vcpu vcpu, ref Reader reader, Span<byte> record, bool isLoading)
    {
        long result = Read(ref reader, 0, AbiBytes.SizeOf<HvmHwCpu>(), record);
        if (result != 0)
            return result;
        HvmHwCpu cpu = As<HvmHwCpu>(record);
        result = ProcessorRecord.Check(vcpu, in cpu);
        if (result != 0 || !isLoading)
            return result;
        ProcessorRecord.Load(vcpu, in cpu);
        vcpu.IsInitialised = true;
        vcpu.Host.Scheduler.VcpuUp(vcpu, reader.Caller.Processor);
        return 0;
    }

    private static long LocalApicMode(Vcpu vcpu, ref Reader reader, Span<byte> record, bool isLoading)
    {
        long result = Read(ref reader, 0, AbiBytes.SizeOf<HvmHwLocalApic>(), record);
        if (result != 0)
            return result;
        HvmHwLocalApic apic = As<HvmHwLocalApic>(record);
        if (!LocalApic.IsMode(apic.ApicBaseMsr))
            return EINVAL;
        if (isLoading)
            vcpu.Apic.LoadMode(apic.ApicBaseMsr, apic.Disabled);
        return 0;
    }

    // Values that no write of the register would take are left out (as in Xen).
    private static long MemoryTypes(Vcpu vcpu, ref Reader reader, Span<byte> record, bool isLoading)
    {
        const uint pat = 0x277, firstVariable = 0x200, defaultType = 0x2ff, fixed64 = 0x250, firstFixed16 = 0x258, firstFixed4 = 0x268;
        long result = Read(ref reader, AbiBytes.SizeOf<HvmHwMtrr>(), AbiBytes.SizeOf<HvmHwMtrr>(), record);
        if (result != 0)
            return result;
        ulong capability = BinaryPrimitives.ReadUInt64LittleEndian(record.Slice(SavedRecords.MtrrCapability));
        int ranges = (int)(capability & 0xff);
        if (ranges > VcpuMsrs.VariableRanges)
            return EINVAL;
        if (!isLoading)
            return 0;
        VcpuMsrs msrs = vcpu.Msrs;
        int bits = vcpu.Domain.Cpuid.PhysicalAddressBits;
        MemoryTypeMsrs.Write(msrs, pat, BinaryPrimitives.ReadUInt64LittleEndian(record), bits);
        msrs.MtrrCapability = capability;
        for (int i = 0; i < VcpuMsrs.FixedRanges; i++)
        {
            uint index = i == 0 ? fixed64 : i < 3 ? firstFixed16 + (uint)i - 1 : firstFixed4 + (uint)i - 3;
            MemoryTypeMsrs.Write(msrs, index, BinaryPrimitives.ReadUInt64LittleEndian(record.Slice(SavedRecords.MtrrFixed + (i * 8))), bits);
        }

        for (int i = 0; i < 2 * ranges; i++)
            MemoryTypeMsrs.Write(msrs, firstVariable + (uint)i, BinaryPrimitives.ReadUInt64LittleEndian(record.Slice(SavedRecords.MtrrVariable + (i * 8))), bits);
        MemoryTypeMsrs.Write(msrs, defaultType, BinaryPrimitives.ReadUInt64LittleEndian(record.Slice(SavedRecords.MtrrDefaultType)), bits);
        return 0;
    }

    private static long ExtendedState(Vcpu vcpu, ref Reader reader, Span<byte> record, bool isLoading)
    {
        const int header = SavedRecords.ExtendedStateHeader;
        if (ExtendedStateImage.HostStates(vcpu.Host.Cpuid) == 0)
            return EOPNOTSUPP;
        uint length = reader.Descriptor.Length;
        if (length > reader.Left - DescriptorSize)
            return ENODATA;
        if (length < header + ExtendedStateImage.SmallestImage)
            return EINVAL;
        int taken = (int)Math.Min(length, (uint)SavedRecords.MaxLength);
        ulong contents = reader.Buffer + reader.At + DescriptorSize;
        record.Clear();
        if (!GuestAccess.Read(reader.Caller, contents, record.Slice(0, taken)))
            return EFAULT;
        ulong enabled = BinaryPrimitives.ReadUInt64LittleEndian(record.Slice(8)), used = BinaryPrimitives.ReadUInt64LittleEndian(record.Slice(16));
        ReadOnlySpan<byte> image = record.Slice(header);
        long result = ExtendedStateImage.Check(vcpu, enabled, used, image);
        if (result != 0)
            return result;
        int size = ExtendedStateImage.Size(vcpu.Host.Cpuid, used);
        if (length < header + (uint)size)
            return EINVAL;
        result = CheckSurplus(reader.Caller, contents, header + (uint)size, length);
        if (result == 0 && isLoading)
        {
            ExtendedStateImage.Load(vcpu, image.Slice(0, size));
            vcpu.EnabledStates = enabled;
        }

        return result;
    }

    // Older versions sent more than there is: zeroes, and no more than 4 pages with the image.
    private static long CheckSurplus(Vcpu caller, ulong contents, uint start, uint end)
    {
        const int atOnce = 512;
        const uint most = SavedRecords.ExtendedStateHeader + (FrameSize.Bytes * 4) + 1;
        Span<byte> bytes = stackalloc byte[atOnce];
        if (start < end && end > most)
            return EOPNOTSUPP;
        for (uint at = start; at < end; at += atOnce)
        {
            Span<byte> part = bytes.Slice(0, (int)Math.Min(atOnce, end - at));
            if (!GuestAccess.Read(caller, contents + at, part))
                return EFAULT;
            if (!IsZero(part))
                return EOPNOTSUPP;
        }

        return 0;
    }

    private static bool IsZero(ReadOnlySpan<byte> bytes)
    {
        for (; bytes.Length >= sizeof(ulong); bytes = bytes.Slice(sizeof(ulong)))
        {
            if (BinaryPrimitives.ReadUInt64LittleEndian(bytes) != 0)
                return false;
        }

        foreach (byte value in bytes)
        {
            if (value != 0)
                return false;
        }

        return true;
    }

    private static long MachineCheck(Vcpu vcpu, ref Reader reader, Span<byte> record, bool isLoading)
    {
        long result = Read(ref reader, 0, AbiBytes.SizeOf<HvmVmceVcpu>(), record);
        if (result != 0)
            return result;
        HvmVmceVcpu state = As<HvmVmceVcpu>(record);
        if (!IsMachineCheck(in state))
            return EINVAL;
        if (isLoading)
            vcpu.Msrs.MachineCheck = state;
        return 0;
    }

    /// <summary>Whether a vCPU can have these machine-check capabilities: any number of banks, a control register.</summary>
    public static bool IsMachineCheck(in HvmVmceVcpu state) => (state.Capabilities & ~(BankCount | ControlPresent)) == 0;

    private static long Viridian(ref Reader reader, Span<byte> record)
    {
        const int padStart = 9, padLength = 7;
        long result = Read(ref reader, 0, AbiBytes.SizeOf<HvmViridianVcpuContext>(), record);
        for (int i = padStart; result == 0 && i < padStart + padLength; i++)
        {
            if (record[i] != 0)
                result = EINVAL;
        }

        return result;
    }

    private static long Msrs(Vcpu vcpu, ref Reader reader, Span<byte> record, bool isLoading)
    {
        uint length = reader.Descriptor.Length;
        if (length > reader.Left - DescriptorSize)
            return ENODATA;
        if (length < MsrHeader + MsrSize)
            return EINVAL;
        ulong contents = reader.Buffer + reader.At + DescriptorSize;
        if (!GuestAccess.TryRead(reader.Caller, contents, out uint count))
            return EFAULT;
        if (length != MsrHeader + ((ulong)count * MsrSize) || length > (uint)record.Length)
            return EOPNOTSUPP;
        if (!GuestAccess.Read(reader.Caller, contents, record.Slice(0, (int)length)))
            return EFAULT;
        for (int i = 0; i < (int)count; i++)
        {
            if (BinaryPrimitives.ReadUInt32LittleEndian(record.Slice(MsrHeader + (i * MsrSize) + 4)) != 0)
                return EOPNOTSUPP;
        }

        for (int i = 0; i < (int)count; i++)
        {
            ReadOnlySpan<byte> entry = record.Slice(MsrHeader + (i * MsrSize));
            if (!LoadMsr(vcpu, BinaryPrimitives.ReadUInt32LittleEndian(entry), BinaryPrimitives.ReadUInt64LittleEndian(entry.Slice(8)), isLoading))
                return ENXIO;
        }

        return 0;
    }

    private static bool LoadMsr(Vcpu vcpu, uint index, ulong value, bool isLoading)
    {
        if (index is not (SavedRecords.MiscFeatures or SavedRecords.VirtualSpeculation))
            return false;
        if (isLoading)
            return MsrPolicy.Write(vcpu, index, value);
        return index == SavedRecords.MiscFeatures ? (value & ~(vcpu.Domain.Cpuid.PlatformInformation >> 31)) == 0 : vcpu.Domain.Cpuid.HasVirtualSsbd;
    }
}
