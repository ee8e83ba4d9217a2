// SPDX-License-Identifier: MIT
// HYPERVISOR_memory_op (xen/include/public/memory.h): which operation, and the small ones.

using XenSharp.Abi;
using XenSharp.Core.Domains;
using XenSharp.Core.Memory;
using XenSharp.Core.Vcpus;
using XenSharp.Edge;
using static XenSharp.Core.Hypercalls.HypercallError;

namespace XenSharp.Core.Hypercalls;

/// <summary>
/// XENMEM_*. Bits 5:0 of the command are the operation; the bits above count the extents already done (MEMOP_EXTENT_SHIFT), which is how
/// an operation over a list continues.
/// </summary>
public static partial class MemoryOp
{
    private const int ExtentShift = 6;
    private const ulong CommandMask = (1UL << ExtentShift) - 1;

    /// <summary>The longest list whose progress fits into a 32-bit command.</summary>
    private const ulong MaxExtents = uint.MaxValue >> ExtentShift;

    public static long Call(Vcpu caller, in HypercallArguments arguments)
    {
        ulong command = arguments.First;
        ulong argument = arguments.Second;
        ulong start = command >> ExtentShift;
        switch ((MemoryOperation)(uint)(command & CommandMask))
        {
            case MemoryOperation.IncreaseReservation:
            case MemoryOperation.DecreaseReservation:
            case MemoryOperation.PopulatePhysmap:
                return AdjustReservation(caller, (MemoryOperation)(uint)(command & CommandMask), argument, start);
            case MemoryOperation.Exchange:
                return start != 0 ? EINVAL : Exchange(caller, argument);
            case MemoryOperation.MaximumRamPage:
                return start != 0 ? EINVAL : (long)caller.Host.Memory.FrameLimit;
            case MemoryOperation.CurrentReservation:
            case MemoryOperation.MaximumReservation:
            case MemoryOperation.MaximumGpfn:
                return start != 0 ? EINVAL : Query(caller, (MemoryOperation)(uint)command, argument);
            case MemoryOperation.AddToPhysmap:
                return AddToPhysmap(caller, argument, start);
            case MemoryOperation.AddToPhysmapBatch:
                return AddToPhysmapBatch(caller, argument, start);
            case MemoryOperation.RemoveFromPhysmap:
                return start != 0 ? EINVAL : RemoveFromPhysmap(caller, argument);
            case MemoryOperation.AccessOperation:
                return AccessOperation(caller, argument);
            case MemoryOperation.ClaimPages:
                return start != 0 ? EINVAL : ClaimPages(caller, argument);
            case MemoryOperation.GetVnumainfo:
                return start != 0 ? EINVAL : GetVnumaInfo(caller, argument);
            case MemoryOperation.ReservedDeviceMemoryMap:
                return start != 0 ? EINVAL : ReservedDeviceMemoryMap(caller, argument);
            case MemoryOperation.AcquireResource:
                return AcquireResource(caller, argument, start);
            case MemoryOperation.MachineMemoryMap:
            case MemoryOperation.MachPhysMapping:
                return ENOSYS; // a translated guest has no use for the machine's map
            default:
                // The rest of Xen's operations compare the whole command, so that extent bits make them unknown.
                return start != 0 ? ENOSYS : CallWhole(caller, (MemoryOperation)(uint)command, argument);
        }
    }

    private static long CallWhole(Vcpu caller, MemoryOperation operation, ulong argument)
    {
        switch (operation)
        {
            case MemoryOperation.SetMemoryMap:
                return SetMemoryMap(caller, argument);
            case MemoryOperation.MemoryMap:
                return GetMemoryMap(caller, argument);
            case MemoryOperation.SetPopulateOnDemandTarget:
            case MemoryOperation.GetPopulateOnDemandTarget:
                return PopulateOnDemandTarget(caller, operation, argument);
            case MemoryOperation.MachPhysMfnList:
                return caller.IsNarrow ? EOPNOTSUPP : MachPhysMfnList(caller, argument);
            case MemoryOperation.MachPhysCompatMfnList:
                return EOPNOTSUPP;
            case MemoryOperation.GetSharingFreedPages:
            case MemoryOperation.GetSharingSharedPages:
                return 0;
            default:
                return ENOSYS; // sharing_op and paging_op are not built in
        }
    }

