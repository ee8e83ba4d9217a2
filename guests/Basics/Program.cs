// SPDX-License-Identifier: MIT
// The kernel of the boot tests. The first word of its command line says what it does:
//   hello           prints a line and powers off
//   shutdown=N      SCHEDOP_shutdown with reason N
//   fault           an exception of its own, reported by the kernel, which then ends as crashed
//   triplefault     an exception with no way to deliver it
//   watchdog        a watchdog that nobody feeds
//   lastdown        VCPUOP_down of the last vCPU
//   halt            HLT with interrupts off on the last vCPU
//   clock=SECONDS   prints the clock and the timers' accuracy once a second
//   tiny=KIND       a guest of guests/Builder: 0 says hello, 1 spins, 2 floods its builder with events, 3 takes all that it can get,
//                   4 meets a planted fault, 5 uses more memory on demand than there is
//   hostile=KIND    a guest under a toolstack: 1 spins on all vCPUs, 2 floods dom0's daemons with events from all, 3 takes all ports, grant frames and pages,
//                   4 fills xenstore and floods its daemon, 5 floods its console
//   dma             lets QEMU's edu device copy to memory of the domain's, beyond it (128 MiB), and to a page that comes and goes
//   softreset       SCHEDOP_shutdown for a soft reset, then a second life with what the toolstack and the hypervisor have set up anew
//   idle            prints a line and sleeps for ever, as a guest for the tools to handle
//   floating=ROUNDS events to itself on the boot vCPU while all others load floating-point state
//   timers=ROUNDS   short timers while the vCPU sends events to itself
//   smp             brings up all vCPUs and lets them do everything to each other
// Further words: `trace` prints every hypercall before it is made.

using System.Runtime;

namespace XenSharp.Guests.Basics;

internal static class Program
{
    private static void Main() { }

    [RuntimeExport("xs_guest_main")]
    private static void Run()
    {
        Hypercall.Trace(StartInfo.Has("trace"u8));
        uint reason = StartInfo.Number("shutdown"u8, uint.MaxValue);
        uint tiny = StartInfo.Number("tiny"u8, uint.MaxValue);
        uint hostile = StartInfo.Number("hostile"u8, 0);
        if (hostile != 0)
            HostileGuest.Run(hostile);
        else if (tiny != uint.MaxValue)
            TinyGuest.Run(tiny);
        else if (reason != uint.MaxValue)
            End(reason);
        else if (StartInfo.Has("fault"u8))
            Machine.RaiseUndefined();
        else if (StartInfo.Has("triplefault"u8))
            Machine.TripleFault();
        else if (StartInfo.Has("watchdog"u8))
            Watchdog();
        else if (StartInfo.Has("lastdown"u8))
            LastDown();
        else if (StartInfo.Has("halt"u8))
            Machine.HaltForever();
        else if (StartInfo.Number("clock"u8, 0) != 0)
            ClockTest.Run(StartInfo.Number("clock"u8, 0));
        else if (StartInfo.Number("floating"u8, 0) != 0)
            SmpTest.FloatingPoint(StartInfo.Number("floating"u8, 0));
        else if (StartInfo.Number("timers"u8, 0) != 0)
            TimerTest.Run(StartInfo.Number("timers"u8, 0));
        else if (StartInfo.Has("idle"u8))
            Idle();
        else if (StartInfo.Has("softreset"u8))
            SoftReset();
        else if (StartInfo.Has("smp"u8))
            SmpTest.Run();
        else if (StartInfo.Has("dma"u8))
            DmaTest.Start();
        else
            Hello();
        Machine.End();
    }

    private static void Hello()
    {
        Report.Line("hello from a PVH kernel"u8);
        Machine.Shutdown(Machine.ShutdownPoweroff);
        Machine.HaltForever();
    }

    private static void Idle()
    {
        Report.Line("a PVH kernel is up"u8);
        while (true)
            Hypercall.Make(Call.SchedOp, 1);
    }

    private static void End(uint reason)
    {
        Report.Begin("shutdown"u8);
        Report.Decimal("reason"u8, reason);
        Report.Flush();
        long result = Machine.Shutdown(reason);
        Report.Begin("shutdown returned"u8);
        Report.Signed("result"u8, result);
        Report.Flush();
        Machine.HaltForever();
    }

    // What a kernel has registered is gone behind it: shared info can be mapped again, the event channels are new, memory is as it was.
    private static void SoftReset()
    {
        Page kept = new Page(20).Fill(0x5a);
        Report.Begin("first life"u8);
        Report.Signed("shared_info"u8, Events.MapSharedInfo());
        Report.Signed("vcpu_info"u8, RegisterVcpuInfo());
        Report.Signed("again"u8, RegisterVcpuInfo());
        Report.Flush();
        long result = Machine.Shutdown(Machine.ShutdownSoftReset);
        Console.Forget();
        Report.Begin("second life"u8);
        Report.Signed("result"u8, result);
        Report.Signed("shared_info"u8, Events.MapSharedInfo());
        Report.Signed("vcpu_info"u8, RegisterVcpuInfo());
        Report.Decimal("kept"u8, kept.Get64(0) == 0x5a5a5a5a5a5a5a5a && kept.Get64(4088) == 0x5a5a5a5a5a5a5a5a ? 1u : 0u);
        Report.Flush();
        Machine.Shutdown(Machine.ShutdownPoweroff);
        Machine.HaltForever();
    }

    private static long RegisterVcpuInfo()
    {
        Page argument = new Page(0).Clear().Put64(0, new Page(21).Frame);
        return Hypercall.Make(Call.VcpuOp, 10, 0, argument.Address);
    }

    // Returns only if the watchdog is refused; the wait is ended by it.
    private static void Watchdog()
    {
        Page argument = new Page(0).Clear().Put32(0, 0).Put32(4, 2);
        Report.Begin("watchdog of 2 s"u8);
        Report.Signed("result"u8, Hypercall.Make(Call.SchedOp, 6, argument.Address));
        Report.Flush();
        while (true)
            Hypercall.Make(Call.SchedOp, 0);
    }

    private static void LastDown()
    {
        Report.Line("the last vCPU goes down"u8);
        Report.Begin("down returned"u8);
        Report.Signed("result"u8, Hypercall.Make(Call.VcpuOp, 2, 0));
    }
}
