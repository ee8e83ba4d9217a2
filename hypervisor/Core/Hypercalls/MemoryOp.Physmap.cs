// SPDX-License-Identifier: MIT
// XENMEM_add_to_physmap, _add_to_physmap_batch, _remove_from_physmap: which page appears at which guest frame.

using System;
using XenSharp.Abi;
using XenSharp.Core.Domains;
using XenSharp.Core.Grants;
using XenSharp.Core.Memory;
using XenSharp.Core.Vcpus;
using XenSharp.Edge;
using static XenSharp.Core.Hypercalls.HypercallError;

namespace XenSharp.Core.Hypercalls;

public static partial class MemoryOp
{
    private static long AddToPhysmap(Vcpu caller, ulong argument, ulong start)
    {
        if (start > ushort.MaxValue)
            return EDOM;
        if (!GuestLayout.TryRead(caller, argument, GuestLayout.AddToPhysmap, out AddToPhysmap request))
            return EFAULT;
        if (request.Space == MapSpace.GmfnForeign)
            return ENOSYS; // only the batched form can name the other domain
        Domain? domain = DomainLookup.ByAnyId(caller.Domain, request.DomainId);
        if (domain == null)
            return ESRCH;
        long result = CheckMapPermission(caller, domain, request.Space);
        if (result != 0)
            return result;
        if (request.Gpfn == ulong.MaxValue)
            return EINVAL;
        if (request.Space != MapSpace.GmfnRange)
            return AddOne(caller, domain, request.Space, request.Index, request.Gpfn);
        if (request.Size < start)
            return EILSEQ;
        if (request.Gpfn + request.Size < request.Gpfn || request.Index + request.Size < request.Index)
            return EOVERFLOW;
        for (ulong done = start; done < request.Size;)
        {
            result = AddOne(caller, domain, MapSpace.Gmfn, request.Index + done, request.Gpfn + done);
            if (result < 0)
                return result;
            done++;
            if (done < request.Size && !caller.Continuation.Spend(ExtentCost))
            {
                caller.Continuation.Request((ulong)MemoryOperation.AddToPhysmap | (done << ExtentShift), argument);
                return 0;
            }
        }

        return 0;
    }

    private static long AddToPhysmapBatch(Vcpu caller, ulong argument, ulong start)
    {
        if (start > ushort.MaxValue)
            return EDOM;
        if (!GuestLayout.TryRead(caller, argument, GuestLayout.AddToPhysmapBatch, out AddToPhysmapBatch batch))
            return EFAULT;
        var space = (MapSpace)batch.Space;
        if (space == MapSpace.GmfnRange)
            return EOPNOTSUPP;
        Domain? domain = DomainLookup.ByAnyId(caller.Domain, batch.DomainId);
        if (domain == null)
            return ESRCH;
        long result = CheckMapPermission(caller, domain, space);
        if (result != 0)
            return result;
        if (batch.Size < start)
            return EILSEQ;
        if (batch.Size == start)
            return start != 0 ? EILSEQ : 0;
        if (space == MapSpace.DeviceMmio && batch.ForeignDomainId != 0)
            return EOPNOTSUPP;
        Span<ulong> buffer = stackalloc ulong[ReleasedFrames.Capacity];
        var released = new ReleasedFrames(domain, caller.Processor, buffer);
        result = AddBatch(caller, domain, in batch, argument, start, ref released);
        released.Drain();
        return result;
    }

    // What the batch displaces is given back after one flush at its end (or at that of this part of it).
    private static long AddBatch(Vcpu caller, Domain domain, in AddToPhysmapBatch batch, ulong argument, ulong start, ref ReleasedFrames released)
    {
        for (ulong done = start; done < batch.Size;)
        {
            if (!GuestLayout.TryReadWord(caller, batch.Indexes, done, out ulong index) || !GuestLayout.TryReadWord(caller, batch.Gpfns, done, out ulong gpfn))
                return EFAULT;
            if (gpfn == ulong.MaxValue)
                return EINVAL;
            int error = (int)AddOne(caller, domain, (MapSpace)batch.Space, batch.ForeignDomainId, index, gpfn, ref released);
            if (!GuestAccess.TryIndex(batch.Errors, done, sizeof(int), out ulong slot) || !GuestAccess.TryWrite(caller, slot, in error))
                return EFAULT;
            done++;
            if (done < batch.Size && !caller.Continuation.Spend(ExtentCost + PageCost))
            {
                caller.Continuation.Request((ulong)MemoryOperation.AddToPhysmapBatch | (done << ExtentShift), argument);
                return 0;
            }
        }

        return 0;
    }

