// SPDX-License-Identifier: MIT
// Pausing vCPUs and domains, bringing vCPUs up and down, and reading what they have been doing.

using XenSharp.Abi;
using XenSharp.Core.Domains;
using XenSharp.Core.Vcpus;
using XenSharp.Edge;

namespace XenSharp.Core.Scheduling;

public sealed partial class Scheduler
{
    private const int MaxControllerPauses = 255;

    /// <summary>Stops a vCPU; counted. It may still be running on its CPU for a moment: see <see cref="Vcpu.IsRunningNow"/>.</summary>
    public void Pause(Vcpu vcpu, Cpu caller)
    {
        using (_queue.Lock.Enter(caller))
        {
            vcpu.PauseCount++;
            SleepLocked(vcpu, caller, host.Clock.Now);
        }
    }

    public void Unpause(Vcpu vcpu, Cpu caller)
    {
        using (_queue.Lock.Enter(caller))
        {
            vcpu.PauseCount--;
            if (vcpu.PauseCount == 0)
                WakeLocked(vcpu, caller, host.Clock.Now);
        }
    }

    /// <summary>Stops all vCPUs of a domain; counted. They may still be running for a moment: see <see cref="IsQuiescent"/>.</summary>
    public void Pause(Domain domain, Cpu caller)
    {
        using (_queue.Lock.Enter(caller))
        {
            domain.PauseCount++;
            ulong now = host.Clock.Now;
            foreach (Vcpu? vcpu in domain.Vcpus)
            {
                if (vcpu != null)
                    SleepLocked(vcpu, caller, now);
            }
        }
    }

    public void Unpause(Domain domain, Cpu caller)
    {
        using (_queue.Lock.Enter(caller))
        {
            domain.PauseCount--;
            if (domain.PauseCount != 0)
                return;
            ulong now = host.Clock.Now;
            foreach (Vcpu? vcpu in domain.Vcpus)
            {
                if (vcpu != null)
                    WakeLocked(vcpu, caller, now);
            }
        }
    }

    /// <summary>
    /// Pauses another domain and waits until the registers of all its vCPUs are saved. The CPUs that run them leave guest mode at once;
    /// the caller holds no lock, and its own vCPU is not of this domain.
    /// </summary>
    public void PauseAndWait(Domain domain, Cpu caller)
    {
        Pause(domain, caller);
        while (!IsQuiescent(domain))
            host.Memory.Barrier();
    }

    /// <summary>Pauses another vCPU and waits until its registers are saved; as <see cref="PauseAndWait(Domain, Cpu)"/>.</summary>
    public void PauseAndWait(Vcpu vcpu, Cpu caller)
    {
        Pause(vcpu, caller);
        while (vcpu.IsRunningNow)
            host.Memory.Barrier();
    }

    /// <summary>No CPU holds registers of the domain's vCPUs.</summary>
    public static bool IsQuiescent(Domain domain)
    {
        foreach (Vcpu? vcpu in domain.Vcpus)
        {
            if (vcpu != null && vcpu.IsRunningNow)
                return false;
        }

        return true;
    }

    /// <summary>XEN_DOMCTL_pausedomain: a pause that the toolstack may take back, at most 255 of them. Waits; -EOVERFLOW beyond.</summary>
    public long PauseByController(Domain domain, Cpu caller)
    {
        if (!TryCountPause(domain, caller))
            return -(long)Errno.Overflow;
        PauseAndWait(domain, caller);
        return 0;
    }

    /// <summary>The same by the domain itself, on behalf of its debugger: it does not wait.</summary>
    public void PauseSoonByController(Domain domain, Cpu caller)
    {
        if (TryCountPause(domain, caller))
            Pause(domain, caller);
    }

    private bool TryCountPause(Domain domain, Cpu caller)
    {
        using SpinLock.Guard guard = _queue.Lock.Enter(caller);
        if (domain.ControllerPauseCount >= MaxControllerPauses)
            return false;
        domain.ControllerPauseCount++;
        return true;
    }

    /// <summary>XEN_DOMCTL_gdbsx_pausevcpu: a pause of one vCPU that the debugger may take back. Waits; -EOVERFLOW beyond 255 of them.</summary>
    public long PauseByController(Vcpu vcpu, Cpu caller)
    {
        using (_queue.Lock.Enter(caller))
        {
            if (vcpu.ControllerPauseCount >= MaxControllerPauses)
                return -(long)Errno.Overflow;
            vcpu.ControllerPauseCount++;
        }

        PauseAndWait(vcpu, caller);
        return 0;
    }

