// SPDX-License-Identifier: MIT
// Which vCPU runs where, and for how long. The run loop of each CPU calls Schedule; everybody else calls Wake, Block, Pause.
//
// One run queue (lock of host scope) serves all CPUs. Life of a choice: Schedule makes a vCPU Current of its CPU and marks it
// RunningNow; a later Schedule on the same CPU replaces it, after which it is "leaving" until the port has saved its registers
// and said so by ContextSaved. Only then may another CPU take it.

using System;
using System.Threading;
using XenSharp.Abi;
using XenSharp.Core.Time;
using XenSharp.Core.Vcpus;
using XenSharp.Edge;

namespace XenSharp.Core.Scheduling;

/// <summary>The scheduler of all CPUs.</summary>
public sealed partial class Scheduler(Host host)
{
    /// <summary>XEN_SCHEDULER_CREDIT2, for sysctl and domctl.</summary>
    public const uint Id = 6;

    public const ulong LongestSliceNs = 10_000_000;

    private const ulong ShortestSliceNs = 500_000;

    private readonly RunQueue _queue = new();

    // One bit per CPU: runs its loop; runs no vCPU; has been told to choose again; will choose again by a timer.
    private ulong _online;
    private ulong _idle;
    private ulong _tickled;
    private ulong _sliced;

    public Host Host => host;

    /// <summary>Name and option as Xen prints them ("Using scheduler: ...").</summary>
    public static ReadOnlySpan<byte> Name => "SMP Credit Scheduler rev2"u8;

    public static ReadOnlySpan<byte> OptionName => "credit2"u8;

    /// <summary>A vCPU that has just been chosen is not replaced for this long, µs (`sched_ratelimit_us`); 0: no such limit.</summary>
    public uint RateLimitUs { get; private set; } = 1000;

    /// <summary>CPUs that exist, one bit each.</summary>
    public ulong AllProcessors => host.ProcessorCount >= 64 ? ulong.MaxValue : (1UL << host.ProcessorCount) - 1;

    /// <summary>CPUs that run no vCPU.</summary>
    public ulong IdleProcessors => _idle;

    internal RunQueue Queue => _queue;

    /// <summary>
    /// Takes in a new vCPU, which is down. Its place is the CPU after that of the domain's vCPU before it. The domain builder calls this
    /// once, after the vCPU has its number; dom0's vCPUs may run on every CPU that exists by then.
    /// </summary>
    public void Add(Vcpu vcpu, Cpu caller)
    {
        Vcpu? before = vcpu.Id == 0 ? null : vcpu.Domain.FindVcpu(vcpu.Id - 1);
        int place = before == null ? 0 : (before.Processor.Id + 1) % host.ProcessorCount;
        vcpu.Processor = host.Processors[place]!;
        if (vcpu.Domain.Id == 0)
            vcpu.HardAffinity = AllProcessors;
        ulong now = host.Clock.Now;
        using (_queue.Lock.Enter(caller))
        {
            vcpu.StartRunstate(now);
            vcpu.IsAdded = true;
            _queue.AddMember(vcpu);
        }
    }

    /// <summary>Forgets a vCPU for good: its domain is paused and it is not running.</summary>
    public void Remove(Vcpu vcpu, Cpu caller)
    {
        TimerQueue.Cancel(vcpu.SingleshotTimer, caller);
        TimerQueue.Cancel(vcpu.PeriodicTimer, caller);
        TimerQueue.Cancel(vcpu.PollTimer, caller);
        using (_queue.Lock.Enter(caller))
        {
            if (!vcpu.IsAdded)
                return;
            vcpu.SetPauseFlags(VcpuPauseFlags.Down);
            if (vcpu.IsQueued)
                _queue.Remove(vcpu);
            vcpu.IsAdded = false;
            vcpu.IsParked = false;
            _queue.RemoveMember(vcpu);
        }
    }

    /// <summary>
    /// Chooses what the calling CPU runs next; null: idle. The choice is <see cref="Cpu.Current"/> on return. When it differs from
    /// what was current before, the port saves the old one's registers, calls <see cref="ContextSaved"/>, and loads the new one's.
    /// </summary>
    public Vcpu? Schedule(Cpu processor)
    {
        ulong now = host.Clock.Now;
        ulong bit = 1UL << processor.Id;
        Vcpu? previous = processor.Current;
        Vcpu? next;
        bool hadSlice;
        ulong slice;
        RunstateRecord left = default;
        RunstateRecord entered = default;
        using (_queue.Lock.Enter(processor))
        {
            if (processor.Leaving != null)
                FinishLeaving(processor, now);
            _online |= bit;
            _tickled &= ~bit;
            hadSlice = (_sliced & bit) != 0;
            if (previous != null)
            {
                _queue.Burn(previous, now);
                // It ran alone, so nobody looked when it had used up its credit.
                if (!hadSlice && previous.CreditNs <= 0)
                    _queue.ResetLate(previous, now);
            }

            next = Choose(processor, previous, bit, now);
            if (next != null && next.CreditNs <= 0)
                _queue.Reset(next, now);
            if (next != previous || next == null)
            {
                Switch(processor, previous, next, bit, now);
                previous?.CopyRunstate(out left, 0);
                next?.CopyRunstate(out entered, 0);
            }

            if (_queue.Head != null && (_idle & ~_tickled) != 0)
                EmployIdle(processor, now);
            bool othersWait = _queue.Head != null || (previous != next && previous != null && previous.IsRunnable);
            slice = next == null || !othersWait ? 0 : Slice(next, now);
            if (next != null)
                slice = LimitToBudget(next, slice);
            _sliced = slice == 0 ? _sliced & ~bit : _sliced | bit;
        }

        if (slice != 0)
            processor.Timers.Arm(processor.Slice, now + slice, processor);
        else if (hadSlice)
            TimerQueue.Cancel(processor.Slice, processor);
        if (next != previous)
            Announce(processor, previous, in left, next, in entered);
        else if (next != null)
            VcpuTime.Update(next);
        return next;
    }

