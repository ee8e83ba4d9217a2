// SPDX-License-Identifier: MIT
// What the scheduler keeps with a vCPU. Only Scheduling/ writes here; the run queue's lock guards everything but the pause flags.

using System.Threading;

namespace XenSharp.Core.Vcpus;

public sealed partial class Vcpu
{
    internal uint PauseFlagBits = (uint)VcpuPauseFlags.Down;
    internal bool RunningNow;

    // Entity of the run queue.
    internal bool IsAdded;
    internal bool IsQueued;
    internal bool IsYielding;
    internal Vcpu? QueueNext;
    internal Vcpu? QueuePrevious;
    internal Vcpu? MemberNext;
    internal Vcpu? MemberPrevious;
    internal long CreditNs;
    internal ulong BurnFromNs;
    internal ulong RunSinceNs;
    internal ulong SavedHardAffinity;
    internal bool IsAffinityOverridden;

    /// <summary>The port for which the vCPU polls: 0 when it does not poll, -1 for several (poll_evtchn of Xen).</summary>
    public long PollPort { get; internal set; }

    /// <summary>Why the vCPU does not run; changes at any time, on any CPU.</summary>
    public VcpuPauseFlags PauseFlags => (VcpuPauseFlags)Volatile.Read(ref PauseFlagBits);

    /// <summary>How many times the vCPU itself is paused; above 0 it does not run.</summary>
    public int PauseCount { get; internal set; }

    /// <summary>Those of <see cref="PauseCount"/> that the debugger has asked for.</summary>
    public int ControllerPauseCount { get; internal set; }

    /// <summary>
    /// True from the moment a CPU has chosen the vCPU until that CPU's port has saved its registers (Scheduler.ContextSaved).
    /// While false, nobody uses the register state, and <see cref="Processor"/> tells where it last ran.
    /// </summary>
    public bool IsRunningNow => Volatile.Read(ref RunningNow);

    /// <summary>The vCPU has register state to start with: set by the domain builder, VCPUOP_initialise or the start-up message.</summary>
    public bool IsInitialised { get; set; }

    /// <summary>CPUs on which the vCPU may run, one bit each.</summary>
    public ulong HardAffinity { get; internal set; } = ulong.MaxValue;

    /// <summary>CPUs on which the vCPU runs best, one bit each.</summary>
    public ulong SoftAffinity { get; internal set; } = ulong.MaxValue;

    /// <summary>Its domain has used up what its cap gives for this period: the vCPU is runnable and not in the run queue.</summary>
    public bool IsParked { get; internal set; }

    /// <summary>Credit left, ns of the heaviest vCPU's running.</summary>
    public long Credit => CreditNs;

    /// <summary>Nothing keeps the vCPU from running.</summary>
    public bool IsRunnable => Volatile.Read(ref PauseFlagBits) == 0 && PauseCount == 0 && Domain.PauseCount == 0;

    /// <summary>Brought up, whether paused or not (VCPUOP_is_up).</summary>
    public bool IsUp => (PauseFlags & VcpuPauseFlags.Down) == 0;

    internal void SetPauseFlags(VcpuPauseFlags flags) => Interlocked.Or(ref PauseFlagBits, (uint)flags);

    /// <summary>Clears one flag; true when it was set.</summary>
    internal bool ClearPauseFlag(VcpuPauseFlags flag) => (Interlocked.And(ref PauseFlagBits, ~(uint)flag) & (uint)flag) != 0;

    /// <summary>Sets one flag; true when it was clear.</summary>
    internal bool RaisePauseFlag(VcpuPauseFlags flag) => (Interlocked.Or(ref PauseFlagBits, (uint)flag) & (uint)flag) == 0;
}
