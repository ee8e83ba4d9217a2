// SPDX-License-Identifier: MIT
// event_channel_op in the 2-level format (`xen/include/public/event_channel.h`). Interrupts are off: upcalls stay pending to be looked at.

using System;

namespace XenSharp.Guests.Conformance;

internal static class EventTests
{
    private static Page A => Probe.A;

    private static ReadOnlySpan<ushort> Domains => [Probe.Self, 0, 1, 0x7ff1, 0x7ff2, 0x7ff3, 0x7ff4, 0x7fff, 0xffff];

    private static ReadOnlySpan<uint> BadPorts => [0, 200, 1023, 4095, 4096, 131071, 131072, 0x7fffffff, 0xffffffff];

    public static void Run()
    {
        Probe.Section("event_channel_op"u8);
        Unbound();
        Interdomain();
        VirtualIrqs();
        Others();
        Sending();
        StatusAndClose();
        BindVcpu();
        Reset();
        for (uint operation = 0; operation < 15; operation++)
        {
            Report.Begin("event_channel_op"u8);
            Report.Decimal("operation"u8, operation);
            Report.Flush();
            Probe.BadPointers(" "u8, Call.EventChannelOp, operation);
        }

        foreach (uint operation in (ReadOnlySpan<uint>)[15, 16, 100, 0xffffffff])
            Probe.Numbered("event_channel_op("u8, operation, Op(operation));
    }

    public static long Op(uint operation) => Hypercall.Make(Call.EventChannelOp, operation, A.Address);

    public static long AllocUnbound(ushort domain, ushort remote)
    {
        A.Clear().Put16(0, domain).Put16(2, remote).Put32(4, 0x5a5a5a5a);
        return Op(6);
    }

    public static long BindInterdomain(ushort remote, uint port)
    {
        A.Clear().Put16(0, remote).Put32(4, port).Put32(8, 0x5a5a5a5a);
        return Op(0);
    }

    public static long BindVirq(uint virq, uint vcpu)
    {
        A.Clear().Put32(0, virq).Put32(4, vcpu).Put32(8, 0x5a5a5a5a);
        return Op(1);
    }

    public static long BindIpi(uint vcpu)
    {
        A.Clear().Put32(0, vcpu).Put32(4, 0x5a5a5a5a);
        return Op(7);
    }

    public static long OnPort(uint operation, uint port)
    {
        A.Clear().Put32(0, port);
        return Op(operation);
    }

    public static long Close(uint port) => OnPort(3, port);

    public static long Send(uint port) => OnPort(4, port);

    public static long BindVcpu(uint port, uint vcpu)
    {
        A.Clear().Put32(0, port).Put32(4, vcpu);
        return Op(8);
    }

    public static void Status(ReadOnlySpan<byte> text, ushort domain, uint port)
    {
        A.Clear().Put16(0, domain).Put32(4, port);
        if (Probe.Is(text, Op(5)) != 0)
            return;
        Report.Decimal("status"u8, A.Get32(8));
        Report.Decimal("vcpu"u8, A.Get32(12));
        Report.Hex("u0"u8, A.Get32(16));
        Report.Hex("u1"u8, A.Get32(20));
    }

    private static void Unbound()
    {
        foreach (ushort domain in Domains)
        {
            foreach (ushort remote in Domains)
            {
                if (domain != Probe.Self && remote != Probe.Self && remote != 0)
                    continue;
                long result = AllocUnbound(domain, remote);
                uint port = A.Get32(4);
                Report.Begin("alloc_unbound"u8);
                Report.Hex("domain"u8, domain);
                Report.Hex("remote"u8, remote);
                Report.Add(" = "u8);
                Probe.Result(result);
                Report.Hex("port"u8, port);
                if (result == 0)
                    Close(port);
            }
        }
    }

