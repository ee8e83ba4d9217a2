// SPDX-License-Identifier: MIT
// The scheduler used by several CPUs at once, in orders decided by seeds.

using System;
using XenSharp.Abi;
using XenSharp.Core;
using XenSharp.Core.Hypercalls;
using XenSharp.Core.Scheduling;
using XenSharp.Core.Vcpus;
using XenSharp.Edge;
using XenSharp.Testing;
using XenSharp.Tests.Unit.EventChannels;
using Xunit;

namespace XenSharp.Tests.Simulation;

public class SchedulerRaces
{
    private const ulong CallbackByVector = (2UL << 56) | 0xf3;

    public static TheoryData<int> Seeds()
    {
        var seeds = new TheoryData<int>();
        for (int seed = 1; seed <= 40; seed++)
            seeds.Add(seed);
        return seeds;
    }

    /// <summary>An event that comes while its vCPU blocks is never slept through.</summary>
    [Theory]
    [MemberData(nameof(Seeds))]
    public void BlockAgainstEvent(int seed)
    {
        var machine = new TestHost(processors: 2);
        TestDomain guest = Guest(machine, 5, 1);
        machine.Schedule();
        Vcpu vcpu = guest.Vcpu();
        for (int round = 0; round < 100; round++)
        {
            guest.VcpuInfo()[0] = 0;
            Cpu own = vcpu.Processor;
            Cpu other = machine.Cpu(1 - own.Id);
            var simulator = new Simulator(machine, (seed * 1000) + round);
            simulator.Add(own.Id, () =>
            {
                machine.Host.Scheduler.Block(vcpu);
                Loop(machine, own);
            });
            simulator.Add(other.Id, () => vcpu.MarkEventsPending(other));
            simulator.Run();
            Assert.Equal(VcpuPauseFlags.None, vcpu.PauseFlags);
            Loop(machine, machine.Cpu(0));
            Loop(machine, machine.Cpu(1));
            Assert.True(vcpu.IsRunningNow, "the event was slept through");
        }
    }

    /// <summary>The same for a poll of a masked port.</summary>
    [Theory]
    [MemberData(nameof(Seeds))]
    public void PollAgainstEvent(int seed)
    {
        var machine = new TestHost(processors: 2);
        TestDomain guest = Guest(machine, 5, 2);
        Pin(machine, guest);
        machine.Schedule();
        guest.BindIpi(0, out uint port);
        guest.Write(1024, in port);
        for (int round = 0; round < 100; round++)
        {
            guest.SharedInfo.Slice(2048, 512).Clear();
            guest.SharedInfo.Slice(2560, 512).Fill(0xff);
            Vcpu vcpu = guest.Vcpu();
            var simulator = new Simulator(machine, (seed * 1000) + round);
            simulator.Add(0, () =>
            {
                var poll = new SchedulerPoll { Ports = 1024, PortCount = 1 };
                Assert.Equal(0, guest.Call(SchedOp.Call, (uint)SchedulerOperation.Poll, ref poll));
                Loop(machine, machine.Cpu(0));
            });
            simulator.Add(1, () => Assert.Equal(0, guest.Send(port, vcpu: 1)));
            simulator.Run();
            Loop(machine, machine.Cpu(0));
            Assert.Equal((VcpuPauseFlags.None, false), (vcpu.PauseFlags, guest.Domain.HasPollers));
            Assert.Same(vcpu, machine.Cpu(0).Current);
        }
    }

    /// <summary>More vCPUs than CPUs, everybody doing everything: no vCPU is on two CPUs, and none is lost.</summary>
    [Theory]
    [MemberData(nameof(Seeds))]
    public void EverythingAtOnce(int seed)
    {
        const int Processors = 3;
        var machine = new TestHost(processors: Processors);
        TestDomain[] guests = [Guest(machine, 3, 3), Guest(machine, 7, 2)];
        int[] owners = new int[8];
        var simulator = new Simulator(machine, seed) { SwitchOneIn = 3 };
        for (int i = 0; i < Processors; i++)
        {
            int id = i;
            simulator.Add(id, () => Storm(machine, machine.Cpu(id), guests, owners, (seed * Processors) + id));
        }

        simulator.Run();
        foreach (TestDomain guest in guests)
        {
            foreach (Vcpu? vcpu in guest.Domain.Vcpus)
            {
                machine.Host.Scheduler.VcpuUp(vcpu!, machine.Cpu());
                machine.Host.Scheduler.Wake(vcpu!, machine.Cpu());
                Assert.Equal(0, vcpu!.PauseCount + guest.Domain.PauseCount);
            }
        }

        foreach (TestDomain guest in guests)
        {
            foreach (Vcpu? vcpu in guest.Domain.Vcpus)
                Assert.True(RunsSoon(machine, vcpu!), "d" + guest.Domain.Id + "v" + vcpu!.Id + " is lost");
        }
    }

