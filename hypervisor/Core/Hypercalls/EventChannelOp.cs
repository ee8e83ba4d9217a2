// SPDX-License-Identifier: MIT
// HYPERVISOR_event_channel_op: copies each operation's structure in, performs it on the domain's EventChannelTable, copies results out.

using XenSharp.Abi;
using XenSharp.Core.Domains;
using XenSharp.Core.EventChannels;
using XenSharp.Core.Memory;
using XenSharp.Core.Vcpus;

namespace XenSharp.Core.Hypercalls;

/// <summary>EVTCHNOP_* (xen/include/public/event_channel.h).</summary>
public static class EventChannelOp
{
    /// <summary>EVTCHNOP_reset_cont: how a reset that ran out of budget is continued; not in the public header.</summary>
    private const uint ResetContinued = 14;

    public static long Call(Vcpu caller, in HypercallArguments arguments)
    {
        ulong address = arguments.Second;
        switch ((EventChannelOperation)(uint)arguments.First)
        {
            case EventChannelOperation.Send: return Send(caller, address);
            case EventChannelOperation.Unmask: return Unmask(caller, address);
            case EventChannelOperation.AllocUnbound: return AllocateUnbound(caller, address, in arguments);
            case EventChannelOperation.BindInterdomain: return BindInterdomain(caller, address, in arguments);
            case EventChannelOperation.BindVirq: return BindVirq(caller, address, in arguments);
            case EventChannelOperation.BindPirq: return BindPirq(caller, address, in arguments);
            case EventChannelOperation.BindIpi: return BindIpi(caller, address, in arguments);
            case EventChannelOperation.BindVcpu: return BindVcpu(caller, address);
            case EventChannelOperation.Close: return Close(caller, address);
            case EventChannelOperation.Status: return Status(caller, address);
            case EventChannelOperation.InitControl: return InitControl(caller, address);
            case EventChannelOperation.ExpandArray: return ExpandArray(caller, address);
            case EventChannelOperation.SetPriority: return SetPriority(caller, address);
            case EventChannelOperation.Reset:
            case (EventChannelOperation)ResetContinued: return Reset(caller, address, in arguments);
            default: return -(long)Errno.NoSys;
        }
    }

    private static long Send(Vcpu caller, ulong address) =>
        GuestAccess.TryRead(caller, address, out EventChannelSend send)
            ? caller.Domain.EventChannels.SendLocal(send.Port, caller.Processor)
            : -(long)Errno.Fault;

    private static long Unmask(Vcpu caller, ulong address) =>
        GuestAccess.TryRead(caller, address, out EventChannelUnmask unmask)
            ? caller.Domain.EventChannels.Unmask(unmask.Port, caller.Processor)
            : -(long)Errno.Fault;

    private static long Close(Vcpu caller, ulong address) =>
        GuestAccess.TryRead(caller, address, out EventChannelClose close)
            ? caller.Domain.EventChannels.Close(close.Port, caller.Processor)
            : -(long)Errno.Fault;

    private static long BindVcpu(Vcpu caller, ulong address) =>
        GuestAccess.TryRead(caller, address, out EventChannelBindVcpu bind)
            ? caller.Domain.EventChannels.BindVcpu(bind.Port, bind.Vcpu, caller.Processor)
            : -(long)Errno.Fault;

    private static long ExpandArray(Vcpu caller, ulong address) =>
        GuestAccess.TryRead(caller, address, out EventChannelExpandArray expand)
            ? caller.Domain.EventChannels.ExpandArray(expand.ArrayGfn, caller.Processor)
            : -(long)Errno.Fault;

    private static long SetPriority(Vcpu caller, ulong address) =>
        GuestAccess.TryRead(caller, address, out EventChannelSetPriority set)
            ? caller.Domain.EventChannels.SetPriority(set.Port, set.Priority)
            : -(long)Errno.Fault;

    private static long AllocateUnbound(Vcpu caller, ulong address, in HypercallArguments arguments)
    {
        if (!GuestAccess.TryRead(caller, address, out EventChannelAllocUnbound allocate))
            return -(long)Errno.Fault;
        Domain? domain = FindSubject(caller, allocate.Domain);
        if (domain == null)
            return -(long)Errno.NoProcess;
        ushort remote = allocate.RemoteDomain == DomainIds.Self ? caller.Domain.Id : allocate.RemoteDomain;
        long port = domain.EventChannels.AllocateUnbound(caller.Domain, remote, ref caller.Continuation, caller.Processor);
        if (port < 0)
            return Fail(caller, port, in arguments);
        allocate.Port = (uint)port;
        return CopyOut(caller, address, in allocate);
    }

