// SPDX-License-Identifier: MIT
// The CPU policy of another domain.

using System;

namespace XenSharp.Guests.Conformance;

internal static class OtherDomainPolicy
{
    private const uint NoSubleaf = uint.MaxValue;

    private static Page A => Probe.A;

    private static Page B => Probe.B;

    private static Page C => Probe.C;

    public static void Run()
    {
        Probe.Section("cpu policy of another domain"u8);
        OtherDomain.Start(82);
        Probe.Is("get_cpu_policy(null)"u8, OtherDomain.Op());
        Report.Hex("leaves"u8, A.Get32(16));
        Report.Hex("msrs"u8, A.Get32(20));
        OtherDomain.Start(82).Put32(16, 3).Put64(24, B.Clear().Address);
        Probe.Is("get_cpu_policy(3 leaves)"u8, OtherDomain.Op());
        Show();
        for (uint index = 0; index < 7; index++)
            System(index);
        foreach (uint leaf in (ReadOnlySpan<uint>)[0, 1, 0xd, 0xe, 0x40000000, 0x40000001, 0x40000100, 0x80000000, 0x80000021, 0x80000022, 0xc0000000])
            Try("leaf "u8, leaf, NoSubleaf);
        foreach (uint leaf in (ReadOnlySpan<uint>)[0, 1, 4, 7, 0xb, 0xd, 0x40000000, 0x80000001])
            Try("subleaf 0 of "u8, leaf, 0);
        Try("subleaf 5 of "u8, 4, 5);
        Try("subleaf 6 of "u8, 4, 6);
        Try("subleaf 2 of "u8, 7, 2);
        Try("subleaf 3 of "u8, 7, 3);
        Try("subleaf 1 of "u8, 0xb, 1);
        Try("subleaf 2 of "u8, 0xb, 2);
        Try("subleaf 62 of "u8, 0xd, 62);
        Try("subleaf 63 of "u8, 0xd, 63);
        Limits();
        Msrs();
        OtherDomain.Start(83).Put32(16, 0x79).Put64(24, B.Address);
        Probe.Is("set_cpu_policy(0x79 leaves)"u8, Set());
        OtherDomain.Start(83).Put32(16, 1).Put64(24, Probe.Unmapped);
        Probe.Is("set_cpu_policy(unmapped)"u8, Set());
        Show();
    }

    private static long Set()
    {
        A.Put32(40, 0x5a5a5a5a).Put32(44, 0x5a5a5a5a).Put32(48, 0x5a5a5a5a);
        return OtherDomain.Op();
    }

    private static void Errors()
    {
        Report.Hex("leaf"u8, A.Get32(40));
        Report.Hex("subleaf"u8, A.Get32(44));
        Report.Hex("msr"u8, A.Get32(48));
    }

    // Which leaves there are, and one bit of each word of a few.
    private static void Show()
    {
        OtherDomain.Start(82).Put32(16, 0x78).Put32(20, 2).Put64(24, B.Clear().Address).Put64(32, C.Clear().Address);
        Probe.Is("get_cpu_policy"u8, OtherDomain.Op());
        uint count = A.Get32(16);
        Report.Decimal("leaves"u8, count);
        Report.Decimal("msrs"u8, A.Get32(20));
        Report.Hex("platform"u8, C.Get64(8));
        Report.Hex("capabilities"u8, C.Get64(24));
        for (int i = 0; i < (int)count && i < 128; i++)
        {
            Report.Begin("policy leaf"u8);
            for (int j = 0; j < 6; j++)
                Report.Hex(Names(j), B.Get32((i * 24) + (j * 4)));
        }
    }

    private static ReadOnlySpan<byte> Names(int column) =>
        column switch { 0 => "leaf"u8, 1 => "subleaf"u8, 2 => "a"u8, 3 => "b"u8, 4 => "c"u8, _ => "d"u8 };

    private static void System(uint index)
    {
        A.Clear().Put32(0, 29).Put32(4, 0x15).Put32(8, index).Put32(12, 0x78).Put32(16, 2).Put64(24, B.Clear().Address).Put64(32, C.Clear().Address);
        Probe.Numbered("sysctl(get_cpu_policy, index "u8, index, Hypercall.Make(Call.Sysctl, A.Address));
        uint count = A.Get32(12);
        Report.Decimal("leaves"u8, count);
        Report.Decimal("msrs"u8, A.Get32(16));
        Report.Hex("platform"u8, C.Get64(8));
        A.Clear().Put32(0, 26).Put32(4, 0x15).Put32(8, index).Put32(12, 19).Put64(16, D.Clear().Address);
        Probe.Numbered("sysctl(get_cpu_featureset, index "u8, index, Hypercall.Make(Call.Sysctl, A.Address));
        for (int i = 0; i < 19 && index != 0; i++)
            Report.Hex("w"u8, D.Get32(i * 4));
    }