    /// <summary>After PauseAndWait nobody holds the registers of the domain.</summary>
    [Theory]
    [MemberData(nameof(Seeds))]
    public void PauseWaitsForRegisters(int seed)
    {
        var machine = new TestHost(processors: 3);
        TestDomain guest = Guest(machine, 3, 4);
        bool isOver = false;
        var simulator = new Simulator(machine, seed);
        simulator.Add(0, () =>
        {
            for (int i = 0; i < 30; i++)
            {
                machine.Host.Scheduler.PauseAndWait(guest.Domain, machine.Cpu());
                for (int look = 0; look < 5; look++)
                {
                    SwitchPoint.Spinning();
                    Assert.True(Scheduler.IsQuiescent(guest.Domain), "registers are in use");
                }

                machine.Host.Scheduler.Unpause(guest.Domain, machine.Cpu());
                SwitchPoint.Spinning();
            }

            isOver = true;
        });
        for (int i = 1; i < 3; i++)
        {
            Cpu processor = machine.Cpu(i);
            simulator.Add(i, () =>
            {
                while (!isOver)
                {
                    Loop(machine, processor);
                    if (processor.Current != null)
                        machine.Host.Scheduler.Yield(processor.Current);
                    SwitchPoint.Spinning();
                }
            });
        }

        simulator.Run();
    }

    private static void Storm(TestHost machine, Cpu processor, TestDomain[] guests, int[] owners, int seed)
    {
        Scheduler scheduler = machine.Host.Scheduler;
        var random = new Random(seed);
        for (int i = 0; i < 150; i++)
        {
            TestDomain guest = guests[random.Next(guests.Length)];
            Vcpu vcpu = guest.Vcpu(random.Next(guest.Domain.Vcpus.Length));
            Vcpu? current = processor.Current;
            switch (random.Next(9))
            {
                case 0 or 1 when current != null:
                    scheduler.Block(current);
                    break;
                case 2 or 3:
                    vcpu.MarkEventsPending(processor);
                    scheduler.Wake(vcpu, processor);
                    break;
                case 4 when current != null:
                    scheduler.Yield(current);
                    break;
                case 5:
                    scheduler.Pause(vcpu, processor);
                    scheduler.Unpause(vcpu, processor);
                    break;
                case 6:
                    scheduler.Pause(guest.Domain, processor);
                    SwitchPoint.Spinning();
                    scheduler.Unpause(guest.Domain, processor);
                    break;
                case 7:
                    scheduler.SetHardAffinity(vcpu, (ulong)random.Next(1, 8), processor);
                    break;
                default:
                    if (vcpu.IsUp)
                        scheduler.VcpuDown(vcpu, processor);
                    else
                        scheduler.VcpuUp(vcpu, processor);
                    break;
            }

            machine.Platform.NowNs += 50_000;
            Own(machine, processor, owners);
        }

        Vcpu? last = processor.Current;
        if (last != null)
            scheduler.Pause(last, processor);
        Own(machine, processor, owners);
        if (last != null)
            scheduler.Unpause(last, processor);
    }

    // The loop of a port, with a record of whose registers are where.
    private static void Own(TestHost machine, Cpu processor, int[] owners)
    {
        while (true)
        {
            PendingWork work = processor.TakePending();
            Vcpu? before = processor.Current;
            if (before != null && (work & PendingWork.Reschedule) == 0 && before.IsRunnable)
                return;
            Vcpu? next = machine.Host.Scheduler.Schedule(processor);
            if (next != before)
            {
                if (before != null)
                    Assert.Equal(processor.Id + 1, System.Threading.Interlocked.Exchange(ref owners[Number(before)], 0));
                machine.Host.Scheduler.ContextSaved(processor);
                if (next != null)
                    Assert.Equal(0, System.Threading.Interlocked.Exchange(ref owners[Number(next)], processor.Id + 1));
            }

            if (processor.Pending == PendingWork.None)
                return;
        }
    }

    private static int Number(Vcpu vcpu) => (vcpu.Domain.Id == 3 ? 0 : 4) + (int)vcpu.Id;

    private static void Loop(TestHost machine, Cpu processor)
    {
        do
        {
            PendingWork work = processor.TakePending();
            if ((work & PendingWork.Timer) != 0)
                processor.Timers.Run();
            Vcpu? next = processor.Current;
            if (next != null && (work & PendingWork.Reschedule) == 0 && next.IsRunnable)
                continue;
            machine.Host.Scheduler.Schedule(processor);
            machine.Host.Scheduler.ContextSaved(processor);
        }
        while (processor.Pending != PendingWork.None);
    }

    private static bool RunsSoon(TestHost machine, Vcpu vcpu)
    {
        for (int i = 0; i < 200 && !vcpu.IsRunningNow; i++)
        {
            for (int id = 0; id < machine.Host.ProcessorCount; id++)
            {
                VirtualPlatform.Running = machine.Cpu(id);
                Loop(machine, machine.Cpu(id));
            }

            VirtualPlatform.Running = null;
            machine.Advance(1_000_000);
        }

        return vcpu.IsRunningNow;
    }

    private static TestDomain Guest(TestHost machine, ushort id, int vcpus)
    {
        TestDomain guest = machine.AddDomain(id, vcpus, pages: 8);
        guest.Domain.SetHvmParameter(0, CallbackByVector);
        for (int i = 0; i < vcpus; i++)
            guest.Context(i).Rflags = 0x202;
        return guest;
    }

    // Each vCPU on the CPU of its number.
    private static void Pin(TestHost machine, TestDomain guest)
    {
        foreach (Vcpu? vcpu in guest.Domain.Vcpus)
            machine.Host.Scheduler.SetHardAffinity(vcpu!, 1UL << (int)vcpu!.Id, machine.Cpu());
    }
}
