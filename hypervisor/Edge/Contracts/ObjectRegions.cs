// SPDX-License-Identifier: MIT
// Room for objects that are made while the hypervisor serves: a domain with its parts, a vCPU with its parts.

namespace XenSharp.Edge;

/// <summary>What a region holds. Each kind has one layout: the same constructors in the same order, sized by the host's limits.</summary>
public enum RegionKind
{
    Domain = 0,
    Vcpu = 1,
}

/// <summary>Names one region; the default value names none.</summary>
public readonly struct RegionSlot(ulong value)
{
    public ulong Value { get; } = value;

    public bool IsValid => Value != 0;
}

/// <summary>
/// Pools of regions. `new` is a fault while an entry is served, except on the CPU that has begun a region, and there only until it ends it;
/// a fault meanwhile ends it too, and the region is free again. Regions stay with their pool: a recycled one is zeroed and used for the same
/// kind. The caller recycles a region only when no CPU can reach its objects any more.
/// </summary>
public abstract class ObjectRegions
{
    /// <summary>Takes a region and lets the calling CPU make objects in it; false when memory is used up. Regions do not nest.</summary>
    public abstract bool TryBegin(RegionKind kind, Processor caller, out RegionSlot slot);

    /// <summary>No more objects.</summary>
    public abstract void End(Processor caller);

    /// <summary>Gives a region back.</summary>
    public abstract void Recycle(RegionSlot slot, Processor caller);

    /// <summary>Regions of a kind that hold objects.</summary>
    public abstract int InUse(RegionKind kind);

    /// <summary>Bytes of a region of a kind.</summary>
    public abstract ulong SizeOf(RegionKind kind);
}
