// SPDX-License-Identifier: MIT
// One line of the comparison: what is measured, the goal, and what each hypervisor did. Filled by the measurements, printed by the writers.

using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;

namespace XenSharp.Bench.Reporting;

public enum GoalKind
{
    /// <summary>Our figure is at most the limit.</summary>
    Figure,

    /// <summary>Our figure divided by Xen's is below the limit.</summary>
    Ratio,
}

public readonly record struct Goal(GoalKind Kind, double Limit)
{
    public static readonly Goal BelowXen = new(GoalKind.Ratio, 1.0);

    public bool IsMet(double xen, double ours) => Kind == GoalKind.Figure ? ours <= Limit : ours < Limit * xen;
}

/// <summary>A measured figure; for one that was measured several times, <see cref="Median"/> is what counts.</summary>
public sealed record Sample(double Median, double Min, double Max, int Runs)
{
    public Sample(double only) : this(only, only, only, 1) { }

    public static Sample Of(IEnumerable<double> figures)
    {
        double[] sorted = figures.Order().ToArray();
        int middle = sorted.Length / 2;
        double median = sorted.Length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
        return new Sample(median, sorted[0], sorted[^1], sorted.Length);
    }
}

/// <summary>A figure, or the sentence that says why there is none.</summary>
public readonly record struct Outcome(Sample? Sample, string? Failure)
{
    public static Outcome Failed(string sentence) => new(null, sentence);

    public static implicit operator Outcome(Sample sample) => new(sample, null);
}

/// <param name="Id">What --only takes, group and name with a dot between.</param>
/// <param name="Goal">Null where the issue is only to know the figure.</param>
/// <param name="Source">How it is measured, in one sentence.</param>
public sealed record RowDefinition(string Id, string Title, string Unit, Goal? Goal, string Source)
{
    public string Group => Id.Split('.')[0];

    public string Name => Id[(Group.Length + 1)..];

    public bool IsSelectedBy(IReadOnlyCollection<string> names) => names.Count == 0 || names.Any(name => Id == name || Id.StartsWith(name + ".", StringComparison.Ordinal));
}

public sealed record Row(RowDefinition Definition, Outcome Xen, Outcome Ours)
{
    public double? Ratio => Xen.Sample is { Median: > 0 } xen && Ours.Sample is { } ours ? ours.Median / xen.Median : null;

    /// <summary>Null when there is no goal or a figure is missing.</summary>
    public bool? IsGoalMet => Definition.Goal is { } goal && Ours.Sample is { } ours && (goal.Kind == GoalKind.Figure || Xen.Sample is not null)
        ? goal.IsMet(Xen.Sample?.Median ?? 0, ours.Median)
        : null;

    public static string Format(double value) => value < 100 && value != Math.Floor(value)
        ? value.ToString("0.00", CultureInfo.InvariantCulture)
        : value.ToString("#,0", CultureInfo.InvariantCulture);
}
