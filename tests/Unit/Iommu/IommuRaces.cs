// SPDX-License-Identifier: MIT
// CPUs that map and unmap pages of one domain while a device uses them, in orders decided by seeds.

using System;
using XenSharp.Core.Boot.Acpi;
using XenSharp.Core.Iommu;
using XenSharp.Edge;
using XenSharp.Testing;
using XenSharp.Tests.Unit.Acpi;
using Xunit;

namespace XenSharp.Tests.Unit.Iommu;

public sealed class IommuRaces
{
    private const ushort Disk = 0x18;
    private const ulong First = 0x100;
    private const int Mappers = 2, PagesEach = 2, Rounds = 25;

    public static TheoryData<int> Seeds()
    {
        var seeds = new TheoryData<int>();
        for (int seed = 1; seed <= 30; seed++)
            seeds.Add(seed);
        return seeds;
    }

    /// <summary>After the flush no device reaches a page any more, also when another CPU's flush was under way.</summary>
    [Theory]
    [MemberData(nameof(Seeds))]
    public void WhatIsFlushedIsGone(int seed)
    {
        TestHost machine = new(processors: Mappers + 1);
        FakeIommu hardware = new(machine.Memory);
        MachineTables tables = MachineTables.Find(FirmwareImage.Standard(ivrs: IvrsTests.Standard), 0, machine.Host.Console)!;
        IommuSystem iommu = IommuSystem.Start(machine.Host, tables, [hardware], new Blocks(machine))!;
        IoPageTable table = iommu.CreateTable(0, new Frames(machine))!;
        Assert.True(iommu.AssignAll(table, machine.Cpu()));
        SpinLock held = new(LockScope.Domain);
        int reached = 0, running = Mappers;
        Simulator simulator = new(machine, seed) { SwitchOneIn = 3 };
        for (int mapper = 0; mapper < Mappers; mapper++)
        {
            int id = mapper;
            simulator.Add(id, () =>
            {
                for (int round = 0; round < Rounds; round++)
                    reached += MapAndUnmap(table, hardware, held, machine, id, round) ? 1 : 0;
                running--;
            });
        }

        simulator.Add(Mappers, () =>
        {
            Random random = new(seed);
            while (running > 0)
                hardware.Access(Disk, (First + (ulong)random.Next(Mappers * PagesEach)) << 12, true, out _);
        });
        simulator.Run();
        Assert.Equal(0, reached);
    }

    private static bool MapAndUnmap(IoPageTable table, FakeIommu hardware, SpinLock held, TestHost machine, int id, int round)
    {
        Gfn page = new(First + (ulong)((id * PagesEach) + (round % PagesEach)));
        using (held.Enter(machine.Cpu(id)))
        {
            table.Prepare(page, 0, P2mType.Ram);
            table.Set(page, new Mfn(0x500 + page.Value), 0, P2mType.Ram);
        }

        hardware.Access(Disk, page.Address, true, out _);
        using (held.Enter(machine.Cpu(id)))
        {
            table.Prepare(page, 0, P2mType.None);
            table.Set(page, Mfn.Invalid, 0, P2mType.None);
        }

        table.Flush();
        return hardware.Access(Disk, page.Address, true, out _);
    }

    private sealed class Blocks(TestHost host) : IommuMemory
    {
        public override bool TryTake(int order, out Mfn first) => host.Host.Allocator.TryAllocate(order, host.Cpu(), out first);
    }

    private sealed class Frames(TestHost host) : FrameSource
    {
        public override bool TryAllocate(out Mfn frame)
        {
            if (!host.Host.Allocator.TryAllocate(0, host.Host.CurrentProcessor, out frame))
                return false;
            host.Memory.Clear(frame);
            return true;
        }

        public override void Free(Mfn frame) => host.Host.Allocator.Free(frame, 0, host.Host.CurrentProcessor);
    }
}
