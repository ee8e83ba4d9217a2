// SPDX-License-Identifier: MIT
// A domain's translation in a dictionary: large mappings are kept as such, so that their splitting is exercised.

using System;
using System.Collections.Generic;

namespace XenSharp.Edge;

/// <summary>Same contract as the port's. <see cref="TablePages"/> limits how often <see cref="Set"/> and <see cref="Remove"/> may need a page.</summary>
public sealed class DictionaryP2m(ulong frameLimit) : P2m
{
    private readonly Dictionary<ulong, (ulong Frame, int Order, P2mType Type)> _mappings = [];
    private readonly SortedSet<ulong> _starts = [];
    private uint _generation;
    private ulong _removed;
    private uint _generationBeforeRemoval = uint.MaxValue;

    public override ulong FrameLimit { get; } = frameLimit;

    public override uint Generation => _generation;

    public override bool TryFindOnlyRemoval(uint sinceGeneration, out Gfn guestFrame)
    {
        lock (_mappings)
        {
            guestFrame = new Gfn(_removed);
            return _generationBeforeRemoval == sinceGeneration && _generation == sinceGeneration + 1;
        }
    }

    /// <summary>Pages for tables that are left; each split takes one.</summary>
    public int TablePages { get; set; } = int.MaxValue;

    public int Flushes { get; private set; }

    /// <summary>Every use fails, as one does that meets a fault.</summary>
    public bool IsBroken { get; set; }

    /// <summary>All mappings, for checks at the end of a test.</summary>
    public IEnumerable<(Gfn GuestFrame, P2mEntry Entry)> Mappings
    {
        get
        {
            foreach ((ulong start, (ulong Frame, int Order, P2mType Type) mapping) in _mappings)
                yield return (new Gfn(start), new P2mEntry(new Mfn(mapping.Frame), mapping.Type, mapping.Order));
        }
    }

    public override P2mEntry Lookup(Gfn guestFrame)
    {
        ThrowIfBroken();
        SwitchPoint.Reached();
        lock (_mappings)
        {
            if (!TryFind(guestFrame.Value, out ulong start))
                return new P2mEntry(Mfn.Invalid, P2mType.None, HoleOrder(guestFrame.Value));
            (ulong frame, int order, P2mType type) = _mappings[start];
            return new P2mEntry(type == P2mType.OnDemand ? Mfn.Invalid : new Mfn(frame + (guestFrame.Value - start)), type, order);
        }
    }

    public override bool Set(Gfn guestFrame, Mfn frame, int order, P2mType type)
    {
        ThrowIfBroken();
        if (order is not (0 or 9 or 18))
            throw new ArgumentException("order " + order);
        ulong count = 1UL << order;
        if ((guestFrame.Value & (count - 1)) != 0 || (frame.Value & (count - 1)) != 0)
            throw new ArgumentException("not aligned to its order");
        if (guestFrame.Value + count > FrameLimit)
            throw new IndexOutOfRangeException("guest frame 0x" + guestFrame.Value.ToString("x"));
        lock (_mappings)
        {
            if ((Mirror != null && !Mirror.Prepare(guestFrame, order, type)) || !Split(guestFrame.Value, order))
                return false;
            Drop(guestFrame.Value, count);
            _mappings[guestFrame.Value] = (frame.Value, order, type);
            _starts.Add(guestFrame.Value);
            Mirror?.Set(guestFrame, frame, order, type);
            _generation++;
            return true;
        }
    }

    public override bool SetOnDemand(Gfn guestFrame, int order) => Mirror == null && Set(guestFrame, new Mfn(0), order, P2mType.OnDemand);

    public override bool Remove(Gfn guestFrame, int order)
    {
        ThrowIfBroken();
        lock (_mappings)
        {
            if ((Mirror != null && !Mirror.Prepare(guestFrame, order, P2mType.None)) || !Split(guestFrame.Value, order))
                return false;
            _mappings.Remove(guestFrame.Value);
            _starts.Remove(guestFrame.Value);
            Mirror?.Set(guestFrame, Mfn.Invalid, order, P2mType.None);
            if (order == 0)
            {
                _removed = guestFrame.Value;
                _generationBeforeRemoval = _generation;
            }

            _generation++;
            return true;
        }
    }

    public override void Flush()
    {
        Flushes++;
        Mirror?.Flush();
    }

    /// <summary>The page that stands for the first table, and where it goes back to; for domains that are destroyed.</summary>
    public Mfn Root { get; init; } = Mfn.Invalid;

    public FrameSource? Tables { get; init; }

    public override bool ReleaseTables(int limit) => _mappings.Count == 0 ? true : throw new InvalidOperationException("frames are still mapped");

    public override void Release() => Tables?.Free(Root);

    private void ThrowIfBroken()
    {
        if (IsBroken)
            throw new InvalidOperationException("a fault");
    }

    private bool TryFind(ulong guestFrame, out ulong start)
    {
        foreach (int order in (ReadOnlySpan<int>)[0, 9, 18])
        {
            start = guestFrame & ~((1UL << order) - 1);
            if (_mappings.TryGetValue(start, out (ulong Frame, int Order, P2mType Type) mapping) && mapping.Order >= order)
                return true;
        }

        start = 0;
        return false;
    }

    // As a table would say it: the hole is as large as the largest table entry without any mapping.
    private int HoleOrder(ulong guestFrame)
    {
        foreach (int order in (ReadOnlySpan<int>)[18, 9])
        {
            ulong start = guestFrame & ~((1UL << order) - 1);
            foreach (ulong _ in _starts.GetViewBetween(start, start + (1UL << order) - 1))
                goto Next;
            return order;
        Next:;
        }

        return 0;
    }

    // Splits a mapping larger than the order until none covers the frame.
    private bool Split(ulong guestFrame, int order)
    {
        while (TryFind(guestFrame, out ulong start) && _mappings[start].Order > order)
        {
            if (TablePages == 0)
                return false;
            TablePages--;
            (ulong frame, int larger, P2mType type) = _mappings[start];
            int smaller = larger - 9;
            for (ulong i = 0; i < 512; i++)
            {
                _mappings[start + (i << smaller)] = (frame + (i << smaller), smaller, type);
                _starts.Add(start + (i << smaller));
            }
        }

        return true;
    }

    private void Drop(ulong guestFrame, ulong count)
    {
        foreach (ulong start in new List<ulong>(_starts.GetViewBetween(guestFrame, guestFrame + count - 1)))
        {
            _mappings.Remove(start);
            _starts.Remove(start);
        }
    }
}
