// SPDX-License-Identifier: MIT
// __HYPERVISOR_sched_op (xen/include/public/sched.h). The older sched_op_compat (number 6) does not exist for PVH guests.

using XenSharp.Abi;
using XenSharp.Core.Domains;
using XenSharp.Core.EventChannels;
using XenSharp.Core.Memory;
using XenSharp.Core.Scheduling;
using XenSharp.Core.Vcpus;

namespace XenSharp.Core.Hypercalls;

/// <summary>sched_op(command, argument).</summary>
public static class SchedOp
{
    private const uint MaxPolledPorts = 128;

    // The number of CPUs that Debian's Xen is built for.
    private const int CompiledProcessors = 256;

    public static long Call(Vcpu caller, in HypercallArguments a)
    {
        switch ((SchedulerOperation)(uint)a.First)
        {
            case SchedulerOperation.Yield:
                caller.Host.Scheduler.Yield(caller);
                return 0;
            case SchedulerOperation.Block:
                return Block(caller);
            case SchedulerOperation.Poll:
                return Poll(caller, a.Second);
            case SchedulerOperation.Shutdown:
                return Shutdown(caller, a.Second);
            case SchedulerOperation.ShutdownCode:
                return LatchReason(caller, a.Second);
            case SchedulerOperation.RemoteShutdown:
                return RemoteShutdown(caller, a.Second);
            case SchedulerOperation.Watchdog:
                return Watchdog(caller, a.Second);
            case SchedulerOperation.PinOverride:
                return PinOverride(caller, a.Second);
            default:
                return -(long)Errno.NoSys;
        }
    }

    private static long Block(Vcpu caller)
    {
        GuestArea info = caller.Info;
        if (info.IsMapped)
            caller.Host.Memory.Write8(info.Frame, info.Offset + 1, 0);
        caller.Host.Scheduler.Block(caller);
        return 0;
    }

    private static long Poll(Vcpu caller, ulong argument)
    {
        if (!GuestLayout.TryRead(caller, argument, GuestLayout.SchedulerPoll, out SchedulerPoll poll))
            return -(long)Errno.Fault;
        if (poll.PortCount > MaxPolledPorts)
            return -(long)Errno.Inval;

        // From here on the vCPU counts as waiting, so that no event falls between the look at its port and the wait.
        Scheduler scheduler = caller.Host.Scheduler;
        scheduler.BeginPoll(caller);
        long result = FindPending(caller, in poll, out uint port);
        if (result != 0)
        {
            scheduler.CancelPoll(caller);
            return result > 0 ? 0 : result;
        }

        scheduler.CommitPoll(caller, poll.PortCount == 1 ? port : -1, poll.Timeout);
        return 0;
    }

    // 1: no need to wait; 0: nothing is pending; below: errno.
    private static long FindPending(Vcpu caller, in SchedulerPoll poll, out uint port)
    {
        port = 0;
        if (caller.HasDeliverableInterrupt)
            return 1;
        EventChannelTable channels = caller.Domain.EventChannels;
        for (uint i = 0; i < poll.PortCount; i++)
        {
            if (!GuestAccess.TryIndex(poll.Ports, i, sizeof(uint), out ulong address) || !GuestAccess.TryRead(caller, address, out port))
                return -(long)Errno.Fault;
            int state = channels.Poll(port, caller.Processor);
            if (state != 0)
                return state;
        }

        return 0;
    }

    private static long Shutdown(Vcpu caller, ulong argument)
    {
        if (!GuestAccess.TryRead(caller, argument, out SchedulerShutdown shutdown))
            return -(long)Errno.Fault;
        caller.Domain.Shutdown((uint)shutdown.Reason, caller.Processor);
        return 0;
    }

    private static long LatchReason(Vcpu caller, ulong argument)
    {
        if (!GuestAccess.TryRead(caller, argument, out SchedulerShutdown shutdown))
            return -(long)Errno.Fault;
        caller.Domain.LatchShutdownReason((uint)shutdown.Reason, caller.Processor);
        return 0;
    }

    private static long RemoteShutdown(Vcpu caller, ulong argument)
    {
        if (!GuestAccess.TryRead(caller, argument, out SchedulerRemoteShutdown shutdown))
            return -(long)Errno.Fault;
        Domain? domain = caller.Host.Domains.Find(shutdown.DomainId);
        if (domain == null)
            return -(long)Errno.NoProcess;
        if (!caller.Domain.IsPrivileged)
            return -(long)Errno.Perm;
        caller.Processor.Subject = domain;
        domain.Shutdown((uint)shutdown.Reason, caller.Processor);
        return 0;
    }

    private static long Watchdog(Vcpu caller, ulong argument)
    {
        if (!GuestAccess.TryRead(caller, argument, out SchedulerWatchdog watchdog))
            return -(long)Errno.Fault;
        long result = caller.Domain.Watchdogs.Set(watchdog.Id, watchdog.Timeout, caller.Processor);
        // Xen hands this one errno through 32 bits without a sign.
        return result == -(long)Errno.NoSpace ? (uint)result : result;
    }

    private static long PinOverride(Vcpu caller, ulong argument)
    {
        if (!caller.Domain.IsHardware)
            return -(long)Errno.Perm;
        if (!GuestAccess.TryRead(caller, argument, out SchedulerPinOverride pin))
            return -(long)Errno.Fault;
        if (pin.Pcpu >= CompiledProcessors)
            return -(long)Errno.Inval;
        return caller.Host.Scheduler.OverrideAffinity(caller, pin.Pcpu, caller.Processor);
    }
}
