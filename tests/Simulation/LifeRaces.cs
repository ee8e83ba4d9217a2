// SPDX-License-Identifier: MIT
// Domains that come and go while their vCPUs run on other CPUs and others talk to them, in orders decided by seeds.

using System;
using XenSharp.Abi;
using XenSharp.Core;
using XenSharp.Core.Domains;
using XenSharp.Core.Hypercalls;
using XenSharp.Core.Vcpus;
using XenSharp.Edge;
using XenSharp.Testing;
using XenSharp.Tests.Unit.Domains;
using Xunit;

namespace XenSharp.Tests.Simulation;

public class LifeRaces
{
    private const int Processors = 4;
    private readonly TestHost _machine = new(processors: Processors);
    private readonly ToolstackDomain _tools;
    private bool _isOver;

    public LifeRaces()
    {
        _tools = new ToolstackDomain(_machine);
        for (int i = 0; i < Processors; i++)
            _machine.Host.Scheduler.SetHardAffinity(_tools.Dom0.Vcpu(i), 1UL << i, _machine.Cpu());
        _machine.Schedule();
    }

    public static TheoryData<int> Seeds()
    {
        var seeds = new TheoryData<int>();
        for (int seed = 1; seed <= 20; seed++)
            seeds.Add(seed);
        return seeds;
    }

    /// <summary>
    /// CPU 0 makes and ends domains, CPU 1 talks to whatever domain there is, CPUs 2 and 3 run the guests. Afterwards everything is back, and
    /// while it lasts nobody meets an object that has been given back.
    /// </summary>
    [Theory]
    [MemberData(nameof(Seeds))]
    public void NothingIsLeftWhateverTheOrder(int seed)
    {
        for (int i = 2; i < Processors; i++)
            _machine.Host.Scheduler.VcpuDown(_tools.Dom0.Vcpu(i), _machine.Cpu());
        _machine.Schedule();
        // The tools' own port table has its page.
        HypercallContinuation budget = Budget();
        _tools.Dom0.Domain.EventChannels.BindIpi(0, ref budget, _machine.Cpu());
        var before = _tools.Count();
        var simulator = new Simulator(_machine, seed) { SwitchOneIn = 3 };
        simulator.Add(0, () => MakeAndEnd(new Random(seed)));
        simulator.Add(1, () => Talk(_machine.Cpu(1), new Random(seed + 1)));
        for (int i = 2; i < Processors; i++)
        {
            Cpu processor = _machine.Cpu(i);
            simulator.Add(i, () => RunGuests(processor, new Random((seed * Processors) + processor.Id)));
        }

        simulator.Run();
        _machine.Schedule();
        Assert.Equal(before, _tools.Count());
        Assert.Equal(1u, _tools.Dom0.Domain.EventChannels.ActivePorts - Unbound());
        for (int i = 0; i < Processors; i++)
            Assert.Equal(0, _machine.Cpu(i).Timers.Count);
    }

    private void MakeAndEnd(Random random)
    {
        for (int round = 0; round < 6; round++)
        {
            Assert.Equal(0, _tools.Create(ToolstackDomain.Pvh(2), 0, out ushort id));
            Domain domain = _machine.Host.Domains.Find(id)!;
            if (random.Next(5) != 0)
            {
                Assert.Equal(0, _tools.Call(DomctlCommand.MaxVcpus, id, 2));
                domain.SetHvmParameter(0, (2UL << 56) | 0xf3);
                foreach (Vcpu? vcpu in domain.Vcpus)
                {
                    _machine.Host.Scheduler.SetHardAffinity(vcpu!, 0b1100, _machine.Cpu());
                    _machine.Host.Scheduler.VcpuUp(vcpu!, _machine.Cpu());
                }

                Assert.Equal(0, _tools.Call(DomctlCommand.UnpauseDomain, id));
                for (int i = random.Next(200); i > 0; i--)
                    Turn(_machine.Cpu());
            }

            Assert.Equal(0, _tools.Destroy(domain));
            while (_machine.Host.Domains.Find(id) != null)
                Turn(_machine.Cpu());
        }

        _isOver = true;
    }

