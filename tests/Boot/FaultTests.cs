// SPDX-License-Identifier: MIT
// Faults planted in the hypervisor's own code while it serves a guest: they cost the guest, and the back-trace names the method.

using System;
using XenSharp.Lab.Machine;
using Xunit;

namespace XenSharp.Tests.Boot;

public class FaultTests
{
    private static readonly TimeSpan s_boot = TimeSpan.FromSeconds(60);

    [OwnHypervisorTheory]
    [InlineData("index", "index out of range")]
    [InlineData("null", "page fault")]
    [InlineData("divide", "divide error")]
    [InlineData("object", "object created while the heap is sealed")]
    public void A_fault_while_a_guest_is_served_costs_that_guest(string kind, string name)
    {
        using QemuMachine machine = QemuMachine.Start(TestKernel.Machine("conformance", "probe", $"plant={kind} noreboot"));
        machine.WaitFor($@"FAULT: {name} at ", s_boot);
        machine.WaitFor(@"PlantedFault__Strike\+0x", s_boot);
        machine.WaitFor(@"domain 0 is crashed for it; the host goes on", s_boot);
        machine.WaitFor(@"Hardware Dom0 crashed", s_boot);
    }
}
