// SPDX-License-Identifier: MIT
// Reads the log that Debian's xenstored keeps of its clients' requests (xenstore-control logfile FILE) and picks out those of the client that made a domain, so that two
// toolstacks can be compared line by line. Used by end-to-end tests.

using System;
using System.Collections.Generic;
using System.Linq;
using System.Text.RegularExpressions;

namespace XenSharp.Lab.Trace;

public static partial class RequestLog
{
    /// <summary>The requests of the client that introduced the first domain, as <c>WRITE PATH VALUE</c>, without the tokens of watches; equal ones one after the other count once.</summary>
    public static IReadOnlyList<string> Decode(string log)
    {
        string[] lines = log.Split('\n');
        Match introduction = lines.Select(line => Request().Match(line)).FirstOrDefault(match => match.Groups["type"].Value == "INTRODUCE") ?? Match.Empty;
        if (!introduction.Success)
            return [];
        string client = introduction.Groups["client"].Value;
        int at = Array.FindIndex(lines, line => line == introduction.Value);
        // A client's place in memory is given to another one later.
        int first = Array.FindLastIndex(lines, at, line => line == $"CREATE connection {client}");
        int end = Array.FindIndex(lines, at, line => line == $"DESTROY connection {client}");
        List<string> requests = [];
        foreach (string line in lines[(first + 1)..(end < 0 ? lines.Length : end)])
        {
            if (Request().Match(line) is not { Success: true } request || request.Groups["client"].Value != client)
                continue;
            string text = StartTime().Replace(Token().Replace($"{request.Groups["type"].Value} {request.Groups["data"].Value}".TrimEnd(), "$1"), "$1 T");
            if (requests.Count == 0 || requests[^1] != text)
                requests.Add(text);
        }
        return requests;
    }

    [GeneratedRegex(@"^IN (?<client>0x[0-9a-f]+) \d{8} \d\d:\d\d:\d\d (?<type>\w+) \((?<data>.*)\)$")]
    private static partial Regex Request();

    [GeneratedRegex(@"^(U?N?WATCH \S+).*$")]
    private static partial Regex Token();

    [GeneratedRegex(@"(/start_time) [0-9.]+$")]
    private static partial Regex StartTime();
}
