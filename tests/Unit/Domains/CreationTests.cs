// SPDX-License-Identifier: MIT
// Making domains, and that nothing is left of them in the end.

using System;
using XenSharp.Abi;
using XenSharp.Core.Debugging;
using XenSharp.Core.Domains;
using XenSharp.Core.Time;
using XenSharp.Core.Vcpus;
using XenSharp.Testing;
using Xunit;
using static XenSharp.Tests.Unit.Hypercalls.HypercallGuest;

namespace XenSharp.Tests.Unit.Domains;

public class CreationTests
{
    private readonly ToolstackDomain _tools = new(new TestHost());

    [Fact]
    public void ANewDomainIsPausedAndItsVcpusAreDown()
    {
        DomctlCreateDomain request = ToolstackDomain.Pvh(3);
        request.Handle[2] = 0x5a;
        Assert.Equal(0, _tools.Create(request, 0xffff, out ushort id));
        Domain domain = _tools.Machine.Host.Domains.Find(id)!;
        Assert.Equal(1, domain.ControllerPauseCount);
        Assert.Equal(0x5a, domain.Handle[2]);
        Assert.Null(domain.FindVcpu(0));
        Assert.Equal(Invalid, _tools.Call(DomctlCommand.MaxVcpus, id, 2));
        Assert.Equal(0, _tools.Call(DomctlCommand.MaxVcpus, id, 3));
        Assert.Equal(0, _tools.Call(DomctlCommand.MaxVcpus, id, 3));
        Assert.False(domain.FindVcpu(2)!.IsUp);
        Assert.Null(domain.FindVcpu(3));
        DomctlGetDomainInfo info = default;
        Assert.Equal(0, _tools.Call(DomctlCommand.GetDomainInfo, id, ref info));
        Assert.Equal(DomainInfoFlags.Paused | DomainInfoFlags.HvmGuest | DomainInfoFlags.Hap, info.Flags & (DomainInfoFlags)0xffff);
        Assert.Equal(2u, info.MaxVcpuId);
        Assert.Equal(0, _tools.Call(DomctlCommand.UnpauseDomain, id));
        Assert.Equal(Invalid, _tools.Call(DomctlCommand.UnpauseDomain, id));
    }

    [Fact]
    public void IdsRotate()
    {
        ushort first = _tools.Make().Id;
        Domain second = _tools.Make();
        Assert.Equal(first + 1, second.Id);
        Assert.Equal(0, _tools.Destroy(second));
        _tools.Machine.Schedule();
        Assert.Equal(first + 2, _tools.Make().Id);
        Assert.Equal(0, _tools.Create(ToolstackDomain.Pvh(), 77, out ushort given));
        Assert.Equal(77, given);
        Assert.Equal(Exists, _tools.Create(ToolstackDomain.Pvh(), 77, out _));
    }

    [Fact]
    public void WrongRequestsGetXensErrors()
    {
        Check(Invalid, (ref DomctlCreateDomain r) => r.Flags |= (CreateDomainFlags)0x100);
        Check(Invalid, (ref DomctlCreateDomain r) => r.Flags = CreateDomainFlags.Hap);
        Check(Invalid, (ref DomctlCreateDomain r) => r.Flags |= CreateDomainFlags.Vpmu);
        Check(Invalid, (ref DomctlCreateDomain r) => r.IommuOptions = 1);
        Check(Invalid, (ref DomctlCreateDomain r) => r.MaxVcpus = 0);
        Check(Invalid, (ref DomctlCreateDomain r) => r.MaxVcpus = 129);
        Check(Invalid, (ref DomctlCreateDomain r) => r.GrantOptions = 0);
        Check(Invalid, (ref DomctlCreateDomain r) => r.GrantOptions = 3);
        Check(Invalid, (ref DomctlCreateDomain r) => r.GrantOptions = 0x12);
        Check(Invalid, (ref DomctlCreateDomain r) => r.MaxGrantFrames = 0);
        Check(Invalid, (ref DomctlCreateDomain r) => r.MaxGrantFrames = 65);
        Check(Invalid, (ref DomctlCreateDomain r) => r.MaxMaptrackFrames = 1025);
        Check(Invalid, (ref DomctlCreateDomain r) => r.VmTraceSize = 4096);
        Check(Invalid, (ref DomctlCreateDomain r) => r.Arch.EmulationFlags = (X86EmulationFlags)0x801);
        Check(NotSupported, (ref DomctlCreateDomain r) => r.Arch.EmulationFlags = 0);
        Check(NoProcess, (ref DomctlCreateDomain r) => r.CpupoolId = 1);
    }

