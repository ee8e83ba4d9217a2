// SPDX-License-Identifier: MIT
// From the machine's line to a vCPU and back, and the start of further vCPUs, on a whole domain.

using XenSharp.Core.Interrupts;
using XenSharp.Devices.Apic;
using XenSharp.Testing;
using Xunit;

namespace XenSharp.Tests.Unit.Apic;

public sealed class DomainInterruptTests
{
    private readonly TestHost _machine = new(processors: 2);
    private readonly TestDomain _dom0;

    public DomainInterruptTests()
    {
        _dom0 = _machine.AddDom0(vcpus: 2);
        _dom0.Domain.IoApics.Add(0, 0xfec00000, 0, 24);
        for (int i = 0; i < 2; i++)
        {
            LocalApic apic = _dom0.Vcpu(i).Apic;
            Assert.True(apic.WriteMsr(LocalApic.BaseMsr, apic.Base | 0x400));
            Assert.True(apic.WriteMsr(0x80f, 0x1ff));
        }
    }

    [Fact]
    public void ALevelLineStaysWithTheGuestUntilItsEoi()
    {
        Program(0x10 + (2 * 9), destination: 2, low: 0x8051);
        Assert.Contains("route 9 level high", _machine.Platform.Log);
        Assert.True(_dom0.Domain.IoApics.DeviceInterrupt(9, _machine.Cpu()));
        Assert.Equal(-1, _dom0.Vcpu(0).Apic.HighestPending());
        LocalApic apic = _dom0.Vcpu(1).Apic;
        Assert.Equal(0x51, apic.HighestPending());
        apic.Accept(0x51);
        Assert.DoesNotContain("eoi 9", _machine.Platform.Log);
        Assert.True(apic.WriteMsr(0x80b, 0));
        Assert.Contains("eoi 9", _machine.Platform.Log);
        Assert.False(_dom0.Domain.IoApics.DeviceInterrupt(24, _machine.Cpu()));
    }

    [Fact]
    public void ReservedLinesAreNotTakenFromTheHypervisor()
    {
        _dom0.Domain.IoApics.Reserve(4);
        Program(0x10 + (2 * 4), destination: 0, low: 0x34);
        Assert.DoesNotContain("route 4 edge high", _machine.Platform.Log);
    }

    [Fact]
    public void LowestPriorityTakesTurnsAmongEquals()
    {
        ApicMessage message = new() { Mode = ApicDeliveryMode.LowestPriority, Shorthand = ApicShorthand.AllIncludingSelf, Vector = 0x60 };
        Assert.True(ApicBus.Deliver(_dom0.Domain, in message, null, _machine.Cpu()));
        Assert.True(ApicBus.Deliver(_dom0.Domain, in message, null, _machine.Cpu()));
        Assert.Equal(0x60, _dom0.Vcpu(0).Apic.HighestPending());
        Assert.Equal(0x60, _dom0.Vcpu(1).Apic.HighestPending());
        _dom0.Vcpu(1).Apic.TaskPriority = 0x20;
        message.Vector = 0x61;
        Assert.True(ApicBus.Deliver(_dom0.Domain, in message, null, _machine.Cpu()));
        Assert.True(ApicBus.Deliver(_dom0.Domain, in message, null, _machine.Cpu()));
        Assert.Equal(0x61, _dom0.Vcpu(0).Apic.HighestPending());
        Assert.Equal(0x60, _dom0.Vcpu(1).Apic.HighestPending());
    }

    [Fact]
    public void InitAndStartupBringUpAVcpuOnce()
    {
        LocalApic boot = _dom0.Vcpu(0).Apic;
        _dom0.Vcpu(1).IsInitialised = false;
        const ulong second = 2UL << 32;
        Assert.True(boot.WriteMsr(0x830, second | 0x69a));
        Assert.Equal((byte)0x9a, _dom0.Context(1).StartupVector);
        Assert.True(boot.WriteMsr(0x830, second | 0x69b));
        Assert.Equal((byte)0x9a, _dom0.Context(1).StartupVector);
        Assert.True(boot.WriteMsr(0x830, second | 0xc500));
        Assert.False(_dom0.Vcpu(1).Apic.IsEnabled);
        Assert.True(boot.WriteMsr(0x830, second | 0x8500));
        Assert.True(boot.WriteMsr(0x830, second | 0x69b));
        Assert.Equal((byte)0x9b, _dom0.Context(1).StartupVector);
    }

    [Fact]
    public void TheTimerRunsOnTheHostsQueue()
    {
        LocalApic apic = _dom0.Vcpu(0).Apic;
        _machine.Cpu().Current = _dom0.Vcpu(0);
        Assert.True(apic.WriteMsr(0x832, 0x30));
        Assert.True(apic.WriteMsr(0x83e, 0xb));
        Assert.True(apic.WriteMsr(0x838, 1000));
        _machine.Advance(9_000);
        Assert.Equal(-1, apic.HighestPending());
        _machine.Advance(2_000);
        Assert.Equal(0x30, apic.HighestPending());
    }

    private void Program(uint register, uint destination, uint low)
    {
        DomainIoApics apics = _dom0.Domain.IoApics;
        apics.Write(0, 0, register + 1, _machine.Cpu());
        apics.Write(0, 0x10, destination << 24, _machine.Cpu());
        apics.Write(0, 0, register, _machine.Cpu());
        apics.Write(0, 0x10, low, _machine.Cpu());
    }
}
