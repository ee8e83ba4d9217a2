// SPDX-License-Identifier: MIT
// GNTTABOP_map_grant_ref and _unmap_grant_ref, called with the table of the domain that maps. As in Xen a translated domain names a
// guest frame, which shows the page from then on; nothing is there after the unmapping.

using System;
using XenSharp.Abi;
using XenSharp.Core.Domains;
using XenSharp.Edge;

namespace XenSharp.Core.Grants;

/// <summary>A mapping on its way out: taken from the mapper, not yet given back to the granter.</summary>
public struct GrantUnmapping
{
    public const int BatchSize = 32;

    public ulong Gfn;
    public uint Handle;
    public uint Reference;
    public uint Frame;
    public ushort Granter;
    public GrantMappingState State;
}

public sealed partial class GrantTable
{
    /// <summary>One mapping. Takes this domain's lock, and inside it the granter's table's.</summary>
    public GrantStatus Map(ref GrantTableMapGrantRef request, Cpu caller)
    {
        const GrantMapFlags notForTranslated = GrantMapFlags.DeviceMap | GrantMapFlags.ApplicationMap | GrantMapFlags.ContainsPte;
        if ((request.Flags & (GrantMapFlags.HostMap | GrantMapFlags.DeviceMap)) == 0)
            return GrantStatus.BadGrantRef;
        if ((request.Flags & notForTranslated) != 0)
            return GrantStatus.GeneralError;
        Domain? granter = Domain.Host.Domains.Find(request.Domain);
        if (granter == null)
            return GrantStatus.BadDomain;
        NoteSubject(granter, caller);
        GrantStatus status = Map(ref request, granter, caller, out PinnedPage page);
        if (status != GrantStatus.Again)
            return status;
        // The granter's lock is never taken inside one's own.
        granter.OnDemand.TryPopulate(new Gfn(page.Gfn), caller);
        status = Map(ref request, granter, caller, out page);
        return status == GrantStatus.Again ? GrantStatus.BadPage : status;
    }

    private GrantStatus Map(ref GrantTableMapGrantRef request, Domain granter, Cpu caller, out PinnedPage page)
    {
        page = default;
        using SpinLock.Guard guard = Domain.Lock.Enter(caller);
        if (Domain.IsDying)
            return GrantStatus.GeneralError;
        if (!Mappings.TryTake(out uint handle))
            return GrantStatus.NoSpace;
        GrantStatus status = Map(ref request, granter, handle, caller, out page);
        if (status != GrantStatus.Okay)
            Mappings.PutBack(handle);
        return status;
    }

    /// <summary>
    /// Takes a mapping from the guest's records, under this domain's lock; when the result is okay and <see cref="GrantUnmapping.State"/>
    /// is not free, <see cref="CompleteUnmaps"/> has to follow.
    /// </summary>
    public GrantStatus BeginUnmap(in GrantTableUnmapGrantRef request, ref GrantUnmapping unmapping)
    {
        unmapping.State = GrantMappingState.Free;
        if (request.Handle >= Mappings.Limit)
            return GrantStatus.BadHandle;
        ref GrantMapping mapping = ref Mappings[request.Handle];
        if (!mapping.IsMapped)
            return GrantStatus.BadHandle;
        if (request.HostAddress == 0)
            return GrantStatus.Okay;
        ulong gfn = request.HostAddress >> FrameSize.Shift;
        P2mEntry entry = gfn == mapping.Gfn ? Domain.P2m.Lookup(new Gfn(gfn)) : default;
        if (entry.Type is not (P2mType.GrantWritable or P2mType.GrantReadOnly))
            return GrantStatus.GeneralError;
        unmapping = new GrantUnmapping
        {
            Gfn = gfn,
            Handle = request.Handle,
            Reference = mapping.Reference,
            Frame = (uint)entry.Frame.Value,
            Granter = mapping.Granter,
            State = mapping.State,
        };
        Mappings.Forget(ref mapping);
        return GrantStatus.Okay;
    }

