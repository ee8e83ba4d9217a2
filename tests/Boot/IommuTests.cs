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
