// SPDX-License-Identifier: MIT
// Runs the measurements that the selected rows need, on both hypervisors, and makes the rows. Called by Program.

using System;
using System.Collections.Generic;
using System.Linq;
using XenSharp.Bench.Measuring;
using XenSharp.Bench.Reporting;
using XenSharp.Bench.Subjects;
using XenSharp.Lab.Common;
using XenSharp.Lab.Machine;

namespace XenSharp.Bench;

/// <summary>What was measured: the rows, and each subject's exits by kind when they were counted.</summary>
internal sealed record ComparisonResult(Subject Xen, Subject Ours, IReadOnlyList<Row> Rows, IReadOnlyList<(Subject Subject, ExitCounts Exits)> Exits);

/// <summary>A measurement that fails costs its rows a figure, not the others theirs.</summary>
internal sealed class Comparison(Subject xen, Subject ours, IReadOnlyCollection<string> names, int runs)
{
    private const string NoFigure = "The bench kernel prints no such figure.";

    private readonly Subject[] _subjects = [xen, ours];
    private readonly List<Row> _rows = [];
    private readonly List<(Subject, ExitCounts)> _exits = [];

    public ComparisonResult Run()
    {
        MeasureBoots();
        if (Wants(Catalog.BootExits))
            Measure(Catalog.BootExits, "counting the exits of a boot", CountExits);
        if (WantsGroup(Catalog.KernelGroup))
            MeasureKernel(Catalog.KernelGroup, Catalog.KernelRows, KernelRun.Measure, Catalog.ForKernelFigure);
        if (WantsGroup(Catalog.WorstGroup))
            MeasureKernel(Catalog.WorstGroup, [], KernelRun.MeasureWorst, Catalog.ForWorstCase);
        MeasureLinuxGuests(Catalog.GuestsLinuxRows, "creating and using a guest", LinuxGuest.Measure);
        MeasureLinuxGuests(Catalog.DiskBackendRows, "a guest's disk by two backends", DiskBackends.Measure);
        if (WantsKernelRowOf(Catalog.GuestsGroup, [.. Catalog.GuestsLinuxRows, .. Catalog.DiskBackendRows]))
            MeasureKernel(Catalog.GuestsGroup, Catalog.GuestsRows, KernelRun.MeasureGuests, Catalog.ForGuestsFigure);
        if (Wants(Catalog.ImageText))
            Measure(Catalog.ImageText, "reading the size of the text", subject => ImageText.Bytes(subject));
        if (Wants(Catalog.MemoryKept))
            Measure(Catalog.MemoryKept, "asking for the memory in use", subject => new LinuxBoot().Memory(subject).Kept);
        return new ComparisonResult(xen, ours, _rows, _exits);
    }

    private bool Wants(RowDefinition row) => row.IsSelectedBy(names);

    private bool WantsGroup(string group) => names.Count == 0 || names.Any(name => name.Split('.')[0] == group);

    private bool WantsKernelRowOf(string group, IReadOnlyList<RowDefinition> others) =>
        WantsGroup(group) && !(names.Count > 0 && names.Where(name => name.Split('.')[0] == group).All(name => others.Any(row => row.Id == name)));

    /// <summary>The hypervisors take turns, so that both meet the same load of the host.</summary>
    private void MeasureBoots()
    {
        RowDefinition[] kinds = new[] { Catalog.BootBzImage, Catalog.BootElf }.Where(Wants).ToArray();
        if (kinds.Length == 0)
            return;
        LinuxBoot boot = new();
        Dictionary<(RowDefinition, Subject), List<double>> figures = [];
        Dictionary<(RowDefinition, Subject), string> failures = [];
        for (int run = 1; run <= runs; run++)
        {
            foreach ((RowDefinition row, Subject subject) in kinds.SelectMany(row => _subjects.Select(subject => (row, subject))))
            {
                if (failures.ContainsKey((row, subject)))
                    continue;
                string kernel = row == Catalog.BootBzImage ? boot.BzImage : boot.Elf;
                Outcome outcome = Try(subject, $"{row.Title}, run {run} of {runs}", () => new Sample(boot.CpuSeconds(subject, kernel)));
                if (outcome.Sample is { } sample)
                    Of(figures, (row, subject)).Add(sample.Median);
                else
                    failures[(row, subject)] = outcome.Failure!;
            }
        }
        foreach (RowDefinition row in kinds)
            _rows.Add(new Row(row, Result(row, xen), Result(row, ours)));

        Outcome Result(RowDefinition row, Subject subject) =>
            failures.TryGetValue((row, subject), out string? failure) ? Outcome.Failed(failure) : Sample.Of(figures[(row, subject)]);
    }

