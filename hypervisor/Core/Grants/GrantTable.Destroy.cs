// SPDX-License-Identifier: MIT
// The end of a domain's grants: its mappings of others' pages are undone, and when nobody uses its own any more the tables are freed.

using System;
using XenSharp.Core.Hypercalls;
using XenSharp.Edge;

namespace XenSharp.Core.Grants;

public sealed partial class GrantTable
{
    // In work units, for a mapping and for a page that is freed.
    private const int UndoCost = 6, PageCost = 2;

    /// <summary>
    /// For a dying domain whose vCPUs do not run any more (gnttab_release_mappings of Xen): undoes its mappings, then frees what nobody uses.
    /// False: the budget is used up, call again. Takes the domain's lock.
    /// </summary>
    public bool Destroy(ref HypercallContinuation budget, Cpu caller)
    {
        using SpinLock.Guard guard = Domain.Lock.Enter(caller);
        Span<GrantUnmapping> batch = stackalloc GrantUnmapping[GrantUnmapping.BatchSize];
        while (Mappings.Count != 0)
        {
            int count = TakeMappings(batch);
            if (count == 0)
                _undone = 0; // some could not be removed
            CompleteUnmaps(batch.Slice(0, count), caller);
            if (!budget.Spend((count + 1) * UndoCost))
                return false;
        }

        while (Mappings.Shrink())
        {
            if (!budget.Spend(PageCost))
                return false;
        }

        using SpinLock.Guard ownGuard = Lock.Enter(caller);
        while (!IsInUse)
        {
            HideLastFrame();
            if (!ReleasePage())
                break;
            if (!budget.Spend(PageCost))
                return false;
        }

        return true;
    }

    /// <summary>Frees what is left, when nobody can see the domain any more.</summary>
    public void Release()
    {
        while (Mappings.Shrink() || ReleasePage())
        {
        }
    }

    // The next mappings from the end of the records; what lies behind them is free from then on.
    private int TakeMappings(Span<GrantUnmapping> batch)
    {
        int count = 0;
        for (; _undone < Mappings.Limit && count < batch.Length; _undone++)
        {
            ref GrantMapping mapping = ref Mappings[_undone];
            if (!mapping.IsMapped)
                continue;
            batch[count++] = new GrantUnmapping
            {
                Gfn = mapping.Gfn,
                Handle = _undone,
                Reference = mapping.Reference,
                Frame = (uint)Domain.P2m.Lookup(new Gfn(mapping.Gfn)).Frame.Value,
                Granter = mapping.Granter,
                State = mapping.State,
            };
            Mappings.Forget(ref mapping);
        }

        return count;
    }

    // What ReleasePage frees next is nowhere in the domain's physical address space.
    private void HideLastFrame()
    {
        bool isStatus = StatusFrameCount != 0;
        uint count = isStatus ? StatusFrameCount : FrameCount;
        ulong gfn = count == 0 ? Domains.Domain.NoFrame : Gfns(isStatus)[(int)count - 1];
        if (gfn == Domains.Domain.NoFrame)
            return;
        Domain.P2m.Remove(new Gfn(gfn));
        Domain.P2m.Flush();
        Gfns(isStatus)[(int)count - 1] = Domains.Domain.NoFrame;
    }

    // One page of the tables; false when there is none left.
    private bool ReleasePage()
    {
        if (StatusFrameCount != 0)
            Domain.Memory.Free(_status[(int)--StatusFrameCount]);
        else if (FrameCount != 0)
            Domain.Memory.Free(_shared[(int)--FrameCount]);
        else
            return _active.Shrink();
        return true;
    }
}
