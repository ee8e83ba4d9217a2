// SPDX-License-Identifier: MIT
// What each binding operation returns, in Xen's errnos.

using XenSharp.Abi;
using XenSharp.Core.EventChannels;
using XenSharp.Core.Hypercalls;
using XenSharp.Testing;
using Xunit;

namespace XenSharp.Tests.Unit.EventChannels;

public class BindTests
{
    private const long Perm = -1, NoEntry = -2, NoProcess = -3, NoMemory = -12, Access = -13, Fault = -14, Busy = -16, Exists = -17, Invalid = -22,
        NoSpace = -28, NoSystem = -38;

    private readonly TestHost _machine = new();
    private readonly TestDomain _dom0;
    private readonly TestDomain _guest;

    public BindTests()
    {
        _dom0 = _machine.AddDom0(vcpus: 2);
        _guest = _machine.AddDomain(5, vcpus: 3);
    }

    [Fact]
    public void UnknownCommandIsNotImplemented()
    {
        Assert.Equal(NoSystem, _guest.Call(EventChannelOp.Call, 0, 15, 0));
        Assert.Equal(NoSystem, _guest.Call(EventChannelOp.Call, 0, 0xffff_ffff, 0));
    }

    [Theory]
    [InlineData(0u), InlineData(1u), InlineData(2u), InlineData(3u), InlineData(4u), InlineData(5u), InlineData(6u), InlineData(7u), InlineData(8u)]
    [InlineData(9u), InlineData(10u), InlineData(11u), InlineData(12u), InlineData(13u), InlineData(14u)]
    public void UnmappedArgumentFaults(uint command) =>
        Assert.Equal(Fault, _guest.Call(EventChannelOp.Call, 0, command, 0x0800_0000));

    [Fact]
    public void AllocUnboundGivesTheLowestPort()
    {
        Assert.Equal(0, _guest.AllocUnbound(DomainIds.Self, 0, out uint first));
        Assert.Equal(0, _guest.AllocUnbound(5, 0, out uint second));
        Assert.Equal(0, _guest.AllocUnbound(5, 0, out uint third));
        Assert.Equal((1u, 2u, 3u), (first, second, third));
        Assert.Equal(0, _guest.Close(1));
        Assert.Equal(0, _guest.Close(2));
        Assert.Equal(0, _guest.BindIpi(0, out uint again));
        Assert.Equal(1u, again);
        Assert.Equal(0, _guest.BindIpi(0, out again));
        Assert.Equal(2u, again);
        Assert.Equal(0, _guest.BindIpi(0, out again));
        Assert.Equal(4u, again);
    }

    [Fact]
    public void AllocUnboundForOthersTakesPrivilege()
    {
        Assert.Equal(Perm, _guest.AllocUnbound(0, 5, out _));
        Assert.Equal(0, _dom0.AllocUnbound(5, DomainIds.Self, out uint port));
        Assert.Equal(0, _guest.Status(DomainIds.Self, port, out EventChannelStatus status));
        Assert.Equal(EventChannelState.Unbound, status.Status);
        Assert.Equal(0u, status.U[0]);
        Assert.Equal(NoProcess, _dom0.AllocUnbound(9, 0, out _));
        Assert.Equal(NoProcess, _guest.AllocUnbound(0x7ff4, 0, out _));
    }

    [Fact]
    public void RemoteOfAllocUnboundNeedNotExist()
    {
        Assert.Equal(0, _guest.AllocUnbound(DomainIds.Self, 0xffff, out uint port));
        Assert.Equal(0, _guest.Status(5, port, out EventChannelStatus status));
        Assert.Equal(0xffffu, status.U[0] & 0xffff);
    }

    [Fact]
    public void InterdomainPairSeesEachOther()
    {
        Assert.Equal(0, _guest.AllocUnbound(DomainIds.Self, 0, out uint far));
        Assert.Equal(0, _dom0.BindInterdomain(5, far, out uint near));
        Assert.Equal(0, _dom0.Status(DomainIds.Self, near, out EventChannelStatus status));
        Assert.Equal((EventChannelState.Interdomain, 5u, far), (status.Status, status.U[0], status.U[1]));
        Assert.Equal(0, _dom0.Status(5, far, out status));
        Assert.Equal((EventChannelState.Interdomain, 0u, near), (status.Status, status.U[0], status.U[1]));

        // The binder gets one event for those that the unbound port may have lost.
        Assert.True(_dom0.IsPending(near));
        Assert.False(_guest.IsPending(far));
    }