    /// <summary>XEN_DOMCTL_gdbsx_unpausevcpu; -EINVAL when there is no such pause.</summary>
    public long UnpauseByController(Vcpu vcpu, Cpu caller)
    {
        using (_queue.Lock.Enter(caller))
        {
            if (vcpu.ControllerPauseCount == 0)
                return -(long)Errno.Inval;
            vcpu.ControllerPauseCount--;
        }

        Unpause(vcpu, caller);
        return 0;
    }

    /// <summary>XEN_DOMCTL_unpausedomain; a new domain has one such pause from its creation. -EINVAL when there is none to take back.</summary>
    public long UnpauseByController(Domain domain, Cpu caller)
    {
        using (_queue.Lock.Enter(caller))
        {
            if (domain.ControllerPauseCount == 0)
                return -(long)Errno.Inval;
            domain.ControllerPauseCount--;
            if (domain.ControllerPauseCount == 0)
                domain.IsCreationFinished = true;
        }

        Unpause(domain, caller);
        return 0;
    }

    /// <summary>Takes a vCPU out of service (VCPUOP_down, INIT); false when it was down already.</summary>
    public bool VcpuDown(Vcpu vcpu, Cpu caller)
    {
        if (!vcpu.RaisePauseFlag(VcpuPauseFlags.Down))
            return false;
        using (_queue.Lock.Enter(caller))
            SleepLocked(vcpu, caller, host.Clock.Now);
        return true;
    }

    /// <summary>Brings a vCPU that has registers to start with into service (VCPUOP_up, SIPI, the domain builder); false when it was up already.</summary>
    public bool VcpuUp(Vcpu vcpu, Cpu caller)
    {
        if (!vcpu.ClearPauseFlag(VcpuPauseFlags.Down))
            return false;
        using (_queue.Lock.Enter(caller))
            WakeLocked(vcpu, caller, host.Clock.Now);
        return true;
    }

    /// <summary>
    /// HLT by a PVH guest (hvm_hlt): waits for an interrupt; with interrupts disabled nothing could end that, and the vCPU goes down, with the
    /// last one the domain.
    /// </summary>
    public void Halt(Vcpu vcpu, bool interruptsEnabled)
    {
        if (vcpu.HasDeliverableInterrupt)
            return;
        if (interruptsEnabled)
        {
            Block(vcpu);
            return;
        }

        VcpuDown(vcpu, vcpu.Processor);
        foreach (Vcpu? other in vcpu.Domain.Vcpus)
        {
            if (other != null && other.IsUp)
                return;
        }

        vcpu.Domain.Shutdown((uint)ShutdownReason.PowerOff, vcpu.Processor);
    }

    /// <summary>
    /// Forgets that the vCPU waits or polls, and the guest's pinning: it is being reset (INIT), is down and not running
    /// (vcpu_reset of Xen).
    /// </summary>
    public void ResetVcpu(Vcpu vcpu, Cpu caller)
    {
        vcpu.Domain.StopPolling(vcpu);
        vcpu.PollPort = 0;
        vcpu.IsInitialised = false;
        OverrideAffinity(vcpu, -1, caller);
        vcpu.ClearPauseFlag(VcpuPauseFlags.Blocked);
    }

    /// <summary>State and times up to now (VCPUOP_get_runstate_info).</summary>
    public void GetRunstate(Vcpu vcpu, Cpu caller, out RunstateRecord info)
    {
        using (_queue.Lock.Enter(caller))
            vcpu.CopyRunstate(out info, host.Clock.Now);
    }

    /// <summary>Time that a vCPU has been on a CPU until now, ns (XEN_DOMCTL_getdomaininfo, getvcpuinfo).</summary>
    public ulong GetRunningNs(Vcpu vcpu, Cpu caller)
    {
        GetRunstate(vcpu, caller, out RunstateRecord info);
        return info.RunningNs;
    }

    /// <summary>Time that a CPU has run no vCPU until now, ns (XEN_SYSCTL_getcpuinfo).</summary>
    public ulong GetIdleNs(Cpu processor, Cpu caller)
    {
        using (_queue.Lock.Enter(caller))
        {
            ulong now = host.Clock.Now;
            ulong since = processor.IdleSinceNs;
            return processor.IdleNs + (since != 0 && now > since ? now - since : 0);
        }
    }
}
