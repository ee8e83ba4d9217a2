// SPDX-License-Identifier: MIT
// Which I/O ports a domain reaches, and what the emulated ones answer.

using System;
using System.Text;
using XenSharp.Core.Console;
using XenSharp.Core.Emulation;
using XenSharp.Testing;
using Xunit;

namespace XenSharp.Tests.Unit.Emulation;

public sealed class PortAccessTests
{
    private readonly TestHost _machine = new();
    private readonly TestDomain _dom0;
    private readonly PortAccess _ports;

    public PortAccessTests()
    {
        _dom0 = _machine.AddDom0();
        _ports = _dom0.Domain.Ports;
        _ports.HideUart(0x3f8);
        _machine.Host.Console.GuestThresholds.Set(LogThresholds.All, LogThresholds.All);
    }

    [Theory]
    [InlineData(0x20, true), InlineData(0x21, true), InlineData(0x22, false), InlineData(0xa1, true), InlineData(0x40, true), InlineData(0x43, true)]
    [InlineData(0x60, false), InlineData(0x61, true), InlineData(0x64, false), InlineData(0x70, true), InlineData(0x72, false), InlineData(0xe9, true)]
    [InlineData(0x3f7, false), InlineData(0x3f8, true), InlineData(0x3ff, true), InlineData(0x400, false), InlineData(0x604, false)]
    [InlineData(0x608, false), InlineData(0xcf8, true), InlineData(0xcf9, false), InlineData(0xcfc, true), InlineData(0xcff, true), InlineData(0xd00, false)]
    public void OnlyEmulatedPortsAreIntercepted(int port, bool intercepted) => Assert.Equal(intercepted, _ports.MustIntercept((ushort)port));

    [Fact]
    public void AGuestWithoutDevicesReachesNoPort()
    {
        PortAccess ports = _machine.AddDomain(3).Domain.Ports;
        _machine.Platform.PortValues[0x64] = 0x1c;
        Assert.True(ports.MustIntercept(0x64));
        Assert.Equal(0xffU, ports.In(0x64, 1, _machine.Cpu()));
        ports.Out(0x64, 1, 0xfe, _machine.Cpu());
        Assert.Empty(_machine.Platform.Log);
    }

    [Fact]
    public void TimerReadsAsZeroAndInterruptControllersAsOnes()
    {
        Assert.Equal(0U, In(0x42, 1));
        Assert.Equal(0xffU, In(0x61, 1));
        Assert.Equal(0xffU, In(0x21, 1));
        Assert.Equal(0xffffU, In(0x3f8, 2));
        Out(0x43, 1, 0x34);
        Out(0x21, 1, 0xff);
        Assert.Empty(_machine.Platform.Log);
    }

    [Fact]
    public void WideAccessesDoNotReachAcrossIntoHiddenPorts()
    {
        _machine.Platform.PortValues[0x3f6] = 0;
        Assert.Equal(uint.MaxValue, In(0x3f6, 4));
        Out(0x3f6, 4, 0);
        Assert.Empty(_machine.Platform.Log);
        _machine.Platform.PortValues[0xcf9] = 6;
        Assert.Equal(6U, In(0xcf9, 1));
    }

    [Fact]
    public void ClockRegistersAreAddressedInOneStep()
    {
        _machine.Platform.PortValues[0x71] = 0x26;
        Out(0x70, 1, 0x8b);
        Assert.Equal(0x0bU, In(0x70, 1));
        Assert.Equal(0x26U, In(0x71, 1));
        Out(0x71, 1, 0x12);
        Assert.Equal(["out8 70 b", "out8 70 b", "out8 71 12"], _machine.Platform.Log);
    }

