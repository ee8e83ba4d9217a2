// SPDX-License-Identifier: MIT
// The `timers` mode: one-shot timers of 10 to 50 µs while the vCPU interrupts itself by events all the time, so that timers expire in the middle of
// the hypervisor's handing over of an interrupt. Nothing else happens in the machine: a timer that got lost stays lost.

namespace XenSharp.Guests.Basics;

internal static class TimerTest
{
    private const ulong Shortest = 10000, Limit = 2000000000;

    public static void Run(uint rounds)
    {
        uint timer = EventPorts.SetUp();
        uint self = EventPorts.BindIpi(0);
        ulong calls = 0;
        for (uint round = 0; round < rounds; round++)
        {
            int before = Events.Count(timer);
            ulong deadline = Clock.Now() + Shortest + (round * 7919 % 40000);
            new Page(0).Clear().Put64(0, deadline);
            Hypercall.Make(Call.VcpuOp, 8, 0, new Page(0).Address);
            while (Events.Count(timer) == before)
            {
                EventPorts.Send(self);
                Machine.EnableInterrupts();
                Machine.DisableInterrupts();
                calls++;
                if (Clock.Now() > deadline + Limit)
                    Machine.Fail("a timer is two seconds late"u8);
            }
        }

        Report.Begin("timers end"u8);
        Report.Decimal("calls"u8, calls);
        Report.Flush();
    }
}
