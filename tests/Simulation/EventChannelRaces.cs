// SPDX-License-Identifier: MIT
// Event channels used by several CPUs at once, in orders decided by seeds.

using System;
using System.Collections.Generic;
using XenSharp.Abi;
using XenSharp.Core.EventChannels;
using XenSharp.Edge;
using XenSharp.Testing;
using XenSharp.Tests.Unit.EventChannels;
using Xunit;

namespace XenSharp.Tests.Simulation;

public class EventChannelRaces
{
    public static TheoryData<int> Seeds()
    {
        var seeds = new TheoryData<int>();
        for (int seed = 1; seed <= 40; seed++)
            seeds.Add(seed);
        return seeds;
    }

    /// <summary>An event sent while another CPU unmasks its port is delivered, whoever is first.</summary>
    [Theory]
    [MemberData(nameof(Seeds))]
    public void SendAgainstUnmask(int seed)
    {
        var machine = new TestHost(processors: 2);
        TestDomain guest = Guest(machine, 5, vcpus: 2);
        guest.BindIpi(1, out uint port);
        for (int round = 0; round < 50; round++)
        {
            guest.SharedInfo.Slice(2048, 1024).Clear();
            guest.SharedInfo[2560 + (int)(port / 8)] = (byte)(1 << (int)(port % 8));
            guest.VcpuInfo(1).Clear();
            var simulator = new Simulator(machine, (seed * 1000) + round);
            simulator.Add(0, () => Assert.Equal(0, guest.Send(port, vcpu: 0)));
            simulator.Add(1, () => Assert.Equal(0, guest.Unmask(port, vcpu: 1)));
            simulator.Run();
            Assert.Equal((1, 1), (guest.VcpuInfo(1)[0], guest.VcpuInfo(1)[8]));
        }
    }

    /// <summary>Three CPUs of two domains do everything at once; the pairs stay pairs and nothing is counted twice.</summary>
    [Theory]
    [MemberData(nameof(Seeds))]
    public void EverythingAtOnce(int seed)
    {
        var machine = new TestHost(processors: 3);
        TestDomain a = Guest(machine, 3, vcpus: 2);
        TestDomain b = Guest(machine, 7, vcpus: 1, firstProcessor: 2);
        var simulator = new Simulator(machine, seed);
        simulator.Add(0, () => Storm(a, 0, b, seed * 3, 300));
        simulator.Add(1, () => Storm(a, 1, b, (seed * 3) + 1, 300));
        simulator.Add(2, () => Storm(b, 0, a, (seed * 3) + 2, 300));
        simulator.Run();
        CheckPairs(machine, a);
        CheckPairs(machine, b);
    }

    /// <summary>Both ends of a channel are closed at the same time: each close succeeds, and nothing is left.</summary>
    [Theory]
    [MemberData(nameof(Seeds))]
    public void BothEndsClose(int seed)
    {
        var machine = new TestHost(processors: 2);
        TestDomain low = Guest(machine, 3, vcpus: 1);
        TestDomain high = Guest(machine, 7, vcpus: 1, firstProcessor: 1);
        for (int round = 0; round < 30; round++)
        {
            low.AllocUnbound(DomainIds.Self, 7, out uint near);
            Assert.Equal(0, high.BindInterdomain(3, near, out uint far));
            var simulator = new Simulator(machine, (seed * 1000) + round) { SwitchOneIn = 2 };
            simulator.Add(0, () => Assert.Equal(0, low.Close(near)));
            simulator.Add(1, () => Assert.Equal(0, high.Close(far)));
            simulator.Run();
            CheckPairs(machine, low);
            CheckPairs(machine, high);
            Assert.Equal((0u, 0u), (low.Domain.EventChannels.ActivePorts, high.Domain.EventChannels.ActivePorts));
        }
    }

    /// <summary>
    /// FIFO: two CPUs send numbered messages over the same ports, one of them also changes vCPUs and priorities of the ports, two CPUs consume as a
    /// kernel does. After the last message each port's consumer knows it.
    /// </summary>
    [Theory]
    [MemberData(nameof(Seeds))]
    public void FifoLosesNothing(int seed)
    {
        const int Ports = 4, Messages = 60;
        var machine = new TestHost(processors: 4);
        TestDomain guest = Guest(machine, 5, vcpus: 4);
        var queues = new SharedFifo(guest, 2);
        var near = new uint[Ports];
        var far = new uint[Ports];
        for (int i = 0; i < Ports; i++)
        {
            guest.AllocUnbound(DomainIds.Self, DomainIds.Self, out near[i]);
            guest.BindInterdomain(DomainIds.Self, near[i], out far[i]);
        }

        var sent = new int[Ports];
        var seen = new int[Ports];
        bool done = false;
        void Deliver(uint port)
        {
            int index = Array.IndexOf(near, port);
            if (index >= 0)
                seen[index] = Math.Max(seen[index], sent[index]);
        }

        var simulator = new Simulator(machine, seed) { SwitchOneIn = 3 };
        simulator.Add(0, () =>
        {
            var random = new Random(seed);
            for (int i = 0; i < Messages; i++)
            {
                int index = random.Next(Ports);
                sent[index]++;
                Assert.Equal(0, guest.Send(far[index], vcpu: 0));
            }

            done = true;
        });
        simulator.Add(1, () =>
        {
            var random = new Random(seed + 1);
            for (int i = 0; i < Messages && !done; i++)
            {
                int index = random.Next(Ports);
                uint port = near[index];
                int choice = random.Next(4);
                if (choice >= 2)
                {
                    sent[index]++;
                    Assert.Equal(0, guest.Send(far[index], vcpu: 1));
                }
                else if (choice == 0)
                    guest.Domain.EventChannels.BindVcpu(port, 2 + (uint)random.Next(2), machine.Cpu(1));
                else
                    guest.Domain.EventChannels.SetPriority(port, (uint)random.Next(3) * 7);
            }
        });
        simulator.Add(2, () => queues.ConsumeWhile(2, () => !done, Deliver));
        simulator.Add(3, () => queues.ConsumeWhile(3, () => !done, Deliver));
        simulator.Run();
        for (int vcpu = 0; vcpu < 4; vcpu++)
            queues.Consume(vcpu, Deliver);
        Assert.Equal(sent, seen);
    }

