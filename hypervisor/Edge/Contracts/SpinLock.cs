// SPDX-License-Identifier: MIT
// The hypervisor's one kind of lock. Interrupts are off whenever C# runs, so a holder is never preempted.
//
// Order, outermost first: domain list, domain (memory), event channels, grant table, scheduler, timers, IOMMU, frame allocator, console.

using System.Runtime.CompilerServices;
using System.Threading;

namespace XenSharp.Edge;

/// <summary>A test-and-set lock that is noted on its holder's list while held.</summary>
public sealed class SpinLock(LockScope scope)
{
    private int _taken;

    public LockScope Scope { get; } = scope;

    public bool IsTaken => Volatile.Read(ref _taken) != 0;

    /// <summary>Takes the lock until the guard is disposed: <c>using var guard = lock.Enter(processor);</c>.</summary>
    public Guard Enter(Processor processor)
    {
        if (Interlocked.Exchange(ref _taken, 1) != 0)
            return EnterAfterWait(processor);
        HeldLocks held = processor.Held;
        held.Push(this);
        return new Guard(this, held);
    }

    // Apart, so that a lock that is free costs no saved registers.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private Guard EnterAfterWait(Processor processor)
    {
        do
        {
            while (Volatile.Read(ref _taken) != 0)
                SpinWait.Pause();
        }
        while (Interlocked.Exchange(ref _taken, 1) != 0);

        processor.Held.Push(this);
        return new Guard(this, processor.Held);
    }

    public void Exit(HeldLocks holder)
    {
        holder.Pop(this);
        Volatile.Write(ref _taken, 0);
    }

    /// <summary>Frees the lock whoever holds it: only for the console of a machine that is going down.</summary>
    public void Break() => Volatile.Write(ref _taken, 0);

    public readonly ref struct Guard(SpinLock held, HeldLocks holder)
    {
        public void Dispose() => held.Exit(holder);
    }
}
