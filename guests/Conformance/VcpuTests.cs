// SPDX-License-Identifier: MIT
// vcpu_op (`xen/include/public/vcpu.h`) on the only vCPU and on ones that do not exist; the timers are in TimerTests.

using System;

namespace XenSharp.Guests.Conformance;

internal static class VcpuTests
{
    private static Page A => Probe.A;

    public static void Run()
    {
        Probe.Section("vcpu_op"u8);
        foreach (uint vcpu in (ReadOnlySpan<uint>)[1, 127, 128, 8191, 8192, 0xffffffff])
        {
            Probe.Numbered("is_up(vcpu "u8, vcpu, Op(3, vcpu, 0));
            Probe.Numbered("unknown operation(vcpu "u8, vcpu, Op(100, vcpu, 0));
        }

        for (uint operation = 0; operation < 16; operation++)
            Probe.Numbered("vcpu_op(vcpu 1, zeroed argument, operation "u8, operation, OnZeroes(operation, 1));
        Probe.Is("is_up(vcpu 0)"u8, Op(3, 0, 0));
        Probe.Is("up(vcpu 0)"u8, Op(1, 0, 0));
        Initialise();
        Runstate();
        TimeArea();
        VcpuInfo();
        int before = Traps.Nmis;
        Probe.Is("send_nmi(vcpu 0)"u8, Op(11, 0, 0));
        Report.Signed("arrived"u8, Traps.Nmis - before);
        A.Fill(0xa5);
        Probe.Is("get_physid(vcpu 0)"u8, Op(12, 0, A.Address));
        foreach (uint operation in (ReadOnlySpan<uint>)[14, 15, 16, 100, 0xffffffff])
            Probe.Numbered("vcpu_op("u8, operation, Op(operation, 0, A.Address));
        foreach (uint operation in (ReadOnlySpan<uint>)[0, 4, 5, 10, 13])
        {
            Report.Begin("vcpu_op"u8);
            Report.Decimal("operation"u8, operation);
            Report.Flush();
            Probe.BadThirdPointers(" "u8, Call.VcpuOp, operation, 0);
        }
    }

    private static long Op(ulong operation, ulong vcpu, ulong argument) => Hypercall.Make(Call.VcpuOp, operation, vcpu, argument);

    private static long OnZeroes(uint operation, uint vcpu)
    {
        A.Clear();
        return Op(operation, vcpu, A.Address);
    }

    private static void Initialise()
    {
        A.Clear();
        Smp.FillContext(A.Bytes);
        Probe.Is("initialise(vcpu 0, good context)"u8, Op(0, 0, A.Address));
        A.Put32(0, 7);
        Probe.Is("initialise(vcpu 0, unknown mode)"u8, Op(0, 0, A.Address));
        A.Put32(0, 1).Put32(4, 1);
        Probe.Is("initialise(vcpu 0, pad set)"u8, Op(0, 0, A.Address));
    }

    private static void Runstate()
    {
        A.Fill(0xa5);
        Probe.Is("get_runstate_info(vcpu 0)"u8, Op(4, 0, A.Address));
        RunstateFields(A);
        Page b = Probe.B;
        b.Fill(0xa5);
        A.Clear().Put64(0, b.Address + 128);
        Probe.Is("register_runstate_memory_area(vcpu 0)"u8, Op(5, 0, A.Address));
        Report.Flag("written at once"u8, b.Get32(128) == 0);
        Hypercall.Make(Call.SchedOp, 0);
        Report.Decimal("state"u8, b.Get32(128));
        Report.Decimal("written"u8, Probe.Written(b));
        A.Clear().Put64(0, Probe.Unmapped);
        Probe.Is("register_runstate_memory_area(unmapped)"u8, Op(5, 0, A.Address));
        A.Clear().Put64(0, Probe.NonCanonical);
        Probe.Is("register_runstate_memory_area(non-canonical)"u8, Op(5, 0, A.Address));
        A.Clear();
        Probe.Is("register_runstate_memory_area(null)"u8, Op(5, 0, A.Address));
        ulong start = Window.Map(0, b.Frame);
        Window.Map(1, Probe.C.Frame);
        Probe.C.Fill(0xa5);
        A.Clear().Put64(0, start + 4096 - 16);
        Probe.Is("register_runstate_memory_area(over two pages)"u8, Op(5, 0, A.Address));
        Report.Decimal("state"u8, b.Get32(4080));
        Report.Decimal("written in the second"u8, Probe.Written(Probe.C));
        A.Clear().Put64(0, 0);
        Op(5, 0, A.Address);
    }

