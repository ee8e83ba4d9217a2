// SPDX-License-Identifier: MIT
// What an unprivileged guest does for the tests of domains' lives: a greeting and an end, or trouble without an end.

using System;

namespace XenSharp.Guests.Basics;

internal static class TinyGuest
{
    private const uint BuilderPort = 1;

    // A number that Xen does not have: where our hypervisor faults when it is told to.
    private const uint PlantedFault = 63;

    private static Page Argument => new(0);

    public static void Run(uint kind)
    {
        switch (kind)
        {
            case 1:
                Spin();
                break;
            case 2:
                Flood();
                break;
            case 3:
                Exhaust();
                break;
            case 4:
                Hypercall.Make(PlantedFault);
                break;
            case 5:
                UseOnDemand();
                break;
            case 6:
                Break();
                break;
        }

        Report.Line("hello from a guest"u8);
        Machine.Shutdown(Machine.ShutdownPoweroff);
        Machine.HaltForever();
    }

    private static void Spin()
    {
        while (true)
            Machine.EmptyLoop(1_000_000);
    }

    // Events to the domain that built us, as fast as they go.
    private static void Flood()
    {
        Argument.Clear().Put32(0, BuilderPort);
        while (true)
            Hypercall.Make(Call.EventChannelOp, 4, Argument.Address);
    }

    // Takes all ports, grant frames and pages that there are, and a watchdog and timers besides.
    private static void Exhaust()
    {
        Events.MapSharedInfo();
        Argument.Clear().Put32(0, 0).Put32(4, 60);
        Hypercall.Make(Call.SchedOp, 6, Argument.Address);
        uint ports = 0;
        while (Argument.Clear().Put16(0, 0x7ff0).Put16(2, 0).Address != 0 && Hypercall.Make(Call.EventChannelOp, 6, Argument.Address) == 0)
            ports++;
        Argument.Clear().Put64(0, ulong.MaxValue >> 1);
        Hypercall.Make(Call.SetTimerOp, ulong.MaxValue >> 1);
        uint frames = 0;
        while (MapGrantFrame(frames) == 0)
            frames++;
        uint pages = 0;
        while (Populate(0x4000 + pages) == 1)
            pages++;
        Report.Begin("exhausted"u8);
        Report.Decimal("ports"u8, ports);
        Report.Decimal("grant_frames"u8, frames);
        Report.Decimal("pages"u8, pages);
        Report.Flush();
    }

    // The first is the debugger's, the second our own.
    private static void Break()
    {
        Machine.MeetBreakpoint();
        Machine.MeetBreakpoint();
        Report.Begin("debugged"u8);
        Report.Decimal("breakpoints"u8, (ulong)Traps.Breakpoints);
        Report.Flush();
    }

    // Every page is written and, but for a few, emptied again; in the end each must hold what was left there. The address is GuestDomain's.
    private static void UseOnDemand()
    {
        const ulong start = 0x2000UL << 12;
        const uint pages = 1024, kept = 32;
        uint wrong = 0;
        for (uint page = 0; page < pages; page++)
        {
            Span<byte> bytes = Machine.Writable(start + ((ulong)page << 12), 4096);
            if (bytes[4095] != 0)
                wrong++;
            bytes[4095] = 1;
            if (page % kept != 0)
                bytes[4095] = 0;
        }

        for (uint page = 0; page < pages; page++)
        {
            if (Machine.Physical(start + ((ulong)page << 12), 4096)[4095] != (page % kept == 0 ? 1 : 0))
                wrong++;
        }

        Report.Begin("on demand"u8);
        Report.Decimal("pages"u8, pages);
        Report.Decimal("wrong"u8, wrong);
        Report.Flush();
    }

    public static long MapGrantFrame(uint index)
    {
        Argument.Clear().Put16(0, 0x7ff0).Put32(4, 1).Put64(8, index).Put64(16, 0x8000 + index);
        return Hypercall.Make(Call.MemoryOp, 7, Argument.Address);
    }

    public static long Populate(ulong frame)
    {
        new Page(1).Put64(0, frame);
        Argument.Clear().Put64(0, new Page(1).Address).Put64(8, 1).Put16(24, 0x7ff0);
        return Hypercall.Make(Call.MemoryOp, 6, Argument.Address);
    }
}
