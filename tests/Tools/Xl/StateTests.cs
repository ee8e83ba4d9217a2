// SPDX-License-Identifier: MIT
// What commands print, to the letter, in the columns of Xen's; and as JSON.

using System.Linq;
using System.Text.Json;
using System.Threading.Tasks;
using XenSharp.Abi;
using XenSharp.Xl.Commands;
using XenSharp.Xl.Frame;
using Xunit;

namespace XenSharp.Tests.Tools.Xl;

public sealed class StateTests
{
    [Fact]
    public async Task ListHasXensColumns()
    {
        using FakeHost host = new();
        host.AddGuest(1, "idle", state: DomainInfoFlags.Blocked | DomainInfoFlags.Paused);
        Assert.Equal(
            "Name                                        ID   Mem VCPUs\tState\tTime(s)\n"
            + "Domain-0                                     0   639     1     r-----      12.3\n"
            + "idle                                         1    32     1     -bp---      12.3\n",
            await host.PrintAsync("xl list"));
    }

    [Fact]
    public async Task ListWithAllOptionsHasXensColumns()
    {
        using FakeHost host = new();
        Assert.Equal(
            "Name                                        ID   Mem VCPUs\tState\tTime(s)   UUID                            Reason-Code\tSecurity Label         Cpupool NODE Affinity\n"
            + "Domain-0                                     0   639     1     r-----      12.3 00000000-0000-0000-0000-000000000000        -                -          Pool-0 all\n",
            await host.PrintAsync("xl list -vcnZ"));
    }

    [Theory]
    [InlineData(0u, "---s--")]
    [InlineData(1u, "---sr-")]
    [InlineData(5u, "---sS-")]
    [InlineData(9u, "---s?-")]
    public async Task ReasonOfAShutdownHasItsLetter(uint reason, string letters)
    {
        using FakeHost host = new();
        host.AddGuest(3, "gone", state: DomainInfoFlags.Shutdown | (DomainInfoFlags)(reason << 16));
        Assert.Contains($"     {letters}  ", await host.PrintAsync("xl list gone"));
        Assert.Contains($" {reason,8} ", await host.PrintAsync("xl list -v gone"));
    }

    [Fact]
    public async Task VcpusShowTheirPlaceAndAffinities()
    {
        using FakeHost host = new(cpus: 4);
        FakeDomain guest = host.AddGuest(7, "sample", 160, vcpus: 2);
        guest.Hard = [false, true, true, false];
        guest.Info.OnlineVcpuCount = 1;
        Assert.Equal(
            "Name                                ID  VCPU   CPU State   Time(s) Affinity (Hard / Soft)\n"
            + "sample                               7     0    0   -b-       2.5  1-2 / all\n"
            + "sample                               7     1    -   --p       2.5  1-2 / all\n",
            await host.PrintAsync("xl vcpu-list sample"));
    }

    [Fact]
    public async Task PoolsAndWeightsHaveXensColumns()
    {
        using FakeHost host = new(cpus: 2);
        host.AddGuest(1, "idle");
        Assert.Equal("Name               CPUs   Sched     Active   Domain count\nPool-0               2   credit2       y          2\n", await host.PrintAsync("xl cpupool-list"));
        Assert.Equal("Name               CPU list\nPool-0             0,1\n", await host.PrintAsync("xl cpupool-list -c Pool-0"));
        Assert.Equal(
            "Cpupool Pool-0: ratelimit=1000us\nName                                ID Weight  Cap\n"
            + "Domain-0                             0    256    0\nidle                                 1    256    0\n",
            await host.PrintAsync("xl sched-credit2"));
        Assert.Equal("Cpupool Pool-0: [sched params unavailable]\n", await host.PrintAsync("xl sched-credit -s"));
        Assert.Equal("", await host.PrintAsync("xl sched-credit"));
        host.Machine.Pools[0].Scheduler = SchedulerId.Credit;
        Assert.Equal("Cpupool Pool-0: tslice=30ms ratelimit=1000us migration-delay=0us\n", await host.PrintAsync("xl sched-credit -s"));
    }

