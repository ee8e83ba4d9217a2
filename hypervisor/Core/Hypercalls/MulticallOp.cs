// SPDX-License-Identifier: MIT
// HYPERVISOR_multicall (xen/include/public/xen.h, struct multicall_entry): several hypercalls for one exit.

using System.Runtime.CompilerServices;
using XenSharp.Core.Domains;
using XenSharp.Core.Memory;
using XenSharp.Core.Vcpus;
using XenSharp.Edge;
using static XenSharp.Core.Hypercalls.HypercallError;

namespace XenSharp.Core.Hypercalls;

/// <summary>
/// Entries are read and answered in guest memory one at a time; the translation of a page of the list is kept while no call changes
/// the domain's memory map. A call that does not finish leaves its remaining arguments in its entry and the multicall continues there.
/// </summary>
public static class MulticallOp
{
    private const int EntrySize = 64, ResultOffset = 8, ArgumentsOffset = 16;

    // The same in words of 4 bytes.
    private const uint NarrowEntrySize = 32;

    /// <summary>struct multicall_entry up to its fifth argument; no call has a sixth.</summary>
    public struct Entry
    {
        public ulong Number;
        public ulong Result;
        public HypercallArguments Arguments;
    }

    /// <summary>Budget units that an entry costs besides its own work.</summary>
    private const int EntryCost = 2;

    public static long Call(Vcpu caller, in HypercallArguments arguments)
    {
        if (caller.IsInMulticall)
            return EINVAL;
        caller.IsInMulticall = true;
        ulong list = arguments.First;
        uint count = (uint)arguments.Second;
        long result = Run(caller, ref list, ref count);
        caller.IsInMulticall = false;
        if (result == 0 && count != 0)
            caller.Continuation.Request(list, count);
        return result;
    }

    // Advances list and count past the finished entries; 0 with entries left: the budget is used up, or the CPU has
    // other work (a call that blocks asks it to reschedule).
    private static long Run(Vcpu caller, ref ulong list, ref uint count)
    {
        while (count != 0)
        {
            bool whole = !caller.IsNarrow && (list & 7) == 0 && (list & FrameSize.Mask) <= FrameSize.Bytes - EntrySize;
            bool goesOn;
            if (!whole)
            {
                if (!RunCopied(caller, list))
                    return EFAULT;
                goesOn = Advance(caller, ref list, ref count, caller.IsNarrow ? NarrowEntrySize : EntrySize);
            }
            else
            {
                uint generation = caller.Domain.P2m.Generation;
                Mfn frame;
                while ((frame = GuestPageWalk.Translate(caller, list, GuestPageAccess.Write)) == Mfn.Invalid)
                {
                    if (!OnDemandMemory.TryPopulateFor(caller))
                        return EFAULT;
                }

                if (!RunPage(caller, frame, generation, ref list, ref count, out goesOn))
                    return EFAULT;
                if (caller.Continuation.IsRequested && !StoreContinuation(caller, list))
                    return EFAULT;
            }

            if (!goesOn)
            {
                caller.Continuation.IsRequested = false;
                return 0;
            }
        }

        return 0;
    }

    // The entries of one page, while the page stays what it is; false: a result could not be written.
    private static bool RunPage(Vcpu caller, Mfn frame, uint generation, ref ulong list, ref uint count, out bool goesOn)
    {
        bool isNext;
        do
        {
            if (!TryReadEntry(caller, frame, generation, (int)(list & FrameSize.Mask), out Entry entry))
            {
                // The domain's memory map has changed since the page was looked up: once more, but not for ever.
                goesOn = caller.Continuation.Spend(EntryCost);
                return true;
            }

            ulong result = (ulong)HypercallTable.Call(caller, entry.Number, in entry.Arguments);
            if (!TryWriteResult(caller, frame, generation, (int)(list & FrameSize.Mask), result) && !WriteResultAnew(caller, list, result))
            {
                goesOn = false;
                return false;
            }

            isNext = Advance(caller, ref list, ref count, EntrySize);
        }
        while (isNext && count != 0 && (list & FrameSize.Mask) - 1 < FrameSize.Bytes - EntrySize);
        goesOn = isNext;
        return true;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool WriteResultAnew(Vcpu caller, ulong list, ulong result)
    {
        if (GuestAccess.TryWrite(caller, list + ResultOffset, in result))
            return true;
        caller.Continuation.IsRequested = false;
        return false;
    }

    // The frame found earlier is used only while the generation is the same, and inside an announced copy: whoever changes the map after
    // that look waits for the end of the copy before the frame goes to somebody else.
    // Not inlined, so that the compiler cannot take a part of the entry from guest memory once more.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool TryReadEntry(Vcpu caller, Mfn frame, uint generation, int offset, out Entry entry)
    {
        Cpu processor = caller.Processor;
        processor.BeginCopy();
        if (caller.Domain.P2m.Generation == generation)
        {
            AbiBytes.Read(caller.Host.Memory, frame.Address + (uint)offset, out entry);
            processor.EndCopy();
            return true;
        }

        processor.EndCopy();
        entry = default;
        return false;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool TryWriteResult(Vcpu caller, Mfn frame, uint generation, int offset, ulong result)
    {
        caller.Processor.BeginCopy();
        bool isSame = caller.Domain.P2m.Generation == generation;
        if (isSame)
            caller.Host.Memory.Write64(frame, offset + ResultOffset, result);
        caller.Processor.EndCopy();
        return isSame;
    }

    // To the next entry, unless this one is to be continued; false when the multicall should stop before it.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool Advance(Vcpu caller, ref ulong list, ref uint count, uint size)
    {
        caller.Processor.Subject = null;
        if (caller.Continuation.IsRequested)
            return false;
        list += size;
        count--;
        return count == 0 || (caller.Continuation.Spend(EntryCost) && (caller.Processor.Pending & ~PendingWork.DeviceTables) == PendingWork.None);
    }

    // An entry that is not aligned, or crosses a page, or is a 32-bit caller's.
    private static bool RunCopied(Vcpu caller, ulong address)
    {
        if (!GuestLayout.TryRead(caller, address, GuestLayout.MulticallEntry, out Entry entry))
            return false;
        ulong result = (ulong)HypercallTable.Call(caller, entry.Number, in entry.Arguments);
        if (!GuestLayout.TryWriteWord(caller, address, ResultOffset / sizeof(ulong), result))
        {
            caller.Continuation.IsRequested = false;
            return false;
        }

        return !caller.Continuation.IsRequested || StoreContinuation(caller, address);
    }

    private static bool StoreContinuation(Vcpu caller, ulong address)
    {
        ulong arguments = address + (uint)(ArgumentsOffset / sizeof(ulong) * GuestLayout.WordSize(caller));
        if (GuestLayout.TryWrite(caller, arguments, GuestLayout.Arguments, in caller.Continuation.Arguments))
            return true;
        caller.Continuation.IsRequested = false;
        return false;
    }
}
