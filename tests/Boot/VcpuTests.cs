// SPDX-License-Identifier: MIT
// Several vCPUs, with the test kernel: brought up and down by each means, events and timers on all, one clock over all.

using System.Text.RegularExpressions;
using XenSharp.Lab.Machine;
using Xunit;

namespace XenSharp.Tests.Boot;

public class VcpuTests
{
    [Theory]
    [InlineData(1, 4)]
    [InlineData(2, 2)]
    public void All_vcpus_come_up_and_serve_each_other(int cpus, int vcpus)
    {
        using QemuMachine machine = QemuMachine.Start(TestKernel.Machine("basics", "smp", $"noreboot dom0_max_vcpus={vcpus}") with { Cpus = cpus });
        CheckSmp(machine, vcpus);
    }

    /// <summary>Under -icount all CPUs run on one host thread and in step with their instructions: each run is the same.</summary>
    [Theory]
    [InlineData(2)]
    [InlineData(8)]
    public void Several_cpus_run_the_same_way_each_time(int cpus)
    {
        using QemuMachine machine = QemuMachine.Start(
            TestKernel.Machine("basics", "smp", $"noreboot dom0_max_vcpus={cpus}") with { Cpus = cpus, ExtraArguments = ["-icount", "shift=0,sleep=off"] });
        CheckSmp(machine, cpus);
    }

    /// <summary>
    /// Fails where QEMU runs each CPU on a thread of its own: the domain dies of a fault that is not its own, or stands still. On one thread it fails
    /// with a hypervisor that injects interrupts by EVENTINJ: some come twice (docs/testing.md, "Several CPUs on one thread").
    /// </summary>
    [Fact]
    public void World_switches_of_one_cpu_bear_floating_point_loads_of_another()
    {
        using QemuMachine machine = QemuMachine.Start(TestKernel.Machine("basics", "floating=60", "noreboot dom0_max_vcpus=2") with { Cpus = 2 });
        machine.WaitFor(@"^floating point end", StandardMachine.BootTimeout);
    }

    /// <summary>
    /// Fails where an interrupt that arrives during the handing over of a virtual one stays unseen (docs/testing.md, "A virtual interrupt may hide
    /// another").
    /// </summary>
    [Fact]
    public void Timers_that_expire_while_an_interrupt_is_handed_over_are_not_lost()
    {
        using QemuMachine machine = QemuMachine.Start(TestKernel.Machine("basics", "timers=150000"));
        machine.WaitFor(@"^timers end", StandardMachine.BootTimeout);
    }

    [Fact]
    public void The_clock_goes_on_and_timers_come()
    {
        using QemuMachine machine = QemuMachine.Start(TestKernel.Machine("basics", "clock=3"));
        Match end = machine.WaitFor(@"^clock end backwards=(\d+)", StandardMachine.BootTimeout);
        Assert.Equal("0", end.Groups[1].Value);
    }

    private static void CheckSmp(QemuMachine machine, int vcpus)
    {
        Match count = machine.WaitFor(@"^smp vcpus=(\d+)", StandardMachine.BootTimeout);
        Assert.Equal($"{vcpus}", count.Groups[1].Value);
        machine.WaitFor(@"^clock over all backwards=0\s", StandardMachine.BootTimeout);
        machine.WaitFor(@"^smp end", StandardMachine.BootTimeout);
    }
}
