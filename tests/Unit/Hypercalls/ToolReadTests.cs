// SPDX-License-Identifier: MIT
// What xl, xenpm and xen-cpuid read of the machine and of dom0; numbers and errors as Xen 4.17 gives them to the same tools.

using System.Runtime.CompilerServices;
using XenSharp.Abi;
using XenSharp.Testing;
using Xunit;
using static XenSharp.Tests.Unit.Hypercalls.HypercallGuest;

namespace XenSharp.Tests.Unit.Hypercalls;

public class ToolReadTests
{
    private const ulong At = 0x2000, Union = At + 8, Buffer = 0x3000, Second = 0x4000;
    private readonly TestDomain _dom0 = new TestHost().AddDom0();

    private long Call(ulong hypercall, uint command, uint version, params ulong[] words)
    {
        _dom0.Write(At, command);
        _dom0.Write(At + 4, version);
        _dom0.WriteWords(Union, words);
        return _dom0.Hypercall(hypercall, At);
    }

    private long CallSysctl(uint command, params ulong[] words) => Call(Sysctl, command, XenSharp.Core.Hypercalls.SysctlOp.InterfaceVersion, words);

    // The first word is the domain; the union follows.
    private long CallDomctl(uint command, params ulong[] words) => Call(Domctl, command, XenSharp.Core.Hypercalls.DomctlOp.InterfaceVersion, words);

    [Fact]
    public void ListOfManyDomainsIsWhole()
    {
        const uint getDomainInfoList = 6;
        const int count = 90, mostDomainsOfARound = 100_000 / 2_000;
        for (ushort id = 1; id < count; id++)
            _dom0.Machine.AddDomain(id, pages: 1);
        ulong size = (ulong)Unsafe.SizeOf<DomctlGetDomainInfo>();
        foreach ((ulong first, ulong most, int told) in ((ulong, ulong, int)[])[(0, 256, count), (3, 256, count - 3), (10, 60, 60), (0, 0, 0), (count, 5, 0)])
        {
            _dom0.Write(At, getDomainInfoList);
            _dom0.Write(At + 4, XenSharp.Core.Hypercalls.SysctlOp.InterfaceVersion);
            _dom0.WriteWords(Union, first | (most << 32), Buffer, ulong.MaxValue);
            Assert.Equal(0, _dom0.Hypercall(out int rounds, Sysctl, At, second: 77, third: 5));
            Assert.Equal((uint)told, _dom0.Read<uint>(Union + 16));
            for (int index = 0; index < told; index++)
                Assert.Equal(first + (ulong)index, _dom0.Read<ushort>(Buffer + ((ulong)index * size)));
            Assert.True(rounds > told / mostDomainsOfARound, $"{told} domains at once");
            Assert.Equal(getDomainInfoList, _dom0.Read<uint>(At));
        }
    }

    [Fact]
    public void IdleStatesAreRunningAndHalted()
    {
        const uint getPmStat = 10;
        Assert.Equal(0, CallSysctl(getPmStat, 0x21));
        Assert.Equal(2u, _dom0.Read<uint>(Union + 8));
        Assert.Equal(0, CallSysctl(getPmStat, 0x22, 2, 0, Buffer, Second, 0, 0, 0));
        Assert.Equal(1ul, _dom0.Read<ulong>(Buffer));
        Assert.Equal(1ul, _dom0.Read<ulong>(Buffer + 8));
        Assert.Equal(_dom0.Read<ulong>(Union + 16), _dom0.Read<ulong>(Second + 8));
        Assert.Equal(Fault, CallSysctl(getPmStat, 0x22, 2, 0, Unmapped, Second, 0, 0, 0));
        Assert.Equal(Invalid, CallSysctl(getPmStat, 0x21 | (64UL << 32)));
        Assert.Equal(-19, CallSysctl(getPmStat, 0x11));
        Assert.Equal(NoSystem, CallSysctl(getPmStat, 0x2f));
    }

    [Fact]
    public void PowerParameters()
    {
        const uint pmOperation = 12;
        Assert.Equal(0, CallSysctl(pmOperation, 0x21, 5));
        Assert.Equal(0u, _dom0.Read<uint>(Union + 8));
        Assert.Equal(0, CallSysctl(pmOperation, 0x21, 0));
        Assert.Equal(1u, _dom0.Read<uint>(Union + 8));
        Assert.Equal(Invalid, CallSysctl(pmOperation, 0x21 | (1UL << 32), 0));
        Assert.Equal(0, CallSysctl(pmOperation, 0x22, 0));
        Assert.Equal(1u, _dom0.Read<uint>(Union + 8));
        Assert.Equal(Invalid, CallSysctl(pmOperation, 0x22 | (2UL << 32), 0));
        Assert.Equal(Invalid, CallSysctl(pmOperation, 0x11));
        Assert.Equal(Access, CallSysctl(pmOperation, 0x26));
        Assert.Equal(NoSystem, CallSysctl(pmOperation, 0x25));
    }

    [Fact]
    public void CpuZeroStaysInTheFirstPool()
    {
        const uint cpupoolOperation = 18, removeCpu = 5;
        Assert.Equal(Invalid, CallSysctl(cpupoolOperation, removeCpu, 0, 0));
        Assert.Equal(Invalid, CallSysctl(cpupoolOperation, removeCpu, 0, 64UL << 32));
    }

    [Fact]
    public void PolicyOfADomain()
    {
        const uint getCpuPolicy = 82;
        Assert.Equal(0, CallDomctl(getCpuPolicy, 0, 0, 0, 0));
        Assert.Equal(0x2_0000_0078ul, _dom0.Read<ulong>(At + 16));
        Assert.Equal(0, CallDomctl(getCpuPolicy, 0, 2UL << 32, 0, Buffer));
        Assert.Equal(0xceu, _dom0.Read<uint>(Buffer));
        Assert.Equal(1ul << 31, _dom0.Read<ulong>(Buffer + 8));
        Assert.Equal(NoBuffers, CallDomctl(getCpuPolicy, 0, 0, Buffer, 0));
        Assert.Equal(Fault, CallDomctl(getCpuPolicy, 0, 0x78, Unmapped, 0));
        Assert.Equal(NoProcess, CallDomctl(getCpuPolicy, 9, 0x78, Buffer, 0));
        Assert.Equal(Invalid, CallDomctl(getCpuPolicy + 1, 0, 0, 0, 0));
    }

    [Fact]
    public void OwnContextIsNotToBeHad()
    {
        const uint getVcpuContext = 13;
        Assert.Equal(Invalid, CallDomctl(getVcpuContext, 0, 0, Buffer));
        Assert.Equal(Invalid, CallDomctl(getVcpuContext, 0, 63, Buffer));
    }
}
