// SPDX-License-Identifier: MIT
// One row of `bench tools`, and the table of them. Made by ToolsBench, printed by Program.

using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;

namespace XenSharp.Bench.Tools;

/// <param name="Goal">What ours may be of Debian's at most; null for none.</param>
internal sealed record ToolFigure(string Row, string Unit, string What, IReadOnlyList<double> Debian, IReadOnlyList<double> Ours, double? Goal)
{
    public double Ratio => Median(Ours) / Median(Debian);

    public static void Write(TextWriter output, IReadOnlyList<ToolFigure> figures, bool isJson)
    {
        if (!isJson)
            output.WriteLine($"{"row",-16} {"Debian's",9} {"ours",9} {"ratio",6} {"goal",6}       unit");
        foreach (ToolFigure figure in figures)
            output.WriteLine(isJson ? figure.Json() : figure.Line());
    }

    private string Line() => string.Create(CultureInfo.InvariantCulture,
        $"{Row,-16} {Median(Debian),9:0.000} {Median(Ours),9:0.000} {Ratio,6:0.00} {(Goal is { } goal ? $"{goal,6:0.0} {(Ratio <= goal ? "met   " : "missed")}" : "             ")} {Unit}: {What}{Spread()}");

    private string Json() => string.Create(CultureInfo.InvariantCulture,
        $"{{\"row\":\"{Row}\",\"unit\":\"{Unit}\",\"debian\":{Median(Debian):0.0000},\"ours\":{Median(Ours):0.0000},\"ratio\":{Ratio:0.000}{(Goal is { } goal ? $",\"goal\":{goal:0.0}" : "")}}}");

    private string Spread() => Ours.Count < 2 ? "" : string.Create(CultureInfo.InvariantCulture, $" ({Debian.Min():0.000} to {Debian.Max():0.000}; {Ours.Min():0.000} to {Ours.Max():0.000})");

    private static double Median(IReadOnlyList<double> values) => values.Order().ElementAt((values.Count - 1) / 2);
}
