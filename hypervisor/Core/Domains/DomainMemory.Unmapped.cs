// SPDX-License-Identifier: MIT
// Frames that a domain owns and that its map does not show. Called under the domain's lock by memory_op and the domain's destruction.

using XenSharp.Core.Memory;
using XenSharp.Edge;

namespace XenSharp.Core.Domains;

/// <summary>
/// Two lists through the frame table, so that the end of a domain finds such frames without a look at all of the machine's: pages that
/// another mapping has displaced, and runs of frames that are charged to the domain and have never been mapped. Every operation takes constant
/// time but <see cref="ReleaseUnmapped"/>, which takes as long as its budget allows.
/// </summary>
public sealed partial class DomainMemory
{
    private const uint None = uint.MaxValue;

    // Of the first frame of a run, whose count of references is the run's length meanwhile; no block of the allocator has this order.
    private const byte RunMark = 0xfe;

    private uint _displaced = None;
    private uint _runs = None;
    private ulong _spanNext;
    private ulong _spanEnd;

    /// <summary>How far the domain's destruction has emptied its map.</summary>
    public ulong NextToRelease { get; set; }

    /// <summary>A page has left the map and stays the domain's until its end. Others may still have references to it.</summary>
    public void NoteDisplaced(Mfn frame)
    {
        domain.Host.Frames[frame].Next = _displaced;
        _displaced = (uint)frame.Value;
    }

    /// <summary>Keeps frames of a block that was taken: until they are mapped, or until the domain's end. At most 2^30.</summary>
    public void KeepRun(Mfn start, ulong count)
    {
        if (count == 0)
            return;
        ref FrameInfo info = ref domain.Host.Frames[start];
        info.State = FrameState.Reserved;
        info.Order = RunMark;
        info.Owner = domain.Id;
        info.References = (int)count;
        info.Previous = None;
        info.Next = _runs;
        if (_runs != None)
            domain.Host.Frames[new Mfn(_runs)].Previous = (uint)start.Value;
        _runs = (uint)start.Value;
    }

    /// <summary>Whether the domain still keeps exactly this run.</summary>
    public bool KeepsRun(Mfn start, ulong count)
    {
        if (start.Value >= domain.Host.Frames.FrameLimit)
            return false;
        ref FrameInfo info = ref domain.Host.Frames[start];
        return info.State == FrameState.Reserved && info.Order == RunMark && info.Owner == domain.Id && (ulong)info.References == count;
    }

    /// <summary>Takes a run off the list to map it, or the first of it; the rest is kept again. Its first frame is to be assigned anew.</summary>
    public bool TryTakeRun(Mfn start, ulong count)
    {
        if (!KeepsRun(start, count))
            return false;
        FrameTable frames = domain.Host.Frames;
        ref FrameInfo info = ref frames[start];
        if (info.Previous == None)
            _runs = info.Next;
        else
            frames[new Mfn(info.Previous)].Next = info.Next;
        if (info.Next != None)
            frames[new Mfn(info.Next)].Previous = info.Previous;
        info.Order = 0;
        info.References = 0;
        return true;
    }

    /// <summary>The frames of a large page that has left the map of a dying domain.</summary>
    public void NoteSpan(Mfn start, ulong count)
    {
        _spanNext = start.Value;
        _spanEnd = start.Value + count;
    }

    /// <summary>Drops the domain's references to the frames noted; false when the budget, in frames, was used up before.</summary>
    public bool ReleaseSpan(ref int limit, Processor caller)
    {
        for (; _spanNext < _spanEnd; _spanNext++)
        {
            if (limit-- <= 0)
                return false;
            FrameReferences.Drop(domain.Host, new Mfn(_spanNext), caller);
        }

        return true;
    }

    /// <summary>Gives the frames of both lists back; false when the budget, in frames, was used up before.</summary>
    public bool ReleaseUnmapped(ref int limit, Processor caller)
    {
        Host host = domain.Host;
        if (!domain.OnDemand.Release(ref limit, caller))
            return false;
        while (_displaced != None)
        {
            if (limit-- <= 0)
                return false;
            var frame = new Mfn(_displaced);
            _displaced = host.Frames[frame].Next;
            FrameReferences.Drop(host, frame, caller);
        }

        while (_runs != None)
        {
            var start = new Mfn(_runs);
            ulong count = (ulong)host.Frames[start].References;
            TryTakeRun(start, count);
            ulong freed = System.Math.Min(count, (ulong)System.Math.Max(limit, 0));
            KeepRun(start + freed, count - freed);
            for (ulong i = 0; i < freed; i++)
                host.Allocator.Free(start + i, 0, caller);
            NoteFreed(freed, caller);
            limit -= (int)freed;
            if (freed != count)
                return false;
        }

        return true;
    }
}
