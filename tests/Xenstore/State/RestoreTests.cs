// SPDX-License-Identifier: MIT
// A state made anew from its records is the same state; a damaged one is refused, and nothing worse.

using System;
using System.Collections.Generic;
using System.Linq;
using XenSharp.Abi;
using XenSharp.Tests.Xenstore.Model;
using XenSharp.Xenstore.Protocol;
using Xunit;

namespace XenSharp.Tests.Xenstore.State;

public sealed class RestoreTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void SavedAtAnyPointAndContinuedItIsTheSame(int seed)
    {
        (TestWorld world, List<byte[]> records) = MakeState(seed);
        TestWorld other = Restored(records, (ulong)seed);
        Assert.Equal(StoreDump.Of(world), StoreDump.Of(other));
        Connection[] left = [.. world.Server.Connections.OrderBy(connection => connection.Id)];
        Connection[] right = [.. other.Server.Connections.OrderBy(connection => connection.Id)];
        Assert.Equal(left.Select(Describe), right.Select(Describe));
        // Whatever is asked now is answered alike, in the open transactions too.
        RandomRequests requests = new(seed + 1000);
        for (int step = 0; step < 500; step++)
        {
            int client = requests.Next(left.Length);
            (XenstoreMessageType type, string payload) = requests.Make();
            Assert.Equal(world.Ask(left[client], type, payload), other.Ask(right[client], type, payload));
            Assert.Equal(world.Events(left[client]), other.Events(right[client]));
        }
        for (int client = 0; client < left.Length; client++)
        {
            foreach (uint id in Enumerable.Range(1, 50).Select(number => (uint)number))
            {
                string mine = world.Ask(left[client], XenstoreMessageType.TransactionEnd, "T|", id);
                Assert.Equal(mine, other.Ask(right[client], XenstoreMessageType.TransactionEnd, "T|", id));
            }
        }
        Assert.Equal(StoreDump.Of(world), StoreDump.Of(other));
        Assert.Equal("OK|", other.Ask(right[0], XenstoreMessageType.Control, "check|"));
        Assert.DoesNotContain(other.Logged, text => text.Contains("corrected", StringComparison.Ordinal));
    }

    [Fact]
    public void DamagedRecordsAreRefused()
    {
        (_, List<byte[]> records) = MakeState(9);
        Random random = new(9);
        int refused = 0;
        for (int round = 0; round < 400; round++)
        {
            List<byte[]> damaged = [.. records.Take(random.Next(records.Count))];
            byte[] victim = [.. records[random.Next(records.Count)]];
            for (int change = random.Next(3); change >= 0; change--)
                victim[random.Next(victim.Length)] = (byte)random.Next(256);
            damaged.Add(random.Next(2) == 0 ? victim : victim[..random.Next(1, victim.Length)]);
            try
            {
                Restored(damaged, 9);
            }
            catch (StateException)
            {
                refused++;
            }
        }
        Assert.True(refused > 50);
    }

    private static string Describe(Connection connection) => $"{connection.Id} {connection.DomainId} {connection.Target?.Id} {connection.WatchCount} {connection.TransactionCount}";

    private static TestWorld Restored(IEnumerable<byte[]> records, ulong seed)
    {
        TestWorld world = new(seed);
        world.Replace(new XenstoreServer(world, seed));
        foreach (byte[] record in records)
            world.Server.Restore(record);
        world.Records.Clear();
        return world;
    }

    /// <summary>A state with transactions open, and its records: half of it saved, in steps among which the rest happened.</summary>
    private static (TestWorld World, List<byte[]> Records) MakeState(int seed)
    {
        TestWorld world = new((ulong)seed);
        RandomRequests requests = new(seed);
        Connection[] clients = [world.Socket(), world.Socket(), world.Domain(1), world.Domain(2)];
        world.Ask(clients[0], XenstoreMessageType.SetTarget, "2|1|");
        Play(world, clients, requests, 800);
        world.Records.Clear();
        List<byte[]> saved = [];
        using (StateSaver saver = world.Server.Save())
        {
            while (!saver.IsDone)
            {
                saver.Step(3, record => saved.Add(record.ToArray()));
                Play(world, clients, requests, 2);
            }
        }
        Play(world, clients, requests, 300);
        return (world, [.. saved, .. world.Records]);
    }

    private static void Play(TestWorld world, Connection[] clients, RandomRequests requests, int steps)
    {
        for (int step = 0; step < steps; step++)
        {
            Connection client = clients[requests.Next(clients.Length)];
            (XenstoreMessageType type, string payload) = requests.Make();
            uint transaction = requests.Next(2) == 0 ? (uint)(1 + requests.Next(12)) : 0;
            switch (requests.Next(30))
            {
                case 0:
                    world.Ask(client, XenstoreMessageType.TransactionStart, "|");
                    break;
                case 1:
                    world.Ask(client, XenstoreMessageType.TransactionEnd, "T|", (uint)(1 + requests.Next(12)));
                    break;
                case 2:
                    world.Ask(client, XenstoreMessageType.Watch, $"{requests.Path()}|t{requests.Next(3)}|");
                    break;
                case 3:
                    world.Ask(client, XenstoreMessageType.Unwatch, $"{requests.Path()}|t{requests.Next(3)}|");
                    break;
                default:
                    world.Ask(client, type, payload, transaction);
                    break;
            }
        }
        foreach (Connection client in clients)
            world.Events(client);
    }
}
