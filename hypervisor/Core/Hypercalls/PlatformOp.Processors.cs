// SPDX-License-Identifier: MIT
// The platform operations about the machine's CPUs.

using System;
using XenSharp.Abi;
using XenSharp.Core.Memory;
using XenSharp.Core.Vcpus;
using static XenSharp.Core.Hypercalls.HypercallError;

namespace XenSharp.Core.Hypercalls;

public static partial class PlatformOp
{
    private const uint MaxResourceEntries = 3;
    private const ulong ResourceEntrySize = 24;

    private static long GetCpuInfo(ControlBuffer operation)
    {
        Host host = operation.Caller.Host;
        PlatformPcpuInfo info = operation.Read<PlatformPcpuInfo>();
        if (info.XenCpuid >= (uint)host.ProcessorCount)
        {
            info.Flags = (uint)PcpuFlags.Invalid;
        }
        else
        {
            info.ApicId = host.Platform.ApicId((int)info.XenCpuid);
            info.AcpiId = host.Processors[(int)info.XenCpuid]!.AcpiId;
            info.Flags = (uint)PcpuFlags.Online;
        }

        info.MaxPresent = (uint)host.ProcessorCount - 1;
        return operation.Store(in info);
    }

    private static long GetCpuVersion(ControlBuffer operation)
    {
        Host host = operation.Caller.Host;
        PlatformPcpuVersion version = operation.Read<PlatformPcpuVersion>();
        bool known = version.XenCpuid < (uint)host.ProcessorCount;
        uint requested = version.XenCpuid;
        version = default;
        version.XenCpuid = requested;
        version.MaxPresent = (uint)host.ProcessorCount - 1;
        Span<byte> bytes = XenSharp.Edge.AbiBytes.Of(ref version);
        if (known)
        {
            const int VendorOffset = 8;
            System.Buffers.Binary.BinaryPrimitives.WriteUInt32LittleEndian(bytes.Slice(VendorOffset), host.Cpuid.Basic[0].Ebx);
            System.Buffers.Binary.BinaryPrimitives.WriteUInt32LittleEndian(bytes.Slice(VendorOffset + 4), host.Cpuid.Basic[0].Edx);
            System.Buffers.Binary.BinaryPrimitives.WriteUInt32LittleEndian(bytes.Slice(VendorOffset + 8), host.Cpuid.Basic[0].Ecx);
            uint signature = host.Cpuid.Basic[1].Eax;
            uint family = (signature >> 8) & 15;
            version.Family = family == 15 ? family + ((signature >> 20) & 0xff) : family;
            version.Model = ((signature >> 4) & 15) | (family >= 6 ? (signature >> 12) & 0xf0 : 0);
            version.Stepping = signature & 15;
        }

        return operation.Store(in version);
    }

    // All CPUs of the machine are in use from boot to end.
    private static long CpuOnline(ControlBuffer operation) =>
        operation.Read<PlatformCpuOnline>().Cpuid >= (uint)operation.Caller.Host.ProcessorCount ? EINVAL : 0;

    private static long CpuOffline(ControlBuffer operation)
    {
        uint cpu = operation.Read<PlatformCpuOnline>().Cpuid;
        if (cpu == 0)
            return EOPNOTSUPP;
        return cpu >= (uint)operation.Caller.Host.ProcessorCount ? EINVAL : EBUSY;
    }

    private static long CoreParking(ControlBuffer operation)
    {
        PlatformCoreParking parking = operation.Read<PlatformCoreParking>();
        switch (parking.Type)
        {
            case PlatformConstants.CoreParkingSet:
                return Math.Min(parking.IdleNums, (uint)operation.Caller.Host.ProcessorCount - 1) == 0 ? 0 : EBUSY;
            case PlatformConstants.CoreParkingGet:
                parking.IdleNums = 0;
                return operation.Store(in parking);
            default:
                return EINVAL;
        }
    }

    // Reading chosen MSRs on a chosen CPU. One is offered: the cycle counter, which reads as system time, as in Xen. The entries before
    // the first refused one count; that one gets the error.
    private static long ResourceAccess(ControlBuffer operation)
    {
        PlatformResourceOperation request = operation.Read<PlatformResourceOperation>(GuestLayout.ResourceOperation);
        Vcpu caller = operation.Caller;
        if (request.EntryCount == 0)
            return 0;
        if (request.EntryCount > MaxResourceEntries)
            return EINVAL;
        for (uint i = 0; i < request.EntryCount; i++)
        {
            ulong address = request.Entries + (i * ResourceEntrySize);
            if (!GuestAccess.TryRead(caller, address, out PlatformResourceEntry entry))
                return EFAULT;
            long refusal = RefuseAccess(in entry);
            if (refusal != 0)
            {
                int result = (int)refusal;
                return GuestAccess.TryWrite(caller, address, in result) ? i : EFAULT;
            }

            if (request.Cpu >= (uint)caller.Host.ProcessorCount)
                return ENODEV;
            entry.Command = 0;
            entry.Value = caller.Host.Clock.Now;
            if (!GuestAccess.TryWrite(caller, address, in entry))
                return EFAULT;
        }

        return request.EntryCount;
    }

    private static long RefuseAccess(in PlatformResourceEntry entry)
    {
        const ulong CycleCounter = 0x10;
        if (entry.Reserved != 0)
            return EINVAL;
        if (entry.Command is not (PlatformConstants.ResourceOperationMsrRead or PlatformConstants.ResourceOperationMsrWrite))
            return EOPNOTSUPP;
        if (entry.Index >> 32 != 0)
            return EINVAL;
        return entry.Command == PlatformConstants.ResourceOperationMsrRead && entry.Index == CycleCounter ? 0 : EPERM;
    }

    // The hypervisor's symbols stay in the build's map file: the list is empty.
    private static long GetSymbol(ControlBuffer operation)
    {
        PlatformSymbolData symbol = operation.Read<PlatformSymbolData>(GuestLayout.SymbolData);
        if (symbol.Symnum != 0)
            return EINVAL;
        byte end = 0;
        if (symbol.Namelen != 0 && !GuestAccess.TryWrite(operation.Caller, symbol.Name, in end))
            return EFAULT;
        symbol.Namelen = 1;
        symbol.Address = 0;
        symbol.Type = 0;
        return operation.Store(GuestLayout.SymbolData, in symbol);
    }
}