    private static void Interdomain()
    {
        AllocUnbound(Probe.Self, Probe.Self);
        uint first = A.Get32(4);
        Probe.Is("bind_interdomain(self, own unbound port)"u8, BindInterdomain(Probe.Self, first));
        uint second = A.Get32(8);
        Report.Decimal("first"u8, first);
        Report.Decimal("second"u8, second);
        Report.Flag("pending"u8, Events.Pending(second));
        Report.Flag("remote pending"u8, Events.Pending(first));
        Probe.Is("bind_interdomain(self, a bound port)"u8, BindInterdomain(Probe.Self, first));
        foreach (uint port in BadPorts)
            Probe.Numbered("bind_interdomain(self, port "u8, port, BindInterdomain(Probe.Self, port));
        foreach (ushort domain in Domains)
        {
            if (domain != Probe.Self)
                Probe.Numbered("bind_interdomain(a bound port, domain "u8, domain, BindInterdomain(domain, first));
        }

        Status("status(first)"u8, Probe.Self, first);
        Status("status(second)"u8, Probe.Self, second);
        Events.ClearMask(first);
        Events.ClearMask(second);
        Probe.Is("close(first)"u8, Close(first));
        Status("status(second)"u8, Probe.Self, second);
        Report.Flag("pending"u8, Events.Pending(second));
        Probe.Is("send(second)"u8, Send(second));
        Probe.Is("close(second)"u8, Close(second));
        Probe.Is("close(second) again"u8, Close(second));
        AllocUnbound(Probe.Self, 1);
        first = A.Get32(4);
        Probe.Is("bind_interdomain(self, port meant for a nonexistent domain)"u8, BindInterdomain(Probe.Self, first));
        Close(first);
    }

    private static void VirtualIrqs()
    {
        for (uint virq = 0; virq < 26; virq++)
        {
            long result = Probe.Numbered("bind_virq(vcpu 0, "u8, virq, BindVirq(virq, 0));
            uint port = A.Get32(8);
            Report.Hex("port"u8, port);
            Report.Add(", again "u8);
            Probe.Result(BindVirq(virq, 0));
            Report.Add(", vcpu 1 "u8);
            Probe.Result(BindVirq(virq, 1));
            Report.Hex("port"u8, A.Get32(8));
            if (result != 0)
                continue;
            Report.Add(", bind_vcpu 0 "u8);
            Probe.Result(BindVcpu(port, 0));
            Report.Add(", send "u8);
            Probe.Result(Send(port));
            Status("status"u8, Probe.Self, port);
            Close(port);
        }

        Probe.Is("bind_virq(2^31, vcpu 0)"u8, BindVirq(0x80000000, 0));
        Probe.Is("bind_virq(timer, vcpu 2^32 - 1)"u8, BindVirq(0, 0xffffffff));
        Probe.Is("bind_virq(console, vcpu 5)"u8, BindVirq(2, 5));
    }

    private static void Others()
    {
        foreach (uint vcpu in (ReadOnlySpan<uint>)[0, 1, 127, 128, 8191, 0xffffffff])
        {
            long result = Probe.Numbered("bind_ipi(vcpu "u8, vcpu, BindIpi(vcpu));
            Report.Hex("port"u8, A.Get32(4));
            if (result == 0)
                Close(A.Get32(4));
        }

        foreach (uint pirq in (ReadOnlySpan<uint>)[0, 1, 5, 16, 207, 208, 1024, 0xffffffff])
        {
            A.Clear().Put32(0, pirq).Put32(8, 0x5a5a5a5a);
            long result = Probe.Numbered("bind_pirq("u8, pirq, Op(2));
            uint port = A.Get32(8);
            Report.Hex("port"u8, port);
            if (result != 0)
                continue;
            Status("status"u8, Probe.Self, port);
            Probe.Is("send"u8, Send(port));
            Probe.Is("close"u8, Close(port));
        }
    }

