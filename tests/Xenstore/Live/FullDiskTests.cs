// SPDX-License-Identifier: MIT
// No space for the state: changes are refused, what was acknowledged survives kill -9, and space that is freed is used again.

using System;
using System.Collections.Generic;
using System.IO;
using XenSharp.Abi;
using Xunit;

namespace XenSharp.Tests.Xenstore.Live;

public sealed class FullDiskTests
{
    private static readonly string s_value = new('v', 3000);

    [Fact]
    public void AFullLogRefusesChangesAndKeepsWhatItHas()
    {
        using DaemonProcess daemon = new("--state-limit", "3072");
        using WireClient client = new(daemon.SocketPath);
        Dictionary<string, string> told = [];
        // Once the log is full, the state is begun anew and there is room again, until the nodes themselves are too much.
        for (int number = 0; !Says(daemon, "no space for the state"); number++)
        {
            Assert.True(told.Count < 5000);
            string answer = client.Ask(XenstoreMessageType.Write, $"/full/{number}|{s_value}{number}");
            if (answer == "OK|")
                told[$"/full/{number}"] = s_value + number;
            else
                Assert.Equal("ENOSPC", answer);
        }
        Assert.InRange(told.Count, 1000, 2000);
        Assert.Equal("ENOSPC", client.Ask(XenstoreMessageType.Write, $"/more|{s_value}"));
        Assert.Equal("ENOSPC", client.Ask(XenstoreMessageType.Watch, $"/full|{s_value}|"));
        Assert.Equal(told["/full/7"], client.Ask(XenstoreMessageType.Read, "/full/7|"));
        daemon.KillDaemon();
        foreach ((string path, string value) in told)
            Assert.Equal(value, client.Ask(XenstoreMessageType.Read, $"{path}|"));
        Assert.Equal("ENOSPC", client.Ask(XenstoreMessageType.Write, $"/more|{s_value}"));
        // What frees space is not refused, in a transaction either.
        string id = client.Ask(XenstoreMessageType.TransactionStart, "|").TrimEnd('|');
        Assert.Equal("OK|", client.Ask(XenstoreMessageType.Rm, "/full|", uint.Parse(id)));
        Assert.Equal("OK|", client.Ask(XenstoreMessageType.TransactionEnd, "T|", uint.Parse(id)));
        while (client.Ask(XenstoreMessageType.Write, $"/more|{s_value}") != "OK|")
        {
            // It tries once a second to begin anew with what is left.
        }
        daemon.KillDaemon();
        Assert.Equal(s_value, client.Ask(XenstoreMessageType.Read, "/more|"));
        Assert.Equal("ENOENT", client.Ask(XenstoreMessageType.Read, "/full/7|"));
        Assert.False(Says(daemon, "cannot be used"));
    }

    [Fact]
    public void ADaemonThatCannotKeepAStateDoesNotStart()
    {
        using DaemonProcess daemon = new("--state-limit", "100");
        Assert.Equal(1, daemon.WaitForEnd());
        Assert.True(Says(daemon, "there is no space for the state"));
    }

    private static bool Says(DaemonProcess daemon, string text)
    {
        lock (daemon.Log)
            return daemon.Log.ToString().Contains(text, StringComparison.Ordinal);
    }
}
