// SPDX-License-Identifier: MIT
// The loop of one CPU: pending work, the scheduler's choice, the guest, its exit, and again.

using System.Runtime;
using System.Threading;
using XenSharp.Core;
using XenSharp.Core.Time;
using XenSharp.Core.Vcpus;
using XenSharp.Edge;
using XenSharp.X64.Machine;
using XenSharp.X64.Runtime;

namespace XenSharp.X64.Svm;

/// <summary>One per CPU. Its state is in memory, not on the stack, so that an abandoned entry simply starts the loop anew.</summary>
// SAFETY: the frames and VMCBs entered are those of the vCPU that the scheduler has given to this CPU alone.
internal sealed unsafe class VcpuRunner(Host host, Cpu cpu, PerCpu* block, X64Platform platform)
{
    private readonly ExitHandler _exits = new(host);
    private SvmVcpu? _loaded;

    // Set from before the check of the p2m generation until after the exit; read by CPUs that wait for a flush.
    private int _isInGuest;
    private uint _entryCount;

    /// <summary>World switches of this CPU since boot.</summary>
    public uint EntryCount => Volatile.Read(ref _entryCount);

    /// <summary>Whether the CPU is running a guest on the given translation.</summary>
    public bool Runs(P2m p2m) => Volatile.Read(ref _isInGuest) != 0 && _loaded?.Vcpu.Domain.P2m == p2m;

    /// <summary>Entered from assembly on this CPU's stack, at boot and after each abandoned entry.</summary>
    [RuntimeExport("xs_run_loop")]
    private static void Run() => Assembly.PerCpu()->Runner.Loop();

    // Whoever makes the current vCPU unable to run raises PendingWork.Reschedule here, so an ordinary turn looks at one word only.
    private void Loop()
    {
        while (true)
        {
            // Pending work can raise more of it (an expired time slice): the guest is entered only when nothing is left.
            if (cpu.Pending == PendingWork.None && _loaded != null)
                Enter(_loaded);
            else if (!Choose())
                Idle();
        }
    }

    // Does pending work and lets the scheduler choose; false when there is nothing to run. The choice is loaded.
    private bool Choose()
    {
        PendingWork work = cpu.TakePending();
        if (work != PendingWork.None)
            DoPending(work);
        if (_loaded != null && (work & PendingWork.Reschedule) == 0)
            return true;
        Vcpu? next = host.Scheduler.Schedule(cpu);
        if (next == null)
            return false;
        Load((SvmVcpu)next.Context, next);
        return true;
    }

    private void DoPending(PendingWork work)
    {
        if ((work & PendingWork.Timer) != 0)
            cpu.Timers.Run();
        if ((work & PendingWork.Console) != 0)
            host.Input.Poll(cpu);
        if ((work & PendingWork.Interrupt) != 0)
            platform.DeliverDeviceInterrupts(cpu);
        if ((work & PendingWork.Quiescence) != 0)
            host.GracePeriods.Pass(cpu);
        if ((work & (PendingWork.Quiescence | PendingWork.Reap)) != 0)
            host.Reaper.Run(cpu);
        if ((work & PendingWork.DeviceTables) != 0)
            host.Iommu?.FlushPending();
        if ((work & PendingWork.Iommu) != 0)
            host.Iommu?.HandleEvents(cpu);
    }

    private void Idle()
    {
        Unload();
        if (cpu.Pending == PendingWork.None)
            Assembly.HaltUntilInterrupt();
        else
            Assembly.InterruptWindow();
    }

    private void Enter(SvmVcpu vcpu)
    {
        Vcpu owner = vcpu.Vcpu;
        ref Vmcb vmcb = ref vcpu.Vmcb;
        if (owner.HasInterruptWork)
            InterruptInjection.Prepare(vcpu, owner);
        _entryCount++;
        Interlocked.Exchange(ref _isInGuest, 1);
        uint generation = vcpu.Translation.Generation;
        if (vcpu.FlushedGeneration != generation)
        {
            vcpu.FlushedGeneration = generation;
            vmcb.TlbControl = Svm.FlushAll;
        }

        vcpu.Enter();
        Volatile.Write(ref _isInGuest, 0);
        vmcb.TlbControl = 0;
        if ((((uint)vmcb.ExitInterruptInfo | (uint)vmcb.EventInjection) & (uint)Svm.EventValid) != 0)
            InterruptInjection.Reclaim(vcpu);
        if (vmcb.ExitCode == Svm.ExitIntr)
        {
            // The machine's interrupt comes in here.
            Assembly.InterruptWindow();
            return;
        }

        block->IsServing = 1;
        _exits.Handle(vcpu, owner);
        block->IsServing = 0;
    }

    // Brings a vCPU's extended state onto this CPU; the previous one's goes to memory first.
    private void Load(SvmVcpu vcpu, Vcpu owner)
    {
        if (_loaded != vcpu)
        {
            Unload();
            CpuFeatures.RestoreExtendedState(vcpu.ExtendedState, owner.EnabledStates, vcpu.FramePointer);
            Assembly.RestoreBreakpoints(ref vcpu.Frame.Breakpoints);
            vcpu.Frame.HostVmcb = block->HostVmcb;
            // All vCPUs share one address-space id.
            vcpu.Vmcb.TlbControl = Svm.FlushAll;
            _loaded = vcpu;
        }

        VcpuTime.Update(owner);
    }

    private void Unload()
    {
        if (_loaded == null)
            return;
        if (CpuFeatures.HasXsave)
            _loaded.Vcpu.EnabledStates = Assembly.ReadXcr0();
        CpuFeatures.SaveExtendedState(_loaded.ExtendedState, _loaded.FramePointer);
        Assembly.SaveBreakpoints(ref _loaded.Frame.Breakpoints);
        _loaded = null;
        host.Scheduler.ContextSaved(cpu);
    }
}
