// SPDX-License-Identifier: MIT
// Where the hypervisor's instructions go between an exit and the entry that ends it. Used by ProfileRun.

using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Text.RegularExpressions;
using XenSharp.Bench.Measuring;

namespace XenSharp.Bench.Profiling;

/// <summary>Exits of one kind that ran through the same functions.</summary>
/// <param name="Functions">Instructions in each function, all these exits together.</param>
internal sealed record ExitGroup(string Kind, int Exits, long Instructions, IReadOnlyDictionary<string, long> Functions);

/// <summary>
/// Reads QEMU's log of single-stepped execution: a line for each instruction of the hypervisor, and those of #VMEXIT and VMRUN around them.
/// </summary>
internal static partial class ExitProfile
{
    private const string Exit = "vmexit(";
    private const string Entry = "vmrun!";

    private sealed class Sum(string kind)
    {
        public string Kind { get; } = kind;

        public int Exits { get; set; }

        public Dictionary<string, long> Functions { get; } = [];
    }

    /// <summary>The groups with most instructions first; exits cut by the log's begin or end are left out.</summary>
    public static IReadOnlyList<ExitGroup> Read(TextReader log, FunctionMap functions)
    {
        Dictionary<string, Sum> groups = [];
        string? kind = null;
        Dictionary<string, long> current = [];
        while (log.ReadLine() is { } line)
        {
            if (line.StartsWith(Exit, StringComparison.Ordinal))
            {
                kind = ExitCounts.KindOf(line);
                current = [];
            }
            else if (line.StartsWith(Entry, StringComparison.Ordinal))
            {
                if (kind is not null)
                    Add(groups, kind, current);
                kind = null;
            }
            else if (kind is not null && Step().Match(line) is { Success: true } step)
            {
                string name = functions.NameOf(ulong.Parse(step.Groups[1].ValueSpan, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture));
                current[name] = current.GetValueOrDefault(name) + 1;
            }
        }
        return groups.Values.Select(sum => new ExitGroup(sum.Kind, sum.Exits, sum.Functions.Values.Sum(), sum.Functions)).OrderByDescending(group => group.Instructions).ToList();
    }

    private static void Add(Dictionary<string, Sum> groups, string kind, Dictionary<string, long> functions)
    {
        string key = $"{kind} {string.Join(' ', functions.Keys.Order(StringComparer.Ordinal))}";
        if (!groups.TryGetValue(key, out Sum? sum))
            groups[key] = sum = new Sum(kind);
        sum.Exits++;
        foreach ((string name, long count) in functions)
            sum.Functions[name] = sum.Functions.GetValueOrDefault(name) + count;
    }

    // Trace CPU: HOST [CS_BASE/PC/FLAGS/CFLAGS] SYMBOL
    [GeneratedRegex(@"^Trace \d+: \S+ \[[0-9a-f]+/([0-9a-f]+)/")]
    private static partial Regex Step();
}
