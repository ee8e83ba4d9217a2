// SPDX-License-Identifier: MIT
// Making a vCPU and taking it away. Called by the dom0 builder and the life of domains.

using XenSharp.Core.Domains;
using XenSharp.Core.Time;
using XenSharp.Devices.Apic;
using XenSharp.Edge;

namespace XenSharp.Core.Vcpus;

public sealed partial class Vcpu
{
    /// <summary>The region of the vCPU and its parts; none for dom0's.</summary>
    internal RegionSlot Region { get; set; }

    /// <summary>
    /// Makes a vCPU with its registers and its APIC, and puts it into its place. It is down. Null when no memory is left, nothing has changed
    /// then. Boot, or inside a region.
    /// </summary>
    public static Vcpu? Create(Domain domain, uint id, Cpu caller)
    {
        Vcpu? vcpu = CreateParts(domain, id);
        if (vcpu == null)
            return null;
        VcpuInfoArea.Reset(vcpu);
        domain.Host.Scheduler.Add(vcpu, caller);
        domain.Vcpus[(int)id] = vcpu;
        return vcpu;
    }

    /// <summary>The objects of a vCPU that nobody knows yet.</summary>
    public static Vcpu? CreateParts(Domain domain, uint id)
    {
        VcpuContext? context = domain.Host.Guests.CreateContext(domain);
        if (context == null)
            return null;
        VcpuApicHost apicHost = new();
        Vcpu vcpu = new(domain, id, context, new LocalApic((int)id, apicHost));
        apicHost.Attach(vcpu);
        domain.Host.Guests.Attach(context, vcpu);
        context.StopsForDebugger = domain.IsDebugged;
        return vcpu;
    }

    /// <summary>Stops every timer of the vCPU, which does not run any more; true when one was armed.</summary>
    internal bool StopTimers(Cpu caller)
    {
        bool any = SingleshotTimer.IsArmed || PeriodicTimer.IsArmed || PollTimer.IsArmed || ApicTimer!.IsArmed;
        PeriodicTimer.Set(0, caller);
        TimerQueue.Cancel(SingleshotTimer, caller);
        TimerQueue.Cancel(PollTimer, caller);
        TimerQueue.Cancel(ApicTimer!, caller);
        return any;
    }
}
