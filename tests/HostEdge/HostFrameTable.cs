// SPDX-License-Identifier: MIT
// The records of all page frames, in an array.

namespace XenSharp.Edge;

public sealed class HostFrameTable(ulong frameLimit) : FrameTable
{
    private readonly FrameInfo[] _frames = new FrameInfo[frameLimit];

    public override ulong FrameLimit { get; } = frameLimit;

    public override ref FrameInfo this[Mfn frame] => ref _frames[frame.Value];
}
