// SPDX-License-Identifier: MIT
// When an object that has been taken out of all tables is out of everybody's hands: after each CPU has ended the entry that it was serving.
// (The idea of read-copy-update: P. McKenney, "Is Parallel Programming Hard, And, If So, What Can You Do About It?", 9.5.)

using System.Threading;
using XenSharp.Edge;

namespace XenSharp.Core;

/// <summary>Numbered periods. No look-up pays for them: a CPU is asked by pending work, which it takes between two entries.</summary>
public sealed class GracePeriods(Host host)
{
    private long _current;

    /// <summary>Starts a period; what was unlinked before it is unreachable once <see cref="HasPassed"/> says so.</summary>
    public ulong Begin(Cpu caller)
    {
        ulong period = (ulong)Interlocked.Increment(ref _current);
        for (int i = 0; i < host.ProcessorCount; i++)
        {
            Cpu processor = host.Processors[i]!;
            processor.Raise(PendingWork.Quiescence);
            if (processor != caller)
                host.Platform.Kick(processor);
        }

        return period;
    }

    /// <summary>The CPU holds no reference from an earlier entry: called at the top of its loop.</summary>
    public void Pass(Cpu processor) => processor.PassedPeriod = (ulong)Volatile.Read(ref _current);

    public bool HasPassed(ulong period)
    {
        for (int i = 0; i < host.ProcessorCount; i++)
        {
            if (host.Processors[i]!.PassedPeriod < period)
                return false;
        }

        return true;
    }
}
