// SPDX-License-Identifier: MIT
// Operations on vCPUs: bring up and down, runstate, timers, placement of vcpu_info. Contract: xen/include/public/vcpu.h
// of Xen 4.17 (MIT). Used by the hypercall handlers, the guests and the tools; layout checked by tests/Unit/Abi.

using System.Runtime.InteropServices;

namespace XenSharp.Abi;

/// <summary>Commands of HYPERVISOR_vcpu_op(cmd, vcpu, argument), VCPUOP_*.</summary>
public enum VcpuOperation : uint
{
    // VCPUOP_initialise: Initialise a VCPU. Each VCPU can be initialised only once. A newly-initialised VCPU will not run until it is brought up by
    // VCPUOP_up.
    Initialise = 0,

    // VCPUOP_up: Bring up a VCPU. This makes the VCPU runnable. This operation will fail if the VCPU has not been initialised (VCPUOP_initialise).
    Up = 1,

    Down = 2, // VCPUOP_down: Bring down a VCPU (i.e., make it non-runnable).
    IsUp = 3, // VCPUOP_is_up: Returns 1 if the given VCPU is up.

    // VCPUOP_get_runstate_info: Return information about the state and running time of a VCPU. extra_arg == pointer to vcpu_runstate_info structure.
    GetRunstateInfo = 4,

    // VCPUOP_register_runstate_memory_area: Register a shared memory area from which the guest may obtain its own runstate information without
    // needing to execute a hypercall.
    RegisterRunstateMemoryArea = 5,

    SetPeriodicTimer = 6, // VCPUOP_set_periodic_timer: arg == vcpu_set_periodic_timer_t
    StopPeriodicTimer = 7, // VCPUOP_stop_periodic_timer: arg == NULL
    SetSingleShotTimer = 8, // VCPUOP_set_singleshot_timer: arg == vcpu_set_singleshot_timer_t
    StopSingleShotTimer = 9, // VCPUOP_stop_singleshot_timer: arg == NULL
    RegisterVcpuInfo = 10, // VCPUOP_register_vcpu_info: arg == vcpu_register_vcpu_info_t
    SendNmi = 11, // VCPUOP_send_nmi: Send an NMI to the specified VCPU. extra_arg == NULL.
    GetPhysicalId = 12, // VCPUOP_get_physid: arg == vcpu_get_physid_t

    // VCPUOP_register_vcpu_time_memory_area: Register a memory location to get a secondary copy of the vcpu time parameters.
    RegisterVcpuTimeMemoryArea = 13,
}

/// <summary>What a vCPU is doing, RUNSTATE_*.</summary>
public enum RunstateKind
{
    Running = 0, // RUNSTATE_running: VCPU is currently running on a physical CPU.
    Runnable = 1, // RUNSTATE_runnable: VCPU is runnable, but not currently scheduled on any physical CPU.
    Blocked = 2, // RUNSTATE_blocked: VCPU is blocked (a.k.a. idle). It is therefore not runnable.

    // RUNSTATE_offline: VCPU is not runnable, but it is not blocked. This is a 'catch all' state for things like hotplug and pauses by the system
    // administrator (or for critical sections in the hypervisor). RUNSTATE_blocked dominates this state (it is the preferred state).
    Offline = 3,
}

/// <summary>Flags of VCPUOP_set_singleshot_timer, VCPU_SSHOTTMR_*.</summary>
public enum VcpuSingleShotTimerFlags : uint
{
    Future = 1u << 0, // VCPU_SSHOTTMR_future
}

/// <summary>Marks in vcpu_runstate_info.</summary>
public static class RunstateConstants
{
    // XEN_RUNSTATE_UPDATE: Update indicator set in state_entry_time: When activated via VMASST_TYPE_runstate_update_flag, set during updates in guest
    // memory mapped copy of vcpu_runstate_info.
    public const ulong Update = 1ul << 63;
}

/// <summary>
/// struct vcpu_runstate_info, 48 bytes. Return information about the state and running time of a VCPU. extra_arg == pointer to vcpu_runstate_info
/// structure.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct RunstateInfo
{
    public RunstateKind State; // OUT: what the vCPU is doing, RUNSTATE_*.
    public uint Padding0;
    public ulong StateEntryTime; // OUT: When was current state entered (system time, ns)?

    // OUT: Time spent in each RUNSTATE_* (ns). The sum of these times is guaranteed not to drift from system time.
    public UInt64Array4 Time;
}

/// <summary>
/// struct vcpu_register_runstate_memory_area, 8 bytes. Register a shared memory area from which the guest may obtain its own runstate information
/// without needing to execute a hypercall.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct VcpuRegisterRunstateMemoryArea
{
    public ulong Address; // IN: union of h, v, p; guest handle of RunstateInfo.
}

/// <summary>
/// struct vcpu_set_periodic_timer, 8 bytes. Set or stop a VCPU's periodic timer. Every VCPU has one periodic timer which can be set via these
/// commands. Periods smaller than one millisecond may not be supported.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct VcpuSetPeriodicTimer
{
    public ulong PeriodNs; // IN
}

/// <summary>
/// struct vcpu_set_singleshot_timer, 16 bytes. Set or stop a VCPU's single-shot timer. Every VCPU has one single-shot timer which can be set via
/// these commands.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct VcpuSetSingleShotTimer
{
    public ulong TimeoutAbsNs; // IN: Absolute system time value in nanoseconds.
    public VcpuSingleShotTimerFlags Flags; // IN: VCPU_SSHOTTMR_???
    public uint Padding0;
}

/// <summary>
/// struct vcpu_register_vcpu_info, 16 bytes. Register a memory location in the guest address space for the vcpu_info structure. This allows the guest
/// to place the vcpu_info structure in a convenient place, such as in a per-cpu data area.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct VcpuRegisterVcpuInfo
{
    public ulong Mfn; // IN: mfn of page to place vcpu_info
    public uint Offset; // IN: offset within page
    public uint Reserved; // IN: unused
}

/// <summary>
/// struct vcpu_get_physid, 8 bytes. Get the physical ID information for a pinned vcpu's underlying physical processor. The physical ID informmation
/// is architecture-specific. On x86: id[31:0]=apic_id, id[63:32]=acpi_id. This command returns -EINVAL if it is not a valid operation for this VCPU.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct VcpuGetPhysicalId
{
    public ulong PhysId; // OUT
}

/// <summary>struct vcpu_register_time_memory_area, 8 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct VcpuRegisterTimeMemoryArea
{
    public ulong Address; // IN: union of h, v, p; guest handle of VcpuTimeInfo.
}
