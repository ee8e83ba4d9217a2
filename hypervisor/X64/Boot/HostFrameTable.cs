// SPDX-License-Identifier: MIT
// The frame table in machine memory.

using Internal.Runtime.CompilerHelpers;
using XenSharp.Edge;

namespace XenSharp.X64.Boot;

// SAFETY: the table is one contiguous block of frameLimit records, taken at boot and mapped for good.
internal sealed unsafe class HostFrameTable(ulong address, ulong frameLimit) : FrameTable
{
    private readonly FrameInfo* _records = (FrameInfo*)DirectMap.At(address);

    public override ulong FrameLimit { get; } = frameLimit;

    public override ref FrameInfo this[Mfn frame]
    {
        [System.Runtime.CompilerServices.MethodImpl(System.Runtime.CompilerServices.MethodImplOptions.AggressiveInlining)]
        get
        {
            if (frame.Value >= FrameLimit)
                ThrowHelpers.ThrowIndexOutOfRangeException();
            return ref _records[frame.Value];
        }
    }
}
