// SPDX-License-Identifier: MIT
// CPUID of a PVH domain against the record of real Xen, and its dynamic parts.

using System.Collections.Generic;
using XenSharp.Core.CpuPolicy;
using XenSharp.Devices.Apic;
using XenSharp.Edge;
using XenSharp.Testing;
using Xunit;

namespace XenSharp.Tests.Unit.CpuPolicy;

public sealed class CpuidPolicyTests
{
    private readonly GoldenCpu _golden = GoldenCpu.Load();
    private readonly TestHost _machine = new();
    private readonly TestDomain _dom0;

    public CpuidPolicyTests()
    {
        _dom0 = _machine.AddDom0(vcpus: 2);
        _dom0.Domain.Cpuid = new CpuidPolicy(Host());
        _dom0.Vcpu().EnabledStates = 3;
        _dom0.Context().Control4 = 0;
    }

    [Fact]
    public void EqualsWhatXenShows()
    {
        List<string> differences = [];
        foreach (((uint leaf, uint subleaf), uint?[] expected) in _golden.Leaves)
        {
            // Time values depend on the machine.
            if (leaf == 0x4000_0003)
                continue;
            (uint eax, uint ebx, uint ecx, uint edx) = Get(leaf, subleaf);
            if (eax != expected[0] || ebx != expected[1] || ecx != expected[2] || edx != expected[3])
                differences.Add($"{leaf:x}/{subleaf}: {eax:x} {ebx:x} {ecx:x} {edx:x}, on Xen {expected[0]:x} {expected[1]:x} {expected[2]:x} {expected[3]:x}");
        }

        Assert.Empty(differences);
        Assert.True(_golden.Leaves.Count > 90);
    }

    [Fact]
    public void TimeLeafNamesTheClock()
    {
        Assert.Equal((2U, 0U, 2_000_000U, 1U), Get(0x4000_0003, 0));
        (_, _, uint multiplier, uint shift) = Get(0x4000_0003, 1);
        Assert.Equal((0x8000_0000U, 0U), (multiplier, shift));
        Assert.Equal(2_000_000U, Get(0x4000_0003, 2).Eax);
    }

    [Fact]
    public void EveryVcpuHasItsOwnNumber()
    {
        Assert.Equal(2U << 24 | 0x800, Get(1, 0, 1).Ebx);
        Assert.Equal(2U, Get(0xb, 1, 1).Edx);
        Assert.Equal(1U, Get(0x4000_0004, 0, 1).Ebx);
        TestDomain guest = _machine.AddDomain(7);
        Assert.Equal(7U, guest.Domain.Cpuid.Leaf(guest.Vcpu(), 0x4000_0004, 0).Ecx);
    }

    [Fact]
    public void SystemBitsFollowControlRegistersAndMode()
    {
        Assert.Equal(0U, Get(1, 0).Ecx & (1 << 27));
        _dom0.Context().Control4 = 1 << 18;
        Assert.NotEqual(0U, Get(1, 0).Ecx & (1 << 27));
        _dom0.Vcpu().EnabledStates = 7;
        Assert.Equal(0x340U, Get(0xd, 0).Ebx);
        LocalApic apic = _dom0.Vcpu().Apic;
        Assert.NotEqual(0U, Get(1, 0).Edx & (1 << 9));
        Assert.True(apic.WriteMsr(LocalApic.BaseMsr, 0xfee00100));
        Assert.Equal(0U, Get(1, 0).Edx & (1 << 9));
        Assert.Equal(0U, Get(0x8000_0001, 0).Edx & (1 << 9));
    }

    [Theory]
    [InlineData(0UL, false), InlineData(1UL, true), InlineData(2UL, false), InlineData(3UL, true), InlineData(5UL, false), InlineData(7UL, true)]
    [InlineData(0x207UL, false), InlineData(0xe7UL, false), InlineData(1UL << 63, false)]
    public void ExtendedStatesAreCheckedLikeTheProcessorDoes(ulong value, bool allowed) =>
        Assert.Equal(allowed, _dom0.Domain.Cpuid.MaySetStates(value));

    [Fact]
    public void StatesThatThePortCannotSwitchAreNotOffered()
    {
        HostCpuid host = Host();
        host.UsableStates = 0;
        _dom0.Domain.Cpuid = new CpuidPolicy(host);
        Assert.Equal(0U, Get(1, 0).Ecx & ((1 << 26) | (1 << 28) | (1 << 29) | (1 << 12)));
        Assert.Equal(0U, Get(7, 0).Ebx & (1 << 5));
        Assert.Equal((0U, 0U, 0U, 0U), Get(0xd, 0));
        Assert.False(_dom0.Domain.Cpuid.MaySetStates(1));
    }

    private HostCpuid Host() => new(new VirtualPlatform { CpuidAnswer = _golden.Machine });

    private (uint Eax, uint Ebx, uint Ecx, uint Edx) Get(uint leaf, uint subleaf, int vcpu = 0)
    {
        CpuidPolicy.Get(_dom0.Vcpu(vcpu), leaf, subleaf, out uint eax, out uint ebx, out uint ecx, out uint edx);
        return (eax, ebx, ecx, edx);
    }
}
