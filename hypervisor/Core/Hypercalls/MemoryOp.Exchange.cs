// SPDX-License-Identifier: MIT
// XENMEM_exchange: pages for other pages. Xen has it for paravirtualised guests only, and checks everything else first.

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
        if (!GuestLayout.TryRead(caller, argument, GuestLayout.MemoryExchange, out MemoryExchange exchange))
            return EFAULT;
        if (caller.IsNarrow && !FitsNarrow(in exchange))
            return EINVAL;
        long result = CheckExchange(caller, in exchange, out Domain? domain);
        if (result != 0)
            return FinishExchange(caller, argument, exchange.ExchangedCount, result);
        if (exchange.ExchangedCount == exchange.In.ExtentCount)
            return 0;

        // The first page that would be taken decides: none has an exchange.
        if (!GuestLayout.TryReadWord(caller, exchange.In.ExtentStart, exchange.ExchangedCount, out ulong gfn))
            return FinishExchange(caller, argument, exchange.ExchangedCount, EFAULT);
        bool isMemory;
        using (domain!.Lock.Enter(caller.Processor))
            isMemory = gfn < domain.P2m.FrameLimit && domain.P2m.Lookup(new Gfn(gfn)).Type is not (P2mType.None or P2mType.Direct);
        return FinishExchange(caller, argument, exchange.ExchangedCount, isMemory ? EOPNOTSUPP : EINVAL);
    }

    // For 32-bit callers, before all else: lists of at most 32 bits of pages, of equal size.
    private static bool FitsNarrow(in MemoryExchange exchange)
    {
        int inOrder = (int)exchange.In.ExtentOrder, outOrder = (int)exchange.Out.ExtentOrder;
        uint inCount = (uint)exchange.In.ExtentCount, outCount = (uint)exchange.Out.ExtentCount;
        int delta = outOrder - inOrder;
        return exchange.ExchangedCount <= inCount
            && (delta <= 0 || ((uint)exchange.ExchangedCount & ((1u << delta) - 1)) == 0)
            && uint.MaxValue >> inOrder >= inCount
            && uint.MaxValue >> outOrder >= outCount
            && inCount << inOrder == outCount << outOrder;
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
        return DomainLookup.Target(caller, exchange.In.DomainId, out domain);
    }

    private static long FinishExchange(Vcpu caller, ulong argument, ulong exchanged, long result)
    {
        // The 32-bit form has its count written only when something was exchanged.
        if (caller.IsNarrow || GuestAccess.TryWrite(caller, argument + ExchangedCountOffset, in exchanged))
            return result;
        caller.Continuation.IsRequested = false;
        return EFAULT;
    }
}
