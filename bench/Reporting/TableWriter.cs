// SPDX-License-Identifier: MIT
// Prints the comparison as a table for people. Called by Program.

using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using XenSharp.Bench.Measuring;
using XenSharp.Bench.Subjects;

namespace XenSharp.Bench.Reporting;

internal static class TableWriter
{
    private const int KindsShown = 8;

    private static readonly string[] s_remarks =
    [
        "Both ran in the same QEMU, without hardware acceleration. What differs beside the code: the emulator does not tell the next instruction's address",
        "(NRIPS), so Xen decodes every intercepted instruction, and it walks the guest's page tables for every copy; and part of Xen's cost is speculation",
        "defences (retpolines, return thunks, branch hardening, RSB stuffing at each exit) that XenSharp lacks. A world switch itself counts as one",
        "instruction here, but costs about 30 us of CPU time in this emulator, whoever makes it.",
    ];

    public static void Write(TextWriter output, ComparisonResult result)
    {
        List<string[]> lines = [["", "unit", result.Xen.Name, result.Ours.Name, "ours/Xen", "goal", ""]];
        List<string> notes = [];
        foreach (Row row in result.Rows)
        {
            string ratio = row.Ratio is { } value ? Row.Format(Math.Round(value, 3)) : "-";
            lines.Add([row.Definition.Title, row.Definition.Unit, Cell(row.Xen, notes), Cell(row.Ours, notes), ratio, GoalText(row.Definition), MetText(row)]);
        }
        WriteAligned(output, lines);
        for (int index = 0; index < notes.Count; index++)
            output.WriteLine($"[{index + 1}] {notes[index]}");
        output.WriteLine();
        WriteExits(output, result.Exits);
        foreach (Subject subject in (Subject[])[result.Xen, result.Ours])
            output.WriteLine($"{subject.Name}: {subject.Version}");
        foreach (IGrouping<string, RowDefinition> group in result.Rows.Select(row => row.Definition).GroupBy(row => row.Source))
            output.WriteLine($"{Names(group)}: {group.Key}.");
        output.WriteLine();
        foreach (string remark in s_remarks)
            output.WriteLine(remark);
    }

    private static string Names(IGrouping<string, RowDefinition> rows) => rows.Count() > 3 ? rows.First().Group : string.Join(", ", rows.Select(row => row.Id));

    /// <summary>The figure, its range if it was measured several times, or the number of the note that says why there is none.</summary>
    private static string Cell(Outcome outcome, List<string> notes)
    {
        if (outcome.Sample is { } sample)
            return sample.Runs > 1 ? $"{Row.Format(sample.Median)} ({Row.Format(sample.Min)}-{Row.Format(sample.Max)})" : Row.Format(sample.Median);
        int index = notes.IndexOf(outcome.Failure!);
        if (index < 0)
        {
            index = notes.Count;
            notes.Add(outcome.Failure!);
        }
        return $"failed [{index + 1}]";
    }

    private static string GoalText(RowDefinition row) => row.Goal switch
    {
        null => "",
        { Kind: GoalKind.Figure } goal => $"{Row.Format(goal.Limit)} {row.Unit}",
        { } goal => $"below {goal.Limit:0.0#} of Xen's",
    };

    private static string MetText(Row row) => (row.Definition.Goal, row.IsGoalMet) switch
    {
        (null, _) => "",
        (_, true) => "met",
        (_, false) => "NOT met",
        _ => "unknown",
    };

    private static void WriteAligned(TextWriter output, List<string[]> lines)
    {
        int[] widths = Enumerable.Range(0, lines[0].Length).Select(column => lines.Max(line => line[column].Length)).ToArray();
        foreach (string[] line in lines)
        {
            // Numbers are right-aligned, words left-aligned.
            IEnumerable<string> cells = line.Select((text, column) => column is 2 or 3 or 4 ? text.PadLeft(widths[column]) : text.PadRight(widths[column]));
            output.WriteLine(string.Join("  ", cells).TrimEnd());
        }
    }

    private static void WriteExits(TextWriter output, IReadOnlyList<(Subject Subject, ExitCounts Exits)> exits)
    {
        foreach ((Subject subject, ExitCounts counts) in exits)
            output.WriteLine($"{subject.Name}'s exits by kind: {string.Join(", ", counts.ByKind.Take(KindsShown).Select(kind => $"{kind.Key} {Row.Format(kind.Value)}"))}");
    }
}