    private static void Sending()
    {
        foreach (uint port in BadPorts)
        {
            Probe.Numbered("send("u8, port, Send(port));
            Probe.Numbered("unmask("u8, port, OnPort(9, port));
        }

        BindIpi(0);
        uint ipi = A.Get32(4);
        Events.ClearUpcall(0);
        Events.Mask(ipi);
        Probe.Is("send(masked ipi)"u8, Send(ipi));
        State(ipi);
        Probe.Is("unmask(masked and pending)"u8, OnPort(9, ipi));
        State(ipi);
        Events.ClearUpcall(0);
        Events.ClearPending(ipi);
        Probe.Is("send(ipi)"u8, Send(ipi));
        State(ipi);
        Events.ClearUpcall(0);
        Probe.Is("send(ipi, already pending)"u8, Send(ipi));
        State(ipi);
        Probe.Is("unmask(unmasked and pending)"u8, OnPort(9, ipi));
        State(ipi);
        Events.ClearPending(ipi);
        Events.ClearUpcall(0);
        Probe.Is("unmask(unmasked, nothing pending)"u8, OnPort(9, ipi));
        State(ipi);
        Probe.Is("close(ipi)"u8, Close(ipi));

        AllocUnbound(Probe.Self, Probe.Self);
        uint unbound = A.Get32(4);
        Events.ClearMask(unbound);
        Probe.Is("send(unbound)"u8, Send(unbound));
        State(unbound);
        BindInterdomain(Probe.Self, unbound);
        uint other = A.Get32(8);
        Events.ClearMask(other);
        Events.ClearPending(unbound);
        Events.ClearPending(other);
        Events.ClearUpcall(0);
        Probe.Is("send(interdomain to self)"u8, Send(unbound));
        State(unbound);
        State(other);
        Close(unbound);
        Close(other);
        Events.ClearUpcall(0);
    }

    private static void State(uint port)
    {
        Report.Decimal("port"u8, port);
        Report.Flag("pending"u8, Events.Pending(port));
        Report.Flag("masked"u8, Events.Masked(port));
        Report.Flag("upcall"u8, Events.UpcallPending(0));
        Report.Hex("selector"u8, Events.Selector(0));
        Report.Hex("upcall_mask"u8, Events.UpcallMask(0));
    }

    private static void StatusAndClose()
    {
        foreach (uint port in BadPorts)
        {
            A.Clear();
            Report.Begin("port"u8);
            Report.Decimal("is"u8, port);
            Status("status(bad port)"u8, Probe.Self, port);
            Probe.Numbered("close("u8, port, Close(port));
        }

        foreach (ushort domain in Domains)
        {
            Report.Begin("domain"u8);
            Report.Hex("is"u8, domain);
            Status("status(port 1)"u8, domain, 1);
        }

        // Ports are given out from the lowest free one.
        AllocUnbound(Probe.Self, Probe.Self);
        uint a = A.Get32(4);
        AllocUnbound(Probe.Self, Probe.Self);
        uint b = A.Get32(4);
        AllocUnbound(Probe.Self, Probe.Self);
        uint c = A.Get32(4);
        Close(b);
        AllocUnbound(Probe.Self, Probe.Self);
        Report.Begin("order of ports"u8);
        Report.Decimal("a"u8, a);
        Report.Decimal("b"u8, b);
        Report.Decimal("c"u8, c);
        Report.Decimal("b closed, next"u8, A.Get32(4));
        Close(a);
        Close(b);
        Close(c);
    }

    private static void BindVcpu()
    {
        AllocUnbound(Probe.Self, Probe.Self);
        uint port = A.Get32(4);
        foreach (uint vcpu in (ReadOnlySpan<uint>)[0, 1, 127, 0xffffffff])
            Probe.Numbered("bind_vcpu(unbound port, vcpu "u8, vcpu, BindVcpu(port, vcpu));
        Close(port);
        BindIpi(0);
        port = A.Get32(4);
        Probe.Is("bind_vcpu(ipi, vcpu 0)"u8, BindVcpu(port, 0));
        Close(port);
        foreach (uint bad in BadPorts)
            Probe.Numbered("bind_vcpu(vcpu 0, port "u8, bad, BindVcpu(bad, 0));
    }

    private static void Reset()
    {
        AllocUnbound(Probe.Self, Probe.Self);
        uint port = A.Get32(4);
        BindIpi(0);
        foreach (ushort domain in Domains)
        {
            if (domain is Probe.Self or 0)
                continue;
            A.Clear().Put16(0, domain);
            Probe.Numbered("reset(domain "u8, domain, Op(10));
        }

        A.Clear().Put16(0, Probe.Self);
        Probe.Is("reset_cont(self) without reset"u8, Op(14));
        A.Clear().Put16(0, Probe.Self);
        Probe.Is("reset(self)"u8, Op(10));
        Status("status of a port of before"u8, Probe.Self, port);
        A.Clear();
        Probe.Is("reset(domain 0)"u8, Op(10));
        AllocUnbound(Probe.Self, Probe.Self);
        Report.Begin("first port afterwards"u8);
        Report.Decimal("port"u8, A.Get32(4));
        Close(A.Get32(4));
    }
}
