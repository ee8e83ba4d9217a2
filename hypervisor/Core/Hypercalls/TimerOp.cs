// SPDX-License-Identifier: MIT
// __HYPERVISOR_set_timer_op: the vCPU's one-shot timer, as it was before vcpu_op had one.

using XenSharp.Core.Time;
using XenSharp.Core.Vcpus;

namespace XenSharp.Core.Hypercalls;

/// <summary>set_timer_op(timeout): absolute system time in ns, from a 32-bit caller in two halves; 0 stops the timer.</summary>
public static class TimerOp
{
    // A guest that means "never", or whose tick counter has wrapped, names a time more than 13 days away: it gets an event soon.
    private const int FarAwayShift = 50;
    private const ulong SoonNs = 100_000_000;

    public static long Call(Vcpu caller, in HypercallArguments a)
    {
        ulong timeout = caller.IsNarrow ? a.First | (a.Second << 32) : a.First;
        if (timeout == 0)
        {
            TimerQueue.Cancel(caller.SingleshotTimer, caller.Processor);
            return 0;
        }

        ulong now = caller.Host.Clock.Now;
        bool isFar = (long)timeout < 0 || (timeout > now && (uint)((timeout - now) >> FarAwayShift) != 0);
        caller.SingleshotTimer.Set(isFar ? now + SoonNs : timeout, caller.Processor);
        return 0;
    }
}