    private static long Query(Vcpu caller, MemoryOperation operation, ulong argument)
    {
        if (!GuestAccess.TryRead(caller, argument, out ushort id))
            return EFAULT;
        long error = DomainLookup.Target(caller, id, out Domain domain);
        if (error != 0)
            return error;
        return operation switch
        {
            MemoryOperation.CurrentReservation => (long)domain.Memory.Pages,
            MemoryOperation.MaximumReservation => (long)System.Math.Min(domain.Memory.MaxPages, caller.IsNarrow ? int.MaxValue : uint.MaxValue),
            _ => (long)HighestGfn(domain),
        };
    }

    // The end of its memory map or of what was populated later, whichever is higher.
    private static ulong HighestGfn(Domain domain)
    {
        ulong end = domain.HighestGfn;
        for (int i = 0; i < domain.MemoryMap.Count; i++)
            end = System.Math.Max(end, (domain.MemoryMap[i].Address + domain.MemoryMap[i].Size) >> FrameSize.Shift);
        return end == 0 ? 0 : end - 1;
    }

    // Xen has no 32-bit form of it.
    private static long ClaimPages(Vcpu caller, ulong argument)
    {
        if (caller.IsNarrow)
            return ENOSYS;
        if (!GuestAccess.TryRead(caller, argument, out MemoryReservation reservation))
            return EFAULT;
        if (reservation.ExtentStart != 0 || reservation.ExtentOrder != 0 || reservation.MemoryFlags != 0)
            return EINVAL;
        Domain? domain = caller.Host.Domains.Find(reservation.DomainId);
        if (domain == null)
            return EINVAL;
        if (!caller.Domain.IsPrivileged || !DomainLookup.TryTarget(caller, domain))
            return EPERM;
        return domain.Memory.Claim(reservation.ExtentCount, caller.Processor);
    }

    private static long GetVnumaInfo(Vcpu caller, ulong argument)
    {
        if (!GuestAccess.TryRead(caller, argument, out VnumaTopologyInfo topology))
            return EFAULT;
        if (topology.Pad != 0)
            return EINVAL;
        long error = DomainLookup.Target(caller, topology.DomainId, out _);
        return error != 0 ? error : EOPNOTSUPP;
    }

    // No device needs memory at fixed guest addresses: the list is empty.
    private static long ReservedDeviceMemoryMap(Vcpu caller, ulong argument)
    {
        if (!GuestLayout.TryRead(caller, argument, GuestLayout.ReservedDeviceMemoryMap, out ReservedDeviceMemoryMap map))
            return EFAULT;
        if ((map.Flags & ~MemoryConstants.RdmAll) != 0)
            return EINVAL;
        map.EntryCount = 0;
        return GuestLayout.TryWrite(caller, argument, GuestLayout.ReservedDeviceMemoryMap, in map) ? 0 : EFAULT;
    }

    // xen_mem_access_op: without memory events no operation succeeds, but the target is looked at first.
    private static long AccessOperation(Vcpu caller, ulong argument)
    {
        const int DomainOffset = 2;
        if (!GuestAccess.TryRead(caller, argument, out ulong _))
            return EFAULT;
        if (!GuestAccess.TryRead(caller, argument + DomainOffset, out ushort id))
            return EFAULT;
        long result = DomainLookup.Remote(caller.Domain, id, out _);
        if (result != 0)
            return result;
        return EINVAL; // AMD's nested paging cannot keep such rights, and that comes before the caller's
    }

    // There is no machine-to-physical table to show: a list of the right length, of gaps (frame 0).
    private static long MachPhysMfnList(Vcpu caller, ulong argument)
    {
        if (!GuestAccess.TryRead(caller, argument, out MachPhysMfnList list))
            return EFAULT;
        const ulong FramesPerExtent = (2UL << 20) / sizeof(ulong);
        ulong needed = (caller.Host.Memory.FrameLimit + FramesPerExtent - 1) / FramesPerExtent;
        list.ExtentCount = (uint)System.Math.Min(System.Math.Min(needed, list.MaxExtents), 1024);
        ulong gap = 0;
        for (uint i = 0; i < list.ExtentCount; i++)
        {
            if (!GuestAccess.TryWrite(caller, list.ExtentStart + (i * sizeof(ulong)), in gap))
                return EFAULT;
        }

        return GuestAccess.TryWrite(caller, argument, in list) ? 0 : EFAULT;
    }
}
