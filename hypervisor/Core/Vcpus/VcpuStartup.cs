// SPDX-License-Identifier: MIT
// INIT and STARTUP messages: how a guest brings up its further vCPUs. Called by ApicBus.

using XenSharp.Edge;

namespace XenSharp.Core.Vcpus;

/// <summary>The two steps (Intel MultiProcessor Specification, B.4), with Xen's rule that each works once.</summary>
public static class VcpuStartup
{
    /// <summary>INIT: the vCPU goes down and its local APIC is reset.</summary>
    public static void Initialise(Vcpu target, Cpu caller)
    {
        if (target.AwaitsStartup)
            return;
        target.AwaitsStartup = true;
        target.Apic.Reset();
    }

    /// <summary>STARTUP: the vCPU runs in real mode at <paramref name="vector"/> &lt;&lt; 12. Ignored unless an INIT came before.</summary>
    public static void Start(Vcpu target, byte vector, Cpu caller)
    {
        using (SpinLock.Guard guard = target.Lock.Enter(caller))
        {
            if (!target.AwaitsStartup)
                return;
            target.AwaitsStartup = false;
            target.Context.ResetToStartup(vector);
        }

        target.Host.Scheduler.Wake(target, caller);
    }
}

public sealed partial class Vcpu
{
    /// <summary>The vCPU has been reset and waits for a STARTUP message, or for VCPUOP_initialise. Dom0's builder clears it for vCPU 0.</summary>
    public bool AwaitsStartup { get; set; } = true;
}
