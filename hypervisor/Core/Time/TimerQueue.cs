// SPDX-License-Identifier: MIT
// Timers of one CPU: a binary heap by deadline; the first one arms the CPU's timer interrupt.

using System;
using XenSharp.Core.Vcpus;
using XenSharp.Edge;

namespace XenSharp.Core.Time;

/// <summary>Something to do at a system time. Each timer has one owner and sits in at most one queue.</summary>
public abstract class Timer
{
    internal TimerQueue? Queue { get; set; }

    internal int Position { get; set; }

    /// <summary>System time in ns.</summary>
    public ulong DeadlineNs { get; internal set; }

    public bool IsArmed => Queue != null;

    /// <summary>What the timer does, for debug key 'a'.</summary>
    public virtual ReadOnlySpan<byte> Name => "timer"u8;

    /// <summary>The vCPU that it belongs to, for debug key 'a'.</summary>
    public virtual Vcpu? Owner => null;

    /// <summary>Called on the queue's CPU with no lock held, the timer no longer armed.</summary>
    public abstract void Expire(Cpu processor);
}

/// <summary>The heap. Any CPU may arm or cancel; only the owner expires.</summary>
public sealed class TimerQueue(Host host, Cpu processor)
{
    /// <summary>The most timers that one CPU can carry. All of the machine's fit: see <see cref="MaxGuestVcpus"/>.</summary>
    public const int Capacity = 4096;

    /// <summary>
    /// vCPUs that all domains but dom0 may have together: four timers of each, two of each domain, and those of dom0 fit into one queue.
    /// </summary>
    public const int MaxGuestVcpus = (Capacity - 640) / 6;

    private readonly Timer?[] _heap = new Timer?[Capacity];
    private readonly SpinLock _lock = new(LockScope.Host);
    private int _count;

    public int Count => _count;

    /// <summary>The armed timer at a place of the heap, for the debug key.</summary>
    public Timer? this[int index] => index < _count ? _heap[index] : null;

    /// <summary>The first deadline, or 0.</summary>
    public ulong FirstDeadlineNs => _count == 0 ? 0 : _heap[0]!.DeadlineNs;

    /// <summary>Arms a timer here; it must not be armed elsewhere (call <see cref="Cancel"/> first).</summary>
    public void Arm(Timer timer, ulong deadlineNs, Processor caller)
    {
        bool first;
        using (_lock.Enter(caller))
        {
            if (timer.Queue == this)
                Remove(timer);
            if (_count == Capacity)
                return;
            timer.DeadlineNs = deadlineNs;
            timer.Queue = this;
            _heap[_count] = timer;
            timer.Position = _count;
            _count++;
            MoveUp(_count - 1);
            first = timer.Position == 0;
        }

        if (!first)
            return;
        if (caller == processor)
        {
            host.Platform.ArmTimer(deadlineNs);
            return;
        }

        processor.Raise(PendingWork.Timer);
        host.Platform.Kick(processor);
    }

    /// <summary>Arms a timer here wherever it may have been armed before. The caller serialises changes of one timer.</summary>
    public void Move(Timer timer, ulong deadlineNs, Processor caller)
    {
        if (timer.Queue != this)
            Cancel(timer, caller);
        Arm(timer, deadlineNs, caller);
    }

    /// <summary>Disarms a timer wherever it is armed. A spurious interrupt may follow.</summary>
    public static void Cancel(Timer timer, Processor caller)
    {
        TimerQueue? queue = timer.Queue;
        if (queue == null)
            return;
        using (queue._lock.Enter(caller))
        {
            if (timer.Queue == queue)
                queue.Remove(timer);
        }
    }

    /// <summary>Runs what is due, a bounded number per call, and arms the interrupt for the rest. On the owning CPU only.</summary>
    public void Run()
    {
        for (int i = 0; i < 64; i++)
        {
            ulong now = host.Clock.Now;
            Timer? due = null;
            using (_lock.Enter(processor))
            {
                if (_count > 0 && _heap[0]!.DeadlineNs <= now)
                {
                    due = _heap[0]!;
                    Remove(due);
                }
                else
                {
                    host.Platform.ArmTimer(_count == 0 ? 0 : _heap[0]!.DeadlineNs);
                }
            }

            if (due == null)
                return;
            due.Expire(processor);
        }

        processor.Raise(PendingWork.Timer);
    }

    private void Remove(Timer timer)
    {
        int position = timer.Position;
        timer.Queue = null;
        _count--;
        Timer last = _heap[_count]!;
        _heap[_count] = null;
        if (last == timer)
            return;
        _heap[position] = last;
        last.Position = position;
        MoveUp(position);
        MoveDown(last.Position);
    }

    private void MoveUp(int position)
    {
        Timer moving = _heap[position]!;
        while (position > 0)
        {
            int parent = (position - 1) / 2;
            Timer above = _heap[parent]!;
            if (above.DeadlineNs <= moving.DeadlineNs)
                break;
            _heap[position] = above;
            above.Position = position;
            position = parent;
        }

        _heap[position] = moving;
        moving.Position = position;
    }

    private void MoveDown(int position)
    {
        Timer moving = _heap[position]!;
        while (true)
        {
            int child = (2 * position) + 1;
            if (child >= _count)
                break;
            if (child + 1 < _count && _heap[child + 1]!.DeadlineNs < _heap[child]!.DeadlineNs)
                child++;
            Timer below = _heap[child]!;
            if (below.DeadlineNs >= moving.DeadlineNs)
                break;
            _heap[position] = below;
            below.Position = position;
            position = child;
        }

        _heap[position] = moving;
        moving.Position = position;
    }
}
