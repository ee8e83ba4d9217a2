// SPDX-License-Identifier: MIT
// Guests built and ended by a dom0 of our own (guests/Builder), with the calls that libxl makes: they run, they die, and nothing is left.

using System.IO;
using System.Text.RegularExpressions;
using XenSharp.Lab.Common;
using XenSharp.Lab.Machine;
using Xunit;

namespace XenSharp.Tests.Boot;

public class GuestLifeTests
{
    [Theory]
    [InlineData(1, "rounds=3 guests=2 vcpus=2")]
    [InlineData(1, "rounds=3 guests=3 kind=3")]
    [InlineData(2, "rounds=8 guests=4 kind=9 vcpus=2 kill seed=5")]
    public void Guests_come_and_go_and_leave_nothing(int cpus, string arguments) => Check(cpus, arguments);

    /// <summary>After XEN_DOMCTL_soft_reset shared info and vcpu_info can be set up again, and memory is as it was.</summary>
    [Fact]
    public void A_guest_has_a_second_life_after_a_soft_reset()
    {
        using QemuMachine machine = Start(1, "rounds=2 guests=2 softreset", "loglvl=all guest_loglvl=all");
        machine.WaitFor(@"first life shared_info=0 vcpu_info=0 again=-22", StandardMachine.BootTimeout);
        machine.WaitFor(@"second life result=0 shared_info=0 vcpu_info=0 kept=1", StandardMachine.BootTimeout);
        CheckNothingIsLeft(machine, 2);
        Assert.Equal("0", machine.WaitFor(@"^builder end rounds=\d+ failures=(\d+)", StandardMachine.BootTimeout).Groups[1].Value);
    }

    /// <summary>Populate-on-demand: the guest's map shows 1,024 pages, it may have 64 of them at once, and it gets by with that.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void A_guest_uses_more_memory_than_it_has(int cpus)
    {
        using QemuMachine machine = Start(cpus, "rounds=3 guests=2 kind=5", "loglvl=all guest_loglvl=all");
        machine.WaitFor(@"on demand pages=1024 wrong=0\s", StandardMachine.BootTimeout);
        CheckNothingIsLeft(machine, 3);
        Assert.Equal("0", machine.WaitFor(@"^builder end rounds=\d+ failures=(\d+)", StandardMachine.BootTimeout).Groups[1].Value);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [Trait("Level", "long")]
    public void Two_hundred_rounds_leave_nothing(int cpus) => Check(cpus, "rounds=200 guests=3 kind=9 vcpus=2 kill seed=11");

    [OwnHypervisorFact]
    public void A_fault_in_a_guests_entry_costs_that_guest_alone()
    {
        using QemuMachine machine = Start(1, "rounds=2 kind=4 reason=3", "plant=index");
        machine.WaitFor(@"FAULT: index out of range at ", StandardMachine.BootTimeout);
        machine.WaitFor(@"domain 1 is crashed for it; the host goes on", StandardMachine.BootTimeout);
        Assert.Equal("0", machine.WaitFor(@"^builder end rounds=2 failures=(\d+)", StandardMachine.BootTimeout).Groups[1].Value);
    }

    [OwnHypervisorFact]
    public void A_fault_while_a_guest_is_made_costs_that_guest_alone()
    {
        using QemuMachine machine = Start(1, "rounds=2 reason=3", "plant=vcpu");
        machine.WaitFor(@"^builder: max_vcpus failed=-5", StandardMachine.BootTimeout);
        CheckNothingIsLeft(machine, 2);
    }

    /// <summary>By the hypercalls of gdbsx. The second step is over CPUID, which is emulated. QEMU 7.2 does not tell Xen of breakpoints (`helper_raise_interrupt`).</summary>
    [OwnHypervisorFact]
    public void A_debugger_breaks_and_steps_a_guest()
    {
        using QemuMachine machine = Start(1, "debug", "loglvl=all guest_loglvl=all");
        foreach (string line in (string[])["breakpoint paused=yes vcpu=0x0 event=3", "memory result=0 byte=0xcc", "step paused=yes vcpu=0xffffffff event=0 moved=2",
            "step paused=yes vcpu=0xffffffff event=0 moved=2", "step paused=yes vcpu=0xffffffff event=0 moved=1", "breakpoint paused=yes vcpu=0x0 event=3 moved=1",
            @"\(d1\) debugged breakpoints=1", "debugger end"])
            machine.WaitFor(line, StandardMachine.BootTimeout);
    }

    private static void Check(int cpus, string arguments)
    {
        using QemuMachine machine = Start(cpus, arguments, "");
        int rounds = int.Parse(Regex.Match(arguments, @"rounds=(\d+)").Groups[1].Value);
        CheckNothingIsLeft(machine, rounds);
        Assert.Equal("0", machine.WaitFor(@"^builder end rounds=\d+ failures=(\d+)", StandardMachine.BootTimeout).Groups[1].Value);
    }

    // What the first round leaves are tables that dom0 itself keeps.
    private static void CheckNothingIsLeft(QemuMachine machine, int rounds)
    {
        Match first = machine.WaitFor(@"^builder after round number=1 free=(\d+) ports=(\d+)", StandardMachine.BootTimeout);
        Match last = machine.WaitFor($@"^builder after round number={rounds} free=(\d+) ports=(\d+)", StandardMachine.BootTimeout);
        Assert.Equal((first.Groups[1].Value, first.Groups[2].Value), (last.Groups[1].Value, last.Groups[2].Value));
    }

    private static QemuMachine Start(int cpus, string arguments, string hypervisorArguments)
    {
        string kernels = Path.Combine(Repository.Out, "guests");
        MachineConfiguration machine = TestKernel.Machine("builder", arguments, $"noreboot dom0_max_vcpus=1 {hypervisorArguments}");
        return QemuMachine.Start(machine with
        {
            Cpus = cpus,
            Modules = [new BootModule(Path.Combine(kernels, "builder"), arguments), new BootModule(Path.Combine(kernels, "basics"))],
        });
    }
}