    /// <summary>Removes the mappings of a batch, flushes once, and lets go of the grants. Under this domain's lock.</summary>
    public void CompleteUnmaps(Span<GrantUnmapping> batch, Cpu caller)
    {
        bool any = false;
        foreach (ref GrantUnmapping unmapping in batch)
        {
            if (unmapping.State == GrantMappingState.Free)
                continue;
            // A grant's slot is a page of its own, so there is no table to be split; should it fail all the same, the mapping stays.
            if (Domain.P2m.Remove(new Gfn(unmapping.Gfn)))
            {
                any = true;
                continue;
            }

            Mappings.Restore(unmapping.Handle, unmapping.State);
            unmapping.State = GrantMappingState.Free;
        }

        if (!any)
            return;
        Domain.P2m.Flush();
        foreach (ref GrantUnmapping unmapping in batch)
        {
            if (unmapping.State == GrantMappingState.Free)
                continue;
            Mappings.PutBack(unmapping.Handle);
            GrantAccess access = unmapping.State == GrantMappingState.ReadOnly ? GrantAccess.Read : GrantAccess.Write;
            Domain granter = Domain.Host.Domains.Find(unmapping.Granter)!;
            NoteSubject(granter, caller);
            granter.Grants.Unpin(unmapping.Reference, access, new Mfn(unmapping.Frame), caller);
        }
    }

    // What the control domain does with a guest's grants is about that guest.
    private void NoteSubject(Domain granter, Cpu caller)
    {
        if (Domain.IsPrivileged)
            caller.Subject = granter;
    }

    private GrantStatus Map(ref GrantTableMapGrantRef request, Domain granter, uint handle, Processor caller, out PinnedPage page)
    {
        GrantAccess access = (request.Flags & GrantMapFlags.ReadOnly) != 0 ? GrantAccess.Read : GrantAccess.Write;
        GrantStatus status = granter.Grants.PinForMapping(request.Ref, Domain.Id, access, caller, out page);
        if (status != GrantStatus.Okay)
            return status;
        var gfn = new Gfn(request.HostAddress >> FrameSize.Shift);
        bool isPlain = (request.Flags & ~GrantMapFlags.ReadOnly) == GrantMapFlags.HostMap;
        if (!isPlain || !Place(gfn, page.Frame, access) || (granter == Domain && !HideOwnPage(gfn, in page)))
        {
            granter.Grants.Unpin(request.Ref, access, page.Frame, caller);
            return GrantStatus.GeneralError;
        }

        Mappings.Commit(handle, new GrantMapping
        {
            Reference = request.Ref,
            Granter = granter.Id,
            State = access == GrantAccess.Read ? GrantMappingState.ReadOnly : GrantMappingState.Writable,
            Gfn = gfn.Value,
        });
        request.Handle = handle;
        request.DeviceBusAddress = page.Frame.Address;
        return GrantStatus.Okay;
    }

    // Memory that the guest had there stays its own, unmapped, until its end. Neither grants, foreign pages nor devices are displaced.
    private bool Place(Gfn gfn, Mfn frame, GrantAccess access)
    {
        P2mType type = access == GrantAccess.Read ? P2mType.GrantReadOnly : P2mType.GrantWritable;
        return Physmap.Add(Domain, gfn, frame, type) == 0;
    }

    // A page of the domain's own appears at one place only: the grant's.
    private bool HideOwnPage(Gfn gfn, in PinnedPage page)
    {
        if (page.Gfn == Domain.NoFrame || page.Gfn == gfn.Value)
            return true;
        P2mEntry entry = Domain.P2m.Lookup(new Gfn(page.Gfn));
        if (entry.Type is not (P2mType.Ram or P2mType.RamReadOnly) || entry.Frame != page.Frame)
            return true;
        if (Domain.P2m.Remove(new Gfn(page.Gfn)))
        {
            Domain.P2m.Flush();
            if (!Domain.IsDirectMapped)
                Domain.Memory.NoteDisplaced(page.Frame);
            return true;
        }

        Domain.P2m.Remove(gfn);
        Domain.P2m.Flush();
        return false;
    }
}
