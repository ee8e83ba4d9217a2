// SPDX-License-Identifier: MIT
// Reads what the bench kernel in guests/Bench printed. Used by KernelRun.

using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Text.RegularExpressions;
using XenSharp.Lab.Common;

namespace XenSharp.Bench.Measuring;

/// <param name="Each">Instructions for one operation.</param>
internal sealed record KernelFigure(string Name, double Each);

/// <summary>
/// One figure a line, <c>bench NAME COST</c>, between <c>== begin</c> and <c>== end</c> and among lines that hypervisor and kernel print for other reasons.
/// </summary>
internal static partial class KernelFigures
{
    private const string Prefix = "bench ";
    private const string End = "== end";

    /// <summary>What the empty loop must cost when the clock counts instructions.</summary>
    private const double EmptyLoop = 2;

    public const string EmptyLoopName = "empty_loop";

    public static IReadOnlyList<KernelFigure> Parse(string console)
    {
        List<KernelFigure> figures = [];
        // What follows the last line end is a line cut short.
        IEnumerable<string> lines = console.Split('\n').SkipLast(1).Select(line => line.TrimEnd('\r'));
        bool ended = false;
        foreach (string line in lines.TakeWhile(line => !(ended = line == End)))
        {
            if (line.StartsWith(Prefix, StringComparison.Ordinal))
                figures.Add(Read(line));
        }
        if (!ended)
            throw new LabException(figures.Count == 0 ? "The bench kernel printed no figures." : $"The bench kernel stopped after \"{figures[^1].Name}\".");
        if (figures.GroupBy(figure => figure.Name).FirstOrDefault(group => group.Count() > 1) is { } twice)
            throw new LabException($"The bench kernel printed \"{twice.Key}\" twice.");
        RequireInstructions(figures);
        return figures.Where(figure => figure.Name != EmptyLoopName).ToList();
    }

    private static KernelFigure Read(string line)
    {
        Match match = Line().Match(line);
        if (!match.Success)
            throw new LabException($"The bench kernel printed \"{line}\", which is not \"bench NAME COST\".");
        return new KernelFigure(match.Groups["name"].Value, double.Parse(match.Groups["cost"].Value, CultureInfo.InvariantCulture));
    }

    private static void RequireInstructions(List<KernelFigure> figures)
    {
        double? loop = figures.FirstOrDefault(figure => figure.Name == EmptyLoopName)?.Each;
        if (loop != EmptyLoop)
            throw new LabException($"The guest's clock does not count instructions: the bench kernel's empty loop costs {loop?.ToString(CultureInfo.InvariantCulture) ?? "nothing"} instead of {EmptyLoop}.");
    }

    [GeneratedRegex(@"^bench (?<name>[a-z0-9_]+) (?<cost>[0-9]+(\.[0-9]+)?)$")]
    private static partial Regex Line();
}
