// SPDX-License-Identifier: MIT
// One guest's second disk, the same file each time, served by Linux's blkback and then by our block backend. Used by Comparison.

using System;
using System.Collections.Generic;
using System.Globalization;
using System.Text.RegularExpressions;
using XenSharp.Bench.Reporting;
using XenSharp.Bench.Subjects;
using XenSharp.Lab.Common;
using XenSharp.Lab.Machine;
using XenSharp.Lab.Ramdisk;

namespace XenSharp.Bench.Measuring;

/// <summary>CPU seconds of QEMU for three loads that go past the guest's page cache, and what dom0's vCPU ran for all of them by the hypervisor's account.</summary>
internal static class DiskBackends
{
    private static readonly TimeSpan s_timeout = TimeSpan.FromSeconds(900);
    private static readonly string[] s_backends = ["blkback", "xensharp"];
    private static readonly string[] s_loads = ["read", "small", "write"];

    private static readonly string s_script = $$"""
        exec 2> /dev/console
        mark() { echo "bench mark $1 dom0=$(xl list 0 | awk 'NR == 2 { print $6 }')" > /dev/console; }
        ask() { printf "GET /cgi-bin/$1 HTTP/1.0\r\n\r\n" | nc -w 300 10.77.0.2 80 > /tmp/answer; grep -q "$2" /tmp/answer || mark failed; }
        mkdir -p /mnt
        modprobe -a loop crc32c_generic ext4
        mount -t ext4 -o loop /guest/disk.img /mnt || mark failed
        mkdir -p /mnt/srv/cgi-bin
        program() { printf '#!/bin/sh\necho\n%s\necho done\n' "$2" > "/mnt/srv/cgi-bin/$1"; chmod +x "/mnt/srv/cgi-bin/$1"; }
        program read 'dd if=/dev/xvdb of=/dev/null bs=64k count=512 iflag=direct 2>&1'
        program small 'dd if=/dev/xvdb of=/dev/null bs=4k count=2048 iflag=direct 2>&1'
        program write 'dd if=/dev/zero of=/dev/xvdb bs=64k count=512 oflag=direct 2>&1'
        program there 'until [ -b /dev/xvdb ]; do usleep 100000; done'
        program gone 'while [ -e /dev/xvdb ]; do usleep 100000; done'
        umount /mnt
        dd if=/dev/zero of=/guest/second.img bs=1M count=32 2> /dev/null
        dd if=/dev/zero of=/guest/third.img bs=1M count=1 2> /dev/null
        { sed 's,^disk = . ,disk = [ "format=raw\,{{BackendSegment.DiskSetting}}\,vdev=xvdd\,access=rw\,target=/guest/third.img"\, ,' /guest/sample.cfg
          printf '{{BackendSettings}}'; } > /guest/both.cfg
        xl create -q /guest/both.cfg || mark failed
        until grep -q 'is up after' /var/log/xen/console/guest-sample.log; do sleep 1; done
        for backend in blkback xensharp; do
            setting=
            [ $backend = blkback ] || setting={{BackendSegment.DiskSetting}},
            xl block-attach sample "${setting}format=raw,vdev=xvdb,access=rw,target=/guest/second.img" || mark failed
            ask there done
            mark $backend
            ask read '512+0 records out'
            mark $backend-read
            ask small '2048+0 records out'
            mark $backend-small
            ask write '512+0 records out'
            mark $backend-write
            xl block-detach sample xvdb || mark failed
            ask gone done
        done
        """;

    private static string BackendSettings => BackendSegment.Settings.Replace("\n", "\\n", StringComparison.Ordinal);

    /// <summary>The figures of the rows in <see cref="Catalog.DiskBackendRows"/>, in their order.</summary>
    public static IReadOnlyList<double> Measure(Subject subject)
    {
        using TemporaryFolder folder = new();
        using WatchedMachine machine = WatchedMachine.Start(LinuxGuest.Describe(subject, folder.File("ramdisk"), s_script, BackendSegment.Archive()));
        List<double> figures = [];
        foreach (string backend in s_backends)
        {
            (double emulator, double dom0) = At(machine, backend);
            double start = dom0;
            foreach (string load in s_loads)
            {
                (double now, dom0) = At(machine, $"{backend}-{load}");
                figures.Add(now - emulator);
                emulator = now;
            }
            figures.Add(dom0 - start);
        }
        return figures;
    }

    private static (double Emulator, double Dom0) At(WatchedMachine machine, string mark)
    {
        Match found = machine.WaitFor(new Regex($"bench mark (failed|{mark}) dom0=([0-9.]+)\r?\n"), s_timeout);
        if (found.Groups[1].Value == "failed")
            throw new MachineException($"The guest with two disks failed before \"{mark}\".", machine.Machine.Tail(), machine.Machine.Complaints);
        return (machine.Machine.ProcessorTime.TotalSeconds, double.Parse(found.Groups[2].Value, CultureInfo.InvariantCulture));
    }
}
