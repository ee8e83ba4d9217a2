// SPDX-License-Identifier: MIT
// HYPERVISOR_platform_op (xen/include/public/platform.h): dom0's view of the machine. The dispatch table lets only the control domain in.

using System;
using XenSharp.Abi;
using XenSharp.Core.Memory;
using XenSharp.Core.Time;
using XenSharp.Core.Vcpus;
using static XenSharp.Core.Hypercalls.HypercallError;

namespace XenSharp.Core.Hypercalls;

/// <summary>XENPF_*. One caller at a time is not needed: nothing here keeps state over two steps.</summary>
public static partial class PlatformOp
{
    public const uint InterfaceVersion = PlatformConstants.InterfaceVersion;
    private const int HeaderSize = 8;
    private const uint MemoryTypeRegisters = 8;

    public static long Call(Vcpu caller, in HypercallArguments arguments)
    {
        var operation = new ControlBuffer(caller, arguments.First, stackalloc byte[HeaderSize + ControlBuffer.UnionSize], HeaderSize);
        if (!operation.Load())
            return EFAULT;
        if (operation.Version != InterfaceVersion)
            return EACCES;
        switch ((PlatformCommand)operation.Command)
        {
            case PlatformCommand.SetTime32:
                PlatformSetTime32 time32 = operation.Read<PlatformSetTime32>();
                WallClock.Set(caller.Host, time32.Seconds, time32.Nanoseconds, time32.SystemTime, caller.Processor);
                return 0;
            case PlatformCommand.SetTime64:
                PlatformSetTime64 time64 = operation.Read<PlatformSetTime64>();
                if (time64.Mbz != 0)
                    return EINVAL;
                WallClock.Set(caller.Host, time64.Seconds, time64.Nanoseconds, time64.SystemTime, caller.Processor);
                return 0;
            case PlatformCommand.AddMemoryType:
                return EINVAL; // memory types belong to the nested page tables
            case PlatformCommand.DelMemoryType:
                PlatformDelMemoryType deleted = operation.Read<PlatformDelMemoryType>();
                return deleted.Handle == 0 && deleted.Register < MemoryTypeRegisters ? 0 : EINVAL;
            case PlatformCommand.ReadMemoryType:
                return ReadMemoryType(operation);
            case PlatformCommand.MicrocodeUpdate:
                return UpdateMicrocode(operation);
            case PlatformCommand.Quirk:
                return operation.Read<PlatformQuirk>().QuirkId
                    is PlatformConstants.QuirkNoIrqBalancing or PlatformConstants.QuirkIoApicBadRegsel or PlatformConstants.QuirkIoApicGoodRegsel ? 0 : EINVAL;
            case PlatformCommand.FirmwareInfo:
                return FirmwareInfo(operation);
            case PlatformCommand.EfiRuntimeCall:
                return ENOSYS; // not started by EFI
            case PlatformCommand.EnterAcpiSleep:
                return EnterSleep(operation);
            case PlatformCommand.ChangeFrequency:
            case PlatformCommand.GetIdleTime:
                return ENOSYS; // only for a dom0 that governs frequencies itself
            case PlatformCommand.SetProcessorPmInfo:
                return SetProcessorPower(operation);
            case PlatformCommand.GetCpuInfo:
                return GetCpuInfo(operation);
            case PlatformCommand.GetCpuVersion:
                return GetCpuVersion(operation);
            case PlatformCommand.CpuOnline:
                return CpuOnline(operation);
            case PlatformCommand.CpuOffline:
                return CpuOffline(operation);
            case PlatformCommand.CpuHotAdd:
            case PlatformCommand.MemoryHotAdd:
                return EINVAL;
            case PlatformCommand.CoreParking:
                return CoreParking(operation);
            case PlatformCommand.ResourceOperation:
                return ResourceAccess(operation);
            case PlatformCommand.GetSymbol:
                return GetSymbol(operation);
            default:
                return ENOSYS; // get_dom0_console came after 4.17
        }
    }

