// SPDX-License-Identifier: MIT
// Requests, priorities, modes, messages and timer of the local APIC.

using System.Threading;
using XenSharp.Devices.Apic;
using Xunit;

namespace XenSharp.Tests.Unit.Apic;

public sealed class LocalApicTests
{
    private const uint TaskPriority = 0x808, EndOfInterrupt = 0x80b, Spurious = 0x80f, Command = 0x830, TimerEntry = 0x832, InitialCount = 0x838;
    private const uint CurrentCount = 0x839, Divide = 0x83e, SelfInterrupt = 0x83f;
    private readonly FakeApicHost _host = new();

    private LocalApic Enabled(int vcpu = 0)
    {
        LocalApic apic = new(vcpu, _host);
        Assert.True(apic.WriteMsr(LocalApic.BaseMsr, apic.Base | 0x400));
        Assert.True(apic.WriteMsr(Spurious, 0x1ff));
        return apic;
    }

    [Fact]
    public void StartsInXapicModeDisabledBySoftware()
    {
        Assert.Equal(0xfee00900UL, new LocalApic(0, _host).Base);
        LocalApic second = new(1, _host);
        Assert.Equal(0xfee00800UL, second.Base);
        Assert.Equal(2U << 24, second.ReadMmio(0x20));
        Assert.Equal(0x50014U, second.ReadMmio(0x30));
        Assert.Equal(0xffU, second.ReadMmio(0xf0));
        second.Post(0x40);
        Assert.Equal(-1, second.HighestPending());
        Assert.False(second.ReadMsr(0x802, out _));
        second.WriteMmio(0xf0, 0x1ff);
        Assert.Equal(0x40, second.HighestPending());
    }

    [Fact]
    public void EachPriorityClassWaitsForTheEndOfAHigherOne()
    {
        LocalApic apic = Enabled();
        Assert.True(apic.Post(0x51));
        Assert.False(apic.Post(0x51));
        Assert.Equal(0x51, apic.HighestPending());
        apic.Accept(0x51);
        apic.Post(0x5f);
        Assert.Equal(-1, apic.HighestPending());
        apic.Post(0xf3);
        Assert.Equal(0xf3, apic.HighestPending());
        apic.Accept(0xf3);
        Assert.Equal(0xf0U, apic.ProcessorPriority);
        Assert.True(apic.WriteMsr(EndOfInterrupt, 0));
        Assert.Equal(-1, apic.HighestPending());
        Assert.True(apic.WriteMsr(EndOfInterrupt, 0));
        Assert.Equal(0x5f, apic.HighestPending());
        Assert.True(apic.WriteMsr(TaskPriority, 0x50));
        Assert.Equal(-1, apic.HighestPending());
        Assert.True(apic.WriteMsr(TaskPriority, 0x4f));
        Assert.Equal(0x5f, apic.HighestPending());
    }

    [Fact]
    public void RegistersShowRequestsInServiceAndTriggerMode()
    {
        LocalApic apic = Enabled();
        apic.PostLevel(0x61);
        apic.Post(0x3f);
        Assert.True(apic.ReadMsr(0x823, out ulong request) && request == 2);
        Assert.True(apic.ReadMsr(0x821, out request) && request == 0x8000_0000);
        Assert.True(apic.ReadMsr(0x81b, out ulong mode) && mode == 2);
        apic.Accept(0x61);
        Assert.True(apic.ReadMsr(0x813, out ulong service) && service == 2);
        Assert.True(apic.ReadMsr(0x823, out request) && request == 0);
    }

    [Fact]
    public void OnlyTheEndOfALevelInterruptIsReported()
    {
        LocalApic apic = Enabled();
        apic.Post(0x41);
        apic.Accept(0x41);
        apic.EndOfInterrupt();
        Assert.Empty(_host.Ends);
        apic.PostLevel(0x41);
        apic.Accept(0x41);
        apic.EndOfInterrupt();
        Assert.Equal([0x41], _host.Ends);
        apic.Post(0x41);
        apic.Accept(0x41);
        apic.EndOfInterrupt();
        apic.EndOfInterrupt();
        Assert.Single(_host.Ends);
    }

