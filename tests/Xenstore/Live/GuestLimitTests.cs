// SPDX-License-Identifier: MIT
// What one guest can do to others, and what the daemon does about it: shares of a turn, stalls, holds, broken rings.

using System;
using System.Linq;
using XenSharp.Abi;
using Xunit;

namespace XenSharp.Tests.Xenstore.Live;

public sealed class GuestLimitTests : IDisposable
{
    private readonly RingedDaemon _daemon = new();

    /// <summary>A guest with another CPU that takes answers and asks again as fast as it is served.</summary>
    [Fact]
    public void AFloodLeavesOthersTheirTurns()
    {
        RingGuest flood = _daemon.Introduce(1);
        RingGuest other = _daemon.Introduce(2);
        int answered = 0;
        flood.OnNotified = () =>
        {
            while (flood.Receive() is not null)
                answered++;
            while (answered < 100_000 && flood.Send(XenstoreMessageType.GetDomainPath, "1|"))
            {
            }
        };
        flood.OnNotified();
        for (int round = 0; round < 20; round++)
        {
            int before = answered;
            Assert.Equal("/local/domain/2|", other.TryAsk(XenstoreMessageType.GetDomainPath, "2|", turns: 2));
            Assert.InRange(answered - before, 1, 200);
        }
        Assert.True(answered < 100_000);
    }

    [Fact]
    public void AFloodBySocketLeavesOthersTheirTurns()
    {
        RingGuest other = _daemon.Introduce(2);
        using WireClient flood = new(_daemon.Daemon.SocketPath);
        for (int request = 0; request < 150; request++)
            flood.Send(XenstoreMessageType.Write, $"/f/{request}|1");
        _daemon.Turn();     // Takes the connection.
        int most = 0;
        for (int turn = 0; most < 150; turn++)
        {
            Assert.Equal("/local/domain/2|", other.TryAsk(XenstoreMessageType.GetDomainPath, "2|", turns: 2));
            string[] there = _daemon.Dom0.Ask(XenstoreMessageType.Directory, "/f|").Split('|', StringSplitOptions.RemoveEmptyEntries);
            // The share of each of the turns between two looks.
            Assert.InRange(there.Length - most, 0, 32 * 4);
            most = Math.Max(most, there.Length);
            Assert.True(turn < 100);
        }
    }

    /// <summary>A guest whose events another one does not take is answered no more until it does, and nobody else notices.</summary>
    [Fact]
    public void MessagesThatNobodyTakesStallTheirCause()
    {
        RingGuest writer = _daemon.Introduce(1);
        RingGuest reader = _daemon.Introduce(2);
        RingGuest third = _daemon.Introduce(3);
        Share("/n", 1, 2);
        Assert.Equal("OK|", reader.Ask(XenstoreMessageType.Watch, $"/n|{new string('t', 500)}|"));
        int written = 0;
        while (writer.TryAsk(XenstoreMessageType.Write, $"/n/{written}|", turns: 3) == "OK|")
            written++;
        Assert.InRange(written, 20, 200);
        Assert.Equal(20, _daemon.Daemon.Server.FindDomain(1)!.Outstanding);
        string line = Assert.Single(_daemon.Log, text => text.Contains("outstanding", StringComparison.Ordinal));
        Assert.Contains("domain 1 is over the quota \"outstanding\": limit 20, in use 20", line, StringComparison.Ordinal);
        Assert.Equal("/local/domain/3|", third.TryAsk(XenstoreMessageType.GetDomainPath, "3|", turns: 2));
        Assert.Contains("outstanding     :       20", _daemon.Dom0.Ask(XenstoreMessageType.Control, "quota|1|"), StringComparison.Ordinal);
        // The reader takes what there is, and both go on; the request that waited was not lost.
        Assert.Equal("/local/domain/2|", reader.TryAsk(XenstoreMessageType.GetDomainPath, "2|", turns: 400));
        Assert.Equal("OK|", writer.TryAsk(XenstoreMessageType.Write, "/n/last|", turns: 5));
        Assert.Equal(0, _daemon.Daemon.Server.FindDomain(1)!.Outstanding);
        Assert.Equal(1 + written + 2, _daemon.Daemon.Server.FindDomain(1)!.Nodes);
    }

    /// <summary>Above the limit of memory a guest is not served at all, as in Xen; a lower limit or fewer nodes let it go on.</summary>
    [Fact]
    public void TooMuchMemoryStallsAGuest()
    {
        RingGuest guest = _daemon.Introduce(1);
        Share("/m", 1, 2);
        Assert.Equal("OK|", guest.Ask(XenstoreMessageType.Write, $"/m/a|{new string('x', 900)}"));
        Assert.Equal("OK|", _daemon.Dom0.Ask(XenstoreMessageType.Control, "quota|set|memory|800|"));
        Assert.Null(guest.TryAsk(XenstoreMessageType.Read, "/m/a|", turns: 5));
        Assert.Contains(_daemon.Log, text => text.Contains("domain 1 is over the quota \"memory\": limit 800, in use 9", StringComparison.Ordinal));
        Assert.Equal("OK|", _daemon.Dom0.Ask(XenstoreMessageType.Control, "quota|set|memory|100000|"));
        _daemon.Daemon.Turn(1500);
        Assert.Equal("OK|", guest.Ask(XenstoreMessageType.Write, "/m/b|"));
    }

