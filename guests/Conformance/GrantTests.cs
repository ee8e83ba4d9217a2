// SPDX-License-Identifier: MIT
// grant_table_op (`xen/include/public/grant_table.h`): set-up, versions, queries; copies and mappings of own pages.

using System;

namespace XenSharp.Guests.Conformance;

internal static class GrantTests
{
    private static Page A => Probe.A;

    // Becomes the first frame of the grant table; its own memory is given up.
    private static Page Table => new(20);

    private static Page Source => new(21);

    private static ReadOnlySpan<ushort> Domains => [Probe.Self, 0, 1, 0x7ff1, 0x7ff2, 0x7ff4, 0x7fff];

    public static void Run()
    {
        Probe.Section("grant_table_op"u8);
        Queries();
        Versions();
        SetUp();
        Copies();
        Maps();
        foreach (uint operation in (ReadOnlySpan<uint>)[3, 4, 7, 9, 12, 13, 14, 100, 0xffffffff])
        {
            A.Clear();
            Probe.Numbered("grant_table_op(zeroed argument, operation "u8, operation, Op(operation));
        }

        for (uint operation = 0; operation < 13; operation++)
        {
            Report.Begin("grant_table_op"u8);
            Report.Decimal("operation"u8, operation);
            Report.Flush();
            Bad(operation);
        }
    }

    private static long Op(ulong operation, ulong count = 1) => Hypercall.Make(Call.GrantTableOp, operation, A.Address, count);

    private static void Bad(uint operation)
    {
        Report.Begin(" with pointer null, unmapped, non-canonical; count 0, 2^31, 2^32 - 1 ="u8);
        foreach (ulong pointer in (ReadOnlySpan<ulong>)[0, Probe.Unmapped, Probe.NonCanonical])
        {
            Report.Add(" "u8);
            Probe.Result(Hypercall.Make(Call.GrantTableOp, operation, pointer, 1));
        }

        foreach (ulong count in (ReadOnlySpan<ulong>)[0, 0x80000000, 0xffffffff])
        {
            Report.Add(" "u8);
            Probe.Result(Hypercall.Make(Call.GrantTableOp, operation, Probe.Unmapped, count));
        }
    }

    private static void Query(ReadOnlySpan<byte> text, ushort domain)
    {
        A.Fill(0xa5).Put16(0, domain);
        Probe.Is(text, Op(6));
        Report.Hex("domain"u8, domain);
        Report.Decimal("frames"u8, A.Get32(4));
        Report.Decimal("max"u8, A.Get32(8));
        Report.Signed("status"u8, (short)A.Get16(12));
    }

    private static void Queries()
    {
        foreach (ushort domain in Domains)
            Query("query_size"u8, domain);
        A.Clear().Put16(0, Probe.Self).Put16(16, Probe.Self);
        Probe.Is("query_size, count 2"u8, Op(6, 2));
        foreach (ushort domain in Domains)
        {
            A.Fill(0xa5).Put16(0, domain).Put16(2, 0);
            Probe.Numbered("get_version(domain "u8, domain, Op(10));
            Report.Hex("version"u8, A.Get32(4));
        }

        Probe.Is("get_version, count 2"u8, Op(10, 2));
    }

    private static void Version(uint version)
    {
        A.Clear().Put32(0, version);
        Probe.Numbered("set_version("u8, version, Op(8));
        Report.Decimal("version"u8, A.Get32(0));
    }

    private static void Versions()
    {
        foreach (uint version in (ReadOnlySpan<uint>)[0, 1, 3, 0xffffffff, 2, 2, 1])
            Version(version);
        A.Clear().Put32(0, 1);
        Probe.Is("set_version, count 2"u8, Op(8, 2));
    }

    private static void Setup(ReadOnlySpan<byte> text, ushort domain, uint frames, ulong list)
    {
        A.Fill(0xa5).Put16(0, domain).Put32(4, frames).Put64(16, list);
        Probe.Is(text, Op(2));
        Report.Signed("status"u8, (short)A.Get16(8));
    }

    private static long Physmap(ulong index, ulong frame)
    {
        A.Clear().Put16(0, Probe.Self).Put32(4, 1).Put64(8, index).Put64(16, frame);
        return Hypercall.Make(Call.MemoryOp, 7, A.Address);
    }

