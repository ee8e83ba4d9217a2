// SPDX-License-Identifier: MIT
// Machines that are not the standard one, and many starts in a row, with a test kernel as dom0.

using System;
using XenSharp.Lab.Machine;
using Xunit;

namespace XenSharp.Tests.Boot;

public class MachineTests
{
    private const string Hello = "hello from a PVH kernel";
    private static readonly TimeSpan s_boot = TimeSpan.FromSeconds(120);

    [Fact]
    public void A_hundred_reboots_in_a_row()
    {
        using QemuMachine machine = QemuMachine.Start(TestKernel.Machine("basics", "shutdown=1", "") with { EndOnReboot = false });
        for (int boot = 0; boot < 100; boot++)
            machine.WaitFor(@"Hardware Dom0 shutdown: rebooting machine", s_boot);
    }

    [Fact]
    public void A_crash_of_dom0_reboots_the_machine_after_five_seconds()
    {
        using QemuMachine machine = QemuMachine.Start(TestKernel.Machine("basics", "shutdown=3", ""));
        machine.WaitFor(@"Hardware Dom0 crashed: rebooting machine in 5 seconds\.", s_boot);
        Assert.Equal(0, machine.WaitForEnd(s_boot));
    }

    /// <summary>SMAP is left out of the standard machine because QEMU fails a guest's IRET with it; the hypervisor itself runs with it.</summary>
    [OwnHypervisorFact]
    public void A_processor_with_smap_is_used_with_it()
    {
        using QemuMachine machine = QemuMachine.Start(TestKernel.Machine("basics", "hello") with { CpuModel = "EPYC,-monitor,-rdtscp" });
        machine.WaitFor(Hello, s_boot);
    }

    /// <summary>Reserved, not touched: the host needs none of it.</summary>
    [Fact]
    public void A_machine_with_960_GiB_starts()
    {
        MachineConfiguration configuration = TestKernel.Machine("basics", "hello") with
        {
            MemoryMiB = 960 * 1024,
            ExtraArguments = ["-object", "memory-backend-ram,id=ram,size=960G,reserve=off", "-machine", "memory-backend=ram"],
        };
        using QemuMachine machine = QemuMachine.Start(configuration);
        machine.WaitFor(@"\(XEN\) System RAM: 98\d{4}MB", s_boot);
        machine.WaitFor(Hello, s_boot);
    }
}
