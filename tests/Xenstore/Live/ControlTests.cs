// SPDX-License-Identifier: MIT
// xenstore-control and the access log: the same commands by Debian's program to Debian's C daemon and to ours.

using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text.RegularExpressions;
using XenSharp.Abi;
using Xunit;

namespace XenSharp.Tests.Xenstore.Live;

[Trait("Level", "long")]
public sealed class ControlTests(Oracles oracles) : IClassFixture<Oracles>, IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("xsc").FullName;

    [Fact]
    public void CommandsAreAnsweredAlike()
    {
        using DaemonProcess daemon = new();
        foreach (string line in (string[])
        [
            "check", "check x", "help", "help x", "log on", "log off", "log", "log maybe", "logfile", "memreport", "memreport {0}/report", "memreport a b", "print hello",
            "print", "quota", "quota set nodes 900", "quota set nodes 0", "quota set nodes", "quota set none 1", "quota 77", "quota set memory 3000000", "quota", "quota-soft",
            "quota-soft set memory 1000000", "quota-soft set nodes 1", "quota-soft", "quota-soft x", "nothing", "live-update", "live-update -F", "live-update -t", "live-update -c",
            "live-update /none/such", "live-update -t 5 -F /etc/passwd", "logfile {0}/log", "memreport", "log off",
        ])
        {
            string theirs = oracles.RunClient(oracles.C, "xenstore-control", Words(line, "c"));
            Assert.Equal(theirs, oracles.RunClient(daemon.SocketPath, "xenstore-control", Words(line, "ours")));
        }
        Assert.Contains("tree: ", File.ReadAllText(Path.Combine(_folder, "ours/report")), StringComparison.Ordinal);
        Assert.Contains("tree: ", File.ReadAllText(Path.Combine(_folder, "ours/log")), StringComparison.Ordinal);
    }

    /// <summary>The order of live-update's steps, to ours alone: the C daemon would replace itself.</summary>
    [Fact]
    public void AnUpdateBelongsToItsConnection()
    {
        using DaemonProcess daemon = new();
        using WireClient first = new(daemon.SocketPath);
        using (WireClient other = new(daemon.SocketPath))
        {
            Assert.Equal("No live-update session active.|", first.Ask(XenstoreMessageType.Control, "live-update|-a|"));
            Assert.Equal("Not in live-update session.|", first.Ask(XenstoreMessageType.Control, "live-update|-c|x|"));
            Assert.Equal("OK|", other.Ask(XenstoreMessageType.Control, "live-update|-f|/bin/true|"));
            Assert.Equal("live-update session already active.|", first.Ask(XenstoreMessageType.Control, "live-update|-f|/bin/true|"));
            Assert.Equal("Not in live-update session.|", first.Ask(XenstoreMessageType.Control, "live-update|-s|"));
            Assert.Equal("EINVAL", other.Ask(XenstoreMessageType.Control, "live-update|-s|-t|"));
            Assert.Equal("EINVAL", other.Ask(XenstoreMessageType.Control, "live-update|-s|x|"));
            Assert.Equal("EINVAL", other.Ask(XenstoreMessageType.Control, "live-update|-b|100|"));
        }
        while (first.Ask(XenstoreMessageType.Control, "live-update|-f|/bin/true|") != "OK|")
        {
            // The other connection's end has not come to the daemon yet.
        }
        Assert.Equal("OK|", first.Ask(XenstoreMessageType.Control, "live-update|-a|"));
        Assert.Equal("No live-update session active.|", first.Ask(XenstoreMessageType.Control, "live-update|-a|"));
    }

    /// <summary>Line by line the same, but for what a client is called and the time; and CREATE and DESTROY, which tell of the C daemon's memory.</summary>
    [Fact]
    public void TheAccessLogIsTheSame()
    {
        using DaemonProcess daemon = new();
        List<string[]> logs = [];
        foreach ((string socket, string name) in (ReadOnlySpan<(string, string)>)[(oracles.C, "c"), (daemon.SocketPath, "ours")])
        {
            string log = Words("{0}/access", name)[0];
            using WireClient client = new(socket);
            client.Ask(XenstoreMessageType.Control, $"logfile|{log}|");
            client.Ask(XenstoreMessageType.Write, "/log/a|value");
            client.Ask(XenstoreMessageType.Read, "/log/a|");
            client.Ask(XenstoreMessageType.Read, "/log/none|");
            client.Ask(XenstoreMessageType.Watch, "/log|token|");
            client.WaitForEvent();
            client.Ask(XenstoreMessageType.Mkdir, "/log/b|");
            client.WaitForEvent();
            string id = client.Ask(XenstoreMessageType.TransactionStart, "|").TrimEnd('|');
            client.Ask(XenstoreMessageType.Rm, "/log/b|", uint.Parse(id));
            client.Ask(XenstoreMessageType.TransactionEnd, "F|", uint.Parse(id));
            client.Ask(XenstoreMessageType.SetPerms, "/log/a|r0|");
            client.Ask(XenstoreMessageType.GetPerms, "/log/a|");
            client.Ask(XenstoreMessageType.Unwatch, "/log|token|");
            client.Ask(XenstoreMessageType.Rm, "/log|");
            client.Ask(XenstoreMessageType.Control, "log|off|");
            logs.Add([.. File.ReadAllLines(log).Where(line => line.StartsWith("IN ", StringComparison.Ordinal) || line.StartsWith("OUT ", StringComparison.Ordinal)).Select(Plain)]);
        }
        Assert.Equal(logs[0].Where(line => !line.Contains("TRANSACTION_START")), logs[1].Where(line => !line.Contains("TRANSACTION_START")));
        Assert.True(logs[1].Length > 20);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private string[] Words(string line, string name)
    {
        string own = Path.Combine(_folder, name);
        Directory.CreateDirectory(own);
        return line.Replace("{0}", own, StringComparison.Ordinal).Split(' ');
    }

    private static string Plain(string line) => Regex.Replace(line, @"^(IN|OUT) \S+ \d{8} \d\d:\d\d:\d\d ", "$1 ");
}
