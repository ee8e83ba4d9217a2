// SPDX-License-Identifier: MIT
// Prints the comparison as one JSON document for programs; docs/benchmarks.md describes it. Called by Program.

using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using XenSharp.Bench.Measuring;
using XenSharp.Bench.Subjects;

namespace XenSharp.Bench.Reporting;

internal static class JsonWriter
{
    private static readonly JsonSerializerOptions s_options = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        WriteIndented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase) },
    };

    public static void Write(TextWriter output, ComparisonResult result)
    {
        var document = new
        {
            Xen = Describe(result.Xen, result.Exits),
            Ours = Describe(result.Ours, result.Exits),
            Rows = result.Rows.Select(row => new
            {
                row.Definition.Id,
                row.Definition.Title,
                row.Definition.Unit,
                Xen = Figures(row.Xen),
                Ours = Figures(row.Ours),
                row.Ratio,
                row.Definition.Goal,
                row.IsGoalMet,
                row.Definition.Source,
            }),
        };
        output.WriteLine(JsonSerializer.Serialize(document, s_options));
    }

    private static object Describe(Subject subject, IReadOnlyList<(Subject Subject, ExitCounts Exits)> exits) => new
    {
        subject.Name,
        subject.Version,
        subject.Hypervisor,
        ExitsByKind = exits.FirstOrDefault(pair => ReferenceEquals(pair.Subject, subject)).Exits?.ByKind.ToDictionary(),
    };

    private static object Figures(Outcome outcome) => outcome.Sample is { } sample ? sample : new { outcome.Failure };
}
