// SPDX-License-Identifier: MIT
// The scheduling parameters of one domain (XEN_DOMCTL_scheduler_op, struct xen_domctl_sched_credit2), and the budget behind its cap.
//
// A capped domain may use so much CPU time in each period. What it uses beyond that (its vCPUs run on several CPUs at once) it lacks in
// the next; a vCPU that finds the budget used up is parked until the domain's next period begins. As in Xen's credit2.

using System;
using XenSharp.Core.Domains;
using XenSharp.Core.Time;

namespace XenSharp.Core.Scheduling;

/// <summary>Changed under the run queue's lock only.</summary>
public sealed class DomainScheduling(Domain domain)
{
    public const ushort DefaultWeight = 256;

    /// <summary>How often the budget is filled up.</summary>
    public const ulong PeriodNs = 10_000_000;

    private const int FullCap = 100;

    /// <summary>The domain's share of the CPUs relative to others', 1..65535.</summary>
    public ushort Weight { get; internal set; } = DefaultWeight;

    /// <summary>Percent of one CPU that the domain may use; 0: no limit.</summary>
    public ushort Cap { get; internal set; }

    /// <summary>CPU time left in this period; below 0: debt.</summary>
    public long BudgetNs { get; internal set; }

    /// <summary>What the cap gives for each period.</summary>
    internal long AllowanceNs => (long)PeriodNs * Cap / FullCap;

    internal bool IsExhausted => Cap != 0 && BudgetNs <= 0;

    internal CapTimer Timer { get; } = new(domain);

    /// <summary>A new period: what was not used is lost, what was overdrawn is missing.</summary>
    internal void Replenish() => BudgetNs = Math.Min(BudgetNs + AllowanceNs, AllowanceNs);
}

/// <summary>The beginning of a capped domain's next period.</summary>
public sealed class CapTimer(Domain domain) : Timer
{
    public override ReadOnlySpan<byte> Name => "replenish_domain_budget"u8;

    public override void Expire(Cpu processor) => domain.Host.Scheduler.BeginPeriod(domain, processor);
}
