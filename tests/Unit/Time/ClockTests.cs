// SPDX-License-Identifier: MIT
// System time, and that a guest which reads struct vcpu_time_info as the ABI says finds the same.

using System;
using System.Buffers.Binary;
using XenSharp.Abi;
using XenSharp.Core.Hypercalls;
using XenSharp.Core.Time;
using XenSharp.Edge;
using XenSharp.Testing;
using Xunit;

namespace XenSharp.Tests.Unit.Time;

public class ClockTests
{
    [Theory]
    [InlineData(1_000_000)]
    [InlineData(999_999_999)]
    [InlineData(1_000_000_000)]
    [InlineData(1_000_000_001)]
    [InlineData(2_000_000_000)]
    [InlineData(2_400_000_123)]
    [InlineData(5_123_456_789)]
    public void CountsNanosecondsAtAnyFrequency(ulong frequency)
    {
        var platform = new VirtualPlatform();
        var clock = new SystemClock(platform);
        clock.Start(0, frequency);
        foreach (ulong seconds in new ulong[] { 1, 60, 3600, 86400 * 365 })
        {
            ulong ns = clock.ToNanoseconds(frequency * seconds);
            double error = Math.Abs((double)ns - (seconds * 1e9)) / (seconds * 1e9);
            Assert.True(error < 2e-9, frequency + " Hz: off by " + error);
        }
    }

    [Fact]
    public void GuestReadsTheSameTime()
    {
        var machine = new TestHost();
        TestDomain guest = machine.AddDomain(1);
        var random = new Random(7);
        machine.Host.Clock.Start(12345, 2_000_000_000);
        for (int i = 0; i < 500; i++)
        {
            machine.Platform.NowNs += (ulong)random.NextInt64(1, 100_000_000_000);
            if (i % 3 == 0)
                machine.Host.Clock.Recalibrate(machine.Platform.ReadTsc(), machine.Host.Clock.Now + (ulong)random.Next(100_000));
            VcpuTime.Update(guest.Vcpu());
            Assert.Equal(machine.Host.Clock.Now, GuestClock(guest.VcpuInfo().Slice(32), machine.Platform.ReadTsc()));
        }
    }

    [Fact]
    public void RecordChangesOnlyWithTheClock()
    {
        var machine = new TestHost();
        TestDomain guest = machine.AddDomain(1);
        VcpuTime.Update(guest.Vcpu());
        uint version = Version(guest);
        Assert.Equal(2u, version);
        machine.Platform.NowNs += 5_000_000_000;
        VcpuTime.Update(guest.Vcpu());
        Assert.Equal(version, Version(guest));
        machine.Host.Clock.Recalibrate(machine.Platform.ReadTsc(), 5_000_000_100);
        VcpuTime.Update(guest.Vcpu());
        Assert.Equal(version + 2, Version(guest));
        VcpuTime.Force(guest.Vcpu(), guest.Vcpu());
        Assert.Equal(version + 4, Version(guest));
    }

    [Fact]
    public void StableFlagOnlyIfTheClockSaysSo()
    {
        var machine = new TestHost();
        TestDomain guest = machine.AddDomain(1);
        VcpuTime.Update(guest.Vcpu());
        Assert.Equal(0, guest.VcpuInfo()[32 + 29]);
        machine.Host.Clock.IsTscStable = true;
        VcpuTime.Force(guest.Vcpu(), guest.Vcpu());
        Assert.Equal(1, guest.VcpuInfo()[32 + 29]);
    }

    [Fact]
    public void SecondRecordFollowsTheFirst()
    {
        var machine = new TestHost();
        TestDomain guest = machine.AddDomain(1);
        ulong place = (guest.TakePages(2) << 12) + 4096 - 12;
        var area = new VcpuRegisterTimeMemoryArea { Address = place };
        guest.Write(64, in area);
        Assert.Equal(0, guest.Call(VcpuOp.Call, 0, (uint)VcpuOperation.RegisterVcpuTimeMemoryArea, 0, 64));
        machine.Platform.NowNs = 3_000_000_000;
        machine.Host.Clock.Recalibrate(machine.Platform.ReadTsc(), 3_000_000_500);
        VcpuTime.Update(guest.Vcpu());
        byte[] copy = new byte[32];
        guest.Page(place >> 12).Slice(4096 - 12).CopyTo(copy);
        guest.Page((place >> 12) + 1).Slice(0, 20).CopyTo(copy.AsSpan(12));
        Assert.Equal(guest.VcpuInfo().Slice(32, 32).ToArray(), copy);
    }

