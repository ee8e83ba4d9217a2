// SPDX-License-Identifier: MIT
// The console by hand: dom0's shell, the switch to the hypervisor and back, reboot and poweroff. Three boots of Linux.

using System;
using XenSharp.Lab.Common;
using XenSharp.Lab.Machine;
using XenSharp.Lab.Ramdisk;
using Xunit;

namespace XenSharp.Tests.Boot;

public class ConsoleTests
{
    private const string Prompt = @"dom0:\S+# ";
    private const string Switch = "\u0001\u0001\u0001";
    private static readonly TimeSpan s_answer = TimeSpan.FromSeconds(30);

    [Fact]
    public void Keys_reach_dom0_and_the_hypervisor_and_the_machine_reboots_and_powers_off()
    {
        using TemporaryFolder folder = new();
        MachineConfiguration configuration = StandardMachine.WithLinux(folder, SessionSegment.ForTerminal("vt100", 80, 25)) with { EndOnReboot = false };
        using (QemuMachine machine = QemuMachine.Start(configuration))
        {
            machine.WaitFor(Prompt, StandardMachine.BootTimeout);
            machine.Send("echo $((6 * 7))\r");
            machine.WaitFor(@"^42\s", s_answer);
            machine.WaitFor(Prompt, s_answer);
            // The one that answers is the one to be interrupted: the shell itself, between two commands, would miss the key.
            machine.Send("sh -c 'echo $((6 * 8)); exec sleep 1000'\r");
            machine.WaitFor(@"^48\s", s_answer);
            machine.Send("\u0003");
            machine.WaitFor(Prompt, s_answer);

            machine.Send(Switch);
            machine.WaitFor(@"\(XEN\) \*\*\* Serial input to Xen", s_answer);
            machine.Send("h");
            machine.WaitFor(@"\(XEN\) 'h' pressed -> showing installed handlers", s_answer);
            machine.Send(Switch);
            machine.WaitFor(@"\(XEN\) \*\*\* Serial input to DOM0", s_answer);
            machine.Send("\r");
            machine.WaitFor(Prompt, s_answer);

            for (int reboot = 0; reboot < 2; reboot++)
            {
                machine.Send("reboot\r");
                machine.WaitFor("Restarting system", s_answer);
                machine.WaitFor(Prompt, StandardMachine.BootTimeout);
            }
            machine.Send("poweroff\r");
            Assert.Equal(0, machine.WaitForEnd(s_answer));
        }
    }
}
