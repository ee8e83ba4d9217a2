// SPDX-License-Identifier: MIT
// What xl create asks of the hypervisor and of xenstore, line by line: Debian's xl on ours as on real Xen, and our xl beside Debian's. eng/record-guests.sh recorded Debian's.

using System;
using System.Collections.Generic;
using System.Linq;
using System.Text.RegularExpressions;
using XenSharp.Lab.Ramdisk;
using XenSharp.Lab.Trace;
using Xunit;

namespace XenSharp.Tests.EndToEnd;

[Trait("Level", "long")]
public partial class CreationLogTests
{
    private const string Identity = "'uuid=\"00112233-4455-6677-8899-aabbccddeeff\"'";

    private const string Calls = $"LD_PRELOAD=/usr/lib/hypercalls.so HYPERCALL_LOG=/tmp/calls xl create -q /guest/idle.cfg {Identity}; cat /tmp/calls; xl destroy idle";

    private const string Requests = $"xenstore-control logfile /tmp/requests > /dev/null; xl create -q -p /guest/sample.cfg {Identity}; xenstore-control log off > /dev/null; grep -a -E '^(IN|CREATE|DESTROY) ' /tmp/requests";

    private static readonly TimeSpan s_limit = TimeSpan.FromMinutes(20);

    [Fact]
    public void Debians_xl_makes_the_same_hypercalls_and_requests_as_on_real_xen()
    {
        (List<string> calls, List<string> requests) = Run(isOurs: false);
        GoldenRecord.AssertSame(GoldenRecord.Compare("calls", calls, Comparable), GoldenRecord.Compare("requests", requests));
    }

    [Fact]
    public void Our_xl_makes_debians_hypercalls_and_requests()
    {
        (List<string> calls, List<string> requests) = Run(isOurs: true);
        GoldenRecord.AssertSame(GoldenRecord.CompareOurs("calls", "own-tools", calls, Comparable), GoldenRecord.CompareOurs("requests", "own-tools", requests));
    }

    private static (List<string> Calls, List<string> Requests) Run(bool isOurs)
    {
        string[] steps = GuestMachine.RunScript([Calls, Requests], s_limit, extra: isOurs ? [ProgramsSegment.Archive(isFirst: true)] : []).Split("\n== ");
        Assert.True(steps.Length == 2, string.Join("\n== ", steps));
        string calls = string.Join('\n', steps[0].Split('\n').Where(line => CallLine().IsMatch(line)));
        return ([.. HypercallLog.Decode(calls)], [.. RequestLog.Decode(steps[1])]);
    }

    /// <summary>What a mapping may be used for is known of callers of libxenforeignmemory only.</summary>
    private static IEnumerable<string> Comparable(IReadOnlyList<string> calls) => calls.Select(line => Protection().Replace(line, ""));

    [GeneratedRegex(@"^\d+ (call|map|copy) ")]
    private static partial Regex CallLine();

    [GeneratedRegex(@" protection=\S+")]
    private static partial Regex Protection();
}
