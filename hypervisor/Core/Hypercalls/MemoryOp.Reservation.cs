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

    private const int ExtentCost = 10, PageCost = 12;

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
        ulong done = start;
        bool preempted = false;
        for (; done < reservation.ExtentCount; done++)
        {
            if (done != start && !caller.Continuation.Spend(ExtentCost))
            {
                preempted = true;
                break;
            }

            if (!AdjustExtent(caller, domain, operation, in reservation, done))
                break;
        }

        if (preempted)
            caller.Continuation.Request((ulong)operation | (done << ExtentShift), argument);
        return (long)done;
    }

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

    private static bool AdjustExtent(Vcpu caller, Domain domain, MemoryOperation operation, in MemoryReservation reservation, ulong index)
    {
        int order = (int)reservation.ExtentOrder;
        if (operation == MemoryOperation.IncreaseReservation)
            return IncreaseExtent(caller, domain, order);
        if (!GuestAccess.TryIndex(reservation.ExtentStart, index, sizeof(ulong), out ulong slot)
            || !GuestAccess.TryRead(caller, slot, out ulong gfn))
            return false;
        if (operation == MemoryOperation.DecreaseReservation)
            return DecreaseExtent(caller, domain, new Gfn(gfn), order);

        // Populate-on-demand is not offered, and nobody may ask it for himself.
        if ((reservation.MemoryFlags & (uint)MemoryFlags.PopulateOnDemand) != 0)
            return false;
        return PopulateExtent(caller, domain, new Gfn(gfn), order);
    }

    // Charged to the domain but mapped nowhere: a translated guest learns no machine frame.
    private static bool IncreaseExtent(Vcpu caller, Domain domain, int order)
    {
        caller.Continuation.Spend(1 << order);
        using SpinLock.Guard guard = domain.Lock.Enter(caller.Processor);
        return domain.Memory.TryAllocateGuest(order, caller.Processor, out _);
    }

    private static bool DecreaseExtent(Vcpu caller, Domain domain, Gfn first, int order)
    {
        Span<ulong> buffer = stackalloc ulong[ReleasedFrames.Capacity];
        var released = new ReleasedFrames(domain, caller.Processor, order == 0 ? buffer.Slice(0, 1) : buffer);
        bool complete = true;
        using (domain.Lock.Enter(caller.Processor))
        {
            for (ulong i = 0; i < 1UL << order && complete; i++)
                complete = Physmap.RemovePage(domain, first + i, ref released) == 0;
            released.Drain();
        }

        caller.Continuation.Spend(PageCost << order);
        return complete;
    }

    private static bool PopulateExtent(Vcpu caller, Domain domain, Gfn first, int order)
    {
        using SpinLock.Guard guard = domain.Lock.Enter(caller.Processor);
        caller.Continuation.Spend(PageCost << order);
        if (domain.IsDirectMapped)
            return PopulateOwnFrames(domain, first, order);
        if (!domain.Memory.TryAllocateGuest(order, caller.Processor, out Mfn frame))
            return false;
        PhysicalMemory memory = caller.Host.Memory;
        for (ulong i = 0; i < 1UL << order; i++)
            memory.Clear(frame + i);

        // When there is no room in the map the pages stay charged to the domain, as in Xen; nobody else can see them.
        bool added = Physmap.Add(domain, first, frame, order, P2mType.Ram) == 0;
        domain.P2m.Flush();
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

        return Physmap.Add(domain, first, new Mfn(first.Value), order, P2mType.Ram) == 0;
    }
}
