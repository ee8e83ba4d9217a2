// SPDX-License-Identifier: MIT
// What clients hear of a domain's shutdowns, resumes and end. Contract: docs/misc/xenstore.txt of Xen 4.17, RESUME, RELEASE and @releaseDomain.

using System;
using XenSharp.Abi;
using XenSharp.Xenstore.Protocol;
using Xunit;

namespace XenSharp.Tests.Xenstore.Live;

public sealed class DomainLifeTests : IDisposable
{
    private readonly RingedDaemon _daemon = new();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void AResumedDomainIsHeardOfWhenItShutsDownAgain(bool isRestarted)
    {
        _daemon.Introduce(1);
        _daemon.Dom0.Ask(XenstoreMessageType.Watch, "@releaseDomain|r|");
        Assert.Equal(1, TakeReleases());
        Become(DomainState.ShutDown);
        Assert.Equal(1, TakeReleases());
        Become(DomainState.ShutDown);
        Assert.Equal(0, TakeReleases());

        Assert.Equal("OK|", _daemon.Dom0.Ask(XenstoreMessageType.Resume, "1|"));
        Become(DomainState.Running);
        if (isRestarted)
            _daemon.Restart();
        Assert.Equal("T|", _daemon.Dom0.Ask(XenstoreMessageType.IsDomainIntroduced, "1|"));
        Assert.Equal(0, TakeReleases());
        Become(DomainState.ShutDown);
        Assert.Equal(1, TakeReleases());
    }

    [Fact]
    public void AShutdownIsHeardOfOnceAcrossARestart()
    {
        _daemon.Introduce(1);
        _daemon.Dom0.Ask(XenstoreMessageType.Watch, "@releaseDomain|r|");
        Become(DomainState.ShutDown);
        Assert.Equal(2, TakeReleases());
        _daemon.Restart();
        Become(DomainState.ShutDown);
        Assert.Equal(0, TakeReleases());
        Become(DomainState.Absent);
        Assert.Equal(1, TakeReleases());
        Assert.Equal("F|", _daemon.Dom0.Ask(XenstoreMessageType.IsDomainIntroduced, "1|"));
    }

    [Theory]
    [InlineData("0|", "EINVAL")]
    [InlineData("2|", "ENOENT")]
    [InlineData("1", "EINVAL")]
    [InlineData("", "EINVAL")]
    public void ResumeOfNoSuchDomain(string payload, string error)
    {
        RingGuest guest = _daemon.Introduce(1);
        Assert.Equal(error, _daemon.Dom0.Ask(XenstoreMessageType.Resume, payload));
        Assert.Equal("EACCES", guest.Ask(XenstoreMessageType.Resume, "1|"));
    }

    public void Dispose() => _daemon.Dispose();

    private void Become(DomainState state)
    {
        _daemon.SetState(1, state);
        _daemon.Turn(3);
    }

    private int TakeReleases()
    {
        _daemon.Dom0.Ask(XenstoreMessageType.GetDomainPath, "0|");
        int count = _daemon.Dom0.Events.Count;
        _daemon.Dom0.Events.Clear();
        return count;
    }
}
