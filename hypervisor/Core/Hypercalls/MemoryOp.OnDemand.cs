// SPDX-License-Identifier: MIT
// XENMEM_set_pod_target, XENMEM_get_pod_target, and XENMEM_populate_physmap with XENMEMF_populate_on_demand.

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
    /// <summary>MAX_ORDER of x86.</summary>
    private const int OnDemandMaxOrder = 20;

    private static long PopulateOnDemandTarget(Vcpu caller, MemoryOperation operation, ulong argument)
    {
        if (!GuestLayout.TryRead(caller, argument, GuestLayout.PopulateOnDemandTarget, out PopulateOnDemandTarget target))
            return EFAULT;
        long error = DomainLookup.Target(caller, target.DomainId, out Domain domain);
        if (error != 0)
            return error;
        if (!caller.Domain.IsPrivileged)
            return EPERM;
        if (operation == MemoryOperation.SetPopulateOnDemandTarget)
        {
            if (target.TargetPages > domain.Memory.MaxPages)
                return EINVAL;
            long result = SetTarget(caller, domain, target.TargetPages);
            if (result != 0)
                return result;
            if (caller.Continuation.Budget <= 0)
            {
                caller.Continuation.Request((ulong)operation, argument);
                return 0;
            }
        }

        using (domain.Lock.Enter(caller.Processor))
        {
            target.TotalPages = domain.Memory.Pages;
            target.PopulateOnDemandCachePages = domain.OnDemand.Kept;
            target.PopulateOnDemandEntries = domain.OnDemand.Entries;
        }

        return GuestLayout.TryWrite(caller, argument, GuestLayout.PopulateOnDemandTarget, in target) ? 0 : EFAULT;
    }

    // Until the target is reached or the budget is used up.
    private static long SetTarget(Vcpu caller, Domain domain, ulong pages)
    {
        const int pagesAtOnce = 8;
        while (true)
        {
            using (domain.Lock.Enter(caller.Processor))
            {
                ulong wanted = domain.OnDemand.Aim(pages);
                if (wanted == domain.OnDemand.Kept)
                    return 0;
                if (!domain.OnDemand.TryStep(wanted, caller.Processor))
                    return ENOMEM;
            }

            if (!caller.Continuation.Spend(ClearCost * pagesAtOnce))
                return 0;
        }
    }

    // Nobody may ask it for himself. In the largest pieces that fit; what is there already is refused.
    private static ExtentResult MarkExtent(Vcpu caller, Domain domain, Gfn first, int order, ulong command, ulong argument)
    {
        const int large = 9, huge = 18;
        if (domain == caller.Domain)
            return ExtentResult.Stopped;
        ulong count = 1UL << order;
        if (first.Value >= domain.P2m.FrameLimit || count > domain.P2m.FrameLimit - first.Value)
            return ExtentResult.Stopped;
        ulong page = caller.Extent.Take(command, argument) ? caller.Extent.Pages : 0;
        while (page < count)
        {
            ulong at = first.Value + page;
            int piece = IsPiece(at, count - page, huge) ? huge : IsPiece(at, count - page, large) ? large : 0;
            using (domain.Lock.Enter(caller.Processor))
            {
                if (!TryMark(domain, new Gfn(at), piece))
                    return ExtentResult.Stopped;
            }

            page += 1UL << piece;
            if (!caller.Continuation.Spend(PageCost) && page < count)
            {
                caller.Extent.Note(command, argument, page, Mfn.Invalid);
                return ExtentResult.Preempted;
            }
        }

        return ExtentResult.Done;
    }

    private static bool IsPiece(ulong at, ulong left, int order) => left >> order != 0 && (at & ((1UL << order) - 1)) == 0;

    private static bool TryMark(Domain domain, Gfn start, int order)
    {
        const int tries = 512;
        if (domain.IsDying)
            return false;
        ulong count = 1UL << order, already = 0;
        int looks = 0;
        for (ulong i = 0; i < count;)
        {
            P2mEntry entry = domain.P2m.Lookup(start + i);
            if (entry.IsPresent || ++looks > tries)
                return false;
            ulong step = Math.Min(1UL << entry.Order, count - i);
            already += entry.Type == P2mType.OnDemand ? step : 0;
            i += step;
        }

        if (!domain.P2m.SetOnDemand(start, order))
            return false;
        domain.OnDemand.NoteMarked(count - already);
        domain.HighestGfn = Math.Max(domain.HighestGfn, start.Value + count);
        return true;
    }
}
