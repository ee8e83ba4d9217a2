// SPDX-License-Identifier: MIT
// Populate-on-demand: a guest starts with less memory than its map shows, until its balloon driver has given the rest back. The pages kept
// for it. Called by memory_op, faults and the domain's destruction, under the domain's lock where nothing else is said.

using XenSharp.Core.Memory;
using XenSharp.Edge;

namespace XenSharp.Core.Domains;

/// <summary>
/// Guest frames are marked (<see cref="P2mType.OnDemand"/>), and fewer pages than that are kept, zeroed and charged to the domain. A use of a
/// marked frame takes one of them; a page that the guest gives up while pages are short is kept. Behaviour: xen/arch/x86/mm/p2m-pod.c.
/// </summary>
public sealed partial class OnDemandMemory(Domain domain)
{
    private const uint None = uint.MaxValue;
    private const int LargeOrder = 9;
    private const ulong LargePages = 1UL << LargeOrder;

    // Lists through the frame table: single pages, and the first ones of aligned blocks of 512.
    private uint _singles = None;
    private uint _blocks = None;

    // A block whose pages are being cleared, and how many are; until then the domain keeps it as a run.
    private Mfn _block = Mfn.Invalid;
    private ulong _cleared;

    /// <summary>Guest frames that are marked (pod.entry_count).</summary>
    public ulong Entries { get; private set; }

    /// <summary>Pages kept for them (pod.count).</summary>
    public ulong Kept { get; private set; }

    /// <summary>Pages that the guest has at guest frames, or nowhere, without those kept.</summary>
    private ulong Populated => domain.Memory.Pages - Kept - (_block.IsValid ? LargePages : 0);

    /// <summary>What <see cref="Aim"/> makes of a target, or the present number when there is nothing to do.</summary>
    public ulong Aim(ulong target)
    {
        ulong populated = Populated;
        if ((populated > 0 && Entries == 0) || domain.IsDying || target < populated + Kept)
            return Kept;
        ulong wanted = target - populated;
        return populated > 0 ? System.Math.Min(wanted, Entries) : wanted;
    }

    /// <summary>One step towards a number of pages kept, of at most a few pages' work; false: no memory.</summary>
    public bool TryStep(ulong wanted, Processor caller)
    {
        if (Kept > wanted)
        {
            FreeOne(caller);
            return true;
        }

        if (_block.IsValid || wanted - Kept >= LargePages)
        {
            if (TryGrowByBlock(caller))
                return true;
        }

        if (!domain.Memory.TryTakeBlock(0, caller, out Mfn frame))
            return false;
        domain.Memory.Assign(frame);
        Keep(frame);
        return true;
    }

    /// <summary>Keeps a page that has left the map for good, when pages are short and nobody else uses it.</summary>
    public bool TryKeep(Mfn frame)
    {
        if (Entries <= Kept || domain.IsDying)
            return false;
        ref FrameInfo info = ref domain.Host.Frames[frame];
        if (info.State != FrameState.Domain || info.Owner != domain.Id || info.References != 1)
            return false;
        Keep(frame);
        return true;
    }

    /// <summary>Frees pages beyond the number of marked frames, at most so many.</summary>
    public void Trim(int limit, Processor caller)
    {
        for (; limit > 0 && Kept > Entries; limit--)
            FreeOne(caller);
    }

    /// <summary>Frames have been marked.</summary>
    public void NoteMarked(ulong count) => Entries += count;

    /// <summary>Marked frames have been unmarked, or something else has been put there.</summary>
    public void NoteUnmarked(ulong count) => Entries -= System.Math.Min(count, Entries);

    /// <summary>At the domain's end; false when the budget, in frames, was used up before.</summary>
    public bool Release(ref int limit, Processor caller)
    {
        Entries = 0;
        _block = Mfn.Invalid; // found among the runs that the domain keeps
        for (; Kept != 0; limit--)
        {
            if (limit <= 0)
                return false;
            FreeOne(caller);
        }

        return true;
    }

    private bool TryGrowByBlock(Processor caller)
    {
        const ulong atOnce = 8;
        DomainMemory memory = domain.Memory;
        if (!_block.IsValid)
        {
            if (!memory.TryTakeBlock(LargeOrder, caller, out _block))
                return false;
            memory.KeepRun(_block, LargePages);
            _cleared = 0;
        }

        ulong end = System.Math.Min(_cleared + atOnce, LargePages);
        for (; _cleared < end; _cleared++)
            domain.Host.Memory.Clear(_block + _cleared);
        if (_cleared != LargePages)
            return true;
        Mfn start = _block;
        _block = Mfn.Invalid;
        if (!memory.TryTakeRun(start, LargePages))
            return false;
        for (ulong i = 0; i < LargePages; i++)
            memory.Assign(start + i);
        KeepBlock(start);
        return true;
    }

    private void Keep(Mfn frame)
    {
        domain.Host.Memory.Clear(frame);
        KeepEmpty(frame);
    }

    private void KeepEmpty(Mfn frame)
    {
        domain.Host.Frames[frame].Next = _singles;
        _singles = (uint)frame.Value;
        Kept++;
    }

    private void KeepBlock(Mfn start)
    {
        domain.Host.Frames[start].Next = _blocks;
        _blocks = (uint)start.Value;
        Kept += LargePages;
    }

    private bool TryTakeKept(out Mfn frame)
    {
        if (_singles == None && TryTakeKeptBlock(out Mfn block))
        {
            for (ulong i = LargePages; i-- > 0;)
                KeepEmpty(block + i);
        }

        frame = Mfn.Invalid;
        if (_singles == None)
            return false;
        frame = new Mfn(_singles);
        _singles = domain.Host.Frames[frame].Next;
        Kept--;
        return true;
    }

    private bool TryTakeKeptBlock(out Mfn start)
    {
        start = Mfn.Invalid;
        if (_blocks == None)
            return false;
        start = new Mfn(_blocks);
        _blocks = domain.Host.Frames[start].Next;
        Kept -= LargePages;
        return true;
    }

    private void FreeOne(Processor caller)
    {
        if (TryTakeKept(out Mfn frame))
            FrameReferences.Drop(domain.Host, frame, caller);
    }
}
