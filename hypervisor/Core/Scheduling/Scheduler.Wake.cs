// SPDX-License-Identifier: MIT
// Blocking and waking: how a vCPU gives its CPU away and gets one again.

using System;
using System.Numerics;
using System.Threading;
using XenSharp.Abi;
using XenSharp.Core.Time;
using XenSharp.Core.Vcpus;
using XenSharp.Edge;

namespace XenSharp.Core.Scheduling;

public sealed partial class Scheduler
{
    /// <summary>
    /// Something waits for the vCPU. Blocked: it becomes runnable, and a CPU is chosen for it. Running on another CPU: it is taken
    /// out of guest mode, to see its interrupts. Running here: nothing. Call after what it is to see has been written.
    /// </summary>
    public void Wake(Vcpu vcpu, Cpu caller)
    {
        // Against Block: there the flag is set before the interrupts are looked at, here the interrupt before the flag.
        Interlocked.MemoryBarrier();
        if ((vcpu.PauseFlags & VcpuPauseFlags.Blocked) != 0)
        {
            Unblock(vcpu, caller);
            return;
        }

        if (vcpu.IsRunningNow && vcpu.Processor != caller)
            host.Platform.Kick(vcpu.Processor);
    }

    /// <summary>
    /// Blocks the calling vCPU until it is woken (SCHEDOP_block, HLT), unless an interrupt can be delivered already: then false, and it
    /// goes on. Call on the vCPU's CPU.
    /// </summary>
    public bool Block(Vcpu vcpu)
    {
        vcpu.SetPauseFlags(VcpuPauseFlags.Blocked);
        if (vcpu.HasDeliverableInterrupt)
        {
            vcpu.ClearPauseFlag(VcpuPauseFlags.Blocked);
            return false;
        }

        vcpu.Processor.Raise(PendingWork.Reschedule);
        return true;
    }

    /// <summary>Lets another waiting vCPU run first, whatever its credit (SCHEDOP_yield, PAUSE in a loop).</summary>
    public void Yield(Vcpu vcpu)
    {
        // Nobody waits: going on is what Schedule would find. Who comes later raises Reschedule by itself.
        if (_queue.WaitingCount == 0)
            return;
        vcpu.IsYielding = true;
        vcpu.Processor.Raise(PendingWork.Reschedule);
    }

    /// <summary>
    /// First half of SCHEDOP_poll: the vCPU counts as waiting from now on, so that an event that comes while the ports are looked at
    /// wakes it. Followed by <see cref="CommitPoll"/> or <see cref="CancelPoll"/>.
    /// </summary>
    public void BeginPoll(Vcpu vcpu)
    {
        vcpu.SetPauseFlags(VcpuPauseFlags.Blocked);
        vcpu.PollPort = -1;
        vcpu.Domain.StartPolling(vcpu);
    }

    /// <summary>No port was pending: waits for <paramref name="port"/> (-1: for any) or the deadline (0: none).</summary>
    public void CommitPoll(Vcpu vcpu, long port, ulong deadlineNs)
    {
        if (port > 0)
            vcpu.PollPort = port;
        Cpu processor = vcpu.Processor;
        if (deadlineNs != 0)
            processor.Timers.Move(vcpu.PollTimer, deadlineNs, processor);
        processor.Raise(PendingWork.Reschedule);
    }

    public void CancelPoll(Vcpu vcpu)
    {
        vcpu.PollPort = 0;
        vcpu.Domain.StopPolling(vcpu);
        vcpu.ClearPauseFlag(VcpuPauseFlags.Blocked);
    }

    private void Unblock(Vcpu vcpu, Cpu caller)
    {
        if (!vcpu.ClearPauseFlag(VcpuPauseFlags.Blocked))
            return;
        if (vcpu.PollPort != 0)
        {
            vcpu.PollPort = 0;
            // Somebody else may be ending the same poll: whoever takes it out of the set clears the flag for good.
            if (vcpu.Domain.StopPolling(vcpu))
                vcpu.ClearPauseFlag(VcpuPauseFlags.Blocked);
        }

        using (_queue.Lock.Enter(caller))
            WakeLocked(vcpu, caller, host.Clock.Now);
    }

