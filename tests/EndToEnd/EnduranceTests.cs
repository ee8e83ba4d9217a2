// SPDX-License-Identifier: MIT
// Guests come and go, are killed at any moment, and work side by side: nothing may be left behind and no byte may be wrong. All of level long.

using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Text.RegularExpressions;
using Xunit;

namespace XenSharp.Tests.EndToEnd;

public class EnduranceTests
{
    private const string Rounds = "rounds {0} /guest/idle.cfg idle 'kernel is up'; resources";
    private const int LoadSeconds = 100;

    private static readonly TimeSpan s_limit = TimeSpan.FromHours(1);

    [Fact]
    [Trait("Level", "long")]
    public void Two_hundred_test_kernels_leave_nothing_behind()
    {
        // The first rounds load modules, grow dom0's pools and xenstored's files.
        List<string> steps = [string.Format(CultureInfo.InvariantCulture, Rounds, 4)];
        steps.AddRange(Enumerable.Repeat(string.Format(CultureInfo.InvariantCulture, Rounds, 5), 40));
        AssertNothingLeft(GuestMachine.RunScript(steps, s_limit));
    }

    [Fact]
    [Trait("Level", "long")]
    public void Five_debian_guests_leave_nothing_behind() =>
        AssertNothingLeft(GuestMachine.RunScript(Enumerable.Repeat("rounds 1 /guest/sample.cfg sample 'is up'; resources", 6), s_limit));

    [Theory]
    [Trait("Level", "long")]
    [InlineData(1)]
    public void A_guest_killed_at_any_moment_leaves_nothing_behind(int seed)
    {
        Random random = new(seed);
        IEnumerable<string> steps = Enumerable.Range(0, 12).Select(_ => string.Create(CultureInfo.InvariantCulture, $"killed {random.Next(0, 12_000_000)} > /dev/null 2>&1; resources"));
        AssertNothingLeft(GuestMachine.RunScript(["rounds 1 /guest/sample.cfg sample 'is up'; resources", .. steps], s_limit));
    }

    [Fact]
    [Trait("Level", "long")]
    public void Three_guests_under_load_keep_every_byte()
    {
        List<string> steps = ["dd if=/dev/urandom of=/guest/blob bs=64k count=8 2> /dev/null; md5sum < /guest/blob > /guest/blob.sum; httpd -h /guest"];
        int[] guests = [1, 2, 3];
        foreach (int guest in guests)
        {
            steps.Add($"cp /guest/disk.img /guest/disk{guest}.img; sed 's,disk.img,disk{guest}.img,; s,sample,g{guest},; s,10.77.0.2,10.77.0.2{guest},; s,name=sample,name=g{guest},; s,00:02\",00:2{guest}\",' /guest/sample.cfg > /guest/g{guest}.cfg");
            steps.Add($"xl create -q /guest/g{guest}.cfg; says g{guest} 'is up'");
        }
        steps.AddRange(guests.Select(guest => $"enter g{guest} 'load {LoadSeconds}'"));
        steps.Add(string.Join(" & ", guests.Select(guest => $"loaded g{guest} {LoadSeconds} 10.77.0.2{guest}")) + "; wait");
        steps.AddRange(guests.Select(guest => $"says g{guest} '^load: '; said g{guest} '^load: '"));
        string output = GuestMachine.RunScript(steps, s_limit);

        Assert.Equal(3, Regex.Count(output, "^load: all sums right$", RegexOptions.Multiline));
        Assert.Equal(3, Regex.Count(output, "^g[123]: 0 wrong$", RegexOptions.Multiline));
    }

    /// <summary>After the first step as after the last; free memory may differ by its unit of one MiB.</summary>
    private static void AssertNothingLeft(string output)
    {
        Match[] resources = Regex.Matches(output, @"^free=(\d+) (.*)$", RegexOptions.Multiline).ToArray();
        Assert.True(resources.Length > 1 && !output.Contains(" failed", StringComparison.Ordinal), output);
        Assert.All(resources, match => Assert.True(match.Groups[2].Value == resources[0].Groups[2].Value, output));
        int first = int.Parse(resources[0].Groups[1].Value, CultureInfo.InvariantCulture), last = int.Parse(resources[^1].Groups[1].Value, CultureInfo.InvariantCulture);
        Assert.True(last >= first - 1, output);
    }
}