    [Fact]
    public void InterdomainWantsAPortThatWaitsForTheCaller()
    {
        Assert.Equal(NoProcess, _guest.BindInterdomain(77, 1, out _));
        Assert.Equal(Invalid, _guest.BindInterdomain(0, 1, out _));
        Assert.Equal(Invalid, _guest.BindInterdomain(0, 100_000, out _));
        Assert.Equal(0, _dom0.AllocUnbound(0, 6, out uint other));
        Assert.Equal(Invalid, _guest.BindInterdomain(0, other, out _));
        Assert.Equal(0, _dom0.AllocUnbound(0, 5, out uint mine));
        Assert.Equal(0, _guest.BindInterdomain(0, mine, out _));
        Assert.Equal(Invalid, _guest.BindInterdomain(0, mine, out _));
        Assert.Equal(1u, _guest.Domain.EventChannels.ActivePorts);
    }

    [Fact]
    public void LoopbackWithinADomain()
    {
        Assert.Equal(0, _guest.AllocUnbound(DomainIds.Self, DomainIds.Self, out uint a));
        Assert.Equal(0, _guest.BindInterdomain(DomainIds.Self, a, out uint b));
        Assert.Equal(0, _guest.Send(b));
        Assert.True(_guest.IsPending(a));
        Assert.Equal(0, _guest.Close(b));
        Assert.Equal(EventChannelState.Unbound, _guest.StateOf(a));
        Assert.Equal(EventChannelState.Closed, _guest.StateOf(b));
        Assert.Equal(Invalid, _guest.BindInterdomain(DomainIds.Self, b, out _));
    }

    [Fact]
    public void ClosingOneEndMakesTheOtherUnboundForThatDomain()
    {
        _guest.AllocUnbound(DomainIds.Self, 0, out uint far);
        _dom0.BindInterdomain(5, far, out uint near);
        Assert.Equal(0, _guest.BindVcpu(far, 2));
        Assert.Equal(0, _dom0.Close(near));
        Assert.Equal(0, _guest.Status(DomainIds.Self, far, out EventChannelStatus status));
        Assert.Equal((EventChannelState.Unbound, 0u, 2u), (status.Status, status.U[0] & 0xffff, status.Vcpu));
        Assert.Equal(0, _guest.Send(far));
        Assert.Equal(0, _dom0.BindInterdomain(5, far, out _));
    }

    [Theory]
    [InlineData(24u, 0u, Invalid), InlineData(0xffff_ffffu, 0u, Invalid)]
    [InlineData(2u, 1u, Invalid), InlineData(5u, 1u, Invalid), InlineData(16u, 1u, Invalid)]
    [InlineData(0u, 3u, NoEntry), InlineData(0u, 0xffff_ffffu, NoEntry)]
    [InlineData(0u, 2u, 0L), InlineData(1u, 2u, 0L), InlineData(7u, 1u, 0L), InlineData(13u, 1u, 0L), InlineData(23u, 0u, 0L)]
    public void BindVirqChecks(uint virq, uint vcpu, long expected)
    {
        Assert.Equal(expected, _guest.BindVirq(virq, vcpu, out uint port));
        if (expected != 0)
            return;
        Assert.Equal(Exists, _guest.BindVirq(virq, vcpu, out _));
        Assert.Equal(0, _guest.Status(DomainIds.Self, port, out EventChannelStatus status));
        Assert.Equal((EventChannelState.Virq, virq, vcpu), (status.Status, status.U[0], status.Vcpu));
        Assert.Equal(0, _guest.Close(port));
        Assert.Equal(0, _guest.BindVirq(virq, vcpu, out _));
    }

    [Fact]
    public void BindIpiAndPirqCheck()
    {
        Assert.Equal(NoEntry, _guest.BindIpi(3, out _));
        Assert.Equal(0, _guest.BindIpi(2, out uint ipi));
        Assert.Equal(0, _guest.Status(DomainIds.Self, ipi, out EventChannelStatus status));
        Assert.Equal((EventChannelState.Ipi, 2u), (status.Status, status.Vcpu));
        Assert.Equal(Invalid, _guest.BindPirq(48, out _));
        Assert.Equal(Invalid, _dom0.BindPirq(208, out _));
        Assert.Equal(0, _dom0.BindPirq(207, out _));
        Assert.Equal(0, _guest.BindPirq(9, out uint pirq));
        Assert.Equal(Exists, _guest.BindPirq(9, out _));
        Assert.Equal(0, _guest.Status(DomainIds.Self, pirq, out status));
        Assert.Equal((EventChannelState.Pirq, 9u), (status.Status, status.U[0]));
        Assert.Equal(Invalid, _guest.Send(pirq));
        Assert.Equal(0, _guest.Close(pirq));
        Assert.Equal(0, _guest.BindPirq(9, out _));
    }