    [Theory]
    [InlineData(1.0001)]
    [InlineData(0.9999)]
    [InlineData(1.01)]
    [InlineData(0.99)]
    public void FollowsAnotherTimerWithoutGoingBack(double drift)
    {
        var machine = new TestHost();
        SystemClock clock = machine.Host.Clock;
        ulong last = 0;
        for (int second = 1; second <= 60; second++)
        {
            for (int part = 0; part < 50; part++)
            {
                machine.Platform.NowNs += 20_000_000;
                Assert.True(clock.Now >= last, "time went back");
                last = clock.Now;
            }

            clock.Recalibrate(machine.Platform.ReadTsc(), (ulong)(machine.Platform.NowNs * drift));
            Assert.True(clock.Now >= last, "time went back");
        }

        double truth = machine.Platform.NowNs * drift;
        Assert.True(Math.Abs(clock.Now - truth) < 1_000_000, "off by " + (clock.Now - truth) + " ns");
    }

    [Theory]
    [InlineData(3_579_545, 0xff_ffff, 1.0003)]
    [InlineData(3_579_545, 0xff_ffff, 0.9997)]
    [InlineData(100_000_000, 0xffff_ffff, 1.002)]
    [InlineData(14_318_180, 0xffff_ffff, 0.998)]
    public void CorrectionFollowsItsReference(ulong frequency, ulong mask, double drift)
    {
        var machine = new TestHost(processors: 2);
        TestDomain guest = machine.AddDomain(1, vcpus: 2);
        machine.Schedule();
        new ClockCorrection(machine.Host, new DriftingTimer(machine.Platform, frequency, mask, drift)).Start(machine.Cpu());
        for (int i = 0; i < 600; i++)
        {
            machine.Advance(100_000_000);
            machine.Schedule();
            for (int vcpu = 0; vcpu < 2; vcpu++)
                Assert.Equal(machine.Host.Clock.Now, GuestClock(guest.VcpuInfo(vcpu).Slice(32), machine.Platform.ReadTsc()));
        }

        double truth = machine.Platform.NowNs * drift;
        Assert.True(Math.Abs(machine.Host.Clock.Now - truth) < 2_000_000, "off by " + (machine.Host.Clock.Now - truth) + " ns");
    }

    [Fact]
    public void WallClockReachesEveryDomain()
    {
        var machine = new TestHost();
        TestDomain dom0 = machine.AddDom0(), guest = machine.AddDomain(3);
        guest.Domain.TimeOffsetSeconds = -3600;
        machine.Platform.NowNs = 10_500_000_000;
        WallClock.Set(machine.Host, 0x1_0000_0005, 250_000_000, 10_500_000_000, machine.Cpu());

        (uint version, ulong seconds, uint nanoseconds) = WallClockOf(dom0);
        Assert.Equal((2u, 0x1_0000_0005UL - 11, 750_000_000u), (version, seconds, nanoseconds));
        (version, seconds, nanoseconds) = WallClockOf(guest);
        Assert.Equal((2u, 0x1_0000_0005UL - 11 - 3600, 750_000_000u), (version, seconds, nanoseconds));
    }

    // As pvclock of a guest kernel: shift, multiply, add.
    private static ulong GuestClock(ReadOnlySpan<byte> record, ulong tsc)
    {
        Assert.Equal(0u, BinaryPrimitives.ReadUInt32LittleEndian(record) & 1);
        ulong delta = tsc - BinaryPrimitives.ReadUInt64LittleEndian(record.Slice(8));
        int shift = (sbyte)record[28];
        delta = shift < 0 ? delta >> -shift : delta << shift;
        ulong scaled = (ulong)(((UInt128)delta * BinaryPrimitives.ReadUInt32LittleEndian(record.Slice(24))) >> 32);
        return BinaryPrimitives.ReadUInt64LittleEndian(record.Slice(16)) + scaled;
    }

    private static uint Version(TestDomain guest) => BinaryPrimitives.ReadUInt32LittleEndian(guest.VcpuInfo().Slice(32));

    private static (uint Version, ulong Seconds, uint Nanoseconds) WallClockOf(TestDomain domain)
    {
        ReadOnlySpan<byte> record = domain.SharedInfo.Slice(3072);
        ulong high = BinaryPrimitives.ReadUInt32LittleEndian(record.Slice(12));
        return (BinaryPrimitives.ReadUInt32LittleEndian(record), (high << 32) | BinaryPrimitives.ReadUInt32LittleEndian(record.Slice(4)),
            BinaryPrimitives.ReadUInt32LittleEndian(record.Slice(8)));
    }

    private sealed class DriftingTimer(VirtualPlatform platform, ulong frequency, ulong mask, double drift) : ReferenceTimer(frequency, mask)
    {
        public override void Sample(out ulong tsc, out ulong count)
        {
            tsc = platform.ReadTsc();
            count = (ulong)(platform.NowNs * drift / 1e9 * FrequencyHz) & Mask;
        }
    }
}
