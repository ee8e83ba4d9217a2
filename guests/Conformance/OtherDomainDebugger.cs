// SPDX-License-Identifier: MIT
// The `debugger` mode: what gdbsx does to a domain (XEN_DOMCTL_setdebugging, gdbsx_*). The domain never runs. Debian's Xen has these calls compiled
// out; the answers come from one with CONFIG_GDBSX.

using System;

namespace XenSharp.Guests.Conformance;

internal static class OtherDomainDebugger
{
    private const uint Pause = 3, Unpause = 4, GetInfo = 5, SetDebugging = 18, MemoryIo = 1000, PauseVcpu = 1001, UnpauseVcpu = 1002, Status = 1003;
    private const ulong Memory = 0x100000, MemoryEnd = 0x108000;

    private static Page A => Probe.A;

    // Buffers: pages in a row.
    private static Page Buffer => new(20);

    public static void Run()
    {
        Probe.Section("debugger"u8);
        OtherDomain.Make();
        Attaching();
        Pausing();
        PhysicalMemory();
        LongMode();
        OlderModes();
        Oneself();
        OtherDomain.Destroy();
        foreach (uint command in (ReadOnlySpan<uint>)[SetDebugging, MemoryIo, PauseVcpu, UnpauseVcpu, Status])
        {
            OtherDomain.Start(command);
            Probe.Numbered("destroyed(command "u8, command, OtherDomain.Op());
        }
    }

    private static void Attaching()
    {
        foreach (uint enable in (ReadOnlySpan<uint>)[1, 0, 2, 0x100])
        {
            OtherDomain.Start(SetDebugging).Put32(16, enable);
            Probe.Numbered("setdebugging("u8, enable, OtherDomain.Op());
            OtherDomain.Start(GetInfo);
            OtherDomain.Op();
            Report.Hex("flags"u8, A.Get32(20));
        }
    }

    private static void Pausing()
    {
        ShowStatus("paused by its creation"u8);
        foreach (uint vcpu in (ReadOnlySpan<uint>)[0, 1, 2, 0x80000000, uint.MaxValue])
        {
            foreach (uint command in (ReadOnlySpan<uint>)[UnpauseVcpu, PauseVcpu, PauseVcpu, UnpauseVcpu, UnpauseVcpu, UnpauseVcpu])
            {
                Probe.Numbered(command == PauseVcpu ? "gdbsx_pausevcpu("u8 : "gdbsx_unpausevcpu("u8, vcpu, OfVcpu(command, vcpu));
            }
        }

        int pauses = 0;
        long result;
        while ((result = OfVcpu(PauseVcpu, 1)) == 0 && pauses < 1000)
            pauses++;
        Probe.Is("gdbsx_pausevcpu once more"u8, result);
        Report.Decimal("pauses"u8, (ulong)pauses);
        OtherDomain.Start(Unpause);
        Probe.Is("unpausedomain"u8, OtherDomain.Op());
        ShowStatus("not paused"u8);
        Probe.Is("gdbsx_pausevcpu, not paused"u8, OfVcpu(PauseVcpu, 1));
        Probe.Is("gdbsx_pausevcpu(none), not paused"u8, OfVcpu(PauseVcpu, 2));
        Probe.Is("gdbsx_unpausevcpu, not paused"u8, OfVcpu(UnpauseVcpu, 1));
        OtherDomain.Start(Pause);
        Probe.Is("pausedomain"u8, OtherDomain.Op());
        while (pauses > 0 && OfVcpu(UnpauseVcpu, 1) == 0)
            pauses--;
        Report.Line("pauses taken back"u8);
        Probe.Is("gdbsx_unpausevcpu once more"u8, OfVcpu(UnpauseVcpu, 1));
        Report.Decimal("pauses"u8, (ulong)pauses);
    }

    private static long OfVcpu(uint command, uint vcpu)
    {
        OtherDomain.Start(command).Put32(16, vcpu);
        return OtherDomain.Op();
    }

