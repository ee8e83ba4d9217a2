// SPDX-License-Identifier: MIT
// The machine's free memory.

using XenSharp.Edge;

namespace XenSharp.Core.Memory;

/// <summary>A buddy allocator over the frame table.</summary>
public sealed class FrameAllocator(FrameTable frames, PhysicalMemory memory)
{
    public ulong FreePages { get; private set; }

    public ulong TotalPages { get; private set; }

    public FrameTable Frames { get; } = frames;

    public PhysicalMemory Memory { get; } = memory;

    public bool TryAllocate(int order, out Mfn frame)
    {
        frame = Mfn.Invalid;
        return order < 0;
    }

    public void Free(Mfn frame, int order) => FreePages += 1UL << order;
}
