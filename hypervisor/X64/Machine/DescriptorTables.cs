// SPDX-License-Identifier: MIT
// GDT, TSS and IDT: what the CPU needs to take an exception (AMD APM vol. 2, 4.6, 8.7, 12.2).

using System.Runtime.CompilerServices;
using XenSharp.Edge;
using XenSharp.X64.Boot;
using XenSharp.X64.Runtime;

namespace XenSharp.X64.Machine;

/// <summary>One IDT for all CPUs; GDT and TSS per CPU, with own stacks for NMI, double fault and machine check.</summary>
// SAFETY: all tables are pages of their own that stay for good; offsets follow the manual's layouts.
internal static unsafe class DescriptorTables
{
    private const int TaskSelector = 0x18;
    private static ulong s_idt;

    private struct TablePointer
    {
        public ushort Padding0;
        public ushort Padding1;
        public ushort Padding2;
        public ushort Limit;
        public ulong Base;
    }

    /// <summary>Builds the IDT, once.</summary>
    public static void BuildIdt()
    {
        s_idt = (ulong)DirectMap.At(EarlyMemory.Allocate(FrameSize.Bytes, FrameSize.Bytes));
        ulong* entry = (ulong*)s_idt;
        ulong* stubs = Assembly.TrapStubs();
        for (int vector = 0; vector < 256; vector++)
        {
            ulong handler = stubs[vector];
            ulong stack = vector switch { 2 => 1UL, 8 => 2UL, 18 => 3UL, _ => 0UL };
            entry[2 * vector] = (handler & 0xffff) | (8UL << 16) | (stack << 32) | (0x8eUL << 40) | (((handler >> 16) & 0xffff) << 48);
            entry[(2 * vector) + 1] = handler >> 32;
        }
    }

    /// <summary>Builds and loads this CPU's tables, and points GS at its block.</summary>
    public static void Load(PerCpu* block)
    {
        ulong page = (ulong)DirectMap.At(EarlyMemory.Allocate(FrameSize.Bytes, FrameSize.Bytes));
        new System.Span<byte>((void*)page, FrameSize.Bytes).Clear();
        ulong* gdt = (ulong*)page;
        byte* tss = (byte*)page + 64;
        gdt[1] = 0x00af_9b00_0000_ffff;
        gdt[2] = 0x00cf_9300_0000_ffff;
        ulong address = (ulong)tss;
        gdt[3] = 103 | ((address & 0xff_ffff) << 16) | (0x89UL << 40) | (((address >> 24) & 0xff) << 56);
        gdt[4] = address >> 32;
        *(ulong*)(tss + 4) = block->StackTop;
        *(ulong*)(tss + 36) = block->NmiStackTop;
        *(ulong*)(tss + 44) = block->DoubleFaultStackTop;
        *(ulong*)(tss + 52) = block->MachineCheckStackTop;
        *(ushort*)(tss + 102) = 104;
        block->Gdt = page;
        block->Tss = address;

        TablePointer gdtPointer = default, idtPointer = default;
        gdtPointer.Limit = 39;
        gdtPointer.Base = page;
        idtPointer.Limit = 4095;
        idtPointer.Base = s_idt;
        Assembly.LoadTables((byte*)&gdtPointer + 6, (byte*)&idtPointer + 6, TaskSelector);
        Assembly.WriteMsr(Msr.GsBase, (ulong)block);
    }
}
