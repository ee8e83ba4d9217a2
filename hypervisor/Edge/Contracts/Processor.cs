// SPDX-License-Identifier: MIT
// One physical CPU: its number, its pending work, and the locks that it holds.

using System;
using System.Threading;

namespace XenSharp.Edge;

/// <summary>Work that waits for a CPU to reach the top of its loop (softirqs of Xen).</summary>
[Flags]
public enum PendingWork : uint
{
    None = 0,

    /// <summary>The timer queue has an expired entry or a new first deadline.</summary>
    Timer = 1,

    /// <summary>The scheduler wants to choose again.</summary>
    Reschedule = 2,

    /// <summary>A byte waits on the serial line.</summary>
    Console = 4,

    /// <summary>A device interrupt has been noted.</summary>
    Interrupt = 8,

    /// <summary>Somebody waits until this CPU has ended its entry.</summary>
    Quiescence = 16,

    /// <summary>The last page of a dead domain may be gone.</summary>
    Reap = 32,

    /// <summary>An IOMMU has logged events.</summary>
    Iommu = 64,

    /// <summary>Changed tables of an IOMMU have to be made known to it before this CPU enters a guest.</summary>
    DeviceTables = 128,
}

/// <summary>Per-CPU state common to all layers; Core derives its own from it.</summary>
public abstract class Processor(int id)
{
    private uint _pending;
    private int _copies;

    public int Id { get; } = id;

    /// <summary>Locks held by the entry being served, newest last; see <see cref="SpinLock"/>.</summary>
    public HeldLocks Held { get; } = new();

    public PendingWork Pending => (PendingWork)Volatile.Read(ref _pending);

    /// <summary>Marks work as pending; the caller kicks the processor if it is another one.</summary>
    public void Raise(PendingWork work)
    {
        if (((PendingWork)Volatile.Read(ref _pending) & work) != work)
            Interlocked.Or(ref _pending, (uint)work);
    }

    /// <summary>
    /// Odd while this CPU copies from or to a guest: between its look at the translation and the end of the copy the frame must not be
    /// given to somebody else. Whoever removes translations waits, after its change, until a value that was odd has changed.
    /// </summary>
    public int Copies => Volatile.Read(ref _copies);

    /// <summary>Starts a copy: translations are looked up after this. No lock may be taken until <see cref="EndCopy"/>.</summary>
    public void BeginCopy() => Interlocked.Increment(ref _copies);

    public void EndCopy() => Volatile.Write(ref _copies, _copies + 1);

    /// <summary>The entry that was being served is abandoned, and with it the copy in which it may have been.</summary>
    public void AbandonCopy()
    {
        if ((_copies & 1) != 0)
            EndCopy();
    }

    /// <summary>Takes all pending work.</summary>
    public PendingWork TakePending() => _pending == 0 ? PendingWork.None : (PendingWork)Interlocked.Exchange(ref _pending, 0);
}
