// SPDX-License-Identifier: MIT
// The records in Golden of what Debian's tools did on real Xen: kept when XENSHARP_RECORD=1, else compared with what a run has printed. Used by tests of tools and daemons.

using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using XenSharp.Lab.Common;
using XenSharp.Tests.Golden;
using Xunit;

namespace XenSharp.Tests.EndToEnd;

internal static class GoldenRecord
{
    private static readonly string s_folder = Path.Combine(Repository.Root, "tests", "EndToEnd", "Golden");

    /// <summary>Debian's tools: <c>NAME.txt</c>, and on ours the differences of <c>NAME.accepted.txt</c>.</summary>
    /// <returns>What is wrong; empty if nothing is.</returns>
    public static string Compare(string name, IReadOnlyList<string> lines, Func<IReadOnlyList<string>, IEnumerable<string>>? comparable = null)
    {
        if (Environment.GetEnvironmentVariable("XENSHARP_RECORD") is "1")
        {
            File.WriteAllLines(Path.Combine(s_folder, $"{name}.txt"), lines);
            return "";
        }
        return Compare(name, lines, name, GuestMachine.IsReference ? null : $"{name}.accepted.txt", comparable);
    }

    /// <summary>Something of ours in the place of Debian's, on whatever hypervisor: the record is the same, and the differences are those of <c>NAME.VARIANT.txt</c>.</summary>
    /// <param name="comparable">Brings record and run into a form that has only what can be the same.</param>
    /// <returns>What is wrong; empty if nothing is.</returns>
    public static string CompareOurs(string name, string variant, IReadOnlyList<string> lines, Func<IReadOnlyList<string>, IEnumerable<string>>? comparable = null) =>
        Compare(name, lines, $"{name}-{variant}", $"{name}.{variant}.txt", comparable);

    /// <summary>Fails with all that is wrong.</summary>
    public static void AssertSame(params string[] problems)
    {
        string all = string.Join("\n\n", problems.Where(text => text.Length > 0));
        Assert.True(all.Length == 0, all);
    }

    private static string Compare(string name, IReadOnlyList<string> lines, string result, string? accepted, Func<IReadOnlyList<string>, IEnumerable<string>>? comparable)
    {
        comparable ??= all => all;
        string resultFile = Path.Combine(Directory.CreateDirectory(Path.Combine(Repository.Out, "test")).FullName, $"{result}.txt");
        File.WriteAllLines(resultFile, lines);
        string acceptedFile = Path.Combine(s_folder, accepted ?? "");
        AcceptedDifferences differences = File.Exists(acceptedFile) ? AcceptedDifferences.Read(acceptedFile) : AcceptedDifferences.Empty;
        string problems = AnswerComparison.Describe([.. comparable(File.ReadAllLines(Path.Combine(s_folder, $"{name}.txt")))], [.. comparable(lines)], differences);
        return problems.Length == 0 ? "" : $"{name}: {problems}\n\nAll of it is in {resultFile}.";
    }
}
