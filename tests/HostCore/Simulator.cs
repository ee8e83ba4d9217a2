// SPDX-License-Identifier: MIT
// Several CPUs in one process, one at a time, in an order that a seed decides: every race replays.

using System;
using System.Collections.Generic;
using System.Runtime.ExceptionServices;
using System.Threading;
using XenSharp.Core;
using XenSharp.Edge;

namespace XenSharp.Testing;

/// <summary>
/// Runs one body per CPU. At every switch point the running CPU may hand over to another one; a spinning CPU always does.
/// </summary>
public sealed class Simulator(TestHost machine, int seed)
{
    /// <summary>Switch points after which the CPUs count as deadlocked.</summary>
    private const long Limit = 20_000_000;

    private readonly Random _random = new(seed);
    private readonly List<SimulatedCpu> _cpus = [];
    private readonly ManualResetEventSlim _finished = new();
    private ExceptionDispatchInfo? _failure;
    private long _points;

    /// <summary>One of so many switch points changes the CPU.</summary>
    public int SwitchOneIn { get; init; } = 4;

    public long SwitchPoints => _points;

    /// <summary>Gives a CPU something to do. vCPUs on whose behalf it acts must have it as their processor.</summary>
    public void Add(int processor, Action body) => _cpus.Add(new SimulatedCpu(this, machine.Cpu(processor), body));

    /// <summary>Runs until all bodies have ended; rethrows the first failure.</summary>
    public void Run()
    {
        foreach (SimulatedCpu cpu in _cpus)
            cpu.Start();
        _cpus[_random.Next(_cpus.Count)].Resume();
        _finished.Wait();
        foreach (SimulatedCpu cpu in _cpus)
            cpu.Join();
        _failure?.Throw();
        foreach (SimulatedCpu cpu in _cpus)
        {
            if (cpu.Processor.Held.Count != 0)
                throw new InvalidOperationException("CPU " + cpu.Processor.Id + " has kept a lock");
        }
    }

    private void Reached(SimulatedCpu running, bool spinning)
    {
        if (_failure != null)
            throw new OperationCanceledException();
        if (++_points > Limit)
            throw new InvalidOperationException("deadlock: no end after " + Limit + " switch points");
        if (!spinning && _random.Next(SwitchOneIn) != 0)
            return;
        SimulatedCpu? next = Choose(running);
        if (next == null)
            return;
        next.Resume();
        running.Wait();
        if (_failure != null)
            throw new OperationCanceledException();
    }

    private void Ended(SimulatedCpu ended, Exception? failure)
    {
        if (failure is not (null or OperationCanceledException))
            _failure ??= ExceptionDispatchInfo.Capture(failure);
        SimulatedCpu? next = Choose(ended);
        if (next == null)
            _finished.Set();
        else
            next.Resume();
    }

    private SimulatedCpu? Choose(SimulatedCpu except)
    {
        int start = _random.Next(_cpus.Count);
        for (int i = 0; i < _cpus.Count; i++)
        {
            SimulatedCpu candidate = _cpus[(start + i) % _cpus.Count];
            if (candidate != except && !candidate.HasEnded)
                return candidate;
        }

        return null;
    }

    private sealed class SimulatedCpu : CpuSwitcher
    {
        private readonly Simulator _simulator;
        private readonly SemaphoreSlim _turn = new(0);
        private readonly Thread _thread;

        public SimulatedCpu(Simulator simulator, Cpu processor, Action body)
        {
            _simulator = simulator;
            Processor = processor;
            _thread = new Thread(() => Work(body)) { IsBackground = true };
        }

        public Cpu Processor { get; }

        public bool HasEnded { get; private set; }

        public void Start() => _thread.Start();

        public void Resume() => _turn.Release();

        public void Wait() => _turn.Wait();

        public void Join() => _thread.Join();

        public override void Reached(bool spinning) => _simulator.Reached(this, spinning);

        private void Work(Action body)
        {
            _turn.Wait();
            Exception? failure = null;
            SwitchPoint.Current = this;
            VirtualPlatform.Running = Processor;
            try
            {
                body();
            }
            catch (Exception thrown)
            {
                failure = thrown;
            }

            SwitchPoint.Current = null;
            VirtualPlatform.Running = null;
            HasEnded = true;
            _simulator.Ended(this, failure);
        }
    }
}
