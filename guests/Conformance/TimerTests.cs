// SPDX-License-Identifier: MIT
// set_timer_op and the timers of vcpu_op, seen by VIRQ_TIMER; the clock in shared_info.

using System;

namespace XenSharp.Guests.Conformance;

internal static class TimerTests
{
    private static Page A => Probe.A;

    public static void Run()
    {
        Probe.Section("timers"u8);
        EventTests.BindVirq(0, 0);
        uint port = A.Get32(8);
        Events.ClearMask(port);
        Events.ClearPending(port);
        Probe.Is("set_timer_op(0)"u8, Hypercall.Make(Call.SetTimerOp, 0));
        Report.Flag("pending"u8, Events.Pending(port));
        Probe.Is("set_timer_op(1)"u8, Hypercall.Make(Call.SetTimerOp, 1));
        Report.Flag("pending"u8, WaitFor(port));
        Probe.Is("set_timer_op(now + 1 ms)"u8, Hypercall.Make(Call.SetTimerOp, Clock.Now() + 1000000));
        Report.Flag("pending"u8, WaitFor(port));
        Probe.Is("set_timer_op(2^62)"u8, Hypercall.Make(Call.SetTimerOp, 1UL << 62));
        Report.Flag("pending"u8, Events.Pending(port));
        Probe.Is("set_timer_op(-1)"u8, Hypercall.Make(Call.SetTimerOp, ulong.MaxValue));
        Probe.Is("set_timer_op(0)"u8, Hypercall.Make(Call.SetTimerOp, 0));
        Events.ClearPending(port);

        SingleShot("set_singleshot_timer(1, 0)"u8, 1, 0, port);
        SingleShot("set_singleshot_timer(1, future)"u8, 1, 1, port);
        SingleShot("set_singleshot_timer(now + 1 ms, 0)"u8, Clock.Now() + 1000000, 0, port);
        SingleShot("set_singleshot_timer(now + 50 ms, future)"u8, Clock.Now() + 50000000, 1, port);
        SingleShot("set_singleshot_timer(1, unknown flags)"u8, 1, 0xfffffffe, port);
        SingleShot("set_singleshot_timer(0, 0)"u8, 0, 0, port);
        A.Clear().Put64(0, ulong.MaxValue);
        Probe.Is("set_singleshot_timer(-1, 0)"u8, Hypercall.Make(Call.VcpuOp, 8, 0, A.Address));
        A.Clear().Put64(0, Clock.Now() + 1000000000000);
        Probe.Is("set_singleshot_timer(far, 0)"u8, Hypercall.Make(Call.VcpuOp, 8, 0, A.Address));
        Probe.Is("stop_singleshot_timer"u8, Hypercall.Make(Call.VcpuOp, 9));
        Probe.Is("stop_singleshot_timer again"u8, Hypercall.Make(Call.VcpuOp, 9));
        Events.ClearPending(port);

        foreach (ulong period in (ReadOnlySpan<ulong>)[0, 1, 999999, 1000000, 1UL << 62, ulong.MaxValue])
        {
            A.Clear().Put64(0, period);
            Probe.Numbered("set_periodic_timer(ns "u8, period, Hypercall.Make(Call.VcpuOp, 6, 0, A.Address));
        }

        A.Clear().Put64(0, 2000000);
        Events.ClearPending(port);
        Probe.Is("set_periodic_timer(2 ms)"u8, Hypercall.Make(Call.VcpuOp, 6, 0, A.Address));
        Report.Flag("pending"u8, WaitFor(port));
        Events.ClearPending(port);
        Report.Flag("pending again"u8, WaitFor(port));
        Probe.Is("stop_periodic_timer"u8, Hypercall.Make(Call.VcpuOp, 7));
        Events.ClearPending(port);
        Probe.Is("set_periodic_timer(vcpu 1)"u8, Hypercall.Make(Call.VcpuOp, 6, 1, A.Address));
        Probe.Is("stop_periodic_timer(vcpu 1)"u8, Hypercall.Make(Call.VcpuOp, 7, 1));
        Probe.Is("set_singleshot_timer(vcpu 1)"u8, Hypercall.Make(Call.VcpuOp, 8, 1, A.Address));
        Probe.Is("stop_singleshot_timer(vcpu 1)"u8, Hypercall.Make(Call.VcpuOp, 9, 1));
        Probe.BadThirdPointers("vcpu_op(set_periodic_timer)"u8, Call.VcpuOp, 6, 0);
        Probe.BadThirdPointers("vcpu_op(set_singleshot_timer)"u8, Call.VcpuOp, 8, 0);
        EventTests.Close(port);
        ClockRuns();
    }

    private static void SingleShot(ReadOnlySpan<byte> text, ulong deadline, uint flags, uint port)
    {
        A.Clear().Put64(0, deadline).Put32(8, flags);
        long result = Hypercall.Make(Call.VcpuOp, 8, 0, A.Address);
        Probe.Is(text, result);
        Report.Flag("pending"u8, result == 0 && WaitFor(port));
        Events.ClearPending(port);
        Hypercall.Make(Call.VcpuOp, 9);
    }

    // At most a second of the guest's clock.
    private static bool WaitFor(uint port)
    {
        ulong end = Clock.Now() + 1000000000;
        while (!Events.Pending(port))
        {
            if (Clock.Now() > end)
                return false;
            Machine.Pause();
        }

        return true;
    }

    private static void ClockRuns()
    {
        ulong last = Clock.Now(), start = last;
        bool monotonic = true;
        for (int i = 0; i < 1000; i++)
        {
            ulong now = Clock.Now();
            monotonic &= now >= last;
            last = now;
        }

        Report.Begin("clock"u8);
        Report.Flag("monotonic"u8, monotonic);
        Report.Flag("advances"u8, last > start);
        Report.Flag("version even"u8, (Events.SharedInfo.Get32(32) & 1) == 0);
    }
}
