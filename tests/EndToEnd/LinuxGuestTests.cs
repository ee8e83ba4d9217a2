// SPDX-License-Identifier: MIT
// Debian's kernels as guests in many shapes: which kernel, how many vCPUs, how much memory, ballooning under load, weights and caps. All of level long.

using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Text.RegularExpressions;
using Xunit;

namespace XenSharp.Tests.EndToEnd;

[Trait("Level", "long")]
public class LinuxGuestTests
{
    private const string NothingWrong = "dmesg | grep -E 'BUG:|Oops|WARNING: CPU'; xl dmesg | grep -E 'FAULT|crashed'";
    private const string Server = "serve";

    private static readonly TimeSpan s_limit = TimeSpan.FromMinutes(20);

    [Theory]
    [InlineData("linux-image-amd64", @"^6\.1\.\S+-amd64$")]
    [InlineData("linux-image-cloud-amd64", @"^6\.1\.\S+-cloud-amd64$")]
    [InlineData("linux-image-rt-amd64", @"^6\.1\.\S+-rt-amd64$")]
    public void Each_of_debians_kernels_is_a_good_guest(string kernel, string release)
    {
        string output = Run(
            [
                Server,
                "xl create -q /guest/sample.cfg vcpus=2 memory=256; says sample 'is up .*root on /dev/xvda'",
                "ask sample 'uname -r; nproc'",
                "ping -c 3 -q 10.77.0.2 | grep ' 0% packet loss'; fetch 10.77.0.2 /index.html | grep hello",
                "ask sample 'load 15'",
                "xl shutdown -w sample > /dev/null; gone sample",
            ],
            kernel: kernel);
        Assert.Matches(new Regex(release, RegexOptions.Multiline), output);
        Assert.Equal(1, Regex.Count(output, "^load: all sums right$", RegexOptions.Multiline));
    }

    /// <summary>More vCPUs than the machine has processors, too; each of them computes the same.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void One_to_eight_vcpus_all_work(int cpus)
    {
        int[] counts = [1, 2, 4, 8];
        List<string> steps = [];
        foreach (int count in counts)
        {
            steps.Add($"xl create -q /guest/sample.cfg vcpus={count}; says sample 'is up'; xl vcpu-list sample | grep -c '[-rb]- '");
            steps.Add($"ask sample 'echo $(nproc) online; for cpu in $(seq 0 {count - 1}); do taskset -c $cpu sh -c \"yes | head -c 2000000 | md5sum\" & done; wait' > /run/said; grep online /run/said; echo {count}: $(grep -c 1567774b6bebd0e9436ce96795260e20 /run/said) of $(grep -c -- ' -$' /run/said), $(sort -u /run/said | grep -c -- ' -$') kind");
            steps.Add("xl destroy sample; gone sample; rm /var/log/xen/console/guest-sample.log");
        }
        string output = Run(steps, cpus: cpus);
        Assert.All(counts, count => Assert.True(
            Regex.IsMatch(output, $"^{count} online$", RegexOptions.Multiline) && Regex.IsMatch(output, $"^{count}: {count} of {count}, 1 kind$", RegexOptions.Multiline), output));
    }

    /// <summary>The greatest reaches beyond 4 GiB. Each fills most of its memory and looks at it again.</summary>
    [Fact]
    public void Guests_of_128_mib_to_several_gib()
    {
        (int Memory, int Blocks)[] sizes = [(128, 1), (512, 20), (2048, 100), (5120, 260)];
        List<string> steps = [];
        foreach ((int memory, int blocks) in sizes)
        {
            steps.Add($"xl create -q /guest/sample.cfg memory={memory}; says sample 'is up'; xl list sample | awk 'NR == 2 {{ print \"size\", $3 }}'");
            steps.Add("ask sample 'mount -o remount,size=95% /run; dd if=/dev/urandom of=/run/block bs=64k count=256; echo block $(stat -c %s /run/block)'");
            for (int first = 1; first <= blocks; first += 100)
                steps.Add($"ask sample 'for i in $(seq {first} {Math.Min(blocks, first + 99)}); do cp /run/block /run/copy$i || echo full; done; echo co\"\"pied'");
            steps.Add($"ask sample 'for i in 1 {(blocks + 1) / 2} {blocks}; do cmp /run/block /run/copy$i && echo same $i; done; ls /run | grep -c copy' | tr '\\n' ' '; echo");
            steps.Add("xl destroy sample; gone sample; rm /var/log/xen/console/guest-sample.log; resources");
        }
        string output = Run(steps, memoryMiB: 8192);
        foreach ((int memory, int blocks) in sizes)
            Assert.True(output.Contains($"size {memory}\n", StringComparison.Ordinal) && Regex.IsMatch(output, $"^same 1 same {(blocks + 1) / 2} same {blocks} {blocks} ", RegexOptions.Multiline), output);
        EnduranceTests.AssertNothingLeft(output);
    }

