// SPDX-License-Identifier: MIT
// How a domain ends by itself: shut down, crashed, or resumed after a suspend. What takes it apart afterwards is domctl's matter.

using XenSharp.Abi;
using XenSharp.Core.Console;
using XenSharp.Core.EventChannels;
using XenSharp.Core.Vcpus;
using XenSharp.Edge;

namespace XenSharp.Core.Domains;

public sealed partial class Domain
{
    /// <summary>SHUTDOWN_CODE_INVALID: no reason has been latched.</summary>
    public const uint NoShutdownReason = uint.MaxValue;

    private readonly SpinLock _shutdownLock = new(LockScope.Domain);

    /// <summary>The vCPUs are being stopped.</summary>
    public bool IsShuttingDown { get; private set; }

    /// <summary>All vCPUs are stopped, and the toolstack has been told.</summary>
    public bool IsShutDown { get; private set; }

    /// <summary>SHUTDOWN_* (xen/include/public/sched.h), latched by the first who names one.</summary>
    public uint ShutdownReason { get; private set; } = NoShutdownReason;

    /// <summary>The event channel to notify of a suspend instead of VIRQ_DOM_EXC (XEN_DOMCTL_subscribe); 0: none.</summary>
    public uint SuspendPort { get; set; }

    /// <summary>SCHEDOP_shutdown_code: names the reason for a shutdown to come.</summary>
    public void LatchShutdownReason(uint reason, Cpu caller)
    {
        using (_shutdownLock.Enter(caller))
        {
            if (ShutdownReason == NoShutdownReason)
                ShutdownReason = reason & 0xff;
        }
    }

    /// <summary>
    /// Stops all vCPUs and tells the toolstack why (domain_shutdown). The hardware domain's shutdown ends the machine: no return then.
    /// The calling vCPU, if it is one of them, runs until its CPU looks at its pending work.
    /// </summary>
    public void Shutdown(uint reason, Cpu caller)
    {
        using (_shutdownLock.Enter(caller))
        {
            if (ShutdownReason == NoShutdownReason)
                ShutdownReason = reason & 0xff;
            reason = ShutdownReason;
            if (!IsHardware && IsShuttingDown)
                return;
            if (!IsHardware)
                StopVcpus(caller);
        }

        if (IsHardware)
            Host.EndWithHardwareDomain(reason, caller);
        else if (reason == (uint)Abi.ShutdownReason.Suspend && SuspendPort != 0)
            EventChannels.SendLocal(SuspendPort, caller);
        else
            GlobalVirtualIrq.Send(Host, VirtualIrq.DomainException, caller);
    }

    /// <summary>Takes a shutdown back (XEN_DOMCTL_resumedomain): the vCPUs go on where they were.</summary>
    public void Resume(Cpu caller)
    {
        Host.Scheduler.Pause(this, caller);
        using (_shutdownLock.Enter(caller))
        {
            IsShuttingDown = false;
            IsShutDown = false;
            ShutdownReason = NoShutdownReason;
            foreach (Vcpu? vcpu in Vcpus)
            {
                if (vcpu == null || !vcpu.IsPausedForShutdown)
                    continue;
                vcpu.IsPausedForShutdown = false;
                Host.Scheduler.Unpause(vcpu, caller);
            }
        }

        Host.Scheduler.Unpause(this, caller);
    }

    /// <summary>Stops a domain that has misbehaved, or whose entry had a fault; says so once on the console.</summary>
    public void Crash(Cpu caller)
    {
        if (!IsShuttingDown)
        {
            Vcpu? current = caller.Current;
            HostConsole console = Host.Console;
            if (current != null && current.Domain == this)
            {
                console.Begin(caller).Text("Domain "u8).Decimal(Id).Text(" (vcpu#"u8).Decimal(current.Id).Text(") crashed on cpu#"u8).Decimal(caller.Id).Text(":"u8).End();
                VcpuDump.Print(current, caller);
            }
            else
            {
                console.Begin(caller).Text("Domain "u8).Decimal(Id).Text(" reported crashed by domain "u8)
                    .Decimal(current == null ? DomainIds.Idle : current.Domain.Id).Text(" on cpu#"u8).Decimal(caller.Id).Text(":"u8).End();
            }
        }

        IsCrashed = true;
        Shutdown((uint)Abi.ShutdownReason.Crash, caller);
    }

    private void StopVcpus(Cpu caller)
    {
        IsShuttingDown = true;
        foreach (Vcpu? vcpu in Vcpus)
        {
            if (vcpu == null || vcpu.IsPausedForShutdown)
                continue;
            vcpu.IsPausedForShutdown = true;
            Host.Scheduler.Pause(vcpu, caller);
        }

        IsShutDown = true;
    }
}
