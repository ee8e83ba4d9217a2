// SPDX-License-Identifier: MIT
// Regions where the garbage collector keeps the objects: only counted, and misuse noticed.

using System;
using System.Collections.Generic;

namespace XenSharp.Edge;

/// <summary><see cref="Limit"/> makes memory run out.</summary>
public sealed class HostRegions : ObjectRegions
{
    private readonly Dictionary<ulong, RegionKind> _inUse = [];
    private readonly HashSet<int> _building = [];
    private ulong _next = 1;

    /// <summary>Regions that may still be begun.</summary>
    public int Limit { get; set; } = int.MaxValue;

    public override bool TryBegin(RegionKind kind, Processor caller, out RegionSlot slot)
    {
        lock (_inUse)
        {
            slot = default;
            if (Limit == 0)
                return false;
            Limit--;
            if (!_building.Add(caller.Id))
                throw new InvalidOperationException("regions do not nest");
            slot = new RegionSlot(_next++);
            _inUse.Add(slot.Value, kind);
            return true;
        }
    }

    public override void End(Processor caller)
    {
        lock (_inUse)
        {
            if (!_building.Remove(caller.Id))
                throw new InvalidOperationException("no region was begun");
        }
    }

    public override void Recycle(RegionSlot slot, Processor caller)
    {
        lock (_inUse)
        {
            if (slot.IsValid && !_inUse.Remove(slot.Value))
                throw new InvalidOperationException("recycled twice");
        }
    }

    public override ulong SizeOf(RegionKind kind) => 0;

    /// <summary>Whether a region has not been given back.</summary>
    public bool Holds(RegionSlot slot)
    {
        lock (_inUse)
            return _inUse.ContainsKey(slot.Value);
    }

    public override int InUse(RegionKind kind)
    {
        lock (_inUse)
        {
            int count = 0;
            foreach (RegionKind used in _inUse.Values)
                count += used == kind ? 1 : 0;
            return count;
        }
    }
}
