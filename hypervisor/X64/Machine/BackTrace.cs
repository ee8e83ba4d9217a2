// SPDX-License-Identifier: MIT
// Return addresses on the hypervisor's stack, named by the image's symbol table.

using System;
using XenSharp.Core;
using XenSharp.Core.Console;
using XenSharp.Edge;
using XenSharp.X64.Runtime;

namespace XenSharp.X64.Machine;

/// <summary>Compiled code keeps few frame pointers, so every word of the stack that points into code is shown.</summary>
// SAFETY: reads between the stack pointer and the top of the mapped stack; the symbol table is constant data (eng/link-image.sh).
internal static unsafe class BackTrace
{
    private const int MaxLines = 24;

    public static void Print(Host host, Processor cpu, ulong rip, ulong rsp, ulong stackTop)
    {
        host.Console.Begin(cpu).Text("Call trace (words of the stack that point into code):"u8).End();
        PrintAddress(host, cpu, rip);
        if (rsp >= stackTop || stackTop - rsp > 0x20000)
            return;
        int lines = 0;
        for (ulong word = (rsp + 7) & ~7UL; word < stackTop && lines < MaxLines; word += 8)
        {
            ulong value = *(ulong*)word;
            if (value <= Assembly.TextStart() || value >= Assembly.TextEnd())
                continue;
            PrintAddress(host, cpu, value);
            lines++;
        }
    }

    public static void AppendSymbol(LogLine line, ulong address)
    {
        ulong* table = Assembly.SymbolTable();
        ulong count = *table;
        if (address < Assembly.TextStart() || address >= Assembly.TextEnd() || count == 0)
        {
            line.Hex(address, 16);
            return;
        }

        ulong low = 0, high = count;
        while (high - low > 1)
        {
            ulong middle = (low + high) / 2;
            if (table[1 + (2 * middle)] <= address)
                low = middle;
            else
                high = middle;
        }

        byte* name = (byte*)table[2 + (2 * low)];
        int length = 0;
        while (name[length] != 0 && length < 300)
            length++;
        line.Text(new ReadOnlySpan<byte>(name, length)).Text("+0x"u8).Hex(address - table[1 + (2 * low)]);
    }

    private static void PrintAddress(Host host, Processor cpu, ulong address)
    {
        LogLine line = host.Console.Begin(cpu).Text("   [<"u8).Hex(address, 16).Text(">] "u8);
        AppendSymbol(line, address);
        line.End();
    }
}
