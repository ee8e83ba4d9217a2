// SPDX-License-Identifier: MIT
// The machine's free memory: a buddy allocator over the frame table. Memory enters it piece by piece, as it is first needed, so that
// a machine with terabytes starts as fast as a small one.

using System.Numerics;
using XenSharp.Edge;

namespace XenSharp.Core.Memory;

/// <summary>Blocks of 2^order frames. <see cref="Lock"/> is taken inside; callers hold no inner lock.</summary>
public sealed partial class FrameAllocator
{
    /// <summary>1 GiB, the largest page and the largest extent of a hypercall.</summary>
    public const int MaxOrder = 18;

    // Memory is made known to the buddy system in pieces of this order (128 MiB), aligned.
    private const int PieceOrder = 15;
    private const int MaxRanges = 128;
    private const uint None = uint.MaxValue;

    private readonly FrameTable _frames;
    private readonly uint[] _heads = new uint[MaxOrder + 1];
    private readonly ulong[] _rangeNext = new ulong[MaxRanges];
    private readonly ulong[] _rangeEnd = new ulong[MaxRanges];
    private readonly ulong[] _knownPieces;
    private int _rangeCount;

    public FrameAllocator(FrameTable frames)
    {
        _frames = frames;
        _knownPieces = new ulong[(int)((frames.FrameLimit >> (PieceOrder + 6)) + 1)];
        for (int order = 0; order <= MaxOrder; order++)
            _heads[order] = None;
    }

    public SpinLock Lock { get; } = new(LockScope.Host);

    /// <summary>Frames free now, those not yet touched included.</summary>
    public ulong FreePages { get; private set; }

    /// <summary>All frames ever handed to the allocator, and those that other parts report as memory of the machine.</summary>
    public ulong TotalPages { get; set; }

    /// <summary>Frames promised to domains by XENMEM_claim_pages and not yet allocated.</summary>
    public ulong OutstandingClaims { get; private set; }

    /// <summary>Hands over a range of unused memory (boot, and modules after their use).</summary>
    public void AddRange(Mfn start, ulong count)
    {
        FreePages += count;
        if (_rangeCount < MaxRanges)
        {
            _rangeNext[_rangeCount] = start.Value;
            _rangeEnd[_rangeCount] = start.Value + count;
            _rangeCount++;
            return;
        }

        FreeRun(start.Value, start.Value + count);
    }

    /// <summary>Makes the record of a frame that never enters the allocator usable (memory below 1 MiB).</summary>
    public void EnsureKnown(Mfn frame) => MakePieceKnown(frame.Value);

    /// <summary>Takes an aligned block; its content is undefined. False when there is none that nobody has claimed.</summary>
    public bool TryAllocate(int order, Processor caller, out Mfn frame)
    {
        ulong claim = 0;
        return TryAllocate(order, caller, ref claim, out frame);
    }

    /// <summary>The same for a domain with a claim, which it uses up as far as it goes.</summary>
    public bool TryAllocate(int order, Processor caller, ref ulong claim, out Mfn frame)
    {
        using SpinLock.Guard guard = Lock.Enter(caller);
        frame = Mfn.Invalid;
        if ((uint)order > MaxOrder)
            return false;
        ulong count = 1UL << order;
        if (OutstandingClaims != 0 && OutstandingClaims + count > FreePages && claim < count)
            return false;
        if ((order != 0 || !TryTakeFromStock(out uint head)) && !TryTakeBlock(order, out head))
            return false;
        ulong claimed = claim < count ? claim : count;
        claim -= claimed;
        OutstandingClaims -= claimed;
        ref FrameInfo info = ref _frames[new Mfn(head)];
        info.State = FrameState.Hypervisor;
        info.References = 1;
        FreePages -= count;
        frame = new Mfn(head);
        return true;
    }

    /// <summary>Gives a block back, joined with its free neighbours; a single frame at once or later.</summary>
    public void Free(Mfn frame, int order, Processor caller)
    {
        using SpinLock.Guard guard = Lock.Enter(caller);
        FreePages += 1UL << order;
        if (order == 0)
            FreeSingle((uint)frame.Value);
        else
            FreeBlock((uint)frame.Value, order);
    }

    /// <summary>Promises free frames to a domain; false when there are not as many.</summary>
    public bool TryClaim(ulong pages, Processor caller)
    {
        using SpinLock.Guard guard = Lock.Enter(caller);
        if (pages > FreePages - OutstandingClaims)
            return false;
        OutstandingClaims += pages;
        return true;
    }

