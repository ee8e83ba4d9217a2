// SPDX-License-Identifier: MIT
// Debug keys 'q' (domains and their vCPUs), 'd' and '0' (registers of vCPUs), in Xen's form. Called by the table of debug keys.

using XenSharp.Abi;
using XenSharp.Core.Console;
using XenSharp.Core.Scheduling;
using XenSharp.Core.Vcpus;

namespace XenSharp.Core.Domains;

/// <summary>Prints all domains, and tells their kernels to print what they know (VIRQ_DEBUG).</summary>
public static class DomainDump
{
    private const ulong Second = 1_000_000_000;

    public static void Dump(Host host, Cpu caller)
    {
        host.Console.Begin(caller).Text("'q' pressed -> dumping domain info (now = "u8).Decimal(host.Clock.Now).Text(")"u8).End();
        for (Domain? domain = host.Domains.NextFrom(0); domain != null; domain = host.Domains.NextFrom(domain.Id + 1))
        {
            caller.Subject = domain;
            PrintDomain(domain, caller);
        }

        for (Domain? domain = host.Domains.NextFrom(0); domain != null; domain = host.Domains.NextFrom(domain.Id + 1))
        {
            caller.Subject = domain;
            foreach (Vcpu? vcpu in domain.Vcpus)
            {
                if (vcpu != null)
                    Notify(vcpu, caller);
            }
        }

        caller.Subject = null;
    }

    /// <summary>Registers of the hardware domain's vCPUs (key '0'): those that are not running, and the calling CPU's.</summary>
    public static void DumpHardwareDomain(Host host, Cpu caller)
    {
        Domain? domain = host.HardwareDomain;
        if (domain == null)
            return;
        host.Console.Begin(caller).Text("'0' pressed -> dumping Dom0's registers"u8).End();
        foreach (Vcpu? vcpu in domain.Vcpus)
        {
            if (vcpu == null)
                continue;
            host.Console.Begin(caller).Text("*** Dumping Dom"u8).Decimal(domain.Id).Text(" vcpu#"u8).Decimal(vcpu.Id).Text(" state: ***"u8).End();
            if (!vcpu.IsRunningNow || vcpu.Processor == caller)
                VcpuDump.Print(vcpu, caller);
            else
                host.Console.Begin(caller).Text("running on CPU "u8).Decimal(vcpu.Processor.Id).End();
        }
    }

    /// <summary>Registers of what the calling CPU runs (key 'd', on each CPU in turn): the hypervisor's own, then the guest's.</summary>
    public static void DumpProcessor(Host host, Cpu caller)
    {
        host.Console.Begin(caller).Text("*** Dumping CPU"u8).Decimal(caller.Id).Text(" host state: ***"u8).End();
        host.Platform.DumpExecutionState();
        if (caller.Current == null)
            return;
        host.Console.Begin(caller).Text("*** Dumping CPU"u8).Decimal(caller.Id).Text(" guest state ("u8).VcpuName(caller.Current, caller).Text("): ***"u8).End();
        VcpuDump.Print(caller.Current, caller);
    }

    private static void PrintDomain(Domain domain, Cpu caller)
    {
        HostConsole console = domain.Host.Console;
        console.Begin(caller).Text("General information for domain "u8).Decimal(domain.Id).Text(":"u8).End();
        console.Begin(caller).Text("    refcnt=1 dying="u8).Decimal(domain.IsDying ? 1 : 0).Text(" pause_count="u8).Decimal(domain.PauseCount).End();
        console.Begin(caller).Text("    nr_pages="u8).Decimal(domain.Memory.Pages).Text(" xenheap_pages="u8).Decimal(domain.Memory.OverheadPages)
            .Text(" dirty_cpus={"u8).ProcessorList(RunningOn(domain)).Text("} max_pages="u8).Decimal(domain.Memory.MaxPages).End();
        LogLine line = console.Begin(caller).Text("    handle="u8);
        for (int i = 0; i < domain.Handle.Length; i++)
        {
            if (i is 4 or 6 or 8 or 10)
                line.Text("-"u8);
            line.Hex(domain.Handle[i], 2);
        }

        line.Text(" vm_assist="u8).Hex(domain.VmAssist, 8).End();
        for (int i = 0; i < DomainWatchdogs.Count; i++)
            PrintWatchdog(domain, i, caller);
        console.Begin(caller).Text("NODE affinity for domain "u8).Decimal(domain.Id).Text(": [0]"u8).End();
        console.Begin(caller).Text("VCPU information and callbacks for domain "u8).Decimal(domain.Id).Text(":"u8).End();
        foreach (Vcpu? vcpu in domain.Vcpus)
        {
            if (vcpu != null)
                PrintVcpu(vcpu, caller);
        }
    }

