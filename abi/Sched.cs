// SPDX-License-Identifier: MIT
// Scheduler operations: yield, block, shutdown, poll, watchdog. Contract: xen/include/public/sched.h of Xen 4.17 (MIT).
// Used by the hypercall handlers, the guests and the tools; layout checked by tests/Unit/Abi.

using System.Runtime.InteropServices;

namespace XenSharp.Abi;

/// <summary>Commands of HYPERVISOR_sched_op, SCHEDOP_*.</summary>
public enum SchedulerOperation : uint
{
    Yield = 0, // SCHEDOP_yield: Voluntarily yield the CPU. arg == NULL.

    // SCHEDOP_block: Block execution of this VCPU until an event is received for processing. If called with event upcalls masked, this operation will
    // atomically reenable event delivery and check for pending events before blocking the VCPU. This avoids a "wakeup waiting" race.
    Block = 1,

    // SCHEDOP_shutdown: Halt execution of this domain (all VCPUs) and notify the system controller. arg == pointer to sched_shutdown_t structure.
    Shutdown = 2,

    // SCHEDOP_poll: Poll a set of event-channel ports. Return when one or more are pending. An optional timeout may be specified. arg == pointer to
    // sched_poll_t structure.
    Poll = 3,

    // SCHEDOP_remote_shutdown: Declare a shutdown for another domain. The main use of this function is in interpreting shutdown requests and reasons
    // for fully-virtualized domains. A para-virtualized domain may use SCHEDOP_shutdown directly.
    RemoteShutdown = 4,

    // SCHEDOP_shutdown_code: Latch a shutdown code, so that when the domain later shuts down it reports this code to the control tools. arg ==
    // sched_shutdown_t, as for SCHEDOP_shutdown.
    ShutdownCode = 5,

    // SCHEDOP_watchdog: Setup, poke and destroy a domain watchdog timer. arg == pointer to sched_watchdog_t structure. With id == 0, setup a domain
    // watchdog timer to cause domain shutdown after timeout, returns watchdog id.
    Watchdog = 6,

    // SCHEDOP_pin_override: Override the current vcpu affinity by pinning it to one physical cpu or undo this override restoring the previous
    // affinity. arg == pointer to sched_pin_override_t structure.
    PinOverride = 7,
}

/// <summary>Why a domain stopped, SHUTDOWN_*.</summary>
public enum ShutdownReason : uint
{
    PowerOff = 0, // SHUTDOWN_poweroff: Domain exited normally. Clean up and kill.
    Reboot = 1, // SHUTDOWN_reboot: Clean up, kill, and then restart.
    Suspend = 2, // SHUTDOWN_suspend: Clean up, save suspend info, kill.
    Crash = 3, // SHUTDOWN_crash: Tell controller we've crashed.
    Watchdog = 4, // SHUTDOWN_watchdog: Restart because watchdog time expired.

    // SHUTDOWN_soft_reset: Domain asked to perform 'soft reset' for it. The expected behavior is to reset internal Xen state for the domain returning
    // it to the point where it was created but leaving the domain's memory contents and vCPU contexts intact.
    SoftReset = 5,

    Max = 5, // SHUTDOWN_MAX: Maximum valid shutdown reason.
}

/// <summary>struct sched_shutdown, 4 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct SchedulerShutdown
{
    public ShutdownReason Reason; // IN: SHUTDOWN_* => enum sched_shutdown_reason
}

/// <summary>struct sched_poll, 24 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct SchedulerPoll
{
    public ulong Ports; // IN: guest handle of evtchn_port_t.
    public uint PortCount; // IN
    public uint Padding0;
    public ulong Timeout; // IN
}

/// <summary>struct sched_remote_shutdown, 8 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct SchedulerRemoteShutdown
{
    public ushort DomainId; // IN: Remote domain ID
    public ushort Padding0;
    public ShutdownReason Reason; // IN: SHUTDOWN_* => enum sched_shutdown_reason
}

/// <summary>struct sched_watchdog, 8 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct SchedulerWatchdog
{
    public uint Id; // IN: watchdog ID
    public uint Timeout; // IN: timeout
}

/// <summary>struct sched_pin_override, 4 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct SchedulerPinOverride
{
    public int Pcpu; // IN
}
