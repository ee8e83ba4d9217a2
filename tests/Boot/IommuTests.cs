// SPDX-License-Identifier: MIT
// The IOMMU of the standard machine: found, used, and left alone when asked, with a test kernel as dom0.

using System;
using XenSharp.Lab.Machine;
using Xunit;

namespace XenSharp.Tests.Boot;

public class IommuTests
{
    private const string Hello = "hello from a PVH kernel";
    private static readonly TimeSpan s_boot = TimeSpan.FromSeconds(120);

    /// <summary>What comes from the serial line passes the I/O APIC, whose interrupts the IOMMU remaps.</summary>
    [OwnHypervisorFact]
    public void The_machines_iommu_is_used_and_interrupts_pass_it()
    {
        using QemuMachine machine = QemuMachine.Start(TestKernel.Machine("basics", "clock=60"));
        machine.WaitFor(@"\(XEN\) AMD-Vi: IOMMU 0 Enabled\.", s_boot);
        machine.WaitFor(@"\(XEN\) I/O virtualisation enabled", s_boot);
        machine.WaitFor(@"\(XEN\) Interrupt remapping enabled", s_boot);
        machine.WaitFor(@"Serial input to DOM0", s_boot);
        machine.Send("\u0001\u0001\u0001");
        machine.WaitFor(@"Serial input to Xen", s_boot);
    }

    /// <summary>Memory of dom0's own, memory of the machine's that it has not, and a page that it gives up and gets back.</summary>
    [Fact]
    public void A_device_reaches_dom0s_memory_and_nothing_else()
    {
        MachineConfiguration configuration = TestKernel.Machine("basics", "dma", "noreboot dom0_mem=128M") with { ExtraArguments = ["-device", "edu"] };
        using QemuMachine machine = QemuMachine.Start(configuration);
        machine.WaitFor(@"dma own memory works=yes", s_boot);
        machine.WaitFor(@"dma as the processor sees it works=yes", s_boot);
        machine.WaitFor(@"dma beyond the memory works=no", s_boot);
        machine.WaitFor(@"decrease_reservation result=1", s_boot);
        machine.WaitFor(@"dma given-up page works=no", s_boot);
        machine.WaitFor(@"populate_physmap result=1", s_boot);
        machine.WaitFor(@"dma page that came back works=yes", s_boot);
    }

    [OwnHypervisorFact]
    public void It_can_be_left_off()
    {
        using QemuMachine machine = QemuMachine.Start(TestKernel.Machine("basics", "hello", "iommu=off"));
        machine.WaitFor(@"\(XEN\) I/O virtualisation disabled", s_boot);
        machine.WaitFor(Hello, s_boot);
    }

    [OwnHypervisorFact]
    public void A_machine_without_one_does_not_start_when_it_is_required()
    {
        using QemuMachine machine = QemuMachine.Start(TestKernel.Machine("basics", "hello", "iommu=required,off"));
        machine.WaitFor(@"Couldn't enable IOMMU and iommu=required/force", s_boot);
    }
}
