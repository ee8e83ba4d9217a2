// SPDX-License-Identifier: MIT
// One domain's memory in the hands of several CPUs: mapped by dom0 while the guest gives it up and another takes it, built while it ends.

using System;
using XenSharp.Core.Domains;
using XenSharp.Core.Hypercalls;
using XenSharp.Edge;
using XenSharp.Testing;
using Xunit;

namespace XenSharp.Tests.Simulation;

public class MemoryRaces
{
    private const ulong Decrease = 1, Populate = 6, RemoveFromMap = 15, AddBatch = 23;
    private const ulong At = 0x1000, List = 0x2000, Errors = 0x3000, Self = 0x7ff0, Place = 0x8000;
    private const int FirstPage = 32, PageCount = 4;
    private const ushort GuestId = 5, OtherId = 6;

    public static TheoryData<int> Seeds()
    {
        var seeds = new TheoryData<int>();
        for (int seed = 1; seed <= 30; seed++)
            seeds.Add(seed);
        return seeds;
    }

    /// <summary>
    /// While dom0 has a guest's page mapped it stays the guest's, whatever the guest does; a page that a third domain gets is empty, and nobody
    /// writes to it but its owner.
    /// </summary>
    [Theory]
    [MemberData(nameof(Seeds))]
    public void AMappedPageIsNotReused(int seed)
    {
        var machine = new TestHost(frames: 1024, processors: 3);
        TestDomain dom0 = machine.AddDom0(pages: 64);
        TestDomain guest = AddDomain(machine, GuestId, 1);
        TestDomain other = AddDomain(machine, OtherId, 2);
        ulong free = machine.Host.Allocator.FreePages;
        var simulator = new Simulator(machine, seed) { SwitchOneIn = 3 };
        simulator.Add(0, () => Look(dom0, new Random(seed)));
        simulator.Add(1, () => Balloon(guest, new Random(seed + 1), 0x11));
        simulator.Add(2, () => Balloon(other, new Random(seed + 2), 0x22));
        simulator.Run();
        ulong missing = (2 * 64) - guest.Domain.Memory.Pages - other.Domain.Memory.Pages;
        Assert.Equal(free + missing, machine.Host.Allocator.FreePages);
        for (ulong i = 0; i < PageCount; i++)
            Assert.True(!guest.P2m.Lookup(new Gfn(FirstPage + i)).IsPresent || machine.Frames[guest.Frame(FirstPage + i)].References == 1);
    }

    /// <summary>A domain that ends while it is given memory, and looked at, leaves nothing behind.</summary>
    [Theory]
    [MemberData(nameof(Seeds))]
    public void TheEndMeetsTheBuilder(int seed)
    {
        var machine = new TestHost(frames: 4096, processors: 3);
        TestDomain dom0 = machine.AddDom0(vcpus: 3, pages: 64);
        for (int i = 0; i < 3; i++)
            dom0.Vcpu(i).Processor = machine.Cpu(i);
        ulong free = machine.Host.Allocator.FreePages;
        TestDomain guest = AddDomain(machine, GuestId, 1);
        guest.Domain.Memory.MaxPages = 4096;
        ulong overhead = free - 64 - machine.Host.Allocator.FreePages;
        var random = new Random(seed);
        int delay = random.Next(2000);
        var simulator = new Simulator(machine, seed) { SwitchOneIn = 3 };
        simulator.Add(0, () => Build(dom0, 0));
        simulator.Add(1, () =>
        {
            for (int i = 0; i < delay; i++)
                machine.Memory.Read8(guest.Domain.SharedInfo, 0);
            End(machine, guest.Domain, 1);
        });
        simulator.Add(2, () =>
        {
            for (int i = 0; i < 20; i++)
            {
                if (MapForeign(dom0, 2, (ulong)random.Next(64)) == 0)
                    Unmap(dom0, 2);
            }
        });
        simulator.Run();
        Assert.Equal(0UL, guest.Domain.Memory.Pages);
        Assert.Empty(guest.P2m.Mappings);
        Assert.Equal(free - overhead, machine.Host.Allocator.FreePages);
    }

    private static TestDomain AddDomain(TestHost machine, ushort id, int processor)
    {
        TestDomain domain = machine.AddDomain(id, pages: 64);
        domain.Vcpu().Processor = machine.Cpu(processor);
        return domain;
    }

