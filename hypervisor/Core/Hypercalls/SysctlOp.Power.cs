// SPDX-License-Identifier: MIT
// XEN_SYSCTL_get_pmstat and _pm_op: idle states and frequencies, as xenpm shows them.

using System;
using XenSharp.Abi;
using XenSharp.Core.Memory;
using XenSharp.Core.Vcpus;
using static XenSharp.Core.Hypercalls.HypercallError;

namespace XenSharp.Core.Hypercalls;

/// <summary>struct xen_sysctl_get_pmstat with the member of its union that idle states use.</summary>
public struct IdleStateRequest
{
    public uint Type;
    public uint Cpu;
    public PmCxStat State;
}

/// <summary>The head of struct xen_sysctl_pm_op, with a union member of 32 bits.</summary>
public struct PowerParameterRequest
{
    public uint Command;
    public uint Cpuid;
    public uint Value;
}

public static partial class SysctlOp
{
    // C0 (running) and C1 (HLT).
    private const uint IdleStates = 2;

    /// <summary>Frequencies are left to the firmware (-ENODEV); idle states are told as Xen does before dom0 has uploaded ACPI's.</summary>
    private static long PowerStatistics(ControlBuffer operation)
    {
        IdleStateRequest request = operation.Read<IdleStateRequest>();
        if (request.Cpu >= (uint)operation.Caller.Host.ProcessorCount)
            return EINVAL;
        if ((request.Type & (uint)PmStatType.CategoryMask) != (uint)PmStatType.Cx)
            return ENODEV;
        switch ((PmStatType)request.Type)
        {
            case PmStatType.GetMaxCx:
                request.State.Count = IdleStates;
                return operation.Store(in request);
            case PmStatType.GetCxstat:
                return IdleStatistics(operation, request);
            case PmStatType.ResetCxstat:
                return 0;
            default:
                return ENOSYS;
        }
    }

    private static long IdleStatistics(ControlBuffer operation, IdleStateRequest request)
    {
        Vcpu caller = operation.Caller;
        ref PmCxStat state = ref request.State;
        uint wanted = Math.Min(state.Count, IdleStates);
        state.Count = IdleStates;
        state.Last = 0;
        state.IdleTime = caller.Host.Scheduler.GetIdleNs(caller.Host.Processors[(int)request.Cpu]!, caller.Processor);
        state.PcCount = 0;
        state.CcCount = 0;
        for (uint i = 0; i < wanted; i++)
        {
            ulong entered = 1;
            ulong residency = i == 0 ? caller.Host.Clock.Now - state.IdleTime : state.IdleTime;
            if (!GuestAccess.TryWrite(caller, state.Triggers + (i * sizeof(ulong)), in entered)
                || !GuestAccess.TryWrite(caller, state.Residencies + (i * sizeof(ulong)), in residency))
                return EFAULT;
        }

        return operation.Store(in request);
    }

    private static long PowerParameters(ControlBuffer operation)
    {
        const uint CategoryMask = 0xf0, Frequency = 0x10;
        const ulong ValueOffset = 8;
        PowerParameterRequest request = operation.Read<PowerParameterRequest>();
        Vcpu caller = operation.Caller;
        switch ((PmOperation)request.Command)
        {
            case PmOperation.SetSchedulerOptionSmt:
                if (request.Cpuid != 0)
                    return EINVAL;
                uint former = caller.Host.SmtPowerSavings;
                caller.Host.SmtPowerSavings = request.Value != 0 ? 1U : 0;
                return GuestAccess.TryWrite(caller, operation.UnionAddress + ValueOffset, in former) ? 0 : EFAULT;
            case PmOperation.GetMaxCstate:
                if (request.Cpuid > 1)
                    return EINVAL;
                uint limit = request.Cpuid == 0 ? IdleStates - 1 : SysctlLimits.CxUnlimited; // deepest state, deepest sub-state
                return GuestAccess.TryWrite(caller, operation.UnionAddress + ValueOffset, in limit) ? 0 : EFAULT;
            case PmOperation.SetMaxCstate:
                return request.Cpuid > 1 ? EINVAL : 0; // no state but HLT to be kept from
        }

        if (request.Cpuid >= (uint)caller.Host.ProcessorCount)
            return EINVAL;
        if ((request.Command & CategoryMask) == Frequency)
            return EINVAL; // no CPU has uploaded its performance states
        return (PmOperation)request.Command is PmOperation.EnableTurbo or PmOperation.DisableTurbo ? EACCES : ENOSYS;
    }
}
