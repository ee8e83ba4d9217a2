// SPDX-License-Identifier: MIT
// The `cpuid` mode: what a PVH dom0 sees of the CPU: CPUID leaves, MSRs, ports.

using System;

namespace XenSharp.Guests.Conformance;

internal static class CpuidTests
{
    public static void Run()
    {
        Probe.Section("cpuid"u8);
        Leaves(0, 0x20);
        Leaves(0x40000000, 0x40000008);
        Leaves(0x40000100, 0x40000102);
        Leaves(0x80000000, 0x80000022);
        Leaves(0xc0000000, 0xc0000001);
        Probe.Section("msr"u8);
        foreach (uint msr in Msrs)
            Msr(msr);
        for (uint msr = 0x800; msr < 0x840; msr++)
            Msr(msr);
        Probe.Section("msr writes"u8);
        foreach (uint msr in (ReadOnlySpan<uint>)[0xc0010015, 0xc0010010, 0xc0010004, 0xc0010007, 0xc0010000, 0xc0010003, 0x8b, 0x79, 0xc0010020, 0xfe, 0x17a, 0x179, 0x400, 0x2ff,
            0x250, 0x200, 0x277, 0x10, 0x3b, 0x6e0, 0x48, 0x49, 0x40000001, 0x40000000, 0x12345678])
        {
            bool readable = Machine.TryReadMsr(msr, out ulong value);
            Report.Begin("wrmsr"u8);
            Report.Hex("msr"u8, msr);
            if (msr is not (0x10 or 0x40000000))
            {
                Report.Add(readable ? " its own value:"u8 : " zero:"u8);
                Report.Add(Machine.TryWriteMsr(msr, readable ? value : 0) ? " accepted,"u8 : " #GP,"u8);
            }

            Report.Add(" all ones:"u8);
            Report.Add(msr is 0x40000000 or 0x200 or 0x10 ? " not tried"u8 : Machine.TryWriteMsr(msr, ulong.MaxValue) ? " accepted"u8 : " #GP"u8);
        }

        Probe.Section("x2apic on"u8);
        LocalApic.Enable();
        for (uint msr = 0x800; msr < 0x840; msr++)
            Msr(msr);
        Msr(0x1b);
        Ports();
    }

    private static ReadOnlySpan<uint> Msrs =>
    [
        0x10, 0x1b, 0x3a, 0x48, 0x49, 0x79, 0x8b, 0xce, 0xfe, 0x10a, 0x10b, 0x122, 0x140, 0x174, 0x175, 0x176, 0x179, 0x17a, 0x186, 0x198, 0x1a0, 0x1d9,
        0x200, 0x201, 0x202, 0x203, 0x204, 0x205, 0x206, 0x207, 0x208, 0x209, 0x20a, 0x20b, 0x20c, 0x20d, 0x20e, 0x20f, 0x250, 0x258, 0x259,
        0x268, 0x269, 0x26a, 0x26b, 0x26c, 0x26d, 0x26e, 0x26f, 0x277, 0x2ff, 0x345, 0x38f,
        0x400, 0x401, 0x402, 0x403, 0x404, 0x405, 0x406, 0x407, 0x40c, 0x606, 0x6e0, 0xda0,
        0x40000000, 0x40000001, 0x40000002, 0x40000020,
        0xc0000080, 0xc0000081, 0xc0000082, 0xc0000083, 0xc0000084, 0xc0000100, 0xc0000101, 0xc0000102, 0xc0000103,
        0xc0010000, 0xc0010001, 0xc0010002, 0xc0010003, 0xc0010004, 0xc0010005, 0xc0010006, 0xc0010007, 0xc0010010, 0xc0010015, 0xc001001f, 0xc0010020,
        0xc0010055, 0xc0010058, 0xc0010061, 0xc0010062, 0xc0010063, 0xc0010064, 0xc0010112, 0xc0010114, 0xc0010115, 0xc0010117, 0xc001011b, 0xc001011f,
        0xc0010131, 0xc0010140, 0xc0010200, 0xc0011005, 0xc0011020, 0xc0011023, 0xc0011029, 0xc001102c, 0xc0011030, 0x12345678,
    ];

    private static void Leaves(uint first, uint end)
    {
        for (uint leaf = first; leaf < end; leaf++)
        {
            uint subleaves = leaf switch { 4 or 7 or 0xb or 0xf or 0x10 or 0x40000003 or 0x40000004 => 3, 0xd or 0x8000001d => 4, _ => 1 };
            for (uint subleaf = 0; subleaf < subleaves; subleaf++)
            {
                CpuidLeaf value = Machine.Cpuid(leaf, subleaf);
                Report.Begin("cpuid"u8);
                Report.Hex("leaf"u8, leaf);
                Report.Decimal("subleaf"u8, subleaf);
                bool time = leaf == 0x40000003;
                Field("eax"u8, value.Eax, time && subleaf != 1);
                Field("ebx"u8, value.Ebx, time);
                Field("ecx"u8, value.Ecx, time);
                Field("edx"u8, value.Edx, time && subleaf == 1);
            }
        }
    }

    // The clock's figures vary from run to run.
    private static void Field(ReadOnlySpan<byte> name, uint value, bool varies)
    {
        if (varies)
            Report.Class(name, value);
        else
            Report.Hex(name, value);
    }

    private static void Msr(uint msr)
    {
        bool good = Machine.TryReadMsr(msr, out ulong value);
        Report.Begin("rdmsr"u8);
        Report.Hex("msr"u8, msr);
        if (!good)
            Report.Add(" #GP"u8);
        else if (msr is 0x10 or 0x839)
            Report.Class("value"u8, value);
        else
            Report.Hex("value"u8, value);
    }

    private static void Ports()
    {
        Probe.Section("ports"u8);
        foreach (ushort port in (ReadOnlySpan<ushort>)[0x20, 0x21, 0xa0, 0xa1, 0x40, 0x41, 0x42, 0x43, 0x61, 0xe9, 0x3f8, 0x3f9, 0x3fb, 0x3fd, 0xcf8, 0xcfc, 0x70, 0x2f8, 0x1234])
        {
            Report.Begin("in8"u8);
            Report.Hex("port"u8, port);
            Report.Hex("value"u8, Machine.In8(port));
        }

        foreach (uint function in (ReadOnlySpan<uint>)[0, 1u << 11, 31u << 11, (31u << 11) | (2 << 8), (31u << 11) | (3 << 8), 29u << 11])
        {
            Machine.Out32(0xcf8, 0x80000000 | function);
            Report.Begin("pci"u8);
            Report.Hex("function"u8, function >> 8);
            Report.Hex("cf8"u8, Machine.In32(0xcf8));
            Report.Hex("id"u8, Machine.In32(0xcfc));
            Machine.Out32(0xcf8, 0x80000000 | function | 8);
            Report.Hex("class"u8, Machine.In32(0xcfc));
        }
    }
}
