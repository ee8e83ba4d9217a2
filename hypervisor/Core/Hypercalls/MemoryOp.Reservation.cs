// SPDX-License-Identifier: MIT
// XENMEM_increase_reservation, _decrease_reservation, _populate_physmap: a domain's amount of memory.

using System;
using XenSharp.Abi;
using XenSharp.Core.Domains;
using XenSharp.Core.Memory;
using XenSharp.Core.Vcpus;
using XenSharp.Edge;
using static XenSharp.Core.Hypercalls.HypercallError;

namespace XenSharp.Core.Hypercalls;

/// <summary>These three return the number of extents done, never an error: what stops them stops the list there.</summary>
public static partial class MemoryOp
{
    // memop-max-order= defaults of x86: 2 MiB for guests, 16 MiB for the hardware domain, 1 GiB for the control domain.
    private const int GuestMaxOrder = 9, HardwareMaxOrder = 12, ControlMaxOrder = 18;
    private const uint AddressBitsMask = 0xff, NodeShift = 8, NodeMask = 0xff;
    private const uint MaxNodes = 64;

    private const ulong LargeMask = (1 << 9) - 1;
    private const int ExtentCost = 10, PageCost = 12, ClearCost = 9;

    internal static int MaxOrder(Domain caller) =>
        caller.IsPrivileged ? ControlMaxOrder : caller.IsHardware ? HardwareMaxOrder : GuestMaxOrder;

    private static long AdjustReservation(Vcpu caller, MemoryOperation operation, ulong argument, ulong start)
    {
        if (!GuestLayout.TryRead(caller, argument, GuestLayout.MemoryReservation, out MemoryReservation reservation)
            || reservation.ExtentCount > MaxExtents
            || start >= reservation.ExtentCount)
            return (long)start;
        Domain? domain = DomainLookup.ByAnyId(caller.Domain, reservation.DomainId);
        bool isOnDemand = operation == MemoryOperation.PopulatePhysmap && (reservation.MemoryFlags & (uint)MemoryFlags.PopulateOnDemand) != 0;
        if (domain == null
            || !AreFlagsValid(caller, reservation.MemoryFlags)
            || !DomainLookup.TryTarget(caller, domain)
            || reservation.ExtentOrder > (uint)(isOnDemand ? OnDemandMaxOrder : MaxOrder(caller.Domain)))
            return (long)start;
        for (ulong done = start; ; done++)
        {
            ulong command = (ulong)operation | (done << ExtentShift);
            if (done == reservation.ExtentCount)
                return (long)done;
            ExtentResult result = done != start && !caller.Continuation.Spend(ExtentCost)
                ? ExtentResult.Preempted
                : AdjustExtent(caller, domain, operation, in reservation, command, argument);
            if (result == ExtentResult.Done)
                continue;
            if (result == ExtentResult.Preempted)
                caller.Continuation.Request(command, argument);
            return (long)done;
        }
    }

    private enum ExtentResult { Done, Stopped, Preempted }

    // Address bits below the page size, and nodes that cannot exist, are refused; there is one node, so the rest is satisfied.
    private static bool AreFlagsValid(Vcpu caller, uint flags)
    {
        uint bits = flags & AddressBitsMask;
        if (bits != 0 && bits <= FrameSize.Shift)
            return false;
        uint node = ((flags >> (int)NodeShift) - 1) & NodeMask;
        if ((flags & (uint)MemoryFlags.VNode) != 0 || node == NodeMask)
            return true;
        bool exact = (flags & (uint)MemoryFlags.ExactNodeRequest) != 0;
        return caller.Domain.IsPrivileged || caller.Domain.IsHardware
            ? node < MaxNodes && (node == 0 || !exact)
            : !exact;
    }

    private static ExtentResult AdjustExtent(
        Vcpu caller, Domain domain, MemoryOperation operation, in MemoryReservation reservation, ulong command, ulong argument)
    {
        int order = (int)reservation.ExtentOrder;
        if (operation == MemoryOperation.IncreaseReservation)
            return IncreaseExtent(caller, domain, order) ? ExtentResult.Done : ExtentResult.Stopped;
        if (!GuestLayout.TryReadWord(caller, reservation.ExtentStart, command >> ExtentShift, out ulong gfn))
            return ExtentResult.Stopped;
        if (operation == MemoryOperation.DecreaseReservation)
            return DecreaseExtent(caller, domain, new Gfn(gfn), order, command, argument);

        if ((reservation.MemoryFlags & (uint)MemoryFlags.PopulateOnDemand) != 0)
            return MarkExtent(caller, domain, new Gfn(gfn), order, command, argument);
        return PopulateExtent(caller, domain, new Gfn(gfn), order, command, argument);
    }

    // Charged to the domain but mapped nowhere: a translated guest learns no machine frame.
    private static bool IncreaseExtent(Vcpu caller, Domain domain, int order)
    {
        using SpinLock.Guard guard = domain.Lock.Enter(caller.Processor);
        if (!domain.Memory.TryTakeBlock(order, caller.Processor, out Mfn frame))
            return false;
        domain.Memory.KeepRun(frame, 1UL << order);
        return true;
    }

