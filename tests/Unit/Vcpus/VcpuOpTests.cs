// SPDX-License-Identifier: MIT
// vcpu_op and set_timer_op as a guest sees them: Xen's errnos and effects.

using System;
using System.Buffers.Binary;
using XenSharp.Abi;
using XenSharp.Core.Hypercalls;
using XenSharp.Core.Vcpus;
using XenSharp.Edge;
using XenSharp.Testing;
using XenSharp.Tests.Unit.EventChannels;
using Xunit;

namespace XenSharp.Tests.Unit.Vcpus;

public class VcpuOpTests
{
    private const long NoEntry = -2, Fault = -14, Exists = -17, Invalid = -22, NoSystem = -38, NoSuchAddress = -6;
    private const ulong Millisecond = 1_000_000;
    private const ulong Unmapped = 0x0800_0000;

    private readonly TestHost _machine = new(processors: 2);
    private readonly TestDomain _guest;

    public VcpuOpTests()
    {
        _guest = _machine.AddDomain(5, vcpus: 3);
        _machine.Schedule();
    }

    [Fact]
    public void UnknownVcpuComesBeforeUnknownCommand()
    {
        Assert.Equal(NoEntry, Op((VcpuOperation)99, vcpu: 3));
        Assert.Equal(NoEntry, Op(VcpuOperation.IsUp, vcpu: uint.MaxValue));
        Assert.Equal(NoSystem, Op((VcpuOperation)14));
    }

    [Theory]
    [InlineData(VcpuOperation.Initialise)]
    [InlineData(VcpuOperation.GetRunstateInfo)]
    [InlineData(VcpuOperation.RegisterRunstateMemoryArea)]
    [InlineData(VcpuOperation.SetPeriodicTimer)]
    [InlineData(VcpuOperation.SetSingleShotTimer)]
    [InlineData(VcpuOperation.RegisterVcpuInfo)]
    [InlineData(VcpuOperation.RegisterVcpuTimeMemoryArea)]
    public void UnmappedArgumentFaults(VcpuOperation command) => Assert.Equal(Fault, Op(command, 0, Unmapped));

    [Fact]
    public void UpAndDown()
    {
        Assert.Equal(1, Op(VcpuOperation.IsUp, 2));
        Assert.Equal(0, Op(VcpuOperation.Down, 2));
        Assert.Equal(0, Op(VcpuOperation.IsUp, 2));
        Assert.Equal(0, Op(VcpuOperation.Up, 2));
        Assert.Equal(1, Op(VcpuOperation.IsUp, 2));
        _guest.Vcpu(2).IsInitialised = false;
        Assert.Equal(Invalid, Op(VcpuOperation.Up, 2));
    }

    [Fact]
    public void LastOneDownPowersTheDomainOff()
    {
        Assert.Equal(0, Op(VcpuOperation.Down, 1));
        Assert.Equal(0, Op(VcpuOperation.Down, 2));
        Assert.False(_guest.Domain.IsShuttingDown);
        Assert.Equal(0, Op(VcpuOperation.Down, 0));
        Assert.True(_guest.Domain.IsShutDown);
        Assert.Equal((uint)ShutdownReason.PowerOff, _guest.Domain.ShutdownReason);
        Assert.Equal(1, Op(VcpuOperation.IsUp, 0));
    }

    [Fact]
    public void InitialiseChecksWhatItIsGiven()
    {
        Assert.Equal(Exists, Op(VcpuOperation.Initialise, 1, 0));
        _guest.Vcpu(1).IsInitialised = false;
        byte[] context = new byte[128];
        context[0] = 1;
        // 64-bit: rip canonical, paging, PAE and long mode on.
        BinaryPrimitives.WriteUInt64LittleEndian(context.AsSpan(8 + 64), 0xffff_8000_0000_0000);
        BinaryPrimitives.WriteUInt64LittleEndian(context.AsSpan(8 + 80), 0x8000_0011);
        BinaryPrimitives.WriteUInt64LittleEndian(context.AsSpan(8 + 96), 0x20);
        BinaryPrimitives.WriteUInt64LittleEndian(context.AsSpan(8 + 104), 0x100);
        foreach (int broken in new[] { 4, 8 + 70, 8 + 83, 8 + 96, 8 + 105, 0 })
        {
            byte[] bad = (byte[])context.Clone();
            bad[broken] = broken == 0 ? (byte)2 : broken == 8 + 70 ? (byte)0 : broken == 4 ? (byte)1 : (byte)0;
            bad.CopyTo(_guest.Page(0));
            Assert.Equal(Invalid, Op(VcpuOperation.Initialise, 1, 0));
            Assert.False(_guest.Vcpu(1).IsInitialised);
        }
    }

