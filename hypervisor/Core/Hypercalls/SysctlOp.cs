// SPDX-License-Identifier: MIT
// HYPERVISOR_sysctl (xen/include/public/sysctl.h): the machine as the toolstack sees it. The dispatch table lets only the control domain in.

using System;
using XenSharp.Abi;
using XenSharp.Core.Console;
using XenSharp.Core.Domains;
using XenSharp.Core.Memory;
using XenSharp.Core.Scheduling;
using XenSharp.Core.Vcpus;
using XenSharp.Edge;
using static XenSharp.Core.Hypercalls.HypercallError;

namespace XenSharp.Core.Hypercalls;

/// <summary>XEN_SYSCTL_*. What Debian's Xen has not compiled in (perfc, lockprof) is -ENOSYS here too.</summary>
public static partial class SysctlOp
{
    public const uint InterfaceVersion = SysctlConstants.InterfaceVersion;
    private const int HeaderSize = 8;
    private const int CopyChunk = 256;
    private const uint MaxDebugKeys = 256;

    // What the hypervisor makes of the command of an interrupted getdomaininfolist; the further arguments then are how many domains are told, and where to go on.
    private const SysctlCommand DomainListContinued = (SysctlCommand)(0x8000_0000 | (uint)SysctlCommand.GetDomainInfoList);

    public static long Call(Vcpu caller, in HypercallArguments arguments)
    {
        var operation = new ControlBuffer(caller, arguments.First, stackalloc byte[HeaderSize + ControlBuffer.UnionSize], HeaderSize);
        if (!operation.Load())
            return EFAULT;
        if (operation.Version != InterfaceVersion)
            return EACCES;
        switch ((SysctlCommand)operation.Command)
        {
            case SysctlCommand.ReadConsole: return ReadConsole(operation);
            case SysctlCommand.TraceBufferOperation: return TraceBuffers(operation);
            case SysctlCommand.PhysInfo: return PhysInfo(operation);
            case SysctlCommand.SchedulerId:
                uint id = Scheduler.Id;
                return operation.Store(in id);
            case SysctlCommand.GetDomainInfoList or DomainListContinued: return GetDomainInfoList(operation, in arguments);
            case SysctlCommand.DebugKeys: return DebugKeys(operation);
            case SysctlCommand.GetCpuInfo: return GetCpuInfo(operation);
            case SysctlCommand.AvailHeap: return AvailableHeap(operation);
            case SysctlCommand.GetPmStat: return PowerStatistics(operation);
            case SysctlCommand.PmOperation: return PowerParameters(operation);
            case SysctlCommand.CpuHotplug: return CpuHotplug(operation);
            case SysctlCommand.PageOfflineOperation: return PageOffline(operation);
            case SysctlCommand.CpuTopologyInfo: return CpuTopology(operation);
            case SysctlCommand.NumaInfo: return NumaInfo(operation);
            case SysctlCommand.CpupoolOperation: return CpuPool(operation);
            case SysctlCommand.SchedulerOperation: return SchedulerParameters(operation);
            case SysctlCommand.CoverageOperation: return EOPNOTSUPP;
            case SysctlCommand.PsrCmtOperation: return ENODEV;
            case SysctlCommand.PsrAlloc: return PlatformResources(operation);
            case SysctlCommand.PciTopologyInfo: return PciTopology(operation);
            case SysctlCommand.GetCpuLevellingCapabilities:
                uint none = 0;
                return operation.Store(in none);
            case SysctlCommand.LivepatchOperation: return Livepatch(operation);
            case SysctlCommand.GetCpuFeatureset: return CpuFeatureset(operation);
            case SysctlCommand.GetCpuPolicy: return CpuPolicy(operation);
            default: return ENOSYS;
        }
    }

    // The console ring; copied in pieces through a buffer, because the guest's memory may fault.
    private static long ReadConsole(ControlBuffer operation)
    {
        SysctlReadConsole request = operation.Read<SysctlReadConsole>();
        Vcpu caller = operation.Caller;
        HostConsole console = caller.Host.Console;
        ConsoleRing ring = console.Ring;
        Span<byte> piece = stackalloc byte[CopyChunk];
        uint consumer, producer;
        using (console.Lock(caller.Processor))
        {
            consumer = ring.Consumer;
            producer = ring.Producer;
        }

        if (request.Incremental != 0 && request.Index - consumer <= producer - consumer)
            consumer = request.Index;
        uint done = 0;
        while (consumer != producer && done < request.Count)
        {
            int length = (int)Math.Min(Math.Min(producer - consumer, request.Count - done), (uint)CopyChunk);
            using (console.Lock(caller.Processor))
            {
                for (int i = 0; i < length; i++)
                    piece[i] = ring[consumer + (uint)i];
            }

            if (!GuestAccess.Write(caller, request.Buffer + done, piece.Slice(0, length)))
                return EFAULT;
            done += (uint)length;
            consumer += (uint)length;
        }

        if (request.Clear != 0)
        {
            using (console.Lock(caller.Processor))
                ring.DiscardTo(consumer);
        }

        request.Count = done;
        request.Index = consumer;
        return operation.Store(in request);
    }

    // There are no trace buffers: they can be asked about and switched off.
    private static long TraceBuffers(ControlBuffer operation)
    {
        SysctlTraceBufferOperation request = operation.Read<SysctlTraceBufferOperation>();
        switch ((TraceBufferOperation)request.Command)
        {
            case TraceBufferOperation.GetInfo:
                request.EventMask = 0;
                request.BufferMfn = 0;
                request.Size = 0;
                return operation.Store(in request);
            case TraceBufferOperation.SetCpuMask:
            case TraceBufferOperation.SetEventMask:
            case TraceBufferOperation.Disable:
                return 0;
            case TraceBufferOperation.SetSize:
                return ENOMEM;
            case TraceBufferOperation.Enable:
            default:
                return EINVAL;
        }
    }

