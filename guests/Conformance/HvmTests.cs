// SPDX-License-Identifier: MIT
// hvm_op (`xen/include/public/hvm/hvm_op.h`, `params.h`) on the calling domain.

using System;

namespace XenSharp.Guests.Conformance;

internal static class HvmTests
{
    private static Page A => Probe.A;

    private static ReadOnlySpan<ushort> Domains => [Probe.Self, 0, 1, 0x7ff1, 0x7ff4, 0x7fff];

    public static void Run()
    {
        Probe.Section("hvm_op"u8);
        Parameters();
        UpcallVector();
        A.Clear().Put16(0, Probe.Self);
        Probe.Is("pagetable_dying(self)"u8, Op(9, A.Address));
        A.Clear().Put16(0, 1);
        Probe.Is("pagetable_dying(nonexistent domain)"u8, Op(9, A.Address));
        Probe.Is("flush_tlbs(null)"u8, Op(5, 0));
        Probe.Is("flush_tlbs(page)"u8, Op(5, A.Address));
        A.Clear();
        Probe.Is("get_time"u8, Op(10, A.Address));
        Report.Class("now"u8, A.Get64(0));
        MemoryTypes();
        foreach (uint operation in (ReadOnlySpan<uint>)[2, 3, 4, 6, 7, 8, 11, 12, 13, 14, 16, 17, 18, 19, 20, 21, 22, 24, 25, 26, 27, 100, 0xffffffff])
        {
            A.Clear();
            Probe.Numbered("hvm_op(zeroed argument, operation "u8, operation, Op(operation, A.Address));
        }

        Xentrace();
        foreach (uint operation in (ReadOnlySpan<uint>)[0, 1, 9, 10, 11, 15, 23, 25])
        {
            Report.Begin("hvm_op"u8);
            Report.Decimal("operation"u8, operation);
            Report.Flush();
            Probe.BadPointers(" "u8, Call.HvmOp, operation);
        }
    }

    private static long Op(ulong operation, ulong argument) => Hypercall.Make(Call.HvmOp, operation, argument);

    private static long Get(ushort domain, uint index)
    {
        A.Clear().Put16(0, domain).Put32(4, index).Put64(8, 0x5a5a5a5a);
        return Op(1, A.Address);
    }

    private static long Set(ushort domain, uint index, ulong value)
    {
        A.Clear().Put16(0, domain).Put32(4, index).Put64(8, value);
        return Op(0, A.Address);
    }

    private static void Parameters()
    {
        for (uint index = 0; index < 42; index++)
        {
            long result = Probe.Numbered("get_param("u8, index, Get(Probe.Self, index));
            ulong value = A.Get64(8);
            if (result == 0)
                Report.Hex("value"u8, value);
            // HVM_PARAM_VM86_TSS_SIZED with size 0 crashes the domain on real Xen.
            if (index == 37)
                continue;
            Report.Add(", set to zero "u8);
            Probe.Result(Set(Probe.Self, index, 0));
            Report.Add(", domain 0: set "u8);
            Probe.Result(Set(0, index, 0));
        }

        Probe.Is("get_param(2^32 - 1)"u8, Get(Probe.Self, 0xffffffff));
        Probe.Is("set_param(2^32 - 1)"u8, Set(Probe.Self, 0xffffffff, 0));
        foreach (ushort domain in Domains)
        {
            Probe.Numbered("get_param(store port, domain "u8, domain, Get(domain, 2));
            Probe.Numbered("set_param(store port, domain "u8, domain, Set(domain, 2, 0));
        }

        // The callback: kinds GSI (0), PCI line (1), vector (2) and ones that do not exist.
        foreach (ulong value in (ReadOnlySpan<ulong>)[1, 15, 300, 1UL << 56, 2UL << 56, (2UL << 56) | 0x0f, (2UL << 56) | 0x100f2, (2UL << 56) | 0xf2, 3UL << 56, 0xffUL << 56])
        {
            Report.Begin("callback"u8);
            Report.Hex("value"u8, value);
            Report.Add(" = "u8);
            Probe.Result(Set(Probe.Self, 0, value));
            Get(Probe.Self, 0);
            Report.Hex("read back"u8, A.Get64(8));
        }

        Probe.Is("callback: none"u8, Set(Probe.Self, 0, 0));
        foreach (uint index in (ReadOnlySpan<uint>)[2, 18])
        {
            Probe.Numbered("set_param(to 5, index "u8, index, Set(Probe.Self, index, 5));
            Probe.Numbered("set_param(to 6 after that, index "u8, index, Set(Probe.Self, index, 6));
            Get(Probe.Self, index);
            Report.Hex("read back"u8, A.Get64(8));
        }
    }

    private static long Vector(uint vcpu, byte vector)
    {
        A.Clear().Put32(0, vcpu).Put8(4, vector);
        return Op(23, A.Address);
    }

    private static void UpcallVector()
    {
        foreach (byte vector in (ReadOnlySpan<byte>)[1, 15, 16, 31, 32, 0xf3, 0xff])
            Probe.Numbered("set_evtchn_upcall_vector(vcpu 0, "u8, vector, Vector(0, vector));
        Probe.Is("set_evtchn_upcall_vector(vcpu 1)"u8, Vector(1, 0xf3));
        Probe.Is("set_evtchn_upcall_vector(vcpu 2^32 - 1)"u8, Vector(0xffffffff, 0xf3));
        Probe.Is("set_evtchn_upcall_vector(vcpu 0, 0)"u8, Vector(0, 0));
    }

    private static void MemoryType(ReadOnlySpan<byte> text, ushort domain, ulong frame)
    {
        A.Clear().Put16(0, domain).Put16(2, 0x5a5a).Put64(8, frame);
        Probe.Is(text, Op(15, A.Address));
        Report.Hex("type"u8, A.Get16(2));
    }

    private static void MemoryTypes()
    {
        MemoryType("get_mem_type(self, own page)"u8, Probe.Self, A.Frame);
        MemoryType("get_mem_type(domain 0, own page)"u8, 0, A.Frame);
        MemoryType("get_mem_type(nonexistent domain)"u8, 1, A.Frame);
        MemoryType("get_mem_type(self, hole)"u8, Probe.Self, 0xf0000);
        MemoryType("get_mem_type(self, local APIC)"u8, Probe.Self, 0xfee00);
        MemoryType("get_mem_type(self, ROM)"u8, Probe.Self, 0xf1);
        MemoryType("get_mem_type(self, 2^40)"u8, Probe.Self, 1UL << 40);
    }

    private static void Xentrace()
    {
        A.Clear().Put16(0, 0x123).Put16(2, 4);
        Probe.Is("xentrace(4 bytes)"u8, Op(11, A.Address));
        A.Put16(2, 28);
        Probe.Is("xentrace(28 bytes)"u8, Op(11, A.Address));
        A.Put16(2, 29);
        Probe.Is("xentrace(29 bytes)"u8, Op(11, A.Address));
        A.Put16(0, 0xffff).Put16(2, 0);
        Probe.Is("xentrace(event 0xffff)"u8, Op(11, A.Address));
    }
}
