// SPDX-License-Identifier: MIT
// The local APIC's timer reaches its vCPU wherever that is when it fires.

using XenSharp.Core.Vcpus;
using XenSharp.Testing;
using Xunit;

namespace XenSharp.Tests.Unit.Vcpus;

public class ApicTimerTests
{
    private const ulong Millisecond = 1_000_000;
    private const byte Vector = 0x40;

    private readonly TestHost _machine = new(processors: 2);
    private readonly Vcpu _vcpu;

    public ApicTimerTests()
    {
        _vcpu = _machine.AddDomain(5).Vcpu();
        _machine.Host.Scheduler.SetHardAffinity(_vcpu, 1, _machine.Cpu());
        _machine.Schedule();
        _vcpu.Context.Rflags = 0x202;
        _vcpu.Apic.WriteMmio(0xf0, 0x1ff);
        _vcpu.Apic.WriteMmio(0x320, Vector);
        _vcpu.Apic.WriteMmio(0x3e0, 0xb);
        _vcpu.Apic.WriteMmio(0x380, 1_000_000);
    }

    [Fact]
    public void Running()
    {
        _machine.Advance((10 * Millisecond) - 1);
        Assert.Equal(-1, _vcpu.Apic.HighestPending());
        _machine.Advance(1);
        Assert.Equal(Vector, _vcpu.Apic.HighestPending());
    }

    [Fact]
    public void Halted()
    {
        _machine.Host.Scheduler.Halt(_vcpu, interruptsEnabled: true);
        _machine.Schedule();
        Assert.False(_vcpu.IsRunningNow);
        _machine.Advance(10 * Millisecond);
        Assert.Equal(VcpuPauseFlags.None, _vcpu.PauseFlags);
        _machine.Schedule();
        Assert.True(_vcpu.IsRunningNow);
        Assert.Equal(Vector, _vcpu.Apic.HighestPending());
    }

    [Fact]
    public void Moved()
    {
        _machine.Host.Scheduler.SetHardAffinity(_vcpu, 2, _machine.Cpu());
        _machine.Schedule();
        Assert.Same(_vcpu, _machine.Cpu(1).Current);
        Assert.Equal(1, _machine.Cpu(0).Timers.Count);
        _machine.Advance(10 * Millisecond);
        Assert.Equal(Vector, _vcpu.Apic.HighestPending());
        Assert.Equal(0, _machine.Cpu(0).Timers.Count);
    }

    [Fact]
    public void HaltWithInterruptsDisabledIsTheEnd()
    {
        _machine.Host.Scheduler.Halt(_vcpu, interruptsEnabled: false);
        Assert.False(_vcpu.IsUp);
        Assert.True(_vcpu.Domain.IsShutDown);
        Assert.Equal(0u, _vcpu.Domain.ShutdownReason);
    }
}
