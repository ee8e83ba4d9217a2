// SPDX-License-Identifier: MIT
// Populate-on-demand: pages that the guest has used and that hold nothing but zeroes become marked frames again.

using XenSharp.Edge;

namespace XenSharp.Core.Domains;

public sealed partial class OnDemandMemory
{
    private const int RecentCount = 32, RecentAtOnce = 8, BatchSize = 16;

    // Look-ups of one step of the sweep.
    private const int SweepSteps = 64;
    private const ulong NoFrame = ulong.MaxValue;

    // Single pages populated last, in a ring: most are soon emptied again when a guest clears all of its memory.
    private readonly ulong[] _recent = new ulong[RecentCount];
    private int _nextRecent;

    // The sweep goes down from the highest frame populated. A pass that began there and has found nothing was in vain.
    private ulong _highest;
    private ulong _cursor;
    private bool _isWholePass;
    private bool _hasFound;

    /// <summary>All of the guest's memory has been looked through since the last empty page was found.</summary>
    private bool IsSweptInVain { get; set; }

    private void NoteRecent(Gfn guestFrame)
    {
        _recent[_nextRecent] = guestFrame.Value + 1;
        _nextRecent = (_nextRecent + 1) % RecentCount;
    }

    // One of them, or when nothing is kept as many as it takes.
    private void ReclaimRecent(Processor caller)
    {
        System.Span<ulong> one = stackalloc ulong[1];
        for (int i = 0; i < RecentAtOnce && (i == 0 || Kept == 0); i++)
        {
            int index = (_nextRecent + i) % RecentCount;
            ulong noted = _recent[index];
            _recent[index] = 0;
            if (noted == 0)
                continue;
            one[0] = noted - 1;
            Reclaim(one, caller);
        }
    }

    // One step; true when something is kept now.
    private bool Sweep(Processor caller)
    {
        System.Span<ulong> batch = stackalloc ulong[BatchSize];
        int count = 0;
        if (IsSweptInVain || _cursor == 0)
        {
            IsSweptInVain = false;
            _cursor = _highest + 1;
            _isWholePass = true;
            _hasFound = false;
        }

        for (int i = 0; i < SweepSteps && _cursor != 0 && count < BatchSize; i++)
        {
            ulong guestFrame = _cursor - 1;
            P2mEntry entry = domain.P2m.Lookup(new Gfn(guestFrame));
            _cursor = entry.IsPresent ? guestFrame : guestFrame & ~((1UL << entry.Order) - 1);
            if (entry.Type == P2mType.Ram)
                batch[count++] = guestFrame;
        }

        Reclaim(batch.Slice(0, count), caller);
        if (Kept != 0)
            _hasFound = true;
        else if (_cursor == 0)
            IsSweptInVain = _isWholePass && !_hasFound;
        return Kept != 0;
    }

    // Frames that look empty leave the map, and when no CPU can write to them any more the rest is looked at.
    private void Reclaim(System.Span<ulong> guestFrames, Processor caller)
    {
        System.Span<ulong> frames = stackalloc ulong[BatchSize];
        bool any = false;
        for (int i = 0; i < guestFrames.Length; i++)
        {
            var guestFrame = new Gfn(guestFrames[i]);
            P2mEntry entry = domain.P2m.Lookup(guestFrame);
            bool isTaken = entry.Type == P2mType.Ram && IsOwnAlone(entry.Frame) && IsEmpty(entry.Frame, 128) && domain.P2m.SetOnDemand(guestFrame, 0);
            frames[i] = isTaken ? entry.Frame.Value : NoFrame;
            any |= isTaken;
        }

        if (!any)
            return;
        domain.P2m.Flush();
        for (int i = 0; i < guestFrames.Length; i++)
        {
            if (frames[i] == NoFrame)
                continue;
            var frame = new Mfn(frames[i]);
            if (IsOwnAlone(frame) && IsEmpty(frame, FrameSize.Bytes))
            {
                KeepEmpty(frame);
                NoteMarked(1);
            }
            else if (!domain.P2m.Set(new Gfn(guestFrames[i]), frame, 0, P2mType.Ram))
            {
                domain.Memory.NoteDisplaced(frame); // cannot be: the table is there
            }
        }
    }

    private bool IsOwnAlone(Mfn frame)
    {
        ref FrameInfo info = ref domain.Host.Frames[frame];
        return info.State == FrameState.Domain && info.Owner == domain.Id && info.References == 1;
    }

    private bool IsEmpty(Mfn frame, int length)
    {
        PhysicalMemory memory = domain.Host.Memory;
        for (int offset = 0; offset < length; offset += sizeof(ulong))
        {
            if (memory.Read64(frame, offset) != 0)
                return false;
        }

        return true;
    }
}
