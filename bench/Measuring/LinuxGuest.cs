// SPDX-License-Identifier: MIT
// Debian's Linux as dom0 with Debian's unmodified xl creates the sample guest and moves data from and to it. Used by Comparison.

using System;
using System.Collections.Generic;
using System.IO;
using System.Text.RegularExpressions;
using XenSharp.Bench.Reporting;
using XenSharp.Bench.Subjects;
using XenSharp.Lab.Common;
using XenSharp.Lab.Guests;
using XenSharp.Lab.Machine;
using XenSharp.Lab.Packages;
using XenSharp.Lab.Ramdisk;

namespace XenSharp.Bench.Measuring;

/// <summary>CPU seconds of QEMU between marks that a script in dom0 prints on the console.</summary>
internal static class LinuxGuest
{
    private const int MemoryMiB = 2048;
    private const int Dom0MiB = 640;
    private static readonly TimeSpan s_timeout = TimeSpan.FromSeconds(900);

    // The guest's web server hands out a file, and reads its disk when it is asked to.
    private const string Script = """
        exec 2> /dev/console
        mark() { echo "bench mark $1" > /dev/console; }
        mkdir -p /mnt
        modprobe -a loop crc32c_generic ext4
        mount -t ext4 -o loop /guest/disk.img /mnt || mark failed
        mkdir -p /mnt/srv/cgi-bin
        dd if=/dev/zero of=/mnt/srv/file bs=1M count=8 2> /dev/null
        printf '#!/bin/sh\necho\necho 3 > /proc/sys/vm/drop_caches\ndd if=/dev/xvda of=/dev/null bs=64k 2>&1\n' > /mnt/srv/cgi-bin/disk
        chmod +x /mnt/srv/cgi-bin/disk
        umount /mnt
        mark create
        xl create -q /guest/sample.cfg || mark failed
        until grep -q 'is up after' /var/log/xen/console/guest-sample.log; do sleep 1; done
        mark created
        wget -q -O /dev/null http://10.77.0.2/file || mark failed
        mark network
        for i in 1 2 3 4; do wget -q -O /dev/null http://10.77.0.2/file || mark failed; done
        mark disk
        wget -q -O /tmp/dd http://10.77.0.2/cgi-bin/disk
        grep -q '256+0 records out' /tmp/dd || mark failed
        mark end
        """;

    /// <summary>The figures of the rows in <see cref="Catalog.GuestsLinuxRows"/>, in their order.</summary>
    public static IReadOnlyList<double> Measure(Subject subject)
    {
        using TemporaryFolder folder = new();
        using WatchedMachine machine = WatchedMachine.Start(Describe(subject, folder.File("ramdisk"), Script));
        double start = At(machine, "create");
        double created = At(machine, "created");
        double network = At(machine, "network");
        double disk = At(machine, "disk");
        double end = At(machine, "end");
        return [created - start, disk - network, end - disk];
    }

    private static double At(WatchedMachine machine, string mark)
    {
        Match found = machine.WaitFor(new Regex($"bench mark (failed|{mark}\r?\n)"), s_timeout);
        if (found.Groups[1].Value == "failed")
            throw new MachineException($"The sample guest failed before \"{mark}\".", machine.Machine.Tail(), machine.Machine.Complaints);
        return machine.Machine.ProcessorTime.TotalSeconds;
    }

    /// <summary>The machine with Debian's tools and the sample guest's files, whose dom0 runs the script.</summary>
    /// <param name="ramdisk">Where dom0's ramdisk is to be written.</param>
    /// <param name="extra">Archives to be joined before the script.</param>
    public static MachineConfiguration Describe(Subject subject, string ramdisk, string script, params byte[][] extra)
    {
        Dom0Image dom0 = Dom0Image.FromDebian(withTools: true);
        using (FileStream file = File.Create(ramdisk))
        {
            foreach (byte[] part in (byte[][])[File.ReadAllBytes(dom0.Ramdisk!), File.ReadAllBytes(dom0.Tools!), GuestSegment.Sample(createAtStart: false).Archive(), .. extra, SessionSegment.ForCommand(script, SessionSegment.NewToken())])
            {
                file.Write(part);
                file.Write(new byte[(int)(-file.Position & 3)]);
            }
        }
        return new MachineConfiguration
        {
            Hypervisor = subject.Hypervisor,
            HypervisorArguments = $"console=com1 com1=115200,8n1 loglvl=all guest_loglvl=all dom0=pvh dom0_mem={Dom0MiB}M {subject.GuestArguments}".TrimEnd(),
            Modules = [new BootModule(dom0.UnpackedKernel(), "console=hvc0 quiet"), new BootModule(ramdisk)],
            MemoryMiB = MemoryMiB,
        };
    }
}
