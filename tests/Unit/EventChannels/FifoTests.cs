// SPDX-License-Identifier: MIT
// The FIFO format: set-up, linking, priorities, queue changes, and what a guest can do to the words.

using System.Linq;
using XenSharp.Abi;
using XenSharp.Core.EventChannels;
using XenSharp.Core.Hypercalls;
using XenSharp.Testing;
using Xunit;

namespace XenSharp.Tests.Unit.EventChannels;

public class FifoTests
{
    private const long NoEntry = -2, Access = -13, Invalid = -22, NoSpace = -28, NoSystem = -38, NotSupported = -95;

    private readonly TestHost _machine = new();
    private readonly TestDomain _guest;

    public FifoTests() => _guest = _machine.AddDomain(5, vcpus: 3, pages: 400);

    [Fact]
    public void SetUpChecks()
    {
        ulong page = _guest.TakePages();
        Assert.Equal(NotSupported, _guest.ExpandArray(page));
        Assert.Equal(NotSupported, _guest.ExpandArray(0xffff_ffff));
        _guest.BindIpi(0, out uint port);
        Assert.Equal(NoSystem, _guest.SetPriority(port, 3));
        Assert.Equal(NoEntry, _guest.InitControl(page, 5000, 3, out _));
        Assert.Equal(Invalid, _guest.InitControl(page, 4096 - 71, 0, out _));
        Assert.Equal(Invalid, _guest.InitControl(page, 4, 0, out _));
        Assert.Equal(Invalid, _guest.InitControl(0x10_0000, 0, 0, out _));
        Assert.Equal(Invalid, _guest.InitControl(ulong.MaxValue, 0, 0, out _));
        Assert.False(_guest.Domain.EventChannels.IsFifo);
        Assert.Equal(0, _guest.InitControl(page, 4096 - 72, 0, out byte linkBits));
        Assert.Equal(17, linkBits);
        Assert.Equal(Invalid, _guest.InitControl(page, 0, 0, out _));
        Assert.Equal(2, _machine.Frames[_guest.Frame(page)].References);
        Assert.Equal(Invalid, _guest.ExpandArray(0x10_0000));
        Assert.Equal(Invalid, _guest.SetPriority(port, 16));
        Assert.Equal(0, _guest.SetPriority(port, 15));
        Assert.Equal(Access, _guest.SetPriority(port + 1, 3));
        Assert.Equal(Invalid, _guest.SetPriority(5000, 3));
    }

    [Fact]
    public void ArrayEndsAt128Pages()
    {
        var fifo = new FifoGuest(_guest, 1, 128);
        ulong page = _guest.TakePages();
        Assert.Equal(NoSpace, _guest.ExpandArray(page));
        Assert.Equal(1, _machine.Frames[_guest.Frame(page)].References);
        Assert.Equal(131072, fifo.Words);
    }

    [Fact]
    public void EventsAreDeliveredInOrder()
    {
        var fifo = new FifoGuest(_guest, 1, 1);
        uint[] ports = [Ipi(0), Ipi(0), Ipi(0), Ipi(0)];
        _guest.Send(ports[2]);
        Assert.Equal(1, _guest.VcpuInfo(0)[0]);
        Assert.Equal(1u << 7, fifo.Ready(0));
        Assert.Equal(ports[2], fifo.Head(0, 7));
        _guest.Send(ports[0]);
        _guest.Send(ports[3]);
        _guest.Send(ports[0]);
        Assert.Equal(FifoGuest.Pending | FifoGuest.Linked | ports[0], fifo.Word(ports[2]));
        Assert.Equal([ports[2], ports[0], ports[3]], fifo.Consume(0));
        _guest.Send(ports[1]);
        Assert.Equal([ports[1]], fifo.Consume(0));
        Assert.Empty(fifo.Consume(0));
    }

    [Fact]
    public void HigherPrioritiesComeFirst()
    {
        var fifo = new FifoGuest(_guest, 1, 1);
        uint low = Ipi(0), middle = Ipi(0), high = Ipi(0);
        _guest.SetPriority(low, 15);
        _guest.SetPriority(high, 0);
        _guest.Send(low);
        _guest.Send(middle);
        _guest.Send(high);
        Assert.Equal((1u << 15) | (1u << 7) | 1u, fifo.Ready(0));
        Assert.Equal([high, middle, low], fifo.Consume(0));
    }

    [Fact]
    public void MaskedEventsAreLinkedByUnmask()
    {
        var fifo = new FifoGuest(_guest, 1, 1);
        uint port = Ipi(0);
        fifo.SetWord(port, FifoGuest.Masked);
        _guest.Send(port);
        Assert.Equal(FifoGuest.Masked | FifoGuest.Pending, fifo.Word(port));
        Assert.Empty(fifo.Consume(0));
        Assert.Equal(0, _guest.Unmask(port));
        Assert.Equal([port], fifo.Consume(0));
        Assert.Equal(0, _guest.Unmask(port));
        Assert.Equal(0u, fifo.Word(port));
    }