    [Fact]
    public async Task DevicesAreListedFromTheStore()
    {
        using FakeHost host = new();
        host.AddGuest(7, "sample");
        foreach ((string node, string value) in ((string, string)[])[("backend", "/local/domain/0/backend/vif/7/0"), ("frontend", "/local/domain/7/device/vif/0"), ("mac", "00:16:3e:00:00:02")])
            host.Store.Write($"/libxl/7/device/vif/0/{node}", value);
        foreach ((string node, string value) in ((string, string)[])[("state", "4"), ("event-channel", "13"), ("tx-ring-ref", "9"), ("rx-ring-ref", "10")])
            host.Store.Write($"/local/domain/7/device/vif/0/{node}", value);
        host.Store.Write("/libxl/7/device/vbd/51712/backend", "/local/domain/0/backend/vbd/7/51712");
        Assert.Equal(
            "Idx BE Mac Addr.         handle state evt-ch   tx-/rx-ring-ref BE-path                       \n"
            + "0   0  00:16:3e:00:00:02     0     4     13     9/10          /local/domain/0/backend/vif/7/0\n",
            await host.PrintAsync("xl network-list sample"));
        Assert.Equal(
            "Vdev  BE  handle state evt-ch ring-ref BE-path                       \n"
            + "51712 0   7      -1    -1     -1       /local/domain/0/backend/vbd/7/51712\n",
            await host.PrintAsync("xl block-list 7"));
        (string output, string error, int status) = await host.RunAsync("xl block-list absent");
        Assert.Equal(("absent is an invalid domain identifier\n", 0), (error, status));
        Assert.Single(output.Split('\n', System.StringSplitOptions.RemoveEmptyEntries));
    }

    [Fact]
    public async Task InfoShowsAllOrWhatIsAskedFor()
    {
        using FakeHost host = new();
        string[] names = [.. (await host.PrintAsync("xl info")).Split('\n', System.StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split(':')[0].TrimEnd())];
        Assert.Equal(["host", "release", "version", "machine", "nr_cpus"], names[..5]);
        Assert.Equal(("xend_config_format", 34), (names[^1], names.Length));
        Assert.Equal("2047\n", await host.PrintAsync("xl info total_memory"));
        Assert.Equal("hvm hap gnttab-v1\n", await host.PrintAsync("xl info virt_caps"));
        Assert.Contains("cpu_topology           :\ncpu:    core    socket     node\n  0:       0        0        0\n", await host.PrintAsync("xl info -n"));
        Assert.Contains("numa_info              :\nnode:    memsize    memfree    distances\n   0:      2047       1000      10\n", await host.PrintAsync("xl info -n"));
    }

    [Theory]
    [InlineData("xl list --json")]
    [InlineData("xl vcpu-list --json")]
    [InlineData("xl info --json -n")]
    [InlineData("xl cpupool-list --json")]
    [InlineData("xl sched-credit2 --json")]
    [InlineData("xl sched-credit2 -s --json")]
    [InlineData("xl uptime --json 0")]
    [InlineData("xl claims --json")]
    [InlineData("xl vm-list --json")]
    [InlineData("xl block-list --json 0")]
    [InlineData("xl usb-list --json 0")]
    [InlineData("xl sharing --json")]
    public async Task JsonIsOneDocument(string line)
    {
        using FakeHost host = new();
        JsonDocument.Parse(await host.PrintAsync(line)).Dispose();
    }

    [Fact]
    public void EveryCommandThatPrintsStateTakesJson() => Assert.All(
        CommandTable.Commands.Where(command => command.Name.EndsWith("-list", System.StringComparison.Ordinal) || command.Name.StartsWith("sched-", System.StringComparison.Ordinal)),
        command => Assert.True(command.PrintsState, command.Name));

    [Theory]
    [InlineData(0, false, " 0:00:00")]
    [InlineData(3723, false, " 1:02:03")]
    [InlineData(3723, true, " 1:02")]
    [InlineData(86400 + 36000, false, "1 day, 10:00:00")]
    [InlineData(3 * 86400, true, "3 days,  0:00")]
    public void UptimesAreInDaysAndHours(long seconds, bool isShort, string text) => Assert.Equal(text, Uptime.Format(seconds, isShort));

    [Theory]
    [InlineData("....", "none")]
    [InlineData("####", "all")]
    [InlineData("#...", "0")]
    [InlineData(".###", "1-3")]
    [InlineData("#.##", "0,2-3")]
    public void MapsAreRanges(string map, string text) => Assert.Equal(text, CpuMaps.Format([.. map.Select(bit => bit == '#')]));
}
