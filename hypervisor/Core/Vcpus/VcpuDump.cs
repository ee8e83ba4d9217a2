// SPDX-License-Identifier: MIT
// The registers of a vCPU on the console: crashes of a domain, debug keys 'd' and '0'.

using XenSharp.Core.Console;
using XenSharp.Edge;

namespace XenSharp.Core.Vcpus;

/// <summary>Prints in Xen's form (show_registers of a guest), so that people and scripts find what they are used to.</summary>
public static class VcpuDump
{
    private const int Rsp = 4, Rbp = 5;

    /// <summary>The vCPU's registers must be saved, or it must be the one that <paramref name="processor"/> serves.</summary>
    public static void Print(Vcpu vcpu, Cpu processor)
    {
        HostConsole console = vcpu.Host.Console;
        VcpuContext context = vcpu.Context;
        console.Begin(processor).Text("----[ Xen-4.17  x86_64  debug=n  Not tainted ]----"u8).End();
        console.Begin(processor).Text("CPU:    "u8).Decimal(processor.Id).End();
        console.Begin(processor).Text("RIP:    ["u8).Text("<"u8).Hex(context.Rip, 16).Text(">]"u8).End();
        console.Begin(processor).Text("RFLAGS: "u8).Hex(context.Rflags, 16).Text("   CONTEXT: hvm guest (d"u8)
            .Decimal(vcpu.Domain.Id).Text("v"u8).Decimal(vcpu.Id).Text(")"u8).End();
        console.Begin(processor).Text("rax: "u8).Hex(context.Rax, 16).Text("   rbx: "u8).Hex(context.Rbx, 16).Text("   rcx: "u8).Hex(context.Rcx, 16).End();
        console.Begin(processor).Text("rdx: "u8).Hex(context.Rdx, 16).Text("   rsi: "u8).Hex(context.Rsi, 16).Text("   rdi: "u8).Hex(context.Rdi, 16).End();
        console.Begin(processor).Text("rbp: "u8).Hex(context.GetRegister(Rbp), 16).Text("   rsp: "u8).Hex(context.GetRegister(Rsp), 16)
            .Text("   r8:  "u8).Hex(context.R8, 16).End();
        console.Begin(processor).Text("r9:  "u8).Hex(context.R9, 16).Text("   r10: "u8).Hex(context.R10, 16).Text("   r11: "u8).Hex(context.GetRegister(11), 16).End();
        console.Begin(processor).Text("r12: "u8).Hex(context.GetRegister(12), 16).Text("   r13: "u8).Hex(context.GetRegister(13), 16)
            .Text("   r14: "u8).Hex(context.GetRegister(14), 16).End();
        console.Begin(processor).Text("r15: "u8).Hex(context.GetRegister(15), 16).Text("   cr0: "u8).Hex(context.Cr0, 16).Text("   cr4: "u8).Hex(context.Cr4, 16).End();
        console.Begin(processor).Text("cr3: "u8).Hex(context.Cr3, 16).Text("   efer: "u8).Hex(context.Efer, 16).Text("   cpl: "u8).Decimal(context.PrivilegeLevel).End();
    }
}
