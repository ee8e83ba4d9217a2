// SPDX-License-Identifier: MIT
// The daemon is killed again and again; its clients see pauses, and every answer once. XENSHARP_KILLS makes it longer.

using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using XenSharp.Abi;
using Xunit;

namespace XenSharp.Tests.Xenstore.Live;

public sealed class KillTests
{
    private static readonly TimeSpan s_limit = TimeSpan.FromMinutes(1);

    /// <summary>
    /// Half of the kills come at some moment of a daemon at work, when every client has had an answer of it; the others at some moment of its start.
    /// A short log has the state's files change their generation under the kills.
    /// </summary>
    [Theory]
    [InlineData("64")]
    [InlineData("100000")]
    public async Task NothingThatWasAcknowledgedIsLost(string logKiB)
    {
        int kills = int.Parse(Environment.GetEnvironmentVariable("XENSHARP_KILLS") ?? "12", CultureInfo.InvariantCulture);
        using DaemonProcess daemon = new("--log-limit", logKiB);
        using CancellationTokenSource end = new();
        int[] answered = new int[3];
        // Threads of their own: clients block, and the pool would start the last of them late.
        Task[] clients = [.. Enumerable.Range(0, answered.Length).Select(number => Task.Factory.StartNew(
            () => Client(daemon.SocketPath, number, answered, end.Token), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default))];
        Random random = new(kills);
        int killed = 0;
        for (int kill = 0; kill < kills; kill++)
        {
            if (kill % 2 == 0)
                await AllGoOn(daemon, clients, answered);
            Delay(TimeSpan.FromMicroseconds(random.Next(6000)));
            if (daemon.KillDaemon())
                killed++;
            else
                kill--;     // Between two daemons: there was none to kill.
            Assert.All(clients, client => Assert.False(client.IsFaulted, client.Exception?.ToString()));
        }
        await AllGoOn(daemon, clients, answered);
        await end.CancelAsync();
        await Task.WhenAll(clients).WaitAsync(s_limit);
        Assert.Equal(kills, killed);
        using WireClient last = new(daemon.SocketPath);
        Assert.Equal("OK|", last.Ask(XenstoreMessageType.Control, "check|"));
        Assert.DoesNotContain("corrected", daemon.Log.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("cannot be used", daemon.Log.ToString(), StringComparison.Ordinal);
    }

    /// <summary>A daemon is at work again: it answers a new client, and each of the old ones.</summary>
    private static async Task AllGoOn(DaemonProcess daemon, Task[] clients, int[] answered)
    {
        using (WireClient probe = new(daemon.SocketPath))
            Assert.Equal("xenstored|", probe.Ask(XenstoreMessageType.Directory, "/tool|"));
        int[] before = [.. answered];
        Stopwatch clock = Stopwatch.StartNew();
        while (!Enumerable.Range(0, answered.Length).All(client => Volatile.Read(ref answered[client]) > before[client]))
        {
            Assert.All(clients, client => Assert.False(client.IsFaulted, client.Exception?.ToString()));
            Assert.True(clock.Elapsed < s_limit, $"A client hangs: {string.Join(' ', answered)}\n{daemon.Log}");
            await Task.Delay(1);
        }
    }

    /// <summary>Without giving up the processor for longer than asked, which sleeping does.</summary>
    private static void Delay(TimeSpan time)
    {
        for (Stopwatch clock = Stopwatch.StartNew(); clock.Elapsed < time;)
            Thread.Yield();
    }

    [Fact]
    public void AnotherProgramTakesOverAndABadOneDoesNot()
    {
        using DaemonProcess daemon = new();
        using WireClient client = new(daemon.SocketPath);
        client.Ask(XenstoreMessageType.Write, "/kept|1");
        client.Ask(XenstoreMessageType.Watch, "/kept|w|");
        Assert.Equal("/kept|w|", client.WaitForEvent());
        int first = daemon.DaemonId;
        Assert.Equal("File not accessible.|", client.Ask(XenstoreMessageType.Control, "live-update|-f|/does/not/exist|"));
        Assert.Equal("Not in live-update session.|", client.Ask(XenstoreMessageType.Control, "live-update|-s|"));
        Assert.Equal("OK|", client.Ask(XenstoreMessageType.Control, "live-update|-f|/bin/false|"));
        Assert.StartsWith("Error activating new binary", client.Ask(XenstoreMessageType.Control, "live-update|-s|"), StringComparison.Ordinal);
        Assert.Equal("1", client.Ask(XenstoreMessageType.Read, "/kept|"));
        string script = Path.Combine(Path.GetDirectoryName(daemon.SocketPath)!, "new-daemon");
        File.WriteAllText(script, $"#!/bin/sh\nexec {string.Join(' ', File.ReadAllText($"/proc/{daemon.DaemonId}/cmdline").Split('\0').TakeWhile(word => word != "--serve"))} \"$@\"\n");
        File.SetUnixFileMode(script, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        Assert.Equal("OK|", client.Ask(XenstoreMessageType.Control, $"live-update|-f|{script}|"));
        Assert.Equal("OK|", client.Ask(XenstoreMessageType.Control, "live-update|-s|-t|60|"));
        Assert.NotEqual(first, daemon.DaemonId);
        Assert.Equal("1", client.Ask(XenstoreMessageType.Read, "/kept|"));
        Assert.Equal("OK|", client.Ask(XenstoreMessageType.Write, "/kept/more|2"));
        Assert.Equal("/kept/more|w|", client.WaitForEvent());
    }

    /// <summary>Writes, watches, and keeps transactions open; checks every answer against what it was told before.</summary>
    private static void Client(string path, int number, int[] answered, CancellationToken end)
    {
        using WireClient client = new(path);
        Dictionary<string, string> told = [];
        Random random = new(number);
        string home = $"/kill/c{number}";
        string watched = $"{home}/watched";
        Assert.Equal("OK|", client.Ask(XenstoreMessageType.Write, $"{watched}|0"));
        Assert.Equal("OK|", client.Ask(XenstoreMessageType.Watch, $"{watched}|w|"));
        Assert.Equal($"{watched}|w|", client.WaitForEvent());
        for (int round = 0; !end.IsCancellationRequested; round++)
        {
            string node = $"{home}/n{random.Next(50)}";
            string value = round.ToString(CultureInfo.InvariantCulture);
            switch (random.Next(5))
            {
                case 0:
                    Assert.Equal("OK|", client.Ask(XenstoreMessageType.Write, $"{watched}|{value}"));
                    Assert.Equal($"{watched}|w|", client.WaitForEvent());
                    Assert.Equal(value, client.Ask(XenstoreMessageType.Read, $"{watched}|"));
                    Assert.Empty(client.Events);
                    break;
                case 1:
                    uint id = uint.Parse(client.Ask(XenstoreMessageType.TransactionStart, "|").TrimEnd('|'), CultureInfo.InvariantCulture);
                    Assert.Equal(told.GetValueOrDefault(node, "ENOENT"), client.Ask(XenstoreMessageType.Read, $"{node}|", id));
                    Assert.Equal("OK|", client.Ask(XenstoreMessageType.Write, $"{node}|t{value}", id));
                    Assert.Equal($"t{value}", client.Ask(XenstoreMessageType.Read, $"{node}|", id));
                    Assert.Equal("OK|", client.Ask(XenstoreMessageType.TransactionEnd, "T|", id));
                    told[node] = $"t{value}";
                    break;
                case 2 when told.ContainsKey(node):
                    Assert.Equal("OK|", client.Ask(XenstoreMessageType.Rm, $"{node}|"));
                    told.Remove(node);
                    break;
                case 3:
                    Assert.Equal(told.GetValueOrDefault(node, "ENOENT"), client.Ask(XenstoreMessageType.Read, $"{node}|"));
                    break;
                default:
                    Assert.Equal("OK|", client.Ask(XenstoreMessageType.Write, $"{node}|{value}"));
                    told[node] = value;
                    break;
            }
            Interlocked.Increment(ref answered[number]);
        }
        foreach ((string node, string value) in told)
            Assert.Equal(value, client.Ask(XenstoreMessageType.Read, $"{node}|"));
    }
}
