// SPDX-License-Identifier: MIT
// A small structure that the hypervisor shares with a guest inside one page.

using XenSharp.Edge;

namespace XenSharp.Core.Vcpus;

/// <summary>
/// A place inside one machine frame; the frame is kept referenced while the area is registered. One word, so that a CPU that reads the
/// area while another one registers it sees the old place or the new one.
/// </summary>
public readonly struct GuestArea
{
    private readonly ulong _address;

    public GuestArea(Mfn frame, int offset) => _address = frame.IsValid ? frame.Address | ((uint)offset & FrameSize.Mask) : 0;

    public Mfn Frame => Mfn.Containing(_address);

    public int Offset => (int)(_address & FrameSize.Mask);

    public bool IsMapped => _address >= FrameSize.Bytes;
}