    // Dom0: what it has mapped is the guest's from then until it lets go.
    private static void Look(TestDomain dom0, Random random)
    {
        for (int i = 0; i < 60; i++)
        {
            if (MapForeign(dom0, 0, FirstPage + (ulong)random.Next(PageCount)) != 0)
                continue;
            Mfn frame = dom0.Frame(Place);
            for (int look = random.Next(20); look >= 0; look--)
            {
                FrameInfo info = dom0.Machine.Frames[frame];
                Assert.Equal((FrameState.Domain, GuestId), (info.State, info.Owner));
                Assert.NotEqual(0x22, dom0.Machine.Memory.Read8(frame, 100));
            }

            Unmap(dom0, 0);
        }
    }

    // A guest: gives pages up and takes new ones, which are empty and which it then marks.
    private static void Balloon(TestDomain guest, Random random, byte mark)
    {
        for (int i = 0; i < 80; i++)
        {
            ulong gfn = FirstPage + (ulong)random.Next(PageCount);
            if (guest.P2m.Lookup(new Gfn(gfn)).IsPresent)
            {
                byte found = guest.Page(gfn)[100];
                Assert.True(found == 0 || found == mark);
                Assert.Equal(1, Call(guest, 0, Decrease, gfn, 1, 0, Self));
                continue;
            }

            // A page that was given up counts as long as dom0 has it.
            if (Call(guest, 0, Populate, gfn, 1, 0, Self) == 0)
                continue;
            Assert.Equal(-1, guest.Page(gfn).IndexOfAnyExcept((byte)0));
            guest.Machine.Memory.Write8(guest.Frame(gfn), 100, mark);
        }
    }

    private static void Build(TestDomain dom0, int vcpu)
    {
        foreach (ulong order in (ReadOnlySpan<ulong>)[0, 9, 3, 10, 0, 9])
        {
            for (ulong i = 0; i < 2; i++)
                Call(dom0, vcpu, Populate, (order << 16) | (i << (int)order), 1, order, GuestId);
        }
    }

    private static void End(TestHost machine, Domain domain, int processor)
    {
        using (domain.Lock.Enter(machine.Cpu(processor)))
            domain.IsDying = true;
        bool done;
        do
        {
            var budget = new HypercallContinuation { Budget = HypercallContinuation.InitialBudget };
            done = Physmap.Destroy(domain, ref budget, machine.Cpu(processor));
        }
        while (!done);
    }

    private static long MapForeign(TestDomain dom0, int vcpu, ulong gfn)
    {
        ulong page = (ulong)vcpu * 0x4000;
        dom0.Write(List + page, gfn);
        dom0.Write(List + page + 8, Place + (ulong)vcpu);
        Words(dom0, At + page, ((ulong)GuestId << 48) | (1UL << 32) | (4 << 16) | Self, List + page, List + page + 8, Errors + page);
        Assert.Equal(0, Dispatch(dom0, vcpu, AddBatch, At + page));
        return dom0.Read<int>(Errors + page);
    }

    private static void Unmap(TestDomain dom0, int vcpu)
    {
        ulong page = (ulong)vcpu * 0x4000;
        Words(dom0, At + page, Self, Place + (ulong)vcpu);
        Assert.Equal(0, Dispatch(dom0, vcpu, RemoveFromMap, At + page));
    }

    private static long Call(TestDomain domain, int vcpu, ulong operation, ulong gfn, ulong count, ulong order, ulong target)
    {
        domain.Write(List, gfn);
        Words(domain, At, List, count, order, target);
        return Dispatch(domain, vcpu, operation, At);
    }

    private static void Words(TestDomain domain, ulong address, params ulong[] words)
    {
        for (int i = 0; i < words.Length; i++)
            domain.Write(address + ((ulong)i * 8), words[i]);
    }

    private static long Dispatch(TestDomain domain, int vcpu, ulong operation, ulong argument)
    {
        FakeVcpuContext context = domain.Context(vcpu);
        (context.Rax, context.Rdi, context.Rsi) = (12, operation, argument);
        for (int round = 0; HypercallTable.Dispatch(domain.Vcpu(vcpu)); round++)
            Assert.True(round < 100_000);
        return (long)context.Rax;
    }
}
