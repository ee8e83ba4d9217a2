// SPDX-License-Identifier: MIT
// A processor's record as xen-hvmctx prints it. Called by HvmContextTool.

using System;
using System.IO;
using System.Runtime.InteropServices;
using XenSharp.Abi;
using static XenSharp.Inspection.Printf;

namespace XenSharp.Inspection;

internal static class HvmCpuPrinter
{
    private const uint FpuInitialised = 1;      // XEN_X86_FPU_INITIALISED

    public static void Print(in HvmHwCpu c, TextWriter output)
    {
        output.WriteLine($"    CPU:    rax 0x{c.Rax:x16}     rbx 0x{c.Rbx:x16}");
        Pair("rcx", c.Rcx, "rdx", c.Rdx, output);
        Pair("rbp", c.Rbp, "rsi", c.Rsi, output);
        Pair("rdi", c.Rdi, "rsp", c.Rsp, output);
        Pair(" r8", c.R8, " r9", c.R9, output);
        Pair("r10", c.R10, "r11", c.R11, output);
        Pair("r12", c.R12, "r13", c.R13, output);
        Pair("r14", c.R14, "r15", c.R15, output);
        output.WriteLine($"            rip 0x{c.Rip:x16}  rflags 0x{c.Rflags:x16}");
        Pair("cr0", c.Cr0, "cr2", c.Cr2, output);
        Pair("cr3", c.Cr3, "cr4", c.Cr4, output);
        Pair("dr0", c.Dr0, "dr1", c.Dr1, output);
        Pair("dr2", c.Dr2, "dr3", c.Dr3, output);
        Pair("dr6", c.Dr6, "dr7", c.Dr7, output);
        Segment("  cs", c.CsSelector, c.CsBase, c.CsLimit, c.CsAccessRights, 8, output);
        Segment("  es", c.EsSelector, c.EsBase, c.EsLimit, c.EsAccessRights, 8, output);
        Segment("  ds", c.DsSelector, c.DsBase, c.DsLimit, c.DsAccessRights, 8, output);
        Segment("  fs", c.FsSelector, c.FsBase, c.FsLimit, c.FsAccessRights, 8, output);
        Segment("  gs", c.GsSelector, c.GsBase, c.GsLimit, c.GsAccessRights, 8, output);
        Segment("  ss", c.SsSelector, c.SsBase, c.SsLimit, c.SsAccessRights, 8, output);
        Segment("  tr", c.TrSelector, c.TrBase, c.TrLimit, c.TrAccessRights, 4, output);
        Segment("ldtr", c.LdtrSelector, c.LdtrBase, c.LdtrLimit, c.LdtrAccessRights, 4, output);
        output.WriteLine($"           idtr        ({Hex(c.IdtrBase, 18, 8)} + {Hex(c.IdtrLimit, 10, 4)})");
        output.WriteLine($"           gdtr        ({Hex(c.GdtrBase, 18, 8)} + {Hex(c.GdtrLimit, 10, 4)})");
        output.WriteLine($"    sysenter cs 0x{c.SysenterCs:x8}  eip 0x{c.SysenterRip:x16}  esp 0x{c.SysenterEsp:x16}");
        output.WriteLine($"      shadow gs {Hex(c.ShadowGs, 18, 16)}   efer {Hex(c.MsrEfer, 18, 8)}");
        output.WriteLine($"          lstar {Hex(c.MsrLstar, 18, 16)}  cstar {Hex(c.MsrCstar, 18, 16)}");
        output.WriteLine($"           star {Hex(c.MsrStar, 18, 16)} sfmask {Hex(c.MsrSyscallMask, 18, 8)}");
        output.WriteLine($"            tsc 0x{c.Tsc:x16}");
        output.WriteLine($"          event 0x{c.PendingEvent:x8} error 0x{c.ErrorCode:x8}");
        if ((c.Flags & FpuInitialised) != 0)
            PrintFpu(c.FpuRegisters, output);
    }

    private static void Pair(string first, ulong one, string second, ulong two, TextWriter output) => output.WriteLine($"            {first} 0x{one:x16}     {second} 0x{two:x16}");

    private static void Segment(string name, uint selector, ulong start, uint limit, uint rights, int precision, TextWriter output) =>
        output.WriteLine($"           {name} {Hex(selector, 6, 4)} ({Hex(start, 18, 8)} + {Hex(limit, 10, precision)} / {Hex(rights, 7, 4)})");

    /// <summary>The image of FXSAVE (Intel SDM vol. 1, 10.5.1).</summary>
    private static void PrintFpu(ReadOnlySpan<byte> image, TextWriter output)
    {
        ReadOnlySpan<ushort> halves = MemoryMarshal.Cast<byte, ushort>(image);
        ReadOnlySpan<uint> words = MemoryMarshal.Cast<byte, uint>(image);
        ReadOnlySpan<ulong> longs = MemoryMarshal.Cast<byte, ulong>(image);
        output.WriteLine($"    FPU:    fcw 0x{halves[0]:x4} fsw 0x{halves[1]:x4}");
        output.WriteLine($"            ftw 0x{image[4]:x2} (0x{image[5]:x2}) fop 0x{halves[3]:x4}");
        output.WriteLine($"          fpuip 0x{longs[1]:x16} fpudp 0x{longs[2]:x16}");
        output.WriteLine($"          mxcsr 0x{words[6]:x8} mask 0x{words[7]:x8}");
        for (int register = 0; register < 8; register++)
        {
            ReadOnlySpan<ushort> part = halves.Slice(16 + (register * 8) + 4, 4);
            output.WriteLine($"            mm{register} 0x{part[0]:x4}{longs[4 + (register * 2)]:x16} (0x{part[3]:x4}{part[2]:x4}{part[1]:x4})");
        }
        for (int register = 0; register < 16; register++)
            output.WriteLine($"          xmm{register:D2} 0x{longs[21 + (register * 2)]:x16}{longs[20 + (register * 2)]:x16}");
        for (int rest = 0; rest < 6; rest++)
            output.WriteLine($"               (0x{longs[53 + (rest * 2)]:x16}{longs[52 + (rest * 2)]:x16})");
    }
}
