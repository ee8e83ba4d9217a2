// SPDX-License-Identifier: MIT
// A guest's registers as text, for crashes and debug keys.

using XenSharp.Core;
using XenSharp.Core.Console;

namespace XenSharp.X64.Svm;

internal static class GuestStateDump
{
    public static void Print(Host host, SvmVcpu vcpu)
    {
        ref Vmcb vmcb = ref vcpu.Vmcb;
        Line(host, "rip "u8, vmcb.Rip, " rflags "u8, vmcb.Rflags, " cs "u8, vmcb.Cs.Selector, " cpl "u8, vmcb.PrivilegeLevel);
        Line(host, "rax "u8, vmcb.Rax, " rbx "u8, vcpu.Rbx, " rcx "u8, vcpu.Rcx, " rdx "u8, vcpu.Rdx);
        Line(host, "rsi "u8, vcpu.Rsi, " rdi "u8, vcpu.Rdi, " rbp "u8, vcpu.GetRegister(5), " rsp "u8, vmcb.Rsp);
        Line(host, "r8  "u8, vcpu.R8, " r9  "u8, vcpu.R9, " r10 "u8, vcpu.R10, " r11 "u8, vcpu.GetRegister(11));
        Line(host, "r12 "u8, vcpu.GetRegister(12), " r13 "u8, vcpu.GetRegister(13), " r14 "u8, vcpu.GetRegister(14), " r15 "u8, vcpu.GetRegister(15));
        Line(host, "cr0 "u8, vmcb.Cr0, " cr2 "u8, vmcb.Cr2, " cr3 "u8, vmcb.Cr3, " cr4 "u8, vmcb.Cr4);
        Line(host, "efer "u8, vmcb.Efer, " fsb "u8, vmcb.Fs.Base, " gsb "u8, vmcb.Gs.Base, " gss "u8, vmcb.KernelGsBase);
    }

    private static void Line(Host host, System.ReadOnlySpan<byte> a, ulong av, System.ReadOnlySpan<byte> b, ulong bv, System.ReadOnlySpan<byte> c, ulong cv, System.ReadOnlySpan<byte> d, ulong dv)
    {
        LogLine line = host.Console.Begin(host.CurrentProcessor);
        line.Text(a).Hex(av, 16).Text(b).Hex(bv, 16).Text(c).Hex(cv, 16).Text(d).Hex(dv, 16).End();
    }
}