    private static void SetUp()
    {
        Page list = Probe.B;
        Setup("setup_table(self, 0)"u8, Probe.Self, 0, 0);
        Setup("setup_table(self, 1)"u8, Probe.Self, 1, list.Fill(0xa5).Address);
        Report.Class("frame"u8, list.Get64(0));
        Report.Decimal("written"u8, Probe.Written(list));
        Setup("setup_table(self, 2)"u8, Probe.Self, 2, list.Fill(0xa5).Address);
        Report.Decimal("written"u8, Probe.Written(list));
        Setup("setup_table(self, 64)"u8, Probe.Self, 64, list.Fill(0xa5).Address);
        Report.Decimal("written"u8, Probe.Written(list));
        Setup("setup_table(self, 65)"u8, Probe.Self, 65, list.Address);
        Setup("setup_table(self, 2^32 - 1)"u8, Probe.Self, 0xffffffff, list.Address);
        Setup("setup_table(self, 1, null list)"u8, Probe.Self, 1, 0);
        Setup("setup_table(self, 1, unmapped list)"u8, Probe.Self, 1, Probe.Unmapped);
        foreach (ushort domain in Domains)
            Setup("setup_table(domain, 1)"u8, domain, 1, list.Address);
        A.Clear().Put16(0, Probe.Self).Put32(4, 1).Put64(16, list.Address);
        Probe.Is("setup_table, count 2"u8, Op(2, 2));
        Query("query_size"u8, Probe.Self);
        Probe.Is("add_to_physmap(grant_table, 0)"u8, Physmap(0, Table.Frame));
        Report.Hex("entry 0"u8, Table.Get64(0));
        Probe.Is("add_to_physmap(grant_table, 63)"u8, Physmap(63, 0x100020));
        Probe.Is("add_to_physmap(grant_table, 64)"u8, Physmap(64, 0x100021));
        Probe.Is("add_to_physmap(grant_table, 2^31)"u8, Physmap(0x80000000, 0x100021));
        Version(2);
        Probe.Is("add_to_physmap(grant_table, status frame 0) in version 2"u8, Physmap(0x80000000, 0x100022));
        Probe.Is("add_to_physmap(grant_table, status frame 2^16) in version 2"u8, Physmap(0x80010000, 0x100022));
        Version(1);
        Probe.Is("add_to_physmap(grant_table, frame 0 again)"u8, Physmap(0, Table.Frame));
    }

    private static void Entry(uint reference, ushort flags, ushort domain, uint frame) =>
        Table.Put16(((int)reference * 8) + 2, domain).Put32(((int)reference * 8) + 4, frame).Put16((int)reference * 8, flags);

    private static void Copy(ReadOnlySpan<byte> text, ulong source, ushort sourceDomain, ushort sourceOffset, ulong target, ushort targetDomain, ushort targetOffset,
        ushort length, ushort flags)
    {
        A.Clear().Put64(0, source).Put16(8, sourceDomain).Put16(10, sourceOffset).Put64(16, target).Put16(24, targetDomain).Put16(26, targetOffset);
        A.Put16(32, length).Put16(34, flags).Put16(36, 0x5a5a);
        Probe.Is(text, Op(5));
        Report.Signed("status"u8, (short)A.Get16(36));
    }

