// SPDX-License-Identifier: MIT
// Commands that read configurations: cpupool-create, config-update, list --long, and what xl.conf changes.

using System.IO;
using System.Linq;
using System.Runtime.CompilerServices;
using System.Text.Json.Nodes;
using System.Threading.Tasks;
using XenSharp.Abi;
using XenSharp.Configuration;
using Xunit;

namespace XenSharp.Tests.Tools.Xl;

public sealed class ConfigurationTests
{
    private const string Id = "00000000-0000-0000-0000-000000000001";

    [Fact]
    public async Task APoolIsMadeOfFreeCpus()
    {
        using FakeHost host = new(cpus: 4);
        host.Machine.Pools[0].Cpus = [true, false, false, true];
        Assert.Equal("Using config file \"command line\"\ncpupool name:   fast\nscheduler:      credit\nnumber of cpus: 2\n", await host.PrintAsync("xl cpupool-create name=\"fast\" sched=\"credit\" cpus=\"1-2\""));
        Assert.Equal(["pool 1 created Credit", "pool 1 AddCpu 1", "pool 1 AddCpu 2"], host.Machine.Changes);
        Assert.Contains("fast               1,2\n", await host.PrintAsync("xl cpupool-list -c"));
        (string _, string error, int status) = await host.RunAsync("xl cpupool-create name=\"fast\"");
        Assert.Equal(("Pool name \"fast\" already exists\n", 1), (error, status));
    }

    [Fact]
    public async Task APoolsFileIsReadAndADryRunMakesNothing()
    {
        using FakeHost host = new();
        string path = Path.Combine(host.Records.FullName, "night");
        File.WriteAllText(path, "sched = \"null\"\n");
        Assert.Equal($"Using config file \"{path}\"\ncpupool name:   night\nscheduler:      null\nnumber of cpus: 0\n", await host.PrintAsync($"xl -N cpupool-create {path}"));
        Assert.Empty(host.Machine.Changes);
    }

    [Theory]
    [InlineData("xl cpupool-create name=\"p\" cpus=\"0\"", 1, "CPU 0 is in another pool")]
    [InlineData("xl cpupool-create name=\"p\" sched=\"x\"", 1, "sched")]
    [InlineData("xl cpupool-create sched=\"credit\"", 1, "no name")]
    [InlineData("xl cpupool-create /absent", 1, "Failed to read config file: /absent: No such file or directory")]
    [InlineData("xl cpupool-create a b", 1, "")]
    [InlineData("xl config-update", 1, "xl config-update requires a domain argument")]
    [InlineData("xl config-update idle", 1, "Config file not specified")]
    [InlineData("xl config-update idle /absent", 253, "Failed to read config file: /absent: No such file or directory")]
    public async Task WrongConfigurationsAreRefused(string line, int status, string sentence)
    {
        using FakeHost host = new();
        host.AddGuest(1, "idle");
        (string _, string error, int ended) = await host.RunAsync(line);
        Assert.Equal(status, ended);
        Assert.Contains(sentence, error);
        Assert.Empty(host.Machine.Changes);
    }

    [Fact]
    public async Task AnUpdatedConfigurationIsKeptWithItsSettings()
    {
        using FakeHost host = new();
        host.AddGuest(1, "idle");
        string path = Path.Combine(host.Records.FullName, "idle.cfg");
        File.WriteAllText(path, "name = \"idle\"\ntype = \"pvh\"\nkernel = \"/boot/vmlinuz\"\nmemory = 32\n");
        (string output, string error, int status) = await host.RunAsync($"xl config-update idle {path} -d memory=64");
        Assert.Equal(0, status);
        Assert.EndsWith("setting dom1 configuration\n", error);
        Assert.Equal(65536, (int?)JsonNode.Parse(output)!["config"]!["b_info"]!["target_memkb"]);
        Assert.EndsWith("memory = 32\n\nmemory=64\n\n", File.ReadAllText(Path.Combine(host.Records.FullName, $"userdata-d.1.{Id}.xl")));
    }

    [Fact]
    public async Task ALongListIsLibxlsRecordBroughtUpToDate()
    {
        using FakeHost host = new();
        FakeDomain guest = host.AddGuest(1, "idle");
        host.Store.Write("/local/domain/1/memory/static-max", "32768");
        host.Store.Write("/local/domain/1/cpu/0/availability", "online");
        string golden = Path.Combine(Folder(), "..", "..", "EndToEnd", "Golden", "commands.txt");
        string[] lines = [.. File.ReadLines(golden).SkipWhile(line => !line.StartsWith("== xl list -l idle")).Skip(1).TakeWhile(line => !line.StartsWith("-- status"))];
        JsonNode record = JsonNode.Parse(string.Join('\n', lines))![0]!["config"]!;
        record["c_info"]!["name"] = "before";
        record["b_info"]!["target_memkb"] = 1;
        record["b_info"]!["sched_params"] = new JsonObject { ["sched"] = "credit2", ["weight"] = 3 };
        File.WriteAllText(Path.Combine(host.Records.FullName, $"userdata-d.1.{Id}.libxl-json"), record.ToJsonString() + "\0");
        string[] printed = [.. (await host.PrintAsync("xl list -l idle")).Split('\n').Where(line => line.Trim().Length > 0 && !line.Contains("uuid"))];
        Assert.Equal(lines, printed.Select(line => string.Join(' ', ["", .. line.Split(' ', System.StringSplitOptions.RemoveEmptyEntries)]).TrimStart() is var text && line.StartsWith(' ') ? $" {text}" : text));
        guest.Weight = 512;
        Assert.Contains("\"weight\": 512,", await host.PrintAsync("xl list -l idle"));
    }

    [Fact]
    public async Task AUnknownConfigurationIsPassedOverInALongList()
    {
        using FakeHost host = new();
        (string output, string error, int status) = await host.RunAsync("xl list -l");
        Assert.Equal(("The configuration of domain 0 is not known.\n", 0), (error, status));
        Assert.Empty(JsonNode.Parse(output)!.AsArray());
    }

    [Fact]
    public async Task MasksOfTheHostsSettingsLimitHardAffinity()
    {
        using FakeHost host = new(cpus: 4) { Settings = new GlobalConfiguration { VmCpumask = new Bitmap([1, 2]), VmHvmCpumask = new Bitmap([2, 3]) } };
        FakeDomain guest = host.AddGuest(1, "idle");
        Assert.Equal("", await host.PrintAsync("xl vcpu-pin idle 0 all"));
        Assert.Equal([false, false, true, false], guest.Hard);
        Assert.Equal("", await host.PrintAsync("xl vcpu-pin --ignore-global-affinity-masks idle 0 all"));
        Assert.Equal([true, true, true, true], guest.Hard);
        (string _, string error, int status) = await host.RunAsync("xl vcpu-pin idle 0 0");
        Assert.Equal(("vcpu hard affinity map is empty\n", 1), (error, status));
    }

    [Fact]
    public async Task ClaimsSayThatTheyAreOff()
    {
        using FakeHost host = new() { Settings = new GlobalConfiguration { ClaimMode = false } };
        Assert.Equal("claim_mode not enabled (see man xl.conf).\n", (await host.RunAsync("xl claims")).Error);
    }

    private static string Folder([CallerFilePath] string file = "") => Path.GetDirectoryName(file)!;
}
