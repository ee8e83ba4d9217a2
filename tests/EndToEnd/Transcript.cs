// SPDX-License-Identifier: MIT
// What the steps of a script printed, with what differs from run to run made equal. Used by CommandTests.

using System;
using System.Collections.Generic;
using System.Linq;
using System.Text.RegularExpressions;

namespace XenSharp.Tests.EndToEnd;

internal static partial class Transcript
{
    private const string StatusOnly = "# status";

    /// <summary>Lines that can be compared: times, identities and the width of columns are gone, and the output of steps that count by their status.</summary>
    public static List<string> Normalise(string output)
    {
        List<string> lines = [];
        bool isHidden = false;
        foreach (string line in output.Split('\n').Select(line => line.TrimEnd()).Where(line => line.Length > 0))
        {
            bool isHeader = line.StartsWith("== ", StringComparison.Ordinal);
            if (isHeader)
                isHidden = line.EndsWith(StatusOnly, StringComparison.Ordinal);
            if (isHeader)
                lines.Add(line);
            else if (!isHidden || line.StartsWith("-- status ", StringComparison.Ordinal))
                lines.Add(Spaces().Replace(Fraction().Replace(Identity().Replace(line, "UUID"), "N"), " "));
        }
        return lines;
    }

    [GeneratedRegex("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")]
    private static partial Regex Identity();

    [GeneratedRegex(@"\b\d+\.\d\b")]
    private static partial Regex Fraction();

    [GeneratedRegex(@"\s+")]
    private static partial Regex Spaces();
}
