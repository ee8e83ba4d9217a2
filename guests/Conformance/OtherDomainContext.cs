// SPDX-License-Identifier: MIT
// Saved state of another domain (`xen/include/public/arch-x86/hvm/save.h`).

using System;

namespace XenSharp.Guests.Conformance;

internal static class OtherDomainContext
{
    private const int HeaderLength = 24, CpuLength = 1032;

    private static Page A => Probe.A;

    private static Page B => Probe.B;

    // Four pages for a whole context.
    private static Page Buffer(int page) => new(20 + page);

    public static void Run()
    {
        Probe.Section("context of another domain"u8);
        OtherDomain.Start(33);
        Probe.Is("gethvmcontext(null)"u8, OtherDomain.Op());
        uint size = A.Get32(16);
        Report.Hex("size"u8, size);
        OtherDomain.Start(33).Put32(16, size - 1).Put64(24, Buffer(0).Address);
        Probe.Is("gethvmcontext(one byte short)"u8, OtherDomain.Op());
        Report.Hex("size"u8, A.Get32(16));
        OtherDomain.Start(33).Put32(16, size).Put64(24, Probe.Unmapped);
        Probe.Is("gethvmcontext(unmapped)"u8, OtherDomain.Op());
        Report.Hex("size"u8, A.Get32(16));
        Show();
        Partial();
        Refused();
        Processor();
        Show();
        Partial();
        Registers();
        Extended();
    }

    private static byte Byte(int offset) => Buffer(offset >> 12).Get8(offset & 0xfff);

    private static uint Word(int offset) => (uint)(Byte(offset) | (Byte(offset + 1) << 8) | (Byte(offset + 2) << 16) | (Byte(offset + 3) << 24));

    private static void Show()
    {
        for (int i = 0; i < 4; i++)
            Buffer(i).Fill(0xa5);
        OtherDomain.Start(33).Put32(16, 0x4000).Put64(24, Buffer(0).Address);
        Probe.Is("gethvmcontext"u8, OtherDomain.Op());
        int size = (int)A.Get32(16);
        Report.Hex("size"u8, (uint)size);
        int at = 0;
        while (at + 8 <= size && size <= 0x4000)
        {
            uint type = Word(at) & 0xffff, instance = Word(at) >> 16, length = Word(at + 4);
            Report.Begin("record"u8);
            Report.Decimal("type"u8, type);
            Report.Decimal("instance"u8, instance);
            Report.Decimal("length"u8, length);
            at += 8;
            // What is not zero, but not what depends on the machine.
            int shown = 0;
            for (int i = 0; i < (int)length && shown < 40 && at + i + 4 <= size; i += 4)
            {
                uint value = Word(at + i);
                bool varies = (type == 1 && i is >= 8) || (type == 2 && i is >= 1008 and < 1016) || type == 19 || (type == 15 && i == 16);
                if (value == 0 || varies)
                    continue;
                shown++;
                Report.Decimal("at"u8, (uint)i);
                Report.Hex("is"u8, value);
            }

            at += (int)length;
            if (type == 0)
                break;
        }
    }

    private static void Partial()
    {
        for (uint type = 0; type < 22; type++)
        {
            for (uint instance = 0; instance < 3; instance++)
            {
                OtherDomain.Start(55).Put32(16, type).Put32(20, instance).Put64(24, 4096).Put64(32, 0);
                Probe.Numbered("gethvmcontext_partial(type "u8, type, OtherDomain.Op());
                Report.Decimal("instance"u8, instance);
                Report.Decimal("size"u8, A.Get64(24));
            }

            OtherDomain.Start(55).Put32(16, type).Put64(24, 4).Put64(32, B.Fill(0xa5).Address);
            Probe.Numbered("gethvmcontext_partial(4 bytes, type "u8, type, OtherDomain.Op());
            OtherDomain.Start(55).Put32(16, type).Put64(24, 4096).Put64(32, B.Fill(0xa5).Address);
            Probe.Numbered("gethvmcontext_partial(buffer, type "u8, type, OtherDomain.Op());
            Report.Decimal("size"u8, A.Get64(24));
            Report.Decimal("written"u8, Probe.Written(B));
        }
    }

    // A context in page B: header, one record, end.
    private static int Begin()
    {
        B.Clear().Put16(0, 1).Put32(4, HeaderLength).Put32(8, 0x54381286).Put32(12, 1);
        return 8 + HeaderLength;
    }

    private static void Send(ReadOnlySpan<byte> text, int size)
    {
        OtherDomain.Start(34).Put32(16, (uint)size).Put64(24, B.Address);
        Probe.Is(text, OtherDomain.Op());
    }

