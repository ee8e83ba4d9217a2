// SPDX-License-Identifier: MIT
// What xl create asks of the hypervisor and of xenstore, line by line: Debian's xl on ours as on real Xen, and our xl beside Debian's. eng/record-guests.sh recorded Debian's.

using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text.RegularExpressions;
using XenSharp.Lab.Common;
using XenSharp.Lab.Ramdisk;
using XenSharp.Lab.Trace;
using XenSharp.Tests.Golden;
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
        if (Environment.GetEnvironmentVariable("XENSHARP_RECORD") is "1")
        {
            File.WriteAllLines(Golden("calls.txt"), calls);
            File.WriteAllLines(Golden("requests.txt"), requests);
            return;
        }
        AssertSame(Compare("calls.txt", calls, "calls.txt", "calls.accepted.txt"), Compare("requests.txt", requests, "requests.txt", "requests.accepted.txt"));
    }

    [Fact]
    public void Our_xl_makes_debians_hypercalls_and_requests()
    {
        (List<string> calls, List<string> requests) = Run(isOurs: true);
        AssertSame(Compare("calls.txt", calls, "calls-own-tools.txt", "calls.own-tools.txt"), Compare("requests.txt", requests, "requests-own-tools.txt", "requests.own-tools.txt"));
    }

    private static (List<string> Calls, List<string> Requests) Run(bool isOurs)
    {
        string[] steps = GuestMachine.RunScript([Calls, Requests], s_limit, extra: isOurs ? [ProgramsSegment.Archive(isFirst: true)] : []).Split("\n== ");
        Assert.True(steps.Length == 2, string.Join("\n== ", steps));
        string calls = string.Join('\n', steps[0].Split('\n').Where(line => CallLine().IsMatch(line)));
        return ([.. HypercallLog.Decode(calls)], [.. RequestLog.Decode(steps[1])]);
    }

    private static void AssertSame(params string[] problems) => Assert.True(problems.All(text => text.Length == 0), string.Join("\n\n", problems));

    /// <summary>Empty if all is as it is to be.</summary>
    private static string Compare(string golden, List<string> lines, string result, string accepted)
    {
        string file = Path.Combine(Repository.Out, "test", result);
        File.WriteAllLines(file, lines);
        AcceptedDifferences differences = File.Exists(Golden(accepted)) ? AcceptedDifferences.Read(Golden(accepted)) : AcceptedDifferences.Empty;
        string problems = AnswerComparison.Describe([.. File.ReadAllLines(Golden(golden)).Select(Comparable)], [.. lines.Select(Comparable)], differences);
        return problems.Length == 0 ? "" : $"{problems}\n\nAll of it is in {file}.";
    }

    /// <summary>What a mapping may be used for is known of callers of libxenforeignmemory only.</summary>
    private static string Comparable(string line) => Protection().Replace(line, "");

    private static string Golden(string name) => Path.Combine(Repository.Root, "tests", "EndToEnd", "Golden", name);

    [GeneratedRegex(@"^\d+ (call|map) ")]
    private static partial Regex CallLine();

    [GeneratedRegex(@" protection=\S+")]
    private static partial Regex Protection();
}
