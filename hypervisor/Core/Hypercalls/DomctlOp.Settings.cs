// SPDX-License-Identifier: MIT
// Domctls by which a toolstack sets a domain up, and what answers for those that nothing stands behind.

using System;
using XenSharp.Abi;
using XenSharp.Core.CpuPolicy;
using XenSharp.Core.Domains;
using XenSharp.Core.Memory;
using XenSharp.Core.Scheduling;
using XenSharp.Core.Vcpus;
using XenSharp.Edge;
using static XenSharp.Core.Hypercalls.HypercallError;

namespace XenSharp.Core.Hypercalls;

public static partial class DomctlOp
{
    private const uint TypeNone = 0, TypeInvalid = 0xf000_0000;
    private const int MaxNodes = 64;

    private static long ActOnState(ControlBuffer operation, DomctlCommand command, Domain domain)
    {
        bool isSelf = domain == operation.Caller.Domain;
        switch (command)
        {
            case DomctlCommand.GetHvmContext: return GetHvmContext(operation, domain);
            case DomctlCommand.GetHvmContextPartial: return GetHvmContextPart(operation, domain);
            case DomctlCommand.SetHvmContext: return SetHvmContext(operation, domain);
            case DomctlCommand.GetVcpuContext: return GetVcpuContext(operation, domain);
            case DomctlCommand.SetVcpuContext: return SetVcpuContext(operation, domain);
            case DomctlCommand.GetVcpuExtendedState: return GetExtendedState(operation, domain);
            case DomctlCommand.SetVcpuExtendedState: return SetExtendedState(operation, domain);
            case DomctlCommand.GetVcpuMsrs or DomctlCommand.SetVcpuMsrs: return VcpuMsrs(operation, domain);
            case DomctlCommand.GetExtendedVcpuContext: return GetFurtherContext(operation, domain);
            case DomctlCommand.SetExtendedVcpuContext: return SetFurtherContext(operation, domain);
            case DomctlCommand.SetTscInfo: return isSelf ? EINVAL : SetTime(operation, domain);
            case DomctlCommand.GetTscInfo: return isSelf ? EINVAL : GetTime(operation, domain);
            case DomctlCommand.GetPagingMempoolSize: return GetPool(operation, domain);
            case DomctlCommand.SetPagingMempoolSize: return SetPool(operation, domain);
            case DomctlCommand.ShadowOperation: return Shadow(operation, domain);
            case DomctlCommand.SetNodeAffinity: return SetNodes(operation, domain);
            case DomctlCommand.GetNodeAffinity:
                DomctlNodeAffinity affinity = operation.Read<DomctlNodeAffinity>();
                return GuestBitmap.TryWrite(operation.Caller, in affinity.NodeMap, domain.NodeAffinity, MaxNodes) ? 0 : EFAULT;
            case DomctlCommand.SendTrigger: return Trigger(operation, domain);
            case DomctlCommand.HypercallInit:
                ulong page = operation.Read<ulong>();
                return page < domain.P2m.FrameLimit && HypercallStubs.FillPage(domain, new Gfn(page), operation.Caller.Processor) ? 0 : EINVAL;
            case DomctlCommand.GetPageFrameInfo3: return PageTypes(operation, domain);
            case DomctlCommand.SetBrokenPageP2m: return BreakPage(operation, domain);
            case DomctlCommand.SetAccessRequired: return isSelf ? EPERM : 0; // nobody listens, and nothing waits for that
            case DomctlCommand.SetVnumaInfo: return Numa(operation, domain);
            case DomctlCommand.DebugOperation: return Debug(operation, domain);
            case DomctlCommand.GetAddressSize or DomctlCommand.SetAddressSize: return EOPNOTSUPP; // word size is a matter of PV domains
            default: return ActOnMachine(operation, command, domain);
        }
    }