    private static void ShowStatus(ReadOnlySpan<byte> when)
    {
        OtherDomain.Start(Status).Put32(16, 0x5a5a5a5a).Put32(20, 0x5a5a).Put32(24, 0x5a5a);
        Report.Begin("gdbsx_domstatus, "u8);
        Report.Add(when);
        Report.Add(" = "u8);
        Probe.Result(OtherDomain.Op());
        Report.Hex("paused"u8, A.Get32(16));
        Report.Hex("vcpu"u8, A.Get32(20));
        Report.Hex("event"u8, A.Get32(24));
    }

    // A vCPU that has never run has paging off.
    private static void PhysicalMemory()
    {
        for (int i = 0; i < 4096; i++)
            Buffer.Put8(i, (byte)i);
        Copy("write"u8, Memory, 16, 1);
        Copy("write, other flag"u8, Memory + 16, 16, 2);
        Copy("write over a page's end"u8, Memory + 0xff0, 0x20, 1);
        Copy("write all"u8, Memory, 0x8000, 1);
        Copy("write over memory's end"u8, MemoryEnd - 16, 0x20, 1);
        Copy("write nothing"u8, Memory, 0, 1);
        Copy("write nothing to nowhere"u8, 0, 0, 1);
        Copy("write to nowhere"u8, 0, 8, 1);
        Copy("read"u8, Memory, 16, 0);
        Copy("read over a page's end"u8, Memory + 0xff0, 0x20, 0);
        Copy("read all"u8, Memory, 0x8000, 0);
        Copy("read more than all"u8, Memory, 0x8001, 0);
        Copy("read 4 GiB"u8, Memory, uint.MaxValue, 0);
        Copy("read over memory's end"u8, MemoryEnd - 16, 0x20, 0);
        Copy("read before memory"u8, Memory - 16, 0x20, 0);
        Copy("read nowhere"u8, 0, 8, 0);
        Copy("read at 1 << 40"u8, 1UL << 40, 8, 0);
        Copy("read at 4 GiB above memory"u8, (1UL << 32) + Memory, 8, 0);
        Copy("read at the end of all"u8, ulong.MaxValue - 3, 8, 0);
        foreach (byte flag in (ReadOnlySpan<byte>)[0, 1])
        {
            OtherDomain.Start(MemoryIo).Put64(24, Memory).Put64(32, Probe.Unmapped).Put32(40, 16).Put8(44, flag);
            Probe.Numbered("gdbsx_guestmemio(buffer nowhere, flag "u8, flag, OtherDomain.Op());
            Report.Hex("remain"u8, A.Get32(48));
        }

        Copy("read with pgd3val"u8, Memory, 16, 0, 0x1234567);
    }

    private static void LongMode()
    {
        const ulong high = 0xffff_8880_0000_0000;
        // 0x101: top, 0x102, 0x103, 0x104: down to pages, whose data is in frame 0x105.
        Entry(0x101, 0x111, 0x102003);
        Entry(0x101, 0, 0x102003);
        Entry(0x102, 0, 0x103003);
        Entry(0x102, 1, 0x83);
        Entry(0x103, 0, 0x104003);
        Entry(0x103, 1, 0x83);
        Entry(0x104, 0, 0);
        Entry(0x104, 1, 0x105001);
        Entry(0x104, 2, 0x105007);
        Entry(0x104, 3, 0x8000_0000_0010_5003);
        Entry(0x104, 4, 0x105002);
        Entry(0x104, 5, 0xfffff003);
        OtherDomainContext.LoadControl(0x80000011, 0x101000, 0x20, 0xd00);
        for (ulong page = 0; page < 6; page++)
        {
            Copy("long mode, read page"u8, high + (page << 12) + 8, 8, 0, page);
            Copy("long mode, write page"u8, high + (page << 12) + 8, 8, 1, page);
        }

        Copy("long mode, low half"u8, 0x1008, 8, 0);
        Copy("long mode, not canonical"u8, 0x1234_0880_0000_1008, 8, 0);
        Copy("long mode, large page"u8, high + 0x200000 + Memory, 8, 0);
        Copy("long mode, huge page"u8, high + 0x40000000 + Memory, 8, 0);
        Copy("long mode, over a page's end"u8, high + 0x1ff8, 16, 0);
        Copy("long mode, over the last page's end"u8, high + 0x3ff8, 16, 0);
        Copy("long mode, no table"u8, high + (1UL << 39), 8, 0);
        OtherDomainContext.LoadControl(0x80000011, 0x200000, 0x20, 0x500);
        Copy("long mode, tables nowhere"u8, high + 0x1008, 8, 0);
    }