    [Fact]
    public void BindVcpuMovesOnlyWhatMayMove()
    {
        _guest.AllocUnbound(DomainIds.Self, 0, out uint unbound);
        _guest.BindIpi(0, out uint ipi);
        _guest.BindVirq((uint)VirtualIrq.Timer, 1, out uint timer);
        _guest.BindVirq((uint)VirtualIrq.Console, 0, out uint console);
        _guest.BindPirq(4, out uint pirq);
        Assert.Equal(0, _guest.BindVcpu(unbound, 2));
        Assert.Equal(Invalid, _guest.BindVcpu(ipi, 1));
        Assert.Equal(Invalid, _guest.BindVcpu(timer, 0));
        Assert.Equal(0, _guest.BindVcpu(console, 1));
        Assert.Equal(0, _guest.BindVcpu(pirq, 1));
        Assert.Equal(NoEntry, _guest.BindVcpu(unbound, 3));
        Assert.Equal(NoEntry, _guest.BindVcpu(9999, 3));
        Assert.Equal(Invalid, _guest.BindVcpu(9999, 0));
        Assert.Equal(Invalid, _guest.BindVcpu(0, 0));
        Assert.Equal(0, _guest.Close(console));
        Assert.Equal(0, _guest.BindVirq((uint)VirtualIrq.Console, 0, out _));
    }

    [Fact]
    public void StatusKnowsThePortsOfAllocatedPages()
    {
        Assert.Equal(EventChannelState.Closed, _guest.StateOf(0));
        Assert.Equal(EventChannelState.Closed, _guest.StateOf(63));
        Assert.Equal(Invalid, _guest.Status(DomainIds.Self, 64, out _));
        Assert.Equal(NoProcess, _guest.Status(42, 1, out _));
        Assert.Equal(Perm, _guest.Status(0, 1, out _));
        Assert.Equal(Invalid, _guest.Status(0, 64, out _));
        for (uint i = 1; i <= 64; i++)
            Assert.Equal(0, _guest.BindIpi(0, out _));
        Assert.Equal(EventChannelState.Closed, _guest.StateOf(127));
    }

    [Fact]
    public void CloseRefusesWhatIsNotOpen()
    {
        Assert.Equal(Invalid, _guest.Close(0));
        Assert.Equal(Invalid, _guest.Close(1));
        Assert.Equal(Invalid, _guest.Close(64));
        Assert.Equal(Invalid, _guest.Close(0xffff_ffff));
        Assert.Equal(Invalid, _guest.Send(1));
        Assert.Equal(Invalid, _guest.Send(5000));
        Assert.Equal(Invalid, _guest.Unmask(5000));
        Assert.Equal(0, _guest.Unmask(1));
    }

    [Fact]
    public void TwoLevelFormatEndsAt4096Ports()
    {
        for (uint port = 1; port < 4096; port++)
            Assert.Equal(0, _guest.BindIpi(0, out _));
        Assert.Equal(NoSpace, _guest.BindIpi(0, out _));
        Assert.Equal(0, _guest.Close(777));
        Assert.Equal(0, _guest.BindIpi(0, out uint again));
        Assert.Equal(777u, again);
        Assert.Equal(NoSpace, _guest.AllocUnbound(5, 0, out _));
    }

    [Fact]
    public void MaxPortLimits()
    {
        TestDomain small = _machine.AddDomain(6, maxPort: 3);
        for (uint port = 1; port <= 3; port++)
            Assert.Equal(0, small.BindIpi(0, out _));
        Assert.Equal(NoSpace, small.BindIpi(0, out _));
    }

    [Fact]
    public void DyingDomainGetsNoPorts()
    {
        _guest.Domain.IsDying = true;
        Assert.Equal(Invalid, _guest.BindIpi(0, out _));
    }

