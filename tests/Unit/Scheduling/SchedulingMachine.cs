// SPDX-License-Identifier: MIT
// CPUs that do nothing but run the scheduler's choices, on virtual time. A CPU acts only when a real one would: when it is
// kicked, when its timer fires, or when its guest does something.

using System;
using System.Collections.Generic;
using XenSharp.Core;
using XenSharp.Core.Vcpus;
using XenSharp.Edge;
using XenSharp.Testing;
using Xunit;

namespace XenSharp.Tests.Unit.Scheduling;

internal sealed class SchedulingMachine
{
    private readonly Vcpu?[] _loaded;
    private readonly Random? _saving;
    private readonly bool[] _entered;
    private readonly List<Vcpu> _vcpus = [];
    private ushort _nextDomain = 1;

    /// <summary>With a seed, a CPU that has switched sometimes takes its time to save the old registers.</summary>
    public SchedulingMachine(int processors, int? saveLateSeed = null)
    {
        Machine = new TestHost(processors: processors);
        _loaded = new Vcpu?[processors];
        _entered = new bool[processors];
        _saving = saveLateSeed == null ? null : new Random(saveLateSeed.Value);
    }

    public TestHost Machine { get; }

    public Host Host => Machine.Host;

    public ulong Now => Host.Clock.Now;

    public IReadOnlyList<Vcpu> Vcpus => _vcpus;

    /// <summary>Choices made so far.</summary>
    public int Switches { get; private set; }

    /// <summary>A domain whose vCPUs are up and want to run for ever.</summary>
    public TestDomain AddDomain(int vcpus, ushort weight = 256)
    {
        TestDomain domain = Machine.AddDomain(_nextDomain++, vcpus, pages: 4);
        Host.Scheduler.SetParameters(domain.Domain, weight, 0, Machine.Cpu());
        for (int i = 0; i < vcpus; i++)
            _vcpus.Add(domain.Vcpu(i));

        return domain;
    }

    /// <summary>All CPUs enter their loops.</summary>
    public void Start()
    {
        for (int i = 0; i < _loaded.Length; i++)
            Visit(i);
        Settle();
    }

    /// <summary>Lets time pass, with everything that falls due.</summary>
    public void Run(ulong nanoseconds)
    {
        ulong end = Machine.Platform.NowNs + nanoseconds;
        while (true)
        {
            Settle();
            ulong next = end;
            for (int i = 0; i < _loaded.Length; i++)
            {
                ulong deadline = Deadline(i);
                if (deadline != 0)
                    next = Math.Min(next, Math.Max(deadline, Machine.Platform.NowNs));
            }

            Machine.Platform.NowNs = next;
            bool fired = false;
            for (int i = 0; i < _loaded.Length; i++)
            {
                ulong deadline = Deadline(i);
                if (deadline == 0 || deadline > next)
                    continue;
                fired = true;
                Machine.Platform.Deadlines[i] = 0;
                Machine.Cpu(i).Raise(PendingWork.Timer);
                Visit(i);
            }

            if (!fired && next == end)
                break;
        }

        Settle();
    }

    /// <summary>The guest on a CPU does something that ends in the hypervisor.</summary>
    public void Exit(int processor, Action<Vcpu> action)
    {
        VirtualPlatform.Running = Machine.Cpu(processor);
        Vcpu? current = Machine.Cpu(processor).Current;
        if (current != null)
            action(current);
        Visit(processor);
        VirtualPlatform.Running = null;
    }

    /// <summary>Kicked CPUs, and those with registers still to save, act until nobody has anything to do.</summary>
    public void Settle()
    {
        for (int round = 0; ; round++)
        {
            Assert.True(round < 10_000, "the CPUs never come to rest");
            bool any = false;
            for (int i = 0; i < _loaded.Length; i++)
            {
                if (_entered[i] && Machine.Cpu(i).Leaving != null)
                {
                    any = true;
                    Save(i);
                    Visit(i);
                }
            }

            if (Machine.Platform.Kicks.Count > 0)
            {
                int[] kicked = [.. Machine.Platform.Kicks];
                Machine.Platform.Kicks.Clear();
                any = true;
                foreach (int processor in kicked)
                    Visit(processor);
            }

            if (!any)
                break;
        }

        CheckAtRest();
    }

    public ulong TimeOf(Vcpu vcpu) => Host.Scheduler.GetRunningNs(vcpu, Machine.Cpu());

    private ulong Deadline(int processor) => Machine.Platform.Deadlines.TryGetValue(processor, out ulong deadline) ? deadline : 0;

    private void Visit(int id)
    {
        Cpu processor = Machine.Cpu(id);
        Processor? before = VirtualPlatform.Running;
        VirtualPlatform.Running = processor;
        _entered[id] = true;
        do
        {
            PendingWork work = processor.TakePending();
            if ((work & PendingWork.Timer) != 0)
                processor.Timers.Run();
            Vcpu? next = processor.Current;
            if (next == null || (work & PendingWork.Reschedule) != 0 || !next.IsRunnable)
            {
                next = Host.Scheduler.Schedule(processor);
                Assert.Same(next, processor.Current);
                Switches++;
                if (_loaded[id] != next)
                {
                    bool late = _saving != null && next == null && _saving.Next(2) == 0;
                    if (!late)
                        Save(id);
                    _loaded[id] = next;
                }
            }

            Check(id);
        }
        while (processor.Pending != PendingWork.None);
        VirtualPlatform.Running = before;
    }

    private void Save(int id)
    {
        if (Machine.Cpu(id).Leaving != null)
            Host.Scheduler.ContextSaved(Machine.Cpu(id));
    }

    private void Check(int id)
    {
        Vcpu? current = Machine.Cpu(id).Current;
        if (current == null)
            return;
        Assert.True(current.IsRunningNow);
        Assert.Same(Machine.Cpu(id), current.Processor);
        Assert.True((current.HardAffinity & (1UL << id)) != 0 || Machine.Cpu(id).Pending != PendingWork.None, "a vCPU runs where it may not");
        for (int other = 0; other < _loaded.Length; other++)
        {
            if (other != id)
                Assert.False(Machine.Cpu(other).Current == current || Machine.Cpu(other).Leaving == current, "a vCPU is on two CPUs");
        }
    }

    // Nobody waits while a CPU that could run it is idle, and what runs may run.
    private void CheckAtRest()
    {
        ulong idle = 0;
        for (int i = 0; i < _loaded.Length; i++)
        {
            if (_entered[i] && Machine.Cpu(i).Current == null)
                idle |= 1UL << i;
        }

        foreach (Vcpu vcpu in _vcpus)
        {
            bool runs = vcpu.IsRunningNow;
            if (vcpu.IsAdded && vcpu.IsRunnable && !vcpu.IsParked && !runs)
                Assert.True((vcpu.HardAffinity & idle) == 0, "d" + vcpu.Domain.Id + "v" + vcpu.Id + " waits for CPUs " + vcpu.HardAffinity.ToString("x") + ", idle are " + idle.ToString("x"));
            Assert.True(!runs || vcpu.IsRunnable, "a vCPU runs that must not");
        }
    }
}
