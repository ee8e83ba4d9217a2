// SPDX-License-Identifier: MIT
// Guests that do all they can to harm: dom0 and a Linux guest beside them go on, and nothing is left when they are gone. All of level long.

using System;
using System.Collections.Generic;
using System.Linq;
using System.Text.RegularExpressions;
using Xunit;

namespace XenSharp.Tests.EndToEnd;

public class HostileGuestTests
{
    private const int LoadSeconds = 20;

    private static readonly TimeSpan s_limit = TimeSpan.FromMinutes(20);

    /// <summary>What the test kernel's word <c>hostile=</c> means, and what it says when the harm is done or under way.</summary>
    private static readonly (int Kind, string Says)[] s_kinds = [(1, "hostile vcpus=0x0*f"), (2, "hostile vcpus=0x0*f"), (3, "hostile took ports="), (4, "hostile took nodes="), (5, "no play")];

    [Theory]
    [Trait("Level", "long")]
    [InlineData(1)]
    [InlineData(2)]
    public void Dom0_and_another_guest_go_on_beside_a_hostile_guest(int cpus)
    {
        List<string> steps = ["serve; another 1"];
        steps.Add("rounds 1 /guest/g1.cfg g1 'is up'; rounds 1 /guest/idle.cfg idle 'kernel is up'; rm /var/log/xen/console/*; resources");
        steps.Add("xl create -q /guest/g1.cfg; says g1 'is up'");
        int round = 0;
        foreach ((int kind, string says) in s_kinds)
        {
            round++;
            steps.Add($"xl create -q /guest/idle.cfg 'name=\"hostile\"' 'extra=\"hostile={kind}\"' vcpus=4; says hostile '{says}'; said hostile '{says}' | head -n 1");
            steps.Add($"enter g1 'load {LoadSeconds}'; loaded g1 {LoadSeconds} 10.77.0.21; xl list | grep -c hostile");
            steps.Add($"says g1 '^load: ' {round}; said g1 '^load: ' | tail -n 1");
            steps.Add("xl destroy hostile; gone hostile; rm -f /var/log/xen/console/guest-hostile.log");
        }
        steps.Add("xl destroy g1; gone g1; until [ -z \"$(ls /sys/bus/xen-backend/devices)\" ]; do usleep 100000; done; resources");
        string output = GuestMachine.RunScript(steps, s_limit, cpus);

        string[] statuses = output.Split('\n').Where(line => line.StartsWith("-- status ", StringComparison.Ordinal)).ToArray();
        Assert.True(statuses.Length == steps.Count && statuses.All(line => line == "-- status 0"), output);
        Assert.True(Regex.Count(output, "^load: all sums right$", RegexOptions.Multiline) == s_kinds.Length, output);
        Assert.True(Regex.Count(output, "^g1: 0 wrong$", RegexOptions.Multiline) == s_kinds.Length, output);
        EnduranceTests.AssertNothingLeft(output);
    }
}
