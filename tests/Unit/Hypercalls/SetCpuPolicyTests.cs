// SPDX-License-Identifier: MIT
// XEN_DOMCTL_get_cpu_policy and set_cpu_policy of another domain.

using System.Collections.Generic;
using XenSharp.Core.CpuPolicy;
using XenSharp.Edge;
using XenSharp.Testing;
using XenSharp.Tests.Unit.CpuPolicy;
using Xunit;
using static XenSharp.Tests.Unit.Hypercalls.HypercallGuest;

namespace XenSharp.Tests.Unit.Hypercalls;

public class SetCpuPolicyTests
{
    private const uint GetPolicy = 82, SetPolicy = 83, Unpause = 4, NoSubleaf = 0xffff_ffff;
    private const ulong Argument = 0, Leaves = 0x2000, Msrs = 0x4000;
    private const long TooBig = -7, Range = -34, Overflow = -75;

    private readonly TestHost _machine;
    private readonly TestDomain _dom0;
    private readonly TestDomain _guest;

    public SetCpuPolicyTests()
    {
        _machine = new TestHost();
        HostCpuid host = new(new VirtualPlatform { CpuidAnswer = GoldenCpu.Load().Machine });
        typeof(Core.Host).GetField("<Cpuid>k__BackingField", System.Reflection.BindingFlags.NonPublic | System.Reflection.BindingFlags.Instance)!.SetValue(_machine.Host, host);
        _dom0 = _machine.AddDom0();
        _guest = _machine.AddDomain(1, vcpus: 2);
    }

    [Fact]
    public void WhatWasReadCanBeWrittenBackAndChangesNothing()
    {
        List<uint[]> before = Read();
        Assert.True(before.Count > 40);
        Write(before);
        Assert.Equal(0, Set(before.Count, 2));
        Assert.Equal(before, Read());
    }

    [Fact]
    public void LeavesThatAreNotNamedStay()
    {
        List<uint[]> before = Read();
        Assert.Equal(0, Set(0, 0));
        Assert.Equal(before, Read());
    }

    [Fact]
    public void DependentFeaturesGoWithWhatTheyNeed()
    {
        const uint xsave = 1 << 26, avx = 1 << 28, f16c = 1 << 29;
        uint[] leaf = Find(Read(), 1);
        Assert.NotEqual(0u, leaf[4] & avx);
        leaf[4] &= ~xsave;
        Write([leaf]);
        Assert.Equal(0, Set(1, 0));
        Assert.Equal(0u, Find(Read(), 1)[4] & (xsave | avx | f16c));
        Assert.Equal(0u, Find(Read(), 0xd)[2]);
        Assert.Equal(0u, _guest.Domain.Cpuid.Leaf(_guest.Vcpu(), 0xd, 0).Eax);
        Assert.False(_guest.Domain.Cpuid.MaySetStates(1));
    }

    [Fact]
    public void FeaturesThatTheMachineHasNotAreTakenAway()
    {
        const uint svm = 1 << 2, cmpLegacy = 2;
        uint[] leaf = Find(Read(), 0x8000_0001);
        leaf[4] |= svm | cmpLegacy;
        Write([leaf]);
        Assert.Equal(0, Set(1, 0));
        Assert.Equal(cmpLegacy, Find(Read(), 0x8000_0001)[4] & (svm | cmpLegacy));
    }

    [Fact]
    public void TheDomainSeesItsOwnNumbers()
    {
        uint[] leaf = Find(Read(), 1);
        leaf[2] = 0x0010_0f00;
        leaf[3] = (leaf[3] & 0xff00_ffff) | (4 << 16) | (77u << 24);
        Write([leaf]);
        Assert.Equal(0, Set(1, 0));
        CpuidPolicy.Get(_guest.Vcpu(1), 1, 0, out uint eax, out uint ebx, out _, out _);
        Assert.Equal((0x0010_0f00U, (2U << 24) | (4U << 16)), (eax, ebx & 0xffff_0000));
    }

    [Theory]
    [InlineData(0, 14, 0, 0xffff_ffff)]
    [InlineData(0x8000_0000, 0x8000_0022, 0x8000_0000, 0xffff_ffff)]
    public void LimitsAboveTheMachinesAreRefused(uint number, uint limit, uint badLeaf, uint badSubleaf)
    {
        List<uint[]> before = Read();
        uint[] leaf = Find(Read(), number);
        leaf[2] = limit;
        Write([leaf]);
        Assert.Equal(Invalid, Set(1, 0));
        Assert.Equal((badLeaf, badSubleaf, NoSubleaf), Errors());
        Assert.Equal(before, Read());
    }

    [Fact]
    public void ATooLargeSubleafOfSevenIsNamed()
    {
        uint[] leaf = Find(Read(), 7);
        leaf[2] = 3;
        Write([leaf]);
        Assert.Equal(Invalid, Set(1, 0));
        Assert.Equal((7u, 0u, NoSubleaf), Errors());
    }

