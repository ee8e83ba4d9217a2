// SPDX-License-Identifier: MIT
// The `clock` mode: one line a second, so that whoever reads them can compare with a clock of his own; each second is waited for
// with the one-shot timer, and the line says how late the timer came.

namespace XenSharp.Guests.Basics;

internal static class ClockTest
{
    private const ulong Second = 1000000000;

    public static void Run(uint seconds)
    {
        uint port = EventPorts.SetUp();
        ulong next = Clock.Now() + Second, last = 0, backwards = 0;
        for (uint i = 0; i < seconds; i++, next += Second)
        {
            int before = Events.Count(port);
            new Page(0).Clear().Put64(0, next);
            Hypercall.Make(Call.VcpuOp, 8, 0, new Page(0).Address);
            while (Events.Count(port) == before)
                Machine.Halt();
            ulong now = Clock.Now();
            Report.Begin("clock"u8);
            Report.Decimal("second"u8, i + 1);
            Report.Decimal("ns"u8, now);
            Report.Decimal("late"u8, now - next);
            Report.Flush();
            for (int turn = 0; turn < 1000; turn++)
            {
                ulong reading = Clock.Now();
                if (reading < last)
                    backwards++;
                last = reading;
            }
        }

        Report.Begin("clock end"u8);
        Report.Decimal("backwards"u8, backwards);
        Report.Flush();
    }
}