    [Fact]
    public void RunstateCountsAllTime()
    {
        _machine.Platform.NowNs += 5 * Millisecond;
        Assert.Equal(0, Op(VcpuOperation.GetRunstateInfo, 0, 64));
        RunstateRecord record = _guest.Read<RunstateRecord>(64);
        Assert.Equal(0u, record.State);
        Assert.Equal(5 * Millisecond, record.RunningNs + record.RunnableNs + record.BlockedNs + record.OfflineNs);
        Assert.Equal(Fault, Op(VcpuOperation.GetRunstateInfo, 0, Unmapped));
    }

    [Theory]
    [InlineData(false, 0)]
    [InlineData(true, 0)]
    [InlineData(false, 4096 - 20)]
    [InlineData(true, 4096 - 20)]
    [InlineData(true, 4096 - 16)]
    [InlineData(true, 3)]
    public void RunstateAreaFollowsTheSwitches(bool announced, int offset)
    {
        if (announced)
            _guest.Domain.VmAssist |= 1u << (int)VmAssistType.RunstateUpdateFlag;
        ulong place = (_guest.TakePages(2) << 12) + (ulong)offset;
        var area = new VcpuRegisterRunstateMemoryArea { Address = place };
        _guest.Write(64, in area);
        Assert.Equal(0, Op(VcpuOperation.RegisterRunstateMemoryArea, 0, 64));
        Assert.Equal(0u, Area(place).State);

        Vcpu vcpu = _guest.Vcpu();
        _machine.Platform.NowNs += 7 * Millisecond;
        _machine.Host.Scheduler.Pause(_guest.Domain, _machine.Cpu());
        _machine.Schedule();
        Assert.False(vcpu.IsRunningNow);
        RunstateRecord record = Area(place);
        Assert.Equal((3u, 7 * Millisecond), (record.State, record.RunningNs));
        Assert.Equal(7 * Millisecond, record.EntryTimeNs);
        _machine.Platform.NowNs += Millisecond;
        _machine.Host.Scheduler.Unpause(_guest.Domain, _machine.Cpu());
        _machine.Schedule();
        record = Area(place);
        Assert.Equal(0u, record.State & ~1u);
        Assert.Equal(0UL, record.EntryTimeNs >> 63);
    }

    [Fact]
    public void UnmappedRunstateAreaIsNoError()
    {
        var area = new VcpuRegisterRunstateMemoryArea { Address = Unmapped };
        _guest.Write(64, in area);
        Assert.Equal(0, Op(VcpuOperation.RegisterRunstateMemoryArea, 0, 64));
        _machine.Host.Scheduler.Pause(_guest.Domain, _machine.Cpu());
        _machine.Schedule();
    }

    [Fact]
    public void SingleshotTimerIsForTheCallerOnly()
    {
        var set = new VcpuSetSingleShotTimer { TimeoutAbsNs = 1 };
        _guest.Write(64, in set);
        Assert.Equal(Invalid, Op(VcpuOperation.SetSingleShotTimer, 1, 64));
        Assert.Equal(Invalid, Op(VcpuOperation.SetSingleShotTimer, 1, Unmapped));
        Assert.Equal(Invalid, Op(VcpuOperation.StopSingleShotTimer, 1));
        Assert.Equal(0, Op(VcpuOperation.StopSingleShotTimer, 0));
    }

