// SPDX-License-Identifier: MIT
// Scheduling, time and limits of another domain.

using System;

namespace XenSharp.Guests.Conformance;

internal static class OtherDomainScheduling
{
    private static Page A => Probe.A;

    private static Page B => Probe.B;

    private static Page C => Probe.C;

    public static void Run()
    {
        Probe.Section("scheduling of another domain"u8);
        Affinity();
        Parameters();
        Time();
        Pool();
        foreach (ulong kib in (ReadOnlySpan<ulong>)[0, 3, 4, 4096, 1UL << 40, ulong.MaxValue, 4096])
        {
            OtherDomain.Start(11).Put64(16, kib);
            Probe.Numbered("max_mem("u8, kib, OtherDomain.Op());
            OtherDomain.Start(5);
            OtherDomain.Op();
            Report.Hex("max"u8, A.Get64(16 + 16));
        }
    }

    private static void Affinity()
    {
        foreach (uint vcpu in (ReadOnlySpan<uint>)[0, 1, 2])
        {
            foreach (uint flags in (ReadOnlySpan<uint>)[0, 1, 2, 3, 4, 5, 8, 1])
            {
                // Maps are struct xenctl_bitmap: handle, bits.
                B.Clear().Put64(0, 1);
                C.Clear().Put64(0, 0xff);
                OtherDomain.Start(9).Put32(16, vcpu).Put32(20, flags).Put64(24, B.Address).Put32(32, 8).Put64(40, C.Address).Put32(48, 8);
                Probe.Numbered("setvcpuaffinity("u8, vcpu, OtherDomain.Op());
                Report.Hex("flags"u8, flags);
                Report.Hex("hard"u8, B.Get8(0));
                Report.Hex("soft"u8, C.Get8(0));
                OtherDomain.Start(25).Put32(16, vcpu).Put32(20, flags).Put64(24, B.Fill(0xa5).Address).Put32(32, 16).Put64(40, C.Fill(0xa5).Address).Put32(48, 16);
                Probe.Numbered("getvcpuaffinity("u8, vcpu, OtherDomain.Op());
                Report.Hex("flags"u8, flags);
                Report.Hex("hard"u8, B.Get16(0));
                Report.Hex("soft"u8, C.Get16(0));
            }
        }

        B.Clear().Put8(0, 2);
        OtherDomain.Start(9).Put32(20, 1).Put64(24, B.Address).Put32(32, 8);
        Probe.Is("setvcpuaffinity(no such cpu)"u8, OtherDomain.Op());
        OtherDomain.Start(9).Put32(20, 1).Put64(24, Probe.Unmapped).Put32(32, 8);
        Probe.Is("setvcpuaffinity(unmapped)"u8, OtherDomain.Op());
        foreach (byte nodes in (ReadOnlySpan<byte>)[0, 1, 2, 3, 0xff])
        {
            B.Clear().Put8(0, nodes);
            OtherDomain.Start(68).Put64(16, B.Address).Put32(24, 8);
            Probe.Numbered("setnodeaffinity("u8, nodes, OtherDomain.Op());
            OtherDomain.Start(69).Put64(16, B.Fill(0xa5).Address).Put32(24, 64);
            Probe.Is("getnodeaffinity"u8, OtherDomain.Op());
            Report.Hex("nodes"u8, B.Get64(0));
        }
    }

