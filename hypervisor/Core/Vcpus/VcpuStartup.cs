// SPDX-License-Identifier: MIT
// INIT and STARTUP messages: how a guest brings up its further vCPUs. Called by ApicBus.

using XenSharp.Edge;

namespace XenSharp.Core.Vcpus;

/// <summary>The two steps (Intel MultiProcessor Specification, B.4), with Xen's rule that each works once.</summary>
public static class VcpuStartup
{
    /// <summary>INIT: the vCPU goes down, its local APIC and what it waited for are forgotten (vcpu_reset of Xen).</summary>
    public static void Initialise(Vcpu target, Cpu caller)
    {
        if (!target.IsInitialised)
            return;
        target.Host.Scheduler.VcpuDown(target, caller);
        // Its CPU lets go of it at once; a vCPU that resets itself ends with this entry. In a ring of vCPUs that reset each other every
        // one has been put down by another: that ends the wait.
        while (target.IsRunningNow && caller.Current != target && caller.Current is not { IsUp: false })
            target.Host.Memory.Barrier();
        target.Apic.Reset();
        target.Host.Scheduler.ResetVcpu(target, caller);
    }

    /// <summary>STARTUP: the vCPU runs in real mode at <paramref name="vector"/> &lt;&lt; 12. Ignored unless an INIT came before.</summary>
    public static void Start(Vcpu target, byte vector, Cpu caller)
    {
        using (SpinLock.Guard guard = target.Lock.Enter(caller))
        {
            if (target.IsInitialised)
                return;
            target.IsInitialised = true;
            target.Context.ResetToStartup(vector);
        }

        target.Host.Scheduler.VcpuUp(target, caller);
    }
}
