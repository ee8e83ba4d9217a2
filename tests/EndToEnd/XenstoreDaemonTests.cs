// SPDX-License-Identifier: MIT
// Our xenstored under Debian's unmodified tools: an administrator's day as with Debian's daemon on real Xen, also while it is killed all the time. All long.

using System;
using System.Collections.Generic;
using System.Linq;
using XenSharp.Lab.Ramdisk;
using Xunit;

namespace XenSharp.Tests.EndToEnd;

public class XenstoreDaemonTests
{
    private static readonly TimeSpan s_limit = TimeSpan.FromHours(1);

    // Each kill is of the daemon that serves then; its keeper starts the next.
    private const string KillDaemons =
        "setsid sh -c 'while sleep 2; do kill -9 $(cat /proc/$(cat /run/xenstored.pid)/task/*/children) && echo >> /run/kills; done' > /dev/null 2>&1 &";

    private const string CountKills = "wc -l < /run/kills";

    // The guest's channel to xenstore, between a kill and the moment when the next daemon has bound its end.
    private const string Waiting = "  1: VCPU 0: Interdomain (Waiting connection) - Remote Domain 0";
    private const string Connected = "  1: VCPU 0: Interdomain (Connected) - Remote Domain 0, Port P";

    [Fact]
    [Trait("Level", "long")]
    public void A_day_goes_as_with_debians_daemon() =>
        AssertAsRecorded(Run(GuestMachine.Steps("commands.txt")));

    [Fact]
    [Trait("Level", "long")]
    public void A_day_goes_on_while_the_daemon_is_killed()
    {
        List<string> lines = Run([KillDaemons, .. GuestMachine.Steps("commands.txt"), CountKills]);
        int first = lines.FindIndex(1, IsHeader);
        int last = lines.FindLastIndex(IsHeader);
        Assert.True(int.Parse(lines[last + 1]) > 20, lines[last + 1]);
        AssertAsRecorded([.. lines[first..last].Select(line => line.Replace(Waiting, Connected))]);
    }

    private static void AssertAsRecorded(IReadOnlyList<string> lines) => GoldenRecord.AssertSame(GoldenRecord.CompareOurs("commands", "own-store", lines, WithOrderedListings));

    // Debian's daemon lists children in the order in which they were made, ours by name.
    private static IEnumerable<string> WithOrderedListings(IReadOnlyList<string> lines)
    {
        for (int start = 0, end; start < lines.Count; start = end)
        {
            end = start + 1;
            while (end < lines.Count && !IsHeader(lines[end]))
                end++;
            IEnumerable<string> answer = lines.Skip(start + 1).Take(end - start - 1);
            yield return lines[start];
            foreach (string line in lines[start].StartsWith("== xenstore-ls", StringComparison.Ordinal) ? answer.Order(StringComparer.Ordinal) : answer)
                yield return line;
        }
    }

    private static bool IsHeader(string line) => line.StartsWith("== ", StringComparison.Ordinal);

    private static List<string> Run(IEnumerable<string> steps) =>
        Transcript.Normalise(GuestMachine.RunScript(steps, s_limit, extra: [StoreSegment.Archive()]));
}
