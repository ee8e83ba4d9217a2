// SPDX-License-Identifier: MIT
// Domctls about where and how much a domain's vCPUs run.

using XenSharp.Abi;
using XenSharp.Core.Domains;
using XenSharp.Core.Memory;
using XenSharp.Core.Scheduling;
using XenSharp.Core.Vcpus;
using static XenSharp.Core.Hypercalls.HypercallError;

namespace XenSharp.Core.Hypercalls;

public static partial class DomctlOp
{
    private const VcpuAffinityFlags AffinityHard = VcpuAffinityFlags.Hard, AffinitySoft = VcpuAffinityFlags.Soft;
    private const ulong WeightOffset = 8;

    private static long SetAffinity(ControlBuffer operation, Domain domain)
    {
        DomctlVcpuAffinity request = operation.Read<DomctlVcpuAffinity>();
        Vcpu caller = operation.Caller;
        Scheduler scheduler = domain.Host.Scheduler;
        if (request.Flags == 0)
            return EINVAL;
        if (request.Vcpu >= (uint)domain.Settings.MaxVcpus)
            return EINVAL;
        Vcpu? vcpu = domain.FindVcpu(request.Vcpu);
        if (vcpu == null)
            return ESRCH;
        ulong hard = 0, soft = 0;
        if ((request.Flags & AffinityHard) != 0 && !GuestBitmap.TryRead(caller, in request.CpuMapHard, out hard))
            return EFAULT;
        if ((request.Flags & AffinitySoft) != 0 && !GuestBitmap.TryRead(caller, in request.CpuMapSoft, out soft))
            return EFAULT;
        hard &= scheduler.AllProcessors;
        soft &= scheduler.AllProcessors;
        if ((request.Flags & AffinityHard) != 0)
        {
            long result = scheduler.SetHardAffinity(vcpu, hard, caller.Processor);
            if (result != 0)
                return result;

            // What came of it goes back: the CPUs that exist.
            if (!GuestBitmap.TryWrite(caller, in request.CpuMapHard, vcpu.HardAffinity & scheduler.AllProcessors, domain.Host.ProcessorCount))
                return EFAULT;
        }

        if ((request.Flags & AffinitySoft) == 0)
            return 0;
        long softResult = scheduler.SetSoftAffinity(vcpu, soft, caller.Processor);
        if (softResult != 0)
            return softResult;
        ulong effective = vcpu.SoftAffinity & vcpu.HardAffinity & scheduler.AllProcessors;
        return GuestBitmap.TryWrite(caller, in request.CpuMapSoft, effective, domain.Host.ProcessorCount) ? 0 : EFAULT;
    }

    private static long GetAffinity(ControlBuffer operation, Domain domain)
    {
        DomctlVcpuAffinity request = operation.Read<DomctlVcpuAffinity>();
        Vcpu caller = operation.Caller;
        if (request.Flags == 0)
            return EINVAL;
        if (request.Vcpu >= (uint)domain.Settings.MaxVcpus)
            return EINVAL;
        Vcpu? vcpu = domain.FindVcpu(request.Vcpu);
        if (vcpu == null)
            return ESRCH;
        int known = domain.Host.ProcessorCount;
        if ((request.Flags & AffinityHard) != 0 && !GuestBitmap.TryWrite(caller, in request.CpuMapHard, vcpu.HardAffinity, known))
            return EFAULT;
        if ((request.Flags & AffinitySoft) != 0 && !GuestBitmap.TryWrite(caller, in request.CpuMapSoft, vcpu.SoftAffinity, known))
            return EFAULT;
        return 0;
    }

    // XEN_DOMCTL_scheduler_op: weight and cap of the one scheduler there is.
    private static long SchedulerParameters(ControlBuffer operation, Domain domain)
    {
        DomctlSchedulerOperation request = operation.Read<DomctlSchedulerOperation>();
        Vcpu caller = operation.Caller;
        if ((uint)request.SchedulerId != Scheduler.Id)
            return EINVAL;
        switch (request.Command)
        {
            case DomctlSchedulerCommand.PutInfo:
                if (!GuestAccess.TryRead(caller, operation.UnionAddress + WeightOffset, out DomctlSchedulerCredit2 parameters))
                    return EFAULT;
                return domain.Host.Scheduler.SetParameters(domain, parameters.Weight, parameters.Cap, caller.Processor);
            case DomctlSchedulerCommand.GetInfo:
                DomctlSchedulerCredit2 current;
                current.Weight = domain.Scheduling.Weight;
                current.Cap = domain.Scheduling.Cap;
                return GuestAccess.TryWrite(caller, operation.UnionAddress + WeightOffset, in current) ? 0 : EFAULT;
            default:
                return EINVAL; // credit2 has no parameters of single vCPUs
        }
    }
}