    [Fact]
    public void EventMovesToAnotherQueueAfterItIsConsumed()
    {
        var fifo = new FifoGuest(_guest, 3, 1);
        _guest.AllocUnbound(DomainIds.Self, DomainIds.Self, out uint a);
        _guest.BindInterdomain(DomainIds.Self, a, out uint b);
        Assert.Equal([b], fifo.Consume(0));
        _guest.Send(b);
        _guest.BindVcpu(a, 2);
        _guest.SetPriority(a, 3);
        _guest.Send(b);
        Assert.Equal(0u, fifo.Ready(2));
        Assert.Equal([a], fifo.Consume(0));
        _guest.Send(b);
        Assert.Equal([a], fifo.Consume(2));
        _guest.BindVcpu(a, 0);
        uint other = Ipi(2);
        _guest.SetPriority(other, 3);
        _guest.Send(b);
        _guest.Send(other);
        Assert.Equal([a], fifo.Consume(0));
        Assert.Equal([other], fifo.Consume(2));
    }

    [Fact]
    public void ClosedPortStaysTakenWhileItIsLinked()
    {
        var fifo = new FifoGuest(_guest, 1, 1);
        uint first = Ipi(0);
        _guest.Send(first);
        _guest.Close(first);
        Assert.Equal(FifoGuest.Linked, fifo.Word(first));
        Assert.Equal(first + 1, Ipi(0));
        Assert.Equal(first + 2, Ipi(0));
        Assert.Empty(fifo.Consume(0));
        Assert.Equal(first, Ipi(0));
        Assert.Equal(first + 3, Ipi(0));
    }

    [Fact]
    public void EventsWaitForTheirPageOfTheArray()
    {
        var fifo = new FifoGuest(_guest, 1, 1);
        uint port = 0;
        while (port < 1500)
            port = Ipi(0);
        _guest.Send(port);
        Assert.Empty(fifo.Consume(0));
        fifo.AddPage();
        Assert.Equal([port], fifo.Consume(0));
    }

    [Fact]
    public void EventsPendingBeforeTheSwitchAreKept()
    {
        uint quiet = Ipi(0), pending = Ipi(0);
        _guest.Send(pending);
        var fifo = new FifoGuest(_guest, 1, 1);
        Assert.Equal([pending], fifo.Consume(0));
        _guest.Send(quiet);
        Assert.Equal([quiet], fifo.Consume(0));
    }

    [Fact]
    public void VcpuWithoutControlBlockLosesEvents()
    {
        var fifo = new FifoGuest(_guest, 1, 1);
        uint port = Ipi(2);
        Assert.Equal(0, _guest.Send(port));
        Assert.Equal(0u, fifo.Word(port));
    }

    [Fact]
    public void ResetGoesBackToTwoLevelsAndFreesThePages()
    {
        ulong pages = _guest.TakePages(0);
        var fifo = new FifoGuest(_guest, 2, 3);
        uint port = Ipi(1);
        _guest.Send(port);
        Assert.Equal(0, _guest.Reset(DomainIds.Self));
        Assert.False(_guest.Domain.EventChannels.IsFifo);
        for (ulong page = pages; page < pages + 5; page++)
            Assert.Equal(1, _machine.Frames[_guest.Frame(page)].References);
        port = Ipi(1);
        Assert.Equal(1u, port);
        Assert.Equal(0, _guest.Send(port));
        Assert.NotEqual(0, _guest.SharedInfo[2048]);
        fifo = new FifoGuest(_guest, 2, 1);
        Assert.Equal([port], fifo.Consume(1));
    }

    [Fact]
    public void ThousandsOfPortsBeyondTheTwoLevelLimit()
    {
        var fifo = new FifoGuest(_guest, 1, 6);
        for (uint port = 1; port < 6000; port++)
            Assert.Equal(port, Ipi(0));
        _guest.Send(5999);
        _guest.Send(4097);
        Assert.Equal([5999u, 4097u], fifo.Consume(0));
    }

    [Fact]
    public void GuestThatLinksAllItsFreePortsWaitsInPieces()
    {
        var fifo = new FifoGuest(_guest, 1, 128);
        for (uint port = 1; port < 20_000; port++)
            fifo.SetWord(port, FifoGuest.Linked);
        Assert.Equal(20_000u, Ipi(0));
        Assert.True(_guest.Continuations > 0);
        int before = _guest.Continuations;
        fifo.SetWord(7, 0);
        Assert.Equal(7u, Ipi(0));
        Assert.Equal(before, _guest.Continuations);
        Assert.Equal(20_001u, Ipi(0));
    }

    [Fact]
    public void HostileWordsDoNoHarm()
    {
        var fifo = new FifoGuest(_guest, 1, 1);
        uint a = Ipi(0), b = Ipi(0);
        foreach (uint word in (uint[])[0xffff_ffff, 0x3fff_ffff, 0x2001_ffff, 0x8001_ffff, FifoGuest.Busy, FifoGuest.Linked | 500])
        {
            fifo.SetWord(a, word);
            fifo.SetWord(b, word ^ FifoGuest.Pending);
            for (int i = 0; i < 3; i++)
            {
                Assert.Equal(0, _guest.Send(a));
                Assert.Equal(0, _guest.Send(b));
                Assert.Equal(0, _guest.Unmask(a));
            }
        }

        Assert.Equal(0, _guest.Close(a));
        Assert.Equal(0, _guest.Close(b));
    }

    private uint Ipi(uint vcpu)
    {
        Assert.Equal(0, _guest.BindIpi(vcpu, out uint port));
        return port;
    }
}
