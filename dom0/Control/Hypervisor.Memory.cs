// SPDX-License-Identifier: MIT
// Memory of domains. xen/include/public/memory.h, and the paging pool of domctl.h.

using System;
using System.Collections.Generic;
using XenSharp.Abi;
using XenSharp.Interop;

namespace XenSharp.Control;

public sealed partial class Hypervisor
{
    /// <summary>XENMEM_populate_physmap: gives memory at guest frames; how many extents there was memory for.</summary>
    /// <param name="frames">The first guest frame of each extent.</param>
    /// <param name="order">Extents of 2^order pages.</param>
    /// <param name="flags">XENMEMF_*.</param>
    public int TryPopulate(ushort domain, ReadOnlySpan<ulong> frames, uint order, MemoryFlags flags = 0)
    {
        using HypercallBuffer list = Gate.RentCopy(frames);
        return (int)Reserve(MemoryOperation.PopulatePhysmap, domain, list, frames.Length, order, flags, "XENMEM_populate_physmap");
    }

    /// <summary>As <see cref="TryPopulate"/>, all or an exception.</summary>
    public void Populate(ushort domain, ReadOnlySpan<ulong> frames, uint order, MemoryFlags flags = 0)
    {
        if (TryPopulate(domain, frames, order, flags) != frames.Length)
            throw new HypercallException("XENMEM_populate_physmap", domain, Errno.NoMem);
    }

    /// <summary>XENMEM_decrease_reservation: takes memory away from guest frames; how many extents.</summary>
    public int Decrease(ushort domain, ReadOnlySpan<ulong> frames, uint order)
    {
        using HypercallBuffer list = Gate.RentCopy(frames);
        return (int)Reserve(MemoryOperation.DecreaseReservation, domain, list, frames.Length, order, 0, "XENMEM_decrease_reservation");
    }

    /// <summary>XENMEM_claim_pages: keeps free memory for a domain that is being built; 0 gives the rest back.</summary>
    public void ClaimPages(ushort domain, ulong pages)
    {
        MemoryReservation argument = new() { ExtentCount = pages, DomainId = domain };
        MemoryCall(MemoryOperation.ClaimPages, domain, ref argument, "XENMEM_claim_pages");
    }

    /// <summary>XENMEM_add_to_physmap.</summary>
    public void AddToPhysmap(ushort domain, MapSpace space, ulong index, ulong frame)
    {
        AddToPhysmap argument = new() { DomainId = domain, Space = space, Index = index, Gpfn = frame };
        MemoryCall(MemoryOperation.AddToPhysmap, domain, ref argument, "XENMEM_add_to_physmap");
    }

    public void RemoveFromPhysmap(ushort domain, ulong frame)
    {
        RemoveFromPhysmap argument = new() { DomainId = domain, Gpfn = frame };
        MemoryCall(MemoryOperation.RemoveFromPhysmap, domain, ref argument, "XENMEM_remove_from_physmap");
    }

    /// <summary>XENMEM_set_memory_map: the E820 map that the domain asks for.</summary>
    public void SetMemoryMap(ushort domain, ReadOnlySpan<E820Entry> entries)
    {
        using HypercallBuffer list = Gate.RentCopy(entries);
        ForeignMemoryMap argument = new() { DomainId = domain, Map = new MemoryMap { EntryCount = (uint)entries.Length, Buffer = list.Address } };
        MemoryCall(MemoryOperation.SetMemoryMap, domain, ref argument, "XENMEM_set_memory_map");
    }

    /// <summary>XENMEM_machine_memory_map.</summary>
    public IReadOnlyList<E820Entry> GetMachineMemoryMap()
    {
        const int most = 512;
        using HypercallBuffer list = Gate.Rent<E820Entry>(most);
        MemoryMap argument = new() { EntryCount = most, Buffer = list.Address };
        Check(CallWith(HypercallNumber.MemoryOperation, (ulong)MemoryOperation.MachineMemoryMap, ref argument), "XENMEM_machine_memory_map", null);
        return list.Items<E820Entry>()[..(int)argument.EntryCount].ToArray();
    }

    /// <summary>XENMEM_maximum_gpfn: the highest guest frame in use.</summary>
    public ulong GetMaximumFrame(ushort domain)
    {
        MemoryDomain argument = new() { DomainId = domain };
        return (ulong)MemoryCall(MemoryOperation.MaximumGpfn, domain, ref argument, "XENMEM_maximum_gpfn");
    }

    /// <summary>XENMEM_set_pod_target.</summary>
    public void SetPopulateOnDemandTarget(ushort domain, ulong pages)
    {
        PopulateOnDemandTarget argument = new() { DomainId = domain, TargetPages = pages };
        MemoryCall(MemoryOperation.SetPopulateOnDemandTarget, domain, ref argument, "XENMEM_set_pod_target");
    }

    /// <summary>XENMEM_acquire_resource without a mapping: how many frames a resource has.</summary>
    public uint GetResourceSize(ushort domain, MemoryResource type, uint id)
    {
        AcquireResource argument = new() { DomainId = domain, Type = type, Id = id };
        MemoryCall(MemoryOperation.AcquireResource, domain, ref argument, "XENMEM_acquire_resource");
        return argument.FrameCount;
    }

    /// <summary>XENMEM_acquire_resource: maps a resource's pages here.</summary>
    public SharedPages MapResource(ushort domain, MemoryResource type, uint id, uint firstFrame, int count) => Gate.MapResource(domain, type, id, firstFrame, count);

    /// <summary>Maps pages of a domain here, all or a <see cref="SystemFailure"/>.</summary>
    public SharedPages MapForeign(ushort domain, ReadOnlySpan<ulong> frames, bool isWritable) => Gate.MapForeign(domain, frames, isWritable);

    /// <summary>XEN_DOMCTL_shadow_op, SET_ALLOCATION: memory for the tables that translate the domain's addresses; what it is now, in MiB.</summary>
    public uint SetPagingAllocation(ushort domain, uint mebibytes)
    {
        DomctlShadowOperation argument = new() { Operation = ShadowOperation.SetAllocation, Mb = mebibytes };
        Domctl(DomctlCommand.ShadowOperation, domain, ref argument, "shadow_op");
        return argument.Mb;
    }

    public uint GetPagingAllocation(ushort domain)
    {
        DomctlShadowOperation argument = new() { Operation = ShadowOperation.GetAllocation };
        Domctl(DomctlCommand.ShadowOperation, domain, ref argument, "shadow_op");
        return argument.Mb;
    }

    /// <summary>XEN_DOMCTL_set_paging_mempool_size.</summary>
    public void SetPagingPoolSize(ushort domain, ulong bytes)
    {
        DomctlPagingMempool argument = new() { Size = bytes };
        Domctl(DomctlCommand.SetPagingMempoolSize, domain, ref argument, "set_paging_mempool_size");
    }

    public ulong GetPagingPoolSize(ushort domain)
    {
        DomctlPagingMempool argument = default;
        Domctl(DomctlCommand.GetPagingMempoolSize, domain, ref argument, "get_paging_mempool_size");
        return argument.Size;
    }

    private long Reserve(MemoryOperation operation, ushort domain, HypercallBuffer frames, int count, uint order, MemoryFlags flags, string name)
    {
        MemoryReservation argument = new()
        {
            ExtentStart = frames.Address, ExtentCount = (ulong)count, ExtentOrder = order, MemoryFlags = (uint)flags, DomainId = domain,
        };
        return MemoryCall(operation, domain, ref argument, name);
    }
}
