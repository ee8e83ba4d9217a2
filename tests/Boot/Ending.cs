// SPDX-License-Identifier: MIT
// What real Xen said when its dom0 ended in some way, and whether the machine ended with it: read from the golden file.

using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text.RegularExpressions;

namespace XenSharp.Tests.Boot;

/// <summary>Patterns of the lines in order, without what is said of the means by which the machine is reset.</summary>
internal sealed record Ending(IReadOnlyList<string> Lines, bool EndsByItself)
{
    public static Ending Read(string file, string arguments, string option)
    {
        List<string> lines = File.ReadAllLines(file).ToList();
        int start = lines.FindIndex(line => line.StartsWith($"== {arguments} {option}: ", StringComparison.Ordinal));
        Assert(start >= 0, $"{file} has no ending \"{arguments} {option}\"");
        IEnumerable<string> said = lines.Skip(start + 1).TakeWhile(line => !line.StartsWith("== ", StringComparison.Ordinal))
            .Where(line => !line.Contains("Resetting with", StringComparison.Ordinal) && !line.Contains("Dumping", StringComparison.Ordinal));
        return new Ending(said.Select(Regex.Escape).ToList(), lines[start].EndsWith("ends by itself", StringComparison.Ordinal));
    }

    private static void Assert(bool good, string message)
    {
        if (!good)
            throw new InvalidDataException(message);
    }
}
