// SPDX-License-Identifier: MIT
// Model-specific registers of a PVH dom0 against the record of real Xen.

using System;
using System.Collections.Generic;
using XenSharp.Core.Console;
using XenSharp.Core.CpuPolicy;
using XenSharp.Core.Vcpus;
using XenSharp.Edge;
using XenSharp.Testing;
using Xunit;

namespace XenSharp.Tests.Unit.CpuPolicy;

public sealed class MsrPolicyTests
{
    private readonly GoldenCpu _golden = GoldenCpu.Load();
    private readonly TestHost _machine = new();
    private readonly TestDomain _dom0;
    private readonly Vcpu _vcpu;

    public MsrPolicyTests()
    {
        _dom0 = _machine.AddDom0();
        _vcpu = _dom0.Vcpu();
        _dom0.Domain.Cpuid = new CpuidPolicy(new HostCpuid(new VirtualPlatform { CpuidAnswer = _golden.Machine }));

        // What the port hands over from the machine.
        _machine.Host.Cpuid.PatchLevel = 0x1000065;
        _vcpu.Msrs.Pat = VcpuMsrs.HostPat;
        _vcpu.Msrs.MtrrVariable[0] = 0xc000_0000;
        _vcpu.Msrs.MtrrVariable[1] = 0xff_c000_0800;
    }

    [Fact]
    public void ReadsEqualXens()
    {
        List<string> differences = [];
        foreach ((uint msr, ulong? expected) in _golden.Reads)
        {
            if (IsThePorts(msr))
                continue;
            ulong? found = MsrPolicy.Read(_vcpu, msr, out ulong value) ? value : null;
            if (found != expected)
                differences.Add($"{msr:x}: {found:x}, on Xen {expected:x}");
        }

        Assert.Empty(differences);
        Assert.True(_golden.Reads.Count > 150);
    }

    [Fact]
    public void WritesAreAcceptedWhereXenAcceptsThem()
    {
        List<string> differences = [];
        foreach ((uint msr, string what, bool accepted) in _golden.Writes)
        {
            MsrPolicy.Read(_vcpu, msr, out ulong value);
            if (what != "its own value")
                value = what == "zero" ? 0 : ulong.MaxValue;
            if (MsrPolicy.Write(_vcpu, msr, value) != accepted)
                differences.Add($"{msr:x} {what}: on Xen {accepted}");
        }

        Assert.Empty(differences);
        Assert.True(_golden.Writes.Count > 30);
    }

    [Fact]
    public void MemoryTypesAreKeptAndChecked()
    {
        Assert.True(MsrPolicy.Write(_vcpu, 0x205, 0xff_8000_0800));
        Assert.True(MsrPolicy.Read(_vcpu, 0x205, out ulong value) && value == 0xff_8000_0800);
        Assert.False(MsrPolicy.Write(_vcpu, 0x205, 0x100_0000_0800));
        Assert.False(MsrPolicy.Write(_vcpu, 0x204, 2));
        Assert.False(MsrPolicy.Write(_vcpu, 0x204, 0x106));
        Assert.True(MsrPolicy.Write(_vcpu, 0x26f, 0x0001_0405_0606_0000));
        Assert.True(MsrPolicy.Read(_vcpu, 0x26f, out value) && value == 0x0001_0405_0606_0000);
        Assert.False(MsrPolicy.Write(_vcpu, 0x26f, 0x0300_0000_0000_0000));
        Assert.False(MsrPolicy.Write(_vcpu, 0x277, 0x0002_0000_0000_0000));
        Assert.False(MsrPolicy.Write(_vcpu, 0x2ff, 0x1000));
        Assert.False(MsrPolicy.Read(_vcpu, 0x251, out _));
        Assert.False(MsrPolicy.Read(_vcpu, 0x210, out _));
    }

    [Fact]
    public void HypercallPageHoldsCallsByNumber()
    {
        ulong page = _dom0.TakePages();
        Assert.True(MsrPolicy.Write(_vcpu, MsrPolicy.HypercallPage, page << 12));
        Span<byte> bytes = _dom0.Page(page);
        Assert.Equal([0xb8, 0x7f, 0, 0, 0, 0x0f, 0x01, 0xd9, 0xc3], bytes.Slice(127 * 32, 9).ToArray());
        Assert.Equal([0x0f, 0x0b], bytes.Slice(23 * 32, 2).ToArray());
        Assert.Equal(0xb8, bytes[0]);
        Assert.False(MsrPolicy.Write(_vcpu, MsrPolicy.HypercallPage, (page << 12) + 1));
        Assert.False(MsrPolicy.Write(_vcpu, MsrPolicy.HypercallPage, 0x7000_0000));
    }

    [Fact]
    public void UnknownRegistersAreNamedOnTheConsoleWhenAsked()
    {
        _machine.Host.Console.GuestThresholds.Set(LogThresholds.All, LogThresholds.All);
        Assert.False(MsrPolicy.Read(_vcpu, 0x12345678, out _));
        Assert.Contains("RDMSR 12345678", _machine.Platform.ConsoleText);
    }

    // Registers that the port keeps in its own structures.
    private static bool IsThePorts(uint msr) =>
        msr is (>= 0x174 and <= 0x176) or (>= 0xc000_0080 and <= 0xc000_0084) or (>= 0xc000_0100 and <= 0xc000_0102);
}
