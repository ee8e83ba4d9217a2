// SPDX-License-Identifier: MIT
// What a 32-bit kernel has that NarrowCalls cannot make of a 64-bit one's: the shared info page in 32-bit words, multicalls of 32-bit structures,
// areas that the hypervisor writes by itself. Only in the `narrow` mode, before everything else.

using System;

namespace XenSharp.Guests.Conformance;

internal static class NarrowTests
{
    private const uint Marker = 0x5a5a5a5a;

    private static Page A => Probe.A;

    private static Page B => Probe.B;

    private static Page Shared => Events.SharedInfo;

    public static void Run()
    {
        Probe.Section("32-bit layouts"u8);
        Events.MapSharedInfo();
        Show("shared info as it comes"u8);
        Latch();
        Show("shared info of a 32-bit kernel"u8);
        SharedWords();
        Multicalls();
        Runstate();
        Information();
        Probe.Is("callback by vector, 64-bit"u8, Events.UseCallbackVector());
        Show("shared info of a 64-bit kernel"u8);
    }

    private static long Op(uint number, uint a1, uint a2 = 0, uint a3 = 0) => (int)Hypercall.Compat(number, a1, a2, a3);

    // HVM_PARAM_CALLBACK_IRQ from 32-bit code settles the layout.
    private static void Latch()
    {
        A.Clear().Put16(0, Probe.Self).Put32(4, 0).Put64(8, (2UL << 56) | Traps.CallbackVector);
        Probe.Is("callback by vector, 32-bit"u8, Op(Call.HvmOp, 0, (uint)A.Address));
    }

    // Time stands in vcpu_info at the same place; the wall clock behind the bitmaps, which are shorter.
    private static void Show(ReadOnlySpan<byte> what)
    {
        Report.Begin(what);
        Report.Flag("clock"u8, Shared.Get32(32 + 24) != 0);
        Report.Flag("wall clock at 2304"u8, Shared.Get32(2308) != 0);
        Report.Flag("wall clock at 3072"u8, Shared.Get32(3076) != 0);
        Report.Hex("upper seconds"u8, Shared.Get32(2316));
        Report.Hex("mask at 2176"u8, Shared.Get32(2176));
        Report.Hex("mask at 2560"u8, Shared.Get32(2560));
    }

    private static void SharedWords()
    {
        uint first = Allocate(), second = Bind(first);
        for (uint port = first; port <= second; port++)
        {
            Shared.Put32(2176, 0).Put32(2048, 0).Put32(4, 0).Put8(0, 0);
            A.Clear().Put32(0, port);
            Probe.Is("send"u8, Op(Call.EventChannelOp, 4, (uint)A.Address));
            Report.Hex("pending"u8, Shared.Get32(2048));
            Report.Hex("selector"u8, Shared.Get32(4));
            Report.Hex("upcall"u8, Shared.Get16(0));
        }

        Shared.Put32(2176, uint.MaxValue).Put32(2048, 0).Put32(4, 0).Put8(0, 0);
        Probe.Is("send, masked"u8, Op(Call.EventChannelOp, 4, (uint)A.Address));
        Report.Hex("pending"u8, Shared.Get32(2048));
        Report.Hex("selector"u8, Shared.Get32(4));
        A.Clear().Put32(0, first);
        Probe.Is("unmask"u8, Op(Call.EventChannelOp, 9, (uint)A.Address));
        Report.Hex("mask"u8, Shared.Get32(2176));
        Report.Hex("selector"u8, Shared.Get32(4));

        // 32 words of 32 ports each: the first port beyond the first word, and how many there can be.
        uint last = first;
        long result = 0;
        int count = 0;
        while (count < 1100 && (result = Op(Call.EventChannelOp, 6, (uint)A.Clear().Put16(0, Probe.Self).Put16(2, Probe.Self).Address)) == 0)
        {
            last = A.Get32(4);
            count++;
        }

        Probe.Is("alloc_unbound until there is none"u8, result);
        Report.Decimal("last"u8, last);
        Report.Decimal("count"u8, (ulong)count);
        A.Clear().Put16(0, Probe.Self);
        Probe.Is("reset"u8, Op(Call.EventChannelOp, 10, (uint)A.Address));
        Shared.Put32(2048, 0).Put32(4, 0).Put8(0, 0);
    }