    /// <summary>The port has saved the registers of the vCPU that left this CPU, and will not touch them again: others may run it.</summary>
    public void ContextSaved(Cpu processor)
    {
        if (processor.Leaving == null)
            return;
        using (_queue.Lock.Enter(processor))
            FinishLeaving(processor, host.Clock.Now);
    }

    // Best of the running and the waiting vCPUs that may run here.
    private Vcpu? Choose(Cpu processor, Vcpu? previous, ulong bit, ulong now)
    {
        Vcpu? best = null;
        bool yielding = false;
        if (previous != null)
        {
            yielding = previous.IsYielding;
            previous.IsYielding = false;
            previous.IsParked = previous.Domain.Scheduling.IsExhausted;
            if (previous.IsRunnable && !previous.IsParked && (previous.HardAffinity & bit) != 0)
            {
                if (!yielding && now - previous.RunSinceNs < (ulong)RateLimitUs * 1000)
                    return previous;
                best = previous;
            }
        }

        Vcpu? waiting = FirstWaiting(bit);
        if (waiting != null && (best == null || yielding || waiting.CreditNs > best.CreditNs))
            best = waiting;
        return best;
    }

    private void Switch(Cpu processor, Vcpu? previous, Vcpu? next, ulong bit, ulong now)
    {
        if (previous != null && previous != next)
        {
            previous.ChangeRunstate(NotRunning(previous), now);
            processor.Leaving = previous;
        }

        if (next != null)
        {
            _queue.Remove(next);
            next.Processor = processor;
            next.RunningNow = true;
            next.RunSinceNs = now;
            next.BurnFromNs = now;
            next.ChangeRunstate(RunstateKind.Running, now);
            _idle &= ~bit;
            if (processor.IdleSinceNs != 0)
                processor.IdleNs += now - processor.IdleSinceNs;
            processor.IdleSinceNs = 0;
        }
        else
        {
            _idle |= bit;
            if (processor.IdleSinceNs == 0)
                processor.IdleSinceNs = Math.Max(now, 1);
        }

        processor.Current = next;
    }

    // A CPU that was told to choose may have found a better one than the vCPU that it was told for: the other idle CPUs are asked again.
    private void EmployIdle(Cpu processor, ulong now)
    {
        for (Vcpu? waiting = _queue.Head; waiting != null; waiting = waiting.QueueNext)
        {
            ulong free = _idle & _online & ~_tickled;
            if (free == 0)
                return;
            if ((waiting.HardAffinity & free) != 0)
                Tickle(waiting, processor, now);
        }
    }

    private void FinishLeaving(Cpu processor, ulong now)
    {
        Vcpu vcpu = processor.Leaving!;
        processor.Leaving = null;
        Volatile.Write(ref vcpu.RunningNow, false);
        if (!vcpu.IsAdded || !vcpu.IsRunnable)
            return;
        vcpu.ChangeRunstate(RunstateKind.Runnable, now);
        if (vcpu.IsParked)
            return;
        _queue.Insert(vcpu);
        Tickle(vcpu, processor, now);
    }

    private static RunstateKind NotRunning(Vcpu vcpu)
    {
        if ((vcpu.PauseFlags & VcpuPauseFlags.Blocked) != 0)
            return RunstateKind.Blocked;
        return vcpu.IsRunnable ? RunstateKind.Runnable : RunstateKind.Offline;
    }

    private ulong Slice(Vcpu next, ulong now)
    {
        ulong shortest = ShortestSliceNs;
        ulong limit = (ulong)RateLimitUs * 1000;
        ulong ran = now - next.RunSinceNs;
        if (limit > ran)
            shortest = Math.Max(shortest, limit - ran);
        long time = _queue.RunTime(next);
        return time <= 0 ? shortest : Math.Min(Math.Max((ulong)time, shortest), Math.Max(LongestSliceNs, shortest));
    }

    // What the guests see of a switch. The registers of the one that leaves are still untouched here.
    private static void Announce(Cpu processor, Vcpu? previous, in RunstateRecord left, Vcpu? next, in RunstateRecord entered)
    {
        if (previous != null)
        {
            if (previous.PeriodicTimer.IsArmed)
                previous.PeriodicTimer.Suspend(processor);
            if (previous.RunstateArea != 0 && !previous.Domain.IsDying)
                previous.WriteRunstateArea(in left);
        }

        if (next != null)
        {
            next.ApicTimer?.Resume();
            next.PeriodicTimer.Resume(processor);
            VcpuTime.Update(next);
            if (next.RunstateArea != 0)
                next.WriteRunstateArea(in entered);
        }
    }
}
