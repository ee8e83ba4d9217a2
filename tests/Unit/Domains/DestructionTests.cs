// SPDX-License-Identifier: MIT
// The end of domains: in pieces, while others still use their pages, and told to the toolstack.

using XenSharp.Abi;
using XenSharp.Core;
using XenSharp.Core.Debugging;
using XenSharp.Core.Domains;
using XenSharp.Core.Hypercalls;
using XenSharp.Core.Vcpus;
using XenSharp.Edge;
using XenSharp.Testing;
using Xunit;
using static XenSharp.Tests.Unit.Hypercalls.HypercallGuest;

namespace XenSharp.Tests.Unit.Domains;

public class DestructionTests
{
    private const uint Populate = 6, RemoveFromPhysmap = 15, AddBatch = 23;
    private const ulong Argument = 0x8000, List = 0x9000, Second = 0xa000, Third = 0xb000, MapAt = 0x5000;
    private const int DyingFlag = 1;

    private readonly ToolstackDomain _tools = new(new TestHost());

    private Host Host => _tools.Machine.Host;

    [Fact]
    public void APageThatIsStillMappedKeepsTheDeadDomain()
    {
        uint port = BindDomainException();
        var before = _tools.Count();
        Domain domain = WithMemory(16);
        Assert.Equal(0, MapForeign(domain.Id, 3));
        Assert.Equal(0, _tools.Destroy(domain));
        Assert.True(TakeEvent(port), "the toolstack was not told of the death");
        _tools.Machine.Schedule();
        Assert.Same(domain, Host.Domains.Find(domain.Id));
        Assert.Equal(1ul, domain.Memory.Pages);
        DomctlGetDomainInfo info = default;
        Assert.Equal(0, _tools.Call(DomctlCommand.GetDomainInfo, domain.Id, ref info));
        Assert.Equal(DyingFlag, (int)info.Flags & DyingFlag);
        Assert.Equal(Exists, _tools.Create(ToolstackDomain.Pvh(), domain.Id, out _));
        Assert.Equal(0, _tools.Destroy(domain));
        Assert.False(TakeEvent(port), "a dead domain died again");

        Unmap();
        _tools.Machine.Schedule();
        Assert.Null(Host.Domains.Find(domain.Id));
        Assert.True(TakeEvent(port), "the toolstack was not told of the end");
        Assert.Equal(before, _tools.Count());
        Assert.Equal(0ul, LeakCheck.FramesWithoutOwner(Host));
    }

    [Fact]
    public void ADyingDomainGetsNothingNew()
    {
        Domain domain = WithMemory(4);
        Assert.Equal(0, MapForeign(domain.Id, 3));
        Assert.Equal(0, _tools.Destroy(domain));
        Assert.NotEqual(1, PopulateOne(domain.Id, 9));
        HypercallContinuation budget = new() { Budget = HypercallContinuation.InitialBudget };
        Assert.Equal(Invalid, domain.EventChannels.AllocateUnbound(_tools.Dom0.Domain, 0, ref budget, _tools.Machine.Cpu()));
        Assert.Equal(Invalid, Host.VirtualIrqHandlers.Set((uint)VirtualIrq.Console, domain, _tools.Machine.Cpu()));
        Assert.NotEqual(0, MapForeign(domain.Id, 2));
        Assert.Equal(1ul, domain.Memory.Pages);
    }

    [Fact]
    public void DestructionIsDoneInPieces()
    {
        var before = _tools.Count();
        Domain domain = WithMemory(2000, 100);
        int continuations = _tools.Dom0.Continuations;
        Assert.Equal(0, _tools.Destroy(domain));
        Assert.True(_tools.Dom0.Continuations > continuations + 3, "destroyed in one piece");
        _tools.Machine.Schedule();
        Assert.Equal(before, _tools.Count());
    }

    [Fact]
    public void NobodyDestroysItself()
    {
        Assert.Equal(Invalid, _tools.Destroy(_tools.Dom0.Domain));
        Assert.Equal(NoProcess, _tools.Call(DomctlCommand.DestroyDomain, 55));
        Assert.False(_tools.Dom0.Domain.IsDying);
    }

