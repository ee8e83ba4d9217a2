// SPDX-License-Identifier: MIT
// How events reach a guest at entry (AMD APM vol. 2, 15.20, 15.21).

using XenSharp.Core.Vcpus;

namespace XenSharp.X64.Svm;

internal static class InterruptInjection
{
    private const ulong InterruptFlag = 1 << 9;
    private const int ExternalTypeMax = 30;
    private const uint NonMaskable = 2;

    /// <summary>
    /// Puts what the vCPU has pending into its VMCB. What cannot be taken now opens the interrupt window: the guest then exits as soon as
    /// it can. The window stays open over other exits until it is used, so that a guest that keeps interrupts off pays for it once.
    /// </summary>
    public static void Prepare(SvmVcpu vcpu, Vcpu owner)
    {
        ref Vmcb vmcb = ref vcpu.Vmcb;
        bool canTake = (vmcb.Rflags & InterruptFlag) != 0 && (vmcb.InterruptShadow & 1) == 0 && (vmcb.EventInjection & Svm.EventValid) == 0;
        bool isOpen = (vmcb.Intercept1 & Svm.InterceptVintr) != 0;
        if (!canTake && isOpen && !owner.Apic.HasNmi)
            return;
        if (owner.Apic.HasNmi && (vmcb.EventInjection & Svm.EventValid) == 0 && (vmcb.Intercept1 & Svm.InterceptIret) == 0)
        {
            // The end of its handler is seen by the IRET: until then no other NMI is delivered.
            owner.Apic.TakeNmi();
            vmcb.EventInjection = NonMaskable | Svm.EventTypeNmi | Svm.EventValid;
            vmcb.Intercept1 |= Svm.InterceptIret;
            canTake = false;
        }

        TakeTaskPriority(vcpu, owner);
        int vector = owner.PendingInterrupt();
        bool isWaiting = vector >= 0;
        if (isWaiting && canTake)
        {
            vmcb.EventInjection = (uint)vector | Svm.EventTypeInterrupt | Svm.EventValid;
            isWaiting = owner.AcceptInterrupt(vector);
        }

        if (isWaiting)
            OpenWindow(ref vmcb);
        else if (isOpen)
            CloseWindow(ref vmcb);
    }

    public static void CloseWindow(ref Vmcb vmcb)
    {
        vmcb.VirtualInterrupt &= ~Svm.VirtualInterruptPending;
        vmcb.Intercept1 &= ~Svm.InterceptVintr;
    }

    private static void OpenWindow(ref Vmcb vmcb)
    {
        vmcb.VirtualInterrupt |= Svm.VirtualInterruptPending;
        vmcb.Intercept1 |= Svm.InterceptVintr;
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
        if (type == Svm.EventTypeSoftware)
            return;
        // Some CPUs report an external interrupt whose delivery faulted as an exception with its vector.
        if (type == Svm.EventTypeException && (interrupted & 0xff) > ExternalTypeMax)
            interrupted &= ~(Svm.EventTypeMask | Svm.EventErrorValid);
        vmcb.EventInjection = interrupted;
    }
}