    /// <summary>One guest changes what another one's transaction depends on, as often as it is let. The other one comes through all the same.</summary>
    [Fact]
    public void AGuestCannotStarveAnothersTransactions()
    {
        RingGuest victim = _daemon.Introduce(1);
        RingGuest hostile = _daemon.Introduce(2);
        Share("/t", 1, 2);
        Assert.Equal("OK|", victim.Ask(XenstoreMessageType.Write, "/t/count|0"));
        Assert.Equal("OK|", victim.Ask(XenstoreMessageType.SetPerms, "/t/count|b1|"));
        int spoiled = 0;
        hostile.OnNotified = () =>
        {
            while (hostile.Receive() is { } answer)
                spoiled += answer.Text == "OK|" ? 1 : 0;
            hostile.Send(XenstoreMessageType.Write, $"/t/count|s{spoiled}");
        };
        hostile.OnNotified();
        int conflicts = 0;
        string end = "";
        while (end != "OK|")
        {
            uint id = victim.Start();
            victim.Ask(XenstoreMessageType.Read, "/t/count|", id);
            _daemon.Turn(3);
            Assert.Equal("OK|", victim.Ask(XenstoreMessageType.Write, "/t/count|mine", id));
            end = victim.Ask(XenstoreMessageType.TransactionEnd, "T|", id);
            conflicts += end == "EAGAIN" ? 1 : 0;
            Assert.True(conflicts < 10, "The transaction does not come through.");
        }
        Assert.Equal(3, conflicts);
        // The other one goes on at once.
        int before = spoiled;
        _daemon.Turn(20);
        Assert.True(spoiled > before);
    }

    [Fact]
    public void ABrokenRingIsIgnoredUntilItIsConnectedAnew()
    {
        RingGuest guest = _daemon.Introduce(1);
        Share("/b", 1, 2);
        Assert.Equal("OK|", guest.Ask(XenstoreMessageType.Watch, "/b|w|"));
        guest.RequestProducer = guest.RequestConsumer + 1025;
        guest.Kick();
        _daemon.Turn(2);
        Assert.Equal(2u, guest.Error);      // XENSTORE_ERROR_RINGIDX
        Assert.Equal(0, _daemon.Daemon.Server.FindDomain(1)!.Watches);
        Assert.Single(_daemon.Log, text => text.Contains("domain 1 broke its ring", StringComparison.Ordinal));
        uint before = guest.ResponseProducer;
        guest.RequestProducer = guest.RequestConsumer;
        Assert.Null(guest.TryAsk(XenstoreMessageType.GetDomainPath, "1|", turns: 4));
        Assert.Equal(before, guest.ResponseProducer);
        Reconnect(guest);
        Assert.Equal("/local/domain/1|", guest.Ask(XenstoreMessageType.GetDomainPath, "1|"));
        // The same for a message that is too long, and for a wrong index of the answers.
        guest.Send((XenstoreMessageType)2, "/b|");
        guest.Write(((int)guest.RequestProducer - 3 - 4) % 1024, BitConverter.GetBytes(4097));
        _daemon.Turn(2);
        Assert.Equal(3u, guest.Error);      // XENSTORE_ERROR_PROTO
        Reconnect(guest);
        guest.ResponseConsumer = guest.ResponseProducer + 7;
        guest.Send(XenstoreMessageType.GetDomainPath, "1|");
        _daemon.Turn(2);
        Assert.Equal(2u, guest.Error);
        Reconnect(guest);
        Assert.Equal("OK|", guest.Ask(XenstoreMessageType.Watch, "/b|w|"));
    }

    /// <summary>The next daemon finds requests in the ring, events not yet taken, and a transaction.</summary>
    [Fact]
    public void AGuestGoesOnWithTheNextDaemon()
    {
        RingGuest guest = _daemon.Introduce(1);
        RingGuest other = _daemon.Introduce(2);
        Share("/g", 1, 2);
        string token = new('t', 200);
        Assert.Equal("OK|", guest.Ask(XenstoreMessageType.Watch, $"/g|{token}|"));
        for (int number = 0; number < 200; number++)
            Assert.Equal("OK|", _daemon.Dom0.Ask(XenstoreMessageType.Write, $"/g/{number}|"));
        uint id = other.Start();
        Assert.Equal("OK|", other.Ask(XenstoreMessageType.Write, "/g/t|in", id));
        other.Send(XenstoreMessageType.Read, "/g/t|", id);
        _daemon.Restart();
        Assert.Equal("in", ReceiveFrom(other).Text);
        Assert.Equal("OK|", other.Ask(XenstoreMessageType.TransactionEnd, "T|", id));
        Assert.Equal("in", guest.TryAsk(XenstoreMessageType.Read, "/g/t|", turns: 400));
        string[] expected = [$"/g|{token}|", .. Enumerable.Range(0, 200).Select(number => $"/g/{number}|{token}|"), $"/g/t|{token}|"];
        Assert.Equal(expected, guest.Events);
        Assert.DoesNotContain(_daemon.Log, text => text.Contains("cannot", StringComparison.Ordinal));
    }

    public void Dispose() => _daemon.Dispose();

    private (XenstoreMessageType Type, uint Request, string Text) ReceiveFrom(RingGuest guest)
    {
        for (int turn = 0; turn < 50; turn++)
        {
            if (guest.Receive() is { } message)
                return message;
            _daemon.Turn();
        }
        throw new InvalidOperationException("Nothing comes.");
    }

    private void Reconnect(RingGuest guest)
    {
        guest.Error = 0;
        guest.Connection = 1;
        guest.Kick();
        _daemon.Turn(2);
        Assert.Equal(0u, guest.Connection);
        Assert.Equal(0u, guest.RequestConsumer);
    }

    /// <summary>A node that the first of the domains owns and both may change.</summary>
    private void Share(string path, int owner, int other)
    {
        Assert.Equal("OK|", _daemon.Dom0.Ask(XenstoreMessageType.Mkdir, $"{path}|"));
        Assert.Equal("OK|", _daemon.Dom0.Ask(XenstoreMessageType.SetPerms, $"{path}|b{owner}|b{other}|"));
    }
}
