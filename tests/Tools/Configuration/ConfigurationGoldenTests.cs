// SPDX-License-Identifier: MIT
// The reader of configurations beside Debian's xl: the same JSON and the same status for every file of the corpus, but for differences that are written down.
using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text;
using System.Text.RegularExpressions;
using Xunit;
using XenSharp.Configuration;

namespace XenSharp.Tests.Tools.Configuration;

public sealed partial class ConfigurationGoldenTests
{
    /// <summary>The machine of the record: two CPUs, one node.</summary>
    private static readonly HostTopology Host = HostTopology.SingleNode(2);

    public static TheoryData<string> Names(string prefix) => [.. ConfigurationRecord.Runs.Select(run => run.Name).Where(name => name.StartsWith(prefix, StringComparison.Ordinal))];

    [Theory]
    [MemberData(nameof(Names), "domains/")]
    public void A_domain_is_read_as_xl_reads_it(string name)
    {
        Compare(ConfigurationRecord.Find(name), name, [], GlobalConfiguration.Default);
    }

    [Theory]
    [MemberData(nameof(Names), "arguments ")]
    public void Settings_of_the_command_line_count_as_in_xl(string name)
    {
        string line = File.ReadLines(Path.Combine(ConfigurationRecord.Folder, "arguments.txt")).Single(line => line.StartsWith(name["arguments ".Length..] + "\t", StringComparison.Ordinal));
        string[] words = line.Split('\t');
        Compare(ConfigurationRecord.Find(name), $"domains/{words[1]}.cfg", words[2..], GlobalConfiguration.Default);
    }

    [Theory]
    [MemberData(nameof(Names), "global/")]
    public void Settings_of_the_host_count_as_in_xl(string name)
    {
        RecordedRun run = ConfigurationRecord.Find(name);
        GlobalConfiguration? global = GlobalConfiguration.Load(Path.Combine(ConfigurationRecord.Folder, name), Host, out _);
        if (global is null) Judge(run, ours: null);
        else if (global.OutputFormat == OutputFormat.Sxp) Assert.StartsWith(run.Output, Guest(global).ToSxp(), StringComparison.Ordinal);
        else Compare(run, "global/guest.cfg", [], global);
    }

    private static DomainConfiguration Guest(GlobalConfiguration global) =>
        DomainConfiguration.Load(Path.Combine(ConfigurationRecord.Folder, "global", "guest.cfg"), [], new ConfigurationContext { Host = Host, Global = global }, out _)!;

    [Theory]
    [MemberData(nameof(Names), "cpupools/")]
    public void A_pool_is_read_as_xl_reads_it(string name)
    {
        RecordedRun run = ConfigurationRecord.Find(name);
        CpupoolConfiguration? pool = CpupoolConfiguration.Load(Path.Combine(ConfigurationRecord.Folder, name), [], Host, new Bitmap([1]), out _);
        string? ours = pool is null
            ? null
            : $"Using config file \"{name}\"\ncpupool name:   {pool.Name}\nscheduler:      {EnumNames<Scheduler>.NameOf(pool.Sched ?? Scheduler.Credit2)}\nnumber of cpus: {pool.Cpus.Count}\n";
        Judge(run, ours);
    }

    [Fact]
    public void Every_item_of_the_manual_is_in_the_corpus()
    {
        string all = string.Concat(Directory.EnumerateFiles(Path.Combine(ConfigurationRecord.Folder, "domains"), "*.cfg", SearchOption.AllDirectories)
            .Where(file => !file.Contains("/malformed/", StringComparison.Ordinal)).Select(file => "\n" + File.ReadAllText(file)));
        Assert.Equal([], DomainItems.All.Select(item => item.Name).Where(item => !Regex.IsMatch(all, $@"[\n;]\s*{item}\s*\+?=")));
    }

    [Fact]
    public void Every_accepted_difference_is_about_a_run()
    {
        Assert.Equal([], Accepted.Keys.Except(ConfigurationRecord.Runs.Select(run => run.Name)));
    }

    [Fact]
    public void The_record_has_more_than_two_hundred_runs() => Assert.True(ConfigurationRecord.Runs.Count > 200);

    /// <summary>libxl's own JSON goes through the model without a change.</summary>
    [Fact]
    public void What_xl_prints_can_be_read_and_written_again()
    {
        int compared = 0;
        foreach (RecordedRun run in ConfigurationRecord.Runs.Where(run => run.Output.StartsWith("{\n", StringComparison.Ordinal) && !run.Output.Contains('\uFFFD') && !run.Output.Contains(": null", StringComparison.Ordinal)))
        {
            Assert.Equal(run.Output, DomainConfiguration.FromJson(Encoding.UTF8.GetBytes(run.Output)).ToJson());
            compared++;
        }
        Assert.True(compared > 200);
    }

    private static void Compare(RecordedRun run, string file, IReadOnlyList<string> overrides, GlobalConfiguration global)
    {
        string path = Path.Combine(ConfigurationRecord.Folder, file);
        DomainConfiguration? configuration = DomainConfiguration.Load(path, overrides, new ConfigurationContext { Host = Host, Global = global }, out IReadOnlyList<Diagnostic> diagnostics);
        Assert.Equal(configuration is null, diagnostics.Any(remark => remark.Severity == Severity.Error));
        bool hasUuid = File.ReadAllText(path).Contains("uuid", StringComparison.Ordinal);
        Judge(run with { Output = Neutral(run.Output, hasUuid) }, configuration is null ? null : Neutral(configuration.ToJson(), hasUuid));
    }

    /// <param name="run">xl's run.</param>
    /// <param name="ours">What we print; null when we refuse the file.</param>
    private static void Judge(RecordedRun run, string? ours)
    {
        string difference = (run.Status == 0, ours) switch
        {
            (true, null) => "refused",
            (false, not null) => "taken",
            (true, not null) when ours != run.Output => "other",
            _ => "none",
        };
        string accepted = Accepted.GetValueOrDefault(run.Name, "none");
        if (difference == "other" && accepted != "other") Assert.Equal(run.Output, ours);
        Assert.True(difference == accepted, $"{run.Name}: accepted is '{accepted}', found '{difference}'. xl ended with {run.Status}:\n{run.Error}");
    }

    /// <summary>Without what is made up anew each time.</summary>
    private static string Neutral(string json, bool hasUuid)
    {
        json = GenerationId().Replace(json, "\"ms_vm_genid\": []");
        return hasUuid ? json : Uuid().Replace(json, "\"uuid\": \"\"");
    }

    [GeneratedRegex("\"ms_vm_genid\": \\[[^\\]]*\\]")]
    private static partial Regex GenerationId();

    [GeneratedRegex("\"uuid\": \"[0-9a-f-]{36}\"")]
    private static partial Regex Uuid();

    /// <summary>Differences that are meant: a word, and the run. The reason stands above, behind '#'.</summary>
    private static readonly Dictionary<string, string> Accepted = File.ReadLines(Path.Combine(ConfigurationRecord.Folder, "accepted.txt"))
        .Where(line => line.Length > 0 && !line.StartsWith('#')).Select(line => line.Split(' ', 2)).ToDictionary(pair => pair[1], pair => pair[0]);
}
