// SPDX-License-Identifier: MIT
// Regions of the managed heap for domains and vCPUs. Filled once at boot, grown by blocks of pages; regions are never given back.

using XenSharp.Abi;
using XenSharp.Core;
using XenSharp.Core.Domains;
using XenSharp.Core.Vcpus;
using XenSharp.Edge;

namespace XenSharp.X64.Runtime;

/// <summary>In front of each region's objects.</summary>
internal struct RegionHeader
{
    public ulong NextFree;
    public RegionKind Kind;
    private uint _padding0;
    private ulong _padding1;
}

/// <summary>
/// How large a region of each kind is, is measured at boot by building the largest domain that the options allow. One list of free regions
/// per kind.
/// </summary>
// SAFETY: a slot's value is the address of a header inside a block that this pool took for good; the objects behind it are reachable only
// between TryBegin and Recycle.
internal sealed unsafe class ObjectPools(Host host) : ObjectRegions
{
    private const int Kinds = 2;
    private const int LargestBlockOrder = 5;
    private const int MeasuringOrder = 7;

    // Made at boot, so that a few guests, and dead ones that a slow CPU may still see, cost no memory that does not come back.
    private const int DomainsAtBoot = 16, VcpusAtBoot = 64;

    private readonly SpinLock _lock = new(LockScope.Host);
    private readonly ulong[] _free = new ulong[Kinds];
    private readonly ulong[] _sizes = new ulong[Kinds];
    private readonly int[] _inUse = new int[Kinds];

    public override int InUse(RegionKind kind) => _inUse[(int)kind];

    public override ulong SizeOf(RegionKind kind) => _sizes[(int)kind];

    /// <summary>Learns the sizes and makes the first regions; once, with the heap sealed.</summary>
    public bool Prepare(Cpu cpu)
    {
        if (!host.Allocator.TryAllocate(MeasuringOrder, cpu, out Mfn block))
            return false;
        bool built = Measure(cpu, (ulong)DirectMap.At(block.Address));
        host.Allocator.Free(block, MeasuringOrder, cpu);
        while (built && Count(RegionKind.Domain) < DomainsAtBoot)
            built = Grow(RegionKind.Domain, cpu);
        while (built && Count(RegionKind.Vcpu) < VcpusAtBoot)
            built = Grow(RegionKind.Vcpu, cpu);
        return built;
    }

    public override bool TryBegin(RegionKind kind, Processor caller, out RegionSlot slot)
    {
        ulong header;
        using (_lock.Enter(caller))
        {
            slot = default;
            if (_free[(int)kind] == 0 && !Grow(kind, caller))
                return false;
            header = _free[(int)kind];
            _free[(int)kind] = ((RegionHeader*)header)->NextFree;
            _inUse[(int)kind]++;
        }

        slot = new RegionSlot(header);
        ManagedHeap.BeginRegion(header + (ulong)sizeof(RegionHeader), _sizes[(int)kind] - (ulong)sizeof(RegionHeader), header);
        return true;
    }

    public override void End(Processor caller) => ManagedHeap.EndRegion();

    public override void Recycle(RegionSlot slot, Processor caller)
    {
        if (!slot.IsValid)
            return;
        RegionHeader* header = (RegionHeader*)slot.Value;
        using SpinLock.Guard guard = _lock.Enter(caller);
        header->NextFree = _free[(int)header->Kind];
        _free[(int)header->Kind] = slot.Value;
        _inUse[(int)header->Kind]--;
    }

    // The objects of the largest domain and of a vCPU, made in a block that is given back.
    private bool Measure(Cpu cpu, ulong address)
    {
        DomctlCreateDomain largest = default;
        largest.MaxVcpus = Domain.MaxVcpus;
        largest.MaxGrantFrames = -1;
        largest.MaxMaptrackFrames = -1;
        largest.MaxEventChannelPort = uint.MaxValue;
        largest.GrantOptions = 2;
        largest.Arch.EmulationFlags = X86EmulationFlags.LocalApic;
        ulong length = (ulong)FrameSize.Bytes << MeasuringOrder;
        ManagedHeap.BeginRegion(address, length, 0);
        Domain? domain = DomainCreation.Construct(host, DomainTable.Capacity, in largest);
        _sizes[(int)RegionKind.Domain] = Round(ManagedHeap.EndRegion());
        if (domain == null)
            return false;
        ulong rest = address + _sizes[(int)RegionKind.Domain];
        ManagedHeap.BeginRegion(rest, length - _sizes[(int)RegionKind.Domain], 0);
        VcpuContext? context = Vcpu.CreateParts(domain, 0)?.Context;
        _sizes[(int)RegionKind.Vcpu] = Round(ManagedHeap.EndRegion());
        if (context != null)
            host.Guests.Release(context, cpu);
        domain.P2m.Release();
        return context != null;
    }

    private static ulong Round(ulong bytes) => (bytes + (ulong)sizeof(RegionHeader) + 63) & ~63UL;

    private int Count(RegionKind kind)
    {
        int count = 0;
        for (ulong region = _free[(int)kind]; region != 0; region = ((RegionHeader*)region)->NextFree)
            count++;
        return count;
    }

    // One block of pages, of the order that wastes least, cut into regions.
    private bool Grow(RegionKind kind, Processor caller)
    {
        ulong size = _sizes[(int)kind];
        int order = 0;
        while ((ulong)FrameSize.Bytes << order < size)
            order++;
        int best = order;
        for (int candidate = order + 1; candidate <= LargestBlockOrder; candidate++)
        {
            if (Waste(candidate, size) * 4 < Waste(best, size) * 3)
                best = candidate;
        }

        if (!host.Allocator.TryAllocate(best, caller, out Mfn frame) && (best == order || !host.Allocator.TryAllocate(best = order, caller, out frame)))
            return false;
        ulong address = (ulong)DirectMap.At(frame.Address);
        ulong end = address + ((ulong)FrameSize.Bytes << best);
        for (; address + size <= end; address += size)
        {
            RegionHeader* header = (RegionHeader*)address;
            header->Kind = kind;
            header->NextFree = _free[(int)kind];
            _free[(int)kind] = address;
        }

        return true;
    }

    // Unused part of a block, in 1024ths.
    private static ulong Waste(int order, ulong size)
    {
        ulong bytes = (ulong)FrameSize.Bytes << order;
        return bytes % size * 1024 / bytes;
    }
}