    private static void Record(ReadOnlySpan<byte> text, uint type, uint instance, uint length, uint dataLength)
    {
        int at = Begin();
        B.Put16(at, (ushort)type).Put16(at + 2, (ushort)instance).Put32(at + 4, length);
        Report.Begin("sethvmcontext("u8);
        Report.Add(text);
        Report.Decimal("type"u8, type);
        Report.Decimal("instance"u8, instance);
        Report.Decimal("length"u8, length);
        OtherDomain.Start(34).Put32(16, (uint)at + 8 + dataLength + 8).Put64(24, B.Address);
        Report.Add(") = "u8);
        long result = OtherDomain.Op();
        Probe.Result(result);
    }

    private static void Refused()
    {
        OtherDomain.Start(34);
        Probe.Is("sethvmcontext(empty)"u8, OtherDomain.Op());
        OtherDomain.Start(34).Put32(16, 64).Put64(24, Probe.Unmapped);
        Probe.Is("sethvmcontext(unmapped)"u8, OtherDomain.Op());
        Begin();
        Send("sethvmcontext(header only)"u8, 32);
        Send("sethvmcontext(header, end)"u8, 40);
        Send("sethvmcontext(header, half an end)"u8, 36);
        Send("sethvmcontext(half a header)"u8, 20);
        B.Put32(4, 16);
        Send("sethvmcontext(short header)"u8, 40);
        Begin();
        B.Put16(2, 5);
        Send("sethvmcontext(header of instance 5)"u8, 40);
        Begin();
        B.Put32(8, 1);
        Send("sethvmcontext(bad magic)"u8, 40);
        Begin();
        B.Put32(12, 2);
        Send("sethvmcontext(bad version)"u8, 40);
        foreach (uint type in (ReadOnlySpan<uint>)[1, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 0xffff])
        {
            Record(""u8, type, 0, Length(type), Length(type));
            Record(""u8, type, 0, Length(type) - 1, Length(type));
            Record(""u8, type, 0, Length(type), Length(type) - 8);
            Record(""u8, type, 2, Length(type), Length(type));
        }
    }

    private static uint Length(uint type) => type switch
    {
        1 => 24, 2 => CpuLength, 3 => 8, 4 => 400, 5 => 24, 6 => 1024, 7 => 16, 8 => 8, 9 => 8, 10 => 56, 11 => 24, 12 => 1048, 13 => 8, 14 => 240,
        15 => 32, 16 => 600, 17 => 216, 18 => 32, 19 => 8, 20 => 24, _ => 16,
    };

    // Offsets in struct hvm_hw_cpu: rip 640, rflags 648, cr0 656, cr2 664, cr3 672, cr4 680, dr6 720, dr7 728, selectors 736, limits 768,
    // bases 808, access rights 888, sysenter 920, efer 992, tsc_aux 1000, tsc 1008, pending event 1016, error code 1020, flags 1024, pad 1028.
    private static int Good()
    {
        int at = Begin();
        B.Put16(at, 2).Put32(at + 4, CpuLength);
        at += 8;
        B.Put64(at + 520, 0xfc000).Put64(at + 640, 0x100000).Put64(at + 648, 2).Put64(at + 656, 0x11).Put64(at + 720, 0xffff0ff0).Put64(at + 728, 0x400);
        for (int i = 0; i < 6; i++)
            B.Put32(at + 768 + (i * 4), uint.MaxValue);
        B.Put32(at + 792, 0x67);
        B.Put32(at + 888, 0xc9b).Put32(at + 892, 0xc93).Put32(at + 896, 0xc93).Put32(at + 908, 0xc93).Put32(at + 912, 0x8b);
        return at;
    }

    /// <summary>Loads a first vCPU with these control registers.</summary>
    public static void LoadControl(ulong cr0, ulong cr3, ulong cr4, ulong efer)
    {
        int at = Good();
        B.Put64(at + 656, cr0).Put64(at + 672, cr3).Put64(at + 680, cr4).Put64(at + 992, efer);
        SendCpu("sethvmcontext"u8);
    }

    private static void SendCpu(ReadOnlySpan<byte> text) => Send(text, 8 + HeaderLength + 8 + CpuLength + 8);

