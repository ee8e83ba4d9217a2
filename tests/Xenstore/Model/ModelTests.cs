// SPDX-License-Identifier: MIT
// Random sequences of many connections against the naive store; committed transactions must be what they would have been at their end, alone.

using System.Collections.Generic;
using System.Linq;
using XenSharp.Abi;
using XenSharp.Xenstore.Protocol;
using Xunit;

namespace XenSharp.Tests.Xenstore.Model;

public sealed class ModelTests
{
    public static TheoryData<int> Seeds => [.. Enumerable.Range(1, 12)];

    [Theory]
    [MemberData(nameof(Seeds))]
    public void SingleRequestsAreAsInTheModel(int seed)
    {
        TestWorld world = new((ulong)seed);
        NaiveStore model = new();
        RandomRequests requests = new(seed);
        Connection[] clients = [world.Socket(), world.Socket(), world.Socket()];
        for (int step = 0; step < 3000; step++)
        {
            (XenstoreMessageType type, string payload) = requests.Make();
            Assert.Equal(model.Ask(type, payload), world.Ask(clients[requests.Next(3)], type, payload));
        }
        Assert.Equal(model.Dump(), StoreDump.Of(world));
        Assert.Equal("OK|", world.Ask(clients[0], XenstoreMessageType.Control, "check|"));
        Assert.DoesNotContain(world.Logged, text => text.Contains("corrected", System.StringComparison.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void CommittedTransactionsAreSerial(int seed)
    {
        TestWorld world = new((ulong)seed);
        NaiveStore model = new();
        RandomRequests requests = new(seed);
        List<OpenTransaction> open = [];
        Connection[] clients = [world.Socket(), world.Socket(), world.Socket(), world.Socket()];
        int committed = 0;
        int conflicts = 0;
        for (int step = 0; step < 6000; step++)
        {
            Connection client = clients[requests.Next(clients.Length)];
            int choice = requests.Next(20);
            if (choice == 0 && open.Count < 6)
            {
                open.Add(new OpenTransaction(client, uint.Parse(world.Ask(client, XenstoreMessageType.TransactionStart, "|").TrimEnd('|'))));
            }
            else if (choice == 1 && open.Count > 0)
            {
                OpenTransaction ending = open[requests.Next(open.Count)];
                open.Remove(ending);
                bool isCommit = requests.Next(4) != 0;
                string answer = world.Ask(ending.Client, XenstoreMessageType.TransactionEnd, isCommit ? "T|" : "F|", ending.Id);
                if (answer == "EAGAIN")
                {
                    conflicts++;
                    continue;
                }
                Assert.Equal("OK|", answer);
                if (!isCommit)
                    continue;
                committed++;
                foreach ((XenstoreMessageType type, string payload, string seen) in ending.Done)
                    Assert.Equal(model.Ask(type, payload), seen);
            }
            else if (choice < 14 && open.Count > 0)
            {
                OpenTransaction transaction = open[requests.Next(open.Count)];
                (XenstoreMessageType type, string payload) = requests.Make();
                transaction.Done.Add((type, payload, world.Ask(transaction.Client, type, payload, transaction.Id)));
            }
            else
            {
                (XenstoreMessageType type, string payload) = requests.Make();
                Assert.Equal(model.Ask(type, payload), world.Ask(client, type, payload));
            }
        }
        Assert.True(committed > 20 && conflicts > 5, $"{committed} committed, {conflicts} conflicts: the sequence is too tame");
        foreach (OpenTransaction left in open)
            world.Ask(left.Client, XenstoreMessageType.TransactionEnd, "F|", left.Id);
        Assert.Equal(model.Dump(), StoreDump.Of(world));
        Assert.Equal(0, world.Server.Tree.SnapshotCount);
    }

    private sealed record OpenTransaction(Connection Client, uint Id)
    {
        public List<(XenstoreMessageType, string, string)> Done { get; } = [];
    }
}
