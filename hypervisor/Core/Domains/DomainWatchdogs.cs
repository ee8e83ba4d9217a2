// SPDX-License-Identifier: MIT
// The timers by which a guest asks to be shut down should it hang (SCHEDOP_watchdog, xen/include/public/sched.h).

using System;
using XenSharp.Abi;
using XenSharp.Core.Time;
using XenSharp.Edge;

namespace XenSharp.Core.Domains;

/// <summary>One watchdog: its end shuts the domain down with SHUTDOWN_watchdog.</summary>
public sealed class DomainWatchdog(Domain domain) : Timer
{
    public Domain Domain { get; } = domain;

    public override ReadOnlySpan<byte> Name => "domain_watchdog_timeout"u8;

    public bool IsInUse { get; internal set; }

    public override void Expire(Cpu processor)
    {
        if (Domain.IsShuttingDown || Domain.IsDying)
            return;
        Domain.Host.Console.Begin(Console.LogLevel.Warning, processor).Text("Watchdog timer fired for domain "u8).Decimal(Domain.Id).End();
        Domain.Shutdown((uint)ShutdownReason.Watchdog, processor);
    }
}

/// <summary>The two watchdogs of a domain.</summary>
public sealed class DomainWatchdogs(Domain domain)
{
    private const ulong Second = 1_000_000_000;

    private readonly SpinLock _lock = new(LockScope.Domain);
    private readonly DomainWatchdog _first = new(domain);
    private readonly DomainWatchdog _second = new(domain);

    /// <summary>NR_DOMAIN_WATCHDOG_TIMERS.</summary>
    public static int Count => 2;

    public DomainWatchdog this[int index] => index == 0 ? _first : _second;

    /// <summary>
    /// Number 0 starts a free watchdog and returns its number; another one restarts that watchdog, or with no timeout stops it.
    /// -ENOSPC when all are in use, -EINVAL for a number that is not.
    /// </summary>
    public long Set(uint number, uint timeoutSeconds, Cpu caller)
    {
        if (number > (uint)Count)
            return -(long)Errno.Inval;
        using (_lock.Enter(caller))
        {
            if (number == 0)
            {
                int free = !_first.IsInUse ? 0 : !_second.IsInUse ? 1 : -1;
                if (free < 0)
                    return -(long)Errno.NoSpace;
                Start(this[free], timeoutSeconds, caller);
                return free + 1;
            }

            DomainWatchdog watchdog = this[(int)number - 1];
            if (!watchdog.IsInUse)
                return -(long)Errno.Inval;
            if (timeoutSeconds != 0)
            {
                Start(watchdog, timeoutSeconds, caller);
                return 0;
            }

            TimerQueue.Cancel(watchdog, caller);
            watchdog.IsInUse = false;
            return 0;
        }
    }

    /// <summary>The domain goes away. True when one was armed.</summary>
    public bool StopAll(Cpu caller)
    {
        using (_lock.Enter(caller))
        {
            bool any = _first.IsArmed || _second.IsArmed;
            TimerQueue.Cancel(_first, caller);
            TimerQueue.Cancel(_second, caller);
            return any;
        }
    }

    private void Start(DomainWatchdog watchdog, uint timeoutSeconds, Cpu caller)
    {
        watchdog.IsInUse = true;
        caller.Timers.Move(watchdog, domain.Host.Clock.Now + (timeoutSeconds * Second), caller);
    }
}