    [Fact]
    public void TheOtherEndsOfItsPortsBecomeUnbound()
    {
        Domain domain = _tools.Make();
        Cpu cpu = _tools.Machine.Cpu();
        HypercallContinuation budget = new() { Budget = HypercallContinuation.InitialBudget };
        long theirs = domain.EventChannels.AllocateUnbound(_tools.Dom0.Domain, 0, ref budget, cpu);
        long ours = _tools.Dom0.Domain.EventChannels.BindInterdomain(domain.EventChannels, (uint)theirs, ref budget, cpu);
        Assert.True(ours > 0);
        Assert.Equal(0, _tools.Destroy(domain));
        Assert.Equal(XenSharp.Core.EventChannels.PortState.Unbound, _tools.Dom0.Domain.EventChannels.BindingOf((uint)ours).State);
        _tools.Machine.Schedule();
        Assert.Equal(0, _tools.Dom0.Domain.EventChannels.SendLocal((uint)ours, cpu));
    }

    [Fact]
    public void TimersAndWatchdogsGoWithIt()
    {
        Domain domain = _tools.Make(2);
        Cpu cpu = _tools.Machine.Cpu();
        Vcpu vcpu = domain.FindVcpu(1)!;
        vcpu.SingleshotTimer.Set(1_000_000, cpu);
        vcpu.PeriodicTimer.Set(1_000_000, cpu);
        Assert.Equal(1, domain.Watchdogs.Set(0, 1, cpu));
        Assert.Equal(3, cpu.Timers.Count);
        Assert.Equal(0, _tools.Destroy(domain));
        Assert.Equal(0, cpu.Timers.Count);
    }

    private Domain WithMemory(int pages, uint vcpus = 1)
    {
        Domain domain = _tools.Make(vcpus);
        Assert.Equal(0, _tools.Call(DomctlCommand.MaxMemory, domain.Id, (ulong)pages * 4));
        for (ulong gfn = 0; gfn < (ulong)pages; gfn++)
            Assert.Equal(1, PopulateOne(domain.Id, gfn));
        return domain;
    }

    private long PopulateOne(ushort id, ulong gfn)
    {
        _tools.Dom0.WriteWords(List, gfn);
        _tools.Dom0.WriteWords(Argument, List, 1, 0, id);
        return _tools.Dom0.Call(MemoryOp.Call, 0, Populate, Argument);
    }

    // struct xen_add_to_physmap_batch of one frame.
    private long MapForeign(ushort id, ulong gfn)
    {
        const ulong self = 0x7ff0, foreignSpace = 4, count = 1;
        _tools.Dom0.WriteWords(List, gfn);
        _tools.Dom0.WriteWords(Second, MapAt + gfn);
        _tools.Dom0.WriteWords(Third, 0);
        _tools.Dom0.WriteWords(Argument, self | (foreignSpace << 16) | (count << 32) | ((ulong)id << 48), List, Second, Third);
        long result = _tools.Dom0.Call(MemoryOp.Call, 0, AddBatch, Argument);
        return result != 0 ? result : _tools.Dom0.Read<int>(Third);
    }

    private void Unmap()
    {
        _tools.Dom0.WriteWords(Argument, 0x7ff0, MapAt + 3);
        Assert.Equal(0, _tools.Dom0.Call(MemoryOp.Call, 0, RemoveFromPhysmap, Argument));
    }

    private uint BindDomainException()
    {
        HypercallContinuation budget = new() { Budget = HypercallContinuation.InitialBudget };
        return (uint)_tools.Dom0.Domain.EventChannels.BindVirq((uint)VirtualIrq.DomainException, 0, ref budget, _tools.Machine.Cpu());
    }

    private bool TakeEvent(uint port)
    {
        const int pending = 2048;
        ref byte word = ref _tools.Dom0.SharedInfo[pending + (int)(port / 8)];
        bool was = (word & (1 << (int)(port % 8))) != 0;
        word = 0;
        return was;
    }
}
