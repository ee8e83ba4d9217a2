// SPDX-License-Identifier: MIT
// What our xl prints on a machine like the one of the records, against what Debian's xl printed on real Xen (tests/EndToEnd/Golden).

using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using System.Threading.Tasks;
using XenSharp.Abi;
using Xunit;

namespace XenSharp.Tests.Tools.Xl;

public sealed partial class GoldenTests
{
    [Theory]
    [InlineData("xl list")]
    [InlineData("xl list -v")]
    [InlineData("xl vcpu-list")]
    [InlineData("xl domid Domain-0; xl domname 0")]
    [InlineData("xl domid absent")]
    [InlineData("xl sched-credit2")]
    [InlineData("xl cpupool-list; xl cpupool-list -c")]
    [InlineData("xl block-list 0; xl network-list 0")]
    [InlineData("xl list 77")]
    [InlineData("xl nonsense")]
    public Task CommandsThatOnlyReadPrintAsOnRealXen(string line) => CompareAsync("reading", line, 0, _ => { });

    [Theory]
    [InlineData("xl list", 1, DomainInfoFlags.Paused)]
    [InlineData("xl list -v", 0, DomainInfoFlags.Paused)]
    [InlineData("xl domid idle; xl domname 1", 0, DomainInfoFlags.Paused)]
    [InlineData("xl vcpu-list", 0, DomainInfoFlags.Blocked)]
    [InlineData("xl pause idle; xl list idle; xl unpause idle", 0, DomainInfoFlags.Blocked | DomainInfoFlags.Paused)]
    [InlineData("xl vcpu-pin idle 0 0; xl vcpu-list idle", 0, DomainInfoFlags.Blocked)]
    [InlineData("xl vcpu-pin idle 0 all all; xl vcpu-list idle", 0, DomainInfoFlags.Blocked)]
    [InlineData("xl sched-credit2 -d idle -w 512; xl sched-credit2 -d idle; xl sched-credit2 -d idle -c 40; xl sched-credit2", 0, DomainInfoFlags.Blocked)]
    [InlineData("xl mem-max idle 64; xl list idle", 0, DomainInfoFlags.Blocked)]
    [InlineData("xl rename idle lazy; xl list; xl rename lazy idle", 0, DomainInfoFlags.Blocked)]
    [InlineData("xl trigger idle nmi 0; xl list idle", 0, DomainInfoFlags.Blocked)]
    [InlineData("xl trigger idle power", 0, DomainInfoFlags.Blocked)]
    [InlineData("xl list 5", 0, DomainInfoFlags.Blocked)]
    public Task CommandsAboutAGuestPrintAsOnRealXen(string line, int occurrence, DomainInfoFlags state) => CompareAsync("commands", line, occurrence, host => host.AddGuest(1, "idle", state: state));

    [Fact]
    public Task VcpusOfAGuestWithTwoPrintAsOnRealXen() => CompareAsync("commands", "xl vcpu-list sample", 0, host => host.AddGuest(7, "sample", 160, vcpus: 2));

    [Fact]
    public Task ACrashedGuestPrintsAsOnRealXen() => CompareAsync(
        "commands", "xl list crash", "xl create -q /guest/idle.cfg 'name=\"crash\"' 'extra=\"shutdown=3\"' 'on_crash=\"preserve\"'; until xl list crash | grep -q -- '---c--\\|c-'; do usleep 200000; done; xl list crash; xl destroy crash", 0,
        host => host.AddGuest(11, "crash", state: DomainInfoFlags.Shutdown | (DomainInfoFlags)(3 << 16)));

    private static Task CompareAsync(string script, string line, int occurrence, Action<FakeHost> prepare) => CompareAsync(script, line, line, occurrence, prepare);

    private static async Task CompareAsync(string script, string line, string recordedLine, int occurrence, Action<FakeHost> prepare)
    {
        (string[] lines, int status) = Recorded(script, recordedLine, occurrence);
        using FakeHost host = new();
        prepare(host);
        (string output, string error, int ended) = await host.RunAsync(line);
        Assert.Equal(lines, Normalise(output + error));
        Assert.Equal(status, ended);
    }

    /// <summary>The lines below a step's header, and its status.</summary>
    private static (string[] Lines, int Status) Recorded(string script, string line, int occurrence)
    {
        string[] all = File.ReadAllLines(Path.Combine(Folder(), "..", "..", "EndToEnd", "Golden", $"{script}.txt"));
        int start = Enumerable.Range(0, all.Length).Where(index => all[index] == $"== {line}").ElementAt(occurrence);
        string[] lines = [.. all.Skip(start + 1).TakeWhile(text => !text.StartsWith("-- status ", StringComparison.Ordinal))];
        return (lines, int.Parse(all[start + 1 + lines.Length]["-- status ".Length..]));
    }

    /// <summary>As tests/EndToEnd normalises: no times, identities, widths of columns.</summary>
    private static string[] Normalise(string text) =>
        [.. text.Split('\n').Select(line => line.TrimEnd()).Where(line => line.Length > 0).Select(line => Spaces().Replace(Fraction().Replace(Identity().Replace(line, "UUID"), "N"), " "))];

    private static string Folder([CallerFilePath] string file = "") => Path.GetDirectoryName(file)!;

    [GeneratedRegex("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")]
    private static partial Regex Identity();

    [GeneratedRegex(@"\b\d+\.\d\b")]
    private static partial Regex Fraction();

    [GeneratedRegex(@"\s+")]
    private static partial Regex Spaces();
}
