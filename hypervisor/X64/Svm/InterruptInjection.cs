// SPDX-License-Identifier: MIT
// How events reach a guest at entry (AMD APM vol. 2, 15.20, 15.21).

using XenSharp.Core.Vcpus;

namespace XenSharp.X64.Svm;

internal static class InterruptInjection
{
    private const ulong InterruptFlag = 1 << 9;
    private const int ExternalTypeMax = 30;
    private const uint NonMaskable = 2;

    /// <summary>Puts what the vCPU has pending into its VMCB; true when there was something, so that <see cref="Reclaim"/> is due.</summary>
    public static bool Prepare(SvmVcpu vcpu, Vcpu owner)
    {
        ref Vmcb vmcb = ref vcpu.Vmcb;
        if (owner.Apic.HasNmi && (vmcb.EventInjection & Svm.EventValid) == 0 && (vmcb.Intercept1 & Svm.InterceptIret) == 0)
        {
            // The end of its handler is seen by the IRET: until then no other NMI is delivered.
            owner.Apic.TakeNmi();
            vmcb.EventInjection = NonMaskable | Svm.EventTypeNmi | Svm.EventValid;
            vmcb.Intercept1 |= Svm.InterceptIret;
        }

        TakeTaskPriority(vcpu, owner);
        int vector = owner.PendingInterrupt();
        if (vector < 0)
            return (vmcb.EventInjection & Svm.EventValid) != 0;
        if ((vmcb.EventInjection & Svm.EventValid) == 0 && (vmcb.Rflags & InterruptFlag) != 0 && (vmcb.InterruptShadow & 1) == 0)
        {
            vmcb.EventInjection = (uint)vector | Svm.EventTypeInterrupt | Svm.EventValid;
            if (!owner.AcceptInterrupt(vector))
                return true;
        }

        // Not now: exit as soon as the guest can take it.
        vmcb.VirtualInterrupt |= Svm.VirtualInterruptPending;
        vmcb.Intercept1 |= Svm.InterceptVintr;
        return true;
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

    /// <summary>After an exit: closes the window, and keeps an event whose delivery the exit has interrupted.</summary>
    public static void Reclaim(SvmVcpu vcpu)
    {
        ref Vmcb vmcb = ref vcpu.Vmcb;
        vmcb.VirtualInterrupt &= ~Svm.VirtualInterruptPending;
        vmcb.Intercept1 &= ~Svm.InterceptVintr;
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