    private static void Processor()
    {
        foreach (ulong cr0 in (ReadOnlySpan<ulong>)[0, 1, 0x10, 0x11, 0x80000011, 0x80000010, 0x100000011, 0x60000011, 0x20000011, 0x51])
        {
            B.Put64(Good() + 656, cr0);
            SendCpu("sethvmcontext(cr0)"u8);
            Report.Hex("value"u8, cr0);
        }

        foreach (ulong cr4 in (ReadOnlySpan<ulong>)[0x20, 0x7ff, 0x1000, 0x2000, 0x20000, 0x40000, 0x100000, 0x200000, 0x400000, 0x800000, 1UL << 32])
        {
            B.Put64(Good() + 680, cr4);
            SendCpu("sethvmcontext(cr4)"u8);
            Report.Hex("value"u8, cr4);
        }

        foreach (ulong efer in (ReadOnlySpan<ulong>)[1, 0x100, 0x500, 0x400, 0x800, 0x1000, 0x2000, 0x4000, 0x8000, 0x200000, 2])
        {
            B.Put64(Good() + 992, efer);
            SendCpu("sethvmcontext(efer)"u8);
            Report.Hex("value"u8, efer);
        }

        foreach (ulong injected in (ReadOnlySpan<ulong>)[0x80000030, 0x80000202, 0x8000030e, 0x10000080000b0e, 0x80000b0e, 0x80000103, 0x80000503, 0x80001030, 0x80000403])
        {
            B.Put64(Good() + 1016, injected);
            SendCpu("sethvmcontext(pending event)"u8);
            Report.Hex("value"u8, injected);
        }

        B.Put64(Good() + 672, 1UL << 39);
        SendCpu("sethvmcontext(cr3 1 << 39)"u8);
        B.Put64(Good() + 672, 1UL << 52);
        SendCpu("sethvmcontext(cr3 1 << 52)"u8);
        B.Put64(Good() + 1000, 1UL << 32);
        SendCpu("sethvmcontext(tsc_aux)"u8);
        B.Put32(Good() + 1024, 1);
        SendCpu("sethvmcontext(fpu initialised)"u8);
        B.Put32(Good() + 1024, 2);
        SendCpu("sethvmcontext(flags 2)"u8);
        B.Put32(Good() + 1028, 1);
        SendCpu("sethvmcontext(padding)"u8);
        B.Put16(Good() - 6, 2);
        SendCpu("sethvmcontext(cpu 2)"u8);
        Good();
        SendCpu("sethvmcontext(good)"u8);
        OtherDomain.Start(14);
        Probe.Is("getvcpuinfo(0) after it"u8, OtherDomain.Op());
        Report.Decimal("online"u8, A.Get8(20));
    }

    // Offsets in struct vcpu_guest_context: fpu 0, flags 512, user_regs 520, ctrlreg 4496 and debugreg 4560 (both behind trap_ctxt).
    private static void Registers()
    {
        for (uint vcpu = 0; vcpu < 3; vcpu++)
        {
            Buffer(0).Fill(0xa5);
            Buffer(1).Fill(0xa5);
            OtherDomain.Start(13).Put32(16, vcpu).Put64(24, Buffer(0).Address);
            Probe.Numbered("getvcpucontext("u8, vcpu, OtherDomain.Op());
            if (vcpu != 0)
                continue;
            int shown = 0;
            for (int i = 0; i < 5168 && shown < 60; i += 4)
            {
                uint value = Word(i);
                if (value == 0)
                    continue;
                shown++;
                Report.Decimal("at"u8, (uint)i);
                Report.Hex("is"u8, value);
            }
        }

        OtherDomain.Start(13).Put64(24, Probe.Unmapped);
        Probe.Is("getvcpucontext(unmapped)"u8, OtherDomain.Op());
        OtherDomain.Start(12).Put64(24, 0);
        Probe.Is("setvcpucontext(0, null)"u8, OtherDomain.Op());
        OtherDomain.Start(12).Put32(16, 1).Put64(24, 0);
        Probe.Is("setvcpucontext(1, null)"u8, OtherDomain.Op());
        OtherDomain.Start(12).Put32(16, 2).Put64(24, 0);
        Probe.Is("setvcpucontext(2, null)"u8, OtherDomain.Op());
        Buffer(0).Clear();
        Buffer(1).Clear();
        OtherDomain.Start(12).Put32(16, 1).Put64(24, Buffer(0).Address);
        Probe.Is("setvcpucontext(1)"u8, OtherDomain.Op());
        OtherDomain.Start(12).Put32(16, 1).Put64(24, Probe.Unmapped);
        Probe.Is("setvcpucontext(1, unmapped)"u8, OtherDomain.Op());
    }