    [Fact]
    public void NothingIsLeft()
    {
        var before = _tools.Count();
        for (int round = 0; round < 5; round++)
        {
            Domain domain = _tools.Make(4);
            Assert.NotEqual(before, _tools.Count());
            Assert.Equal(0, _tools.Destroy(domain));
            Assert.True(domain.IsDead);
            Assert.Equal(0ul, domain.Memory.Pages);
            _tools.Machine.Schedule();
            Assert.Null(_tools.Machine.Host.Domains.Find(domain.Id));
            Assert.Equal(before, _tools.Count());
            Assert.Equal(0ul, LeakCheck.FramesWithoutOwner(_tools.Machine.Host));
            Assert.Equal(0, LeakCheck.VcpusWithoutDomain(_tools.Machine.Host));
        }
    }

    [Fact]
    public void VcpusAreLimitedByTheTimersThatOneCpuCanCarry()
    {
        int made = 0;
        long result = 0;
        for (; result == 0; made += result == 0 ? 96 : 0)
        {
            Assert.Equal(0, _tools.Create(ToolstackDomain.Pvh(96), 0, out ushort id));
            result = _tools.Call(DomctlCommand.MaxVcpus, id, 96);
        }

        Assert.Equal(NoMemory, result);
        Assert.Equal(TimerQueue.MaxGuestVcpus, _tools.Machine.Regions.InUse(XenSharp.Edge.RegionKind.Vcpu));
        Assert.Equal(TimerQueue.MaxGuestVcpus / 96 * 96, made);
    }

    [Fact]
    public void WithoutMemoryNothingIsMade()
    {
        var before = _tools.Count();
        // Each page and each region may be the one that is missing.
        for (int missing = 0; missing < 12; missing++)
        {
            Exhaust((ulong)missing, out Action restore);
            long result = _tools.Create(ToolstackDomain.Pvh(2), 0, out ushort id);
            if (result == 0)
            {
                result = _tools.Call(DomctlCommand.MaxVcpus, id, 2);
                Assert.Equal(0, _tools.Destroy(_tools.Machine.Host.Domains.Find(id)!));
                _tools.Machine.Schedule();
            }

            Assert.True(result is 0 or NoMemory, result.ToString());
            restore();
            Assert.Equal(before, _tools.Count());
        }

        _tools.Machine.Regions.Limit = 0;
        Assert.Equal(NoMemory, _tools.Create(ToolstackDomain.Pvh(), 0, out _));
        Assert.Equal(before, _tools.Count());
    }

    // Leaves so many free pages.
    private void Exhaust(ulong left, out Action restore)
    {
        var allocator = _tools.Machine.Host.Allocator;
        var taken = new System.Collections.Generic.List<XenSharp.Edge.Mfn>();
        while (allocator.FreePages > left && allocator.TryAllocate(0, _tools.Machine.Cpu(), out XenSharp.Edge.Mfn frame))
            taken.Add(frame);
        restore = () => taken.ForEach(frame => allocator.Free(frame, 0, _tools.Machine.Cpu()));
    }

    private delegate void Change(ref DomctlCreateDomain request);

    private void Check(long expected, Change change)
    {
        DomctlCreateDomain request = ToolstackDomain.Pvh();
        change(ref request);
        Assert.Equal(expected, _tools.Create(request, 0, out _));
    }
}
