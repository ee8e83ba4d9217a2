// SPDX-License-Identifier: MIT
// What `./xensharp run --sample` shows, by the keys that a user presses: our tools and daemons
// create a guest, list it, visit its console, shut it down and destroy another. One boot.

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
    public void A_guest_is_created_listed_visited_shut_down_and_destroyed()
    {
        using TemporaryFolder folder = new();
        byte[] session = SessionSegment.ForTerminal("vt100", 120, 40);
        using QemuMachine machine = QemuMachine.Start(GuestMachine.Configure(folder, session, createSample: true, extra: [ProgramsSegment.Archive(isFirst: true), StoreSegment.Archive()]));

        machine.WaitFor(@"^sample +1 +160 +1 ", s_limit);
        machine.WaitFor("dom0:/root# ", s_limit);
        machine.Send("echo ours $(ls -l /proc/[0-9]*/exe 2> /dev/null | grep -c xensharp-tools)\n");
        machine.WaitFor("^ours 2", s_limit); // xenconsoled and the guest's monitor
        machine.Send("echo store $(ls -l /proc/[0-9]*/exe 2> /dev/null | grep -c /xenstored)\n");
        machine.WaitFor("^store 2", s_limit); // the daemon and its keeper
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
        // It waits for the guest to shut down; its monitor destroys it after that.
        machine.Send("xl shutdown -w sample; while xl domid sample > /dev/null 2>&1; do usleep 100000; done; echo left $(xl list | wc -l)\n");
        machine.WaitFor("^left 2", s_limit);
        machine.Send("xl create -q /guest/sample.cfg; xl list sample; xl destroy sample; echo again $(xl list | wc -l)\n");
        machine.WaitFor("^sample +2 +160 +1 ", s_limit);
        machine.WaitFor("^again 2", s_limit);
    }
}