    private static void Parameters()
    {
        foreach (uint scheduler in (ReadOnlySpan<uint>)[0, 5, 6, 7])
        {
            for (uint command = 0; command < 5; command++)
            {
                OtherDomain.Start(16).Put32(16, scheduler).Put32(20, command);
                Probe.Numbered("scheduler_op(scheduler "u8, scheduler, OtherDomain.Op());
                Report.Decimal("command"u8, command);
                Report.Decimal("weight"u8, A.Get16(24));
                Report.Decimal("cap"u8, A.Get16(26));
            }
        }

        foreach (uint weight in (ReadOnlySpan<uint>)[0, 1, 256, 65535])
        {
            foreach (uint cap in (ReadOnlySpan<uint>)[0, 1, 50, 200, 201, 65535])
            {
                OtherDomain.Start(16).Put32(16, 6).Put32(20, 0).Put16(24, (ushort)weight).Put16(26, (ushort)cap);
                Probe.Numbered("scheduler_op(put, weight "u8, weight, OtherDomain.Op());
                Report.Decimal("cap"u8, cap);
                OtherDomain.Start(16).Put32(16, 6).Put32(20, 1);
                OtherDomain.Op();
                Report.Decimal("weight now"u8, A.Get16(24));
                Report.Decimal("cap now"u8, A.Get16(26));
            }
        }

        OtherDomain.Start(16).Put32(16, 6).Put32(20, 0).Put16(24, 256).Put16(26, 65535);
        Probe.Is("scheduler_op(put, the default)"u8, OtherDomain.Op());
    }

    private static void Time()
    {
        OtherDomain.Start(59);
        ShowTime("gettscinfo"u8);
        foreach (uint mode in (ReadOnlySpan<uint>)[0, 1, 2, 3, 4, 0xffffffff, 0])
        {
            OtherDomain.Start(60).Put32(16, mode);
            Probe.Numbered("settscinfo(mode "u8, mode, OtherDomain.Op());
            OtherDomain.Start(59);
            ShowTime("gettscinfo"u8);
        }

        OtherDomain.Start(60).Put32(20, 1000).Put32(24, 7).Put64(32, 12345);
        Probe.Is("settscinfo(mode 0, 1 MHz, incarnation 7)"u8, OtherDomain.Op());
        OtherDomain.Start(59);
        ShowTime("gettscinfo"u8);
        OtherDomain.Start(60);
        Probe.Is("settscinfo(mode 0)"u8, OtherDomain.Op());
        foreach (ulong seconds in (ReadOnlySpan<ulong>)[0, 3600, ulong.MaxValue])
        {
            OtherDomain.Start(24).Put64(16, seconds);
            Probe.Numbered("settimeoffset("u8, seconds, OtherDomain.Op());
        }
    }

    private static void ShowTime(ReadOnlySpan<byte> text)
    {
        Probe.Is(text, OtherDomain.Op());
        Report.Decimal("mode"u8, A.Get32(16));
        Report.Class("khz"u8, A.Get32(20));
        Report.Decimal("incarnation"u8, A.Get32(24));
        Report.Class("elapsed"u8, A.Get64(32));
    }

    private static void Pool()
    {
        OtherDomain.Start(85);
        Probe.Is("get_paging_mempool_size"u8, OtherDomain.Op());
        Report.Hex("size"u8, A.Get64(16));
        foreach (ulong size in (ReadOnlySpan<ulong>)[1, 4095, 4097, 0x100000, 0x200000, 0x203000, 1UL << 44, ulong.MaxValue << 12, 0x200000])
        {
            OtherDomain.Start(86).Put64(16, size);
            Probe.Numbered("set_paging_mempool_size("u8, size, OtherDomain.Op());
            OtherDomain.Start(85);
            OtherDomain.Op();
            Report.Hex("size"u8, A.Get64(16));
        }

        // struct xen_domctl_shadow_op: op, mode, mb, pad, dirty_bitmap, pages, dirty_count, fault_count.
        for (uint operation = 0; operation < 36; operation++)
        {
            OtherDomain.Start(10).Put32(16, operation).Put64(32, B.Clear().Address).Put64(40, 64);
            Probe.Numbered("shadow_op("u8, operation, OtherDomain.Op());
            Report.Decimal("mb"u8, A.Get32(24));
            Report.Decimal("pages"u8, A.Get64(40));
        }

        OtherDomain.Start(10).Put32(16, 31).Put32(24, 2);
        Probe.Is("shadow_op(set allocation, 2 MiB)"u8, OtherDomain.Op());
        OtherDomain.Start(10);
        Probe.Is("shadow_op(off)"u8, OtherDomain.Op());
    }
}