    [Fact]
    public void Ballooning_under_load_keeps_every_byte()
    {
        List<string> steps = [Server, "xl create -q /guest/sample.cfg memory=384; says sample 'is up'", "enter sample 'load 100 & while [ ! -e /root/enough ]; do cp /bin/busybox /run/a; cat /run/a /run/a /run/a /run/a > /run/b; rm /run/b; done'"];
        foreach (int size in (int[])[192, 384, 160, 300, 130, 384, 144, 384])
            steps.Add($"resized sample {size}; xl list sample | awk 'NR == 2 {{ print $3 }}'");
        steps.Add("says sample '^load: '; said sample '^load: '");
        steps.Add("xl destroy sample; gone sample");
        string output = Run(steps);
        Assert.Equal(8, Regex.Count(output, "^sample has ", RegexOptions.Multiline));
        Assert.Equal(1, Regex.Count(output, "^load: all sums right$", RegexOptions.Multiline));
    }

    [Fact]
    public void Weights_and_caps_hold_between_spinning_linux_guests()
    {
        List<string> steps = [.. TwoGuests, "xl sched-credit2 -d g1 -w 256; xl sched-credit2 -d g2 -w 512; shares 25 g1 g2", "xl sched-credit2 -d g2 -w 256; shares 25 g1 g2"];
        steps.Add("xl sched-credit2 -d g1 -c 25; shares 25 g1 g2");
        steps.Add("xl sched-credit2 -d g1 -c 50; xl pause g2; shares 25 g1");
        int[][] parts = Run(steps).Split("== ").Select(step => Regex.Matches(step, "^g[12] had ([0-9]+) %$", RegexOptions.Multiline)
            .Select(match => int.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture)).ToArray()).Where(part => part.Length > 0).ToArray();
        string seen = string.Join("; ", parts.Select(part => string.Join(' ', part)));

        Assert.True(parts.Length == 4, seen);
        Assert.True(parts[0][1] / (double)parts[0][0] is > 1.7 and < 2.3, seen);
        Assert.True(parts[1][1] / (double)parts[1][0] is > 0.85 and < 1.18, seen);
        Assert.True(parts[2][0] is > 20 and < 30 && parts[2][1] > 60, seen);
        Assert.True(parts[3][0] is > 40 and < 56, seen);
    }

    private static string[] TwoGuests =>
    [
        "for n in 1 2; do another $n; xl create -q /guest/g$n.cfg; says g$n 'is up'; done",
        "for n in 1 2; do enter g$n 'while :; do :; done'; done; sleep 2",
    ];

    /// <summary>Every step must succeed, but for one that looks for what must not be there.</summary>
    private static string Run(IReadOnlyList<string> steps, int cpus = 1, int memoryMiB = 2048, string? kernel = null)
    {
        string output = GuestMachine.RunScript([.. steps, NothingWrong], s_limit, cpus, memoryMiB: memoryMiB, guestKernel: kernel);
        string[] statuses = output.Split('\n').Where(line => line.StartsWith("-- status ", StringComparison.Ordinal)).ToArray();
        Assert.True(statuses.Length == steps.Count + 1 && statuses[..^1].All(line => line == "-- status 0") && statuses[^1] == "-- status 1", output);
        return output;
    }
}
