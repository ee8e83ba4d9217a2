// SPDX-License-Identifier: MIT
// HVMOP_set_param, HVMOP_get_param (xen/include/public/hvm/params.h): values that a guest and its builder leave for each other.

using System;
using XenSharp.Abi;
using XenSharp.Core.Domains;
using XenSharp.Core.Memory;
using XenSharp.Core.Vcpus;
using static XenSharp.Core.Hypercalls.HypercallError;

namespace XenSharp.Core.Hypercalls;

public static partial class HvmOp
{
    // Who may do what with a parameter.
    private const byte GuestSets = 1, GuestGets = 2, Once = 4, Deprecated = 8;
    private const uint MaxShutdownReason = 5;
    private const ulong MaxRequestServerPages = 64;
    private const uint TaskStateSize = 104, TaskStateLimit = TaskStateSize + 32 + 8192 + 1;
    private const ulong McaCapabilityLmce = 1;

    private static ReadOnlySpan<byte> Rules => new byte[]
    {
        /*  0 CALLBACK_IRQ, STORE_PFN, STORE_EVTCHN, (none) */ GuestSets | GuestGets, GuestGets, GuestSets | GuestGets, 0,
        /*  4 PAE_ENABLED, IOREQ_PFN, BUFIOREQ_PFN, (none) */ Deprecated, Once, Once, 0,
        /*  8 (none), VIRIDIAN, TIMER_MODE, HPET_ENABLED */ 0, Once, 0, 0,
        /* 12 IDENT_PT, DM_DOMAIN, ACPI_S_STATE, VM86_TSS */ 0, Deprecated, 0, GuestSets | GuestGets,
        /* 16 VPT_ALIGN, CONSOLE_PFN, CONSOLE_EVTCHN, ACPI_IOPORTS_LOCATION */ 0, GuestGets, GuestSets | GuestGets, GuestSets | GuestGets,
        /* 20 MEMORY_EVENT_CR0, _CR3, _CR4, _INT3 */ Deprecated, Deprecated, Deprecated, Deprecated,
        /* 24 NESTEDHVM, MEMORY_EVENT_SINGLE_STEP, BUFIOREQ_EVTCHN, PAGING_RING_PFN */ Deprecated, Deprecated, Deprecated, 0,
        /* 28 MONITOR_RING_PFN, SHARING_RING_PFN, MEMORY_EVENT_MSR, TRIPLE_FAULT_REASON */ 0, 0, Deprecated, 0,
        /* 32 IOREQ_SERVER_PFN, NR_IOREQ_SERVER_PAGES, VM_GENERATION_ID_ADDR, ALTP2M */ Once, Once, GuestSets | GuestGets, GuestGets | Once,
        /* 36 X87_FIP_WIDTH, VM86_TSS_SIZED, MCA_CAP */ GuestSets | GuestGets, GuestSets | GuestGets, Once,
    };

    // Reads the request and finds whom it is about; the guest itself needs the right of that name.
    private static long Start(Vcpu caller, ulong argument, byte right, out HvmParamArgument request, out Domain domain)
    {
        domain = caller.Domain;
        if (!GuestAccess.TryRead(caller, argument, out request))
            return EFAULT;
        if ((uint)request.Index >= (uint)Rules.Length)
            return EINVAL;
        long error = DomainLookup.Target(caller, request.DomainId, out domain);
        if (error != 0)
            return error;
        byte rule = Rules[(int)request.Index];
        if ((rule & Deprecated) != 0)
            return EINVAL;
        return (rule & right) == 0 && domain == caller.Domain ? EPERM : 0;
    }

    private static long SetParameter(Vcpu caller, ulong argument)
    {
        long error = Start(caller, argument, GuestSets, out HvmParamArgument request, out Domain domain);
        if (error != 0)
            return error;
        ulong old = domain.HvmParameters[(int)request.Index];
        if ((Rules[(int)request.Index] & Once) != 0 && old != 0 && request.Value != old)
            return EEXIST;
        return Apply(caller, domain, request.Index, request.Value);
    }

    private static long Apply(Vcpu caller, Domain domain, HvmParam index, ulong value)
    {
        switch (index)
        {
            case HvmParam.CallbackIrq:
                domain.SetHvmParameter((int)index, value);
                if (domain == caller.Domain)
                    domain.LatchSharedForm(caller);
                foreach (Vcpu? vcpu in domain.Vcpus)
                {
                    if (vcpu != null && vcpu.IsUp)
                        vcpu.AssertUpcall(caller.Processor);
                }

                return 0;
            case HvmParam.TimerMode:
                if (value > (ulong)HvmTimerMode.OneMissedTickPending)
                    return EINVAL;
                break;
            case HvmParam.Viridian:
                if ((value & ~(ulong)ViridianFeatures.FeatureMask) != 0 || (value & (ulong)ViridianFeatures.BaseFrequency) == 0)
                    return EINVAL;
                break;
            case HvmParam.AcpiSState:
                if (value is not (0 or 3))
                    return EINVAL;
                return 0; // a PVH domain neither sleeps nor wakes by this
            case HvmParam.AcpiIoPortsLocation:
                return ENODEV; // no emulated power-management timer
            case HvmParam.Altp2m:
                if (!caller.Domain.IsPrivileged)
                    return EPERM;
                if (value > (ulong)HvmAltp2mMode.Limited)
                    return EINVAL;
                break;
            case HvmParam.TripleFaultReason:
                if (value > MaxShutdownReason)
                    return EINVAL;
                break;
            case HvmParam.IoRequestServerPageCount:
                if (value is 0 or > MaxRequestServerPages)
                    return EINVAL;
                break;
            case HvmParam.X87FipWidth:
                if (value is not (0 or 4 or 8))
                    return EINVAL;
                break;
            case HvmParam.Vm86Tss:
                if (value > uint.MaxValue)
                    return RefuseTaskState(caller, domain);
                index = HvmParam.Vm86TssSized;
                value = value == 0 ? 0 : value | (128UL << 32);
                break;
            case HvmParam.Vm86TssSized:
                if (value >> 32 < TaskStateSize)
                    return RefuseTaskState(caller, domain);
                if (value >> 32 > TaskStateLimit)
                    value = (uint)value | ((ulong)TaskStateLimit << 32);
                break;
            case HvmParam.McaCap:
                if (value != 0 && ((value & ~McaCapabilityLmce) != 0 || domain.Cpuid.IsAmd))
                    return EINVAL; // local machine checks are Intel's
                break;
        }

        domain.SetHvmParameter((int)index, value);
        return 0;
    }

    // A domain that gives itself an impossible task state segment has lost its way (as in Xen).
    private static long RefuseTaskState(Vcpu caller, Domain domain)
    {
        if (domain == caller.Domain)
            domain.Crash(caller.Processor);
        return EINVAL;
    }

    private static long GetParameter(Vcpu caller, ulong argument)
    {
        long error = Start(caller, argument, GuestGets, out HvmParamArgument request, out Domain domain);
        if (error != 0)
            return error;
        request.Value = request.Index == HvmParam.Vm86Tss
            ? (uint)domain.HvmParameters[(int)HvmParam.Vm86TssSized]
            : domain.HvmParameters[(int)request.Index];
        return GuestAccess.TryWrite(caller, argument, in request) ? 0 : EFAULT;
    }
}
