// SPDX-License-Identifier: MIT
// Delivery in the 2-level format, upcalls, and the vcpu_info area.

using System;
using System.Buffers.Binary;
using XenSharp.Abi;
using XenSharp.Core.EventChannels;
using XenSharp.Core.Hypercalls;
using XenSharp.Core.Vcpus;
using XenSharp.Testing;
using Xunit;

namespace XenSharp.Tests.Unit.EventChannels;

public class TwoLevelTests
{
    private const int PendingBitmap = 2048, MaskBitmap = 2560;

    private readonly TestHost _machine = new();
    private readonly TestDomain _guest;

    public TwoLevelTests() => _guest = _machine.AddDomain(5, vcpus: 40);

    [Fact]
    public void SendSetsPendingSelectorAndUpcall()
    {
        uint port = Ipi(1);
        Assert.Equal(0, _guest.Send(port));
        Assert.True(Bit(_guest.SharedInfo, PendingBitmap, port));
        Assert.Equal(1ul << (int)(port / 64), Selector(1));
        Assert.Equal(1, _guest.VcpuInfo(1)[0]);
        Assert.Equal(0ul, Selector(0));
        Assert.Equal(0, _guest.VcpuInfo(0)[0]);
    }

    [Fact]
    public void PortsBeyond64UseTheirSelectorBit()
    {
        uint port = 0;
        while (port < 200)
            port = Ipi(0);
        _guest.Send(port);
        Assert.Equal(1ul << 3, Selector(0));
    }

    [Fact]
    public void MaskedPortWaitsForUnmask()
    {
        uint port = Ipi(0);
        SetMask(port);
        _guest.Send(port);
        Assert.True(Bit(_guest.SharedInfo, PendingBitmap, port));
        Assert.Equal((0ul, 0), (Selector(0), _guest.VcpuInfo(0)[0]));
        Assert.Equal(0, _guest.Unmask(port));
        Assert.False(Bit(_guest.SharedInfo, MaskBitmap, port));
        Assert.Equal((1ul, 1), (Selector(0), _guest.VcpuInfo(0)[0]));
    }

    [Fact]
    public void UnmaskOfWhatIsNotMaskedOrNotPendingDoesNothing()
    {
        uint port = Ipi(0);
        _guest.Unmask(port);
        SetMask(port);
        _guest.Unmask(port);
        Assert.Equal((0ul, 0), (Selector(0), _guest.VcpuInfo(0)[0]));
    }

    [Fact]
    public void SecondSendIsMergedUntilTheGuestClearsPending()
    {
        uint port = Ipi(0);
        _guest.Send(port);
        _guest.VcpuInfo(0).Clear();
        _guest.Send(port);
        Assert.Equal((0ul, 0), (Selector(0), _guest.VcpuInfo(0)[0]));
        _guest.SharedInfo[PendingBitmap] = 0;
        _guest.Send(port);
        Assert.Equal((1ul, 1), (Selector(0), _guest.VcpuInfo(0)[0]));
    }

    [Fact]
    public void CloseClearsPending()
    {
        uint port = Ipi(0);
        _guest.Send(port);
        _guest.Close(port);
        Assert.False(Bit(_guest.SharedInfo, PendingBitmap, port));
    }

    [Fact]
    public void UpcallComesThroughTheLocalApic()
    {
        _guest.Vcpu(0).UpcallVector = 0xf3;
        _guest.Send(Ipi(0));
        Assert.Equal(-1, _guest.Vcpu(0).Apic.HighestPending());
        EnableApic(0);
        _guest.VcpuInfo(0).Clear();
        _guest.Send(Ipi(0));
        Assert.Equal(0xf3, _guest.Vcpu(0).Apic.HighestPending());
    }

    [Fact]
    public void CallbackVectorNeedsNoApic()
    {
        _guest.Send(Ipi(0));
        Assert.False(_guest.Vcpu(0).CallbackVectorPending);
        _guest.Domain.SetHvmParameter(0, (2ul << 56) | 0xf3);
        Assert.True(_guest.Vcpu(0).CallbackVectorPending);
        Assert.Equal(0xf3, _guest.Vcpu(0).CallbackVector);
        _guest.VcpuInfo(0)[0] = 0;
        Assert.False(_guest.Vcpu(0).CallbackVectorPending);
    }

    [Fact]
    public void VirqsReachTheirVcpu()
    {
        _guest.BindVirq((uint)VirtualIrq.Timer, 1, out uint timer);
        _guest.BindVirq((uint)VirtualIrq.Console, 0, out uint console);
        EventChannelTable channels = _guest.Domain.EventChannels;
        channels.RaiseVcpuVirq(_guest.Vcpu(0), VirtualIrq.Timer, _machine.Cpu());
        Assert.False(_guest.IsPending(timer));
        channels.RaiseVcpuVirq(_guest.Vcpu(1), VirtualIrq.Timer, _machine.Cpu());
        Assert.True(_guest.IsPending(timer));
        Assert.Equal(1, _guest.VcpuInfo(1)[0]);
        _guest.BindVcpu(console, 2);
        _machine.Host.HardwareDomain = _guest.Domain;
        GlobalVirtualIrq.Send(_machine.Host, VirtualIrq.Console, _machine.Cpu());
        Assert.True(_guest.IsPending(console));
        Assert.Equal(1, _guest.VcpuInfo(2)[0]);
        Assert.True(channels.IsVirqBound(_guest.Vcpu(3), VirtualIrq.Console));
        Assert.False(channels.IsVirqBound(_guest.Vcpu(3), VirtualIrq.Timer));
    }