    private static Page D => Probe.D;

    private static void Try(ReadOnlySpan<byte> what, uint leaf, uint subleaf)
    {
        B.Clear().Put32(0, leaf).Put32(4, subleaf);
        Find(leaf, subleaf);
        OtherDomain.Start(83).Put32(16, 1).Put64(24, B.Address);
        Report.Begin("set_cpu_policy("u8);
        Report.Add(what);
        Report.Hex("leaf"u8, leaf);
        Report.Add(") = "u8);
        Probe.Result(Set());
        Errors();
    }

    // Takes the leaf as the domain has it, so that the change changes nothing.
    private static bool Find(uint leaf, uint subleaf)
    {
        OtherDomain.Start(82).Put32(16, 0x78).Put64(24, C.Clear().Address);
        if (OtherDomain.Op() != 0)
            return false;
        for (int i = 0; i < (int)A.Get32(16) && i < 128; i++)
        {
            if (C.Get32(i * 24) != leaf || C.Get32((i * 24) + 4) != subleaf)
                continue;
            for (int j = 0; j < 24; j += 4)
                B.Put32(j, C.Get32((i * 24) + j));
            return true;
        }

        return false;
    }

    private static void Limits()
    {
        foreach (uint leaf in (ReadOnlySpan<uint>)[0, 7, 0x80000000])
        {
            foreach (uint change in (ReadOnlySpan<uint>)[1, 10, uint.MaxValue])
            {
                Find(leaf, leaf == 7 ? 0 : NoSubleaf);
                B.Put32(8, B.Get32(8) + change);
                OtherDomain.Start(83).Put32(16, 1).Put64(24, B.Address);
                Probe.Numbered("set_cpu_policy(another limit, leaf "u8, leaf, Set());
                Report.Hex("change"u8, change);
                Errors();
            }
        }

        // HTT, CMP_LEGACY, SVM, invariant TSC: what a toolstack sets or would like to.
        Find(1, NoSubleaf);
        B.Put32(20, B.Get32(20) | (1 << 28)).Put32(12, (B.Get32(12) & 0xff00ffff) | (4 << 16));
        OtherDomain.Start(83).Put32(16, 1).Put64(24, B.Address);
        Probe.Is("set_cpu_policy(HTT, 4 threads)"u8, Set());
        Find(0x80000001, NoSubleaf);
        B.Put32(16, B.Get32(16) | 6);
        OtherDomain.Start(83).Put32(16, 1).Put64(24, B.Address);
        Probe.Is("set_cpu_policy(CMP_LEGACY, SVM)"u8, Set());
        Show();
        Find(1, NoSubleaf);
        B.Put32(16, B.Get32(16) & ~(1u << 26));
        OtherDomain.Start(83).Put32(16, 1).Put64(24, B.Address);
        Probe.Is("set_cpu_policy(no XSAVE)"u8, Set());
        Show();
        foreach (uint leaf in (ReadOnlySpan<uint>)[0, 1])
        {
            Find(leaf, NoSubleaf);
            if (leaf == 0)
                B.Put32(8, 0xd);
            else
                B.Put32(16, B.Get32(16) | (7u << 26));
            OtherDomain.Start(83).Put32(16, 1).Put64(24, B.Address);
            Probe.Is("set_cpu_policy(XSAVE again)"u8, Set());
        }
    }

    private static void Msrs()
    {
        foreach (ulong value in (ReadOnlySpan<ulong>)[0, 0x80000000, 1, 0x100000000])
        {
            foreach (uint msr in (ReadOnlySpan<uint>)[0xce, 0x10a, 0x10b])
            {
                C.Clear().Put32(0, msr).Put64(8, value);
                OtherDomain.Start(83).Put32(20, 1).Put64(32, C.Address);
                Probe.Numbered("set_cpu_policy(msr "u8, msr, Set());
                Report.Hex("value"u8, value);
                Errors();
            }
        }

        C.Clear().Put32(0, 0xce).Put32(4, 1);
        OtherDomain.Start(83).Put32(20, 1).Put64(32, C.Address);
        Probe.Is("set_cpu_policy(msr flags)"u8, Set());
        Errors();
        OtherDomain.Start(83).Put32(20, 3).Put64(32, C.Address);
        Probe.Is("set_cpu_policy(3 msrs)"u8, Set());
        C.Clear().Put32(0, 0xce).Put64(8, 0x80000000);
        OtherDomain.Start(83).Put32(20, 1).Put64(32, C.Address);
        Probe.Is("set_cpu_policy(msr 0xce back)"u8, Set());
    }
}
