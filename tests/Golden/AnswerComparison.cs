// SPDX-License-Identifier: MIT
// Compares what the probe kernel printed on our hypervisor with what it printed on real Xen. Called by boot tests.

using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;

namespace XenSharp.Tests.Golden;

public static class AnswerComparison
{
    /// <summary>The kernel's own lines out of everything that a serial line printed; null if the kernel did not come to its end.</summary>
    public static List<string>? Extract(string transcript)
    {
        List<string> lines = transcript.Split('\n').Select(line => line.TrimEnd('\r')).Where(line => !line.StartsWith("(XEN)", StringComparison.Ordinal)).ToList();
        int begin = lines.IndexOf("== begin"), end = lines.LastIndexOf("== end");
        return begin < 0 || end < begin ? null : lines[begin..(end + 1)];
    }

    /// <summary>
    /// Empty if every difference is an accepted one and every accepted one occurs; else all that is wrong, each difference with the line before it.
    /// </summary>
    public static string Describe(IReadOnlyList<string> reference, IReadOnlyList<string> ours, AcceptedDifferences accepted)
    {
        List<string> problems = [];
        foreach (LineDifference difference in LineDifference.Between(reference, ours))
        {
            if (!accepted.Accepts(difference))
                problems.Add(difference.ToString());
        }

        if (problems.Count > 0)
            problems.Insert(0, string.Create(CultureInfo.InvariantCulture, $"{problems.Count} differences from real Xen that are not accepted ones (- Xen, + ours):"));
        List<string> unused = accepted.Unused().ToList();
        if (unused.Count > 0)
            problems.Add($"Accepted differences that do not occur (any more):\n{string.Join('\n', unused)}");
        return string.Join("\n\n", problems);
    }

    /// <summary>The same for files: a golden file, the text of a serial line, a file of accepted differences that need not exist.</summary>
    public static string DescribeFiles(string goldenFile, string transcript, string acceptedFile)
    {
        List<string>? ours = Extract(transcript);
        if (ours is null)
            return "The kernel did not print its last line, \"== end\".";
        return Describe(File.ReadAllLines(goldenFile), ours, File.Exists(acceptedFile) ? AcceptedDifferences.Read(acceptedFile) : AcceptedDifferences.Parse([], acceptedFile));
    }
}
