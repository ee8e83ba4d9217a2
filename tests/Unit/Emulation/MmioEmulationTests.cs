// SPDX-License-Identifier: MIT
// Guest instructions at the APICs' registers and at nothing.

using System;
using XenSharp.Core.Emulation;
using XenSharp.Edge;
using XenSharp.Testing;
using Xunit;

namespace XenSharp.Tests.Unit.Emulation;

public sealed class MmioEmulationTests
{
    private const ulong Code = 0x3000, Hole = 0xf000_0000;
    private readonly TestHost _machine = new();
    private readonly TestDomain _dom0;
    private readonly FakeVcpuContext _context;

    public MmioEmulationTests()
    {
        _dom0 = _machine.AddDom0();
        _dom0.Domain.IoApics.Add(0, 0xfec00000, 0, 24);
        _context = _dom0.Context();
    }

    [Fact]
    public void ReadsTheLocalApicsVersion()
    {
        _context.Rax = ulong.MaxValue;
        Run("8b04253000e0fe", 0xfee00030);
        Assert.Equal(0x50014UL, _context.Rax);
        Assert.Equal(Code + 7, _context.Rip);
    }

    [Fact]
    public void WritesRegistersOfBothApics()
    {
        _context.Rcx = 0x1ff;
        Run("890b", 0xfee000f0);
        Assert.True(_dom0.Vcpu().Apic.IsEnabled);
        Run("c60301", 0xfec00000);
        Run("8b03", 0xfec00010);
        Assert.Equal(0x00170011UL, _context.Rax);
    }

    [Fact]
    public void NothingReadsAsOnesAndTakesWrites()
    {
        _context.Rbx = 0x1122_3344_5566_7788;
        Run("8a2f", Hole);
        Run("8b1f", Hole);
        Assert.Equal(0xffff_ffffUL, _context.Rbx);
        _context.Rbx = 0x1122_3344_5566_7788;
        Run("668b1f", Hole);
        Assert.Equal(0x1122_3344_5566_ffffUL, _context.Rbx);
        Run("8a3f", Hole);
        Run("480fbe1f", Hole);
        Assert.Equal(ulong.MaxValue, _context.Rbx);
        Run("0fb61f", Hole);
        Assert.Equal(0xffUL, _context.Rbx);
        Run("891f", Hole);
        Assert.Equal(Code + 2, _context.Rip);
    }

    [Fact]
    public void HighByteRegistersKeepTheirNeighbours()
    {
        _context.Rcx = 0x1234_5678;
        Run("8a2f", Hole);
        Assert.Equal(0x1234_ff78UL, _context.Rcx);
        Assert.Empty(_context.InjectedExceptions);
    }

    [Fact]
    public void UnknownInstructionsAreNamedAndRefused()
    {
        Run("81fbffffffff", Hole);
        Assert.Equal((13, 0), Assert.Single(_context.InjectedExceptions));
        Assert.Equal(Code, _context.Rip);
        Assert.Contains("81 fb ff", _machine.Platform.ConsoleText);
    }

    [Theory]
    [InlineData("813fffffffff", 0x46UL)] // cmp [rdi], ~0: equal
    [InlineData("833f01", 0x82UL)] // ~0 - 1: negative
    [InlineData("390f", 0x86UL)] // ~0 - ecx with ecx = 0
    [InlineData("3b0f", 0x13UL)] // ecx - ~0: carry, adjust
    [InlineData("f70700000080", 0x86UL)] // test sign bit
    [InlineData("f60700", 0x46UL)] // test with 0
    public void SetsFlagsAsTheProcessorDoes(string bytes, ulong flags)
    {
        _context.Rflags = 0x8d5 | 2;
        Run(bytes, Hole);
        Assert.Equal(flags, _context.Rflags);
    }

    [Fact]
    public void AnInstructionAcrossPagesIsFetchedWhole()
    {
        Run("48c707785634f2", Hole, 0x3ffd);
        Assert.Equal(0x4004UL, _context.Rip);
    }

    [Fact]
    public void CodeThatIsGoneIsLeftToTheGuest()
    {
        _context.Rip = 0x7000_0000;
        MmioEmulation.Emulate(_dom0.Vcpu(), Hole, _machine.Cpu());
        Assert.Equal(0x7000_0000UL, _context.Rip);
        Assert.Empty(_context.InjectedExceptions);
    }

    private void Run(string bytes, ulong address, ulong code = Code)
    {
        byte[] instruction = Convert.FromHexString(bytes);
        for (int i = 0; i < instruction.Length; i++)
            _dom0.Write(code + (ulong)i, in instruction[i]);
        _context.Rip = code;
        MmioEmulation.Emulate(_dom0.Vcpu(), address, _machine.Cpu());
    }
}
