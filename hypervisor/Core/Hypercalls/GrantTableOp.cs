// SPDX-License-Identifier: MIT
// HYPERVISOR_grant_table_op (xen/include/public/grant_table.h, GNTTABOP_*) as a PVH guest has it.

using XenSharp.Abi;
using XenSharp.Core.Domains;
using XenSharp.Core.Grants;
using XenSharp.Core.Memory;
using XenSharp.Core.Vcpus;
using XenSharp.Edge;
using static XenSharp.Core.Hypercalls.HypercallError;

namespace XenSharp.Core.Hypercalls;

/// <summary>
/// Set-up, queries and versions; transfer, unmap_and_replace, get_status_frames and cache_flush are -ENOSYS for a translated guest.
/// </summary>
public static partial class GrantTableOp
{
    private const int FrameCost = 40;

    public static long Call(Vcpu caller, in HypercallArguments arguments)
    {
        var operation = (GrantTableOperation)(uint)arguments.First;
        ulong list = arguments.Second;
        uint count = (uint)arguments.Third;
        switch (operation)
        {
            case GrantTableOperation.QuerySize:
            case GrantTableOperation.SetupTable:
            case GrantTableOperation.SetVersion:
            case GrantTableOperation.GetVersion:
            case GrantTableOperation.Copy:
            case GrantTableOperation.MapGrantRef:
            case GrantTableOperation.UnmapGrantRef:
            case GrantTableOperation.SwapGrantRef:
                break;
            default:
                return ENOSYS;
        }

        if ((int)count < 0)
            return EINVAL;
        return operation switch
        {
            GrantTableOperation.QuerySize => count == 1 ? QuerySize(caller, list) : EINVAL,
            GrantTableOperation.SetupTable => count == 1 ? SetupTable(caller, list) : count == 0 && caller.IsNarrow ? 0 : EINVAL,
            GrantTableOperation.SetVersion => SetVersion(caller, list),
            GrantTableOperation.GetVersion => GetVersion(caller, list),
            GrantTableOperation.MapGrantRef => MapList(caller, list, count),
            GrantTableOperation.UnmapGrantRef => UnmapList(caller, list, count),
            GrantTableOperation.Copy => CopyList(caller, list, count),
            _ => SwapList(caller, list, count),
        };
    }

    private static long QuerySize(Vcpu caller, ulong address)
    {
        if (!GuestAccess.TryRead(caller, address, out GrantTableQuerySize query))
            return EFAULT;
        Domain? domain = DomainLookup.ByAnyId(caller.Domain, query.Domain);
        if (domain == null)
        {
            query.Status = GrantStatus.BadDomain;
        }
        else if (!DomainLookup.TryTarget(caller, domain))
        {
            query.Status = GrantStatus.PermissionDenied;
        }
        else
        {
            query.FrameCount = System.Math.Max(domain.Grants.FrameCount, 1);
            query.MaxFrameCount = domain.Grants.MaxFrames;
            query.Status = GrantStatus.Okay;
        }

        return GuestAccess.TryWrite(caller, address, in query) ? 0 : EFAULT;
    }

    private static long SetupTable(Vcpu caller, ulong address)
    {
        const ulong StatusOffset = 8;
        if (!GuestLayout.TryRead(caller, address, GuestLayout.GrantTableSetupTable, out GrantTableSetupTable setup))
            return EFAULT;
        short status = (short)SetupTable(caller, in setup);
        if (caller.Continuation.IsRequested)
        {
            caller.Continuation.Request((ulong)GrantTableOperation.SetupTable, address, 1);
            return 0;
        }

        return GuestAccess.TryWrite(caller, address + StatusOffset, in status) ? 0 : EFAULT;
    }

    private static GrantStatus SetupTable(Vcpu caller, in GrantTableSetupTable setup)
    {
        Domain? domain = DomainLookup.ByAnyId(caller.Domain, setup.Domain);
        if (domain == null)
            return GrantStatus.BadDomain;
        if (!DomainLookup.TryTarget(caller, domain))
            return GrantStatus.PermissionDenied;
        GrantTable table = domain.Grants;
        if (setup.FrameCount > table.MaxFrames)
            return GrantStatus.GeneralError;
        using SpinLock.Guard guard = table.Lock.Enter(caller.Processor);
        for (uint frames = table.FrameCount; frames < setup.FrameCount;)
        {
            frames++;
            if (!table.Grow(frames))
                return GrantStatus.GeneralError;
            if (caller.Continuation.Spend(FrameCost))
                continue;
            caller.Continuation.IsRequested = true; // the caller names the same argument again
            return GrantStatus.Okay;
        }

        if (!table.Grow(setup.FrameCount))
            return GrantStatus.GeneralError;
        GrantStatus status = GrantStatus.Okay;
        for (uint i = 0; i < setup.FrameCount; i++)
        {
            ulong gfn = table.SharedGfn(i);
            if (!GuestLayout.TryWriteWord(caller, setup.FrameList, i, gfn))
                status = GrantStatus.BadVirtAddress;
        }

        return status;
    }

    private static long SetVersion(Vcpu caller, ulong address)
    {
        if (!GuestAccess.TryRead(caller, address, out uint version))
            return EFAULT;
        long result;
        using (caller.Domain.Lock.Enter(caller.Processor))
            result = caller.Domain.Grants.SetVersion(version, caller.Processor);
        version = caller.Domain.Grants.Version;
        return GuestAccess.TryWrite(caller, address, in version) ? result : EFAULT;
    }

    private static long GetVersion(Vcpu caller, ulong address)
    {
        const ulong VersionOffset = 4;
        if (!GuestAccess.TryRead(caller, address, out ushort id))
            return EFAULT;
        long error = DomainLookup.Target(caller, id, out Domain domain);
        if (error != 0)
            return error;
        uint version = domain.Grants.Version;
        return GuestAccess.TryWrite(caller, address + VersionOffset, in version) ? 0 : EFAULT;
    }
}
