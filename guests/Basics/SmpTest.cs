// SPDX-License-Identifier: MIT
// The `smp` mode. The boot vCPU leads: it starts the others, gives each one task after the other, and waits, with a limit, for
// each to be done. The others sleep until an event wakes them, do what their task word says and sleep again.

using System;
using System.Runtime;
using System.Threading;

namespace XenSharp.Guests.Basics;

internal enum Duty
{
    None,
    Answer,
    ReadClock,
    UseTimer,
    GoDown,
    HaltForGood,
    Work,
    LoadFloatingPoint,

    /// <summary>What HostileGuest does; never done.</summary>
    Harm,
}

internal static class SmpTest
{
    private const ulong Limit = 20000000000;
    private const int ClockReadings = 5000, Answers = 50;

    // One word a vCPU for the duty, the answer, its port and its timer's port: pages, because they are shared by address.
    private static Page Duties => new(2);

    private static Page Done => new(3);

    private static Page Ports => new(4);

    private static Page TimerPorts => new(5);

    // Word 0: lock of the clock test, word 1: violations; long at 8: the last reading.
    private static Page ClockState => new(6);

    public static void Run()
    {
        int vcpus = Prepare();
        Each(vcpus, Duty.Answer, "events"u8);
        BackAndForth(vcpus);
        Each(vcpus, Duty.UseTimer, "timers"u8);
        ClockOnAll(vcpus);
        Vectors(vcpus);
        Nmis(vcpus);
        DownAndUp(vcpus);
        HaltAndRestart(vcpus);
        Each(vcpus, Duty.Answer, "events again"u8);
        Report.Line("smp end"u8);
    }

    /// <summary>The boot vCPU sends itself events while the others load floating-point state: exits, interrupts and FXRSTOR at the same time.</summary>
    public static void FloatingPoint(uint rounds)
    {
        int vcpus = Prepare();
        ulong calls = 0;
        for (uint round = 0; round < rounds; round++)
        {
            for (int vcpu = 1; vcpu < vcpus; vcpu++)
                Give(vcpu, Duty.LoadFloatingPoint);
            for (int vcpu = 1; vcpu < vcpus; vcpu++)
            {
                while (Volatile.Read(ref Done.Word(vcpu * 4)) != (uint)Duty.LoadFloatingPoint)
                {
                    EventPorts.Send(Ports.Get32(0));
                    Machine.EnableInterrupts();
                    Machine.DisableInterrupts();
                    calls++;
                }
            }
        }

        Report.Begin("floating point end"u8);
        Report.Decimal("calls"u8, calls);
        Report.Flush();
    }

    private static int Prepare()
    {
        TimerPorts.Clear().Put32(0, EventPorts.SetUp());
        int vcpus = Count();
        Report.Begin("smp"u8);
        Report.Decimal("vcpus"u8, (ulong)vcpus);
        Report.Flush();
        Ports.Clear().Put32(0, EventPorts.BindIpi(0));
        for (int vcpu = 1; vcpu < vcpus; vcpu++)
        {
            Ports.Put32(vcpu * 4, EventPorts.BindIpi((uint)vcpu));
            TimerPorts.Put32(vcpu * 4, EventPorts.BindTimer((uint)vcpu));
        }

        StartAll(vcpus);
        return vcpus;
    }

    [RuntimeExport("xs_guest_vcpu_main")]
    private static void OtherVcpu(int vcpu)
    {
        while (true)
        {
            Duty duty = (Duty)Duties.Get32(vcpu * 4);
            if (duty == Duty.None)
            {
                // Events that came before the HLT wake it: interrupts open only at the HLT itself.
                Machine.Halt();
                continue;
            }

            Duties.Put32(vcpu * 4, (uint)Duty.None);
            if (duty == Duty.HaltForGood)
                return;
            Perform(vcpu, duty);
            Volatile.Write(ref Done.Word(vcpu * 4), (uint)duty);
            EventPorts.Send(Ports.Get32(0));
        }
    }

    private static void Perform(int vcpu, Duty duty)
    {
        switch (duty)
        {
            case Duty.ReadClock:
                ReadClock();
                break;
            case Duty.UseTimer:
                UseTimer(vcpu);
                break;
            case Duty.GoDown:
                Hypercall.Make(Call.VcpuOp, 2, (ulong)vcpu);
                break;
            case Duty.Work:
                Machine.EmptyLoop(1000000);
                break;
            case Duty.LoadFloatingPoint:
                Machine.LoadFloatingPoint(100000);
                break;
            case Duty.Harm:
                HostileGuest.Work(vcpu);
                break;
        }
    }

