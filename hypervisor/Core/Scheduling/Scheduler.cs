// SPDX-License-Identifier: MIT
// Which vCPU runs where, and for how long.

using XenSharp.Core.Vcpus;

namespace XenSharp.Core.Scheduling;

/// <summary>The scheduler of all CPUs.</summary>
public sealed class Scheduler(Host host)
{
    public Host Host { get; } = host;

    /// <summary>Makes a blocked vCPU runnable, or kicks a running one out of guest mode so that it sees new interrupts.</summary>
    public void Wake(Vcpu vcpu, Cpu caller) { }

    /// <summary>Chooses what the calling CPU runs next; null: idle.</summary>
    public Vcpu? Schedule(Cpu processor) => processor.Current;
}
