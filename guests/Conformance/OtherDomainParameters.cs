// SPDX-License-Identifier: MIT
// hvm_op on another domain (`xen/include/public/hvm/hvm_op.h`, `params.h`).

using System;

namespace XenSharp.Guests.Conformance;

internal static class OtherDomainParameters
{
    private static Page A => Probe.A;

    public static void Run()
    {
        Probe.Section("hvm_op on another domain"u8);
        for (uint index = 0; index < 41; index++)
        {
            Get(index);
            // A domain with Viridian enlightenments is another matter.
            if (index == 9)
                continue;
            foreach (ulong value in (ReadOnlySpan<ulong>)[1, 0, 2, 0x100, 0x100000000, 0x5000000080, 0x0200000000000030, ulong.MaxValue])
            {
                A.Clear().Put16(0, OtherDomain.Id).Put32(4, index).Put64(8, value);
                Probe.Numbered("set_param("u8, index, Op(0));
                Report.Hex("value"u8, value);
            }

            Get(index);
        }

        foreach (uint operation in (ReadOnlySpan<uint>)[2, 3, 4, 6, 7, 8, 9, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 24, 25, 26])
        {
            A.Clear().Put16(0, OtherDomain.Id);
            Probe.Numbered("hvm_op(other domain, operation "u8, operation, Op(operation));
        }

        foreach (ulong frame in (ReadOnlySpan<ulong>)[0, 0x100, 0x103, 0x104, 1UL << 40])
        {
            A.Clear().Put16(0, OtherDomain.Id).Put64(8, frame);
            Probe.Numbered("get_mem_type("u8, frame, Op(15));
            Report.Decimal("type"u8, A.Get16(2));
        }

        // dm_op: domain, buffers. Operations need a domain with a device model.
        for (uint operation = 0; operation < 22; operation++)
        {
            A.Clear().Put32(0, operation);
            Probe.B.Clear().Put64(0, A.Address).Put64(8, 32);
            Probe.Numbered("dm_op(other domain, operation "u8, operation, Hypercall.Make(Call.DmOp, OtherDomain.Id, 1, Probe.B.Address));
        }
    }

    private static void Get(uint index)
    {
        A.Clear().Put16(0, OtherDomain.Id).Put32(4, index).Put64(8, 0x5a5a5a5a);
        Probe.Numbered("get_param("u8, index, Op(1));
        Report.Hex("value"u8, A.Get64(8));
    }

    private static long Op(uint operation) => Hypercall.Make(Call.HvmOp, operation, A.Address);
}