    [Fact]
    public void ModeChangesFollowTheRules()
    {
        LocalApic apic = new(3, _host);
        const ulong enabled = 0xfee00800, x2 = 0xfee00c00, off = 0xfee00000;
        Assert.False(apic.WriteMsr(LocalApic.BaseMsr, 0xfed00800));
        Assert.False(apic.WriteMsr(LocalApic.BaseMsr, enabled | 1));
        Assert.False(apic.WriteMsr(LocalApic.BaseMsr, 0xfee00400));
        Assert.True(apic.Decodes(0xfee00ff0));
        Assert.True(apic.WriteMsr(LocalApic.BaseMsr, x2));
        Assert.False(apic.Decodes(0xfee00ff0));
        Assert.True(apic.ReadMsr(0x802, out ulong id) && id == 6);
        Assert.True(apic.ReadMsr(0x80d, out ulong logical) && logical == 1 << 6);
        Assert.False(apic.WriteMsr(LocalApic.BaseMsr, enabled));
        Assert.True(apic.WriteMsr(LocalApic.BaseMsr, off));
        Assert.False(apic.IsHardwareEnabled);
        Assert.False(apic.WriteMsr(LocalApic.BaseMsr, x2));
        Assert.True(apic.WriteMsr(LocalApic.BaseMsr, enabled));
    }

    [Fact]
    public void ReservedBitsAndReadOnlyRegistersFault()
    {
        LocalApic apic = Enabled();
        Assert.False(apic.WriteMsr(EndOfInterrupt, 1));
        Assert.False(apic.WriteMsr(0x802, 0));
        Assert.False(apic.WriteMsr(0x803, 0));
        Assert.False(apic.WriteMsr(Spurious, 0x1000));
        Assert.False(apic.WriteMsr(SelfInterrupt, 0x100));
        Assert.False(apic.WriteMsr(Command, 1 << 20));
        Assert.False(apic.ReadMsr(EndOfInterrupt, out _));
        Assert.False(apic.ReadMsr(0x831, out _));
        Assert.False(apic.ReadMsr(0x8ff, out _));
        Assert.True(apic.ReadMsr(0x82f, out _));
    }

    [Fact]
    public void CommandsBecomeMessages()
    {
        LocalApic apic = Enabled();
        Assert.True(apic.WriteMsr(Command, (2UL << 32) | 0xc500));
        Assert.True(apic.WriteMsr(Command, (2UL << 32) | 0x8500));
        Assert.True(apic.WriteMsr(Command, (2UL << 32) | 0x69a));
        Assert.True(apic.WriteMsr(Command, 0xc0000 | 0xfd));
        Assert.Equal(ApicDeliveryMode.Init, _host.Messages[0].Mode);
        Assert.True(_host.Messages[0].IsAssert);
        Assert.False(_host.Messages[1].IsAssert);
        Assert.Equal(ApicDeliveryMode.Startup, _host.Messages[2].Mode);
        Assert.Equal(0x9a, _host.Messages[2].Vector);
        Assert.Equal(2U, _host.Messages[2].Destination);
        Assert.Equal(ApicShorthand.AllExcludingSelf, _host.Messages[3].Shorthand);
        Assert.True(apic.WriteMsr(SelfInterrupt, 0x77));
        Assert.Equal(0x77, apic.HighestPending());
        Assert.Equal(4, _host.Messages.Count);
    }

    [Fact]
    public void IllegalVectorsAreErrors()
    {
        LocalApic apic = Enabled();
        Assert.True(apic.WriteMsr(0x837, 0xfe));
        Assert.True(apic.WriteMsr(Command, 5));
        Assert.Empty(_host.Messages);
        Assert.Equal(0xfe, apic.HighestPending());
        Assert.Equal(1, _host.Notifications);
        Assert.True(apic.ReadMsr(0x828, out ulong status) && status == 0);
        Assert.True(apic.WriteMsr(0x828, 0));
        Assert.True(apic.ReadMsr(0x828, out status) && status == 0x20);
    }

    [Fact]
    public void DestinationsMatchByIdAndLogically()
    {
        LocalApic x2 = Enabled(1);
        LocalApic old = new(1, _host);
        old.WriteMmio(0xd0, 0x04000000);
        Assert.True(x2.Matches(new ApicMessage { Destination = 2 }, null));
        Assert.True(x2.Matches(new ApicMessage { Destination = uint.MaxValue }, null));
        Assert.False(x2.Matches(new ApicMessage { Destination = 0xff }, null));
        Assert.True(old.Matches(new ApicMessage { Destination = 0xff }, null));
        Assert.True(x2.Matches(new ApicMessage { IsLogical = true, Destination = 4 }, null));
        Assert.False(x2.Matches(new ApicMessage { IsLogical = true, Destination = 0x10004 }, null));
        Assert.True(old.Matches(new ApicMessage { IsLogical = true, Destination = 6 }, null));
        Assert.False(old.Matches(new ApicMessage { IsLogical = true, Destination = 3 }, null));
        old.WriteMmio(0xe0, 0x0fffffff);
        old.WriteMmio(0xd0, 0x24000000);
        Assert.True(old.Matches(new ApicMessage { IsLogical = true, Destination = 0x2c }, null));
        Assert.False(old.Matches(new ApicMessage { IsLogical = true, Destination = 0x1c }, null));
        Assert.False(x2.Matches(new ApicMessage { Shorthand = ApicShorthand.AllExcludingSelf }, x2));
        Assert.True(x2.Matches(new ApicMessage { Shorthand = ApicShorthand.Self }, x2));
    }

