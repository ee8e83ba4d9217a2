// SPDX-License-Identifier: MIT
// The operations of grant_table_op that take a list: each element has its own status, the call succeeds when all could be read and written.

using System;
using XenSharp.Abi;
using XenSharp.Core.Grants;
using XenSharp.Core.Memory;
using XenSharp.Core.Vcpus;
using XenSharp.Edge;
using static XenSharp.Core.Hypercalls.HypercallError;

namespace XenSharp.Core.Hypercalls;

public static partial class GrantTableOp
{
    private const int MapCost = 14, UnmapCost = 10, CopyCost = 12, SwapCost = 8;
    private const int CopiedBytesPerUnit = 512;

    /// <summary>What GNTTABOP_map_grant_ref writes back behind its status.</summary>
    private struct MapResult
    {
        public ushort Domain;
        public GrantStatus Status;
        public uint Handle;
        public ulong DeviceBusAddress;
    }

    private static long MapList(Vcpu caller, ulong list, uint count)
    {
        const int size = 32, resultOffset = 16;
        for (bool isFirst = true; count != 0; isFirst = false)
        {
            if (!isFirst && !caller.Continuation.Spend(MapCost))
                return Continue(caller, GrantTableOperation.MapGrantRef, list, count);
            if (!GuestAccess.TryReadForUpdate(caller, list, out GrantTableMapGrantRef request))
                return EFAULT;
            request.Status = caller.Domain.Grants.Map(ref request, caller.Processor);
            var result = new MapResult
            {
                Domain = request.Domain,
                Status = request.Status,
                Handle = request.Handle,
                DeviceBusAddress = request.DeviceBusAddress,
            };
            if (!GuestAccess.TryWrite(caller, list + resultOffset, in result))
                return EFAULT;
            list += size;
            count--;
        }

        return 0;
    }

    private static long UnmapList(Vcpu caller, ulong list, uint count)
    {
        const int size = 24;
        while (count != 0)
        {
            int batch = (int)Math.Min(count, GrantUnmapping.BatchSize);
            if (!UnmapBatch(caller, list, batch))
                return EFAULT;
            list += (ulong)batch * size;
            count -= (uint)batch;
            if (count != 0 && !caller.Continuation.Spend(UnmapCost * batch))
                return Continue(caller, GrantTableOperation.UnmapGrantRef, list, count);
        }

        return 0;
    }

    // Statuses are written before the mappings go, while the list's translation holds; other vCPUs see both or wait for the lock.
    private static bool UnmapBatch(Vcpu caller, ulong list, int count)
    {
        const int size = 24, statusOffset = 20;
        GrantTable table = caller.Domain.Grants;
        Span<GrantUnmapping> batch = stackalloc GrantUnmapping[count];
        int begun = 0;
        using SpinLock.Guard guard = caller.Domain.Lock.Enter(caller.Processor);
        bool isReadable = true;
        for (; begun < count && isReadable; list += size)
        {
            if (!GuestAccess.TryReadForUpdate(caller, list, out GrantTableUnmapGrantRef request))
            {
                isReadable = false;
                break;
            }

            GrantStatus status = table.BeginUnmap(in request, ref batch[begun]);
            begun++;
            isReadable = GuestAccess.TryWrite(caller, list + statusOffset, in status);
        }

        table.CompleteUnmaps(batch.Slice(0, begun), caller.Processor);
        return isReadable;
    }

    private static long CopyList(Vcpu caller, ulong list, uint count)
    {
        int size = caller.IsNarrow ? 24 : 40, statusOffset = size - 4;
        var copy = new GrantCopy(caller);
        long result = 0;
        for (bool isFirst = true; count != 0; isFirst = false)
        {
            if (!isFirst && caller.Continuation.Budget <= 0)
            {
                result = Continue(caller, GrantTableOperation.Copy, list, count);
                break;
            }

            result = EFAULT;
            if (!(caller.IsNarrow
                ? GuestLayout.TryRead(caller, list, GuestLayout.GrantTableCopy, out GrantTableCopy request)
                : GuestAccess.TryReadForUpdate(caller, list, out request)))
                break;
            GrantStatus status = copy.Copy(in request);
            if (!GuestAccess.TryWrite(caller, list + (uint)statusOffset, in status))
                break;
            result = 0;
            caller.Continuation.Spend(CopyCost + (request.Length / CopiedBytesPerUnit));
            list += (uint)size;
            count--;
        }

        copy.End();
        return result;
    }

    private static long SwapList(Vcpu caller, ulong list, uint count)
    {
        const int size = 12, statusOffset = 8;
        for (bool isFirst = true; count != 0; isFirst = false)
        {
            if (!isFirst && !caller.Continuation.Spend(SwapCost))
                return Continue(caller, GrantTableOperation.SwapGrantRef, list, count);
            if (!GuestAccess.TryReadForUpdate(caller, list, out GrantTableSwapGrantRef request))
                return EFAULT;
            GrantStatus status = caller.Domain.Grants.Swap(request.RefA, request.RefB, caller.Processor);
            if (!GuestAccess.TryWrite(caller, list + statusOffset, in status))
                return EFAULT;
            list += size;
            count--;
        }

        return 0;
    }

    private static long Continue(Vcpu caller, GrantTableOperation operation, ulong list, uint count)
    {
        caller.Continuation.Request((ulong)operation, list, count);
        return 0;
    }
}
