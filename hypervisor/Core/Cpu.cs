// SPDX-License-Identifier: MIT
// A physical CPU as the core sees it.

using XenSharp.Core.Domains;
using XenSharp.Core.Scheduling;
using XenSharp.Core.Time;
using XenSharp.Core.Vcpus;
using XenSharp.Edge;

namespace XenSharp.Core;

/// <summary>Per-CPU state of the core.</summary>
public sealed class Cpu : Processor
{
    public Cpu(Host host, int id)
        : base(id)
    {
        Host = host;
        AcpiId = (uint)id;
        Timers = new TimerQueue(host, this);
        Slice = new SliceTimer();
    }

    public Host Host { get; }

    /// <summary>The processor's id in the firmware's tables (MADT), set by the port: dom0 matches its ACPI processors by it.</summary>
    public uint AcpiId { get; set; }

    /// <summary>Non-maskable interrupts taken, counted by the port.</summary>
    public uint NmiCount { get; set; }

    public TimerQueue Timers { get; }

    /// <summary>The vCPU whose guest code runs here (or is about to), null while idle. Written by the scheduler on this CPU only.</summary>
    public Vcpu? Current { get; set; }

    /// <summary>The vCPU that ran here before <see cref="Current"/> while its registers are not saved yet. Written by the scheduler.</summary>
    public Vcpu? Leaving { get; internal set; }

    /// <summary>
    /// The domain that the hypercall being served is about, when the control domain's is about another: a fault then costs that domain, and the
    /// caller gets -EIO. Set by whatever finds it: domctl, memory_op, hvm_op, grant_table_op, event_channel_op (also for the far end of a port), sched_op,
    /// and sysctl while it looks at one domain after the other; cleared by the dispatch behind each call.
    /// </summary>
    public Domain? Subject { get; set; }

    private ulong _passedPeriod;

    /// <summary>The last of <see cref="GracePeriods"/> that this CPU has seen between two entries.</summary>
    internal ulong PassedPeriod
    {
        get => System.Threading.Volatile.Read(ref _passedPeriod);
        set => System.Threading.Volatile.Write(ref _passedPeriod, value);
    }

    /// <summary>Ends the time slice of <see cref="Current"/>.</summary>
    public SliceTimer Slice { get; }

    /// <summary>Time spent idle, ns, and since when the CPU has been idle (0: it is not).</summary>
    public ulong IdleNs { get; set; }

    public ulong IdleSinceNs { get; set; }
}
