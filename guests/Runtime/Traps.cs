// SPDX-License-Identifier: MIT
// The interrupt descriptor table, reports of unexpected exceptions, and the dispatch of the interrupts that the kernels use.

using System;
using System.Runtime;

namespace XenSharp.Guests;

internal unsafe struct TrapFrame
{
    public ulong R15, R14, R13, R12, R11, R10, R9, R8, Rdi, Rsi, Rbp, Rbx, Rdx, Rcx, Rax;
    public ulong Vector, Error, Rip, Cs, Rflags, Rsp, Ss;
}

public static unsafe class Traps
{
    /// <summary>Set by HVMOP_set_evtchn_upcall_vector: needs an end-of-interrupt.</summary>
    public const byte LapicUpcallVector = 0xf3;

    /// <summary>Set by HVM_PARAM_CALLBACK_IRQ: needs none.</summary>
    public const byte CallbackVector = 0xf2;

    /// <summary>Sent by x2APIC between vCPUs.</summary>
    public const byte IpiVector = 0xf1;

    private static int s_ipis;
    private static int s_nmis;
    private static int s_breakpoints;

    public static int Ipis => System.Threading.Volatile.Read(ref s_ipis);

    public static int Nmis => System.Threading.Volatile.Read(ref s_nmis);

    public static int Breakpoints => System.Threading.Volatile.Read(ref s_breakpoints);

    // SAFETY: the table has 256 descriptors of 16 bytes in .bss.
    internal static void Install()
    {
        for (int vector = 0; vector < 256; vector++)
            SetGate(vector, Native.TrapStubs() + ((ulong)vector << 4), 0x8e);
        SetGate(0x80, Native.UserReturn(), 0xee);
        Native.LoadTraps();
    }

    private static void SetGate(int vector, ulong target, byte type)
    {
        ulong* gate = (ulong*)(Native.Idt() + ((ulong)vector << 4));
        gate[0] = (target & 0xffff) | (8UL << 16) | ((ulong)type << 40) | ((target >> 16 & 0xffff) << 48);
        gate[1] = target >> 32;
    }

    [RuntimeExport("xs_guest_trap")]
    private static void Handle(TrapFrame* frame)
    {
        const ulong interruptFlag = 0x200;
        if (frame->Vector is CallbackVector or LapicUpcallVector or IpiVector && (frame->Rflags & interruptFlag) == 0)
            Machine.Fail("an interrupt came while interrupts were off"u8);
        switch ((uint)frame->Vector)
        {
            case CallbackVector:
                Events.Upcall();
                return;
            case LapicUpcallVector:
                Events.Upcall();
                LocalApic.EndOfInterrupt();
                return;
            case IpiVector:
                System.Threading.Interlocked.Increment(ref s_ipis);
                LocalApic.EndOfInterrupt();
                return;
            case 2:
                System.Threading.Interlocked.Increment(ref s_nmis);
                return;
            case 3:
                System.Threading.Interlocked.Increment(ref s_breakpoints);
                return;
        }

        if (frame->Vector < 32 && TryFixup(frame))
            return;
        Complain(frame);
    }

    private static bool TryFixup(TrapFrame* frame)
    {
        for (ulong* entry = (ulong*)Native.FixupsStart(); entry < (ulong*)Native.FixupsEnd(); entry += 2)
        {
            if (entry[0] == frame->Rip)
            {
                frame->Rip = entry[1];
                return true;
            }
        }

        return false;
    }

    private static void Complain(TrapFrame* frame)
    {
        Report.Flush();
        Text line = new(stackalloc byte[800]);
        line.Add("guest kernel: exception "u8).Decimal(frame->Vector).Add(" error "u8).Hex(frame->Error).Add(" at "u8).Hex(frame->Rip).Add(" ("u8);
        AddName(ref line, frame->Rip);
        line.Add(")\n rax "u8).HexDigits(frame->Rax, 16).Add(" rbx "u8).HexDigits(frame->Rbx, 16).Add(" rcx "u8).HexDigits(frame->Rcx, 16);
        line.Add(" rdx "u8).HexDigits(frame->Rdx, 16).Add("\n rsi "u8).HexDigits(frame->Rsi, 16).Add(" rdi "u8).HexDigits(frame->Rdi, 16);
        line.Add(" rbp "u8).HexDigits(frame->Rbp, 16).Add(" rsp "u8).HexDigits(frame->Rsp, 16).Add("\n rflags "u8).Hex(frame->Rflags);
        line.Add(" cs "u8).Hex(frame->Cs).Add(" ss "u8).Hex(frame->Ss).Add("\n"u8);
        Console.Write(line.Bytes);
        Machine.Shutdown(Machine.ShutdownCrash);
        Native.HaltForever();
    }

    // SAFETY: the linker script's table: a count, then pairs of address and name, sorted by address.
    private static void AddName(ref Text line, ulong address)
    {
        ulong* table = (ulong*)Native.SymbolTable();
        ulong best = 0;
        for (ulong i = 0; i < table[0] && table[1 + (2 * i)] <= address; i++)
            best = i + 1;
        if (best == 0)
            return;
        line.Foreign(new ReadOnlySpan<byte>((void*)table[2 * best], 200)).Add("+"u8).Hex(address - table[(2 * best) - 1]);
    }
}
