// SPDX-License-Identifier: MIT
// Our units under Debian's systemd, and our init scripts without it: what they start, what they survive, and how they end. Of level long.

using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text;
using XenSharp.Lab.Common;
using XenSharp.Lab.Exec;
using XenSharp.Lab.Machine;
using XenSharp.Lab.Ramdisk;
using Xunit;

namespace XenSharp.Tests.EndToEnd;

[Trait("Level", "long")]
public class ServiceTests
{
    private static readonly TimeSpan s_limit = TimeSpan.FromMinutes(20);

    /// <summary>Long enough for a guest that is shut down on the way.</summary>
    private static readonly TimeSpan s_end = TimeSpan.FromMinutes(3);

    [Fact]
    public void Units_start_restart_and_stop_daemons_and_guests_under_systemd()
    {
        string console = Run("systemd.txt", SystemdRoot.Archive());
        string end = console[console.LastIndexOf(" status 0", StringComparison.Ordinal)..];
        Assert.Contains("witness: guests at the end: 0", end);
        Assert.Contains("Stopped \u001b[0;1;39mxenstored.service", end);
        Assert.Contains("reboot: Power down", end);
        Assert.DoesNotContain("FAILED", end);
    }

    [Fact]
    public void Init_scripts_start_and_stop_daemons_and_guests_without_systemd() => Run("init-scripts.txt", WithoutSystemd());

    /// <summary>All that the machine said until its end; every step must have succeeded.</summary>
    private static string Run(string script, byte[] root)
    {
        using TemporaryFolder folder = new();
        IReadOnlyList<string> steps = GuestMachine.Steps(script);
        string token = SessionSegment.NewToken();
        byte[] session = SessionSegment.ForSteps(steps, File.ReadAllText(GuestMachine.Script("functions.sh")) + File.ReadAllText(GuestMachine.Script("services.sh")), token);
        string log = Path.Combine(Directory.CreateDirectory(Path.Combine(Repository.Out, "test")).FullName, "services-console.log");
        MachineConfiguration machine = GuestMachine.Configure(folder, session, extra: [root, SystemdRoot.Programs(), Settings()]);
        using MemoryStream memory = new();
        try
        {
            new ExecSession(token, memory, Stream.Null) { PowerOff = s_end }.Run(machine with { LogFile = log }, s_limit);
        }
        catch (MachineException failure)
        {
            throw new InvalidOperationException($"{failure.Message}\nThe steps before that:\n{Encoding.UTF8.GetString(memory.ToArray())}", failure);
        }
        string output = Encoding.UTF8.GetString(memory.ToArray());
        string[] statuses = output.Split('\n').Where(line => line.StartsWith("-- status ", StringComparison.Ordinal)).ToArray();
        Assert.True(statuses.Length == steps.Count && statuses.All(line => line == "-- status 0"), output);
        return File.ReadAllText(log);
    }

    /// <summary>The other tests' dom0, whose daemons are started by the scripts.</summary>
    private static byte[] WithoutSystemd()
    {
        CpioWriter archive = new();
        archive.AddFile("etc/xen-start", Encoding.UTF8.GetBytes("""
            #!/bin/sh
            /root/services/install -s /root/xensharp-tools /root/xensharp-xenstored
            modprobe -a loop bridge
            brctl addbr xenbr0 && ifconfig xenbr0 10.77.0.1 netmask 255.255.255.0 up
            for script in xen xendomains; do /etc/init.d/$script start > /dev/console 2>&1; done

            """), isProgram: true);
        archive.AddFile("etc/xensharp-path", $"export PATH={ProgramsSegment.Folder}:$PATH\n");
        return archive.Finish();
    }

    /// <summary>As an administrator would write them; install leaves them as they are.</summary>
    private static byte[] Settings()
    {
        CpioWriter archive = new();
        archive.AddFile("etc/default/xen", "XENCONSOLED_TRACE=guest\n");
        archive.AddFile("etc/default/xendomains", "XENDOMAINS_SAVE=\nXENDOMAINS_AUTO=/etc/xen/auto\nXENDOMAINS_STOP_MAXWAIT=60\n");
        archive.AddLink("etc/xen/auto/sample.cfg", "/guest/sample.cfg");
        return archive.Finish();
    }
}