    private static long SetTime(ControlBuffer operation, Domain domain)
    {
        const uint lastMode = 2; // default, always emulate, never emulate
        DomctlTscInfo info = operation.Read<DomctlTscInfo>();
        if (info.TscMode > lastMode)
            return EINVAL;
        domain.TscMode = info.TscMode;
        domain.TscKhz = info.GuestTscKhz;
        domain.TscIncarnation = info.Incarnation + 1;
        return 0;
    }

    private static long GetTime(ControlBuffer operation, Domain domain)
    {
        const uint neverEmulate = 2;
        bool isNative = domain.TscMode == neverEmulate;
        DomctlTscInfo info = default;
        info.TscMode = domain.TscMode;
        info.Incarnation = domain.TscIncarnation;
        info.GuestTscKhz = isNative ? 0 : domain.TscKhz != 0 ? domain.TscKhz : (uint)(domain.Host.Clock.TscFrequencyHz / 1000);
        info.ElapsedNsec = isNative ? 0 : domain.Host.Clock.Now;
        return operation.Store(in info);
    }

    private static long GetPool(ControlBuffer operation, Domain domain)
    {
        ulong size = domain.Paging == null ? 0 : domain.Paging.MaxPages * FrameSize.Bytes;
        return operation.Store(in size);
    }

    private static long SetPool(ControlBuffer operation, Domain domain)
    {
        ulong size = operation.Read<ulong>(), pages = size / FrameSize.Bytes;
        return (size & FrameSize.Mask) != 0 || pages > uint.MaxValue ? EINVAL : SetPoolPages(operation, domain, pages);
    }

    // The limit of what tables may take. It must be there when it is granted; what is used cannot be taken away.
    private static long SetPoolPages(ControlBuffer operation, Domain domain, ulong pages)
    {
        if (domain.Paging is not { } pool)
            return EINVAL;
        using (domain.Lock.Enter(operation.Caller.Processor))
        {
            if (pages < pool.Pages || (pages > pool.MaxPages && pages - pool.MaxPages > domain.Host.Allocator.FreePages))
                return ENOMEM;
            pool.MaxPages = pages;
        }

        return 0;
    }

    // With nested paging there are no shadows: the pool's size by its old name, and log-dirty mode, which is not there.
    private static long Shadow(ControlBuffer operation, Domain domain)
    {
        const int pagesPerMiB = 256;
        DomctlShadowOperation request = operation.Read<DomctlShadowOperation>();
        if (domain == operation.Caller.Domain)
            return EINVAL;
        switch (request.Operation)
        {
            case ShadowOperation.Off:
                return 0;
            case ShadowOperation.EnableLogdirty:
                return EOPNOTSUPP;
            case ShadowOperation.Enable:
                const uint logDirty = 2;
                return (request.Mode & logDirty) != 0 ? EOPNOTSUPP : EINVAL;
            case ShadowOperation.GetAllocation:
                request.Mb = domain.Paging == null ? 0 : (uint)((domain.Paging.MaxPages + pagesPerMiB - 1) / pagesPerMiB);
                return operation.Store(in request);
            case ShadowOperation.SetAllocation:
                return SetPoolPages(operation, domain, (ulong)request.Mb * pagesPerMiB);
            default:
                return EINVAL;
        }
    }

    private static long SetNodes(ControlBuffer operation, Domain domain)
    {
        DomctlNodeAffinity affinity = operation.Read<DomctlNodeAffinity>();
        if (!GuestBitmap.TryRead(operation.Caller, in affinity.NodeMap, out ulong nodes))
            return EFAULT;
        if ((nodes & 1) == 0)
            return EINVAL;
        domain.NodeAffinity = nodes;
        return 0;
    }

    private static long Trigger(ControlBuffer operation, Domain domain)
    {
        DomctlSendTrigger request = operation.Read<DomctlSendTrigger>();
        if (domain.FindVcpu(request.Vcpu) is not { } vcpu)
            return ESRCH;
        switch (request.Trigger)
        {
            case SendTrigger.Nmi:
                if (vcpu.Apic.PostNmi())
                    domain.Host.Scheduler.Wake(vcpu, operation.Caller.Processor);
                return 0;
            case SendTrigger.Power or SendTrigger.Sleep:
                return 0; // a PVH domain has no such buttons
            default:
                return ENOSYS;
        }
    }