    private static long BindInterdomain(Vcpu caller, ulong address, in HypercallArguments arguments)
    {
        if (!GuestAccess.TryRead(caller, address, out EventChannelBindInterdomain bind))
            return -(long)Errno.Fault;
        Domain? remote = DomainLookup.ByAnyId(caller.Domain, bind.RemoteDomain);
        if (remote == null)
            return -(long)Errno.NoProcess;
        long port = caller.Domain.EventChannels.BindInterdomain(remote.EventChannels, bind.RemotePort, ref caller.Continuation, caller.Processor);
        if (port < 0)
            return Fail(caller, port, in arguments);
        bind.LocalPort = (uint)port;
        return CopyOut(caller, address, in bind);
    }

    private static long BindVirq(Vcpu caller, ulong address, in HypercallArguments arguments)
    {
        if (!GuestAccess.TryRead(caller, address, out EventChannelBindVirq bind))
            return -(long)Errno.Fault;
        long port = caller.Domain.EventChannels.BindVirq((uint)bind.Virq, bind.Vcpu, ref caller.Continuation, caller.Processor);
        if (port < 0)
            return Fail(caller, port, in arguments);
        bind.Port = (uint)port;
        return CopyOut(caller, address, in bind);
    }

    private static long BindPirq(Vcpu caller, ulong address, in HypercallArguments arguments)
    {
        if (!GuestAccess.TryRead(caller, address, out EventChannelBindPirq bind))
            return -(long)Errno.Fault;
        long port = caller.Domain.EventChannels.BindPirq(bind.Pirq, ref caller.Continuation, caller.Processor);
        if (port < 0)
            return Fail(caller, port, in arguments);
        bind.Port = (uint)port;
        return CopyOut(caller, address, in bind);
    }

    private static long BindIpi(Vcpu caller, ulong address, in HypercallArguments arguments)
    {
        if (!GuestAccess.TryRead(caller, address, out EventChannelBindIpi bind))
            return -(long)Errno.Fault;
        long port = caller.Domain.EventChannels.BindIpi(bind.Vcpu, ref caller.Continuation, caller.Processor);
        if (port < 0)
            return Fail(caller, port, in arguments);
        bind.Port = (uint)port;
        return CopyOut(caller, address, in bind);
    }

    private static long Status(Vcpu caller, ulong address)
    {
        if (!GuestAccess.TryRead(caller, address, out EventChannelStatus status))
            return -(long)Errno.Fault;
        Domain? domain = FindSubject(caller, status.Domain);
        if (domain == null)
            return -(long)Errno.NoProcess;
        long result = domain.EventChannels.Status(caller.Domain, ref status);
        return result < 0 ? result : CopyOut(caller, address, in status);
    }

    private static long InitControl(Vcpu caller, ulong address)
    {
        if (!GuestAccess.TryRead(caller, address, out EventChannelInitControl init))
            return -(long)Errno.Fault;
        long result = caller.Domain.EventChannels.InitControl(init.Vcpu, init.ControlGfn, init.Offset, caller.Processor);
        init.LinkBits = (byte)EventChannelLimits.FifoLinkBits;
        return result < 0 ? result : CopyOut(caller, address, in init);
    }

    private static long Reset(Vcpu caller, ulong address, in HypercallArguments arguments)
    {
        if (!GuestAccess.TryRead(caller, address, out EventChannelReset reset))
            return -(long)Errno.Fault;
        Domain? domain = FindSubject(caller, reset.Domain);
        if (domain == null)
            return -(long)Errno.NoProcess;
        if (!EventChannelPermission.Allows(caller.Domain, domain))
            return -(long)Errno.Perm;
        bool resuming = (uint)arguments.First == ResetContinued;
        long result = domain.EventChannels.Reset(caller.Domain, resuming, ref caller.Continuation, caller.Processor);
        if (result != EventChannelTable.Restart)
            return result;
        caller.Continuation.Request(ResetContinued, address);
        return 0;
    }

    // For an operation on that domain's ports: the control domain's is about it from here on.
    private static Domain? FindSubject(Vcpu caller, ushort id)
    {
        Domain? domain = DomainLookup.ByAnyId(caller.Domain, id);
        if (domain != null)
            DomainLookup.TryTarget(caller, domain);
        return domain;
    }

    // A search for a free port that ran out of budget is repeated with the same arguments and goes on where it stopped.
    private static long Fail(Vcpu caller, long result, in HypercallArguments arguments)
    {
        if (result != EventChannelTable.Restart)
            return result;
        caller.Continuation.Request(arguments.First, arguments.Second);
        return 0;
    }

    // The operation stands even if its result cannot be delivered, as in Xen.
    private static long CopyOut<T>(Vcpu caller, ulong address, in T value) where T : unmanaged =>
        GuestAccess.TryWrite(caller, address, in value) ? 0 : -(long)Errno.Fault;
}
