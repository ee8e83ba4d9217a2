// SPDX-License-Identifier: MIT
// The last few walks through the guest's page tables. A walk is repeated, in a fraction of its instructions, by reading the same entries again.

using System.Runtime.CompilerServices;
using XenSharp.Edge;

namespace XenSharp.Core.Memory;

/// <summary>An entry that a walk has read: its machine address, and what it held when the walk was done with it.</summary>
internal struct WalkStep
{
    public ulong Address;
    public ulong Value;
}

/// <summary>
/// A walk of one page. It leads to the same frame as long as the registers that rule it, each entry on its way and the p2m's answers are
/// the same; the entries held the accessed and dirty bits that it has to set.
/// </summary>
internal struct Walk
{
    // The page's number plus one; 0 is none.
    public ulong Tag;
    public Mfn Frame;

    // Whether the walk was one for a write; it serves reads too.
    public bool IsForWrite;
    public int Depth;
    public ulong Stamp;
    public ulong Cr0;
    public ulong Cr3;
    public ulong Efer;

    // Top level first.
    public WalkStep First;
    public WalkStep Second;
    public WalkStep Third;
    public WalkStep Fourth;
}

public sealed partial class TranslationCache
{
    // A power of two.
    private const int WalkSlots = 8;

    // Beside the slots in the set of believed walks.
    private const uint IsInHypercall = 1u << 31;

    private readonly Walk[] _walks = new Walk[WalkSlots];

    // The low six bits of the guest frames that any of the walks depends on.
    private ulong _walkFrames;

    // One bit for each slot whose walk has been checked since the hypercall began.
    private uint _believed;

    /// <summary>
    /// A hypercall of the vCPU begins. Until its end a walk that has been checked once is believed while the p2m does not change: as with the CPU's own
    /// TLB, a guest cannot expect a change of its page tables to be seen by a vCPU that has not executed an instruction since.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void BeginHypercall() => _believed = IsInHypercall;

    /// <summary>The hypercall has ended, or was abandoned.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void EndHypercall() => _believed = 0;

    /// <summary>The frame behind a page, when a walk that allows the access is remembered and nothing on its way has changed; else invalid.</summary>
    // Without a call, so that the way of nearly all copies saves no register.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal Mfn Repeat(ulong address, GuestPageAccess access)
    {
        ulong page = address >> FrameSize.Shift;
        int slot = SlotOf(page);
        ref Walk walk = ref _walks[slot];
        if (p2m.Generation == _generation && walk.Tag == page + 1 && (access != GuestPageAccess.Write || walk.IsForWrite)
            && ((_believed >> slot & 1) != 0 || Check(ref walk, slot)))
            return walk.Frame;
        return Mfn.Invalid;
    }

    // Whether the walk would go the same way now.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool Check(ref Walk walk, int slot)
    {
        if (walk.Stamp != _stamp || walk.Cr3 != context.Cr3 || walk.Cr0 != context.Cr0 || walk.Efer != context.Efer)
            return false;
        PhysicalMemory tables = memory;
        if (tables.Read64(walk.First.Address) != walk.First.Value)
            return false;
        int depth = walk.Depth;
        if (depth > 1 && tables.Read64(walk.Second.Address) != walk.Second.Value)
            return false;
        if (depth > 2 && tables.Read64(walk.Third.Address) != walk.Third.Value)
            return false;
        if (depth > 3 && tables.Read64(walk.Fourth.Address) != walk.Fourth.Value)
            return false;
        Believe(slot);
        return true;
    }

    /// <summary>A walk of a page begins; <see cref="Remember"/> makes it count.</summary>
    internal void BeginWalk(ulong address)
    {
        int slot = SlotOf(address >> FrameSize.Shift);
        _walks[slot].Tag = 0;
        _believed &= ~(1u << slot);
    }

    /// <summary>The walk has used the entry of a table that lies at a guest frame.</summary>
    /// <param name="depth">Steps noted before.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void NoteStep(ulong address, int depth, ulong guestFrame, Mfn frame, int offset, ulong entry)
    {
        NoteWalkFrame(guestFrame);
        WalkStep step;
        step.Address = frame.Address + (uint)offset;
        step.Value = entry;
        ref Walk walk = ref _walks[SlotOf(address >> FrameSize.Shift)];
        switch (depth)
        {
            case 0: walk.First = step; break;
            case 1: walk.Second = step; break;
            case 2: walk.Third = step; break;
            default: walk.Fourth = step; break;
        }
    }

    /// <summary>The walk has come to an end at a frame that allows the access.</summary>
    /// <param name="depth">Steps noted.</param>
    /// <param name="guestFrame">The page's own.</param>
    internal void Remember(ulong address, GuestPageAccess access, int depth, ulong guestFrame, Mfn frame)
    {
        ulong page = address >> FrameSize.Shift;
        int slot = SlotOf(page);
        ref Walk walk = ref _walks[slot];
        NoteWalkFrame(guestFrame);
        walk.Cr0 = context.Cr0;
        walk.Cr3 = context.Cr3;
        walk.Efer = context.Efer;
        walk.Frame = frame;
        walk.IsForWrite = access == GuestPageAccess.Write;
        walk.Depth = depth;
        walk.Stamp = _stamp;
        walk.Tag = page + 1;
        Believe(slot);
    }

    // Outside a hypercall nothing is believed.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Believe(int slot) => _believed |= (uint)((int)_believed >> 31) & (1u << slot);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void NoteWalkFrame(ulong guestFrame) => _walkFrames |= 1UL << (int)(guestFrame & 63);

    private void ForgetWalks(ulong removed)
    {
        if ((_walkFrames >> (int)(removed & 63) & 1) != 0)
            ForgetWalks();
    }

    private void ForgetWalks()
    {
        _walkFrames = 0;
        _believed &= IsInHypercall;
        for (int i = 0; i < WalkSlots; i++)
            _walks[i].Tag = 0;
    }

    // Neighbouring pages have slots of their own.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int SlotOf(ulong page) => (int)page & (WalkSlots - 1);
}
