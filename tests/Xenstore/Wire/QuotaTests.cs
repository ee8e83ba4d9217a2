// SPDX-License-Identifier: MIT
// Each limit: the errno that the guest gets, which is Xen 4.17's, and what the log says. Limits on unread messages: Live/GuestLimitTests.

using System;
using System.Linq;
using XenSharp.Abi;
using XenSharp.Xenstore.Protocol;
using Xunit;

namespace XenSharp.Tests.Xenstore.Wire;

public sealed class QuotaTests
{
    private readonly TestWorld _world = new();
    private readonly Connection _dom0;
    private readonly Connection _guest;

    public QuotaTests()
    {
        _dom0 = _world.Socket();
        _guest = _world.Domain(1);
        Ask(_dom0, XenstoreMessageType.Mkdir, "/local/domain/1|");
        Ask(_dom0, XenstoreMessageType.SetPerms, "/local/domain/1|n1|");
    }

    [Fact]
    public void Nodes()
    {
        Set("nodes", 3);
        Assert.Equal("OK|", Ask(_guest, XenstoreMessageType.Write, "a/b|1"));
        Refused("nodes", 3, 3, "ENOSPC", XenstoreMessageType.Mkdir, "c|");
        Assert.Equal("OK|", Ask(_guest, XenstoreMessageType.Write, "a/b|2"));
        Assert.Equal("OK|", Ask(_guest, XenstoreMessageType.Rm, "a/b|"));
        Assert.Equal("OK|", Ask(_guest, XenstoreMessageType.Mkdir, "c|"));
        Assert.Equal("OK|", Ask(_dom0, XenstoreMessageType.Mkdir, "/local/domain/1/by-dom0|"));
    }

    [Fact]
    public void NodesInATransactionThatThenFails()
    {
        Set("nodes", 2);
        uint id = uint.Parse(Ask(_guest, XenstoreMessageType.TransactionStart, "|").TrimEnd('|'));
        Assert.Equal("OK|", Ask(_guest, XenstoreMessageType.Write, "a|1", id));
        Assert.Equal("ENOSPC", Ask(_guest, XenstoreMessageType.Write, "b|1", id));
        Assert.Equal("ENOMEM", Ask(_guest, XenstoreMessageType.TransactionEnd, "T|", id));
        Assert.Equal("ENOENT", Ask(_guest, XenstoreMessageType.Read, "a|"));
    }

    /// <summary>A node's size: 24, eight for each permission, its value and its children's names.</summary>
    [Fact]
    public void NodeSize()
    {
        Set("node-size", 100);
        Assert.Equal("OK|", Ask(_guest, XenstoreMessageType.Write, $"a|{new string('v', 67)}"));
        Refused("node-size", 100, 100, "ENOSPC", XenstoreMessageType.Write, $"a|{new string('v', 68)}");
        Assert.Equal("OK|", Ask(_guest, XenstoreMessageType.Write, $"d/{new string('n', 66)}|"));
        Refused("node-size", 100, 101, "ENOSPC", XenstoreMessageType.Mkdir, "d/n|");
    }

    [Fact]
    public void PathLength()
    {
        Set("path-max", 20);
        Assert.Equal("OK|", Ask(_guest, XenstoreMessageType.Write, $"{new string('p', 20)}|"));
        Assert.Equal("EINVAL", Ask(_guest, XenstoreMessageType.Write, $"{new string('p', 21)}|"));
        Assert.Equal("EINVAL", Ask(_dom0, XenstoreMessageType.Read, $"/{new string('p', 20)}|"));
    }

    /// <summary>One more than the limit, as in Xen; so for transactions.</summary>
    [Fact]
    public void Watches()
    {
        Set("watches", 2);
        for (int number = 0; number < 3; number++)
            Assert.Equal("OK|", Ask(_guest, XenstoreMessageType.Watch, $"/w|{number}|"));
        Refused("watches", 2, 2, "E2BIG", XenstoreMessageType.Watch, "/w|x|");
        Assert.Equal("OK|", Ask(_guest, XenstoreMessageType.Unwatch, "/w|0|"));
        Assert.Equal("OK|", Ask(_guest, XenstoreMessageType.Watch, "/w|x|"));
    }