    private static void Copies()
    {
        Page target = Probe.C;
        Source.Fill(0x11);
        target.Fill(0x22);
        Entry(8, 1, 0, (uint)Source.Frame);
        Entry(9, 5, 0, (uint)Source.Frame);
        Entry(10, 0, 0, (uint)Source.Frame);
        Entry(11, 1, 5, (uint)Source.Frame);
        Entry(12, 1, 0, 0xf0000);
        Copy("copy(grant 8 to own frame)"u8, 8, 0, 16, target.Frame, Probe.Self, 32, 64, 1);
        Report.Flag("copied"u8, target.Get8(32) == 0x11 && target.Get8(95) == 0x11 && target.Get8(96) == 0x22 && target.Get8(31) == 0x22);
        Copy("copy(grant 8, domain self)"u8, 8, Probe.Self, 0, target.Frame, Probe.Self, 0, 4096, 1);
        Copy("copy(own frame to own frame)"u8, Source.Frame, Probe.Self, 0, target.Frame, Probe.Self, 0, 16, 0);
        Copy("copy(to grant 8)"u8, target.Frame, Probe.Self, 0, 8, 0, 0, 16, 2);
        Copy("copy(to read-only grant 9)"u8, target.Frame, Probe.Self, 0, 9, 0, 0, 16, 2);
        Copy("copy(from read-only grant 9)"u8, 9, 0, 0, target.Frame, Probe.Self, 0, 16, 1);
        Copy("copy(from invalid grant 10)"u8, 10, 0, 0, target.Frame, Probe.Self, 0, 16, 1);
        Copy("copy(from another's grant 11)"u8, 11, 0, 0, target.Frame, Probe.Self, 0, 16, 1);
        Copy("copy(from grant 12 of a hole)"u8, 12, 0, 0, target.Frame, Probe.Self, 0, 16, 1);
        Copy("copy(from grant 2^31)"u8, 0x80000000, 0, 0, target.Frame, Probe.Self, 0, 16, 1);
        Copy("copy(nonexistent domain)"u8, 8, 1, 0, target.Frame, Probe.Self, 0, 16, 1);
        Copy("copy(over the end of the source)"u8, 8, 0, 4090, target.Frame, Probe.Self, 0, 16, 1);
        Copy("copy(over the end of the target)"u8, 8, 0, 0, target.Frame, Probe.Self, 4090, 16, 1);
        Copy("copy(length 0)"u8, 8, 0, 0, target.Frame, Probe.Self, 0, 0, 1);
        Copy("copy(length 5000)"u8, 8, 0, 0, target.Frame, Probe.Self, 0, 5000, 1);
        Copy("copy(unknown flags)"u8, 8, 0, 0, target.Frame, Probe.Self, 0, 16, 0x11);
        Copy("copy(to a hole)"u8, 8, 0, 0, 0xf0000, Probe.Self, 0, 16, 1);
        Copy("copy(frame of domain 0 by number)"u8, Source.Frame, 0, 0, target.Frame, Probe.Self, 0, 16, 0);
        Report.Begin("grant 8 afterwards"u8);
        Report.Hex("flags"u8, Table.Get16(64));
        A.Clear().Put32(0, 8).Put32(4, 9);
        Probe.Is("swap_grant_ref(8, 9)"u8, Op(11));
        Report.Signed("status"u8, (short)A.Get16(8));
        Report.Hex("flags of 8"u8, Table.Get16(64));
        A.Clear().Put32(0, 8).Put32(4, 0x80000000);
        Probe.Is("swap_grant_ref(8, 2^31)"u8, Op(11));
        Report.Signed("status"u8, (short)A.Get16(8));
        A.Clear().Put32(0, 8).Put32(4, 8);
        Probe.Is("swap_grant_ref(8, 8)"u8, Op(11));
        Report.Signed("status"u8, (short)A.Get16(8));
    }

    private static uint Map(ReadOnlySpan<byte> text, ulong address, uint flags, uint reference, ushort domain)
    {
        A.Clear().Put64(0, address).Put32(8, flags).Put32(12, reference).Put16(16, domain).Put16(18, 0x5a5a).Put32(20, 0x5a5a5a5a);
        Probe.Is(text, Op(0));
        Report.Signed("status"u8, (short)A.Get16(18));
        Report.Hex("handle"u8, A.Get32(20));
        return A.Get32(20);
    }

    private static void Unmap(ReadOnlySpan<byte> text, ulong address, uint handle)
    {
        A.Clear().Put64(0, address).Put32(16, handle).Put16(20, 0x5a5a);
        Probe.Is(text, Op(1));
        Report.Signed("status"u8, (short)A.Get16(20));
    }

    private static void Maps()
    {
        const ulong Target = 0x100030UL << 12;
        Entry(8, 1, 0, (uint)Source.Frame);
        Map("map(nonexistent domain)"u8, Target, 2, 8, 1);
        Map("map(domain io)"u8, Target, 2, 8, 0x7ff1);
        Map("map(no flags)"u8, Target, 0, 8, 0);
        Map("map(contains_pte)"u8, Target, 2 | 16, 8, 0);
        Map("map(application map)"u8, Target, 8, 8, 0);
        Map("map(grant 2^31)"u8, Target, 2, 0x80000000, 0);
        Map("map(invalid grant 10)"u8, Target, 2, 10, 0);
        Map("map(another's grant 11)"u8, Target, 2, 11, 0);
        Map("map(grant of a hole 12)"u8, Target, 2, 12, 0);
        Unmap("unmap(handle never given)"u8, Target, 5);
        Unmap("unmap(handle 2^32 - 1)"u8, Target, 0xffffffff);
        uint handle = Map("map(own page, elsewhere)"u8, Target, 2, 8, 0);
        Report.Hex("flags of 8"u8, Table.Get16(64));
        Unmap("unmap(wrong address)"u8, Target + 4096, handle);
        Unmap("unmap(right)"u8, Target, handle);
        Report.Hex("flags of 8"u8, Table.Get16(64));
        Unmap("unmap(again)"u8, Target, handle);
        Map("map(the same page again)"u8, Target, 2, 8, 0);
    }
}
