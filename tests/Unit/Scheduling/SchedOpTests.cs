// SPDX-License-Identifier: MIT
// sched_op as a guest sees it, and the end of domains.

using System;
using XenSharp.Abi;
using XenSharp.Core.Hypercalls;
using XenSharp.Core.Vcpus;
using XenSharp.Edge;
using XenSharp.Testing;
using XenSharp.Tests.Unit.EventChannels;
using Xunit;

namespace XenSharp.Tests.Unit.Scheduling;

public class SchedOpTests
{
    private const long Perm = -1, NoProcess = -3, Fault = -14, Busy = -16, Invalid = -22, NoSpace = -28, NoSystem = -38;
    private const ulong Second = 1_000_000_000;
    private const ulong Unmapped = 0x0800_0000;

    private readonly TestHost _machine = new(processors: 2);
    private readonly TestDomain _dom0;
    private readonly TestDomain _guest;

    public SchedOpTests()
    {
        _dom0 = _machine.AddDom0();
        _guest = _machine.AddDomain(5, vcpus: 2);
        _machine.Schedule();
    }

    [Fact]
    public void UnknownCommandIsNotImplemented()
    {
        Assert.Equal(NoSystem, _guest.Call(SchedOp.Call, 0, 8));
        Assert.Equal(NoSystem, _guest.Call(SchedOp.Call, 0, uint.MaxValue));
    }

    [Theory]
    [InlineData(SchedulerOperation.Shutdown), InlineData(SchedulerOperation.Poll), InlineData(SchedulerOperation.RemoteShutdown)]
    [InlineData(SchedulerOperation.ShutdownCode), InlineData(SchedulerOperation.Watchdog)]
    public void UnmappedArgumentFaults(SchedulerOperation command) => Assert.Equal(Fault, _guest.Call(SchedOp.Call, 0, (uint)command, Unmapped));

    [Fact]
    public void BlockWaitsUntilAnEventComes()
    {
        Vcpu vcpu = _guest.Vcpu();
        _guest.VcpuInfo()[1] = 1;
        Assert.Equal(0, _guest.Call(SchedOp.Call, 0, (uint)SchedulerOperation.Block));
        Assert.Equal(0, _guest.VcpuInfo()[1]);
        Assert.Equal(VcpuPauseFlags.Blocked, vcpu.PauseFlags);
        _guest.BindIpi(0, out uint port);
        _guest.Send(port, vcpu: 1);
        Assert.Equal(VcpuPauseFlags.None, vcpu.PauseFlags);
    }

    [Fact]
    public void BlockDoesNotWaitWithAnEventPending()
    {
        _guest.Domain.SetHvmParameter(0, (2UL << 56) | 0xf3);
        _guest.VcpuInfo()[0] = 1;
        Vcpu vcpu = _guest.Vcpu();
        vcpu.Context.Rflags = 0x202;
        _guest.Call(SchedOp.Call, 0, (uint)SchedulerOperation.Block);
        Assert.Equal(VcpuPauseFlags.None, vcpu.PauseFlags);

        // With interrupts disabled the event cannot be delivered, and it does wait.
        vcpu.Context.Rflags = 2;
        _guest.Call(SchedOp.Call, 0, (uint)SchedulerOperation.Block);
        Assert.Equal(VcpuPauseFlags.Blocked, vcpu.PauseFlags);
    }

    [Fact]
    public void PollWaitsForItsPort()
    {
        _guest.BindIpi(0, out uint port);
        _guest.BindIpi(0, out uint other);
        _guest.SharedInfo.Slice(2048, 1024).Clear();
        Assert.Equal(0, Poll(0, port));
        Vcpu vcpu = _guest.Vcpu();
        Assert.Equal((VcpuPauseFlags.Blocked, (long)port), (vcpu.PauseFlags, vcpu.PollPort));
        // Masked, so that only the poll hears of them.
        _guest.SharedInfo.Slice(2560, 512).Fill(0xff);
        _guest.Send(other, vcpu: 1);
        Assert.Equal(VcpuPauseFlags.Blocked, vcpu.PauseFlags);
        _guest.Send(port, vcpu: 1);
        Assert.Equal((VcpuPauseFlags.None, 0L), (vcpu.PauseFlags, vcpu.PollPort));
        Assert.False(_guest.Domain.HasPollers);

        Assert.Equal(0, Poll(0, port));
        Assert.Equal(VcpuPauseFlags.None, vcpu.PauseFlags);
    }

