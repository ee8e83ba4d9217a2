// SPDX-License-Identifier: MIT
// __HYPERVISOR_vcpu_op (xen/include/public/vcpu.h): what a domain may do with its own vCPUs.

using XenSharp.Abi;
using XenSharp.Core.Domains;
using XenSharp.Core.Memory;
using XenSharp.Core.Scheduling;
using XenSharp.Core.Time;
using XenSharp.Core.Vcpus;
using XenSharp.Edge;

namespace XenSharp.Core.Hypercalls;

/// <summary>vcpu_op(command, vCPU, argument).</summary>
public static class VcpuOp
{
    private const ulong ShortestPeriodNs = 1_000_000;
    private const ulong LongestPeriodNs = ulong.MaxValue >> 2;

    public static long Call(Vcpu caller, in HypercallArguments a)
    {
        Vcpu? vcpu = caller.Domain.FindVcpu((uint)a.Second);
        if (vcpu == null)
            return -(long)Errno.NoEnt;
        ulong argument = a.Third;
        switch ((VcpuOperation)(uint)a.First)
        {
            case VcpuOperation.Initialise:
                return VcpuInitialise.Call(caller, vcpu, argument);
            case VcpuOperation.Up:
                return Up(caller, vcpu);
            case VcpuOperation.Down:
                return Down(caller, vcpu);
            case VcpuOperation.IsUp:
                return vcpu.IsUp ? 1 : 0;
            case VcpuOperation.GetRunstateInfo:
                return GetRunstate(caller, vcpu, argument);
            case VcpuOperation.RegisterRunstateMemoryArea:
                return RegisterRunstateArea(caller, vcpu, argument);
            case VcpuOperation.SetPeriodicTimer:
                return SetPeriodicTimer(caller, vcpu, argument);
            case VcpuOperation.StopPeriodicTimer:
                vcpu.PeriodicTimer.Set(0, caller.Processor);
                return 0;
            case VcpuOperation.SetSingleShotTimer:
                return SetSingleshotTimer(caller, vcpu, argument);
            case VcpuOperation.StopSingleShotTimer:
                return StopSingleshotTimer(caller, vcpu);
            case VcpuOperation.RegisterVcpuInfo:
                return RegisterInfo(caller, vcpu, argument);
            case VcpuOperation.SendNmi:
                return SendNmi(caller, vcpu, argument);
            case VcpuOperation.GetPhysicalId:
                return GetPhysicalId(caller, vcpu, argument);
            case VcpuOperation.RegisterVcpuTimeMemoryArea:
                return RegisterTimeArea(caller, vcpu, argument);
            default:
                return -(long)Errno.NoSys;
        }
    }

    private static long Up(Vcpu caller, Vcpu vcpu)
    {
        if (!vcpu.IsInitialised)
            return -(long)Errno.Inval;
        caller.Host.Scheduler.VcpuUp(vcpu, caller.Processor);
        return 0;
    }

    private static long Down(Vcpu caller, Vcpu vcpu)
    {
        bool isLast = true;
        foreach (Vcpu? other in caller.Domain.Vcpus)
            isLast &= other == null || other == vcpu || !other.IsUp;
        if (isLast)
            caller.Domain.Shutdown((uint)ShutdownReason.PowerOff, caller.Processor);
        else
            caller.Host.Scheduler.VcpuDown(vcpu, caller.Processor);
        return 0;
    }

    private static long GetRunstate(Vcpu caller, Vcpu vcpu, ulong argument)
    {
        caller.Host.Scheduler.GetRunstate(vcpu, caller.Processor, out RunstateRecord info);
        return GuestLayout.TryWrite(caller, argument, GuestLayout.RunstateInfo, in info) ? 0 : -(long)Errno.Fault;
    }

