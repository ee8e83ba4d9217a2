// SPDX-License-Identifier: MIT
// Random lives of vCPUs from a seed: whatever happens, nobody is on two CPUs or where it may not be, nobody is forgotten, and the
// accounts of time add up. The checks are in SchedulingMachine.

using System;
using XenSharp.Core;
using XenSharp.Core.Scheduling;
using XenSharp.Core.Vcpus;
using XenSharp.Testing;
using Xunit;

namespace XenSharp.Tests.Unit.Scheduling;

public class RandomLifeTests
{
    public static TheoryData<int> Seeds()
    {
        var seeds = new TheoryData<int>();
        for (int seed = 1; seed <= 100; seed++)
            seeds.Add(seed);
        return seeds;
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void EveryRuleHolds(int seed)
    {
        var random = new Random(seed);
        int processors = random.Next(1, 6);
        var machine = new SchedulingMachine(processors, seed);
        Scheduler scheduler = machine.Host.Scheduler;
        for (int i = random.Next(1, 5); i > 0; i--)
            machine.AddDomain(random.Next(1, 5), (ushort)random.Next(1, 2000));
        machine.Start();
        int[] domainPauses = new int[machine.Machine.Domains.Count];
        int[] vcpuPauses = new int[machine.Vcpus.Count];
        for (int step = 0; step < 3000; step++)
        {
            Cpu caller = machine.Machine.Cpu(random.Next(processors));
            int chosen = random.Next(vcpuPauses.Length);
            Vcpu vcpu = machine.Vcpus[chosen];
            switch (random.Next(12))
            {
                case 0 or 1 or 2:
                    machine.Exit(caller.Id, current => scheduler.Block(current));
                    break;
                case 3 or 4:
                    scheduler.Wake(vcpu, caller);
                    break;
                case 5:
                    machine.Exit(caller.Id, scheduler.Yield);
                    break;
                case 6:
                    vcpuPauses[chosen]++;
                    scheduler.Pause(vcpu, caller);
                    break;
                case 7 when vcpuPauses[chosen] > 0:
                    vcpuPauses[chosen]--;
                    scheduler.Unpause(vcpu, caller);
                    break;
                case 8:
                    int which = random.Next(domainPauses.Length);
                    bool pause = domainPauses[which] == 0 || random.Next(2) == 0;
                    domainPauses[which] += pause ? 1 : -1;
                    if (pause)
                        scheduler.Pause(machine.Machine.Domains[which].Domain, caller);
                    else
                        scheduler.Unpause(machine.Machine.Domains[which].Domain, caller);
                    break;
                case 9:
                    ulong affinity = (ulong)random.Next(1 << processors);
                    Assert.Equal(affinity == 0 ? -22 : 0, scheduler.SetHardAffinity(vcpu, affinity, caller));
                    scheduler.SetSoftAffinity(vcpu, (ulong)random.Next(1 << processors), caller);
                    break;
                case 10:
                    if (vcpu.IsUp)
                        scheduler.VcpuDown(vcpu, caller);
                    else
                        scheduler.VcpuUp(vcpu, caller);
                    break;
                default:
                    machine.Run((ulong)random.Next(3_000_000));
                    break;
            }

            // What a caller has raised for itself it sees when its hypercall ends.
            machine.Exit(caller.Id, _ => { });
            machine.Settle();
            CheckAccounts(machine);
        }

        RunAllAgain(machine, domainPauses, vcpuPauses);
    }

    private static void CheckAccounts(SchedulingMachine machine)
    {
        foreach (Vcpu vcpu in machine.Vcpus)
        {
            machine.Host.Scheduler.GetRunstate(vcpu, machine.Machine.Cpu(), out RunstateRecord times);
            Assert.Equal(machine.Now, times.RunningNs + times.RunnableNs + times.BlockedNs + times.OfflineNs);
            uint expected = vcpu.IsRunningNow ? 0u : (vcpu.PauseFlags & VcpuPauseFlags.Blocked) != 0 ? 2u : vcpu.IsRunnable ? 1u : 3u;
            if (expected == 2 && times.State == 3)
                expected = 3; // Blocked while it was down or paused: the state is that of the last change.
            Assert.Equal(expected, times.State);
        }
    }

    // Once nothing holds them back any more, all of them run.
    private static void RunAllAgain(SchedulingMachine machine, int[] domainPauses, int[] vcpuPauses)
    {
        Cpu caller = machine.Machine.Cpu();
        Scheduler scheduler = machine.Host.Scheduler;
        for (int i = 0; i < domainPauses.Length; i++)
        {
            for (; domainPauses[i] > 0; domainPauses[i]--)
                scheduler.Unpause(machine.Machine.Domains[i].Domain, caller);
        }

        for (int i = 0; i < vcpuPauses.Length; i++)
        {
            for (; vcpuPauses[i] > 0; vcpuPauses[i]--)
                scheduler.Unpause(machine.Vcpus[i], caller);
            scheduler.VcpuUp(machine.Vcpus[i], caller);
            scheduler.Wake(machine.Vcpus[i], caller);
        }

        machine.Exit(0, _ => { });
        ulong[] before = new ulong[vcpuPauses.Length];
        for (int i = 0; i < before.Length; i++)
            before[i] = machine.TimeOf(machine.Vcpus[i]);
        machine.Run(30_000_000_000);
        for (int i = 0; i < before.Length; i++)
            Assert.True(machine.TimeOf(machine.Vcpus[i]) > before[i], "vCPU " + i + " is forgotten");
    }
}