    private static void Extended()
    {
        OtherDomain.Start(63);
        Probe.Is("getvcpuextstate(size)"u8, OtherDomain.Op());
        ulong mask = A.Get64(24), size = A.Get64(32);
        Report.Hex("mask"u8, mask);
        Report.Decimal("size"u8, size);
        OtherDomain.Start(63).Put64(24, mask).Put64(32, size).Put64(40, B.Fill(0xa5).Address);
        Probe.Is("getvcpuextstate"u8, OtherDomain.Op());
        ulong given = A.Get64(32);
        Report.Decimal("size"u8, given);
        Report.Decimal("written"u8, Probe.Written(B));
        Report.Hex("xcr0"u8, B.Get64(0));
        Report.Hex("accumulated"u8, B.Get64(8));
        Report.Hex("fcw"u8, B.Get32(16));
        Report.Hex("mxcsr"u8, B.Get32(40));
        Report.Hex("bv"u8, B.Get64(16 + 512));
        OtherDomain.Start(62).Put64(24, mask).Put64(32, given).Put64(40, B.Address);
        Probe.Is("setvcpuextstate(as read)"u8, OtherDomain.Op());
        OtherDomain.Start(63).Put64(24, mask ^ 4).Put64(32, size).Put64(40, B.Address);
        Probe.Is("getvcpuextstate(other mask)"u8, OtherDomain.Op());
        OtherDomain.Start(63).Put64(24, mask).Put64(32, 100).Put64(40, B.Address);
        Probe.Is("getvcpuextstate(100 bytes)"u8, OtherDomain.Op());
        Report.Decimal("size"u8, A.Get64(32));
        OtherDomain.Start(63).Put32(16, 2);
        Probe.Is("getvcpuextstate(2)"u8, OtherDomain.Op());
        foreach (ulong xcr0 in (ReadOnlySpan<ulong>)[0, 1, 2, 3, 5, 7, 0x207])
        {
            foreach (ulong accumulated in (ReadOnlySpan<ulong>)[0, 1, 3, 7])
            {
                foreach (ulong bytes in (ReadOnlySpan<ulong>)[0, 15, 16, 100, 592, 848])
                {
                    B.Clear().Put64(0, xcr0).Put64(8, accumulated);
                    OtherDomain.Start(62).Put64(24, mask).Put64(32, bytes).Put64(40, B.Address);
                    Probe.Numbered("setvcpuextstate("u8, bytes, OtherDomain.Op());
                    Report.Hex("xcr0"u8, xcr0);
                    Report.Hex("accumulated"u8, accumulated);
                }
            }
        }

        B.Clear().Put64(0, 7).Put64(8, 7).Put64(16 + 512, 8);
        OtherDomain.Start(62).Put64(24, mask).Put64(32, 848).Put64(40, B.Address);
        Probe.Is("setvcpuextstate(component beyond)"u8, OtherDomain.Op());
        B.Put64(16 + 512, 0).Put64(16 + 520, 1UL << 63);
        Probe.Is("setvcpuextstate(compressed)"u8, OtherDomain.Op());
        B.Put64(16 + 520, 0).Put64(16 + 528, 1);
        Probe.Is("setvcpuextstate(reserved)"u8, OtherDomain.Op());
        foreach (uint command in (ReadOnlySpan<uint>)[72, 73])
        {
            OtherDomain.Start(command).Put32(20, 2).Put64(24, B.Clear().Address);
            Probe.Numbered("vcpu_msrs(command "u8, command, OtherDomain.Op());
        }

        OtherDomain.Start(43);
        Probe.Is("get_ext_vcpucontext"u8, OtherDomain.Op());
        Report.Decimal("size"u8, A.Get32(20));
        Report.Hex("caps"u8, A.Get64(48));
        foreach (uint bytes in (ReadOnlySpan<uint>)[0, 31, 32, 39, 40, 63, 64])
        {
            foreach (ulong capabilities in (ReadOnlySpan<ulong>)[0, 2, 0x102, 0x8000002, 1UL << 20])
            {
                OtherDomain.Start(42).Put32(20, bytes).Put64(48, capabilities);
                Probe.Numbered("set_ext_vcpucontext(size "u8, bytes, OtherDomain.Op());
                Report.Hex("caps"u8, capabilities);
                OtherDomain.Start(43);
                OtherDomain.Op();
                Report.Hex("now"u8, A.Get64(48));
            }
        }

        OtherDomain.Start(42).Put32(20, 64).Put64(24, 1);
        Probe.Is("set_ext_vcpucontext(syscall callback)"u8, OtherDomain.Op());
        OtherDomain.Start(42).Put32(20, 64).Put16(40, 4);
        Probe.Is("set_ext_vcpucontext(selector 4)"u8, OtherDomain.Op());
        OtherDomain.Start(42).Put32(20, 64).Put16(40, 3).Put16(42, 3);
        Probe.Is("set_ext_vcpucontext(selector 3)"u8, OtherDomain.Op());
        OtherDomain.Start(42).Put32(16, 2).Put32(20, 64);
        Probe.Is("set_ext_vcpucontext(2)"u8, OtherDomain.Op());
    }
}
