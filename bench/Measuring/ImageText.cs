// SPDX-License-Identifier: MIT
// The size of a hypervisor's code, as binutils' size tells it. Used by Comparison.

using System;
using System.Globalization;
using System.IO;
using System.Linq;
using XenSharp.Bench.Subjects;
using XenSharp.Lab.Common;

namespace XenSharp.Bench.Measuring;

internal static class ImageText
{
    public static long Bytes(Subject subject)
    {
        if (!File.Exists(subject.Sections))
            throw new LabException($"There is no {subject.Sections}, whose sections would tell the size of the text.");
        ProgramResult listed = HostProgram.Capture("size", ["-A", "-d", subject.Sections]);
        if (!listed.Succeeded)
            throw new LabException($"size cannot read {subject.Sections}: {listed.Errors.Trim()}.");
        return Parse(listed.Output) is > 0 and long bytes ? bytes : throw new LabException($"{subject.Sections} has no section .text.");
    }

    /// <summary>The sum of the sections .text, .text.x, ... in the output of <c>size -A -d</c>: NAME SIZE ADDRESS.</summary>
    public static long Parse(string listing) => listing.Split('\n')
        .Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        .Where(words => words.Length == 3 && (words[0] == ".text" || words[0].StartsWith(".text.", StringComparison.Ordinal)))
        .Sum(words => long.Parse(words[1], CultureInfo.InvariantCulture));
}