    private static void RunstateFields(Page page)
    {
        Report.Decimal("written"u8, Probe.Written(page));
        Report.Decimal("state"u8, page.Get32(0));
        Report.Class("entry"u8, page.Get64(8));
        Report.Class("running"u8, page.Get64(16));
        Report.Class("offline"u8, page.Get64(40));
    }

    private static void TimeArea()
    {
        Page b = Probe.B;
        b.Fill(0xa5);
        A.Clear().Put64(0, b.Address);
        Probe.Is("register_vcpu_time_memory_area(vcpu 0)"u8, Op(13, 0, A.Address));
        Report.Decimal("written"u8, Probe.Written(b));
        A.Clear();
        Probe.Is("register_vcpu_time_memory_area(null)"u8, Op(13, 0, A.Address));
        A.Clear().Put64(0, Probe.NonCanonical);
        Probe.Is("register_vcpu_time_memory_area(non-canonical)"u8, Op(13, 0, A.Address));
    }

    private static long Register(ulong frame, uint offset, uint reserved = 0)
    {
        A.Clear().Put64(0, frame).Put32(8, offset).Put32(12, reserved);
        return Op(10, 0, A.Address);
    }

    private static void VcpuInfo()
    {
        Page page = new(6);
        page.Clear();
        Probe.Is("register_vcpu_info(offset 4033)"u8, Register(page.Frame, 4033));
        Probe.Is("register_vcpu_info(offset 4096)"u8, Register(page.Frame, 4096));
        Probe.Is("register_vcpu_info(offset 2^32 - 1)"u8, Register(page.Frame, 0xffffffff));
        Probe.Is("register_vcpu_info(offset 4)"u8, Register(page.Frame, 4));
        Probe.Is("register_vcpu_info(frame 2^40)"u8, Register(1UL << 40, 0));
        Probe.Is("register_vcpu_info(frame of a hole)"u8, Register(0xf0000, 0));
        Probe.Is("register_vcpu_info(frame of the local APIC)"u8, Register(0xfee00, 0));
        Probe.Is("register_vcpu_info(good, reserved set)"u8, Register(page.Frame, 64, 1));
        Report.Hex("upcall"u8, page.Get8(64));
        Report.Hex("mask"u8, page.Get8(65));
        Report.Hex("selector"u8, page.Get64(72));
        Report.Class("tsc_to_system_mul"u8, page.Get32(64 + 56));
        Probe.Is("register_vcpu_info(again)"u8, Register(page.Frame, 64));
        Probe.Is("register_vcpu_info(elsewhere)"u8, Register(page.Frame, 128));

        // From here on events show in the registered area, no longer in shared_info.
        page.Put8(64, 0).Put64(72, 0);
        Events.ClearUpcall(0);
        EventTests.BindIpi(0);
        uint port = A.Get32(4);
        Events.ClearMask(port);
        Probe.Is("send(ipi)"u8, EventTests.Send(port));
        Report.Hex("upcall"u8, page.Get8(64));
        Report.Hex("selector"u8, page.Get64(72));
        Report.Flag("in shared_info"u8, Events.UpcallPending(0));
        EventTests.Close(port);
        page.Put8(64, 0).Put64(72, 0);
    }
}