    /// <summary>One run gives the figures of all rows.</summary>
    private void MeasureLinuxGuests(IReadOnlyList<RowDefinition> rows, string what, Func<Subject, IReadOnlyList<double>> measure)
    {
        if (!rows.Any(Wants))
            return;
        List<double>[][] figures = _subjects.Select(_ => rows.Select(_ => new List<double>()).ToArray()).ToArray();
        string?[] failures = new string?[2];
        for (int run = 1; run <= runs; run++)
        {
            for (int index = 0; index < 2; index++)
            {
                if (failures[index] is not null)
                    continue;
                IReadOnlyList<double> measured = [];
                failures[index] = Try(_subjects[index], $"{what}, run {run} of {runs}", () => new Sample((measured = measure(_subjects[index])).Count)).Failure;
                for (int row = 0; row < measured.Count; row++)
                    figures[index][row].Add(measured[row]);
            }
        }
        for (int row = 0; row < rows.Count; row++)
        {
            if (Wants(rows[row]))
                _rows.Add(new Row(rows[row], Result(0, row), Result(1, row)));
        }

        Outcome Result(int index, int row) => failures[index] is { } failure ? Outcome.Failed(failure) : Sample.Of(figures[index][row]);
    }

    private double CountExits(Subject subject)
    {
        ExitCounts exits = new LinuxBoot().Exits(subject);
        _exits.Add((subject, exits));
        return exits.Total;
    }

    /// <param name="known">Rows that are shown even if no kernel printed them.</param>
    /// <param name="define">The row for a figure's name.</param>
    private void MeasureKernel(string group, IEnumerable<RowDefinition> known, Func<Subject, IReadOnlyList<KernelFigure>> measure, Func<string, RowDefinition> define)
    {
        Dictionary<string, Outcome>[] figures = [[], []];
        string?[] failures = new string?[2];
        List<string> printed = [];
        for (int index = 0; index < 2; index++)
        {
            Subject subject = _subjects[index];
            IReadOnlyList<KernelFigure> measured = [];
            failures[index] = Try(subject, $"running the bench kernel for the rows {group}", () => new Sample((measured = measure(subject)).Count)).Failure;
            foreach (KernelFigure figure in measured)
                figures[index][figure.Name] = new Sample(figure.Instructions);
            printed.AddRange(measured.Select(figure => figure.Name));
        }
        // So are those that were asked for by name.
        IEnumerable<string> asked = names.Where(name => name.StartsWith(group + ".", StringComparison.Ordinal)).Select(name => name[(group.Length + 1)..]);
        List<RowDefinition> rows = known.Concat(asked.Concat(printed).Select(define)).DistinctBy(row => row.Id).Where(Wants).ToList();
        foreach (RowDefinition row in rows)
            _rows.Add(new Row(row, Figure(0, row), Figure(1, row)));
        // Which rows there are is not known when neither kernel came through; the figure that is missing is then the group's.
        if (rows.Count == 0)
            _rows.Add(new Row(define("all"), Outcome.Failed(failures[0] ?? NoFigure), Outcome.Failed(failures[1] ?? NoFigure)));

        Outcome Figure(int index, RowDefinition row) =>
            figures[index].TryGetValue(row.Name, out Outcome outcome) ? outcome : Outcome.Failed(failures[index] ?? NoFigure);
    }

    private void Measure(RowDefinition row, string step, Func<Subject, double> measure)
    {
        Outcome[] outcomes = _subjects.Select(subject => Try(subject, step, () => new Sample(measure(subject)))).ToArray();
        _rows.Add(new Row(row, outcomes[0], outcomes[1]));
    }

    private static Outcome Try(Subject subject, string step, Func<Sample> measure)
    {
        Progress.Step($"{subject.Name}: {step}");
        try
        {
            return measure();
        }
        catch (MachineException failure)
        {
            Progress.Notice($"{subject.Name}: {failure.Message}");
            return Outcome.Failed(failure.Sentence);
        }
        catch (LabException failure)
        {
            Progress.Notice($"{subject.Name}: {failure.Message}");
            return Outcome.Failed(failure.Message);
        }
    }

    private static List<double> Of(Dictionary<(RowDefinition, Subject), List<double>> figures, (RowDefinition, Subject) key) =>
        figures.TryGetValue(key, out List<double>? list) ? list : figures[key] = [];
}
