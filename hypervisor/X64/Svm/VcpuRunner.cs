// SPDX-License-Identifier: MIT
// The loop of one CPU: pending work, the scheduler's choice, the guest, its exit, and again. Its turn is in Native/svm.S.

using System.Runtime;
using System.Runtime.CompilerServices;
using System.Threading;
using XenSharp.Core;
using XenSharp.Core.Hypercalls;
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
    private const int VmmcallLength = 3;

    private readonly Cpu _cpu = cpu;
    private readonly PerCpu* _block = block;
    private readonly ExitHandler _exits = new(host);
    private SvmVcpu? _loaded;

    // Set from before the check of the p2m generation until after the exit; read by CPUs that wait for a flush.
    private int _isInGuest;
    private uint _entryCount;

    /// <summary>World switches of this CPU since boot.</summary>
    public uint EntryCount => Volatile.Read(ref _entryCount);

    /// <summary>Whether the CPU is running a guest on the given translation.</summary>
    public bool Runs(P2m p2m) => Volatile.Read(ref _isInGuest) != 0 && _loaded?.Vcpu.Domain.P2m == p2m;

    /// <summary>First half of a turn of the loop in assembly: the frame of the guest to enter next.</summary>
    // Whoever makes the current vCPU unable to run raises PendingWork.Reschedule here, so an ordinary turn looks at one word only, and calls nothing.
    [RuntimeExport("xs_next_guest")]
    private static GuestFrame* Next(VcpuRunner runner)
    {
        SvmVcpu? vcpu = runner._loaded;
        if (runner._cpu.Pending != PendingWork.None || vcpu == null)
            return NextAfterWork(runner);
        return runner.BeginEntry(vcpu);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static GuestFrame* NextAfterWork(VcpuRunner runner)
    {
        // Pending work can raise more of it (an expired time slice): the guest is entered only when nothing is left.
        while (runner._cpu.Pending != PendingWork.None || runner._loaded == null)
        {
            if (!runner.Choose())
                runner.Idle();
        }

        return runner.BeginEntry(runner._loaded);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private GuestFrame* BeginEntry(SvmVcpu vcpu)
    {
        Vcpu owner = vcpu.Vcpu;
        if (owner.HasInterruptWork && InterruptInjection.IsNeeded(vcpu, owner, looks: _entryCount % 64 == 0))
            InterruptInjection.Prepare(vcpu, owner);
        _entryCount++;
        Interlocked.Exchange(ref _isInGuest, 1);
        uint generation = vcpu.Translation.Generation;
        if (vcpu.FlushedGeneration != generation)
        {
            vcpu.FlushedGeneration = generation;
            vcpu.Vmcb.TlbControl = Svm.FlushAll;
        }

        return vcpu.FramePointer;
    }

    /// <summary>Second half: the guest's exit is served.</summary>
    [RuntimeExport("xs_guest_left")]
    private static void Serve(VcpuRunner runner)
    {
        SvmVcpu vcpu = runner._loaded!;
        ref Vmcb vmcb = ref vcpu.Vmcb;
        Volatile.Write(ref runner._isInGuest, 0);
        vmcb.TlbControl = 0;
        if ((((uint)vmcb.ExitInterruptInfo | (uint)vmcb.EventInjection) & (uint)Svm.EventValid) != 0)
            InterruptInjection.Reclaim(vcpu);
        if (vcpu.MayHideInterrupt)
            InterruptInjection.ShowHidden(vcpu);
        ulong code = vmcb.ExitCode;
        if (code == Svm.ExitIntr)
        {
            // The machine's interrupt comes in here.
            Assembly.InterruptWindow();
            return;
        }

        runner._block->IsServing = 1;
        if (code != Svm.ExitVmmcall)
            runner._exits.Handle(vcpu, vcpu.Vcpu);
        else if (!HypercallTable.Dispatch(vcpu.Vcpu))
            vcpu.SkipInstruction(VmmcallLength);
        runner._block->IsServing = 0;
    }

    // Does pending work and lets the scheduler choose; false when there is nothing to run. The choice is loaded.
    private bool Choose()
    {
        PendingWork work = _cpu.TakePending();
        if (work != PendingWork.None)
            DoPending(work);
        if (_loaded != null && (work & PendingWork.Reschedule) == 0)
            return true;
        Vcpu? next = host.Scheduler.Schedule(_cpu);
        if (next == null)
            return false;
        Load((SvmVcpu)next.Context, next);
        return true;
    }

    private void DoPending(PendingWork work)
    {
        if ((work & PendingWork.Timer) != 0)
            _cpu.Timers.Run();
        if ((work & PendingWork.Console) != 0)
            host.Input.Poll(_cpu);
        if ((work & PendingWork.Interrupt) != 0)
            platform.DeliverDeviceInterrupts(_cpu);
        if ((work & PendingWork.Quiescence) != 0)
            host.GracePeriods.Pass(_cpu);
        if ((work & (PendingWork.Quiescence | PendingWork.Reap)) != 0)
            host.Reaper.Run(_cpu);
        if ((work & PendingWork.DeviceTables) != 0)
            host.Iommu?.FlushPending();
        if ((work & PendingWork.Iommu) != 0)
            host.Iommu?.HandleEvents(_cpu);
    }

    private void Idle()
    {
        Unload();
        if (_cpu.Pending == PendingWork.None)
            Assembly.HaltUntilInterrupt();
        else
            Assembly.InterruptWindow();
    }

    // Brings a vCPU's extended state onto this CPU; the previous one's goes to memory first.
    private void Load(SvmVcpu vcpu, Vcpu owner)
    {
        if (_loaded != vcpu)
        {
            Unload();
            CpuFeatures.RestoreExtendedState(vcpu.ExtendedState, owner.EnabledStates, vcpu.FramePointer);
            Assembly.RestoreBreakpoints(ref vcpu.Frame.Breakpoints);
            vcpu.Frame.HostVmcb = _block->HostVmcb;
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
        host.Scheduler.ContextSaved(_cpu);
    }
}