    [Fact]
    public void SingleshotTimerRaisesItsVirqOnce()
    {
        _guest.BindVirq((uint)VirtualIrq.Timer, 0, out uint port);
        var set = new VcpuSetSingleShotTimer { TimeoutAbsNs = 10 * Millisecond };
        _guest.Write(64, in set);
        Assert.Equal(0, Op(VcpuOperation.SetSingleShotTimer, 0, 64));
        _machine.Advance((10 * Millisecond) - 1);
        Assert.False(TakePending(port));
        _machine.Advance(1);
        Assert.True(TakePending(port));
        _machine.Advance(100 * Millisecond);
        Assert.False(TakePending(port));
    }

    [Fact]
    public void PastSingleshotTimerFiresAtOnceWhateverTheFlag()
    {
        _guest.BindVirq((uint)VirtualIrq.Timer, 0, out uint port);
        _machine.Platform.NowNs = 20 * Millisecond;
        foreach (VcpuSingleShotTimerFlags flags in new[] { VcpuSingleShotTimerFlags.Future, default })
        {
            var set = new VcpuSetSingleShotTimer { TimeoutAbsNs = 10 * Millisecond, Flags = flags };
            _guest.Write(64, in set);
            Assert.Equal(0, Op(VcpuOperation.SetSingleShotTimer, 0, 64));
            Assert.True(TakePending(port));
            Assert.False(_guest.Vcpu().SingleshotTimer.IsArmed);
        }
    }

    [Theory]
    [InlineData(999_999UL, Invalid)]
    [InlineData(0UL, Invalid)]
    [InlineData(1_000_000UL, 0L)]
    [InlineData(ulong.MaxValue >> 2, 0L)]
    [InlineData((ulong.MaxValue >> 2) + 1, Invalid)]
    public void PeriodIsChecked(ulong period, long expected)
    {
        var set = new VcpuSetPeriodicTimer { PeriodNs = period };
        _guest.Write(64, in set);
        Assert.Equal(expected, Op(VcpuOperation.SetPeriodicTimer, 0, 64));
        Assert.Equal(0, Op(VcpuOperation.StopPeriodicTimer, 0));
    }

    [Fact]
    public void PeriodicTimerRunsWithItsVcpu()
    {
        _guest.BindVirq((uint)VirtualIrq.Timer, 0, out uint port);
        _machine.Platform.NowNs = 100 * Millisecond;
        Assert.False(_guest.Vcpu().PeriodicTimer.IsArmed);
        var set = new VcpuSetPeriodicTimer { PeriodNs = 10 * Millisecond };
        _guest.Write(64, in set);
        Assert.Equal(0, Op(VcpuOperation.SetPeriodicTimer, 0, 64));
        Assert.True(TakePending(port));
        for (int i = 0; i < 5; i++)
        {
            _machine.Advance(10 * Millisecond);
            Assert.True(TakePending(port), "tick " + i);
        }

        // While it does not run it gets no ticks, and one when it runs again.
        _machine.Host.Scheduler.Pause(_guest.Domain, _machine.Cpu());
        _machine.Schedule();
        _machine.Advance(100 * Millisecond);
        Assert.False(TakePending(port));
        _machine.Host.Scheduler.Unpause(_guest.Domain, _machine.Cpu());
        _machine.Schedule();
        _machine.Schedule();
        Assert.Equal(_guest.Vcpu().IsRunningNow, TakePending(port));
        Assert.Equal(0, Op(VcpuOperation.StopPeriodicTimer, 0));
        _machine.Advance(100 * Millisecond);
        Assert.False(TakePending(port));
    }

    [Fact]
    public void NmiIsPosted()
    {
        Assert.Equal(Invalid, Op(VcpuOperation.SendNmi, 1, 64));
        Assert.Equal(0, Op(VcpuOperation.SendNmi, 1));
        Assert.True(_guest.Vcpu(1).Apic.HasNmi);
        Assert.Equal(0, Op(VcpuOperation.SendNmi, 1));
    }

