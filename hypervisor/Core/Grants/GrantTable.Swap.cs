// SPDX-License-Identifier: MIT
// GNTTABOP_swap_grant_ref: two entries of the caller's own table change places.

using XenSharp.Abi;
using XenSharp.Edge;

namespace XenSharp.Core.Grants;

public sealed partial class GrantTable
{
    /// <summary>Swaps two entries that nobody uses; the guest must not write them meanwhile.</summary>
    public GrantStatus Swap(uint first, uint second, Processor caller)
    {
        using SpinLock.Guard guard = Lock.Enter(caller);
        if (!HasEntry(first) || !HasEntry(second))
            return GrantStatus.BadGrantRef;
        if (first == second)
            return GrantStatus.Okay;
        if (_active[(int)first].Pins != 0 || _active[(int)second].Pins != 0)
            return GrantStatus.Again;
        int words = Version == 1 ? 1 : 2;
        for (int i = 0; i < words; i++)
            SwapWords(EntryFrame(first), EntryOffset(first) + (i * 8), EntryFrame(second), EntryOffset(second) + (i * 8));
        if (Version == 2)
            SwapMarks(first, second);
        return GrantStatus.Okay;
    }

    private void SwapWords(Mfn first, int firstOffset, Mfn second, int secondOffset)
    {
        PhysicalMemory memory = Domain.Host.Memory;
        ulong word = memory.Read64(first, firstOffset);
        memory.Write64(first, firstOffset, memory.Read64(second, secondOffset));
        memory.Write64(second, secondOffset, word);
    }

    private void SwapMarks(uint first, uint second)
    {
        PhysicalMemory memory = Domain.Host.Memory;
        for (int i = 0; i < 2; i++)
        {
            int firstOffset = (MarkBit(first) >> 3) + i, secondOffset = (MarkBit(second) >> 3) + i;
            byte mark = memory.Read8(MarkFrame(first), firstOffset);
            memory.Write8(MarkFrame(first), firstOffset, memory.Read8(MarkFrame(second), secondOffset));
            memory.Write8(MarkFrame(second), secondOffset, mark);
        }
    }
}
