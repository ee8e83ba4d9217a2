// SPDX-License-Identifier: MIT
// XENMEM_memory_map, XENMEM_set_memory_map: a guest's E820 table; XENMEM_acquire_resource.

using System;
using System.Buffers.Binary;
using XenSharp.Abi;
using XenSharp.Core.Domains;
using XenSharp.Core.Memory;
using XenSharp.Core.Vcpus;
using XenSharp.Edge;
using static XenSharp.Core.Hypercalls.HypercallError;

namespace XenSharp.Core.Hypercalls;

public static partial class MemoryOp
{
    /// <summary>E820MAX of Xen; we keep fewer.</summary>
    private const uint MaxMapEntries = 1024;

    private static long GetMemoryMap(Vcpu caller, ulong argument)
    {
        if (!GuestLayout.TryRead(caller, argument, GuestLayout.MemoryMap, out MemoryMap request))
            return EFAULT;
        Span<byte> bytes = stackalloc byte[GuestMemoryMap.Capacity * GuestMemoryMap.EntrySize];
        int count;
        using (caller.Domain.Lock.Enter(caller.Processor))
        {
            GuestMemoryMap map = caller.Domain.MemoryMap;
            if (map.Count == 0)
                return ENOSYS;
            count = (int)Math.Min(request.EntryCount, (uint)map.Count);
            for (int i = 0; i < count; i++)
            {
                Span<byte> entry = bytes.Slice(i * GuestMemoryMap.EntrySize, GuestMemoryMap.EntrySize);
                BinaryPrimitives.WriteUInt64LittleEndian(entry, map[i].Address);
                BinaryPrimitives.WriteUInt64LittleEndian(entry.Slice(8), map[i].Size);
                BinaryPrimitives.WriteUInt32LittleEndian(entry.Slice(16), map[i].Type);
            }
        }

        request.EntryCount = (uint)count;
        return GuestAccess.Write(caller, request.Buffer, bytes.Slice(0, count * GuestMemoryMap.EntrySize))
            && GuestLayout.TryWrite(caller, argument, GuestLayout.MemoryMap, in request) ? 0 : EFAULT;
    }

    private static long SetMemoryMap(Vcpu caller, ulong argument)
    {
        if (!GuestLayout.TryRead(caller, argument, GuestLayout.ForeignMemoryMap, out ForeignMemoryMap request))
            return EFAULT;
        if (request.Map.EntryCount > MaxMapEntries)
            return EINVAL;
        long error = DomainLookup.Target(caller, request.DomainId, out Domain domain);
        if (error != 0)
            return error;
        if (request.Map.EntryCount > GuestMemoryMap.Capacity)
            return ENOMEM;
        Span<byte> bytes = stackalloc byte[GuestMemoryMap.Capacity * GuestMemoryMap.EntrySize];
        bytes = bytes.Slice(0, (int)request.Map.EntryCount * GuestMemoryMap.EntrySize);
        if (!GuestAccess.Read(caller, request.Map.Buffer, bytes))
            return EFAULT;
        using SpinLock.Guard guard = domain.Lock.Enter(caller.Processor);
        domain.MemoryMap.Clear();
        for (; bytes.Length != 0; bytes = bytes.Slice(GuestMemoryMap.EntrySize))
        {
            domain.MemoryMap.Add(
                BinaryPrimitives.ReadUInt64LittleEndian(bytes),
                BinaryPrimitives.ReadUInt64LittleEndian(bytes.Slice(8)),
                BinaryPrimitives.ReadUInt32LittleEndian(bytes.Slice(16)));
        }

        return 0;
    }

