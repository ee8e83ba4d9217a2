// SPDX-License-Identifier: MIT
// SIGHUP to the keeper or to the daemon, as logrotate sends it: the access log goes on in a file of its old name, and nothing else is noticed.

using System;
using System.IO;
using XenSharp.Abi;
using XenSharp.Interop;
using Xunit;

namespace XenSharp.Tests.Xenstore.Live;

public sealed class HangUpTests : IDisposable
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

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
