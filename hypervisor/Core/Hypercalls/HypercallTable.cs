// SPDX-License-Identifier: MIT
// The one way into the hypervisor for guests: number -> who may call -> handler. Called by the port's exit handler.

using System;
using System.Runtime.CompilerServices;
using XenSharp.Abi;
using XenSharp.Core.Debugging;
using XenSharp.Core.Vcpus;
using XenSharp.Edge;
using static XenSharp.Core.Hypercalls.HypercallError;

namespace XenSharp.Core.Hypercalls;

/// <summary>
/// The dispatch table: for each number of xen/include/public/xen.h the guest types that have the call and the permission it takes
/// (columns hvm64 and hvm32 of xen/include/hypercall-defs.c, which name the same calls); <see cref="Call"/> names the handler of those
/// without permission, <see cref="CallControl"/> of the others. A number outside it is -ENOSYS.
/// </summary>
public static class HypercallTable
{
    // Columns.
    private const byte Pvh = 1;
    private const byte Control = 2;

    // A power of two.
    private const int ColumnCount = 64;

    /// <summary>Whoever has none of these bits is refused.</summary>
    private static ReadOnlySpan<byte> Columns => new byte[]
    {
        /*  0 set_trap_table, mmu_update, set_gdt, stack_switch */ 0, 0, 0, 0,
        /*  4 set_callbacks, fpu_taskswitch, sched_op_compat, platform_op */ 0, 0, 0, Pvh | Control,
        /*  8 set_debugreg, get_debugreg, update_descriptor, (none) */ 0, 0, 0, 0,
        /* 12 memory_op, multicall, update_va_mapping, set_timer_op */ Pvh, Pvh, 0, Pvh,
        /* 16 event_channel_op_compat, xen_version, console_io, physdev_op_compat */ 0, Pvh, Pvh, 0,
        /* 20 grant_table_op, vm_assist, update_va_mapping_otherdomain, iret */ Pvh, Pvh, 0, 0,
        /* 24 vcpu_op, set_segment_base, mmuext_op, xsm_op */ Pvh, 0, Pvh, Pvh,
        /* 28 nmi_op, sched_op, callback_op, xenoprof_op */ 0, Pvh, 0, 0,
        /* 32 event_channel_op, physdev_op, hvm_op, sysctl */ Pvh, Pvh, Pvh, Pvh | Control,
        /* 36 domctl, kexec_op, tmem_op, argo_op */ Pvh | Control, 0, 0, 0,
        /* 40 xenpmu_op, dm_op, hypfs_op, (none) */ Pvh, Pvh, Pvh | Control, 0,
        /* 44 (none) */ 0, 0, 0, 0,
        /* 48 mca, paging_domctl_cont, (none) */ 0, Pvh, 0, 0,
        /* 52 (none) */ 0, 0, 0, 0,
        /* 56 (none) */ 0, 0, 0, 0,
        /* 60 (none) */ 0, 0, 0, 0,
    };

    /// <summary>
    /// Performs the hypercall whose registers the vCPU holds. True: it is not finished; the registers name the rest, the instruction
    /// pointer must stay on the instruction, and the CPU looks at its pending work before it enters the guest again.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Dispatch(Vcpu caller)
    {
        VcpuContext context = caller.Context;
        if (context.PrivilegeLevel != 0)
        {
            context.Rax = unchecked((ulong)EPERM);
            return false;
        }

        caller.Translations.BeginHypercall();
        if (!context.Is64Bit)
            return DispatchNarrow(caller, context);
        ref HypercallArguments arguments = ref caller.Arguments;
        arguments.First = context.Rdi;
        arguments.Second = context.Rsi;
        arguments.Third = context.Rdx;
        arguments.Fourth = context.R10;
        arguments.Fifth = context.R8;
        caller.Continuation.Budget = HypercallContinuation.InitialBudget;
        long result = Call(caller, context.Rax, in arguments);
        caller.Translations.EndHypercall();
        caller.Processor.Subject = null;
        if (caller.Continuation.IsRequested)
        {
            Rewind(caller, context);
            return true;
        }

        context.Rax = (ulong)result;
        return false;
    }