    [Theory]
    [InlineData(0xe, NoSubleaf)]
    [InlineData(1, 0)]
    [InlineData(7, 3)]
    [InlineData(4, 6)]
    [InlineData(0xb, 2)]
    [InlineData(0xd, 63)]
    [InlineData(0x8000_0022, NoSubleaf)]
    [InlineData(0x4000_0001, NoSubleaf)]
    public void UnknownLeavesAreOutOfRange(uint leaf, uint subleaf)
    {
        Write([[leaf, subleaf, 0, 0, 0, 0]]);
        Assert.Equal(Range, Set(1, 0));
        Assert.Equal((leaf, subleaf, NoSubleaf), Errors());
    }

    [Theory]
    [InlineData(0xce, 0, 0UL, 0, 0xffff_ffff)]
    [InlineData(0xce, 0, 0x8000_0000UL, 0, 0xffff_ffff)]
    [InlineData(0xce, 0, 1UL, Invalid, 0xce)]
    [InlineData(0xce, 0, 1UL << 32, Overflow, 0xce)]
    [InlineData(0xce, 1, 0UL, Invalid, 0xce)]
    [InlineData(0x10a, 0, 7UL, 0, 0xffff_ffff)]
    [InlineData(0x10b, 0, 0UL, Range, 0x10b)]
    public void MsrsAreChecked(uint index, uint flags, ulong value, long expected, uint badMsr)
    {
        _dom0.WriteWords(Msrs, index | ((ulong)flags << 32), value);
        Assert.Equal(expected, Set(0, 1));
        if (expected != 0)
            Assert.Equal((NoSubleaf, NoSubleaf, badMsr), Errors());
        else if (index == 0xce)
            Assert.Equal(value, _guest.Domain.Cpuid.PlatformInformation);
    }

    [Fact]
    public void ListsAreBounded()
    {
        Assert.Equal(TooBig, Set(0x79, 0));
        Assert.Equal(TooBig, Set(0, 3));
        Request(SetPolicy, 1, 1, 0, Unmapped, 0);
        Assert.Equal(Fault, _dom0.Hypercall(Domctl, Argument));
    }

    [Fact]
    public void ARunningDomainAndTheOwnKeepTheirs()
    {
        Request(SetPolicy, 0, 0, 0, 0, 0);
        Assert.Equal(Invalid, _dom0.Hypercall(Domctl, Argument));
        _machine.Host.Scheduler.PauseByController(_guest.Domain, _machine.Cpu());
        Assert.Equal(0, Set(0, 0));
        Request(Unpause, 1, 0, 0, 0, 0);
        Assert.Equal(0, _dom0.Hypercall(Domctl, Argument));
        Assert.Equal(Exists, Set(0, 0));
    }

    [Fact]
    public void CpuidFaultsOnlyWhereThePolicyAllowsIt()
    {
        Assert.True(MsrPolicy.Write(_guest.Vcpu(), 0x140, 1));
        Assert.True(MsrPolicy.Read(_guest.Vcpu(), 0x140, out ulong value) && value == 1);
        Assert.False(MsrPolicy.Write(_guest.Vcpu(), 0x140, 2));
        _dom0.WriteWords(Msrs, 0xce, 0);
        Assert.Equal(0, Set(0, 1));
        Assert.False(MsrPolicy.Write(_guest.Vcpu(), 0x140, 1));
    }

    private static uint[] Find(List<uint[]> leaves, uint leaf) => leaves.Find(entry => entry[0] == leaf)!;

    private void Request(uint command, ushort domain, uint leaves, uint msrs, ulong leafBuffer, ulong msrBuffer) =>
        _dom0.WriteWords(Argument, command | (0x15UL << 32), domain, leaves | ((ulong)msrs << 32), leafBuffer, msrBuffer, 0, 0);

    private long Set(int leaves, int msrs)
    {
        Request(SetPolicy, 1, (uint)leaves, (uint)msrs, Leaves, Msrs);
        return _dom0.Hypercall(Domctl, Argument);
    }

    private (uint Leaf, uint Subleaf, uint Msr) Errors() => (_dom0.Read<uint>(Argument + 40), _dom0.Read<uint>(Argument + 44), _dom0.Read<uint>(Argument + 48));

    private void Write(List<uint[]> leaves)
    {
        for (int i = 0; i < leaves.Count; i++)
        {
            for (int j = 0; j < 6; j++)
                _dom0.Write(Leaves + (ulong)((i * 24) + (j * 4)), leaves[i][j]);
        }
    }

    private List<uint[]> Read()
    {
        Request(GetPolicy, 1, 0x78, 2, Leaves, Msrs);
        Assert.Equal(0, _dom0.Hypercall(Domctl, Argument));
        List<uint[]> leaves = [];
        uint count = _dom0.Read<uint>(Argument + 16);
        for (uint i = 0; i < count; i++)
        {
            uint[] leaf = new uint[6];
            for (uint j = 0; j < 6; j++)
                leaf[j] = _dom0.Read<uint>(Leaves + (i * 24) + (j * 4));
            leaves.Add(leaf);
        }

        return leaves;
    }
}