    // The conditions of a vCPU have changed for the better: queue it if it is runnable now.
    private void WakeLocked(Vcpu vcpu, Cpu caller, ulong now)
    {
        if (!vcpu.IsAdded)
            return;
        if (!vcpu.IsRunnable)
        {
            if (vcpu.Runstate == RunstateKind.Blocked && (vcpu.PauseFlags & VcpuPauseFlags.Blocked) == 0)
                vcpu.ChangeRunstate(RunstateKind.Offline, now);
            return;
        }

        if (vcpu.Runstate is RunstateKind.Blocked or RunstateKind.Offline)
            vcpu.ChangeRunstate(RunstateKind.Runnable, now);
        if (vcpu.RunningNow)
        {
            // Current: it was about to block, and its CPU will find it runnable. Leaving: its CPU queues it when it is saved.
            if (vcpu.Processor != caller || vcpu.Processor.Leaving == vcpu)
                Poke(vcpu.Processor, caller);
        }
        else if (!vcpu.IsQueued && !vcpu.IsParked)
        {
            _queue.Insert(vcpu);
            Tickle(vcpu, caller, now);
        }
    }

    // The conditions of a vCPU have changed for the worse: take it off the queue or off its CPU.
    private void SleepLocked(Vcpu vcpu, Cpu caller, ulong now)
    {
        if (!vcpu.IsAdded || vcpu.IsRunnable)
            return;
        if (vcpu.Runstate == RunstateKind.Runnable)
            vcpu.ChangeRunstate(RunstateKind.Offline, now);
        if (vcpu.IsQueued)
            _queue.Remove(vcpu);
        else if (vcpu.RunningNow)
            Poke(vcpu.Processor, caller);
    }

    // Finds a CPU for a vCPU that has just been queued, and makes it choose again.
    private void Tickle(Vcpu vcpu, Cpu caller, ulong now)
    {
        ulong allowed = vcpu.HardAffinity & _online & ~_tickled;
        ulong idle = allowed & _idle;
        if (idle != 0)
        {
            if ((idle & vcpu.SoftAffinity) != 0)
                idle &= vcpu.SoftAffinity;
            bool stays = (idle & (1UL << vcpu.Processor.Id)) != 0;
            Tickle(stays ? vcpu.Processor : host.Processors[BitOperations.TrailingZeroCount(idle)]!, caller);
            return;
        }

        Cpu? poorest = null;
        long leastCredit = long.MaxValue;
        for (ulong busy = allowed; busy != 0; busy &= busy - 1)
        {
            Cpu processor = host.Processors[BitOperations.TrailingZeroCount(busy)]!;
            Vcpu? running = processor.Current;
            long credit = running == null ? long.MinValue : _queue.CreditAt(running, now);
            if (poorest != null && credit >= leastCredit)
                continue;
            poorest = processor;
            leastCredit = credit;
        }

        if (poorest != null)
        {
            // Even when the vCPU must wait, its turn has to come: the CPU needs a time slice from now on.
            if (vcpu.CreditNs > leastCredit || (_sliced & (1UL << poorest.Id)) == 0)
                Tickle(poorest, caller);
        }
        else if ((vcpu.HardAffinity & _online) == 0)
        {
            // No CPU has entered its loop yet: the first choice there finds the queue.
            vcpu.Processor.Raise(PendingWork.Reschedule);
        }
    }

    private void Tickle(Cpu processor, Cpu caller)
    {
        _tickled |= 1UL << processor.Id;
        Poke(processor, caller);
    }

    private void Poke(Cpu processor, Cpu caller)
    {
        processor.Raise(PendingWork.Reschedule);
        if (processor != caller)
            host.Platform.Kick(processor);
    }
}
