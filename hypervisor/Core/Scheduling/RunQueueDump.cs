// SPDX-License-Identifier: MIT
// Debug key 'r': the run queue and who runs where, in Xen's form. Called by the table of debug keys.

using System.Numerics;
using XenSharp.Core.Console;
using XenSharp.Core.Domains;
using XenSharp.Core.Vcpus;

namespace XenSharp.Core.Scheduling;

/// <summary>Prints what the scheduler knows. Credits are as charged last; the averages that Xen keeps for its load balancing do not exist here.</summary>
public static class RunQueueDump
{
    public static void Dump(Host host, Cpu caller)
    {
        HostConsole console = host.Console;
        ulong all = host.Scheduler.AllProcessors;
        console.Begin(caller).Text("sched_smt_power_savings: disabled"u8).End();
        console.Begin(caller).Text("NOW="u8).Decimal(host.Clock.Now).End();
        console.Begin(caller).Text("Online Cpus: "u8).ProcessorList(all).End();
        console.Begin(caller).Text("Cpupool 0:"u8).End();
        console.Begin(caller).Text("Cpus: "u8).ProcessorList(all).End();
        console.Begin(caller).Text("Scheduling granularity: cpu, 1 CPU per sched-resource"u8).End();
        console.Begin(caller).Text("Scheduler: "u8).Text(Scheduler.Name).Text(" ("u8).Text(Scheduler.OptionName).Text(")"u8).End();
        console.Begin(caller).Text("Active queues: 1"u8).End();
        console.Begin(caller).Text("\tdefault-weight     = "u8).Decimal(DomainScheduling.DefaultWeight).End();
        host.Scheduler.DumpQueue(caller);
        console.Begin(caller).Text("CPUs info:"u8).End();
        for (int i = 0; i < host.ProcessorCount; i++)
            PrintProcessor(host, host.Processors[i]!, caller);
    }

    internal static void PrintVcpu(HostConsole console, Vcpu vcpu, System.ReadOnlySpan<byte> before, int number, Cpu caller)
    {
        LogLine line = console.Begin(caller).Text("\t"u8).Text(before);
        if (number >= 0)
            line.DecimalField(number, 3).Text(": "u8);
        line.Text("["u8).Decimal(vcpu.Domain.Id).Text("."u8).Decimal(vcpu.Id).Text("] flags="u8).Hex(vcpu.IsRunningNow ? 2u : 0)
            .Text(" cpu="u8).Decimal(vcpu.Processor.Id).Text(" credit="u8).Decimal(vcpu.Credit).Text(" [w="u8)
            .Decimal((int)vcpu.Domain.Scheduling.Weight).Text("]"u8).End();
    }

    private static void PrintProcessor(Host host, Cpu processor, Cpu caller)
    {
        LogLine line = host.Console.Begin(caller).Text("CPU["u8).Padded((ulong)processor.Id, 2).Text("] current="u8);
        line.VcpuName(processor.Current, processor).Text(", curr="u8).VcpuName(processor.Current, processor).Text(", prev="u8);
        if (processor.Leaving == null)
            line.Text("NULL"u8).End();
        else
            line.VcpuName(processor.Leaving, processor).End();
    }

    /// <summary>A set of CPUs as ranges: 0-2,5.</summary>
    internal static LogLine ProcessorList(this LogLine line, ulong set)
    {
        bool first = true;
        while (set != 0)
        {
            int start = BitOperations.TrailingZeroCount(set);
            int count = BitOperations.TrailingZeroCount(~(set >> start));
            int end = start + count - 1;
            if (!first)
                line.Text(","u8);
            first = false;
            line.Decimal(start);
            if (count > 1)
                line.Text("-"u8).Decimal(end);
            set = end >= 63 ? 0 : set >> (end + 1) << (end + 1);
        }

        return line;
    }

    /// <summary>d0v1; the idle vCPU of a CPU when there is none.</summary>
    internal static LogLine VcpuName(this LogLine line, Vcpu? vcpu, Cpu processor) => vcpu == null
        ? line.Text("d[IDLE]v"u8).Decimal(processor.Id)
        : line.Text("d"u8).Decimal(vcpu.Domain.Id).Text("v"u8).Decimal(vcpu.Id);

    /// <summary>Decimal with leading spaces.</summary>
    internal static LogLine DecimalField(this LogLine line, long value, int width)
    {
        long size = 1;
        for (long rest = value < 0 ? -value : value; rest >= 10; rest /= 10)
            size++;
        for (size += value < 0 ? 1 : 0; size < width; size++)
            line.Text(" "u8);
        return line.Decimal(value);
    }
}

public sealed partial class Scheduler
{
    internal void DumpQueue(Cpu caller)
    {
        HostConsole console = Host.Console;
        using (_queue.Lock.Enter(caller))
        {
            int running = BitOperations.PopCount(_online & ~_idle);
            console.Begin(caller).Text("Runqueue 0:"u8).End();
            console.Begin(caller).Text("\tncpus              = "u8).Decimal(Host.ProcessorCount).End();
            console.Begin(caller).Text("\tcpus               = "u8).ProcessorList(AllProcessors).End();
            console.Begin(caller).Text("\tmax_weight         = "u8).Decimal((long)_queue.MaxWeight).End();
            console.Begin(caller).Text("\tinstload           = "u8).Decimal(running + _queue.WaitingCount).End();
            console.Begin(caller).Text("\tidlers: "u8).Hex(_idle).End();
            console.Begin(caller).Text("\ttickled: "u8).Hex(_tickled).End();
            console.Begin(caller).Text("Domain info:"u8).End();
            int number = 0;
            for (Domain? domain = Host.Domains.NextFrom(0); domain != null; domain = Host.Domains.NextFrom(domain.Id + 1))
                DumpDomain(domain, ref number, caller);

            console.Begin(caller).Text("Runqueue 0:"u8).End();
            for (int i = 0; i < Host.ProcessorCount; i++)
            {
                console.Begin(caller).Text("CPU["u8).Padded((ulong)i, 2).Text("] runq=0, sibling={"u8).Decimal(i).Text("}, core={"u8).Decimal(i).Text("}"u8).End();
                Vcpu? current = Host.Processors[i]!.Current;
                if (current != null)
                    RunQueueDump.PrintVcpu(console, current, "run: "u8, -1, caller);
            }

            console.Begin(caller).Text("RUNQ:"u8).End();
            number = 0;
            for (Vcpu? vcpu = _queue.Head; vcpu != null; vcpu = vcpu.QueueNext)
                RunQueueDump.PrintVcpu(console, vcpu, default, number++, caller);
        }
    }

    private void DumpDomain(Domain domain, ref int number, Cpu caller)
    {
        int count = 0;
        foreach (Vcpu? vcpu in domain.Vcpus)
            count += vcpu == null ? 0 : 1;
        Host.Console.Begin(caller).Text("\tDomain: "u8).Decimal(domain.Id).Text(" w "u8).Decimal((int)domain.Scheduling.Weight)
            .Text(" c "u8).Decimal((int)domain.Scheduling.Cap).Text(" v "u8).Decimal(count).End();
        foreach (Vcpu? vcpu in domain.Vcpus)
        {
            if (vcpu != null && vcpu.IsAdded)
                RunQueueDump.PrintVcpu(Host.Console, vcpu, default, ++number, caller);
        }
    }
}