    private void Talk(Cpu processor, Random random)
    {
        Vcpu vcpu = _tools.Dom0.Vcpu(1);
        while (!_isOver)
        {
            HypercallContinuation budget = Budget();
            Domain? domain = _machine.Host.Domains.NextFrom(1);
            if (domain != null)
            {
                switch (random.Next(5))
                {
                    case 0:
                        long port = domain.EventChannels.AllocateUnbound(_tools.Dom0.Domain, 0, ref budget, processor);
                        SwitchPoint.Spinning();
                        if (port > 0)
                            _tools.Dom0.Domain.EventChannels.BindInterdomain(domain.EventChannels, (uint)port, ref budget, processor);
                        break;
                    case 1:
                        DomctlGetDomainInfo info = default;
                        _tools.Call(DomctlCommand.GetDomainInfo, domain.Id, ref info, (int)vcpu.Id);
                        break;
                    case 2:
                        _machine.Host.Scheduler.PauseAndWait(domain, processor);
                        SwitchPoint.Spinning();
                        _machine.Host.Scheduler.Unpause(domain, processor);
                        break;
                    case 3:
                        _machine.Host.VirtualIrqHandlers.Set((uint)VirtualIrq.Console, domain, processor);
                        break;
                    default:
                        _tools.Dom0.Domain.EventChannels.SendLocal((uint)random.Next(1, 12), processor);
                        break;
                }

                // The entry ends: what was seen of the domain is forgotten.
                Assert.True(domain.Region.IsValid && _machine.Regions.Holds(domain.Region), "the domain was given back during an entry that saw it");
            }

            Turn(processor);
            SwitchPoint.Spinning();
        }

        Turn(processor);
    }

    private void RunGuests(Cpu processor, Random random)
    {
        while (!_isOver)
        {
            Vcpu? current = Turn(processor);
            if (current != null)
            {
                Assert.True(_machine.Regions.Holds(current.Region), "a vCPU runs that was given back");
                Act(current, processor, random);
            }

            _machine.Platform.NowNs += 20_000;
            SwitchPoint.Spinning();
        }

        Turn(processor);
    }

    // What a guest does in one entry.
    private void Act(Vcpu vcpu, Cpu processor, Random random)
    {
        HypercallContinuation budget = Budget();
        ulong soon = _machine.Platform.NowNs + (ulong)random.Next(100_000);
        switch (random.Next(8))
        {
            case 0:
                vcpu.Domain.EventChannels.AllocateUnbound(vcpu.Domain, 0, ref budget, processor);
                break;
            case 1:
                vcpu.Domain.EventChannels.SendLocal((uint)random.Next(1, 8), processor);
                break;
            case 2:
                vcpu.SingleshotTimer.Set(soon, processor);
                break;
            case 3:
                vcpu.PeriodicTimer.Set(1_000_000, processor);
                break;
            case 4:
                vcpu.Domain.Watchdogs.Set(0, 5, processor);
                break;
            case 5:
                _machine.Host.Scheduler.Block(vcpu);
                break;
            case 6:
                processor.Timers.Move(vcpu.ApicTimer!, soon, processor);
                break;
            default:
                vcpu.Domain.EventChannels.Close((uint)random.Next(1, 8), processor);
                break;
        }
    }

    // The top of a port's loop.
    private Vcpu? Turn(Cpu processor)
    {
        do
        {
            PendingWork work = processor.TakePending();
            if ((work & PendingWork.Timer) != 0)
                processor.Timers.Run();
            if ((work & PendingWork.Quiescence) != 0)
                _machine.Host.GracePeriods.Pass(processor);
            if ((work & (PendingWork.Quiescence | PendingWork.Reap)) != 0)
                _machine.Host.Reaper.Run(processor);
            if (processor.Current == null || (work & PendingWork.Reschedule) != 0 || !processor.Current.IsRunnable)
            {
                _machine.Host.Scheduler.Schedule(processor);
                _machine.Host.Scheduler.ContextSaved(processor);
            }
        }
        while (processor.Pending != PendingWork.None);
        return processor.Current;
    }

    // Ends towards dead domains.
    private uint Unbound()
    {
        uint count = 0;
        for (uint port = 1; port < _tools.Dom0.Domain.EventChannels.ValidPorts; port++)
            count += _tools.Dom0.Domain.EventChannels.BindingOf(port).State == XenSharp.Core.EventChannels.PortState.Unbound ? 1u : 0;
        return count;
    }

    private static HypercallContinuation Budget() => new() { Budget = HypercallContinuation.InitialBudget };
}