    private static long RemoveFromPhysmap(Vcpu caller, ulong argument)
    {
        if (!GuestLayout.TryRead(caller, argument, GuestLayout.RemoveFromPhysmap, out RemoveFromPhysmap request))
            return EFAULT;
        long error = DomainLookup.Target(caller, request.DomainId, out Domain domain);
        if (error != 0)
            return error;
        Span<ulong> buffer = stackalloc ulong[1];
        var released = new ReleasedFrames(domain, caller.Processor, buffer);
        using SpinLock.Guard guard = domain.Lock.Enter(caller.Processor);
        var gfn = new Gfn(request.Gpfn);
        if (request.Gpfn >= domain.P2m.FrameLimit)
            return ENOENT;
        P2mEntry entry = domain.OnDemand.Lookup(gfn, caller.Processor);
        switch (entry.Type)
        {
            case P2mType.Ram:
            case P2mType.RamReadOnly:
                // The page leaves the map and stays the domain's: only decrease_reservation gives memory up.
                if (!domain.P2m.Remove(gfn))
                    return ENOMEM;
                if (!domain.IsDirectMapped)
                    domain.Memory.NoteDisplaced(entry.Frame);
                return Flushed(domain);
            case P2mType.Shared:
                return Physmap.Unhook(domain, gfn) == 0 ? Flushed(domain) : ENOMEM;
            case P2mType.Foreign:
                if (!domain.P2m.Remove(gfn))
                    return ENOMEM;
                released.Add(entry.Frame);
                return 0;
            default:
                return ENOENT;
        }
    }

    private static long CheckMapPermission(Vcpu caller, Domain domain, MapSpace space)
    {
        if (space == MapSpace.DeviceMmio && (!domain.IsHardware || domain != caller.Domain))
            return EACCES;
        return DomainLookup.TryTarget(caller, domain) ? 0 : EPERM;
    }

    private static long AddOne(Vcpu caller, Domain domain, MapSpace space, ulong index, ulong gpfn)
    {
        Span<ulong> buffer = stackalloc ulong[2];
        var released = new ReleasedFrames(domain, caller.Processor, buffer);
        long result = AddOne(caller, domain, space, DomainIds.Invalid, index, gpfn, ref released);
        released.Drain();
        return result;
    }

    private static long AddOne(
        Vcpu caller, Domain domain, MapSpace space, ushort foreignDomain, ulong index, ulong gpfn, ref ReleasedFrames released)
    {
        if (space == MapSpace.GmfnForeign)
            return MapForeign(caller, domain, foreignDomain, index, gpfn, ref released);
        using SpinLock.Guard guard = domain.Lock.Enter(caller.Processor);
        return domain.IsDying ? EINVAL : AddLocked(caller, domain, space, index, gpfn, ref released);
    }

    private static long AddLocked(Vcpu caller, Domain domain, MapSpace space, ulong index, ulong gpfn, ref ReleasedFrames released)
    {
        if (gpfn >= domain.P2m.FrameLimit)
            return ENOENT;
        switch (space)
        {
            case MapSpace.SharedInfo:
                if (index != 0)
                    return EINVAL;
                return MapShared(domain, domain.SharedInfo, domain.SharedInfoGfn, gpfn, ref released, out _) is var mapped && mapped == 0
                    ? Remember(domain, gpfn)
                    : mapped;
            case MapSpace.GrantTable:
                return MapGrantFrame(caller, domain, index, gpfn, ref released);
            case MapSpace.Gmfn:
                return MoveOwnPage(domain, index, gpfn, caller.Processor, ref released);
            default:
                return EINVAL;
        }
    }

    private static long Remember(Domain domain, ulong gpfn)
    {
        domain.SharedInfoGfn = gpfn;
        return 0;
    }

    private static long MapGrantFrame(Vcpu caller, Domain domain, ulong index, ulong gpfn, ref ReleasedFrames released)
    {
        long result = domain.Grants.FrameForMapping(index, caller.Processor, out GrantFrame frame);
        if (result != 0)
            return result;
        result = MapShared(domain, frame.Frame, frame.Gfn, gpfn, ref released, out bool moved);
        if (result == 0 && moved)
            domain.Grants.NoteMapping(index, gpfn);
        return result;
    }