    private static void PrintWatchdog(Domain domain, int number, Cpu caller)
    {
        DomainWatchdog watchdog = domain.Watchdogs[number];
        if (!watchdog.IsInUse)
            return;
        ulong now = domain.Host.Clock.Now;
        ulong left = watchdog.DeadlineNs > now ? (watchdog.DeadlineNs - now) / Second : 0;
        domain.Host.Console.Begin(caller).Text("    watchdog "u8).Decimal(number).Text(" expires in "u8).Decimal(left).Text(" seconds"u8).End();
    }

    private static void PrintVcpu(Vcpu vcpu, Cpu caller)
    {
        HostConsole console = vcpu.Host.Console;
        ulong all = vcpu.Host.Scheduler.AllProcessors;
        console.Begin(caller).Text("  UNIT"u8).Decimal(vcpu.Id).Text(" affinities: hard={"u8).ProcessorList(vcpu.HardAffinity & all)
            .Text("} soft={"u8).ProcessorList(vcpu.SoftAffinity & all).Text("}"u8).End();

        GuestArea info = vcpu.Info;
        uint pending = info.IsMapped ? vcpu.Host.Memory.Read8(info.Frame, info.Offset) : 0u;
        uint mask = info.IsMapped ? vcpu.Host.Memory.Read8(info.Frame, info.Offset + 1) : 0u;
        LogLine line = console.Begin(caller).Text("    VCPU"u8).Decimal(vcpu.Id).Text(": CPU"u8).Decimal(vcpu.Processor.Id).Text(" [has="u8)
            .Text(vcpu.IsRunningNow ? "T"u8 : "F"u8).Text("] poll="u8).Decimal(vcpu.PollPort).Text(" upcall_pend="u8).Hex(pending, 2)
            .Text(" upcall_mask="u8).Hex(mask != 0 ? 1u : 0, 2).Text(" "u8);
        if (vcpu.IsRunningNow)
            line.Text("dirty_cpu="u8).Decimal(vcpu.Processor.Id);
        line.End();

        console.Begin(caller).Text("    pause_count="u8).Decimal(vcpu.PauseCount).Text(" pause_flags="u8).Hex((uint)vcpu.PauseFlags).End();
        ulong period = vcpu.PeriodicTimer.PeriodNs;
        if (period == 0)
            console.Begin(caller).Text("No periodic timer"u8).End();
        else
            console.Begin(caller).Decimal(Second / period).Text(" Hz periodic timer (period "u8).Decimal(period / 1_000_000).Text(" ms)"u8).End();
    }

    private static void Notify(Vcpu vcpu, Cpu caller)
    {
        vcpu.Host.Console.Begin(caller).Text("Notifying guest "u8).Decimal(vcpu.Domain.Id).Text(":"u8).Decimal(vcpu.Id).Text(" (virq "u8)
            .Decimal((int)VirtualIrq.Debug).Text(", port "u8).Decimal((long)vcpu.VirqPorts[(int)VirtualIrq.Debug]).Text(")"u8).End();
        vcpu.Domain.EventChannels.RaiseVcpuVirq(vcpu, VirtualIrq.Debug, caller);
    }

    private static ulong RunningOn(Domain domain)
    {
        ulong set = 0;
        foreach (Vcpu? vcpu in domain.Vcpus)
        {
            if (vcpu != null && vcpu.IsRunningNow)
                set |= 1UL << vcpu.Processor.Id;
        }

        return set;
    }
}