    private static long ReadMemoryType(ControlBuffer operation)
    {
        PlatformReadMemoryType read = operation.Read<PlatformReadMemoryType>(GuestLayout.ReadMemoryType);
        if (read.Register >= MemoryTypeRegisters)
            return EINVAL;
        read.Mfn = 0;
        read.MfnCount = 0;
        read.Type = 0;
        return operation.Store(GuestLayout.ReadMemoryType, in read);
    }

    private static long UpdateMicrocode(ControlBuffer operation)
    {
        PlatformMicrocodeUpdate update = operation.Read<PlatformMicrocodeUpdate>(GuestLayout.MicrocodeUpdate);
        if (update.Length == 0)
            return ENOENT;
        return GuestAccess.TryRead(operation.Caller, update.Data, out byte _) ? EINVAL : EFAULT;
    }

    private static long FirmwareInfo(ControlBuffer operation)
    {
        uint type = operation.Read<uint>();
        return type switch
        {
            (uint)FirmwareInfoType.DiskInfo or (uint)FirmwareInfoType.DiskMbrSignature or (uint)FirmwareInfoType.VbeDdcInfo => ESRCH,
            PlatformConstants.FirmwareEfiInfo => ENOSYS,
            (uint)FirmwareInfoType.KeyboardShiftFlags => KeyboardFlags(operation),
            _ => EINVAL,
        };
    }

    // What the firmware left behind at boot is not known: no key was held.
    private static long KeyboardFlags(ControlBuffer operation)
    {
        const ulong IndexOffset = 4, FlagsOffset = 8;
        if (!GuestAccess.TryRead(operation.Caller, operation.UnionAddress + IndexOffset, out uint index))
            return EFAULT;
        if (index != 0)
            return ESRCH;
        byte flags = 0;
        return GuestAccess.TryWrite(operation.Caller, operation.UnionAddress + FlagsOffset, in flags) ? 0 : EFAULT;
    }

    private static long EnterSleep(ControlBuffer operation)
    {
        const uint SoftOff = 5, SuspendToRam = 3;
        const uint SleepEnable = 1 << 13;
        PlatformEnterAcpiSleep sleep = operation.Read<PlatformEnterAcpiSleep>();
        if (sleep.SleepState == SuspendToRam)
            return EOPNOTSUPP;
        if ((sleep.Flags & PlatformConstants.AcpiSleepExtended) != 0)
            return EPERM;
        if (sleep.ValueB != 0 && ((uint)(sleep.ValueA ^ sleep.ValueB) & SleepEnable) != 0)
            return EINVAL;
        if (sleep.Flags != 0)
            return EINVAL;
        if (sleep.SleepState != SoftOff)
            return EINVAL;
        operation.Caller.Host.Console.Begin(operation.Caller.Processor).Text("Entering ACPI S5 at dom0's request"u8).End();
        operation.Caller.Host.Platform.PowerOff();
        return 0;
    }

    // Frequencies and idle states are the firmware's business here: the tables are checked and not used.
    private static long SetProcessorPower(ControlBuffer operation)
    {
        PlatformSetProcessorPmInfo info = operation.Read<PlatformSetProcessorPmInfo>();
        return info.Type switch
        {
            PlatformConstants.PmCx or PlatformConstants.PmPx => IsProcessor(operation.Caller.Host, info.Id) ? 0 : EINVAL,
            PlatformConstants.PmTx => ENOSYS,
            PlatformConstants.PmPdc => SetPdcBits(operation),
            _ => EINVAL,
        };
    }

    private static bool IsProcessor(Host host, uint acpiId)
    {
        for (int i = 0; i < host.ProcessorCount; i++)
        {
            if (host.Processors[i]!.AcpiId == acpiId)
                return true;
        }

        return false;
    }

    private static long SetPdcBits(ControlBuffer operation)
    {
        const ulong HandleOffset = 8;
        if (!GuestLayout.TryReadWord(operation.Caller, operation.UnionAddress + HandleOffset, 0, out ulong handle)
            || !GuestAccess.TryRead(operation.Caller, handle, out ulong header))
            return EFAULT;
        uint revision = (uint)header, count = (uint)(header >> 32);
        return revision != 1 || count == 0 ? EINVAL : 0;
    }
}
