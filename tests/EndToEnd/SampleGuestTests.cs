// SPDX-License-Identifier: MIT
// What `./xensharp run --sample` shows, by the keys that a user presses: a guest is created, listed, visited on its console and destroyed. One boot.

using System;
using XenSharp.Lab.Common;
using XenSharp.Lab.Machine;
using XenSharp.Lab.Ramdisk;
using Xunit;

namespace XenSharp.Tests.EndToEnd;

public class SampleGuestTests
{
    /// <summary>Far more than a busy host needs for any step.</summary>
    private static readonly TimeSpan s_limit = TimeSpan.FromMinutes(5);

    [Fact]
    public void A_guest_is_created_listed_visited_and_destroyed()
    {
        using TemporaryFolder folder = new();
        byte[] session = SessionSegment.ForTerminal("vt100", 120, 40);
        using QemuMachine machine = QemuMachine.Start(GuestMachine.Configure(folder, session, createSample: true));

        machine.WaitFor(@"^sample +1 +160 +1 ", s_limit);
        machine.WaitFor("dom0:/root# ", s_limit);
        machine.Send("xl console sample\n");
        machine.WaitFor("guest: sample is up .*root on /dev/xvda", s_limit);
        machine.WaitFor("sample:/root# ", s_limit);
        machine.Send("echo type $(cat /sys/hypervisor/type)\n");
        machine.WaitFor("^type xen", s_limit);
        machine.Send("ping -c 1 10.77.0.1\n");
        machine.WaitFor("1 packets received", s_limit);
        machine.Send("\u001d");
        machine.WaitFor("dom0:/root# ", s_limit);
        machine.Send("printf 'GET /index.html HTTP/1.0\\r\\n\\r\\n' | nc 10.77.0.2 80\n");
        machine.WaitFor("^hello from the sample guest", s_limit);
        machine.Send("xl destroy sample; echo left $(xl list | wc -l)\n");
        machine.WaitFor("^left 2", s_limit);
    }
}
