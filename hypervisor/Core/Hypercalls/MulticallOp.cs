// SPDX-License-Identifier: MIT
// HYPERVISOR_multicall (xen/include/public/xen.h, struct multicall_entry): several hypercalls for one exit.

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
        PhysicalMemory memory = caller.Host.Memory;
        P2m p2m = caller.Domain.P2m;
        Mfn frame = Mfn.Invalid;
        uint generation = 0;
        for (bool first = true; count != 0; first = false)
        {
            if (!first && (!caller.Continuation.Spend(EntryCost) || caller.Processor.Pending != PendingWork.None))
                return 0;
            int offset = (int)(list & FrameSize.Mask);
            if (offset > FrameSize.Bytes - EntrySize || (offset & 7) != 0)
            {
                if (!RunCopied(caller, list))
                    return EFAULT;
            }
            else
            {
                if ((first || offset < EntrySize || !frame.IsValid || p2m.Generation != generation)
                    && !GuestPageWalk.Translate(caller, list, GuestPageAccess.Write, out frame))
                    return EFAULT;
                generation = p2m.Generation;
                RunInPlace(caller, memory, frame, offset);
                if (caller.Continuation.IsRequested && !StoreContinuation(caller, list))
                    return EFAULT;
            }

            if (caller.Continuation.IsRequested)
            {
                caller.Continuation.IsRequested = false;
                return 0;
            }

            list += EntrySize;
            count--;
        }

        return 0;
    }

    private static void RunInPlace(Vcpu caller, PhysicalMemory memory, Mfn frame, int offset)
    {
        HypercallArguments arguments;
        ulong number = memory.Read64(frame, offset);
        arguments.First = memory.Read64(frame, offset + ArgumentsOffset);
        arguments.Second = memory.Read64(frame, offset + ArgumentsOffset + 8);
        arguments.Third = memory.Read64(frame, offset + ArgumentsOffset + 16);
        arguments.Fourth = memory.Read64(frame, offset + ArgumentsOffset + 24);
        arguments.Fifth = memory.Read64(frame, offset + ArgumentsOffset + 32);
        long result = HypercallTable.Call(caller, number, in arguments);
        memory.Write64(frame, offset + ResultOffset, (ulong)result);
    }

    // An entry that is not aligned, or crosses a page.
    private static bool RunCopied(Vcpu caller, ulong address)
    {
        if (!GuestAccess.TryRead(caller, address, out ulong number)
            || !GuestAccess.TryRead(caller, address + ArgumentsOffset, out HypercallArguments arguments))
            return false;
        ulong result = (ulong)HypercallTable.Call(caller, number, in arguments);
        if (!GuestAccess.TryWrite(caller, address + ResultOffset, in result))
        {
            caller.Continuation.IsRequested = false;
            return false;
        }

        return !caller.Continuation.IsRequested || StoreContinuation(caller, address);
    }

    private static bool StoreContinuation(Vcpu caller, ulong address)
    {
        if (GuestAccess.TryWrite(caller, address + ArgumentsOffset, in caller.Continuation.Arguments))
            return true;
        caller.Continuation.IsRequested = false;
        return false;
    }
}
