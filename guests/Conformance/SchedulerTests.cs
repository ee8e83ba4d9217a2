// SPDX-License-Identifier: MIT
// sched_op (`xen/include/public/sched.h`), except what ends the domain.

using System;

namespace XenSharp.Guests.Conformance;

internal static class SchedulerTests
{
    private static Page A => Probe.A;

    public static void Run()
    {
        Probe.Section("sched_op"u8);
        Probe.Is("sched_op(yield)"u8, Op(0));
        Probe.Is("sched_op(yield, unmapped)"u8, Hypercall.Make(Call.SchedOp, 0, Probe.Unmapped));
        // A vCPU that has no way to get upcalls is not woken by events.
        Probe.Is("callback by vector"u8, Events.UseCallbackVector());
        EventTests.BindVirq(0, 0);
        uint port = A.Get32(8);
        Events.ClearMask(port);
        Block(port);
        Poll(port);
        EventTests.Close(port);
        Watchdog();
        A.Clear().Put32(0, 1);
        Probe.Is("sched_op(shutdown_code, reboot)"u8, Op(5));
        foreach (int cpu in (ReadOnlySpan<int>)[-1, 0, 0, -1, -1, 1, 1000, int.MinValue])
        {
            A.Clear().Put32(0, (uint)cpu);
            Report.Begin("pin_override"u8);
            Report.Signed("cpu"u8, cpu);
            Report.Add(" = "u8);
            Probe.Result(Op(7));
        }

        // Domain 0 is left out: it would be shut down.
        foreach (ushort domain in (ReadOnlySpan<ushort>)[Probe.Self, 1, 0x7ff1, 0x7ff4, 0x7fff])
        {
            A.Clear().Put16(0, domain);
            Probe.Numbered("sched_op(remote_shutdown, domain "u8, domain, Op(4));
        }

        for (uint operation = 2; operation < 8; operation++)
        {
            Report.Begin("sched_op"u8);
            Report.Decimal("operation"u8, operation);
            Report.Flush();
            Probe.BadPointers(" "u8, Call.SchedOp, operation);
        }

        foreach (uint operation in (ReadOnlySpan<uint>)[8, 9, 100, 0xffffffff])
            Probe.Numbered("sched_op("u8, operation, Op(operation));
    }

    private static long Op(ulong operation) => Hypercall.Make(Call.SchedOp, operation, A.Address);

    private static void Arm(ulong delay)
    {
        A.Clear().Put64(0, Clock.Now() + delay);
        Hypercall.Make(Call.VcpuOp, 8, 0, A.Address);
    }

    private static void Block(uint port)
    {
        Events.ClearPending(port);
        Events.ClearUpcall(0);
        // Far enough ahead that a busy host does not let it pass before the block.
        Arm(500000000);
        Probe.Is("sched_op(block) until a timer"u8, Op(1));
        Report.Flag("pending"u8, Events.Pending(port));
        Report.Flag("upcall"u8, Events.UpcallPending(0));
        Report.Hex("upcall_mask"u8, Events.UpcallMask(0));
        // Not tried: with interrupts off and the upcall pending already, a block on real Xen is for ever.
        Events.ClearPending(port);
        Events.ClearUpcall(0);
    }

    private static void PollArgument(ulong ports, uint count, ulong timeout) => A.Clear().Put64(0, ports).Put32(8, count).Put64(16, timeout);

    private static void Poll(uint port)
    {
        Page b = Probe.B;
        b.Clear().Put32(0, port).Put32(4, 900).Put32(8, 0xffffffff);
        Events.ClearPending(port);
        Events.Mask(port);
        PollArgument(b.Address, 1, Clock.Now() + 2000000);
        Probe.Is("sched_op(poll, one port, timeout)"u8, Op(3));
        Report.Flag("pending"u8, Events.Pending(port));
        Arm(2000000);
        PollArgument(b.Address, 1, Clock.Now() + 1000000000);
        Probe.Is("sched_op(poll, one port, event first)"u8, Op(3));
        Report.Flag("pending"u8, Events.Pending(port));
        PollArgument(b.Address, 1, 0);
        Probe.Is("sched_op(poll, pending port, no timeout)"u8, Op(3));
        Events.ClearPending(port);
        Events.ClearUpcall(0);
        PollArgument(b.Address, 1, 1);
        Probe.Is("sched_op(poll, timeout in the past)"u8, Op(3));
        PollArgument(0, 0, Clock.Now() + 1000000);
        Probe.Is("sched_op(poll, no ports, timeout)"u8, Op(3));
        PollArgument(b.Address, 2, Clock.Now() + 1000000);
        Probe.Is("sched_op(poll, second port free)"u8, Op(3));
        b.Put32(4, 0xffffffff);
        Probe.Is("sched_op(poll, second port bad)"u8, Op(3));
        PollArgument(b.Address, 128, Clock.Now() + 1000000);
        for (int i = 0; i < 128; i++)
            b.Put32(i * 4, port);
        Probe.Is("sched_op(poll, 128 ports)"u8, Op(3));
        PollArgument(b.Address, 129, Clock.Now() + 1000000);
        Probe.Is("sched_op(poll, 129 ports)"u8, Op(3));
        PollArgument(b.Address, 0xffffffff, 1);
        Probe.Is("sched_op(poll, 2^32 - 1 ports)"u8, Op(3));
        PollArgument(Probe.Unmapped, 1, Clock.Now() + 1000000);
        Probe.Is("sched_op(poll, unmapped ports)"u8, Op(3));
        PollArgument(Probe.NonCanonical, 1, Clock.Now() + 1000000);
        Probe.Is("sched_op(poll, non-canonical ports)"u8, Op(3));
        Events.ClearMask(port);
        Events.ClearPending(port);
        Events.ClearUpcall(0);
    }

    private static void Watchdog()
    {
        One(1, 0);
        One(3, 1000);
        One(0xffffffff, 1000);
        // A new watchdog with timeout 0 is left out: it fires at once.
        One(0, 1000);
        One(0, 1000);
        One(0, 1000);
        One(1, 2000);
        One(1, 0);
        One(1, 0);
        One(2, 0);
        One(3, 0);
    }

    private static void One(uint id, uint timeout)
    {
        A.Clear().Put32(0, id).Put32(4, timeout);
        Report.Begin("watchdog"u8);
        Report.Decimal("id"u8, id);
        Report.Decimal("timeout"u8, timeout);
        Report.Add(" = "u8);
        Probe.Result(Op(6));
    }
}