    private static int Count()
    {
        int vcpu = 0;
        while (vcpu < 8 && Hypercall.Make(Call.VcpuOp, 3, (ulong)vcpu) >= 0)
            vcpu++;
        return vcpu;
    }

    private static void StartAll(int vcpus)
    {
        for (int vcpu = 1; vcpu < vcpus; vcpu++)
        {
            Report.Begin("start"u8);
            Report.Decimal("vcpu"u8, (ulong)vcpu);
            Report.Signed("up before"u8, Hypercall.Make(Call.VcpuOp, 3, (ulong)vcpu));
            if ((vcpu & 1) != 0)
            {
                Report.Add(" by INIT and start-up IPI"u8);
                Smp.StartByIpi(vcpu);
            }
            else
            {
                Report.Add(" by VCPUOP_initialise"u8);
                Report.Signed("result"u8, Smp.StartByHypercall(vcpu));
            }

            WaitOnline(vcpu);
            Report.Signed("up"u8, Hypercall.Make(Call.VcpuOp, 3, (ulong)vcpu));
            Report.Signed("initialise again"u8, InitialiseAgain(vcpu));
            Report.Flush();
        }
    }

    private static long InitialiseAgain(int vcpu)
    {
        Page context = new Page(7).Clear();
        Smp.FillContext(context.Bytes);
        return Hypercall.Make(Call.VcpuOp, 0, (ulong)vcpu, context.Address);
    }

    private static void WaitOnline(int vcpu)
    {
        ulong end = Clock.Now() + Limit;
        while ((Smp.Online >> vcpu & 1) == 0)
        {
            if (Clock.Now() > end)
                Machine.Fail("a vCPU did not come up"u8);
            Hypercall.Make(Call.SchedOp, 0);
        }
    }

    /// <summary>For a vCPU that finds its duty when it starts.</summary>
    public static void GiveBeforeStart(int vcpu, Duty duty) => Duties.Put32(vcpu * 4, (uint)duty);

    private static void Give(int vcpu, Duty duty)
    {
        Done.Put32(vcpu * 4, 0);
        Volatile.Write(ref Duties.Word(vcpu * 4), (uint)duty);
        EventPorts.Check(EventPorts.Send(Ports.Get32(vcpu * 4)), "send"u8);
    }

    // Sleeps between looks; the timer wakes it if an answer never comes.
    private static void WaitDone(int vcpu, Duty duty)
    {
        ulong end = Clock.Now() + Limit;
        Page argument = new Page(7).Clear().Put64(0, end);
        Hypercall.Make(Call.VcpuOp, 8, 0, argument.Address);
        while (Volatile.Read(ref Done.Word(vcpu * 4)) != (uint)duty)
        {
            if (Clock.Now() > end)
                Machine.Fail("a vCPU did not do its duty"u8);
            Machine.Halt();
        }
    }

    private static void Each(int vcpus, Duty duty, ReadOnlySpan<byte> name)
    {
        for (int vcpu = 1; vcpu < vcpus; vcpu++)
        {
            Give(vcpu, duty);
            WaitDone(vcpu, duty);
        }

        Report.Begin(name);
        Report.Add(" good on all"u8);
        Report.Flush();
    }

    private static void BackAndForth(int vcpus)
    {
        for (int vcpu = 1; vcpu < vcpus; vcpu++)
        {
            for (int i = 0; i < Answers; i++)
            {
                Give(vcpu, Duty.Answer);
                WaitDone(vcpu, Duty.Answer);
            }
        }

        // All at once, too.
        for (int vcpu = 1; vcpu < vcpus; vcpu++)
            Give(vcpu, Duty.Work);
        for (int vcpu = 1; vcpu < vcpus; vcpu++)
            WaitDone(vcpu, Duty.Work);
        Report.Line("events back and forth good on all"u8);
    }

