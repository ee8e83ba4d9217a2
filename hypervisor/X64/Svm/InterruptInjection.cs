// SPDX-License-Identifier: MIT
// How events reach a guest at entry (AMD APM vol. 2, 15.20, 15.21).

using System.Runtime.CompilerServices;
using XenSharp.Core.Vcpus;
using XenSharp.X64.Machine;

namespace XenSharp.X64.Svm;

internal static class InterruptInjection
{
    private const ulong InterruptFlag = 1 << 9;
    private const int ExternalTypeMax = 30;
    private const uint NonMaskable = 2;


    /// <summary>
    /// Whether there is anything to do for a vCPU with interrupt work: with the window open, nothing before the guest can take one; with the window
    /// closed, nothing when nothing waits.
    /// </summary>
    /// <param name="looks">True for one entry in some: a guest that keeps interrupts off while one waits need not pay for a look at each of its exits.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsNeeded(SvmVcpu vcpu, Vcpu owner, bool looks)
    {
        ref Vmcb vmcb = ref vcpu.Vmcb;
        if ((vmcb.Intercept1 & Svm.InterceptVintr) == 0)
            return owner.Apic.HasRequests || owner.CallbackVectorPending;
        if (looks)
            vcpu.MayHideInterrupt = CpuFeatures.VirtualInterruptsHideOthers;
        return CanTake(in vmcb) || owner.Apic.HasNmi;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool CanTake(in Vmcb vmcb) =>
        (vmcb.Rflags & InterruptFlag) != 0 && (vmcb.InterruptShadow & 1) == 0 && (vmcb.EventInjection & Svm.EventValid) == 0;

    /// <summary>
    /// When <see cref="IsNeeded"/> says so: puts what the vCPU has pending into its VMCB: an interrupt as a virtual one (V_IRQ), which the CPU takes
    /// before the guest's next instruction. EVENTINJ does not serve for that: QEMU 7.2 may deliver an interrupt of it a second time, whatever the guest's
    /// RFLAGS.IF (`helper_vmrun` leaves its vector in `exception_index`, where the next request to leave the CPU's loop finds it). While another
    /// interrupt waits behind it, the end of its handler is an exit. What cannot be taken now opens the interrupt window: the guest then exits as soon as it
    /// can. The window stays open over other exits until it is used, so that a guest that keeps interrupts off pays for it once.
    /// </summary>
    public static void Prepare(SvmVcpu vcpu, Vcpu owner)
    {
        ref Vmcb vmcb = ref vcpu.Vmcb;
        bool canTake = CanTake(in vmcb);
        bool isOpen = (vmcb.Intercept1 & Svm.InterceptVintr) != 0;
        if (owner.Apic.HasNmi && (vmcb.EventInjection & Svm.EventValid) == 0 && !vcpu.IsInNmi)
        {
            // The end of its handler is seen by the IRET: until then no other NMI is delivered.
            owner.Apic.TakeNmi();
            vmcb.EventInjection = NonMaskable | Svm.EventTypeNmi | Svm.EventValid;
            vmcb.Intercept1 |= Svm.InterceptIret;
            vcpu.IsInNmi = true;
            canTake = false;
        }

        TakeTaskPriority(vcpu, owner);
        int vector = owner.PendingInterrupt();
        bool isWaiting = vector >= 0;
        if (IsPosted(in vmcb))
        {
            // An upcall stays pending until the guest has served it.
            if (isWaiting && vector != (int)vmcb.VirtualInterruptVector)
                vmcb.Intercept1 |= Svm.InterceptIret;
            return;
        }

        if (isWaiting && !canTake)
        {
            OpenWindow(ref vmcb);
            return;
        }

        if (isOpen)
            CloseWindow(ref vmcb);
        if (!isWaiting)
            return;
        if (owner.AcceptInterrupt(vector))
            vmcb.Intercept1 |= Svm.InterceptIret;
        Post(vcpu, vector);
    }

    /// <summary>Whether a virtual interrupt has been given to the CPU and not been taken yet.</summary>
    private static bool IsPosted(in Vmcb vmcb) =>
        (vmcb.VirtualInterrupt & Svm.VirtualInterruptRequest) != 0 && (vmcb.Intercept1 & Svm.InterceptVintr) == 0;

    /// <summary>What is to be injected, in the form of EVENTINJ, for whoever saves the vCPU's state.</summary>
    public static ulong PendingEvent(in Vmcb vmcb) => (vmcb.EventInjection & Svm.EventValid) == 0 && IsPosted(in vmcb)
        ? vmcb.VirtualInterruptVector | Svm.EventTypeInterrupt | Svm.EventValid
        : vmcb.EventInjection;

    /// <summary>The vCPU has another state now, in which this is to be injected.</summary>
    public static void SetPendingEvent(ref Vmcb vmcb, ulong injected)
    {
        if (IsPosted(in vmcb))
            vmcb.VirtualInterrupt &= ~Svm.VirtualInterruptRequest;
        vmcb.EventInjection = injected;
    }

    private static void Post(SvmVcpu vcpu, int vector)
    {
        vcpu.Vmcb.VirtualInterruptVector = (uint)vector;
        vcpu.Vmcb.VirtualInterrupt |= Svm.VirtualInterruptPending;
        vcpu.MayHideInterrupt = CpuFeatures.VirtualInterruptsHideOthers;
    }

    /// <summary>The guest can take an interrupt now.</summary>
    public static void EndWindow(SvmVcpu vcpu)
    {
        CloseWindow(ref vcpu.Vmcb);
        if (CpuFeatures.VirtualInterruptsHideOthers)
            ShowHidden(vcpu);
    }

    private static void CloseWindow(ref Vmcb vmcb)
    {
        vmcb.VirtualInterrupt &= ~Svm.VirtualInterruptPending;
        vmcb.Intercept1 &= ~Svm.InterceptVintr;
    }

    private static void OpenWindow(ref Vmcb vmcb)
    {
        vmcb.VirtualInterrupt |= Svm.VirtualInterruptPending;
        vmcb.Intercept1 |= Svm.InterceptVintr;
    }

    /// <summary>
    /// After the exit from an entry with V_IRQ (of those with an open window the last one, and one in 64): has the local APIC tell the CPU once more
    /// what waits for it.
    /// </summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void ShowHidden(SvmVcpu vcpu)
    {
        LocalApicHardware.TellAgain();
        vcpu.MayHideInterrupt = IsPosted(in vcpu.Vmcb);
    }

    /// <summary>CR8 as the guest has left it becomes the task priority of its APIC.</summary>
    public static void TakeTaskPriority(SvmVcpu vcpu, Vcpu owner)
    {
        byte priority = (byte)((vcpu.Vmcb.VirtualInterrupt & 15) << 4);
        if (priority != (owner.Apic.TaskPriority & 0xf0))
            owner.Apic.TaskPriority = priority;
    }

    /// <summary>The task priority of the APIC, after the guest may have written its register, becomes CR8.</summary>
    public static void GiveTaskPriority(SvmVcpu vcpu, Vcpu owner) =>
        vcpu.Vmcb.VirtualInterrupt = (vcpu.Vmcb.VirtualInterrupt & ~15u) | ((uint)owner.Apic.TaskPriority >> 4);

    /// <summary>After an exit that interrupted the delivery of an event, or followed one: the event is kept, or forgotten.</summary>
    public static void Reclaim(SvmVcpu vcpu)
    {
        ref Vmcb vmcb = ref vcpu.Vmcb;
        ulong interrupted = vmcb.ExitInterruptInfo;
        vmcb.EventInjection = 0;
        if ((interrupted & Svm.EventValid) == 0)
            return;
        ulong type = interrupted & Svm.EventTypeMask;
        // The instruction runs again, unless it was skipped when the interrupt was put in (DebugExits).
        if (type == Svm.EventTypeSoftware && !vcpu.StopsForDebugger)
            return;
        // Some CPUs report an external interrupt whose delivery faulted as an exception with its vector.
        if (type == Svm.EventTypeException && (interrupted & 0xff) > ExternalTypeMax)
            interrupted &= ~(Svm.EventTypeMask | Svm.EventErrorValid);
        // QEMU keeps V_IRQ until the interrupt has been delivered: it will be taken again by itself.
        if ((interrupted & Svm.EventTypeMask) == Svm.EventTypeInterrupt && IsPosted(in vmcb) && (interrupted & 0xff) == vmcb.VirtualInterruptVector)
            return;
        vmcb.EventInjection = interrupted;
    }
}
