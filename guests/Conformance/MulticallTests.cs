// SPDX-License-Identifier: MIT
// multicall (`xen/include/public/xen.h`, struct multicall_entry): results per entry, bad entries, entries that cross pages.

using System;

namespace XenSharp.Guests.Conformance;

internal static class MulticallTests
{
    private const int Size = 64;

    private static Page A => Probe.A;

    private static Page B => Probe.B;

    public static void Run()
    {
        Probe.Section("multicall"u8);
        A.Clear();
        Probe.Is("multicall(0 entries)"u8, Make(A.Address, 0));
        Probe.Is("multicall(0 entries, unmapped)"u8, Make(Probe.Unmapped, 0));
        for (int i = 0; i < 32; i++)
            Entry(i, Call.XenVersion);
        Probe.Is("multicall(32 null calls)"u8, Make(A.Address, 32));
        bool same = true;
        for (int i = 0; i < 32; i++)
            same &= Result(i) == 262161;
        Report.Flag("all results right"u8, same);
        Report.Hex("op afterwards"u8, A.Get64(0));
        Report.Hex("argument afterwards"u8, A.Get64(16));

        Mixed();
        Nested();
        Probe.BadFirstPointers("multicall(1 entry)"u8, Call.Multicall, 1);
        Probe.BadFirstPointers("multicall(2^32 - 1 entries)"u8, Call.Multicall, 0xffffffff);
        Ends();
        MemoryInside();
        Many();
    }

    private static long Make(ulong list, ulong count) => Hypercall.Make(Call.Multicall, list, count);

    private static void Entry(int index, ulong operation, ulong first = 0, ulong second = 0, ulong third = 0) =>
        Put(A, index * Size, operation, first, second, third);

    private static void Put(Page page, int offset, ulong operation, ulong first = 0, ulong second = 0, ulong third = 0)
    {
        page.Put64(offset, operation).Put64(offset + 8, 0x5a5a5a5a).Put64(offset + 16, first).Put64(offset + 24, second);
        if (offset + 40 <= 4096)
            page.Put64(offset + 32, third);
    }

    private static long Result(int index) => (long)A.Get64((index * Size) + 8);

    private static void Mixed()
    {
        A.Clear();
        B.Clear().Put32(0, 1);
        Entry(0, Call.XenVersion, 6, B.Address);
        Entry(1, 63);
        Entry(2, 64);
        Entry(3, ulong.MaxValue);
        Entry(4, Call.XenVersion, 6, Probe.Unmapped);
        Entry(5, Call.SchedOp, 0);
        Entry(6, Call.EventChannelOp, 100);
        Entry(7, Call.XenVersion + (1UL << 32));
        Entry(8, Call.XenVersion);
        Probe.Is("multicall(entries of many kinds)"u8, Make(A.Address, 9));
        for (int i = 0; i < 9; i++)
        {
            Report.Add(" "u8);
            Probe.Result(Result(i));
        }

        A.Clear();
        Entry(0, 63);
        Probe.Is("multicall(only a bad entry)"u8, Make(A.Address, 1));
        Report.Add(" "u8);
        Probe.Result(Result(0));
    }

    private static void Nested()
    {
        A.Clear();
        B.Clear();
        Put(B, 0, Call.XenVersion);
        Entry(0, Call.Multicall, B.Address, 1);
        Entry(1, Call.XenVersion);
        Probe.Is("multicall(with a multicall inside)"u8, Make(A.Address, 2));
        Report.Add(" "u8);
        Probe.Result(Result(0));
        Report.Add(" "u8);
        Probe.Result(Result(1));
        Report.Hex("inner result"u8, B.Get64(8));
    }

    private static void Ends()
    {
        ulong start = Window.Map(0, A.Frame);
        Window.Unmap(1);
        A.Clear();
        Put(A, 4096 - 64, Call.XenVersion);
        Put(A, 4096 - 128, Call.XenVersion);
        Probe.Is("multicall(3 entries, the third unmapped)"u8, Make(start + 4096 - 128, 3));
        Report.Hex("first result"u8, A.Get64(4096 - 120));
        Report.Hex("second result"u8, A.Get64(4096 - 56));
        Put(A, 4096 - 32, Call.XenVersion);
        Probe.Is("multicall(entry over the end of mapped memory)"u8, Make(start + 4096 - 32, 1));
        Report.Hex("result"u8, A.Get64(4096 - 24));
        Window.MapReadOnly(0, A.Frame);
        A.Clear();
        Entry(0, Call.XenVersion);
        Probe.Is("multicall(entry in read-only memory)"u8, Make(start, 1));
        Report.Hex("result"u8, A.Get64(8));
        Window.Map(0, A.Frame);
        Window.Map(1, B.Frame);
        A.Clear();
        B.Clear();
        Put(A, 4096 - 40, Call.XenVersion);
        Probe.Is("multicall(entry over two pages)"u8, Make(start + 4096 - 40, 1));
        Report.Hex("result"u8, A.Get64(4096 - 32));
        A.Clear();
        Probe.Is("multicall(unaligned entry)"u8, Unaligned());
        Report.Hex("result"u8, (ulong)A.Get32(13));
    }

    private static long Unaligned()
    {
        Put(A, 5, Call.XenVersion);
        return Make(A.Address + 5, 1);
    }

    // libxenctrl sends every memory_op this way, because the result needs 64 bits.
    private static void MemoryInside()
    {
        A.Clear();
        B.Clear().Put64(0, 0x100000).Put64(512, 0).Put64(1024, 0).Put64(1032, 1).Put16(1048, Probe.Self);
        B.Put64(1024, B.Address);
        Entry(0, Call.MemoryOp, 6, B.Address + 1024);
        Entry(1, Call.MemoryOp, 1, B.Address + 1024);
        Entry(2, Call.MemoryOp, 1, B.Address + 1024);
        Entry(3, Call.MemoryOp, 18);
        Probe.Is("multicall(populate, decrease, decrease again, sharing)"u8, Make(A.Address, 4));
        for (int i = 0; i < 4; i++)
        {
            Report.Add(" "u8);
            Probe.Result(Result(i));
        }

        // A list of 512 extents: long enough to be continued.
        for (int i = 0; i < 512; i++)
            Probe.C.Put64(i * 8, 0x100000 + (ulong)i);
        B.Put64(1024, Probe.C.Address).Put64(1032, 512);
        Entry(0, Call.MemoryOp, 6, B.Address + 1024);
        Entry(1, Call.MemoryOp, 1, B.Address + 1024);
        Entry(2, Call.XenVersion);
        Probe.Is("multicall(populate 512, decrease 512, null)"u8, Make(A.Address, 3));
        for (int i = 0; i < 3; i++)
        {
            Report.Add(" "u8);
            Probe.Result(Result(i));
        }
    }

    // Over four adjoining pages: longer than one time slice between checks for preemption.
    private static void Many()
    {
        for (int page = 32; page < 48; page++)
        {
            new Page(page).Clear();
            for (int i = 0; i < 64; i++)
                Put(new Page(page), i * Size, Call.XenVersion);
        }

        Probe.Is("multicall(1024 null calls)"u8, Make(new Page(32).Address, 1024));
        bool same = true;
        for (int page = 32; page < 48; page++)
        {
            for (int i = 0; i < 64; i++)
                same &= new Page(page).Get64((i * Size) + 8) == 262161;
        }

        Report.Flag("all results right"u8, same);
    }
}