    [Fact]
    public void ExhaustedMemoryIsReported()
    {
        var tiny = new TestHost(frames: 16 + 40);
        TestDomain guest = tiny.AddDomain(1, pages: 20);
        long result = 0;
        for (int i = 0; i < 4096 && result == 0; i++)
            result = guest.BindIpi(0, out _);
        Assert.Equal(NoMemory, result);
        Assert.Equal(0ul, tiny.Host.Allocator.FreePages);
        Assert.Equal(0, guest.Reset(DomainIds.Self));
        Assert.Equal(0, guest.BindIpi(0, out uint port));
        Assert.Equal(1u, port);
    }

    [Fact]
    public void ChannelsOfTheHypervisorAreOutOfReach()
    {
        EventChannelTable channels = _guest.Domain.EventChannels;
        uint port = (uint)channels.AllocateForXen(1, 0, XenConsumer.WakeVcpu, _machine.Cpu());
        Assert.Equal(Invalid, _guest.Close(port));
        Assert.Equal(Invalid, _guest.Send(port));
        Assert.Equal(Access, _guest.Status(DomainIds.Self, port, out _));
        Assert.Equal(Invalid, _guest.BindVcpu(port, 0));
        Assert.Equal(0, _guest.Unmask(port));
        Assert.Equal(0, _dom0.BindInterdomain(5, port, out uint near));
        channels.SendFromXen(port, _machine.Cpu());
        Assert.True(_dom0.IsPending(near));
        Assert.Equal(0, _dom0.Send(near));
        Assert.False(_guest.IsPending(port));
        Assert.Equal(0, _guest.Reset(DomainIds.Self));
        Assert.Equal(1u, channels.ActivePorts);
        channels.CloseForXen(port, _machine.Cpu());
        Assert.Equal(0u, channels.ActivePorts);
        Assert.Equal(EventChannelState.Unbound, _dom0.StateOf(near));
    }

    [Fact]
    public void ResetClosesAllAndIsContinued()
    {
        for (uint port = 1; port < 2000; port++)
            _guest.BindIpi(0, out _);
        _dom0.AllocUnbound(0, 5, out uint far);
        _guest.BindInterdomain(0, far, out _);
        Assert.Equal(Perm, _guest.Reset(0));
        Assert.Equal(Invalid, _dom0.Reset(5));
        Assert.Equal(0, _guest.Reset(5));
        Assert.True(_guest.Continuations > 0);
        Assert.Equal(0u, _guest.Domain.EventChannels.ActivePorts);
        Assert.Equal(EventChannelState.Unbound, _dom0.StateOf(far));
        Assert.Equal(0, _guest.BindIpi(0, out uint first));
        Assert.Equal(1u, first);
        Assert.Equal(0, _machine.Host.Scheduler.PauseByController(_guest.Domain, _machine.Cpu()));
        Assert.Equal(0, _dom0.Reset(5));
        Assert.Equal(0u, _guest.Domain.EventChannels.ActivePorts);
        var a = new EventChannelReset { Domain = DomainIds.Self };
        Assert.Equal(Busy, _guest.Call(EventChannelOp.Call, 14, ref a));
    }

    [Fact]
    public void DestructionFreesEverything()
    {
        _dom0.AllocUnbound(0, 5, out uint far);
        _guest.BindInterdomain(0, far, out _);
        _guest.BindVirq(0, 1, out _);
        ulong control = _guest.TakePages(2);
        Assert.Equal(0, _guest.InitControl(control, 0, 0, out _));
        Assert.Equal(0, _guest.ExpandArray(control + 1));
        for (int i = 0; i < 500; i++)
            _guest.BindIpi(0, out _);
        ulong free = _machine.Host.Allocator.FreePages;
        _guest.Domain.IsDying = true;
        uint next = 0;
        int rounds = 0;
        HypercallContinuation budget = default;
        do
            budget.Budget = 100;
        while (!_guest.Domain.EventChannels.Destroy(ref next, ref budget, _machine.Cpu()) && ++rounds < 100);
        Assert.InRange(rounds, 1, 50);
        Assert.Equal(0u, _guest.Domain.EventChannels.ActivePorts);
        Assert.Equal(EventChannelState.Unbound, _dom0.StateOf(far));
        Assert.Equal(1, _machine.Frames[_guest.Frame(control)].References);
        Assert.Equal(1, _machine.Frames[_guest.Frame(control + 1)].References);
        _guest.Domain.EventChannels.Release();
        Assert.Equal(free + 8, _machine.Host.Allocator.FreePages);
    }
}
