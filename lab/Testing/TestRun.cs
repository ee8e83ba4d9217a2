// SPDX-License-Identifier: MIT
// Runs one test project with `dotnet test`, shows its tests as they end, and counts them. Used by the test command.

using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Xml.Linq;
using XenSharp.Lab.Common;
using XenSharp.Lab.Terminal;

namespace XenSharp.Lab.Testing;

public readonly record struct TestCounts(int Passed, int Failed, int Skipped)
{
    public int Ran => Passed + Failed;

    public static TestCounts operator +(TestCounts left, TestCounts right) =>
        new(left.Passed + right.Passed, left.Failed + right.Failed, left.Skipped + right.Skipped);
}

public static class TestRun
{
    /// <summary>Counts come from the runner's result file; a project that does not build or whose process dies counts as one failure.</summary>
    public static TestCounts Run(TestProject project, string level, string? filter)
    {
        string results = Directory.CreateDirectory(Path.Combine(Repository.Out, "test")).FullName;
        string report = Path.Combine(results, $"{project.Name}.trx");
        File.Delete(report);
        string expression = level == "long" ? "Level=long" : "Level!=long";
        if (filter is not null)
            expression = $"({expression})&({filter})";
        Progress.Notice($"{project.Name}");
        string[] arguments =
        [
            "test", project.Path, "-c", "Release", "--nologo", "-v", "q", "-m:1", "-nodeReuse:false", "--filter", expression,
            "--logger", "console;verbosity=normal", "--logger", $"trx;LogFileName={Path.GetFileName(report)}", "--results-directory", results,
        ];
        int status = HostProgram.RunWithLines("dotnet", arguments, Show, Repository.Root);
        if (File.Exists(report))
            return Count(report, status, project.Name);
        if (status == 0)
            return default;    // No test of this project matched.
        Progress.Notice($"{project.Name} did not run (dotnet test ended with status {status}); the reason is above.");
        return new TestCounts(0, 1, 0);
    }

    private static void Show(string line)
    {
        bool isChatter = line.Length == 0 || line.StartsWith("Starting test execution", StringComparison.Ordinal) || line.StartsWith("A total of ", StringComparison.Ordinal)
            || line.StartsWith("Test run for ", StringComparison.Ordinal) || line.StartsWith("Results File:", StringComparison.Ordinal)
            || line.StartsWith("[xUnit.net", StringComparison.Ordinal) || line.StartsWith("VSTest version", StringComparison.Ordinal)
            || line.StartsWith("No test matches", StringComparison.Ordinal);
        if (!isChatter)
            HostConsole.Out.WriteLine(line);
    }

    private static TestCounts Count(string report, int status, string name)
    {
        XNamespace space = "http://microsoft.com/schemas/VisualStudio/TeamTest/2010";
        XElement document = XDocument.Load(report).Root ?? throw new LabException($"{report} is empty.");
        List<string> outcomes = document.Descendants(space + "UnitTestResult").Select(result => result.Attribute("outcome")?.Value ?? "").ToList();
        int passed = outcomes.Count(outcome => outcome == "Passed");
        int skipped = outcomes.Count(outcome => outcome == "NotExecuted");
        int failed = outcomes.Count - passed - skipped;
        if (status != 0 && failed == 0)
        {
            Progress.Notice(string.Create(CultureInfo.InvariantCulture, $"{name}: no test failed, yet dotnet test ended with status {status}; that counts as one failure."));
            failed = 1;
        }
        return new TestCounts(passed, failed, skipped);
    }
}
