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

    private const int ExtentCost = 10, PageCost = 12, ClearCost = 6;

    internal static int MaxOrder(Domain caller) =>
        caller.IsPrivileged ? ControlMaxOrder : caller.IsHardware ? HardwareMaxOrder : GuestMaxOrder;

    private static long AdjustReservation(Vcpu caller, MemoryOperation operation, ulong argument, ulong start)
    {
        if (!GuestAccess.TryRead(caller, argument, out MemoryReservation reservation)
            || reservation.ExtentCount > MaxExtents
            || start >= reservation.ExtentCount)
            return (long)start;
        Domain? domain = DomainLookup.ByAnyId(caller.Domain, reservation.DomainId);
        if (domain == null
            || !AreFlagsValid(caller, reservation.MemoryFlags)
            || !DomainLookup.MayTarget(caller.Domain, domain)
            || reservation.ExtentOrder > (uint)MaxOrder(caller.Domain))
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
        if (!GuestAccess.TryIndex(reservation.ExtentStart, command >> ExtentShift, sizeof(ulong), out ulong slot)
            || !GuestAccess.TryRead(caller, slot, out ulong gfn))
            return ExtentResult.Stopped;
        if (operation == MemoryOperation.DecreaseReservation)
            return DecreaseExtent(caller, domain, new Gfn(gfn), order, command, argument);

        // Populate-on-demand is not offered, and nobody may ask it for himself.
        if ((reservation.MemoryFlags & (uint)MemoryFlags.PopulateOnDemand) != 0)
            return ExtentResult.Stopped;
        return PopulateExtent(caller, domain, new Gfn(gfn), order, command, argument);
    }

    // Charged to the domain but mapped nowhere: a translated guest learns no machine frame.
    private static bool IncreaseExtent(Vcpu caller, Domain domain, int order)
    {
        caller.Continuation.Spend(1 << order);
        using SpinLock.Guard guard = domain.Lock.Enter(caller.Processor);
        return domain.Memory.TryAllocateGuest(order, caller.Processor, out _);
    }

    private static ExtentResult DecreaseExtent(Vcpu caller, Domain domain, Gfn first, int order, ulong command, ulong argument)
    {
        Span<ulong> buffer = stackalloc ulong[ReleasedFrames.Capacity];
        ulong count = 1UL << order;
        ulong page = caller.Extent.Take(command, argument) ? caller.Extent.Pages : 0;
        while (page < count)
        {
            bool complete = true;
            ulong end = Math.Min(page + ReleasedFrames.Capacity, count);
            using (domain.Lock.Enter(caller.Processor))
            {
                var released = new ReleasedFrames(domain, caller.Processor, buffer.Slice(0, (int)(end - page)));
                for (; page < end && complete; page++)
                    complete = Physmap.RemovePage(domain, first + page, ref released) == 0;
                released.Drain();
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
        ulong count = 1UL << order;
        bool goesOn = caller.Extent.Take(command, argument);
        ulong page = goesOn ? caller.Extent.Pages : 0;
        Mfn frame = goesOn ? caller.Extent.Frame : Mfn.Invalid;
        if (domain.IsDirectMapped)
        {
            using SpinLock.Guard own = domain.Lock.Enter(caller.Processor);
            caller.Continuation.Spend(PageCost);
            return PopulateOwnFrames(domain, first, order) ? ExtentResult.Done : ExtentResult.Stopped;
        }

        if (!goesOn)
        {
            using SpinLock.Guard allocating = domain.Lock.Enter(caller.Processor);
            if (!domain.Memory.TryAllocateGuest(order, caller.Processor, out frame))
                return ExtentResult.Stopped;
        }

        // The block is the domain's already, but nobody can see it before it is empty.
        PhysicalMemory memory = caller.Host.Memory;
        for (; page < count; page++)
        {
            memory.Clear(frame + page);
            if (!caller.Continuation.Spend(ClearCost) && page + 1 < count)
            {
                caller.Extent.Note(command, argument, page + 1, frame);
                return ExtentResult.Preempted;
            }
        }

        // When there is no room in the map the pages stay charged to the domain, as in Xen; nobody else can see them.
        using SpinLock.Guard guard = domain.Lock.Enter(caller.Processor);
        caller.Continuation.Spend(PageCost);
        bool added = Physmap.Add(domain, first, frame, order, P2mType.Ram) == 0;
        domain.P2m.Flush();
        return added ? ExtentResult.Done : ExtentResult.Stopped;
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

        return Physmap.Add(domain, first, new Mfn(first.Value), order, P2mType.Ram) == 0;
    }
}
