// SPDX-License-Identifier: MIT
// XEN_DOMCTL_gethvmcontext, gethvmcontext_partial: the state of a domain's vCPUs and devices as a list of records.

using System;
using XenSharp.Abi;
using XenSharp.Core.Domains;
using XenSharp.Core.Memory;
using XenSharp.Core.Vcpus;
using XenSharp.Edge;
using static XenSharp.Core.Hypercalls.HypercallError;

namespace XenSharp.Core.SavedState;

/// <summary>The domain is paused and quiescent, and is not the caller's. Records are made one by one and copied out.</summary>
public static partial class DomainContext
{
    private const int DescriptorSize = 8;

    // With all that Xen may save of a domain, and of each vCPU but for its extended state, headers included.
    private const uint DomainSize = 1744, VcpuSize = 2824;

    /// <summary>Room that is enough for any state of the domain (hvm_save_size of Xen).</summary>
    public static uint Size(Domain domain)
    {
        uint count = 0;
        foreach (Vcpu? vcpu in domain.Vcpus)
            count += vcpu == null ? 0u : 1;
        uint image = (uint)ExtendedStateImage.Size(domain.Host.Cpuid, ExtendedStateImage.HostStates(domain.Host.Cpuid));
        return DomainSize + (count * (VcpuSize + image));
    }

    /// <summary>Writes all records. <paramref name="length"/> is theirs, even when the buffer does not take them.</summary>
    public static long Save(Vcpu caller, Domain domain, ulong buffer, out uint length)
    {
        length = 0;
        if (domain.IsDying)
            return EINVAL;
        Span<byte> record = stackalloc byte[SavedRecords.MaxLength];
        HvmSaveHeader header = default;
        header.Magic = HvmSaveConstants.HvmFileMagic;
        header.Version = HvmSaveConstants.HvmFileVersion;
        header.ChangeSet = ulong.MaxValue;
        header.Cpuid = domain.Host.Cpuid.Basic[1].Eax;
        header.GuestTscKhz = (uint)(domain.Host.Clock.TscFrequencyHz / 1000);
        AbiBytes.OfReadOnly(in header).CopyTo(record);
        bool isWritten = Put(caller, buffer, ref length, HvmSaveType.Header, 0, record.Slice(0, AbiBytes.SizeOf<HvmSaveHeader>()));
        for (HvmSaveType type = HvmSaveType.Cpu; type <= HvmSaveType.CpuMsr; type++)
        {
            bool perVcpu = SavedRecords.IsPerVcpu(type);
            for (int i = 0; i < (perVcpu ? domain.Vcpus.Length : 1); i++)
            {
                Vcpu? vcpu = domain.Vcpus[i];
                if (vcpu == null)
                    continue;
                int size = SavedRecords.Make(type, vcpu, record);
                if (size != 0)
                    isWritten &= Put(caller, buffer, ref length, type, (ushort)i, record.Slice(0, size));
            }
        }

        isWritten &= Put(caller, buffer, ref length, HvmSaveType.End, 0, default);
        return isWritten ? 0 : EFAULT;
    }

    /// <summary>One record, without its descriptor. <paramref name="size"/>: room in the buffer, then the record's length.</summary>
    public static long SaveOne(Vcpu caller, Domain domain, uint typeCode, uint instance, ulong buffer, ref ulong size)
    {
        if (domain.IsDying || typeCode is < (uint)HvmSaveType.Cpu or > (uint)HvmSaveType.CpuMsr)
            return EINVAL;
        var type = (HvmSaveType)typeCode;
        bool perVcpu = SavedRecords.IsPerVcpu(type);
        Vcpu? vcpu = domain.FindVcpu(perVcpu ? instance : 0);
        if (vcpu == null)
            return ENOENT;
        Span<byte> record = stackalloc byte[SavedRecords.MaxLength];
        int length = SavedRecords.Make(type, vcpu, record);
        if (length == 0)
            return perVcpu ? ENODATA : ENOENT;
        if (!perVcpu && instance != 0)
            return ENOENT;
        if (buffer != 0)
        {
            if (size < (ulong)length)
                return ENOBUFS;
            if (!GuestAccess.Write(caller, buffer, record.Slice(0, length)))
                return EFAULT;
        }

        size = (ulong)length;
        return 0;
    }

    private static bool Put(Vcpu caller, ulong buffer, ref uint length, HvmSaveType type, ushort instance, ReadOnlySpan<byte> contents)
    {
        HvmSaveDescriptor descriptor;
        descriptor.TypeCode = (ushort)type;
        descriptor.Instance = instance;
        descriptor.Length = (uint)contents.Length;
        ulong at = buffer + length;
        length += DescriptorSize + (uint)contents.Length;
        return GuestAccess.TryWrite(caller, at, in descriptor) && GuestAccess.Write(caller, at + DescriptorSize, contents);
    }
}
