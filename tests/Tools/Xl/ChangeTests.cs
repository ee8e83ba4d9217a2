// SPDX-License-Identifier: MIT
// What commands do to the machine and the store, and what they refuse.

using System.Threading.Tasks;
using XenSharp.Abi;
using XenSharp.Xl.Commands;
using Xunit;

namespace XenSharp.Tests.Tools.Xl;

public sealed class ChangeTests
{
    [Theory]
    [InlineData("xl pause idle", "PauseDomain 1")]
    [InlineData("xl unpause 1", "UnpauseDomain 1")]
    [InlineData("xl trigger idle nmi 1", "trigger 1.1 Nmi")]
    [InlineData("xl mem-max idle 64", "max_mem 1 66560")]
    [InlineData("xl mem-max idle 1g", "max_mem 1 1049600")]
    [InlineData("xl mem-set idle 24m", "max_mem 1 25600, memory SetPopulateOnDemandTarget")]
    [InlineData("xl sched-credit2 -d idle -w 512 -c 40", "weight 1 512 40")]
    [InlineData("xl sched-credit2 -s -r 0", "pool 0 parameters 0 0 0")]
    [InlineData("xl vcpu-pin idle 0 0 -", "affinity 1.0 1")]
    [InlineData("xl vcpu-pin idle all 0-1 1", "affinity 1.0 3, affinity 1.1 3")]
    [InlineData("xl vcpu-pin -f idle 1 - 1", "affinity 1.1 6")]
    [InlineData("xl debug-keys qr", "keys qr")]
    [InlineData("xl cpupool-cpu-remove Pool-0 1", "pool 0 RemoveCpu 1")]
    [InlineData("xl cpupool-migrate idle 0", "pool 0 gets domain 1")]
    public async Task ChangesReachTheHypervisor(string line, string changes)
    {
        using FakeHost host = new(cpus: 2);
        host.AddGuest(1, "idle", vcpus: 2);
        Assert.Equal("", await host.PrintAsync(line));
        Assert.Equal(changes, string.Join(", ", host.Machine.Changes));
    }

    [Theory]
    [InlineData("xl mem-max idle 16", 1, "cannot set domid 1 static max memory to : 16")]
    [InlineData("xl mem-max idle 1x", 1, "invalid memory size: 1x")]
    [InlineData("xl mem-set idle 128", 1, "cannot set domid 1 dynamic max memory to : 128")]
    [InlineData("xl mem-set 0 64", 1, "cannot set domid 0 dynamic max memory to : 64")]
    [InlineData("xl vcpu-set idle 0", 1, "at least one")]
    [InlineData("xl vcpu-set idle 3", 1, "You are overcommmitting! You have 2 physical CPUs and want 3 vCPUs! Aborting, use --ignore-host to continue")]
    [InlineData("xl vcpu-set -i idle 3", 1, "at most 2")]
    [InlineData("xl vcpu-set 9 1", 1, "Domain 9 does not exist.")]
    [InlineData("xl vcpu-pin idle x 0", 1, "Error: Invalid argument x as VCPU.")]
    [InlineData("xl vcpu-pin -f idle all 0", 1, "Error: --force and 'all' as VCPU not allowed.")]
    [InlineData("xl vcpu-pin idle 0 3-1", 1, "3-1")]
    [InlineData("xl sched-credit2 -w 1", 1, "Must specify a domain.")]
    [InlineData("xl sched-credit2 -p Pool-0 -d idle", 1, "Specifying a cpupool is not allowed with other options.")]
    [InlineData("xl sched-credit -t 5", 1, "Must specify schedparam to set schedule parameter values.")]
    [InlineData("xl sched-credit2 -d idle -w 70000", 1, "libxl_domain_sched_params_set failed.")]
    [InlineData("xl sched-credit2 -d idle -c 201", 1, "0 to 200")]
    [InlineData("xl sched-credit -d idle", 1, "libxl_domain_sched_params_get returned credit2 not credit.")]
    [InlineData("xl sched-rtds -d idle -p 1 -b 1 -e 1", 1, "Must specify VCPU.")]
    [InlineData("xl sched-rtds -e 5 -d idle", 1, "Invalid extratime.")]
    [InlineData("xl rename idle Domain-0", 1, "Can't rename domain 'idle'.")]
    [InlineData("xl trigger idle bogus", 1, "Invalid trigger \"bogus\"")]
    [InlineData("xl pause 9", 0, "There is no domain 9.")]
    [InlineData("xl list absent", 1, "absent is an invalid domain identifier (rc=-6)")]
    [InlineData("xl cpupool-destroy 7", 1, "unknown cpupool '7'")]
    [InlineData("xl cpupool-destroy Pool-0", 1, "Can't destroy cpupool 'Pool-0'")]
    [InlineData("xl cpupool-list absent", 1, "Pool 'absent' does not exist")]
    [InlineData("xl console -t x idle", 1, "console type supported are: pv, serial, vuart")]
    public async Task RefusalsSayWhy(string line, int status, string sentence)
    {
        using FakeHost host = new(cpus: 2);
        host.AddGuest(1, "idle", vcpus: 2);
        (string _, string error, int ended) = await host.RunAsync(line);
        Assert.Equal(status, ended);
        Assert.Contains(sentence, error);
        Assert.Empty(host.Machine.Changes);
    }

    [Fact]
    public async Task ARefusalOfTheHypervisorIsTold()
    {
        using FakeHost host = new();
        host.Machine.Refusal = Errno.Perm;
        (string _, string error, int status) = await host.RunAsync("xl debug-keys q");
        Assert.Equal(1, status);
        Assert.Contains("debug_keys", error);
        Assert.EndsWith("cannot send debug keys: q\n", error);
    }

    [Fact]
    public async Task VcpusOfAGuestAreSetInItsStore()
    {
        using FakeHost host = new(cpus: 4);
        host.AddGuest(1, "idle", vcpus: 3);
        Assert.Equal("", await host.PrintAsync("xl vcpu-set idle 2"));
        await using var store = await XenstoreClient.XenstoreConnection.ConnectAsync(host.Store.Address);
        for (int vcpu = 0; vcpu < 3; vcpu++)
            Assert.Equal(vcpu < 2 ? "online" : "offline", await store.Store.ReadAsync($"/local/domain/1/cpu/{vcpu}/availability"));
    }

    [Fact]
    public async Task SysRqIsWrittenToTheGuestsControlNode()
    {
        using FakeHost host = new();
        host.AddGuest(1, "idle");
        Assert.Equal("", await host.PrintAsync("xl sysrq idle h"));
        await using var store = await XenstoreClient.XenstoreConnection.ConnectAsync(host.Store.Address);
        Assert.Equal("h", await store.Store.ReadAsync("/local/domain/1/control/sysrq"));
    }

    [Fact]
    public async Task LogIsPrintedAsItIs()
    {
        using FakeHost host = new();
        host.Machine.Log = new string('x', 20000) + "\n(XEN) end\n";
        Assert.Equal(host.Machine.Log, await host.PrintAsync("xl dmesg"));
    }

    [Theory]
    [InlineData("64", 65536)]
    [InlineData("64M", 65536)]
    [InlineData("2g", 2097152)]
    [InlineData("1t", 1073741824)]
    [InlineData("512k", 512)]
    [InlineData("4096b", 4)]
    [InlineData("1mb", null)]
    [InlineData("1x", null)]
    public void SizesHaveUnits(string text, int? kilobytes) => Assert.Equal(kilobytes, (int?)Memory.ParseKilobytes(text));
}