    private static void OlderModes()
    {
        Clear(0x101);
        Clear(0x103);
        Entry(0x101, 3, 0x103001);
        Entry(0x103, 0, 0x104003);
        Entry(0x103, 1, 0x83);
        OtherDomainContext.LoadControl(0x80000011, 0x101000, 0x20, 0);
        Copy("PAE, page"u8, 0xc0001008, 8, 0);
        Copy("PAE, page, upper half of the address"u8, 0x1234_c000_1008, 8, 0);
        Copy("PAE, large page"u8, 0xc0200000 + Memory, 8, 1);
        Copy("PAE, nowhere"u8, 0x1008, 8, 0);
        Clear(0x101);
        Clear(0x103);
        Half(0x101, 0x300, 0x103003);
        Half(0x101, 0x301, 0x83);
        Half(0x103, 1, 0x105003);
        OtherDomainContext.LoadControl(0x80000011, 0x101000, 0x10, 0);
        Copy("two levels, page"u8, 0xc0001008, 8, 0);
        Copy("two levels, page, upper half of the address"u8, 0x1234_c000_1008, 8, 0);
        Copy("two levels, large page"u8, 0xc0400000 + Memory, 8, 1);
        Copy("two levels, nowhere"u8, 0x1008, 8, 0);
    }

    private static void Oneself()
    {
        Buffer.Put64(4088, 0x1122334455667788);
        A.Clear().Put32(0, MemoryIo).Put32(4, 0x15).Put64(24, Buffer.Address + 4088).Put64(32, Buffer.Address).Put32(40, 8);
        Probe.Is("gdbsx_guestmemio(dom0)"u8, OtherDomain.Op());
        Report.Hex("read"u8, Buffer.Get64(0));
        foreach (uint command in (ReadOnlySpan<uint>)[SetDebugging, PauseVcpu, UnpauseVcpu, Status])
        {
            A.Clear().Put32(0, command).Put32(4, 0x15);
            Probe.Numbered("dom0(command "u8, command, OtherDomain.Op());
            A.Clear().Put32(0, command).Put32(4, 0x15).Put16(8, Probe.Self);
            Probe.Numbered("DOMID_SELF(command "u8, command, OtherDomain.Op());
        }
    }

    private static void Entry(ulong frame, ulong index, ulong entry)
    {
        Buffer.Put64(0, entry);
        Write((frame << 12) + (index * 8), 8);
    }

    private static void Half(ulong frame, ulong index, uint entry)
    {
        Buffer.Put32(0, entry);
        Write((frame << 12) + (index * 4), 4);
    }

    private static void Clear(ulong frame)
    {
        Buffer.Clear();
        Write(frame << 12, 4096);
    }

    // By physical address: paging is off again.
    private static void Write(ulong address, uint length)
    {
        Request(address, length, 1, 0);
        if (OtherDomain.Op() == 0)
            return;
        OtherDomainContext.LoadControl(0x11, 0, 0, 0);
        Request(address, length, 1, 0);
        Probe.Is("gdbsx_guestmemio(preparation)"u8, OtherDomain.Op());
    }

    private static void Request(ulong address, uint length, byte flag, ulong top) =>
        OtherDomain.Start(MemoryIo).Put64(16, top).Put64(24, address).Put64(32, Buffer.Address).Put32(40, length).Put8(44, flag).Put32(48, 0x5a5a);

    private static void Copy(ReadOnlySpan<byte> what, ulong address, uint length, byte flag, ulong top = 0)
    {
        if (flag == 0)
            Buffer.Fill(0xa5);
        Request(address, length, flag, top);
        Report.Begin("gdbsx_guestmemio("u8);
        Report.Add(what);
        Report.Add(") = "u8);
        Probe.Result(OtherDomain.Op());
        Report.Hex("remain"u8, A.Get32(48));
        Report.Hex("command"u8, A.Get32(0));
        if (flag != 0)
            return;
        Report.Decimal("written"u8, Probe.Written(Buffer));
        Report.Hex("first"u8, Buffer.Get64(0));
    }
}