    [Fact]
    public void PollChecksItsPorts()
    {
        _guest.BindIpi(0, out uint port);
        Assert.Equal(Invalid, Poll(0, port + 1));
        Assert.Equal(Invalid, Poll(0, uint.MaxValue));
        var poll = new SchedulerPoll { Ports = 128, PortCount = 129 };
        Assert.Equal(Invalid, _guest.Call(SchedOp.Call, (uint)SchedulerOperation.Poll, ref poll));
        poll = new SchedulerPoll { Ports = Unmapped, PortCount = 1 };
        Assert.Equal(Fault, _guest.Call(SchedOp.Call, (uint)SchedulerOperation.Poll, ref poll));
        Assert.Equal(VcpuPauseFlags.None, _guest.Vcpu().PauseFlags);
        Assert.False(_guest.Domain.HasPollers);
    }

    [Fact]
    public void PollEndsAtItsTimeout()
    {
        _guest.BindIpi(0, out uint port);
        Assert.Equal(0, Poll(5 * Second, port));
        _machine.Advance((5 * Second) - 1);
        Assert.Equal(VcpuPauseFlags.Blocked, _guest.Vcpu().PauseFlags);
        _machine.Advance(1);
        Assert.Equal(VcpuPauseFlags.None, _guest.Vcpu().PauseFlags);
        Assert.Equal(0L, _guest.Vcpu().PollPort);
    }

    [Fact]
    public void ShutdownStopsTheDomainAndTellsDom0()
    {
        _dom0.BindVirq((uint)VirtualIrq.DomainException, 0, out uint port);
        var shutdown = new SchedulerShutdown { Reason = ShutdownReason.Reboot };
        Assert.Equal(0, _guest.Call(SchedOp.Call, (uint)SchedulerOperation.Shutdown, ref shutdown));
        Assert.True(_guest.Domain.IsShuttingDown && _guest.Domain.IsShutDown);
        Assert.Equal((uint)ShutdownReason.Reboot, _guest.Domain.ShutdownReason);
        Assert.False(_guest.Vcpu(0).IsRunnable || _guest.Vcpu(1).IsRunnable);
        Assert.NotEqual(0, _dom0.SharedInfo[2048 + (int)(port / 8)] & (1 << (int)(port % 8)));

        shutdown.Reason = ShutdownReason.Crash;
        Assert.Equal(0, _guest.Call(SchedOp.Call, (uint)SchedulerOperation.Shutdown, ref shutdown));
        Assert.Equal((uint)ShutdownReason.Reboot, _guest.Domain.ShutdownReason);

        _guest.Domain.Resume(_machine.Cpu());
        Assert.False(_guest.Domain.IsShuttingDown || _guest.Domain.IsShutDown);
        Assert.True(_guest.Vcpu(0).IsRunnable && _guest.Vcpu(1).IsRunnable);
        Assert.Equal(uint.MaxValue, _guest.Domain.ShutdownReason);
    }

    [Fact]
    public void LatchedReasonWins()
    {
        var latch = new SchedulerShutdown { Reason = (ShutdownReason)0x103 };
        Assert.Equal(0, _guest.Call(SchedOp.Call, (uint)SchedulerOperation.ShutdownCode, ref latch));
        var shutdown = new SchedulerShutdown { Reason = ShutdownReason.PowerOff };
        _guest.Call(SchedOp.Call, (uint)SchedulerOperation.Shutdown, ref shutdown);
        Assert.Equal(3u, _guest.Domain.ShutdownReason);
    }

    [Fact]
    public void RemoteShutdownIsForDom0()
    {
        var remote = new SchedulerRemoteShutdown { DomainId = 77, Reason = ShutdownReason.Crash };
        Assert.Equal(NoProcess, _guest.Call(SchedOp.Call, (uint)SchedulerOperation.RemoteShutdown, ref remote));
        remote.DomainId = 5;
        Assert.Equal(Perm, _guest.Call(SchedOp.Call, (uint)SchedulerOperation.RemoteShutdown, ref remote));
        Assert.Equal(0, _dom0.Call(SchedOp.Call, (uint)SchedulerOperation.RemoteShutdown, ref remote));
        Assert.Equal((uint)ShutdownReason.Crash, _guest.Domain.ShutdownReason);
    }

