// SPDX-License-Identifier: MIT
// How long operations with the worst arguments known keep their vCPU inside the hypervisor. A hypercall that lets go in between
// comes back to its caller only when it is done, so the whole cost says nothing about the longest stretch. That is seen by a
// one-shot timer, armed again by each of its upcalls: what an upcall comes too late by was spent where nothing could interrupt.
// Prints `worst NAME COST result=R stretch=S`, in instructions under -icount.

using System;

namespace XenSharp.Guests.Bench;

internal static class WorstCases
{
    private const ulong Period = 20000;

    private static uint s_timer;

    private static Page Argument => new(0);

    private static Page List => new(2);

    public static void Run()
    {
        if (Events.MapSharedInfo() < 0 || Events.UseCallbackVector() < 0)
            Machine.Fail("a step of the set-up failed"u8);
        Argument.Clear();
        Hypercall.Make(Call.EventChannelOp, 1, Argument.Address);
        s_timer = Argument.Get32(8);
        Events.ClearMask(s_timer);
        Multicalls();
        Memory();
        Grants();
        Ports();
        Strings();
    }

    // Runs one call with the timer armed and interrupts open.
    private static void Call1(ReadOnlySpan<byte> name, uint number, ulong first, ulong second = 0, ulong third = 0, ulong fourth = 0, ulong fifth = 0)
    {
        Events.WatchTimer(s_timer, Period);
        Machine.EnableInterrupts();
        ulong start = Machine.Rdtsc();
        long result = Hypercall.Make(number, first, second, third, fourth, fifth);
        ulong cost = Machine.Rdtsc() - start;
        Machine.DisableInterrupts();
        ulong late = Events.StopWatching();
        Report.Begin("worst "u8);
        Report.Add(name);
        Text digits = new(stackalloc byte[24]);
        digits.Add(" "u8).Decimal(cost);
        Report.Add(digits.Bytes);
        Report.Signed("result"u8, result);
        // A call shorter than the timer's period is one stretch.
        Report.Decimal("stretch"u8, Math.Min(cost, late + Period));
        Report.Flush();
    }

    // Only the whole cost.
    private static void Whole(ReadOnlySpan<byte> name, uint number, ulong first, ulong second)
    {
        ulong start = Machine.Rdtsc();
        long result = Hypercall.Make(number, first, second);
        ulong cost = Machine.Rdtsc() - start;
        Report.Begin("whole "u8);
        Report.Add(name);
        Text digits = new(stackalloc byte[24]);
        digits.Add(" "u8).Decimal(cost);
        Report.Add(digits.Bytes);
        Report.Signed("result"u8, result);
        Report.Flush();
    }

    private static void Multicalls()
    {
        // 1,024 entries over 16 adjoining pages, each the largest copy that a version query makes.
        for (int page = 32; page < 48; page++)
        {
            Page list = new Page(page).Clear();
            for (int i = 0; i < 64; i++)
                list.Put64(i * 64, Call.XenVersion).Put64((i * 64) + 16, 3).Put64((i * 64) + 24, new Page(8).Address);
        }

        Call1("multicall of 1024 capabilities"u8, Call.Multicall, new Page(32).Address, 1024);
        for (int page = 0; page < 16; page++)
            Window.Map(page, new Page(32 + page).Frame);
        Window.Unmap(16);
        Call1("multicall of 2^32 - 1, list ends after 1024"u8, Call.Multicall, Window.Address(0), 0xffffffff);
    }

    private static void Memory()
    {
        // 2 MiB and single pages beyond 4 GiB, then back.
        for (int i = 0; i < 512; i++)
            List.Put64(i * 8, 0x100000 + (ulong)i);
        Reservation(512, 0);
        Call1("populate 512 pages"u8, Call.MemoryOp, 6, Argument.Address);
        Reservation(512, 0);
        Call1("decrease 512 pages"u8, Call.MemoryOp, 1, Argument.Address);
        Reservation(1, 9);
        Call1("populate one extent of 2 MiB"u8, Call.MemoryOp, 6, Argument.Address);
        Reservation(1, 9);
        Call1("decrease one extent of 2 MiB"u8, Call.MemoryOp, 1, Argument.Address);
        Reservation(512, 0);
        for (int i = 0; i < 512; i++)
            List.Put64(i * 8, 0x200000);
        Call1("decrease 512 times nothing"u8, Call.MemoryOp, 1, Argument.Address);
        Argument.Clear().Put32(0, 128).Put64(8, new Page(8).Address);
        Call1("memory_map"u8, Call.MemoryOp, 9, Argument.Address);
    }

    private static void Reservation(ulong count, uint order) =>
        Argument.Clear().Put64(0, List.Address).Put64(8, count).Put32(16, order).Put16(24, 0x7ff0);

    private static void Grants()
    {
        Argument.Clear().Put16(0, 0x7ff0).Put32(4, 64).Put64(16, new Page(8).Address);
        Call1("setup_table of 64"u8, Call.GrantTableOp, 2, Argument.Address, 1);
        for (uint version = 2; version > 0; version--)
        {
            Argument.Clear().Put32(0, version);
            Call1("set_version"u8, Call.GrantTableOp, 8, Argument.Address, 1);
        }

        // 64 bad copies a page, over 16 adjoining pages.
        for (int page = 32; page < 48; page++)
            new Page(page).Clear();
        Call1("1,600 copies of bad references"u8, Call.GrantTableOp, 5, new Page(32).Address, 1600);
        Call1("2,000 mappings of bad references"u8, Call.GrantTableOp, 0, new Page(32).Address, 2000);
        Call1("2,000 unmappings of bad handles"u8, Call.GrantTableOp, 1, new Page(32).Address, 2000);
    }

    private static void Ports()
    {
        Argument.Clear().Put32(0, 0x7ff07ff0);
        int count = 0;
        while (count < 3000 && Hypercall.Make(Call.EventChannelOp, 6, Argument.Address) == 0)
            count++;
        // The reset closes the watching timer's port too, so it is run without interrupts and counts as one stretch.
        Argument.Clear().Put16(0, 0x7ff0);
        Whole("reset of 3,000 ports, whole"u8, Call.EventChannelOp, 10, Argument.Address);
        Argument.Clear().Put32(4, 0);
        Hypercall.Make(Call.EventChannelOp, 1, Argument.Address);
        s_timer = Argument.Get32(8);
        Events.ClearMask(s_timer);
        List.Clear();
        for (int i = 0; i < 128; i++)
            List.Put32(i * 4, s_timer);
        Argument.Clear().Put64(0, List.Address).Put32(8, 128).Put64(16, 1);
        Call1("poll of 128 ports"u8, Call.SchedOp, 3, Argument.Address);
    }

    private static void Strings()
    {
        Page text = new(48);
        for (int page = 48; page < 50; page++)
        {
            new Page(page).Fill((byte)'.');
            for (int i = 63; i < 4096; i += 64)
                new Page(page).Put8(i, (byte)'\n');
        }

        Call1("console_io of 8 KiB"u8, Call.ConsoleIo, 0, 8192, text.Address);
        Argument.Clear();
        "/params"u8.CopyTo(Argument.Bytes);
        Call1("hypfs read of /params"u8, Call.HypfsOp, 1, Argument.Address, 8, new Page(8).Address, 4096);
        Argument.Fill((byte)'/').Put8(1023, 0);
        Call1("hypfs read of 1,023 slashes"u8, Call.HypfsOp, 1, Argument.Address, 1024, new Page(8).Address, 4096);
    }
}
