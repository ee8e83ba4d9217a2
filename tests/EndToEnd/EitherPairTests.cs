// SPDX-License-Identifier: MIT
// Domains that one xl made are listed, changed, restarted and destroyed by the other: Debian's and ours, both ways round. Runs on ours and on real Xen.

using System;
using System.Collections.Generic;
using System.Linq;
using System.Text.RegularExpressions;
using XenSharp.Lab.Ramdisk;
using Xunit;

namespace XenSharp.Tests.EndToEnd;

[Trait("Level", "long")]
public class EitherPairTests
{
    private const string Debians = "/usr/sbin/xl", Ours = $"{ProgramsSegment.Folder}/xl";

    private static readonly TimeSpan s_limit = TimeSpan.FromMinutes(20);

    [Fact]
    public void Our_xl_handles_domains_that_debians_xl_made() => Run(Debians, Ours);

    [Fact]
    public void Debians_xl_handles_domains_that_our_xl_made() => Run(Ours, Debians);

    /// <summary>Nodes, values and permissions, with those of backends and hotplug scripts; before the guest runs.</summary>
    [Fact]
    public void Xenstore_says_the_same_of_a_domain_whoever_made_it()
    {
        string output = GuestMachine.RunScript(
            [
                .. Array.ConvertAll([Debians, Ours], xl =>
                    $"{xl} create -q -p /guest/sample.cfg 'uuid=\"00112233-4455-6677-8899-aabbccddeeff\"' && nodes sample > /tmp/nodes-$(echo {xl} | tr / -) && {xl} destroy sample && gone sample"),
                $"cd /tmp && diff nodes-{Debians.Replace('/', '-')} nodes-{Ours.Replace('/', '-')} && wc -l < nodes-{Ours.Replace('/', '-')}",
            ],
            s_limit, extra: [ProgramsSegment.Archive(isFirst: false)]);
        Assert.True(Regex.IsMatch(output, "\n1[0-9][0-9]\n-- status 0"), output);
    }

    private static void Run(string maker, string other)
    {
        List<string> steps =
        [
            // The first rounds load modules, grow dom0's pools and xenstored's files, unpack the kernel into our cache, and note dom0's memory in xenstore.
            $"{maker} list -l > /dev/null; {maker} create -q -p /guest/sample.cfg && {maker} destroy sample; {other} create -q -p /guest/sample.cfg && {other} destroy sample && resources",
            $"{maker} create -q /guest/sample.cfg vcpus=2 && says sample 'is up'",
            // Columns that tell time differ from call to call.
            Same("list | awk '{ $6 = \"\"; print }'"), Same("list -l"), Same("vcpu-list sample | awk '{ $6 = \"\"; print }'"), Same("block-list sample"), Same("network-list sample"),
            $"dd if=/dev/zero of=/guest/second.img bs=1M count=2 2> /dev/null; {other} block-attach sample format=raw,vdev=xvdb,access=rw,target=/guest/second.img && ask sample 'until [ -e /sys/block/xvdb ]; do usleep 100000; done; cat /sys/block/xvdb/size' | grep -x 4096",
            $"{other} network-attach sample bridge=xenbr0 mac=00:16:3e:00:00:77 && ask sample 'until [ -e /sys/class/net/eth1 ]; do usleep 100000; done; cat /sys/class/net/eth1/address' | grep -x 00:16:3e:00:00:77",
            Same("list -l"), Same("block-list sample"), Same("network-list sample"),
            $"{maker} block-detach sample xvdb && {maker} network-detach sample 1 && ask sample 'while [ -e /sys/block/xvdb ] || [ -e /sys/class/net/eth1 ]; do usleep 100000; done; ls /sys/block' | grep -v xvdb",
            $"{other} mem-set sample 128 && until {maker} list sample | grep -q ' 128 '; do usleep 200000; done",
            $"{other} vcpu-set sample 1 && ask sample 'until [ \"$(nproc)\" = 1 ]; do usleep 100000; done; nproc' | grep -x 1",
            $"{other} pause sample && {maker} list sample | grep -- 'p---' && {other} unpause sample && {other} rename sample other && {maker} domid other && {maker} rename other sample",
            $"(sleep 120; cat /var/log/xen/xl-sample.log >&2) & {other} reboot -w sample > /dev/null; says sample 'is up' 2 && kill $! && {other} list sample | awk 'NR == 2 {{ print $3, $4 }}' | grep -x '128 1' && fetch 10.77.0.2 /index.html | grep hello",
            Same("list -l"),
            $"{other} shutdown -w sample > /dev/null; gone sample",
            $"{maker} create -q -p /guest/sample.cfg && {other} destroy sample && resources",
        ];
        string output = GuestMachine.RunScript(steps, s_limit, extra: [ProgramsSegment.Archive(isFirst: false)]);
        string[] statuses = output.Split('\n').Where(line => line.StartsWith("-- status ", StringComparison.Ordinal)).ToArray();
        Assert.True(statuses.Length == steps.Count && statuses.All(line => line == "-- status 0"), output);
        EnduranceTests.AssertNothingLeft(Regex.Replace(output, "ports=[0-9]+ ", ""));
    }

    private static string Same(string call)
    {
        int end = call.IndexOf('|') is > 0 and int pipe ? pipe : call.Length;
        return $"for xl in {Debians} {Ours}; do $xl {call[..end]} 2>&1 {call[end..]} > /tmp/said$(echo $xl | tr / -); done; diff /tmp/said-usr-sbin-xl /tmp/said{Ours.Replace('/', '-')}";
    }
}