    // Memory of a domain with nested paging has no type but being there. Continues by moving the list in the argument itself.
    private static long PageTypes(ControlBuffer operation, Domain domain)
    {
        const ulong maxCount = 1024, argumentHeader = 16;
        const int pageCost = 10;
        DomctlGetPageFrameInfo3 request = operation.Read<DomctlGetPageFrameInfo3>();
        Vcpu caller = operation.Caller;
        if (request.Count > maxCount)
            return E2BIG;
        for (ulong done = 0; done < request.Count; done++)
        {
            ulong address = request.Array + (done * sizeof(ulong));
            if (!GuestAccess.TryRead(caller, address, out ulong frame))
                return EFAULT;
            P2mType type = frame < domain.P2m.FrameLimit ? domain.P2m.Lookup(new Gfn(frame)).Type : P2mType.None;
            if (type == P2mType.OnDemand && domain.OnDemand.TryPopulate(new Gfn(frame), caller.Processor))
                type = P2mType.Ram;
            ulong answer = type is P2mType.Ram or P2mType.RamReadOnly ? TypeNone : TypeInvalid;
            if (!GuestAccess.TryWrite(caller, address, in answer))
                return EFAULT;
            if (caller.Continuation.Spend(pageCost) || done + 1 == request.Count)
                continue;
            request.Count -= done + 1;
            request.Array = address + sizeof(ulong);
            if (operation.Store(in request) != 0)
                return EFAULT;
            caller.Continuation.Request(operation.UnionAddress - argumentHeader);
            return 0;
        }

        return 0;
    }

    // The guest cannot reach the page any more. The machine's own memory errors are not seen, so the frame itself is as good as any other.
    private static long BreakPage(ControlBuffer operation, Domain domain)
    {
        ulong frame = operation.Read<ulong>();
        if (frame >= domain.P2m.FrameLimit)
            return EINVAL;
        Span<ulong> buffer = stackalloc ulong[1];
        var released = new ReleasedFrames(domain, operation.Caller.Processor, buffer);
        using SpinLock.Guard guard = domain.Lock.Enter(operation.Caller.Processor);
        if (domain.P2m.Lookup(new Gfn(frame)).Type is not (P2mType.Ram or P2mType.RamReadOnly))
            return EINVAL;
        long result = Physmap.RemovePage(domain, new Gfn(frame), ref released);
        released.Drain();
        return result;
    }

    // Virtual memory nodes are not kept: what is wrong with a request is told first.
    private static long Numa(ControlBuffer operation, Domain domain)
    {
        DomctlVnuma request = operation.Read<DomctlVnuma>();
        const uint maxNodes = 64;
        if (request.Pad != 0 || request.VNodeCount is 0 or > maxNodes || request.VmemRangeCount == 0 || request.VcpuCount != (uint)domain.Vcpus.Length)
            return EINVAL;
        return GuestAccess.TryRead(operation.Caller, request.VDistance, out uint _) && GuestAccess.TryRead(operation.Caller, request.VcpuToVNode, out uint _)
            && GuestAccess.TryRead(operation.Caller, request.VNodeToPNode, out uint _) && GuestAccess.TryRead(operation.Caller, request.VmemRange, out VmemRange _)
            ? EOPNOTSUPP : EFAULT;
    }

    // Single steps by hardware need what AMD's CPUs have not.
    private static long Debug(ControlBuffer operation, Domain domain)
    {
        DomctlDebugOperation request = operation.Read<DomctlDebugOperation>();
        if (domain.FindVcpu(request.Vcpu) is not { } vcpu || vcpu == operation.Caller)
            return EINVAL;
        return request.Operation <= 1 ? EOPNOTSUPP : ENOSYS;
    }
}
