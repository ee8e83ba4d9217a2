// SPDX-License-Identifier: MIT
// The access log's file: opened again at SIGHUP, as logrotate wants it; without space or absent, it costs nothing but the lines.

using System;
using System.IO;
using XenSharp.Abi;
using XenSharp.Interop;
using Xunit;

namespace XenSharp.Tests.Xenstore.Live;

public sealed class AccessLogTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("xsh").FullName;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void TheAccessLogIsOpenedAgain(bool isSentToKeeper)
    {
        string log = Path.Combine(_folder, "access.log");
        using DaemonProcess daemon = new("-T", log);
        using WireClient client = new(daemon.SocketPath);
        Assert.Equal("OK|", client.Ask(XenstoreMessageType.Write, "/a|first"));
        Assert.Contains("first", File.ReadAllText(log), StringComparison.Ordinal);
        int served = daemon.DaemonId;

        File.Move(log, log + ".1");
        Assert.True(Processes.Signal(isSentToKeeper ? daemon.KeeperId : served, Processes.HangUp));
        // The signal comes when it comes; until then lines go to the renamed file.
        for (int request = 0; !File.Exists(log); request++)
        {
            Assert.Equal("OK|", client.Ask(XenstoreMessageType.Write, "/a|between"));
            Assert.InRange(request, 0, 1_000_000);
        }
        Assert.Equal("OK|", client.Ask(XenstoreMessageType.Write, "/a|last"));
        Assert.Contains("last", File.ReadAllText(log), StringComparison.Ordinal);
        Assert.DoesNotContain("last", File.ReadAllText(log + ".1"), StringComparison.Ordinal);
        Assert.Equal(served, daemon.DaemonId);
    }

    [Fact]
    public void TheFileIsTheUsersAlone()
    {
        string log = Path.Combine(_folder, "access.log");
        using DaemonProcess daemon = new("-T", log);
        using WireClient client = new(daemon.SocketPath);
        Assert.Equal("OK|", client.Ask(XenstoreMessageType.Write, "/a|b"));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(log));
    }

    [Theory]
    [InlineData("/dev/full", "lines of the access log are lost")]
    [InlineData("/none/such/log", "there is no access log")]
    public void AFullDiskCostsLinesOnly(string log, string report)
    {
        using DaemonProcess daemon = new("-T", log);
        using WireClient client = new(daemon.SocketPath);
        Assert.Equal("OK|", client.Ask(XenstoreMessageType.Write, "/a|b"));
        int served = daemon.DaemonId;
        for (int request = 0; request < 10; request++)
            Assert.Equal("OK|", client.Ask(XenstoreMessageType.Write, "/a|b"));
        Assert.Equal("OK|", client.Ask(XenstoreMessageType.Control, "print|hello|"));
        Assert.Equal(served, daemon.DaemonId);
        daemon.KillDaemon();
        Assert.Equal("b", client.Ask(XenstoreMessageType.Read, "/a|"));
        daemon.WaitForLog(report, 2);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
