// SPDX-License-Identifier: MIT
// Callbacks of PV guests. Contract: xen/include/public/callback.h of Xen 4.17 (MIT). Used by the hypercall handlers,
// the guests and the tools; layout checked by tests/Unit/Abi.

using System.Runtime.InteropServices;

namespace XenSharp.Abi;

/// <summary>Commands of HYPERVISOR_callback_op, CALLBACKOP_*.</summary>
public enum CallbackOperation : uint
{
    Register = 0, // CALLBACKOP_register: Register a callback.
    Unregister = 1, // CALLBACKOP_unregister: Unregister a callback.
}

/// <summary>Kinds of callbacks, CALLBACKTYPE_*.</summary>
public enum CallbackType : ushort
{
    Event = 0, // CALLBACKTYPE_event: x86: Callback for event delivery.
    Failsafe = 1, // CALLBACKTYPE_failsafe: x86: Failsafe callback when guest state cannot be restored by Xen.
    Syscall = 2, // CALLBACKTYPE_syscall: x86/64 hypervisor: Syscall by 64-bit guest app ('64-on-64-on-64').

    // CALLBACKTYPE_sysenter_deprecated: x86/32 hypervisor: Only available on x86/32 when supervisor_mode_kernel feature is enabled. Do not use this
    // callback type in new code.
    SysenterDeprecated = 3,

    Nmi = 4, // CALLBACKTYPE_nmi: x86: Callback for NMI delivery.

    // CALLBACKTYPE_sysenter: x86: sysenter is only available as follows: - 32-bit hypervisor: with the supervisor_mode_kernel feature enabled
    Sysenter = 5,

    // CALLBACKTYPE_syscall32: x86/64 hypervisor: Syscall by 32-bit guest app on AMD CPUs ('32-on-32-on-64', '32-on-64-on-64')
    Syscall32 = 7,
}

/// <summary>Flags of a callback, CALLBACKF_*.</summary>
public enum CallbackFlags : ushort
{
    MaskEvents = 1 << 0, // CALLBACKF_mask_events
}

/// <summary>struct callback_register, 16 bytes. Register a callback.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct CallbackRegister
{
    public ushort Type;
    public ushort Flags;
    public uint Padding0;
    public ulong Address;
}

/// <summary>struct callback_unregister, 4 bytes. Unregister a callback.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct CallbackUnregister
{
    public ushort Type;
    public ushort Unused;
}
