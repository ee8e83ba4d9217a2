// SPDX-License-Identifier: MIT
// Where a domain is between its creation and the reuse of its objects. Written by DomainCreation, DomainDestruction and DomainReaper.

using XenSharp.Core.Memory;
using XenSharp.Core.Vcpus;
using XenSharp.Edge;

namespace XenSharp.Core.Domains;

/// <summary>Steps of a domain's end, in order. Until the domain is dead, XEN_DOMCTL_destroydomain does them.</summary>
public enum DestructionStep
{
    None = 0,
    Vcpus,
    EventChannels,
    Grants,
    Memory,
    Tables,
    SharedAreas,

    /// <summary>Nothing of its own is left to undo; others may still map its pages.</summary>
    Dead,

    /// <summary>Out of the domain list.</summary>
    Unlinked,
}

public sealed partial class Domain
{
    private bool _isDying;

    /// <summary>Being destroyed: gets nothing new. Set under <see cref="Lock"/>.</summary>
    public bool IsDying
    {
        get => System.Threading.Volatile.Read(ref _isDying);
        set => System.Threading.Volatile.Write(ref _isDying, value);
    }

    /// <summary>The tools' view of a domain that they have destroyed (XEN_DOMINF_dying).</summary>
    public bool IsDead => Destruction >= DestructionStep.Dead;

    /// <summary>The pages of the nested page table; null for a domain that no pool limits.</summary>
    public PagingPool? Paging { get; init; }

    /// <summary>The next step of the domain's end; guarded by <see cref="DestructionLock"/>.</summary>
    internal DestructionStep Destruction { get; set; }

    /// <summary>Serialises the work of destruction.</summary>
    internal SpinLock DestructionLock { get; } = new(LockScope.Domain);

    // Where the step under way goes on.
    internal uint NextPort;
    internal int NextVcpu;

    /// <summary>The region of the domain and its parts; none for dom0.</summary>
    internal RegionSlot Region { get; set; }

    /// <summary>After this period nobody can see the domain any more.</summary>
    internal ulong LastPeriod { get; set; }

    internal Domain? NextInBucket { get; set; }

    internal Domain? NextById { get; set; }

    /// <summary>The list of <see cref="DomainReaper"/>.</summary>
    internal Domain? NextToReap { get; set; }

    /// <summary>Stops every timer of the domain; true when one was armed. The vCPUs do not run any more.</summary>
    internal bool StopTimers(Cpu caller)
    {
        bool any = Watchdogs.StopAll(caller) | Scheduling.Timer.IsArmed;
        Time.TimerQueue.Cancel(Scheduling.Timer, caller);
        foreach (Vcpu? vcpu in Vcpus)
        {
            if (vcpu != null && vcpu.StopTimers(caller))
                any = true;
        }

        return any;
    }
}
