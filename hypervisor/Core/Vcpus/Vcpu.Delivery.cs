// SPDX-License-Identifier: MIT
// Which interrupt a vCPU gets at its next entry. Called by the port right before it enters the guest.

using System.Runtime.CompilerServices;

namespace XenSharp.Core.Vcpus;

public sealed partial class Vcpu
{
    /// <summary>Whether the port has to look for interrupts before it enters the guest: almost always it has not.</summary>
    public bool HasInterruptWork
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Apic.HasRequests || Domain.UsesCallbackVector;
    }

    /// <summary>The vector that waits to be delivered, or -1: an event upcall by callback vector before the local APIC's.</summary>
    public int PendingInterrupt() => CallbackVectorPending ? CallbackVector : Apic.HighestPending();

    /// <summary>The port has put the vector of <see cref="PendingInterrupt"/> into the vCPU; true when another one waits behind it.</summary>
    public bool AcceptInterrupt(int vector)
    {
        // The guest itself clears the pending flag of an upcall by callback vector; an APIC's vector moves from IRR to ISR.
        if (CallbackVectorPending)
            return Apic.HighestPending() >= 0;
        Apic.Accept(vector);
        return Apic.HighestPending() >= 0;
    }
}