    [Fact]
    public void PhysicalIdIsForThePinnedHardwareDomain()
    {
        Assert.Equal(Invalid, Op(VcpuOperation.GetPhysicalId, 0, 64));
        TestDomain dom0 = _machine.AddDom0(2);
        Assert.Equal(Invalid, dom0.Call(VcpuOp.Call, 0, (uint)VcpuOperation.GetPhysicalId, 1, 64));
        Assert.Equal(0, _machine.Host.Scheduler.SetHardAffinity(dom0.Vcpu(1), 2, _machine.Cpu()));
        Assert.Equal(Fault, dom0.Call(VcpuOp.Call, 0, (uint)VcpuOperation.GetPhysicalId, 1, Unmapped));
        Assert.Equal(0, dom0.Call(VcpuOp.Call, 0, (uint)VcpuOperation.GetPhysicalId, 1, 64));
        Assert.Equal(0x1_0000_0001UL, dom0.Read<ulong>(64));
    }

    [Fact]
    public void InfoOfAnotherVcpuMovesOnlyWhileItIsDown()
    {
        var area = new VcpuRegisterVcpuInfo { Mfn = _guest.TakePages(), Offset = 4096 - 63 };
        _guest.Write(64, in area);
        Assert.Equal(NoSuchAddress, Op(VcpuOperation.RegisterVcpuInfo, 1, 64));
        area.Offset = 128;
        _guest.Write(64, in area);
        Assert.Equal(Invalid, Op(VcpuOperation.RegisterVcpuInfo, 1, 64));
        Op(VcpuOperation.Down, 1);
        Assert.Equal(0, Op(VcpuOperation.RegisterVcpuInfo, 1, 64));
        Assert.Equal(Invalid, Op(VcpuOperation.RegisterVcpuInfo, 1, 64));
        Assert.NotEqual(0u, BinaryPrimitives.ReadUInt32LittleEndian(_guest.VcpuInfo(1).Slice(32)));
    }

    [Fact]
    public void SetTimerOpTakesHugeTimesForSoon()
    {
        _guest.BindVirq((uint)VirtualIrq.Timer, 0, out uint port);
        _machine.Platform.NowNs = Millisecond;
        VcpuSingleshotTimer timer = _guest.Vcpu().SingleshotTimer;
        foreach (ulong huge in new[] { ulong.MaxValue, 1UL << 63, Millisecond + (1UL << 50) })
        {
            Assert.Equal(0, _guest.Call(TimerOp.Call, 0, huge));
            Assert.Equal(101 * Millisecond, timer.DeadlineNs);
        }

        Assert.Equal(0, _guest.Call(TimerOp.Call, 0, Millisecond + (1UL << 50) - 1));
        Assert.Equal(Millisecond + (1UL << 50) - 1, timer.DeadlineNs);
        Assert.Equal(0, _guest.Call(TimerOp.Call, 0, 0));
        Assert.False(timer.IsArmed);
        Assert.Equal(0, _guest.Call(TimerOp.Call, 0, 1));
        _machine.Advance(0);
        Assert.True(TakePending(port));
    }

    private long Op(VcpuOperation command, uint vcpu = 0, ulong argument = 0) => _guest.Call(VcpuOp.Call, 0, (uint)command, vcpu, argument);

    private RunstateRecord Area(ulong place)
    {
        byte[] bytes = new byte[48];
        int first = Math.Min(48, 4096 - (int)(place & 4095));
        _guest.Page(place >> 12).Slice((int)(place & 4095), first).CopyTo(bytes);
        _guest.Page((place >> 12) + 1).Slice(0, 48 - first).CopyTo(bytes.AsSpan(first));
        RunstateRecord record = default;
        bytes.CopyTo(AbiBytes.Of(ref record));
        return record;
    }

    // Whether a port was pending; it is not afterwards.
    private bool TakePending(uint port)
    {
        ref byte word = ref _guest.SharedInfo[2048 + (int)(port / 8)];
        bool pending = (word & (1 << (int)(port % 8))) != 0;
        word &= (byte)~(1 << (int)(port % 8));
        return pending;
    }
}
