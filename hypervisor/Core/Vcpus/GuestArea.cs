// SPDX-License-Identifier: MIT
// A small structure that the hypervisor shares with a guest inside one page.

using XenSharp.Edge;

namespace XenSharp.Core.Vcpus;

/// <summary>A place inside one machine frame; the frame is kept referenced while the area is registered.</summary>
public readonly struct GuestArea(Mfn frame, int offset)
{
    public Mfn Frame { get; } = frame;

    public int Offset { get; } = offset;

    public bool IsMapped => Frame.IsValid && Frame.Value != 0;
}
