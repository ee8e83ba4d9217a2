// SPDX-License-Identifier: MIT
// Grants used, revoked and given back by several CPUs at once, in orders decided by seeds.

using System;
using System.Collections.Generic;
using XenSharp.Abi;
using XenSharp.Core.Grants;
using XenSharp.Core.Hypercalls;
using XenSharp.Edge;
using XenSharp.Testing;
using XenSharp.Tests.Unit.Hypercalls;
using Xunit;
using static XenSharp.Tests.Unit.Hypercalls.GrantGuest;

namespace XenSharp.Tests.Simulation;

public class GrantRaces
{
    private const ulong Hole = 0x10_0000;
    private const uint First = 8;
    private const int Entries = 4;

    public static TheoryData<int> Seeds()
    {
        var seeds = new TheoryData<int>();
        for (int seed = 1; seed <= 30; seed++)
            seeds.Add(seed);
        return seeds;
    }

    /// <summary>Two vCPUs unmap the same handle: one of them does it.</summary>
    [Theory]
    [MemberData(nameof(Seeds))]
    public void OneHandleUnmappedTwice(int seed)
    {
        (TestHost machine, TestDomain mapper, TestDomain granter) = Machine(2);
        for (int round = 0; round < 30; round++)
        {
            (GrantStatus status, uint handle) = mapper.Map(3, First, Hole);
            Assert.Equal(GrantStatus.Okay, status);
            var results = new GrantStatus[2];
            var simulator = new Simulator(machine, (seed * 1000) + round) { SwitchOneIn = 2 };
            for (int cpu = 0; cpu < 2; cpu++)
            {
                int self = cpu;
                simulator.Add(self, () => results[self] = mapper.Unmap(handle, Hole, self));
            }

            simulator.Run();
            Array.Sort(results);
            Assert.Equal([GrantStatus.BadHandle, GrantStatus.Okay], results);
            machine.IsConsistent(0);
        }

        Assert.Equal(Permit, granter.Flags(First));
    }

    /// <summary>Mappers, copiers and a granter that revokes and gives its pages up: nothing is left at the end, and no page is lost.</summary>
    [Theory]
    [MemberData(nameof(Seeds))]
    public void EverythingAtOnce(int seed)
    {
        (TestHost machine, TestDomain mapper, TestDomain granter) = Machine(4);
        ulong free = machine.Host.Allocator.FreePages + granter.Domain.Memory.Pages;
        var simulator = new Simulator(machine, seed) { SwitchOneIn = 3 };
        for (int cpu = 0; cpu < 3; cpu++)
        {
            int self = cpu;
            simulator.Add(self, () => UseGrants(mapper, self, (seed * 4) + self));
        }

        simulator.Add(3, () => Revoke(granter, seed));
        simulator.Run();
        machine.IsConsistent(0);
        Assert.Equal(free, machine.Host.Allocator.FreePages + granter.Domain.Memory.Pages + mapper.Domain.Grants.Mappings.FrameCount);
        for (uint i = 0; i < Entries; i++)
            Assert.Equal(0, granter.Flags(First + i) & (Reading | Writing));
        foreach ((Gfn _, P2mEntry entry) in granter.P2m.Mappings)
            Assert.Equal(1, machine.References(entry.Frame));
    }

    /// <summary>A mapper is destroyed while the granter changes the version of its table and others map.</summary>
    [Theory]
    [MemberData(nameof(Seeds))]
    public void TheEndOfAMapper(int seed)
    {
        (TestHost machine, TestDomain mapper, TestDomain granter) = Machine(3);
        granter.Grant(1, 0, 100);
        for (uint i = 0; i < 40; i++)
            Assert.Equal(GrantStatus.Okay, mapper.Map(3, 1, Hole + i).Status);
        mapper.Domain.IsDying = true;
        var simulator = new Simulator(machine, seed) { SwitchOneIn = 2 };
        simulator.Add(0, () =>
        {
            HypercallContinuation budget = new() { Budget = 50 };
            while (!mapper.Domain.Grants.Destroy(ref budget, machine.Cpu(0)))
                budget.Budget = 50;
        });
        simulator.Add(1, () => Assert.NotEqual(GrantStatus.Okay, mapper.Map(3, 1, Hole + 100, HostMap, 1).Status));
        simulator.Add(2, () =>
        {
            for (uint i = 0; i < 6; i++)
                Assert.Equal(0, granter.Domain.Grants.SetVersion(1 + (i & 1), machine.Cpu(2)));
            granter.Domain.Grants.SetVersion(1, machine.Cpu(2));
        });
        simulator.Run();
        machine.IsConsistent(0);
        Assert.Equal((Permit, 1), (granter.Flags(1), machine.References(granter.Frame(100))));
    }

