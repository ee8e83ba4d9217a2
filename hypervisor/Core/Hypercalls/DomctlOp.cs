// SPDX-License-Identifier: MIT
// HYPERVISOR_domctl (xen/include/public/domctl.h): what the toolstack does to domains. The dispatch table lets only the control domain in.

using System;
using XenSharp.Abi;
using XenSharp.Core.Domains;
using XenSharp.Core.Memory;
using XenSharp.Core.Scheduling;
using XenSharp.Core.Time;
using XenSharp.Core.Vcpus;
using XenSharp.Edge;
using static XenSharp.Core.Hypercalls.HypercallError;

namespace XenSharp.Core.Hypercalls;

/// <summary>
/// XEN_DOMCTL_*. The life of domains is in DomctlOp.Life.cs, further groups in files named after them.
/// </summary>
public static partial class DomctlOp
{
    public const uint InterfaceVersion = DomctlVersion.InterfaceVersion;
    private const int HeaderSize = 16;
    private const ulong KibPerPage = 4;

    public static long Call(Vcpu caller, in HypercallArguments arguments)
    {
        var operation = new ControlBuffer(caller, arguments.First, stackalloc byte[HeaderSize + ControlBuffer.UnionSize], HeaderSize);
        if (!operation.Load())
            return EFAULT;
        if (operation.Version != InterfaceVersion)
            return EACCES;
        var command = (DomctlCommand)operation.Command;
        Domain? domain = caller.Host.Domains.Find(operation.Domain);
        switch (command)
        {
            case DomctlCommand.CreateDomain:
                return CreateDomain(operation);
            case DomctlCommand.GetDomainInfo:
                return GetDomainInfo(operation, domain);
            case DomctlCommand.AssignDevice or DomctlCommand.DeassignDevice or DomctlCommand.TestAssignDevice when domain == null && operation.Domain >= DomainIds.FirstReserved:
                return operation.Domain == DomainIds.Io ? ENODEV : ESRCH;
        }

        if (domain == null)
            return ESRCH;
        caller.Processor.Subject = domain;
        return command is DomctlCommand.GdbsxGuestMemoryIo or (DomctlCommand)GuestMemoryContinued
            ? GuestMemoryIo(operation, domain, in arguments)
            : Act(operation, command, domain);
    }

    private static long Act(ControlBuffer operation, DomctlCommand command, Domain domain)
    {
        Vcpu caller = operation.Caller;
        Cpu cpu = caller.Processor;
        bool isSelf = domain == caller.Domain;
        Scheduler scheduler = caller.Host.Scheduler;
        switch (command)
        {
            case DomctlCommand.PauseDomain:
                return isSelf ? EINVAL : scheduler.PauseByController(domain, cpu);
            case DomctlCommand.UnpauseDomain:
                return scheduler.UnpauseByController(domain, cpu);
            case DomctlCommand.ResumeDomain:
                if (isSelf)
                    return EINVAL;
                domain.Resume(cpu);
                return 0;
            case DomctlCommand.DestroyDomain:
                return isSelf ? EINVAL : DestroyDomain(operation, domain);
            case DomctlCommand.SetDebugging:
                return isSelf ? EINVAL : SetDebugging(operation, domain);
            case DomctlCommand.SoftReset:
            case (DomctlCommand)SoftResetContinued:
                return isSelf ? EINVAL : SoftReset(operation, domain, (uint)command == SoftResetContinued);
            case DomctlCommand.MaxVcpus:
                return isSelf ? EINVAL : CreateVcpus(operation, domain);
            case DomctlCommand.MaxMemory:
                using (domain.Lock.Enter(cpu))
                    domain.Memory.MaxPages = Math.Min(operation.Read<ulong>() / KibPerPage, uint.MaxValue);
                return 0;
            case DomctlCommand.GetCpuPolicy:
                return SysctlOp.DomainCpuPolicy(operation, domain);
            case DomctlCommand.SetCpuPolicy:
                return SetCpuPolicy(operation, domain);
            case DomctlCommand.GetVcpuInfo:
                return GetVcpuInfo(operation, domain);
            case DomctlCommand.SetVcpuAffinity:
                return SetAffinity(operation, domain);
            case DomctlCommand.GetVcpuAffinity:
                return GetAffinity(operation, domain);
            case DomctlCommand.SchedulerOperation:
                return SchedulerParameters(operation, domain);
            case DomctlCommand.SetDomainHandle:
                return GuestAccess.Read(caller, operation.UnionAddress, domain.Handle) ? 0 : EFAULT;
            case DomctlCommand.SetTimeOffset:
                domain.TimeOffsetSeconds = operation.Read<long>();
                WallClock.Publish(domain, cpu);
                return 0;
            case DomctlCommand.Subscribe:
                domain.SuspendPort = operation.Read<uint>();
                return 0;
            case DomctlCommand.SetVirqHandler:
                return caller.Host.VirtualIrqHandlers.Set(operation.Read<uint>(), domain, cpu);
            default:
                return ActOnState(operation, command, domain);
        }
    }

    // For an id without a domain: the next one, as the tools walk the list.
    private static long GetDomainInfo(ControlBuffer operation, Domain? domain)
    {
        if (domain == null)
        {
            if (operation.Domain >= DomainIds.FirstReserved)
                return EINVAL;
            domain = operation.Caller.Host.Domains.NextFrom(operation.Domain);
            if (domain == null)
                return ESRCH;
        }

        operation.Caller.Processor.Subject = domain;
        DomainInfo.Collect(domain, operation.Caller.Processor, out DomctlGetDomainInfo info);
        long result = operation.Store(in info);
        return result != 0 ? result : operation.StoreDomain(domain.Id);
    }

    private static long GetVcpuInfo(ControlBuffer operation, Domain domain)
    {
        DomctlGetVcpuInfo info = operation.Read<DomctlGetVcpuInfo>();
        if (info.Vcpu >= (uint)domain.Settings.MaxVcpus)
            return EINVAL;
        Vcpu? vcpu = domain.FindVcpu(info.Vcpu);
        if (vcpu == null)
            return ESRCH;
        info.Online = vcpu.IsUp ? (byte)1 : (byte)0;
        info.Blocked = (vcpu.PauseFlags & VcpuPauseFlags.Blocked) != 0 ? (byte)1 : (byte)0;
        info.Running = vcpu.IsRunningNow ? (byte)1 : (byte)0;
        info.CpuTime = domain.Host.Scheduler.GetRunningNs(vcpu, operation.Caller.Processor);
        info.Cpu = (uint)vcpu.Processor.Id;
        return operation.Store(in info);
    }
}
