// SPDX-License-Identifier: MIT
// Debug key 'a': the timers of all CPUs, in Xen's form. Called by the table of debug keys.

using XenSharp.Core.Console;
using XenSharp.Core.Scheduling;

namespace XenSharp.Core.Time;

/// <summary>Prints the queues in heap order. They may change meanwhile: what is gone is left out.</summary>
public static class TimerDump
{
    public static void Dump(Host host, Cpu caller)
    {
        long now = (long)host.Clock.Now;
        host.Console.Begin(caller).Text("Dumping timer queues:"u8).End();
        for (int i = 0; i < host.ProcessorCount; i++)
        {
            Cpu processor = host.Processors[i]!;
            host.Console.Begin(caller).Text("CPU"u8).Padded((ulong)i, 2).Text(":"u8).End();
            for (int j = 0; j < processor.Timers.Count; j++)
            {
                Timer? timer = processor.Timers[j];
                if (timer == null)
                    continue;
                LogLine line = host.Console.Begin(caller).Text("  ex="u8).DecimalField(((long)timer.DeadlineNs - now) / 1000, 12)
                    .Text("us cb="u8).Text(timer.Name).Text("("u8);
                if (timer.Owner != null)
                    line.VcpuName(timer.Owner, processor);
                line.Text(")"u8).End();
            }
        }
    }
}
