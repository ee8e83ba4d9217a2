// SPDX-License-Identifier: MIT
// The vCPUs that wait for a CPU, in order of credit, and the credit account of all vCPUs. One queue serves all CPUs of a socket.
//
// Credit is the right to run, in ns of the heaviest vCPU's running: who has most of it runs first, running burns it the faster
// the lighter the vCPU is, and when the best waiting vCPU has none, everybody gets the same amount again. That is the behaviour
// of Xen's "SMP Credit Scheduler rev2" (docs/misc/xen-command-line.pandoc, sched=credit2).

using System;
using XenSharp.Core.Vcpus;
using XenSharp.Edge;

namespace XenSharp.Core.Scheduling;

/// <summary>All methods but the lock's are called with <see cref="Lock"/> held.</summary>
public sealed class RunQueue
{
    /// <summary>What a vCPU begins with, and gets at each reset.</summary>
    public const long InitialCredit = 10_000_000;

    /// <summary>What a vCPU that does not want to run may keep above that over a reset.</summary>
    public const long CarryOver = 500_000;

    /// <summary>
    /// What one that runs or waits may keep: it has not saved its credit up, another CPU's vCPU has come to its end first.
    /// </summary>
    public const long BusyCarryOver = InitialCredit;

    /// <summary>Debt is forgotten below this.</summary>
    public const long LowestCredit = -64 * InitialCredit;

    // More than any slice: bounds the product below, and is far beyond the lowest credit.
    private const long LongestBurnNs = 1_000_000_000;

    private Vcpu? _head;
    private Vcpu? _members;

    public SpinLock Lock { get; } = new(LockScope.Host);

    /// <summary>The waiting vCPU with the most credit.</summary>
    public Vcpu? Head => _head;

    /// <summary>All vCPUs, waiting or not, newest first (linked by <see cref="Vcpu.MemberNext"/>).</summary>
    internal Vcpu? Members => _members;

    /// <summary>Waiting vCPUs.</summary>
    public int WaitingCount { get; private set; }

    /// <summary>The largest weight among the members.</summary>
    public uint MaxWeight { get; private set; } = 1;

    public void AddMember(Vcpu vcpu)
    {
        vcpu.MemberPrevious = null;
        vcpu.MemberNext = _members;
        if (_members != null)
            _members.MemberPrevious = vcpu;
        _members = vcpu;
        vcpu.CreditNs = InitialCredit;
        if (vcpu.Domain.Scheduling.Weight > MaxWeight)
            MaxWeight = vcpu.Domain.Scheduling.Weight;
    }

    public void RemoveMember(Vcpu vcpu)
    {
        if (vcpu.MemberPrevious == null)
            _members = vcpu.MemberNext;
        else
            vcpu.MemberPrevious.MemberNext = vcpu.MemberNext;
        if (vcpu.MemberNext != null)
            vcpu.MemberNext.MemberPrevious = vcpu.MemberPrevious;
        vcpu.MemberNext = null;
        vcpu.MemberPrevious = null;
        FindMaxWeight();
    }

    /// <summary>After a change of a domain's weight.</summary>
    public void FindMaxWeight()
    {
        uint max = 1;
        for (Vcpu? vcpu = _members; vcpu != null; vcpu = vcpu.MemberNext)
            max = Math.Max(max, vcpu.Domain.Scheduling.Weight);
        MaxWeight = max;
    }

    /// <summary>Queues a vCPU behind those that have as much credit.</summary>
    public void Insert(Vcpu vcpu)
    {
        Vcpu? before = null;
        Vcpu? after = _head;
        while (after != null && after.CreditNs >= vcpu.CreditNs)
        {
            before = after;
            after = after.QueueNext;
        }

        vcpu.QueuePrevious = before;
        vcpu.QueueNext = after;
        if (before == null)
            _head = vcpu;
        else
            before.QueueNext = vcpu;
        if (after != null)
            after.QueuePrevious = vcpu;
        vcpu.IsQueued = true;
        WaitingCount++;
    }

    public void Remove(Vcpu vcpu)
    {
        if (vcpu.QueuePrevious == null)
            _head = vcpu.QueueNext;
        else
            vcpu.QueuePrevious.QueueNext = vcpu.QueueNext;
        if (vcpu.QueueNext != null)
            vcpu.QueueNext.QueuePrevious = vcpu.QueuePrevious;
        vcpu.QueueNext = null;
        vcpu.QueuePrevious = null;
        vcpu.IsQueued = false;
        WaitingCount--;
    }

    /// <summary>Charges a running vCPU for its running until now.</summary>
    public void Burn(Vcpu vcpu, ulong nowNs)
    {
        vcpu.CreditNs = CreditAt(vcpu, nowNs);
        DomainScheduling budget = vcpu.Domain.Scheduling;
        if (budget.Cap != 0 && nowNs > vcpu.BurnFromNs)
            budget.BudgetNs -= (long)Math.Min(nowNs - vcpu.BurnFromNs, LongestBurnNs);
        vcpu.BurnFromNs = nowNs;
    }

    /// <summary>What a running vCPU would have left if it were charged now.</summary>
    public long CreditAt(Vcpu vcpu, ulong nowNs)
    {
        if (nowNs <= vcpu.BurnFromNs)
            return vcpu.CreditNs;
        long elapsed = (long)Math.Min(nowNs - vcpu.BurnFromNs, LongestBurnNs);
        uint weight = vcpu.Domain.Scheduling.Weight;
        if (weight != MaxWeight)
            elapsed = elapsed * MaxWeight / weight;
        return Math.Max(vcpu.CreditNs - elapsed, LowestCredit);
    }

    /// <summary>Gives everybody the same credit, as often as the vCPU to run next needs to have some. Orders in the queue stay.</summary>
    public void Reset(Vcpu next, ulong nowNs) => Reset(next, nowNs, isLate: false);

    /// <summary>
    /// The resets that were due while a vCPU ran with nobody waiting. Without them it would have to wait as long, once others want to run, as it
    /// has run alone. Who waits now has just come.
    /// </summary>
    public void ResetLate(Vcpu alone, ulong nowNs) => Reset(alone, nowNs, isLate: true);

    private void Reset(Vcpu needy, ulong nowNs, bool isLate)
    {
        long gift = InitialCredit * (1 + (-needy.CreditNs / InitialCredit));
        for (Vcpu? vcpu = _members; vcpu != null; vcpu = vcpu.MemberNext)
        {
            if (vcpu.Processor.Current == vcpu)
                Burn(vcpu, nowNs);
            bool isBusy = isLate ? vcpu.RunningNow : vcpu.IsRunnable;
            vcpu.CreditNs = Math.Min(vcpu.CreditNs + gift, InitialCredit + (isBusy ? BusyCarryOver : CarryOver));
        }
    }

    /// <summary>How long a vCPU may run before the best waiting one should be looked at again; unclamped.</summary>
    public long RunTime(Vcpu running)
    {
        long credit = running.CreditNs;
        if (_head != null && _head.CreditNs > 0)
            credit -= _head.CreditNs;
        uint weight = running.Domain.Scheduling.Weight;
        return credit <= 0 || weight == MaxWeight ? credit : credit * weight / MaxWeight;
    }
}