    [Fact]
    public void PciRegistersAreReachedThroughTheLatch()
    {
        Assert.Equal(uint.MaxValue, In(0xcfc, 4));
        Assert.Empty(_machine.Platform.Log);
        Out(0xcf8, 4, 0x8012_3448);
        Assert.Equal(0x8012_3448U, In(0xcf8, 4));
        Assert.Empty(_machine.Platform.Log);
        _machine.Platform.PortValues[0xcfe] = 0x5678;
        Assert.Equal(0x5678U, In(0xcfe, 2));
        Assert.Equal(uint.MaxValue, In(0xcfd, 4));
        Out(0xcfd, 1, 0x42);
        Assert.Equal(["out32 cf8 80123448", "out32 cf8 80123448", "out8 cfd 42"], _machine.Platform.Log);
    }

    [Fact]
    public void DebugConsoleComesOutInLines()
    {
        foreach (byte character in Encoding.ASCII.GetBytes("half a li"))
            Out(0xe9, 1, character);
        Assert.DoesNotContain("half", _machine.Platform.ConsoleText);
        foreach (byte character in Encoding.ASCII.GetBytes("ne\r\nnext"))
            Out(0xe9, 1, character);
        Assert.Contains("(d0) half a line\r\n", _machine.Platform.ConsoleText);
        Assert.DoesNotContain("next", _machine.Platform.ConsoleText);
        for (int i = 0; i < 400; i++)
            Out(0xe9, 1, (byte)'x');
        Assert.Contains("nextxxx", _machine.Platform.ConsoleText);
    }

    [Fact]
    public void StringOutputIsContinuedUntilItsEnd()
    {
        byte[] text = Encoding.ASCII.GetBytes(new string('a', 299) + "\n");
        for (int i = 0; i < text.Length; i++)
            _dom0.Write(0x5000 + (ulong)i, in text[i]);
        PutCode("f36e");
        _dom0.Context().Rsi = 0x5000;
        _dom0.Context().Rcx = 300;
        StringPortAccess.Out(_dom0.Vcpu(), 0xe9, 1, true, 0x3002, _machine.Cpu());
        Assert.Equal(0x3000UL, _dom0.Context().Rip);
        Assert.Equal(44UL, _dom0.Context().Rcx);
        StringPortAccess.Out(_dom0.Vcpu(), 0xe9, 1, true, 0x3002, _machine.Cpu());
        Assert.Equal(0x3002UL, _dom0.Context().Rip);
        Assert.Equal(0UL, _dom0.Context().Rcx);
        Assert.Equal(0x5000UL + 300, _dom0.Context().Rsi);
        Assert.Contains(new string('a', 139) + "\r\n", _machine.Platform.ConsoleText);
    }

    [Fact]
    public void StringInputGoesBackwardsWithTheDirectionFlag()
    {
        PutCode("66676d");
        _dom0.Context().Rdi = 0xdead_0000_5002;
        _dom0.Context().Rflags = 0x402;
        StringPortAccess.In(_dom0.Vcpu(), 0x21, 2, false, 0x3003, _machine.Cpu());
        Assert.Equal(0xffff, _dom0.Read<ushort>(0x5002));
        Assert.Equal(0x5000UL, _dom0.Context().Rdi);
        _dom0.Context().Rdi = 0x7000_0000;
        _dom0.Context().Rip = 0x3000;
        StringPortAccess.In(_dom0.Vcpu(), 0x21, 2, false, 0x3003, _machine.Cpu());
        Assert.Equal((13, 0), Assert.Single(_dom0.Context().InjectedExceptions));
        Assert.Equal(0x3000UL, _dom0.Context().Rip);
    }

    private void PutCode(string bytes)
    {
        byte[] code = Convert.FromHexString(bytes);
        for (int i = 0; i < code.Length; i++)
            _dom0.Write(0x3000 + (ulong)i, in code[i]);
        _dom0.Context().Rip = 0x3000;
    }

    private uint In(ushort port, int size) => _ports.In(port, size, _machine.Cpu());

    private void Out(ushort port, int size, uint value) => _ports.Out(port, size, value, _machine.Cpu());
}
