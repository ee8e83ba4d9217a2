// SPDX-License-Identifier: MIT
// Caps: who has used up its domain's budget waits for the domain's next period, aside from the run queue.

using System;
using XenSharp.Core.Domains;
using XenSharp.Core.Time;
using XenSharp.Core.Vcpus;
using XenSharp.Edge;

namespace XenSharp.Core.Scheduling;

public sealed partial class Scheduler
{
    // What is left of a budget is never cut into smaller pieces.
    private const ulong ShortestBudgetNs = 100_000;

    /// <summary>Called by the domain's <see cref="CapTimer"/>.</summary>
    internal void BeginPeriod(Domain domain, Cpu processor)
    {
        using (_queue.Lock.Enter(processor))
        {
            DomainScheduling budget = domain.Scheduling;
            if (budget.Cap != 0 && !domain.IsDying)
            {
                ulong now = host.Clock.Now;
                BurnAll(domain, now);
                budget.Replenish();
                processor.Timers.Move(budget.Timer, now + DomainScheduling.PeriodNs, processor);
            }

            if (!budget.IsExhausted)
                Unpark(domain, processor);
        }
    }

    // A cap begins with a full budget; without one nobody stays parked.
    private void ChangeCap(Domain domain, ushort cap, Cpu caller)
    {
        DomainScheduling budget = domain.Scheduling;
        bool hadCap = budget.Cap != 0;
        ulong now = host.Clock.Now;
        BurnAll(domain, now);
        budget.Cap = cap;
        budget.BudgetNs = Math.Min(hadCap ? budget.BudgetNs : long.MaxValue, budget.AllowanceNs);
        if (cap == 0)
        {
            Unpark(domain, caller);
        }
        else if (!hadCap)
        {
            caller.Timers.Move(budget.Timer, now + DomainScheduling.PeriodNs, caller);
            // Those that run have no time slice that ends with the budget.
            foreach (Vcpu? vcpu in domain.Vcpus)
            {
                if (vcpu != null && vcpu.IsAdded && vcpu.Processor.Current == vcpu)
                    Poke(vcpu.Processor, caller);
            }
        }
    }

    private void BurnAll(Domain domain, ulong now)
    {
        foreach (Vcpu? vcpu in domain.Vcpus)
        {
            if (vcpu != null && vcpu.IsAdded && vcpu.Processor.Current == vcpu)
                _queue.Burn(vcpu, now);
        }
    }

    private void Unpark(Domain domain, Cpu caller)
    {
        foreach (Vcpu? vcpu in domain.Vcpus)
        {
            if (vcpu is not { IsParked: true })
                continue;
            vcpu.IsParked = false;
            if (!vcpu.IsAdded || !vcpu.IsRunnable || vcpu.RunningNow || vcpu.IsQueued)
                continue;
            _queue.Insert(vcpu);
            Tickle(vcpu, caller, host.Clock.Now);
        }
    }

    // The best waiting vCPU that may run here; those without budget leave the queue on the way.
    private Vcpu? FirstWaiting(ulong bit)
    {
        Vcpu? waiting = _queue.Head;
        while (waiting != null)
        {
            Vcpu? after = waiting.QueueNext;
            if (waiting.Domain.Scheduling.IsExhausted)
            {
                _queue.Remove(waiting);
                waiting.IsParked = true;
            }
            else if ((waiting.HardAffinity & bit) != 0)
            {
                return waiting;
            }

            waiting = after;
        }

        return null;
    }

    // A capped vCPU's turn ends with its part of the budget at the latest, whether others wait or not.
    private static ulong LimitToBudget(Vcpu next, ulong slice)
    {
        DomainScheduling budget = next.Domain.Scheduling;
        if (budget.Cap == 0)
            return slice;
        ulong share = Math.Max((ulong)Math.Max(budget.BudgetNs, 0) / (ulong)next.Domain.Vcpus.Length, ShortestBudgetNs);
        return slice == 0 ? share : Math.Min(slice, share);
    }
}