    // An area that is not mapped now is no error: it may be at the next switch.
    private static long RegisterRunstateArea(Vcpu caller, Vcpu vcpu, ulong argument)
    {
        if (!GuestLayout.TryReadWord(caller, argument, 0, out ulong address))
            return -(long)Errno.Fault;
        vcpu.RunstateArea = address;
        if (address == 0)
            return 0;
        caller.Host.Scheduler.GetRunstate(vcpu, caller.Processor, out RunstateRecord info);
        GuestLayout.TryWrite(caller, address, GuestLayout.RunstateInfo, in info);
        return 0;
    }

    private static long SetPeriodicTimer(Vcpu caller, Vcpu vcpu, ulong argument)
    {
        if (!GuestAccess.TryRead(caller, argument, out VcpuSetPeriodicTimer set))
            return -(long)Errno.Fault;
        if (set.PeriodNs is < ShortestPeriodNs or > LongestPeriodNs)
            return -(long)Errno.Inval;
        vcpu.PeriodicTimer.Set(set.PeriodNs, caller.Processor);
        return 0;
    }

    // VCPU_SSHOTTMR_future has no effect since Xen 4.17: a time that has passed raises the event at once.
    private static long SetSingleshotTimer(Vcpu caller, Vcpu vcpu, ulong argument)
    {
        if (vcpu != caller)
            return -(long)Errno.Inval;
        if (!GuestLayout.TryRead(caller, argument, GuestLayout.SingleShotTimer, out VcpuSetSingleShotTimer set))
            return -(long)Errno.Fault;
        if ((long)set.TimeoutAbsNs < (long)caller.Host.Clock.Now)
        {
            TimerQueue.Cancel(vcpu.SingleshotTimer, caller.Processor);
            vcpu.RaiseTimer(caller.Processor);
            return 0;
        }

        vcpu.SingleshotTimer.Set(set.TimeoutAbsNs, caller.Processor);
        return 0;
    }

    private static long StopSingleshotTimer(Vcpu caller, Vcpu vcpu)
    {
        if (vcpu != caller)
            return -(long)Errno.Inval;
        TimerQueue.Cancel(vcpu.SingleshotTimer, caller.Processor);
        return 0;
    }

    private static long RegisterInfo(Vcpu caller, Vcpu vcpu, ulong argument)
    {
        if (!GuestAccess.TryRead(caller, argument, out VcpuRegisterVcpuInfo area))
            return -(long)Errno.Fault;
        // Another vCPU's area moves only while that is down. A wrong place is -ENXIO even so, and Register finds that.
        bool isPlace = VcpuInfoArea.IsPlace(vcpu.Domain, area.Offset);
        if (isPlace && vcpu != caller && vcpu.IsUp)
            return -(long)Errno.Inval;
        long result = VcpuInfoArea.Register(vcpu, area.Mfn, area.Offset, caller.Processor);
        VcpuTime.Force(vcpu, caller);
        return result;
    }

    private static long SendNmi(Vcpu caller, Vcpu vcpu, ulong argument)
    {
        if (argument != 0)
            return -(long)Errno.Inval;
        if (vcpu.Apic.PostNmi())
            caller.Host.Scheduler.Wake(vcpu, caller.Processor);
        return 0;
    }

    // For a hardware domain with its vCPUs bound to CPUs: the CPU with the number of the vCPU, as in Xen.
    private static long GetPhysicalId(Vcpu caller, Vcpu vcpu, ulong argument)
    {
        if (!vcpu.Domain.IsHardware || !Scheduler.IsPinned(vcpu))
            return -(long)Errno.Inval;
        VcpuGetPhysicalId id = default;
        id.PhysId = caller.Host.Platform.ApicId((int)vcpu.Id) | ((ulong)vcpu.Id << 32);
        return GuestAccess.TryWrite(caller, argument, in id) ? 0 : -(long)Errno.Fault;
    }

    private static long RegisterTimeArea(Vcpu caller, Vcpu vcpu, ulong argument)
    {
        if (!GuestLayout.TryReadWord(caller, argument, 0, out ulong address))
            return -(long)Errno.Fault;
        vcpu.TimeArea = address;
        VcpuTime.Force(vcpu, caller);
        return 0;
    }
}
