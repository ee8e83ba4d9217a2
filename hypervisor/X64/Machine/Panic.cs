// SPDX-License-Identifier: MIT
// The end of the host: registers, a back-trace with method names, and a reboot or halt.

using System;
using System.Threading;
using XenSharp.Core;
using XenSharp.Core.Console;
using XenSharp.Edge;
using XenSharp.X64.Runtime;

namespace XenSharp.X64.Machine;

// SAFETY: the frame lies on the stack of the CPU that panics, which never returns.
internal static unsafe class Panic
{
    private static int s_underWay;

    public static bool IsUnderWay => Volatile.Read(ref s_underWay) != 0;

    /// <summary>Prints everything and stops the machine. Never returns.</summary>
    public static void Stop(TrapFrame* frame, ReadOnlySpan<byte> reason)
    {
        if (Interlocked.Exchange(ref s_underWay, 1) != 0)
            Assembly.HaltForever();
        if (!Root.HasHost)
        {
            EarlyConsole.Write("(XEN) early fault: "u8);
            EarlyConsole.Write(reason);
            EarlyConsole.Write(" at "u8);
            EarlyHex(frame->Rip);
            EarlyConsole.Write(" cr2 "u8);
            EarlyHex(Assembly.ReadCr2());
            EarlyConsole.Stop("it met a fault in its own code before the console was up"u8);
        }

        Host host = Root.Host;
        PerCpu* block = Assembly.PerCpu();
        Cpu cpu = block->Processor;
        host.Console.BreakLock();
        cpu.Held.ReleaseAll();
        host.Console.Print(""u8);
        host.Console.Begin(cpu).Text("****************************************"u8).End();
        LogLine line = host.Console.Begin(cpu).Text("Panic on CPU "u8).Decimal(cpu.Id).Text(": "u8).Text(reason).Text(" at "u8);
        BackTrace.AppendSymbol(line, frame->Rip);
        line.End();
        PrintRegisters(host, cpu, frame);
        BackTrace.Print(host, cpu, frame->Rip, frame->Rsp, block->StackTop);
        host.Console.Begin(cpu).Text("****************************************"u8).End();
        for (int i = 0; i < host.ProcessorCount; i++)
        {
            if (i != cpu.Id)
                LocalApicHardware.SendNmi(host.Platform.ApicId(i));
        }

        if (host.Options.NoReboot)
        {
            host.Console.Begin(cpu).Text("Manual reset required ('noreboot' specified)"u8).End();
            Assembly.HaltForever();
        }

        host.Console.Begin(cpu).Text("Reboot after the panic"u8).End();
        host.Platform.Reboot();
    }

    private static void PrintRegisters(Host host, Cpu cpu, TrapFrame* frame)
    {
        host.Console.Begin(cpu).Text("rip "u8).Hex(frame->Rip, 16).Text(" rsp "u8).Hex(frame->Rsp, 16).Text(" rflags "u8).Hex(frame->Rflags, 8).Text(" error "u8).Hex(frame->ErrorCode, 4).Text(" cr2 "u8).Hex(Assembly.ReadCr2(), 16).End();
        host.Console.Begin(cpu).Text("rax "u8).Hex(frame->Rax, 16).Text(" rbx "u8).Hex(frame->Rbx, 16).Text(" rcx "u8).Hex(frame->Rcx, 16).Text(" rdx "u8).Hex(frame->Rdx, 16).End();
        host.Console.Begin(cpu).Text("rsi "u8).Hex(frame->Rsi, 16).Text(" rdi "u8).Hex(frame->Rdi, 16).Text(" rbp "u8).Hex(frame->Rbp, 16).Text(" r8  "u8).Hex(frame->R8, 16).End();
        host.Console.Begin(cpu).Text("r9  "u8).Hex(frame->R9, 16).Text(" r10 "u8).Hex(frame->R10, 16).Text(" r11 "u8).Hex(frame->R11, 16).Text(" r12 "u8).Hex(frame->R12, 16).End();
        host.Console.Begin(cpu).Text("r13 "u8).Hex(frame->R13, 16).Text(" r14 "u8).Hex(frame->R14, 16).Text(" r15 "u8).Hex(frame->R15, 16).Text(" cr3 "u8).Hex(Assembly.ReadCr3(), 16).End();
    }

    private static void EarlyHex(ulong value)
    {
        Span<byte> digit = stackalloc byte[1];
        for (int shift = 60; shift >= 0; shift -= 4)
        {
            int nibble = (int)(value >> shift) & 15;
            digit[0] = (byte)(nibble < 10 ? '0' + nibble : 'a' + nibble - 10);
            EarlyConsole.Write(digit);
        }
    }
}
