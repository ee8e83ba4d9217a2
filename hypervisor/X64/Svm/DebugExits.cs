// SPDX-License-Identifier: MIT
// Exits of a domain that a debugger of the control domain is attached to: breakpoints, single steps and software interrupts.

using XenSharp.Core.Emulation;
using XenSharp.Core.Vcpus;

namespace XenSharp.X64.Svm;

/// <summary>
/// As xen/arch/x86/hvm/svm/svm.c does it: a breakpoint is skipped and noted in its vCPU, and each of both pauses the domain. Without a debugger
/// these are no exits.
/// </summary>
internal static class DebugExits
{
    private const byte Breakpoint = 0xcc, SoftwareInterrupt = 0xcd;
    private const int InvalidOpcode = 6;

    public static void Handle(SvmVcpu vcpu, Vcpu owner)
    {
        switch (vcpu.Vmcb.ExitCode)
        {
            case Svm.ExitException + Svm.DebugVector:
                Stop(vcpu, owner);
                break;
            case Svm.ExitException + Svm.BreakpointVector:
                Break(vcpu, owner);
                break;
            default:
                Interrupt(vcpu, owner);
                break;
        }
    }

    private static void Break(SvmVcpu vcpu, Vcpu owner)
    {
        GuestCode.Advance(vcpu, 1);
        owner.DebugEvent = Svm.BreakpointVector;
        Stop(vcpu, owner);
    }

    private static void Stop(SvmVcpu vcpu, Vcpu owner)
    {
        vcpu.Vmcb.InterruptShadow = 0;
        owner.Domain.PauseForDebugger(owner);
    }

    // INT n is the guest's own: it is put in as an event, behind the instruction.
    private static void Interrupt(SvmVcpu vcpu, Vcpu owner)
    {
        System.Span<byte> code = stackalloc byte[2];
        code.Clear();
        if (GuestCode.Fetch(owner, code) == 0)
            return; // its page tables have changed meanwhile: it runs again
        if (code[0] == Breakpoint)
        {
            Break(vcpu, owner);
            return;
        }

        if (code[0] != SoftwareInterrupt)
        {
            vcpu.InjectException(InvalidOpcode, -1); // with prefixes, which nobody needs
            return;
        }

        GuestCode.Advance(vcpu, 2);
        vcpu.Vmcb.NextRip = vcpu.Vmcb.Rip;
        vcpu.Vmcb.EventInjection = code[1] | Svm.EventTypeSoftware | Svm.EventValid;
    }
}
