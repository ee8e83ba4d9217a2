// SPDX-License-Identifier: MIT
// HYPERVISOR_hvm_op (xen/include/public/hvm/hvm_op.h): parameters and odds and ends of HVM and PVH guests.

using XenSharp.Abi;
using XenSharp.Core.Domains;
using XenSharp.Core.Memory;
using XenSharp.Core.Vcpus;
using XenSharp.Edge;
using static XenSharp.Core.Hypercalls.HypercallError;

namespace XenSharp.Core.Hypercalls;

/// <summary>HVMOP_*. Operations for device models have moved to dm_op; altp2m needs hardware that AMD has not.</summary>
public static partial class HvmOp
{
    private const uint TraceEventLimit = 1u << 12;
    private const int TraceExtraBytes = 28;
    private const byte LowestVector = 0x10;

    public static long Call(Vcpu caller, in HypercallArguments arguments)
    {
        ulong argument = arguments.Second;
        if (arguments.First > uint.MaxValue)
            return ENOSYS;
        switch ((HvmOperation)(uint)arguments.First)
        {
            case HvmOperation.SetEventChannelUpcallVector:
                return SetUpcallVector(caller, argument);
            case HvmOperation.SetParam:
                return SetParameter(caller, argument);
            case HvmOperation.GetParam:
                return GetParameter(caller, argument);
            case HvmOperation.FlushTlbs:
                if (argument != 0)
                    return EINVAL;
                caller.Domain.P2m.Flush();
                return 0;
            case HvmOperation.GetMemoryType:
                return GetMemoryType(caller, argument);
            case HvmOperation.PageTableDying:
                return PageTableDying(caller, argument);
            case HvmOperation.GetTime:
                ulong now = caller.Host.Clock.Now;
                return GuestAccess.TryWrite(caller, argument, in now) ? 0 : EFAULT;
            case HvmOperation.XenTrace:
                return Trace(caller, argument);
            case HvmOperation.GuestRequestVmEvent:
                return argument != 0 ? EINVAL : 0; // nobody monitors
            case HvmOperation.Altp2m:
                return EOPNOTSUPP;
            default:
                return ENOSYS;
        }
    }

    private static long SetUpcallVector(Vcpu caller, ulong argument)
    {
        if (!GuestAccess.TryRead(caller, argument, out HvmEventChannelUpcallVector request))
            return EFAULT;
        if (request.Vector < LowestVector)
            return EINVAL;
        Vcpu? vcpu = caller.Domain.FindVcpu(request.Vcpu);
        if (vcpu == null)
            return ENOENT;
        vcpu.UpcallVector = request.Vector;
        vcpu.AssertUpcall(caller.Processor);
        return 0;
    }

    // Nested paging has no shadow of a guest's page tables to drop.
    private static long PageTableDying(Vcpu caller, ulong argument)
    {
        if (!GuestAccess.TryRead(caller, argument, out HvmPageTableDying request))
            return EFAULT;
        Domain? domain = DomainLookup.ByAnyId(caller.Domain, request.DomainId);
        if (domain == null)
            return ESRCH;
        return domain == caller.Domain ? EINVAL : EOPNOTSUPP;
    }

    private static long GetMemoryType(Vcpu caller, ulong argument)
    {
        if (!GuestAccess.TryRead(caller, argument, out HvmGetMemoryType request))
            return EFAULT;
        long error = DomainLookup.Target(caller, request.DomainId, out Domain domain);
        if (error != 0)
            return error;
        P2mType type = request.Pfn < domain.P2m.FrameLimit ? domain.P2m.Lookup(new Gfn(request.Pfn)).Type : P2mType.None;
        request.MemoryType = type switch
        {
            P2mType.Ram or P2mType.OnDemand or P2mType.Shared or P2mType.GrantWritable => (ushort)HvmMemoryType.RamRw,
            P2mType.RamReadOnly or P2mType.GrantReadOnly => (ushort)HvmMemoryType.RamRo,
            _ => (ushort)HvmMemoryType.MmioDeviceModel,
        };
        return GuestAccess.TryWrite(caller, argument, in request) ? 0 : EFAULT;
    }

    private static long Trace(Vcpu caller, ulong argument)
    {
        if (!GuestAccess.TryRead(caller, argument, out HvmXenTrace record))
            return EFAULT;
        return record.ExtraBytes > TraceExtraBytes || record.Event >= TraceEventLimit ? EINVAL : 0;
    }
}