    private static uint Allocate()
    {
        A.Clear().Put16(0, Probe.Self).Put16(2, Probe.Self);
        Probe.Is("alloc_unbound"u8, Op(Call.EventChannelOp, 6, (uint)A.Address));
        return A.Get32(4);
    }

    private static uint Bind(uint remote)
    {
        A.Clear().Put16(0, Probe.Self).Put32(4, remote);
        Probe.Is("bind_interdomain"u8, Op(Call.EventChannelOp, 0, (uint)A.Address));
        return A.Get32(8);
    }

    private static void Multicalls()
    {
        Page list = new(30);
        A.Clear();
        Reservation(0, 1);
        Reservation(32, 1);
        Reservation(64, 1);
        B.Clear().Put32(0, (uint)list.Frame);
        Entry(0, Call.MemoryOp, 1, (uint)A.Address);
        Entry(1, Call.MemoryOp, 1, (uint)A.Address + 32);
        Entry(2, Call.MemoryOp, 6, (uint)A.Address + 64);
        Entry(3, Call.XenVersion, 0, 0);
        Entry(4, Call.EventChannelOp, 4, 0);
        Entry(5, Call.SetTimerOp, 0, 0);
        Entry(6, 63, 0, 0);
        Probe.Is("multicall(populate and others)"u8, Op(Call.Multicall, (uint)new Page(40).Address, 7));
        for (int i = 0; i < 7; i++)
            Report.Hex("result"u8, new Page(40).Get32((i * 32) + 4));
        // Long enough to be interrupted: pages that are there already cannot be populated, so they go first.
        for (int i = 0; i < 10; i++)
            B.Put32(i * 4, (uint)new Page(20 + i).Frame);
        for (int i = 0; i < 16; i++)
        {
            Reservation(i * 24, 10);
            Entry(i, Call.MemoryOp, (i & 1) == 0 ? 1U : 6, (uint)A.Address + (uint)(i * 24));
        }

        Probe.Is("multicall(16 lists)"u8, Op(Call.Multicall, (uint)new Page(40).Address, 16));
        for (int i = 0; i < 16; i++)
            Report.Hex("r"u8, new Page(40).Get32((i * 32) + 4));
    }

    private static void Reservation(int offset, uint count) =>
        A.Put32(offset, (uint)B.Address).Put32(offset + 4, count).Put32(offset + 8, 0).Put32(offset + 12, 0).Put16(offset + 16, Probe.Self);

    private static void Entry(int index, uint number, uint a1, uint a2) =>
        new Page(40).Put32(index * 32, number).Put32((index * 32) + 4, Marker).Put32((index * 32) + 8, a1).Put32((index * 32) + 12, a2);

    private static void Runstate()
    {
        Page area = new(41);
        area.Fill(0xa5);
        A.Clear().Put32(0, (uint)area.Address);
        Probe.Is("register_runstate_memory_area"u8, Op(Call.VcpuOp, 5, 0, (uint)A.Address));
        Report.Hex("state"u8, area.Get32(0));
        Report.Flag("entered at 4"u8, area.Get64(4) != 0 && area.Get32(8) != 0xa5a5a5a5);
        Report.Decimal("written"u8, Probe.Written(area));
        area.Fill(0xa5);
        Probe.Is("get_runstate_info"u8, Op(Call.VcpuOp, 4, 0, (uint)area.Address));
        Report.Hex("state"u8, area.Get32(0));
        Report.Decimal("written"u8, Probe.Written(area));
        A.Clear();
        Probe.Is("register_runstate_memory_area(none)"u8, Op(Call.VcpuOp, 5, 0, (uint)A.Address));
    }

    private static void Information()
    {
        foreach (uint operation in (ReadOnlySpan<uint>)[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
        {
            A.Fill(0xa5);
            if (operation == 6)
                A.Put32(0, 0);
            Probe.Numbered("xen_version("u8, operation, Op(Call.XenVersion, operation, (uint)A.Address));
            Report.Decimal("written"u8, Probe.Written(A));
        }

        foreach (uint operation in (ReadOnlySpan<uint>)[2, 3, 4, 12, 14, 25])
        {
            A.Clear().Put16(0, Probe.Self);
            long result = Op(Call.MemoryOp, operation, (uint)A.Address);
            Probe.Numbered("memory_op("u8, operation, result > 0 ? 1 : result);
            Report.Hex("first"u8, A.Get32(0));
            Report.Hex("second"u8, A.Get32(4));
        }
    }
}
