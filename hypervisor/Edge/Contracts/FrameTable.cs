// SPDX-License-Identifier: MIT
// One record per page frame of the machine (frame_table of Xen).

namespace XenSharp.Edge;

/// <summary>What a frame is used for.</summary>
public enum FrameState : byte
{
    /// <summary>Not memory, or not handed to the allocator.</summary>
    Reserved = 0,

    Free = 1,

    /// <summary>The hypervisor's own: objects, tables, stacks.</summary>
    Hypervisor = 2,

    /// <summary>A domain's memory.</summary>
    Domain = 3,
}

/// <summary>The record; sixteen bytes. Links are frame numbers, so memory up to 16 TiB can be described.</summary>
public struct FrameInfo
{
    public uint Next;
    public uint Previous;

    /// <summary>References to the frame: one for being allocated, one per mapping by another domain or the hypervisor.</summary>
    public int References;

    /// <summary>The domain that owns it (<see cref="FrameState.Domain"/>).</summary>
    public ushort Owner;

    public FrameState State;

    /// <summary>For the first frame of a free block: its order.</summary>
    public byte Order;
}

/// <summary>The table of all records; faults on a frame beyond the machine's memory.</summary>
public abstract class FrameTable
{
    public abstract ulong FrameLimit { get; }

    public abstract ref FrameInfo this[Mfn frame] { get; }
}

/// <summary>Where a growing table gets its pages, and who is charged.</summary>
public abstract class FrameSource
{
    /// <summary>A zeroed page, or false when the allowance or the machine's memory is used up.</summary>
    public abstract bool TryAllocate(out Mfn frame);

    public abstract void Free(Mfn frame);
}
