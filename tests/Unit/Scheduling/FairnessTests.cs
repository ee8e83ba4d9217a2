// SPDX-License-Identifier: MIT
// Who gets how much of the CPUs.

using System;
using System.Linq;
using XenSharp.Core.Scheduling;
using XenSharp.Core.Vcpus;
using XenSharp.Testing;
using Xunit;

namespace XenSharp.Tests.Unit.Scheduling;

public class FairnessTests
{
    private const ulong Second = 1_000_000_000;
    private const ulong Millisecond = 1_000_000;

    [Theory]
    [InlineData(256, 256)]
    [InlineData(256, 512)]
    [InlineData(64, 1024)]
    [InlineData(1000, 100)]
    [InlineData(4096, 64)]
    public void TimeGoesByWeight(int first, int second)
    {
        var machine = new SchedulingMachine(1);
        TestDomain a = machine.AddDomain(1, (ushort)first), b = machine.AddDomain(1, (ushort)second);
        machine.Start();
        machine.Run(20 * Second);

        double share = (double)machine.TimeOf(a.Vcpu()) / (20 * Second);
        Assert.Equal((double)first / (first + second), share, 0.01);
        Assert.Equal(20 * Second, machine.TimeOf(a.Vcpu()) + machine.TimeOf(b.Vcpu()));
    }

    [Theory]
    [InlineData(1, 3)]
    [InlineData(2, 3)]
    [InlineData(2, 7)]
    [InlineData(4, 10)]
    [InlineData(8, 64)]
    public void EqualVcpusGetEqualTime(int processors, int vcpus)
    {
        var machine = new SchedulingMachine(processors);
        machine.AddDomain(vcpus);
        machine.Start();
        machine.Run(10 * Second);

        double fair = 10.0 * Second * processors / vcpus;
        foreach (Vcpu vcpu in machine.Vcpus)
            Assert.Equal(1.0, machine.TimeOf(vcpu) / fair, 0.05);
    }

    [Fact]
    public void WhoWaitedRunsSoonThoughOthersAreBusy()
    {
        var machine = new SchedulingMachine(1);
        TestDomain busy = machine.AddDomain(3), sleeper = machine.AddDomain(1);
        machine.Start();
        ulong longest = 0;
        for (int i = 0; i < 200; i++)
        {
            while (sleeper.Vcpu().IsRunningNow)
                machine.Exit(0, vcpu => machine.Host.Scheduler.Block(vcpu));
            machine.Run(20 * Millisecond);
            ulong start = machine.Now;
            machine.Host.Scheduler.Wake(sleeper.Vcpu(), machine.Machine.Cpu());
            machine.Exit(0, _ => { });
            while (!sleeper.Vcpu().IsRunningNow)
                machine.Run(Millisecond / 10);
            longest = Math.Max(longest, machine.Now - start);
        }

        // The one that runs has at least the rate limit; then the waiting one has more credit than the busy ones.
        Assert.True(longest <= (12 * Millisecond) / 10, "waited " + longest + " ns");
        Assert.True(busy.Vcpu().RunningNs > 0);
    }

    [Theory]
    [InlineData(256, 256)]
    [InlineData(256, 128)]
    public void WhoRanAloneNeedNotWaitForThatLater(int first, int second)
    {
        var machine = new SchedulingMachine(1);
        TestDomain alone = machine.AddDomain(1, (ushort)first), sleeper = machine.AddDomain(1, (ushort)second);
        machine.Start();
        for (int i = 0; i < 20; i++)
        {
            while (machine.Machine.Cpu().Current != sleeper.Vcpu())
                machine.Run(Millisecond);
            machine.Exit(0, vcpu => machine.Host.Scheduler.Block(vcpu));
            machine.Run(300 * Millisecond);
            machine.Host.Scheduler.Wake(sleeper.Vcpu(), machine.Machine.Cpu());
            machine.Exit(0, _ => { });
            while (machine.Machine.Cpu().Current != sleeper.Vcpu())
                machine.Run(Millisecond / 10);
            ulong start = machine.Now;
            while (machine.Machine.Cpu().Current != alone.Vcpu())
                machine.Run(Millisecond / 10);
            Assert.True(machine.Now - start <= 25 * Millisecond, $"waited {machine.Now - start} ns");
        }
    }

    [Fact]
    public void AloneNobodyIsInterrupted()
    {
        var machine = new SchedulingMachine(2);
        machine.AddDomain(2);
        machine.Start();
        machine.Run(20 * Millisecond);
        int before = machine.Switches;
        machine.Run(10 * Second);
        Assert.Equal(before, machine.Switches);
        Assert.DoesNotContain(machine.Machine.Platform.Deadlines.Values, deadline => deadline != 0);
    }

    [Fact]
    public void SlicesAreNeitherShortNorLong()
    {
        var machine = new SchedulingMachine(1);
        machine.AddDomain(2);
        machine.Start();
        int before = machine.Switches;
        machine.Run(10 * Second);
        int choices = machine.Switches - before;
        Assert.InRange(choices, 1_000, 10_000);
    }

    [Fact]
    public void YieldGivesWay()
    {
        var machine = new SchedulingMachine(1);
        TestDomain a = machine.AddDomain(1, 1024), b = machine.AddDomain(1, 64);
        machine.Start();
        Vcpu first = machine.Machine.Cpu().Current!;
        Vcpu other = first == a.Vcpu() ? b.Vcpu() : a.Vcpu();
        machine.Exit(0, vcpu => machine.Host.Scheduler.Yield(vcpu));
        Assert.Same(other, machine.Machine.Cpu().Current);
    }

    [Fact]
    public void ParametersAreChecked()
    {
        var machine = new SchedulingMachine(1);
        TestDomain domain = machine.AddDomain(2);
        Scheduler scheduler = machine.Host.Scheduler;
        Assert.Equal(-22, scheduler.SetParameters(domain.Domain, 0, 201, machine.Machine.Cpu()));
        Assert.Equal(0, scheduler.SetParameters(domain.Domain, 0, 200, machine.Machine.Cpu()));
        Assert.Equal(256, domain.Domain.Scheduling.Weight);
        Assert.Equal(200, domain.Domain.Scheduling.Cap);
        Assert.Equal(0, scheduler.SetParameters(domain.Domain, 77, 0, machine.Machine.Cpu()));
        Assert.Equal(77, domain.Domain.Scheduling.Weight);
        Assert.Equal(0, domain.Domain.Scheduling.Cap);
        Assert.Equal(-22, scheduler.SetRateLimit(99));
        Assert.Equal(-22, scheduler.SetRateLimit(500_001));
        Assert.Equal(0, scheduler.SetRateLimit(0));
        Assert.Equal(0, scheduler.SetRateLimit(500_000));
    }

    [Fact]
    public void IdleTimeIsCounted()
    {
        var machine = new SchedulingMachine(2);
        TestDomain domain = machine.AddDomain(1);
        machine.Start();
        machine.Run(Second);
        ulong idle = Enumerable.Range(0, 2).Aggregate(0UL, (sum, id) => sum + machine.Host.Scheduler.GetIdleNs(machine.Machine.Cpu(id), machine.Machine.Cpu()));
        Assert.Equal((2 * Second) - 1, idle + machine.TimeOf(domain.Vcpu()));
    }
}