    [Fact]
    public void DisablingMasksTheVectorTableAndEnablingAsksForTheUpcall()
    {
        LocalApic apic = Enabled();
        Assert.Equal(1, _host.Enables);
        Assert.True(apic.WriteMsr(TimerEntry, 0x30));
        Assert.True(apic.WriteMsr(Spurious, 0xff));
        Assert.True(apic.ReadMsr(TimerEntry, out ulong entry) && entry == 0x10030);
        Assert.True(apic.WriteMsr(TimerEntry, 0x31));
        Assert.True(apic.ReadMsr(TimerEntry, out entry) && entry == 0x10031);
        Assert.True(apic.WriteMsr(Spurious, 0x1ff));
        Assert.Equal(2, _host.Enables);
    }

    [Fact]
    public void OneShotTimerCountsDownOnce()
    {
        LocalApic apic = Enabled();
        Assert.True(apic.WriteMsr(TimerEntry, 0x30));
        Assert.True(apic.WriteMsr(Divide, 0xb));
        Assert.True(apic.WriteMsr(InitialCount, 1000));
        Assert.Equal(_host.Time + 10_000, _host.Deadline);
        _host.Time += 4_000;
        Assert.True(apic.ReadMsr(CurrentCount, out ulong count) && count == 600);
        _host.Time += 6_000;
        apic.TimerExpired();
        Assert.Equal(0x30, apic.HighestPending());
        Assert.True(apic.ReadMsr(CurrentCount, out count) && count == 0);
        apic.Accept(0x30);
        apic.TimerExpired();
        Assert.Equal(1, _host.Notifications);
    }

    [Fact]
    public void PeriodicTimerKeepsItsPhase()
    {
        LocalApic apic = Enabled();
        ulong start = _host.Time;
        Assert.True(apic.WriteMsr(TimerEntry, 0x20030));
        Assert.True(apic.WriteMsr(Divide, 0xb));
        Assert.True(apic.WriteMsr(InitialCount, 100_000));
        _host.Time = start + 1_000_000 + 250_000;
        apic.TimerExpired();
        Assert.Equal(start + 2_000_000, _host.Deadline);
        Assert.True(apic.ReadMsr(CurrentCount, out ulong count) && count == 75_000);
        Assert.True(apic.WriteMsr(InitialCount, 0));
        Assert.Null(_host.Deadline);
    }

    [Fact]
    public void ChangingTheDividerStretchesWhatIsLeft()
    {
        LocalApic apic = Enabled();
        Assert.True(apic.WriteMsr(TimerEntry, 0x30));
        Assert.True(apic.WriteMsr(Divide, 0xb));
        Assert.True(apic.WriteMsr(InitialCount, 1000));
        _host.Time += 5_000;
        Assert.True(apic.WriteMsr(Divide, 0));
        Assert.Equal(_host.Time + 10_000, _host.Deadline);
        Assert.True(apic.ReadMsr(CurrentCount, out ulong count) && count == 500);
    }

    [Fact]
    public void ResetForgetsRequestsButNotTheMode()
    {
        LocalApic apic = Enabled();
        apic.Post(0x80);
        apic.PostNmi();
        apic.Reset();
        Assert.True(apic.IsX2Apic);
        Assert.False(apic.HasNmi);
        Assert.True(apic.WriteMsr(Spurious, 0x1ff));
        Assert.Equal(-1, apic.HighestPending());
    }

    [Fact]
    public void RequestsOfOtherProcessorsAreNeverLost()
    {
        const int rounds = 200_000;
        LocalApic apic = Enabled();
        using Barrier start = new(2);
        int posted = 0;
        Thread other = new(() =>
        {
            start.SignalAndWait();
            for (int i = 0; i < rounds; i++)
            {
                if (apic.Post((byte)(0xf0 + (i & 3))))
                    posted++;
            }
        });
        other.Start();
        start.SignalAndWait();
        int taken = 0;
        bool ended = false;
        while (true)
        {
            int vector = apic.HighestPending();
            if (vector < 0)
            {
                if (ended)
                    break;
                ended = other.Join(0);
                continue;
            }

            apic.Accept(vector);
            apic.EndOfInterrupt();
            taken++;
        }

        Assert.Equal(posted, taken);
    }
}
