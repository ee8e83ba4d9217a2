// SPDX-License-Identifier: MIT
// A domain under a debugger of the control domain (gdbsx). Called by domctl and by the port's exits for breakpoints and single steps.

using XenSharp.Abi;
using XenSharp.Core.EventChannels;
using XenSharp.Core.Vcpus;

namespace XenSharp.Core.Domains;

public sealed partial class Domain
{
    /// <summary>XEN_DOMCTL_setdebugging: breakpoints and single steps stop the domain and are not the guest's.</summary>
    public bool IsDebugged { get; private set; }

    /// <summary>Changes <see cref="IsDebugged"/>, with all vCPUs stopped meanwhile.</summary>
    public void SetDebugged(bool isDebugged, Cpu caller)
    {
        Host.Scheduler.PauseAndWait(this, caller);
        IsDebugged = isDebugged;
        foreach (Vcpu? vcpu in Vcpus)
        {
            if (vcpu != null)
                vcpu.Context.StopsForDebugger = isDebugged;
        }

        Host.Scheduler.Unpause(this, caller);
    }

    /// <summary>
    /// Stops the domain for the debugger as of the next entry (domain_pause_for_debugger): with an event noted in the vCPU, the debugger asks
    /// for it; without, VIRQ_DEBUGGER tells it.
    /// </summary>
    public void PauseForDebugger(Vcpu vcpu)
    {
        Cpu caller = vcpu.Processor;
        Host.Scheduler.PauseSoonByController(this, caller);
        if (vcpu.DebugEvent == 0)
            GlobalVirtualIrq.Send(Host, VirtualIrq.Debugger, caller);
    }
}
