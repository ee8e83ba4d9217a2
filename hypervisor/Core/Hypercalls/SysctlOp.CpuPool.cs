// SPDX-License-Identifier: MIT
// XEN_SYSCTL_cpupool_op: groups of CPUs with a scheduler each. There is one group, of all CPUs.

using XenSharp.Abi;
using XenSharp.Core.Domains;
using XenSharp.Core.Memory;
using XenSharp.Core.Scheduling;
using static XenSharp.Core.Hypercalls.HypercallError;

namespace XenSharp.Core.Hypercalls;

public static partial class SysctlOp
{
    private static long CpuPool(ControlBuffer operation)
    {
        SysctlCpupoolOperation request = operation.Read<SysctlCpupoolOperation>();
        Host host = operation.Caller.Host;
        switch (request.Operation)
        {
            case CpupoolOperation.Create:
                return request.CpupoolId == 0 ? EEXIST : EOPNOTSUPP;
            case CpupoolOperation.Destroy:
                return request.CpupoolId == 0 ? EBUSY : ENOENT;
            case CpupoolOperation.Info:
                if (request.CpupoolId != 0)
                    return ENOENT;
                request.SchedulerId = Scheduler.Id;
                request.DomainCount = (uint)host.Domains.Count;
                if (!GuestBitmap.TryWrite(operation.Caller, in request.CpuMap, host.Scheduler.AllProcessors, host.ProcessorCount))
                    return EFAULT;
                return operation.Store(in request);
            case CpupoolOperation.AddCpu:
                if (request.CpupoolId != 0)
                    return ENOENT;
                return request.Cpu < (uint)host.ProcessorCount || request.Cpu == SysctlConstants.CpupoolParameterAny ? ENODEV : EINVAL;
            case CpupoolOperation.RemoveCpu:
                if (request.CpupoolId != 0)
                    return ENOENT;
                uint leaving = request.Cpu == SysctlConstants.CpupoolParameterAny ? (uint)host.ProcessorCount - 1 : request.Cpu;
                return leaving == 0 || leaving >= (uint)host.ProcessorCount ? EINVAL : EBUSY; // CPU 0 never leaves the first pool
            case CpupoolOperation.MoveDomain:
                long result = DomainLookup.Remote(operation.Caller.Domain, (ushort)request.DomainId, out _);
                if (result != 0)
                    return result;
                return request.CpupoolId == 0 ? 0 : ENOENT;
            case CpupoolOperation.FreeInfo:
                if (!GuestBitmap.TryWrite(operation.Caller, in request.CpuMap, 0, host.ProcessorCount))
                    return EFAULT;
                return operation.Store(in request);
            default:
                return ENOSYS;
        }
    }
}