    private static (TestHost Machine, TestDomain Mapper, TestDomain Granter) Machine(int processors)
    {
        var machine = new TestHost(processors: processors);
        TestDomain mapper = machine.AddDomain(0, vcpus: 3, isPrivileged: true);
        machine.Host.HardwareDomain = mapper.Domain;
        TestDomain granter = machine.AddDomain(3);
        for (int i = 0; i < 3; i++)
            mapper.Vcpu(i).Processor = machine.Cpu(Math.Min(i, processors - 1));
        granter.Vcpu().Processor = machine.Cpu(processors - 1);
        granter.ShowTable();
        for (uint i = 0; i < Entries; i++)
            granter.Grant(First + i, 0, 100 + i);
        return (machine, mapper, granter);
    }

    private static void UseGrants(TestDomain mapper, int vcpu, int seed)
    {
        var random = new Random(seed);
        var mapped = new List<(uint Handle, ulong Gfn)>();
        ulong next = Hole + ((ulong)vcpu * 0x1000);
        for (int i = 0; i < 60; i++)
        {
            uint reference = First + (uint)random.Next(Entries);
            switch (random.Next(4))
            {
                case 0:
                    uint flags = HostMap | (random.Next(2) == 0 ? MapReadOnly : 0);
                    (GrantStatus status, uint handle) = mapper.Map(3, reference, next, flags, vcpu);
                    if (status == GrantStatus.Okay)
                        mapped.Add((handle, next++));
                    break;
                case 1 when mapped.Count != 0:
                    int index = random.Next(mapped.Count);
                    Assert.Equal(GrantStatus.Okay, mapper.Unmap(mapped[index].Handle, mapped[index].Gfn, vcpu));
                    mapped.RemoveAt(index);
                    break;
                case 2:
                    mapper.Copy(Ref(3, reference), Own(60 + (ulong)vcpu), 256, 1, vcpu);
                    break;
                default:
                    mapper.Copy(Own(60 + (ulong)vcpu), Ref(3, reference), 256, 2, vcpu);
                    break;
            }
        }

        foreach ((uint handle, ulong gfn) in mapped)
            Assert.Equal(GrantStatus.Okay, mapper.Unmap(handle, gfn, vcpu));
    }

    // As a kernel ends a grant: only when the marks are clear; then the page is given up, and another one granted.
    private static void Revoke(TestDomain granter, int seed)
    {
        var random = new Random(seed);
        Mfn table = granter.Domain.Grants.SharedFrame(0);
        ArrayMemory memory = granter.Machine.Memory;
        for (int i = 0; i < 80; i++)
        {
            uint reference = First + (uint)random.Next(Entries);
            int offset = (int)reference * 8;
            uint entry = memory.Read32(table, offset);
            if ((entry & (Reading | Writing)) != 0 || memory.CompareExchange32(table, offset, 0, entry) != entry)
                continue;
            ulong gfn = memory.Read32(table, offset + 4);
            granter.WriteWords(0x2000, 0x3000, 1, 0, DomainIds.Self);
            granter.Write(0x3000, gfn);
            Assert.Equal(1, granter.Call(MemoryOp.Call, 0, 1, 0x2000));
            Assert.Equal(1, granter.Call(MemoryOp.Call, 0, 6, 0x2000));
            memory.CompareExchange32(table, offset, Permit, 0);
        }
    }
}