    /// <summary>Events for ports beyond the array arrive when the array grows at the same time.</summary>
    [Theory]
    [MemberData(nameof(Seeds))]
    public void FifoArrayGrowsUnderASender(int seed)
    {
        for (int round = 0; round < 20; round++)
        {
            var machine = new TestHost(processors: 2);
            TestDomain guest = Guest(machine, 5, vcpus: 2);
            var queues = new SharedFifo(guest, 0);
            guest.BindIpi(1, out uint port);
            ulong page = guest.TakePages();
            var simulator = new Simulator(machine, (seed * 100) + round) { SwitchOneIn = 2 };
            simulator.Add(0, () => Assert.Equal(0, guest.Send(port)));
            simulator.Add(1, () => Assert.Equal(0, guest.Domain.EventChannels.ExpandArray(page, machine.Cpu(1))));
            simulator.Run();
            queues.AddPage(page);
            var delivered = new List<uint>();
            queues.Consume(1, delivered.Add);
            Assert.Equal([port], delivered);
        }
    }

    /// <summary>A reset that takes the FIFO format away under senders gives all its frames back.</summary>
    [Theory]
    [MemberData(nameof(Seeds))]
    public void ResetUnderSenders(int seed)
    {
        var machine = new TestHost(processors: 3);
        TestDomain guest = Guest(machine, 5, vcpus: 2);
        TestDomain other = Guest(machine, 9, vcpus: 1, firstProcessor: 2);
        _ = new SharedFifo(guest, 1);
        guest.BindIpi(1, out uint ipi);
        guest.AllocUnbound(DomainIds.Self, 9, out uint near);
        other.BindInterdomain(5, near, out uint far);
        var simulator = new Simulator(machine, seed) { SwitchOneIn = 2 };
        simulator.Add(0, () => Assert.Contains(guest.Reset(DomainIds.Self), new long[] { 0, -11 }));
        simulator.Add(1, () =>
        {
            for (int i = 0; i < 20; i++)
                guest.Send(ipi, vcpu: 1);
        });
        simulator.Add(2, () =>
        {
            for (int i = 0; i < 20; i++)
                Assert.Equal(0, other.Send(far));
        });
        simulator.Run();
        Assert.False(guest.Domain.EventChannels.IsFifo);
        for (ulong gfn = 0; gfn < 64; gfn++)
            Assert.Equal(1, machine.Frames[guest.Frame(gfn)].References);
    }

    private static TestDomain Guest(TestHost machine, ushort id, int vcpus, int firstProcessor = 0)
    {
        TestDomain guest = machine.AddDomain(id, vcpus, pages: 64);
        for (int i = 0; i < vcpus; i++)
            guest.Vcpu(i).Processor = machine.Cpu(firstProcessor + i);
        return guest;
    }

    // Operations of one vCPU on few ports, so that they meet.
    private static void Storm(TestDomain guest, int vcpu, TestDomain other, int seed, int count)
    {
        var random = new Random(seed);
        EventChannelTable channels = guest.Domain.EventChannels;
        XenSharp.Core.Cpu cpu = guest.Vcpu(vcpu).Processor;
        for (int i = 0; i < count; i++)
        {
            guest.Vcpu(vcpu).Continuation.Budget = 1_000_000;
            uint port = 1 + (uint)random.Next(8);
            switch (random.Next(8))
            {
                case 0:
                    channels.AllocateUnbound(guest.Domain, random.Next(2) == 0 ? other.Domain.Id : guest.Domain.Id, ref guest.Vcpu(vcpu).Continuation, cpu);
                    break;
                case 1 or 2:
                    channels.BindInterdomain(other.Domain.EventChannels, port, ref guest.Vcpu(vcpu).Continuation, cpu);
                    break;
                case 3:
                    channels.BindInterdomain(channels, port, ref guest.Vcpu(vcpu).Continuation, cpu);
                    break;
                case 4 or 5:
                    channels.Close(port, cpu);
                    break;
                case 6:
                    channels.SendLocal(port, cpu);
                    break;
                default:
                    channels.Unmask(port, cpu);
                    break;
            }
        }
    }

    private static void CheckPairs(TestHost machine, TestDomain guest)
    {
        uint active = 0;
        EventChannelTable channels = guest.Domain.EventChannels;
        Assert.Equal(PortState.Reserved, channels.BindingOf(0).State);
        for (uint port = 1; port < channels.ValidPorts; port++)
        {
            PortBinding binding = channels.BindingOf(port);
            if (binding.State != PortState.Free)
                active++;
            if (binding.State != PortState.Interdomain)
                continue;
            PortBinding far = machine.Host.Domains.Find(binding.RemoteDomain)!.EventChannels.BindingOf(binding.Target);
            Assert.Equal(
                (PortState.Interdomain, guest.Domain.Id, port),
                (far.State, far.RemoteDomain, far.Target));
        }

        Assert.Equal(active, channels.ActivePorts);
    }
}