    private static ExtentResult DecreaseExtent(Vcpu caller, Domain domain, Gfn first, int order, ulong command, ulong argument)
    {
        ulong count = 1UL << order;
        Span<ulong> buffer = stackalloc ulong[(int)Math.Min(count, ReleasedFrames.Capacity)];
        ulong page = caller.Extent.Take(command, argument) ? caller.Extent.Pages : 0;
        while (page < count)
        {
            bool complete = true;
            ulong end = Math.Min(page + ReleasedFrames.Capacity, count);
            using (domain.Lock.Enter(caller.Processor))
            {
                var released = new ReleasedFrames(domain, caller.Processor, buffer.Slice(0, (int)(end - page))) { MayKeep = true };
                for (; page < end && complete; page++)
                    complete = Physmap.RemovePage(domain, first + page, ref released) == 0;
                released.Drain();
                domain.OnDemand.Trim(2 * ReleasedFrames.Capacity, caller.Processor);
            }

            if (!complete)
                return ExtentResult.Stopped;
            if (!caller.Continuation.Spend(PageCost * (order == 0 ? 1 : ReleasedFrames.Capacity)) && page < count)
            {
                caller.Extent.Note(command, argument, page, Mfn.Invalid);
                return ExtentResult.Preempted;
            }
        }

        return ExtentResult.Done;
    }

    private static ExtentResult PopulateExtent(Vcpu caller, Domain domain, Gfn first, int order, ulong command, ulong argument)
    {
        if (domain.IsDirectMapped)
        {
            using SpinLock.Guard own = domain.Lock.Enter(caller.Processor);
            caller.Continuation.Spend(PageCost << order);
            return PopulateOwnFrames(domain, first, order) ? ExtentResult.Done : ExtentResult.Stopped;
        }

        return order == 0 ? PopulatePage(caller, domain, first) : PopulateBlock(caller, domain, first, order, command, argument);
    }

    // One page in one piece. When there is no room in the map it stays charged to the domain, as in Xen.
    private static ExtentResult PopulatePage(Vcpu caller, Domain domain, Gfn guestFrame)
    {
        using SpinLock.Guard guard = domain.Lock.Enter(caller.Processor);
        caller.Continuation.Spend(PageCost + ClearCost);
        if (!domain.Memory.TryTakeBlock(0, caller.Processor, out Mfn frame))
            return ExtentResult.Stopped;
        caller.Host.Memory.Clear(frame);
        domain.Memory.Assign(frame);
        if (Physmap.Add(domain, guestFrame, frame, P2mType.Ram) == 0)
            return ExtentResult.Done;
        domain.Memory.NoteDisplaced(frame);
        return ExtentResult.Stopped;
    }

    // First the block is made empty, then it is mapped; progress counts a page in each of the two. In between, the block is a run that the
    // domain keeps, so that it is found at the domain's end whether or not this operation ever goes on; who goes on finds it by that.
    private static ExtentResult PopulateBlock(Vcpu caller, Domain domain, Gfn first, int order, ulong command, ulong argument)
    {
        ulong count = 1UL << order;
        ulong done = 0;
        Mfn frame;
        if (caller.Extent.Take(command, argument))
        {
            done = caller.Extent.Pages;
            frame = caller.Extent.Frame;
        }
        else
        {
            using SpinLock.Guard allocating = domain.Lock.Enter(caller.Processor);
            if (!domain.Memory.TryTakeBlock(order, caller.Processor, out frame))
                return ExtentResult.Stopped;
            domain.Memory.KeepRun(frame, count);
        }

        while (done < 2 * count)
        {
            bool goesOn = done < count
                ? ClearSome(caller, domain, frame, count, ref done)
                : MapSome(caller, domain, first, frame, count, ref done);
            if (!goesOn)
                return ExtentResult.Stopped;
            if (caller.Continuation.Budget <= 0 && done < 2 * count)
            {
                caller.Extent.Note(command, argument, done, frame);
                return ExtentResult.Preempted;
            }
        }

        return ExtentResult.Done;
    }

    // Under the lock: a run that the domain keeps is in nobody's sight and is not given back meanwhile.
    private static bool ClearSome(Vcpu caller, Domain domain, Mfn frame, ulong count, ref ulong done)
    {
        const ulong AtOnce = 8;
        using SpinLock.Guard guard = domain.Lock.Enter(caller.Processor);
        if (domain.IsDying || !domain.Memory.KeepsRun(frame, count))
            return false;
        ulong end = Math.Min(done + AtOnce, count);
        caller.Continuation.Spend(ClearCost * (int)(end - done));
        for (; done < end; done++)
        {
            caller.Host.Memory.Clear(frame + done);
            if (done != 0)
                domain.Memory.Assign(frame + done);
        }

        return true;
    }

    private static bool MapSome(Vcpu caller, Domain domain, Gfn first, Mfn frame, ulong count, ref ulong done)
    {
        using SpinLock.Guard guard = domain.Lock.Enter(caller.Processor);
        ulong mapped = done - count;
        if (domain.IsDying || !domain.Memory.TryTakeRun(frame + mapped, count - mapped))
            return false;
        domain.Memory.Assign(frame + mapped);
        ulong before = mapped;
        bool added = Physmap.AddPages(domain, first, frame, ref mapped, count, P2mType.Ram) == 0;
        domain.Memory.KeepRun(frame + mapped, count - mapped);
        caller.Continuation.Spend(((mapped - before) & LargeMask) == 0 ? PageCost : (int)(mapped - before));
        done = count + mapped;
        return added;
    }

    // A direct-mapped domain gets back the frame of the same number, which it has kept all the time.
    private static bool PopulateOwnFrames(Domain domain, Gfn first, int order)
    {
        FrameTable frames = domain.Host.Frames;
        for (ulong i = 0; i < 1UL << order; i++)
        {
            var frame = new Mfn(first.Value + i);
            if (frame.Value >= frames.FrameLimit || frames[frame].State != FrameState.Domain || frames[frame].Owner != domain.Id)
                return false;
        }

        for (ulong done = 0; done < 1UL << order;)
        {
            if (Physmap.AddPages(domain, first, new Mfn(first.Value), ref done, 1UL << order, P2mType.Ram) != 0)
                return false;
        }

        return true;
    }
}
