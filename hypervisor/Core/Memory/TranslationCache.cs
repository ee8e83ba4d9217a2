// SPDX-License-Identifier: MIT
// The last few guest frames that the hypervisor has looked up for a vCPU, so that a copy from a guest costs few instructions.

using System.Runtime.CompilerServices;
using XenSharp.Edge;

namespace XenSharp.Core.Memory;

/// <summary>
/// Present translations of one vCPU's domain, all of one p2m generation. Used only on the CPU that runs the vCPU; what the guest's own page
/// tables say is never believed from memory, since the guest changes them unseen.
/// </summary>
public sealed partial class TranslationCache(P2m p2m, PhysicalMemory memory, VcpuContext context)
{
    // A power of two: direct-mapped by the low bits of the guest frame.
    private const int Size = 32;

    private readonly Entry[] _entries = new Entry[Size];
    private uint _generation;

    // What makes an entry's tag one of this generation. Frame numbers have at most 40 bits, so the bits below never become 0 with the one added.
    private const int StampShift = 41;
    private ulong _stamp = 1;

    // Plus one: the last look-up that met memory to be populated on demand.
    private ulong _missed;

    private struct Entry
    {
        // Guest frame plus one, and the generation's low bits above; 0 is empty.
        public ulong Tag;
        public ulong Frame;
        public bool IsWritable;
    }

    /// <summary>Forgets what an older generation of the p2m said; before a walk, and whenever the p2m may have changed since.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Refresh()
    {
        uint generation = p2m.Generation;
        if (generation != _generation)
            Advance(generation);
    }

    /// <summary>The machine frame behind a guest frame; false when there is none. <see cref="Refresh"/> comes first.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryFind(ulong guestFrame, out Mfn frame, out bool isWritable)
    {
        ref Entry entry = ref _entries[(int)guestFrame & (Size - 1)];
        if (entry.Tag != guestFrame + _stamp)
            return LookUp(guestFrame, ref entry, out frame, out isWritable);
        frame = new Mfn(entry.Frame);
        isWritable = entry.IsWritable;
        return true;
    }

    /// <summary>True, once, when a look-up has failed because the guest frame is to be populated on demand.</summary>
    public bool TakeMissed(out Gfn guestFrame)
    {
        guestFrame = new Gfn(_missed - 1);
        bool hasMissed = _missed != 0;
        _missed = 0;
        return hasMissed;
    }

    private bool LookUp(ulong guestFrame, ref Entry entry, out Mfn frame, out bool isWritable)
    {
        P2mEntry found = p2m.Lookup(new Gfn(guestFrame));
        frame = found.Frame;
        isWritable = found.IsWritable;
        if (!found.IsPresent)
        {
            if (found.Type == P2mType.OnDemand)
                _missed = guestFrame + 1;
            return false;
        }

        entry.Tag = guestFrame + _stamp;
        entry.Frame = frame.Value;
        entry.IsWritable = isWritable;
        return true;
    }

    // Older entries are not found any more; before the stamps start again they are wiped.
    private void Advance(uint generation)
    {
        if (((generation ^ _generation) >> (64 - StampShift)) != 0)
        {
            for (int i = 0; i < Size; i++)
                _entries[i].Tag = 0;
            ForgetWalks();
        }
        else if (p2m.TryFindOnlyRemoval(_generation, out Gfn removed))
        {
            // The others are still right under their stamp.
            _entries[(int)removed.Value & (Size - 1)].Tag = 0;
            ForgetWalks(removed.Value);
            _generation = generation;
            return;
        }

        // All walks have an older stamp now.
        _walkFrames = 0;
        _believed &= IsInHypercall;
        _generation = generation;
        _stamp = ((ulong)generation << StampShift) + 1;
    }
}
