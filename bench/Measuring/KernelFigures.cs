// SPDX-License-Identifier: MIT
// Reads what the bench kernel in guests/Bench printed. Used by KernelRun.

using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Text.RegularExpressions;
using XenSharp.Lab.Common;

namespace XenSharp.Bench.Measuring;

/// <param name="Each">Instructions for one operation; null for one that failed.</param>
internal sealed record KernelFigure(string Name, double? Each, string? Failure = null);

/// <summary>
/// One figure a line, between lines that hypervisor and kernel print for other reasons:
/// <c>bench NAME min=N median=N</c>, where the numbers are instructions for one operation with up to three decimals. The line
/// <c>bench end</c> says that all have come; <c>bench NAME failed=REASON</c> stands for a figure that could not be had.
/// </summary>
internal static partial class KernelFigures
{
    private const string Failed = "failed=";

    public static IReadOnlyList<KernelFigure> Parse(string console)
    {
        List<KernelFigure> figures = [];
        bool ended = false;
        // What follows the last line end is a line cut short.
        foreach (string line in console.Split('\n').SkipLast(1).Select(line => line.TrimEnd('\r')))
        {
            if (Line().Match(line) is not { Success: true } match)
                continue;
            string name = match.Groups["name"].Value;
            string rest = match.Groups["rest"].Value;
            if (ended)
                throw new LabException($"The bench kernel printed \"{line}\" behind its end.");
            if (name == "end" && rest.Length == 0)
                ended = true;
            else
                figures.Add(Read(name, rest, line));
        }
        if (!ended)
            throw new LabException(figures.Count == 0 ? "The bench kernel printed no figures." : $"The bench kernel stopped after \"{figures[^1].Name}\".");
        if (figures.GroupBy(figure => figure.Name).FirstOrDefault(group => group.Count() > 1) is { } twice)
            throw new LabException($"The bench kernel printed \"{twice.Key}\" twice.");
        return figures;
    }

    private static KernelFigure Read(string name, string rest, string line)
    {
        if (rest.StartsWith(Failed, StringComparison.Ordinal))
            return new KernelFigure(name, null, $"the bench kernel says: {rest[Failed.Length..]}");
        Match min = Minimum().Match(rest);
        if (!min.Success || !double.TryParse(min.Groups["value"].Value, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double each))
            throw new LabException($"The bench kernel printed \"{line}\", which has no min=N.");
        return new KernelFigure(name, each);
    }

    [GeneratedRegex(@"^bench (?<name>[a-z0-9-]+)(?: (?<rest>.*))?$")]
    private static partial Regex Line();

    [GeneratedRegex(@"(?:^| )min=(?<value>[0-9.]+)(?: |$)")]
    private static partial Regex Minimum();
}