    private static void UseTimer(int vcpu)
    {
        uint port = TimerPorts.Get32(vcpu * 4);
        for (int i = 0; i < 3; i++)
        {
            int before = Events.Count(port);
            Page argument = new Page(32 + vcpu).Clear().Put64(0, Clock.Now() + 3000000);
            EventPorts.Check(Hypercall.Make(Call.VcpuOp, 8, (ulong)vcpu, argument.Address), "set_singleshot_timer"u8);
            while (Events.Count(port) == before)
                Machine.Halt();
        }
    }

    private static void ClockOnAll(int vcpus)
    {
        ClockState.Clear();
        for (int vcpu = 1; vcpu < vcpus; vcpu++)
            Give(vcpu, Duty.ReadClock);
        ReadClock();
        for (int vcpu = 1; vcpu < vcpus; vcpu++)
            WaitDone(vcpu, Duty.ReadClock);
        Report.Begin("clock over all"u8);
        Report.Decimal("backwards"u8, ClockState.Get32(4));
        Report.Flush();
    }

    private static void ReadClock()
    {
        for (int i = 0; i < ClockReadings; i++)
        {
            while (Interlocked.CompareExchange(ref ClockState.Word(0), 1u, 0u) != 0)
                Machine.Pause();
            ulong now = Clock.Now();
            if (now < ClockState.Get64(8))
                ClockState.Word(4)++;
            ClockState.Put64(8, now);
            Volatile.Write(ref ClockState.Word(0), 0u);
        }
    }

    // Interprocessor interrupts through the local APIC, as the hypervisor emulates it.
    private static void Vectors(int vcpus)
    {
        int before = Traps.Ipis;
        for (int vcpu = 1; vcpu < vcpus; vcpu++)
            LocalApic.SendIpi((uint)vcpu * 2, Traps.IpiVector);
        WaitFor(before + vcpus - 1, 0);
        Report.Line("local APIC interrupts good on all"u8);
    }

    private static void Nmis(int vcpus)
    {
        int before = Traps.Nmis;
        for (int vcpu = 1; vcpu < vcpus; vcpu++)
            EventPorts.Check(Hypercall.Make(Call.VcpuOp, 11, (ulong)vcpu), "send_nmi"u8);
        WaitFor(int.MinValue, before + vcpus - 1);
        Report.Line("NMIs good on all"u8);
    }

    private static void WaitFor(int ipis, int nmis)
    {
        ulong end = Clock.Now() + Limit;
        while (Traps.Ipis < ipis || Traps.Nmis < nmis)
        {
            if (Clock.Now() > end)
                Machine.Fail("an interrupt did not arrive"u8);
            Hypercall.Make(Call.SchedOp, 0);
        }
    }

    private static void WaitDown(int vcpu)
    {
        ulong end = Clock.Now() + Limit;
        while (Hypercall.Make(Call.VcpuOp, 3, (ulong)vcpu) != 0)
        {
            if (Clock.Now() > end)
                Machine.Fail("a vCPU did not go down"u8);
            Hypercall.Make(Call.SchedOp, 0);
        }
    }

    // VCPUOP_down of itself, VCPUOP_up by the boot vCPU: it goes on behind its hypercall.
    private static void DownAndUp(int vcpus)
    {
        for (int vcpu = 1; vcpu < vcpus; vcpu++)
        {
            Give(vcpu, Duty.GoDown);
            WaitDown(vcpu);
            EventPorts.Check(Hypercall.Make(Call.VcpuOp, 1, (ulong)vcpu), "up"u8);
            WaitDone(vcpu, Duty.GoDown);
            Report.Begin("down and up"u8);
            Report.Decimal("vcpu"u8, (ulong)vcpu);
            Report.Signed("up"u8, Hypercall.Make(Call.VcpuOp, 3, (ulong)vcpu));
            Report.Flush();
        }
    }

    // HLT with interrupts off puts a vCPU down; INIT and start-up IPI bring it back through its entry.
    private static void HaltAndRestart(int vcpus)
    {
        for (int vcpu = 1; vcpu < vcpus; vcpu++)
        {
            Smp.MarkOffline(vcpu);
            Give(vcpu, Duty.HaltForGood);
            WaitDown(vcpu);
            Smp.StartByIpi(vcpu);
            WaitOnline(vcpu);
            Report.Begin("halt and restart"u8);
            Report.Decimal("vcpu"u8, (ulong)vcpu);
            Report.Signed("up"u8, Hypercall.Make(Call.VcpuOp, 3, (ulong)vcpu));
            Report.Flush();
        }
    }
}