    /// <summary>Takes a promise, or the rest of it, back.</summary>
    public void Unclaim(ulong pages, Processor caller)
    {
        using SpinLock.Guard guard = Lock.Enter(caller);
        OutstandingClaims -= pages;
    }

    /// <summary>Free blocks of an order (debug key). Bounded by <paramref name="limit"/>.</summary>
    public int CountBlocks(int order, int limit)
    {
        int count = 0;
        for (uint block = _heads[order]; block != None && count < limit; block = _frames[new Mfn(block)].Next)
            count++;
        return count;
    }

    private bool TryTakeBlock(int order, out uint head)
    {
        head = None;
        int found = FindBlock(order);
        while (found < 0)
        {
            if (!AddPiece())
            {
                if (_stocked == 0)
                    return false;
                ReturnStock(0);
            }

            found = FindBlock(order);
        }

        head = _heads[found];
        Unlink(head, found);
        while (found > order)
        {
            found--;
            Link(head + (1u << found), found);
        }

        return true;
    }

    private int FindBlock(int order)
    {
        for (int candidate = order; candidate <= MaxOrder; candidate++)
        {
            if (_heads[candidate] != None)
                return candidate;
        }

        return -1;
    }

    // Makes the rest of one piece of a range known, highest ranges first: low memory is kept for devices.
    private bool AddPiece()
    {
        for (int range = _rangeCount - 1; range >= 0; range--)
        {
            ulong start = _rangeNext[range];
            if (start == _rangeEnd[range])
                continue;
            ulong end = ((start >> PieceOrder) + 1) << PieceOrder;
            if (end > _rangeEnd[range])
                end = _rangeEnd[range];
            _rangeNext[range] = end;
            FreeRun(start, end);
            return true;
        }

        return false;
    }

    private void FreeRun(ulong start, ulong end)
    {
        MakePieceKnown(start);
        MakePieceKnown(end - 1);
        while (start < end)
        {
            int order = start == 0 ? MaxOrder : BitOperations.TrailingZeroCount(start);
            if (order > PieceOrder)
                order = PieceOrder;
            while (start + (1UL << order) > end)
                order--;
            FreeBlock((uint)start, order);
            start += 1UL << order;
        }
    }

    // The records of a piece hold whatever was in memory until its first frame becomes known.
    private void MakePieceKnown(ulong frame)
    {
        ulong piece = frame >> PieceOrder;
        int word = (int)(piece >> 6);
        ulong bit = 1UL << (int)(piece & 63);
        if ((_knownPieces[word] & bit) != 0)
            return;
        _knownPieces[word] |= bit;
        ulong first = piece << PieceOrder;
        for (ulong i = first; i < first + (1UL << PieceOrder) && i < _frames.FrameLimit; i++)
            _frames[new Mfn(i)] = default;
    }

    /// <summary>Whether the frame's record means anything yet.</summary>
    public bool IsKnown(ulong frame)
    {
        ulong piece = frame >> PieceOrder;
        int word = (int)(piece >> 6);
        return word < _knownPieces.Length && (_knownPieces[word] & (1UL << (int)(piece & 63))) != 0;
    }

    private void FreeBlock(uint block, int order)
    {
        // Of a free block only the first frame says that it is free; the others must not go on naming an owner.
        _frames[new Mfn(block)].State = FrameState.Reserved;
        while (order < MaxOrder)
        {
            uint buddy = block ^ (1u << order);
            if (buddy >= _frames.FrameLimit || !IsKnown(buddy))
                break;
            ref FrameInfo other = ref _frames[new Mfn(buddy)];
            if (other.State != FrameState.Free || other.Order != order)
                break;
            Unlink(buddy, order);
            other.State = FrameState.Reserved;
            block &= ~(1u << order);
            order++;
        }

        Link(block, order);
    }

    private void Link(uint block, int order)
    {
        ref FrameInfo info = ref _frames[new Mfn(block)];
        uint head = _heads[order];
        info.State = FrameState.Free;
        info.Order = (byte)order;
        info.References = 0;
        info.Next = head;
        info.Previous = None;
        if (head != None)
            _frames[new Mfn(head)].Previous = block;
        _heads[order] = block;
    }

    private void Unlink(uint block, int order)
    {
        ref FrameInfo info = ref _frames[new Mfn(block)];
        if (info.Previous == None)
            _heads[order] = info.Next;
        else
            _frames[new Mfn(info.Previous)].Next = info.Next;
        if (info.Next != None)
            _frames[new Mfn(info.Next)].Previous = info.Previous;
    }
}
