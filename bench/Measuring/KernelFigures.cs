// SPDX-License-Identifier: MIT
// Reads what the bench kernel in guests/Bench printed. Used by KernelRun.

using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Text.RegularExpressions;
using XenSharp.Lab.Common;

namespace XenSharp.Bench.Measuring;

/// <param name="Instructions">For one operation; of a worst case, its longest stretch without a preemption point.</param>
internal sealed record KernelFigure(string Name, double Instructions);

/// <summary>
/// Between <c>== begin</c> and <c>== end</c>, among lines that hypervisor and kernel print for other reasons, one figure a line:
/// <c>bench NAME COST</c>, or <c>worst WORDS TOTAL result=N stretch=N</c> when the kernel was asked for worst cases.
/// </summary>
internal static partial class KernelFigures
{
    public const string EmptyLoopName = "empty_loop";

    private const string CostPrefix = "bench ";
    private const string WorstPrefix = "worst ";
    private const string End = "== end";

    /// <summary>What the empty loop must cost when the clock counts instructions.</summary>
    private const double EmptyLoop = 2;

    public static IReadOnlyList<KernelFigure> Parse(string console)
    {
        List<KernelFigure> figures = Read(console, CostPrefix, ReadCost);
        if (figures.GroupBy(figure => figure.Name).FirstOrDefault(group => group.Count() > 1) is { } twice)
            throw new LabException($"The bench kernel printed \"{twice.Key}\" twice.");
        RequireInstructions(figures);
        return figures.Where(figure => figure.Name != EmptyLoopName).ToList();
    }

    /// <summary>Names are the kernel's words joined by underlines; the same words again get a number.</summary>
    public static IReadOnlyList<KernelFigure> ParseWorst(string console) => Read(console, WorstPrefix, ReadWorst)
        .GroupBy(figure => figure.Name)
        .SelectMany(group => group.Select((figure, index) => index == 0 ? figure : figure with { Name = $"{figure.Name}_{index + 1}" }))
        .ToList();

    private static List<KernelFigure> Read(string console, string prefix, Func<string, KernelFigure> readLine)
    {
        List<KernelFigure> figures = [];
        // What follows the last line end is a line cut short.
        IEnumerable<string> lines = console.Split('\n').SkipLast(1).Select(line => line.TrimEnd('\r'));
        bool ended = false;
        foreach (string line in lines.TakeWhile(line => !(ended = line == End)))
        {
            if (line.StartsWith(prefix, StringComparison.Ordinal))
                figures.Add(readLine(line));
        }
        if (!ended)
            throw new LabException(figures.Count == 0 ? "The bench kernel printed no figures." : $"The bench kernel stopped after \"{figures[^1].Name}\".");
        return figures;
    }

    private static KernelFigure ReadCost(string line)
    {
        Match match = CostLine().Match(line);
        if (!match.Success)
            throw new LabException($"The bench kernel printed \"{line}\", which is not \"bench NAME COST\".");
        return new KernelFigure(match.Groups["name"].Value, Number(match.Groups["cost"]));
    }

    private static KernelFigure ReadWorst(string line)
    {
        Match match = WorstLine().Match(line);
        if (!match.Success)
            throw new LabException($"The bench kernel printed \"{line}\", which is not \"worst WORDS TOTAL result=N stretch=N\".");
        return new KernelFigure(NotInName().Replace(match.Groups["words"].Value.Replace(",", ""), "_"), Number(match.Groups["stretch"]));
    }

    private static double Number(Group group) => double.Parse(group.ValueSpan, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture);

    private static void RequireInstructions(List<KernelFigure> figures)
    {
        double? loop = figures.FirstOrDefault(figure => figure.Name == EmptyLoopName)?.Instructions;
        if (loop != EmptyLoop)
            throw new LabException($"The guest's clock does not count instructions: the bench kernel's empty loop costs {loop?.ToString(CultureInfo.InvariantCulture) ?? "nothing"} instead of {EmptyLoop}.");
    }

    [GeneratedRegex(@"^bench (?<name>[a-z0-9_]+) (?<cost>[0-9]+(\.[0-9]+)?)$")]
    private static partial Regex CostLine();

    [GeneratedRegex(@"^worst (?<words>.+) [0-9]+ result=-?[0-9]+ stretch=(?<stretch>[0-9]+)$")]
    private static partial Regex WorstLine();

    [GeneratedRegex(@"[^a-zA-Z0-9]+")]
    private static partial Regex NotInName();
}