    /// <summary>One call, from registers or from an entry of a multicall.</summary>
    internal static long Call(Vcpu caller, ulong number, in HypercallArguments arguments)
    {
        if (number >= (ulong)Columns.Length)
            return ENOSYS;
        byte columns = Columns[(int)number & (ColumnCount - 1)];
        if (columns != Pvh)
            return CallControl(caller, number, columns, in arguments);
        switch ((HypercallNumber)number)
        {
            case HypercallNumber.MemoryOperation: return MemoryOp.Call(caller, in arguments);
            case HypercallNumber.Multicall: return MulticallOp.Call(caller, in arguments);
            case HypercallNumber.SetTimerOperation: return TimerOp.Call(caller, in arguments);
            case HypercallNumber.XenVersion: return VersionOp.Call(caller, in arguments);
            case HypercallNumber.ConsoleIo: return ConsoleOp.Call(caller, in arguments);
            case HypercallNumber.GrantTableOperation: return GrantTableOp.Call(caller, in arguments);
            case HypercallNumber.VmAssist: return VmAssistOp.Call(caller, in arguments);
            case HypercallNumber.VcpuOperation: return VcpuOp.Call(caller, in arguments);
            case HypercallNumber.MmuExtendedOperation: return MmuExtendedOp.Call(caller, in arguments);
            case HypercallNumber.SchedulerOperation: return SchedOp.Call(caller, in arguments);
            case HypercallNumber.EventChannelOperation: return EventChannelOp.Call(caller, in arguments);
            case HypercallNumber.PhysicalDeviceOperation: return PhysDevOp.Call(caller, in arguments);
            case HypercallNumber.HvmOperation: return HvmOp.Call(caller, in arguments);
            case HypercallNumber.XenpmuOperation: return PmuOp.Call(caller, in arguments);
            case HypercallNumber.DmOperation: return DeviceModelOp.Call(caller, in arguments);
            case HypercallNumber.Arch1: return PagingControl.Call(caller, in arguments);
            default: return ENOSYS; // xsm_op: no security module, as in Debian's build
        }
    }

    // What only a control domain has, and what nobody has.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static long CallControl(Vcpu caller, ulong number, byte columns, in HypercallArguments arguments)
    {
        if (number == PlantedFault.Number)
            PlantedFault.Strike(caller.Host);
        if ((columns & Control) == 0)
            return ENOSYS;
        if (!caller.Domain.IsPrivileged)
            return ControlRefusal.Answer(caller, (HypercallNumber)number, in arguments);
        switch ((HypercallNumber)number)
        {
            case HypercallNumber.PlatformOperation: return PlatformOp.Call(caller, in arguments);
            case HypercallNumber.Sysctl: return SysctlOp.Call(caller, in arguments);
            case HypercallNumber.Domctl: return DomctlOp.Call(caller, in arguments);
            default: return HypFsOp.Call(caller, in arguments);
        }
    }

    // A 32-bit caller: the handlers are the same, and find in IsNarrow how its structures are laid out.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool DispatchNarrow(Vcpu caller, VcpuContext context)
    {
        HypercallArguments arguments;
        arguments.First = (uint)context.Rbx;
        arguments.Second = (uint)context.Rcx;
        arguments.Third = (uint)context.Rdx;
        arguments.Fourth = (uint)context.Rsi;
        arguments.Fifth = (uint)context.Rdi;
        caller.Continuation.Budget = HypercallContinuation.InitialBudget;
        caller.IsNarrow = true;
        long result = Call(caller, (uint)context.Rax, in arguments);
        caller.Translations.EndHypercall();
        caller.Processor.Subject = null;
        caller.IsNarrow = false;
        if (!caller.Continuation.IsRequested)
        {
            context.Rax = (uint)result;
            return false;
        }

        caller.Continuation.IsRequested = false;
        context.Rbx = (uint)caller.Continuation.Arguments.First;
        context.Rcx = (uint)caller.Continuation.Arguments.Second;
        context.Rdx = (uint)caller.Continuation.Arguments.Third;
        context.Rsi = (uint)caller.Continuation.Arguments.Fourth;
        context.Rdi = (uint)caller.Continuation.Arguments.Fifth;
        return true;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Rewind(Vcpu caller, VcpuContext context)
    {
        caller.Continuation.IsRequested = false;
        context.Rdi = caller.Continuation.Arguments.First;
        context.Rsi = caller.Continuation.Arguments.Second;
        context.Rdx = caller.Continuation.Arguments.Third;
        context.R10 = caller.Continuation.Arguments.Fourth;
        context.R8 = caller.Continuation.Arguments.Fifth;
    }
}
