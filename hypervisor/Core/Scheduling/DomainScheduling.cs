// SPDX-License-Identifier: MIT
// The scheduling parameters of one domain (XEN_DOMCTL_scheduler_op, struct xen_domctl_sched_credit2).

namespace XenSharp.Core.Scheduling;

/// <summary>Weight and cap; changed by <see cref="Scheduler.SetParameters"/> only.</summary>
public sealed class DomainScheduling
{
    public const ushort DefaultWeight = 256;

    /// <summary>The domain's share of the CPUs relative to others', 1..65535.</summary>
    public ushort Weight { get; internal set; } = DefaultWeight;

    /// <summary>Percent of one CPU that the domain may use; 0: no limit. Kept and reported, not enforced.</summary>
    public ushort Cap { get; internal set; }
}
