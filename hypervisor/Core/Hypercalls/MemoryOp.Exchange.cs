// SPDX-License-Identifier: MIT
// XENMEM_exchange: gives pages for other pages, in chunks of the larger of the two extent sizes.

using System;
using XenSharp.Abi;
using XenSharp.Core.Domains;
using XenSharp.Core.Memory;
using XenSharp.Core.Vcpus;
using XenSharp.Edge;
using static XenSharp.Core.Hypercalls.HypercallError;

namespace XenSharp.Core.Hypercalls;

public static partial class MemoryOp
{
    private const ulong ExchangedCountOffset = 64;

    private static long Exchange(Vcpu caller, ulong argument)
    {
        if (!GuestAccess.TryRead(caller, argument, out MemoryExchange exchange))
            return EFAULT;
        long result = CheckExchange(caller, in exchange, out Domain? domain);
        if (result != 0)
            return FinishExchange(caller, argument, exchange.ExchangedCount, result);
        if (exchange.ExchangedCount == exchange.In.ExtentCount)
            return 0;
        int inChunk = Math.Max((int)exchange.Out.ExtentOrder - (int)exchange.In.ExtentOrder, 0);
        ulong chunk = exchange.ExchangedCount >> inChunk;
        ulong first = chunk;
        for (; chunk < exchange.In.ExtentCount >> inChunk; chunk++)
        {
            if (chunk != first && !caller.Continuation.Spend(ExtentCost))
            {
                caller.Continuation.Request((ulong)MemoryOperation.Exchange, argument);
                return FinishExchange(caller, argument, chunk << inChunk, 0);
            }

            result = ExchangeChunk(caller, domain!, in exchange, chunk);
            if (result != 0)
                return FinishExchange(caller, argument, chunk << inChunk, result);
        }

        return FinishExchange(caller, argument, exchange.In.ExtentCount, 0);
    }

    private static long CheckExchange(Vcpu caller, in MemoryExchange exchange, out Domain? domain)
    {
        domain = null;
        uint inOrder = exchange.In.ExtentOrder, outOrder = exchange.Out.ExtentOrder;
        if (Math.Max(inOrder, outOrder) > (uint)MaxOrder(caller.Domain))
            return EPERM;
        if (exchange.ExchangedCount > exchange.In.ExtentCount
            || exchange.In.DomainId != exchange.Out.DomainId
            || ulong.MaxValue >> (int)inOrder < exchange.In.ExtentCount
            || ulong.MaxValue >> (int)outOrder < exchange.Out.ExtentCount
            || exchange.In.ExtentCount << (int)inOrder != exchange.Out.ExtentCount << (int)outOrder)
            return EINVAL;
        if (exchange.ExchangedCount == exchange.In.ExtentCount)
            return 0;
        if (!AreFlagsValid(caller, exchange.Out.MemoryFlags))
            return EINVAL;
        domain = DomainLookup.ByAnyId(caller.Domain, exchange.In.DomainId);
        if (domain == null)
            return ESRCH;
        return DomainLookup.MayTarget(caller.Domain, domain) ? 0 : EPERM;
    }

    private static long FinishExchange(Vcpu caller, ulong argument, ulong exchanged, long result)
    {
        if (GuestAccess.TryWrite(caller, argument + ExchangedCountOffset, in exchanged))
            return result;
        caller.Continuation.IsRequested = false;
        return EFAULT;
    }

    // One chunk: the input pages go only when the output pages are there, so that a failure changes nothing.
    private static long ExchangeChunk(Vcpu caller, Domain domain, in MemoryExchange exchange, ulong chunk)
    {
        int inOrder = (int)exchange.In.ExtentOrder, outOrder = (int)exchange.Out.ExtentOrder;
        int order = Math.Max(inOrder, outOrder);
        caller.Continuation.Spend(2 * PageCost << order);
        Span<ulong> buffer = stackalloc ulong[ReleasedFrames.Capacity];
        var released = new ReleasedFrames(domain, caller.Processor, buffer);
        using SpinLock.Guard guard = domain.Lock.Enter(caller.Processor);
        ulong inCount = 1UL << (order - inOrder), outCount = 1UL << (order - outOrder);
        for (ulong i = 0; i < inCount; i++)
        {
            if (!TryReadExtent(caller, in exchange.In, (chunk * inCount) + i, out Gfn gfn))
                return EFAULT;
            for (ulong page = 0; page < 1UL << inOrder; page++)
            {
                if (domain.P2m.Lookup(gfn + page).Type != P2mType.Ram)
                    return EINVAL;
            }
        }

        // The new block is one piece of the larger order; the domain may exceed its limit for the time of the exchange.
        if (!domain.Memory.TryTakeBeyondLimit(order, caller.Processor, out Mfn frame))
            return ENOMEM;
        PhysicalMemory memory = caller.Host.Memory;
        for (ulong i = 0; i < 1UL << order; i++)
        {
            memory.Clear(frame + i);
            domain.Memory.Assign(frame + i);
        }

        long result = 0;
        for (ulong i = 0; i < inCount; i++)
        {
            if (!TryReadExtent(caller, in exchange.In, (chunk * inCount) + i, out Gfn gfn))
                result = EFAULT;
            for (ulong page = 0; page < 1UL << inOrder && result == 0; page++)
                Physmap.RemovePage(domain, gfn + page, ref released);
        }

        for (ulong i = 0; i < outCount; i++)
        {
            bool isRead = TryReadExtent(caller, in exchange.Out, (chunk * outCount) + i, out Gfn gfn);
            if (!isRead)
                result = EFAULT;
            else if (!MapExtent(domain, gfn, frame + (i << outOrder), 1UL << outOrder))
                result = EINVAL;
            for (ulong page = 0; !isRead && page < 1UL << outOrder; page++)
                domain.Memory.NoteDisplaced(frame + ((i << outOrder) + page));
        }

        released.Drain();
        return result;
    }

    // What finds no place stays charged to the domain.
    private static bool MapExtent(Domain domain, Gfn first, Mfn frame, ulong count)
    {
        ulong done = 0;
        while (done < count && Physmap.AddPages(domain, first, frame, ref done, count, P2mType.Ram) == 0)
        {
        }

        bool isMapped = done == count;
        for (; done < count; done++)
            domain.Memory.NoteDisplaced(frame + done);
        return isMapped;
    }

    private static bool TryReadExtent(Vcpu caller, in MemoryReservation reservation, ulong index, out Gfn gfn)
    {
        gfn = default;
        if (!GuestAccess.TryIndex(reservation.ExtentStart, index, sizeof(ulong), out ulong slot)
            || !GuestAccess.TryRead(caller, slot, out ulong value))
            return false;
        gfn = new Gfn(value);
        return true;
    }
}