    // Puts a page of the hypervisor's at a guest frame; it appears at one place only, and displaces what was there.
    private static long MapShared(Domain domain, Mfn frame, ulong oldGfn, ulong gpfn, ref ReleasedFrames released, out bool moved)
    {
        moved = false;
        P2mEntry previous = domain.P2m.Lookup(new Gfn(gpfn));
        if (previous.Type == P2mType.Direct)
            return EPERM;
        if (previous.IsPresent && previous.Frame != frame)
        {
            long result = Physmap.Displace(domain, new Gfn(gpfn), ref released);
            if (result != 0)
                return result;
        }

        if (oldGfn != Domain.NoFrame && oldGfn != gpfn)
        {
            if (!domain.P2m.Remove(new Gfn(oldGfn)))
                return ENOMEM;
            domain.P2m.Flush();
        }

        moved = true;
        return Physmap.Add(domain, new Gfn(gpfn), frame, P2mType.Shared);
    }

    // XENMAPSPACE_gmfn: moves a page of the domain's own, or one of the hypervisor's that it sees, from one frame to another.
    private static long MoveOwnPage(Domain domain, ulong from, ulong to, Cpu caller, ref ReleasedFrames released)
    {
        if (from >= domain.P2m.FrameLimit)
            return EINVAL;
        P2mEntry source = domain.OnDemand.Lookup(new Gfn(from), caller);
        if (source.Type is not (P2mType.Ram or P2mType.Shared))
            return EINVAL;
        P2mEntry previous = domain.P2m.Lookup(new Gfn(to));
        if (previous.Type == P2mType.Direct)
            return EPERM;
        if (from == to)
            return 0;
        long result = Physmap.Displace(domain, new Gfn(to), ref released);
        if (result != 0)
            return result;
        if (!domain.P2m.Remove(new Gfn(from)))
            return ENOMEM;
        domain.P2m.Flush();
        result = Physmap.Add(domain, new Gfn(to), source.Frame, source.Type);
        if (source.Type == P2mType.Shared)
            Physmap.NoteMoved(domain, new Gfn(from), new Gfn(to));
        else if (result != 0 && !domain.IsDirectMapped)
            domain.Memory.NoteDisplaced(source.Frame);
        return result;
    }

    // XENMAPSPACE_gmfn_foreign: only into the hardware domain, whose end is the machine's. What was there goes first, as in Xen even when the
    // new page is the same; foreign memory does not go this way.
    private static long MapForeign(Vcpu caller, Domain domain, ushort foreignDomain, ulong index, ulong gpfn, ref ReleasedFrames released)
    {
        if (!domain.IsHardware)
            return EPERM;
        if (foreignDomain == DomainIds.Xen)
            return EINVAL; // no page of the hypervisor's own is shown this way
        long result = DomainLookup.Remote(caller.Domain, foreignDomain, out Domain? other);
        if (result != 0)
            return result;
        if (other == domain)
            return EINVAL;
        if (!DomainLookup.TryTarget(caller, other!))
            return EPERM;
        if (!TryTakeForeign(caller, other!, index, out Mfn frame))
            return EINVAL;
        using (domain.Lock.Enter(caller.Processor))
        {
            result = gpfn >= domain.P2m.FrameLimit ? ENOENT : Physmap.Displace(domain, new Gfn(gpfn), ref released);
            if (result == 0)
                result = Physmap.Add(domain, new Gfn(gpfn), frame, P2mType.Foreign);
        }

        if (result != 0)
            FrameReferences.Drop(caller.Host, frame, caller.Processor);
        return result;
    }

    // The frame behind a guest frame of another domain, with a reference: its memory, or a page of the hypervisor's that it has mapped itself.
    private static bool TryTakeForeign(Vcpu caller, Domain other, ulong index, out Mfn frame)
    {
        frame = Mfn.Invalid;
        if (index >= other.P2m.FrameLimit)
            return false;
        using SpinLock.Guard guard = other.Lock.Enter(caller.Processor);
        P2mEntry source = other.OnDemand.Lookup(new Gfn(index), caller.Processor);
        frame = source.Frame;
        return source.Type switch
        {
            P2mType.Ram or P2mType.RamReadOnly => FrameReferences.TryTake(caller.Host, frame, other.Id),
            P2mType.Shared => FrameReferences.TryTakeShared(caller.Host, frame, other.Id),
            _ => false,
        };
    }

    private static long Flushed(Domain domain)
    {
        domain.P2m.Flush();
        return 0;
    }
}
