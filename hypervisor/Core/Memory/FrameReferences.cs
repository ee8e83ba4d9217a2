// SPDX-License-Identifier: MIT
// Who uses a frame keeps it: references taken and dropped by memory_op, the grant table, event channels and registered guest areas.
// (get_page and put_page of Xen.)

using System.Threading;
using XenSharp.Core.Domains;
using XenSharp.Edge;

namespace XenSharp.Core.Memory;

/// <summary>
/// A frame has one reference for being its owner's, and one for each mapping by somebody else. Taking needs no lock: a frame whose last
/// reference is gone cannot be referenced again. It is meant to be taken under the lock that guards the translation just looked up.
/// </summary>
public static class FrameReferences
{
    /// <summary>References per frame stay below this, so that the count cannot wrap.</summary>
    private const int Limit = int.MaxValue / 2;

    /// <summary>Takes a reference to a frame of guest memory; false unless it is in use and belongs to <paramref name="owner"/>.</summary>
    public static bool TryTake(Host host, Mfn frame, ushort owner) => TryTake(host, frame, owner, FrameState.Domain);

    /// <summary>Takes a reference to a page of the hypervisor's that a domain may see: a frame of a grant table, shared info.</summary>
    public static bool TryTakeShared(Host host, Mfn frame, ushort owner) => TryTake(host, frame, owner, FrameState.Hypervisor);

    /// <summary>Drops a reference. The last one returns the frame to the machine and takes it off its owner's count.</summary>
    public static void Drop(Host host, Mfn frame, Processor caller)
    {
        ref FrameInfo info = ref host.Frames[frame];
        ushort owner = info.Owner;
        bool isGuestMemory = info.State == FrameState.Domain;
        if (Interlocked.Decrement(ref info.References) != 0)
            return;
        host.Allocator.Free(frame, 0, caller);
        if (isGuestMemory)
            host.Domains.Find(owner)?.Memory.NoteFreed(1, caller);
    }

    private static bool TryTake(Host host, Mfn frame, ushort owner, FrameState state)
    {
        if (frame.Value >= host.Frames.FrameLimit)
            return false;
        ref FrameInfo info = ref host.Frames[frame];
        while (true)
        {
            int references = Volatile.Read(ref info.References);
            if (references is <= 0 or >= Limit || info.State != state || info.Owner != owner)
                return false;
            if (Interlocked.CompareExchange(ref info.References, references + 1, references) == references)
                return true;
        }
    }
}
