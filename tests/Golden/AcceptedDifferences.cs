// SPDX-License-Identifier: MIT
// The differences from real Xen that are meant to be, each with its reason, from a text file beside the golden files. Used by
// AnswerComparison.

using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text;
using System.Text.RegularExpressions;

namespace XenSharp.Tests.Golden;

/// <summary>
/// The file holds paragraphs. One begins with the reason, in lines that start with <c>#</c>; then come pairs of a line of real Xen's (<c>- text</c>) and
/// ours in its place (<c>+ text</c>). A lone <c>-</c> is a line that we lack, a lone <c>+</c> one that only we have. A star in a text stands for anything,
/// a line <c>in section</c> limits the pairs below it, up to the next reason, to one section (<c>== section</c>).
/// </summary>
public sealed class AcceptedDifferences
{
    private readonly List<Entry> _entries = [];

    public static AcceptedDifferences Empty { get; } = new();

    public static AcceptedDifferences Read(string path) => Parse(File.ReadAllLines(path), path);

    public static AcceptedDifferences Parse(IEnumerable<string> lines, string name)
    {
        AcceptedDifferences accepted = new();
        string reason = "", section = "";
        string? pending = null;
        bool inReason = false;
        int number = 0;
        foreach (string line in lines.Append(""))
        {
            number++;
            if (!line.StartsWith("+ ", StringComparison.Ordinal) && pending is not null)
            {
                accepted._entries.Add(new Entry(pending, null, reason, section, number - 1));
                pending = null;
            }

            if (line.StartsWith('#'))
            {
                reason = inReason ? $"{reason} {line[1..].Trim()}" : line[1..].Trim();
                section = "";
                inReason = true;
                continue;
            }

            inReason = false;
            if (line.Length == 0)
                continue;
            if (reason.Length == 0)
                throw new FormatException($"{name}:{number}: a difference without a reason above it");
            if (line.StartsWith("in ", StringComparison.Ordinal))
                section = line[3..].Trim();
            else if (line.StartsWith("- ", StringComparison.Ordinal))
                pending = line[2..];
            else if (line.StartsWith("+ ", StringComparison.Ordinal))
            {
                accepted._entries.Add(new Entry(pending, line[2..], reason, section, number));
                pending = null;
            }
            else
                throw new FormatException($"{name}:{number}: neither a reason (#), nor a line of Xen's (-), nor of ours (+), nor a section (in): {line}");
        }

        return accepted;
    }

    public bool Accepts(LineDifference difference)
    {
        Entry? entry = _entries.FirstOrDefault(candidate => candidate.Matches(difference));
        if (entry is null)
            return false;
        entry.Used = true;
        return true;
    }

    /// <summary>Entries that no difference has needed: the file claims more than is so.</summary>
    public IEnumerable<string> Unused() => _entries.Where(entry => !entry.Used).Select(entry => $"line {entry.Number}: {entry}");

    private sealed class Entry(string? reference, string? ours, string reason, string section, int number)
    {
        private readonly Regex? _reference = Pattern(reference), _ours = Pattern(ours);

        public bool Used { get; set; }

        public int Number => number;

        public bool Matches(LineDifference difference) =>
            Matches(_reference, difference.Reference) && Matches(_ours, difference.Ours) && (section.Length == 0 || difference.Section == $"== {section}");

        public override string ToString() => $"{(reference is null ? "" : $"- {reference} ")}{(ours is null ? "" : $"+ {ours} ")}({reason})";

        private static bool Matches(Regex? pattern, string? line) => pattern is null ? line is null : line is not null && pattern.IsMatch(line);

        private static Regex? Pattern(string? text)
        {
            if (text is null)
                return null;
            StringBuilder pattern = new("^");
            pattern.AppendJoin(".*", text.Split('*').Select(Regex.Escape)).Append('$');
            return new Regex(pattern.ToString(), RegexOptions.CultureInvariant | RegexOptions.Singleline);
        }
    }
}