    [Fact]
    public void HandlersReplaceTheHardwareDomain()
    {
        TestDomain handler = _machine.AddDomain(6);
        handler.BindVirq((uint)VirtualIrq.DomainException, 0, out uint port);
        Assert.Equal(-22, _machine.Host.VirtualIrqHandlers.Set((uint)VirtualIrq.Timer, handler.Domain, _machine.Cpu()));
        Assert.Equal(-22, _machine.Host.VirtualIrqHandlers.Set(24, handler.Domain, _machine.Cpu()));
        Assert.Equal(0, _machine.Host.VirtualIrqHandlers.Set((uint)VirtualIrq.DomainException, handler.Domain, _machine.Cpu()));
        GlobalVirtualIrq.Send(_machine.Host, VirtualIrq.DomainException, _machine.Cpu());
        Assert.True(handler.IsPending(port));
    }

    [Fact]
    public void VcpuInfoMovesOnceWithItsContent()
    {
        uint port = Ipi(0);
        _guest.Send(port);
        _guest.VcpuInfo(0)[40] = 0x5a;
        ulong page = _guest.TakePages();
        Assert.Equal(-6, Register(0, page, 4096 - 56));
        Assert.Equal(-6, Register(0, page, 4));
        Assert.Equal(-22, Register(0, 0xf_0000, 0));
        Assert.Equal(0, Register(0, page, 128));
        Assert.Equal(0x5a, _guest.VcpuInfo(0)[40]);
        Assert.Equal((ulong.MaxValue, 1), (Selector(0), _guest.VcpuInfo(0)[0]));
        Assert.Equal(2, _machine.Frames[_guest.Frame(page)].References);
        Assert.Equal(-22, Register(0, page, 256));
        Assert.Equal(2, _machine.Frames[_guest.Frame(page)].References);
        VcpuInfoArea.Unregister(_guest.Vcpu(0), _machine.Cpu());
        Assert.Equal(1, _machine.Frames[_guest.Frame(page)].References);
    }

    [Fact]
    public void VcpuWithoutALegacyPlaceFindsItsEventsWhenItRegisters()
    {
        Assert.False(_guest.Vcpu(35).Info.IsMapped);
        uint port = Ipi(35);
        Assert.Equal(0, _guest.Send(port));
        ulong page = _guest.TakePages();
        Assert.Equal(0, Register(35, page, 64));
        Assert.Equal((ulong.MaxValue, 1), (Selector(35), _guest.VcpuInfo(35)[0]));
    }

    [Fact]
    public void DumpHasTheFormOfXen()
    {
        TestDomain other = _machine.AddDomain(7);
        uint ipi = Ipi(3);
        _guest.AllocUnbound(DomainIds.Self, 7, out uint far);
        other.BindInterdomain(5, far, out _);
        _guest.AllocUnbound(DomainIds.Self, 9, out _);
        _guest.BindVirq((uint)VirtualIrq.Timer, 1, out _);
        SetMask(ipi);
        _guest.Send(ipi);
        EventChannelDump.DumpEventChannels(_machine.Host, _machine.Cpu());
        string text = _machine.Platform.ConsoleText.Replace("\r", "");
        Assert.Contains("(XEN) 'e' pressed -> dumping event-channel info\n", text);
        Assert.Contains("(XEN) Event channel information for domain 5:\n(XEN) Polling vCPUs: {}\n(XEN)     port [p/m/s]\n", text);
        Assert.Contains("(XEN)        1 [1/1/0]: s=6 n=3 x=0\n", text);
        Assert.Contains("(XEN)        2 [0/0/0]: s=3 n=0 x=0 d=7 p=1\n", text);
        Assert.Contains("(XEN)        3 [0/0/0]: s=2 n=0 x=0 d=9\n", text);
        Assert.Contains("(XEN)        4 [0/0/0]: s=5 n=1 x=0 v=0\n", text);
        Assert.Contains("(XEN)        1 [1/0/1]: s=3 n=0 x=0 d=5 p=2\n", text);
    }

    private uint Ipi(uint vcpu)
    {
        Assert.Equal(0, _guest.BindIpi(vcpu, out uint port));
        return port;
    }

    private long Register(int vcpu, ulong gfn, ulong offset) => VcpuInfoArea.Register(_guest.Vcpu(vcpu), gfn, offset, _machine.Cpu());

    private void SetMask(uint port) => _guest.SharedInfo[MaskBitmap + (int)(port / 8)] |= (byte)(1 << (int)(port % 8));

    private ulong Selector(int vcpu) => BinaryPrimitives.ReadUInt64LittleEndian(_guest.VcpuInfo(vcpu).Slice(8));

    private static bool Bit(Span<byte> bytes, int offset, uint bit) => (bytes[offset + (int)(bit / 8)] & (1 << (int)(bit % 8))) != 0;

    private void EnableApic(int vcpu)
    {
        // x2APIC mode, then the spurious-interrupt register.
        Assert.True(_guest.Vcpu(vcpu).Apic.WriteMsr(0x1b, 0xfee0_0d00));
        Assert.True(_guest.Vcpu(vcpu).Apic.WriteMsr(0x80f, 0x1ff));
    }
}
