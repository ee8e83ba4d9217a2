// SPDX-License-Identifier: MIT
// Caps of credit2: a domain gets at most so much CPU time, whoever else runs or idles.

using System;
using XenSharp.Core.Scheduling;
using XenSharp.Core.Vcpus;
using XenSharp.Testing;
using Xunit;

namespace XenSharp.Tests.Unit.Scheduling;

public class CapTests
{
    private const ulong Second = 1_000_000_000;

    [Theory]
    [InlineData(1, 1, 50)]
    [InlineData(1, 1, 1)]
    [InlineData(1, 1, 99)]
    [InlineData(2, 2, 50)]
    [InlineData(2, 2, 150)]
    [InlineData(4, 4, 100)]
    [InlineData(4, 3, 10)]
    [InlineData(1, 4, 30)]
    public void AnOtherwiseIdleMachineGivesTheCapAndNoMore(int processors, int vcpus, int cap)
    {
        var machine = new SchedulingMachine(processors);
        TestDomain domain = machine.AddDomain(vcpus);
        SetCap(machine, domain, cap);
        machine.Start();
        machine.Run(20 * Second);
        Assert.Equal(cap / 100.0, Share(machine, domain, 20 * Second), 0.02);
    }

    [Theory]
    [InlineData(1, 30)]
    [InlineData(2, 60)]
    [InlineData(4, 100)]
    public void WhatACappedDomainMayNotUseGoesToOthers(int processors, int cap)
    {
        var machine = new SchedulingMachine(processors);
        TestDomain capped = machine.AddDomain(processors, 1024), other = machine.AddDomain(processors);
        SetCap(machine, capped, cap);
        machine.Start();
        machine.Run(20 * Second);
        Assert.Equal(cap / 100.0, Share(machine, capped, 20 * Second), 0.03);
        Assert.Equal(processors - (cap / 100.0), Share(machine, other, 20 * Second), 0.03);
    }

    [Fact]
    public void ACapAboveTheFairShareChangesNothing()
    {
        var machine = new SchedulingMachine(1);
        TestDomain capped = machine.AddDomain(1), other = machine.AddDomain(1);
        SetCap(machine, capped, 80);
        machine.Start();
        machine.Run(20 * Second);
        Assert.Equal(0.5, Share(machine, capped, 20 * Second), 0.03);
        Assert.True(other.Vcpu().RunningNs > 0);
    }

    [Fact]
    public void ACapComesAndGoesWhileTheDomainRuns()
    {
        var machine = new SchedulingMachine(1);
        TestDomain domain = machine.AddDomain(1);
        machine.Start();
        machine.Run(Second);
        SetCap(machine, domain, 25);
        machine.Settle();
        ulong before = machine.TimeOf(domain.Vcpu());
        machine.Run(8 * Second);
        Assert.Equal(2.0, (machine.TimeOf(domain.Vcpu()) - before) / (double)Second, 0.05);
        SetCap(machine, domain, 0);
        machine.Settle();
        before = machine.TimeOf(domain.Vcpu());
        machine.Run(2 * Second);
        Assert.Equal(2.0, (machine.TimeOf(domain.Vcpu()) - before) / (double)Second, 0.01);
        Assert.False(domain.Vcpu().IsParked);
    }

    [Fact]
    public void APausedDomainDoesNotComeBackByItsNextPeriod()
    {
        var machine = new SchedulingMachine(2);
        TestDomain domain = machine.AddDomain(2);
        SetCap(machine, domain, 10);
        machine.Start();
        machine.Run(Second / 200);
        machine.Host.Scheduler.Pause(domain.Domain, machine.Machine.Cpu());
        machine.Exit(0, _ => { });
        ulong before = machine.TimeOf(domain.Vcpu()) + machine.TimeOf(domain.Vcpu(1));
        machine.Run(Second);
        Assert.Equal(before, machine.TimeOf(domain.Vcpu()) + machine.TimeOf(domain.Vcpu(1)));
        machine.Host.Scheduler.Unpause(domain.Domain, machine.Machine.Cpu());
        machine.Exit(0, _ => { });
        machine.Run(10 * Second);
        Assert.Equal(1.0, (machine.TimeOf(domain.Vcpu()) + machine.TimeOf(domain.Vcpu(1)) - before) / (double)Second, 0.05);
    }

    [Fact]
    public void RandomLivesKeepWithinTheCap()
    {
        for (int seed = 0; seed < 20; seed++)
        {
            var random = new Random(seed);
            var machine = new SchedulingMachine(2, seed);
            TestDomain capped = machine.AddDomain(3);
            machine.AddDomain(2);
            SetCap(machine, capped, 40);
            machine.Start();
            for (int i = 0; i < 2000; i++)
            {
                machine.Run((ulong)random.Next(1, 2_000_000));
                Vcpu vcpu = machine.Vcpus[random.Next(machine.Vcpus.Count)];
                switch (random.Next(3))
                {
                    case 0:
                        machine.Exit(vcpu.Processor.Id, current => machine.Host.Scheduler.Block(current));
                        break;
                    case 1:
                        machine.Host.Scheduler.Wake(vcpu, machine.Machine.Cpu());
                        machine.Exit(0, _ => { });
                        break;
                    default:
                        machine.Exit(vcpu.Processor.Id, current => machine.Host.Scheduler.Yield(current));
                        break;
                }
            }

            double elapsed = machine.Now;
            ulong used = 0;
            for (int i = 0; i < 3; i++)
                used += machine.TimeOf(capped.Vcpu(i));
            Assert.True(used / elapsed <= 0.42, "seed " + seed + ": " + (used / elapsed));
        }
    }

    private static void SetCap(SchedulingMachine machine, TestDomain domain, int cap) =>
        Assert.Equal(0, machine.Host.Scheduler.SetParameters(domain.Domain, 0, (ushort)cap, machine.Machine.Cpu()));

    private static double Share(SchedulingMachine machine, TestDomain domain, ulong elapsed)
    {
        ulong used = 0;
        foreach (Vcpu? vcpu in domain.Domain.Vcpus)
            used += machine.TimeOf(vcpu!);
        return used / (double)elapsed;
    }
}