    [Fact]
    public void WatchdogBites()
    {
        Assert.Equal(1, Watchdog(0, 10));
        Assert.Equal(2, Watchdog(0, 20));
        Assert.Equal(unchecked((uint)NoSpace), Watchdog(0, 20));
        Assert.Equal(Invalid, Watchdog(3, 20));
        Assert.Equal(0, Watchdog(1, 0));
        Assert.Equal(Invalid, Watchdog(1, 0));
        _machine.Advance(15 * Second);
        Assert.False(_guest.Domain.IsShuttingDown);
        Assert.Equal(0, Watchdog(2, 20));
        _machine.Advance((20 * Second) - 1);
        Assert.False(_guest.Domain.IsShuttingDown);
        _machine.Advance(1);
        Assert.Equal((uint)ShutdownReason.Watchdog, _guest.Domain.ShutdownReason);
        Assert.Contains("Watchdog timer fired for domain 5", _machine.Platform.ConsoleText, StringComparison.Ordinal);
    }

    [Fact]
    public void PinOverrideIsForTheHardwareDomain()
    {
        var pin = new SchedulerPinOverride { Pcpu = 1 };
        Assert.Equal(Perm, _guest.Call(SchedOp.Call, (uint)SchedulerOperation.PinOverride, ref pin));
        Assert.Equal(Fault, _dom0.Call(SchedOp.Call, 0, (uint)SchedulerOperation.PinOverride, Unmapped));
        pin.Pcpu = 256;
        Assert.Equal(Invalid, _dom0.Call(SchedOp.Call, (uint)SchedulerOperation.PinOverride, ref pin));
        pin.Pcpu = 2;
        Assert.Equal(Invalid, _dom0.Call(SchedOp.Call, (uint)SchedulerOperation.PinOverride, ref pin));
        pin.Pcpu = -1;
        Assert.Equal(Invalid, _dom0.Call(SchedOp.Call, (uint)SchedulerOperation.PinOverride, ref pin));
        pin.Pcpu = 1;
        Assert.Equal(0, _dom0.Call(SchedOp.Call, (uint)SchedulerOperation.PinOverride, ref pin));
        Assert.Equal(2UL, _dom0.Vcpu().HardAffinity);
        Assert.Equal(Busy, _dom0.Call(SchedOp.Call, (uint)SchedulerOperation.PinOverride, ref pin));
        pin.Pcpu = -1;
        Assert.Equal(0, _dom0.Call(SchedOp.Call, (uint)SchedulerOperation.PinOverride, ref pin));
        Assert.Equal(3UL, _dom0.Vcpu().HardAffinity);
    }

    [Theory]
    [InlineData(0u, "halt", "Hardware Dom0 halted: halting machine")]
    [InlineData(1u, "reboot", "Hardware Dom0 shutdown: rebooting machine")]
    [InlineData(3u, "halt", "Hardware Dom0 crashed: 'noreboot' set - not rebooting.")]
    [InlineData(4u, "reboot", "Hardware Dom0 shutdown: watchdog rebooting machine")]
    [InlineData(5u, "reboot", "Hardware domain 0 did unsupported soft reset, rebooting.")]
    [InlineData(77u, "halt", "Hardware Dom0 shutdown (unknown reason 77): 'noreboot' set - not rebooting.")]
    public void EndOfTheHardwareDomainEndsTheMachine(uint reason, string end, string text)
    {
        _machine.Host.Options.NoReboot = true;
        var shutdown = new SchedulerShutdown { Reason = (ShutdownReason)reason };
        var stopped = Assert.Throws<MachineStoppedException>(() => _dom0.Call(SchedOp.Call, (uint)SchedulerOperation.Shutdown, ref shutdown));
        Assert.Equal(end, stopped.Message);
        Assert.Contains(text, _machine.Platform.ConsoleText, StringComparison.Ordinal);
    }

    [Fact]
    public void CrashIsReportedOnce()
    {
        VirtualPlatform.Running = null;
        _guest.Domain.Crash(_machine.Cpu());
        _guest.Domain.Crash(_machine.Cpu());
        string text = _machine.Platform.ConsoleText;
        Assert.Equal(text.IndexOf("crashed", StringComparison.Ordinal), text.LastIndexOf("crashed", StringComparison.Ordinal));
        Assert.Equal((uint)ShutdownReason.Crash, _guest.Domain.ShutdownReason);
    }

    private long Poll(ulong timeout, params uint[] ports)
    {
        for (int i = 0; i < ports.Length; i++)
            _guest.Write(1024 + (ulong)(4 * i), in ports[i]);
        var poll = new SchedulerPoll { Ports = 1024, PortCount = (uint)ports.Length, Timeout = timeout };
        return _guest.Call(SchedOp.Call, (uint)SchedulerOperation.Poll, ref poll);
    }

    private long Watchdog(uint id, uint timeout)
    {
        var watchdog = new SchedulerWatchdog { Id = id, Timeout = timeout };
        return _guest.Call(SchedOp.Call, (uint)SchedulerOperation.Watchdog, ref watchdog);
    }
}
