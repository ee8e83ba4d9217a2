// SPDX-License-Identifier: MIT
// Who gets the place of a client that has gone, or begins anew, is not taken for the one before by a daemon that takes over.

using System.Collections.Generic;
using System.Linq;
using XenSharp.Abi;
using Xunit;

namespace XenSharp.Tests.Xenstore.Live;

public sealed class SlotReuseTests
{
    [Fact]
    public void ASocketsPlaceBeginsAnew()
    {
        using DaemonProcess daemon = new();
        for (int round = 0; round < 3; round++)
        {
            List<WireClient> former = Connect(daemon, 4);
            foreach (WireClient client in former)
            {
                for (int request = 0; request < 30; request++)
                    Assert.Equal("OK|", client.Ask(XenstoreMessageType.Write, $"/former|{round}"));
                client.Dispose();
            }
            // Some of them get places that are free by now.
            List<WireClient> next = Connect(daemon, 4);
            Assert.All(next, client => Assert.Equal($"{round}", client.Ask(XenstoreMessageType.Read, "/former|")));
            daemon.KillDaemon();
            foreach (WireClient client in next)
            {
                for (int request = 0; request < 5; request++)
                    Assert.Equal($"/local/domain/{request}|", client.Ask(XenstoreMessageType.GetDomainPath, $"{request}|"));
                client.Dispose();
            }
        }
    }

    private static List<WireClient> Connect(DaemonProcess daemon, int count) => [.. Enumerable.Range(0, count).Select(_ => new WireClient(daemon.SocketPath))];

    [Fact]
    public void ADomainsPlaceBeginsAnew()
    {
        using RingedDaemon daemon = new();
        RingGuest former = daemon.Introduce(1);
        WriteOften(daemon.Dom0, former);
        Assert.Equal("OK|", daemon.Dom0.Ask(XenstoreMessageType.Release, "1|"));
        RingGuest next = daemon.Introduce(2);
        Assert.Equal("/local/domain/2|", next.Ask(XenstoreMessageType.GetDomainPath, "2|"));
        daemon.Restart();
        AskOften(next);
    }

    [Fact]
    public void ARingThatIsConnectedAnewBeginsAnew()
    {
        using RingedDaemon daemon = new();
        RingGuest guest = daemon.Introduce(1);
        WriteOften(daemon.Dom0, guest);
        guest.Connection = XenstoreConstants.Reconnect;
        guest.Kick();
        daemon.Turn(3);
        Assert.Equal(0u, guest.RequestProducer);
        Assert.Equal("/local/domain/2|", guest.Ask(XenstoreMessageType.GetDomainPath, "2|"));
        daemon.Restart();
        AskOften(guest);
    }

    // What is recorded has the slot's position with it.
    private static void WriteOften(RingGuest dom0, RingGuest guest)
    {
        Assert.Equal("OK|", dom0.Ask(XenstoreMessageType.Mkdir, "/open|"));
        Assert.Equal("OK|", dom0.Ask(XenstoreMessageType.SetPerms, $"/open|b{guest.Domain}|"));
        for (int request = 0; request < 30; request++)
            Assert.Equal("OK|", guest.Ask(XenstoreMessageType.Write, $"/open|{request}"));
    }

    private static void AskOften(RingGuest guest)
    {
        for (int request = 0; request < 5; request++)
            Assert.Equal($"/local/domain/{request}|", guest.TryAsk(XenstoreMessageType.GetDomainPath, $"{request}|"));
    }
}
