// SPDX-License-Identifier: MIT
// EVTCHNOP_* as short calls for the tests, made by a guest through the hypercall handler and its memory.

using XenSharp.Abi;
using XenSharp.Core.Hypercalls;
using XenSharp.Testing;

namespace XenSharp.Tests.Unit.EventChannels;

internal static class EventChannelGuest
{
    public static long AllocUnbound(this TestDomain guest, ushort domain, ushort remote, out uint port)
    {
        var a = new EventChannelAllocUnbound { Domain = domain, RemoteDomain = remote };
        long result = guest.Call(EventChannelOp.Call, (uint)EventChannelOperation.AllocUnbound, ref a);
        port = a.Port;
        return result;
    }

    public static long BindInterdomain(this TestDomain guest, ushort remote, uint remotePort, out uint port)
    {
        var a = new EventChannelBindInterdomain { RemoteDomain = remote, RemotePort = remotePort };
        long result = guest.Call(EventChannelOp.Call, (uint)EventChannelOperation.BindInterdomain, ref a);
        port = a.LocalPort;
        return result;
    }

    public static long BindVirq(this TestDomain guest, uint virq, uint vcpu, out uint port)
    {
        var a = new EventChannelBindVirq { Virq = (VirtualIrq)virq, Vcpu = vcpu };
        long result = guest.Call(EventChannelOp.Call, (uint)EventChannelOperation.BindVirq, ref a);
        port = a.Port;
        return result;
    }

    public static long BindPirq(this TestDomain guest, uint pirq, out uint port)
    {
        var a = new EventChannelBindPirq { Pirq = pirq };
        long result = guest.Call(EventChannelOp.Call, (uint)EventChannelOperation.BindPirq, ref a);
        port = a.Port;
        return result;
    }

    public static long BindIpi(this TestDomain guest, uint vcpu, out uint port)
    {
        var a = new EventChannelBindIpi { Vcpu = vcpu };
        long result = guest.Call(EventChannelOp.Call, (uint)EventChannelOperation.BindIpi, ref a);
        port = a.Port;
        return result;
    }

    public static long BindVcpu(this TestDomain guest, uint port, uint vcpu)
    {
        var a = new EventChannelBindVcpu { Port = port, Vcpu = vcpu };
        return guest.Call(EventChannelOp.Call, (uint)EventChannelOperation.BindVcpu, ref a);
    }

    public static long Close(this TestDomain guest, uint port, int vcpu = 0)
    {
        var a = new EventChannelClose { Port = port };
        return guest.Call(EventChannelOp.Call, (uint)EventChannelOperation.Close, ref a, vcpu);
    }

    public static long Send(this TestDomain guest, uint port, int vcpu = 0)
    {
        var a = new EventChannelSend { Port = port };
        return guest.Call(EventChannelOp.Call, (uint)EventChannelOperation.Send, ref a, vcpu);
    }

    public static long Unmask(this TestDomain guest, uint port, int vcpu = 0)
    {
        var a = new EventChannelUnmask { Port = port };
        return guest.Call(EventChannelOp.Call, (uint)EventChannelOperation.Unmask, ref a, vcpu);
    }

    public static long Status(this TestDomain guest, ushort domain, uint port, out EventChannelStatus status)
    {
        status = new EventChannelStatus { Domain = domain, Port = port, Status = (EventChannelState)77 };
        return guest.Call(EventChannelOp.Call, (uint)EventChannelOperation.Status, ref status);
    }

    public static long Reset(this TestDomain guest, ushort domain)
    {
        var a = new EventChannelReset { Domain = domain };
        return guest.Call(EventChannelOp.Call, (uint)EventChannelOperation.Reset, ref a);
    }

    public static long InitControl(this TestDomain guest, ulong gfn, uint offset, uint vcpu, out byte linkBits)
    {
        var a = new EventChannelInitControl { ControlGfn = gfn, Offset = offset, Vcpu = vcpu };
        long result = guest.Call(EventChannelOp.Call, (uint)EventChannelOperation.InitControl, ref a);
        linkBits = a.LinkBits;
        return result;
    }

    public static long ExpandArray(this TestDomain guest, ulong gfn)
    {
        var a = new EventChannelExpandArray { ArrayGfn = gfn };
        return guest.Call(EventChannelOp.Call, (uint)EventChannelOperation.ExpandArray, ref a);
    }

    public static long SetPriority(this TestDomain guest, uint port, uint priority)
    {
        var a = new EventChannelSetPriority { Port = port, Priority = priority };
        return guest.Call(EventChannelOp.Call, (uint)EventChannelOperation.SetPriority, ref a);
    }

    public static EventChannelState StateOf(this TestDomain guest, uint port) =>
        guest.Status(DomainIds.Self, port, out EventChannelStatus status) == 0 ? status.Status : (EventChannelState)99;

    public static bool IsPending(this TestDomain guest, uint port) => guest.Domain.EventChannels.IsPending(port);
}
