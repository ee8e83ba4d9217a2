// SPDX-License-Identifier: MIT
// The last few walks through the guest's page tables. A walk is repeated, in a third of its instructions, by reading the same entries again.

using System.Runtime.CompilerServices;
using XenSharp.Edge;

namespace XenSharp.Core.Memory;

/// <summary>An entry that a walk has read: where, and what it held when the walk was done with it.</summary>
internal struct WalkStep
{
    public Mfn Frame;
    public ulong Value;
    public int Offset;
}

/// <summary>
/// A walk of one page for one kind of access. It leads to the same frame as long as the registers that rule it, each entry on its way and the
/// p2m's answers are the same; the entries held the accessed and dirty bits that it has to set.
/// </summary>
internal struct Walk
{
    // Page and access; 0 is none.
    public ulong Tag;
    public ulong Stamp;
    public ulong Cr0;
    public ulong Cr3;
    public ulong Efer;
    public Mfn Frame;
    public int Depth;
}

public sealed partial class TranslationCache
{
    // A power of two.
    private const int WalkSlots = 8;

    private const int Levels = 4;

    private readonly Walk[] _walks = new Walk[WalkSlots];

    // Those of each slot's walk, top level first.
    private readonly WalkStep[] _steps = new WalkStep[WalkSlots * Levels];

    // The low six bits of the guest frames that any of the walks depends on.
    private ulong _walkFrames;

    /// <summary>The frame behind a page, when a walk for the same access is remembered and nothing on its way has changed. <see cref="Refresh"/> comes first.</summary>
    internal bool TryRepeat(VcpuContext context, PhysicalMemory memory, ulong address, GuestPageAccess access, out Mfn frame)
    {
        ulong tag = TagOf(address, access);
        int slot = SlotOf(tag);
        ref Walk walk = ref _walks[slot];
        frame = walk.Frame;
        if (walk.Tag != tag || walk.Stamp != _stamp || walk.Cr3 != context.Cr3 || walk.Cr0 != context.Cr0 || walk.Efer != context.Efer)
            return false;
        slot *= Levels;
        for (int end = slot + walk.Depth; slot < end; slot++)
        {
            ref WalkStep step = ref _steps[slot];
            if (memory.Read64(step.Frame, step.Offset) != step.Value)
                return false;
        }

        return true;
    }

    /// <summary>A walk begins: the answer, plus the levels done, is for <see cref="NoteStep"/>, and <see cref="Remember"/> makes the walk count.</summary>
    internal int BeginWalk(ulong address, GuestPageAccess access)
    {
        int slot = SlotOf(TagOf(address, access));
        _walks[slot].Tag = 0;
        return slot * Levels;
    }

    /// <summary>The walk has used the entry of a table that lies at a guest frame.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void NoteStep(int step, ulong guestFrame, Mfn frame, int offset, ulong entry)
    {
        NoteWalkFrame(guestFrame);
        ref WalkStep noted = ref _steps[step];
        noted.Frame = frame;
        noted.Offset = offset;
        noted.Value = entry;
    }

    /// <summary>The walk has come to an end at a frame that allows the access.</summary>
    /// <param name="depth">Steps noted.</param>
    /// <param name="guestFrame">The page's own.</param>
    internal void Remember(VcpuContext context, ulong address, GuestPageAccess access, int depth, ulong guestFrame, Mfn frame)
    {
        ulong tag = TagOf(address, access);
        ref Walk walk = ref _walks[SlotOf(tag)];
        NoteWalkFrame(guestFrame);
        walk.Cr0 = context.Cr0;
        walk.Cr3 = context.Cr3;
        walk.Efer = context.Efer;
        walk.Frame = frame;
        walk.Depth = depth;
        walk.Stamp = _stamp;
        walk.Tag = tag;
    }

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
        for (int i = 0; i < WalkSlots; i++)
            _walks[i].Tag = 0;
    }

    // Two bits for the access, never 0.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong TagOf(ulong address, GuestPageAccess access) => ((address >> FrameSize.Shift) << 2) | ((ulong)access + 1);

    // Neighbouring pages, and a page's reads and writes, have slots of their own.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int SlotOf(ulong tag) => (int)(tag >> 1) & (WalkSlots - 1);
}
