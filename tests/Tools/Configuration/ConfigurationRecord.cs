// SPDX-License-Identifier: MIT
// What Debian's xl said of each file of the corpus, as eng/record-configurations.sh kept it.
using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text;

namespace XenSharp.Tests.Tools.Configuration;

/// <summary>One dry run of xl on Debian's Xen.</summary>
/// <param name="Name">The file below the corpus' folder, or "arguments" and the name of a line of arguments.txt.</param>
/// <param name="Status">xl's exit status.</param>
/// <param name="Error">Its standard error.</param>
/// <param name="Output">Its standard output, bytes as UTF-8 where they are that.</param>
public sealed record RecordedRun(string Name, int Status, string Error, string Output)
{
    public override string ToString() => Name;
}

public static class ConfigurationRecord
{
    /// <summary>The corpus, in the source tree.</summary>
    public static string Folder { get; } = Path.Combine(Root(), "tests", "Tools", "Golden", "Configuration");

    private static string Root()
    {
        DirectoryInfo? folder = new(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "XenSharp.slnx"))) folder = folder.Parent;
        return folder?.FullName ?? throw new DirectoryNotFoundException("The test does not run within the source tree.");
    }

    public static IReadOnlyList<RecordedRun> Runs { get; } = [.. Read()];

    public static RecordedRun Find(string name) => Runs.Single(run => run.Name == name);

    private static IEnumerable<RecordedRun> Read()
    {
        string text = "\n" + Encoding.UTF8.GetString(File.ReadAllBytes(Path.Combine(Folder, "record.txt"))).TrimEnd('\n');
        foreach (string part in (text + "\n== ").Split("\n== ")[1..^1])
        {
            string[] lines = (part + "\n").Split('\n', 4);
            int output = lines[3].IndexOf("-- stdout\n", StringComparison.Ordinal);
            string printed = lines[3][(output + "-- stdout\n".Length)..];
            yield return new RecordedRun(lines[0], int.Parse(lines[1]["-- status ".Length..]), lines[3][..output], printed);
        }
    }
}