    // Maps pages that the hypervisor keeps for another domain (its grant frames) at frames of the hardware domain's choice.
    private static long AcquireResource(Vcpu caller, ulong argument, ulong start)
    {
        const ulong FrameCountOffset = 8;
        if (!caller.Domain.IsHardware)
            return EACCES;
        if (!GuestLayout.TryRead(caller, argument, GuestLayout.AcquireResource, out AcquireResource request))
            return EFAULT;
        if (request.Pad != 0 || request.Frame >> 32 != 0 || (request.Frame + request.FrameCount) >> 32 != 0)
            return EINVAL;
        long result = DomainLookup.Remote(caller.Domain, request.DomainId, out Domain? domain);
        if (result != 0)
            return result;
        if (!DomainLookup.TryTarget(caller, domain!))
            return EPERM;
        uint maximum = MaxResourceFrames(domain!, in request);
        if (maximum == 0)
            return EINVAL;
        if (request.FrameList == 0)
        {
            if (request.FrameCount != 0 || start != 0)
                return EINVAL;
            return GuestAccess.TryWrite(caller, argument + FrameCountOffset, in maximum) ? 0 : EFAULT;
        }

        if (start >= request.FrameCount || request.FrameCount > MaxExtents)
            return EINVAL;
        for (ulong done = start; done < request.FrameCount;)
        {
            // Xen looks at so many frames before it maps the first of them, and has its own error for the others.
            ulong inBatch = (done - start) % ResourceBatch;
            ulong last = Math.Min(done + ResourceBatch, request.FrameCount) - 1;
            if (inBatch == 0 && (result = CheckResource(caller, domain!, in request, last)) != 0)
                return result;
            if (!GuestLayout.TryReadWord(caller, request.FrameList, done, out ulong gfn))
                return EFAULT;
            result = MapResource(caller, domain!, in request, done, gfn);
            if (result != 0)
                return inBatch == 0 ? result : EIO;
            done++;
            if (done < request.FrameCount && !caller.Continuation.Spend(ExtentCost + PageCost))
            {
                caller.Continuation.Request((ulong)MemoryOperation.AcquireResource | (done << ExtentShift), argument);
                return 0;
            }
        }

        return 0;
    }

    private const ulong ResourceBatch = 32;

    // Per type, the whole size of the resource; an unknown type has a size that the later check refuses, as in Xen.
    private static uint MaxResourceFrames(Domain domain, in AcquireResource request) => (MemoryResource)request.Type switch
    {
        MemoryResource.GrantTable => domain.Grants.MaxFramesForTools(request.Id),
        MemoryResource.IoRequestServer => IoRequestFrames(domain),
        MemoryResource.VmTraceBuffer => 0,
        _ => unchecked((uint)EOPNOTSUPP),
    };

    // One for buffered requests, and 32 bytes per vCPU: the size is told although no server can be made.
    private static uint IoRequestFrames(Domain domain) => 1 + (((uint)domain.Settings.MaxVcpus * 32 + FrameSize.Bytes - 1) / FrameSize.Bytes);

    private static long CheckResource(Vcpu caller, Domain domain, in AcquireResource request, ulong last)
    {
        switch ((MemoryResource)request.Type)
        {
            case MemoryResource.IoRequestServer:
                return request.Id > ushort.MaxValue ? EINVAL : ENOENT;
            case MemoryResource.GrantTable:
                if (domain.IsDead)
                    return EBUSY; // nobody gets another reference to what a dead domain has left
                long result = domain.Grants.FrameForTools(request.Id, request.Frame + last, caller.Processor, out Mfn frame);
                if (result == 0)
                    FrameReferences.Drop(caller.Host, frame, caller.Processor);
                return result;
            default:
                return EOPNOTSUPP;
        }
    }

    // As in Xen, what is mapped already is left alone when it is the same, and refused when it is another's; memory that was there stays the
    // caller's, out of its sight.
    private static long MapResource(Vcpu caller, Domain other, in AcquireResource request, ulong index, ulong gfn)
    {
        Domain domain = caller.Domain;
        long result = other.Grants.FrameForTools(request.Id, request.Frame + index, caller.Processor, out Mfn frame);
        if (result != 0)
            return result;
        using (domain.Lock.Enter(caller.Processor))
        {
            P2mEntry previous = gfn < domain.P2m.FrameLimit ? domain.P2m.Lookup(new Gfn(gfn)) : default;
            if (previous.Type != P2mType.Foreign || previous.Frame != frame)
                result = Physmap.Add(domain, new Gfn(gfn), frame, P2mType.Foreign);
            else
                result = 1;
        }

        if (result != 0)
            FrameReferences.Drop(caller.Host, frame, caller.Processor);
        return Math.Min(result, 0);
    }
}