    [Fact]
    public void Transactions()
    {
        Set("transactions", 1);
        Ask(_guest, XenstoreMessageType.TransactionStart, "|");
        Ask(_guest, XenstoreMessageType.TransactionStart, "|");
        Refused("transactions", 1, 1, "ENOSPC", XenstoreMessageType.TransactionStart, "|");
        Assert.Equal("OK|", Ask(_guest, XenstoreMessageType.TransactionEnd, "F|", 1));
        Assert.Equal("3|", Ask(_guest, XenstoreMessageType.TransactionStart, "|"));
    }

    [Fact]
    public void NodesOfATransaction()
    {
        Set("transaction-nodes", 2);
        Ask(_guest, XenstoreMessageType.TransactionStart, "|");
        Ask(_guest, XenstoreMessageType.Read, "a|", 1);
        Ask(_guest, XenstoreMessageType.Read, "b|", 1);
        Ask(_guest, XenstoreMessageType.Read, "a|", 1);
        Assert.Equal("ENOSPC", Ask(_guest, XenstoreMessageType.Read, "c|", 1));
        Assert.Contains("domain 1 quota transaction-nodes limit 2 use 2", _world.Logged);
    }

    [Fact]
    public void Memory()
    {
        Set("memory", 500);
        Assert.Equal("OK|", Ask(_guest, XenstoreMessageType.Write, "a|1"));
        long use = _world.Server.FindDomain(1)!.Memory;
        Refused("memory", 500, use, "ENOMEM", XenstoreMessageType.Write, $"a|{new string('v', 600)}");
        Refused("memory", 500, use, "ENOMEM", XenstoreMessageType.Watch, $"/w|{new string('t', 600)}|");
        Assert.Equal("OK|", Ask(_guest, XenstoreMessageType.Write, "a|2"));
    }

    [Fact]
    public void SoftMemoryIsSaidOnce()
    {
        Ask(_dom0, XenstoreMessageType.Control, "quota-soft|set|memory|300|");
        Assert.Equal("OK|", Ask(_guest, XenstoreMessageType.Write, $"a|{new string('v', 300)}"));
        Assert.Equal("OK|", Ask(_guest, XenstoreMessageType.Write, $"a|{new string('v', 310)}"));
        Assert.Single(_world.Logged, text => text.StartsWith("domain 1 quota memory (soft) limit 300 use ", StringComparison.Ordinal));
    }

    [Fact]
    public void Permissions()
    {
        Ask(_guest, XenstoreMessageType.Write, "p|");
        Set("permissions", 2);
        Assert.Equal("OK|", Ask(_guest, XenstoreMessageType.SetPerms, "p|n1|r2|"));
        Refused("permissions", 2, 0, "ENOSPC", XenstoreMessageType.SetPerms, "p|n1|r2|r3|");
    }

    [Fact]
    public void TheControlDomainHasNoLimits()
    {
        foreach ((_, string name, _) in Quotas.All.Where(quota => quota.Name != "path-max"))
            Set(name, 1);
        for (int number = 0; number < 5; number++)
        {
            Assert.Equal("OK|", Ask(_dom0, XenstoreMessageType.Write, $"/n/{number}|{new string('v', 3000)}"));
            Assert.Equal("OK|", Ask(_dom0, XenstoreMessageType.Watch, $"/w|{number}|"));
            Assert.NotEqual("ENOSPC", Ask(_dom0, XenstoreMessageType.TransactionStart, "|"));
        }
        Assert.Equal("OK|", Ask(_dom0, XenstoreMessageType.SetPerms, "/n|n0|r1|r2|r3|r4|r5|r6|r7|"));
    }

    private void Refused(string quota, long limit, long use, string error, XenstoreMessageType type, string payload)
    {
        _world.Logged.Clear();
        string answer = Ask(_guest, type, payload);
        Assert.Equal(error, answer);
        Assert.Equal([$"domain 1 quota {quota} limit {limit} use {use}"], _world.Logged);
    }

    private void Set(string quota, int limit) => Assert.Equal("OK|", Ask(_dom0, XenstoreMessageType.Control, $"quota|set|{quota}|{limit}|"));

    private string Ask(Connection connection, XenstoreMessageType type, string payload, uint transaction = 0) => _world.Ask(connection, type, payload, transaction);
}
