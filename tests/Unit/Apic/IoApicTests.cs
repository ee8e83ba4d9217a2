// SPDX-License-Identifier: MIT
// Redirection entries, edges, levels and their ends.

using System.Collections.Generic;
using XenSharp.Devices.Apic;
using Xunit;

namespace XenSharp.Tests.Unit.Apic;

public sealed class IoApicTests
{
    private const uint Masked = 0x10000, Level = 0x8000, ActiveLow = 0x2000;
    private readonly Host _host = new();
    private readonly IoApic _apic;

    public IoApicTests() => _apic = new IoApic(_host, 2, 0xfec00000, 16, 24);

    [Fact]
    public void IdentifiesItselfLikeTheMachinesOwn()
    {
        Assert.Equal(0x00170011U, Register(1));
        Assert.Equal(2U << 24, Register(0));
        Assert.Equal(Masked, Register(0x10));
        Assert.Equal(0U, Register(0x10 + 48));
        Assert.True(_apic.Decodes(0xfec00010));
        Assert.True(_apic.HasGsi(39));
        Assert.False(_apic.HasGsi(40));
    }

    [Fact]
    public void UnmaskingBindsTheLineOnce()
    {
        Program(3, 0x31);
        Program(3, 0x31 | Masked);
        Program(3, 0x31);
        Assert.Equal(["bind 19 False False"], _host.Log);
        Program(3, 0x31 | Level | ActiveLow);
        Assert.Equal("bind 19 True True", _host.Log[1]);
    }

    [Fact]
    public void EdgesAreSentAtOnceAndLostWhileMasked()
    {
        Program(0, 0x40);
        _apic.Assert(16);
        _apic.Assert(16);
        Assert.Equal(2, _host.Sent.Count);
        Program(0, 0x40 | Masked);
        _apic.Assert(16);
        Program(0, 0x40);
        Assert.Equal(2, _host.Sent.Count);
    }

    [Fact]
    public void ALevelIsSentOnceUntilItsEnd()
    {
        Program(1, 0x51 | Level);
        _apic.Assert(17);
        _apic.Assert(17);
        Assert.Single(_host.Sent);
        Assert.True(_host.Sent[0].IsLevel);
        Assert.Equal(0x51U | Level | 0x4000, Register(0x12));
        _apic.EndOfInterrupt(0x50);
        Assert.DoesNotContain("end 17", _host.Log);
        _apic.EndOfInterrupt(0x51);
        Assert.Contains("end 17", _host.Log);
        _apic.Assert(17);
        Assert.Equal(2, _host.Sent.Count);
    }

    [Fact]
    public void ALevelThatCameWhileMaskedIsSentAtUnmask()
    {
        Program(1, 0x51 | Level);
        Program(1, 0x51 | Level | Masked);
        _apic.Assert(17);
        Assert.Empty(_host.Sent);
        Program(1, 0x51 | Level);
        Assert.Single(_host.Sent);
    }

    [Fact]
    public void ALevelThatNobodyTakesIsTriedAgain()
    {
        _host.Takes = false;
        Program(1, 0x51 | Level);
        _apic.Assert(17);
        Assert.Equal(0x51U | Level, Register(0x12));
        _host.Takes = true;
        Program(1, 0x51 | Level);
        Assert.Equal(0x51U | Level | 0x4000, Register(0x12));
    }

    [Fact]
    public void DestinationAndModeAreTakenFromTheEntry()
    {
        _apic.Write(0, 0x15);
        _apic.Write(0x10, 0x06000000);
        Program(2, 0x0000_0961);
        _apic.Assert(18);
        Assert.Equal(6U, _host.Sent[0].Destination);
        Assert.True(_host.Sent[0].IsLogical);
        Assert.Equal(ApicDeliveryMode.LowestPriority, _host.Sent[0].Mode);
        Program(2, 0x0000_0761);
        _apic.Assert(18);
        Assert.Contains("unsupported 18", _host.Log);
    }

    private void Program(uint pin, uint low)
    {
        _apic.Write(0, 0x10 + (2 * pin));
        _apic.Write(0x10, low);
    }

    private uint Register(uint index)
    {
        _apic.Write(0, index);
        return _apic.Read(0x10);
    }

    private sealed class Host : IoApicHost
    {
        public List<string> Log { get; } = [];

        public List<ApicMessage> Sent { get; } = [];

        public bool Takes { get; set; } = true;

        public override bool Deliver(in ApicMessage message)
        {
            Sent.Add(message);
            return Takes;
        }

        public override void Bind(int gsi, bool levelTriggered, bool activeLow) => Log.Add($"bind {gsi} {levelTriggered} {activeLow}");

        public override void EndOfInterrupt(int gsi) => Log.Add($"end {gsi}");

        public override void ReportUnsupported(int gsi, ApicDeliveryMode mode) => Log.Add($"unsupported {gsi}");
    }
}