    private static long GetDomainInfoList(ControlBuffer operation, in HypercallArguments arguments)
    {
        const int DomainCost = 20;
        SysctlGetDomainInfoList request = operation.Read<SysctlGetDomainInfoList>();
        Vcpu caller = operation.Caller;
        bool isResuming = operation.Command == (uint)DomainListContinued;
        uint count = isResuming ? (uint)Math.Min(arguments.Second, request.MaxDomains) : 0;
        ulong next = isResuming ? arguments.Third : request.FirstDomain;
        ulong size = (ulong)AbiBytes.SizeOf<DomctlGetDomainInfo>();
        while (count < request.MaxDomains && next < DomainTable.Capacity && caller.Host.Domains.NextFrom((int)next) is { } domain)
        {
            caller.Processor.Subject = domain;
            DomainInfo.Collect(domain, caller.Processor, out DomctlGetDomainInfo info);
            caller.Processor.Subject = null;
            if (!GuestAccess.TryWrite(caller, request.Buffer + (count * size), in info))
                return EFAULT;
            count++;
            next = domain.Id + 1UL;
            if (!caller.Continuation.Spend(DomainCost))
                return operation.ContinueAs((uint)DomainListContinued, count, next);
        }

        if (isResuming && !operation.TrySetCommand((uint)SysctlCommand.GetDomainInfoList))
            return EFAULT;
        request.DomainCount = count;
        return operation.Store(in request);
    }

    private static long DebugKeys(ControlBuffer operation)
    {
        SysctlDebugKeys request = operation.Read<SysctlDebugKeys>();
        Vcpu caller = operation.Caller;
        for (uint i = 0; i < Math.Min(request.KeyCount, MaxDebugKeys); i++)
        {
            if (!GuestAccess.TryRead(caller, request.Keys + i, out byte key))
                return EFAULT;
            caller.Host.DebugKeys.Press(key, caller.Processor);
        }

        return 0;
    }

    private static long SchedulerParameters(ControlBuffer operation)
    {
        SysctlSchedulerOperation request = operation.Read<SysctlSchedulerOperation>();
        const ulong ParametersOffset = 16;
        if (request.CpupoolId != 0)
            return ESRCH;
        if (request.SchedulerId != Scheduler.Id)
            return EINVAL;
        Scheduler scheduler = operation.Caller.Host.Scheduler;
        switch ((SysctlSchedulerCommand)request.Command)
        {
            case SysctlSchedulerCommand.PutInfo:
                if (!GuestAccess.TryRead(operation.Caller, operation.UnionAddress + ParametersOffset, out uint limit))
                    return EFAULT;
                long result = scheduler.SetRateLimit(limit);
                if (result != 0)
                    return result;
                break;
            case SysctlSchedulerCommand.GetInfo:
                break;
            default:
                return EINVAL;
        }

        uint current = scheduler.RateLimitUs;
        return GuestAccess.TryWrite(operation.Caller, operation.UnionAddress + ParametersOffset, in current) ? 0 : EFAULT;
    }

    // Cache allocation and bandwidth limits need hardware that is not driven.
    private static long PlatformResources(ControlBuffer operation) => operation.Read<uint>() <= 2 ? ENODEV : EOPNOTSUPP;

    private static long CpuHotplug(ControlBuffer operation)
    {
        SysctlCpuHotplug request = operation.Read<SysctlCpuHotplug>();
        Host host = operation.Caller.Host;
        switch ((CpuHotplugOperation)request.Operation)
        {
            case CpuHotplugOperation.Online:
                return request.Cpu < (uint)host.ProcessorCount ? EEXIST : EINVAL;
            case CpuHotplugOperation.Offline:
                return request.Cpu != 0 && request.Cpu < (uint)host.ProcessorCount ? EBUSY : EINVAL;
            default:
                return EOPNOTSUPP;
        }
    }

    // Frames are not taken out of service; the status list must exist all the same.
    private static long PageOffline(ControlBuffer operation)
    {
        const ulong StatusOffset = 16;
        SysctlPageOfflineOperation request = operation.Read<SysctlPageOfflineOperation>();
        if (request.End < request.Start)
            return EINVAL;
        uint invalid = 1;
        return GuestAccess.TryRead(operation.Caller, operation.UnionAddress + StatusOffset, out ulong status)
            && GuestAccess.TryWrite(operation.Caller, status, in invalid) ? EOPNOTSUPP : EFAULT;
    }

    // XEN_SYSCTL_LIVEPATCH_*: a list without entries can be read; nothing can be loaded.
    private static long Livepatch(ControlBuffer operation)
    {
        const ulong ListOffset = 8;
        ulong header = operation.Read<ulong>(); // command, padding
        if (header >> 32 != 0)
            return EINVAL;
        switch ((LivepatchOperation)(uint)header)
        {
            case LivepatchOperation.Upload:
                return EINVAL;
            case LivepatchOperation.List:
                Span<byte> list = stackalloc byte[16]; // version, index, count, padding
                list.Clear();
                return GuestAccess.Write(operation.Caller, operation.UnionAddress + ListOffset, list) ? 0 : EFAULT;
            case LivepatchOperation.Get:
            case LivepatchOperation.Action:
                return ENOENT;
            default:
                return EOPNOTSUPP;
        }
    }
}
