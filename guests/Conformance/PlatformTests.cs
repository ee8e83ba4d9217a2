// SPDX-License-Identifier: MIT
// platform_op (`xen/include/public/platform.h`).

using System;

namespace XenSharp.Guests.Conformance;

internal static class PlatformTests
{
    private const uint Version = 0x03000001;

    private static Page A => Probe.A;

    public static void Run()
    {
        Probe.Section("platform_op"u8);
        foreach (uint version in (ReadOnlySpan<uint>)[0, 1, 0x03000000, 0x03000002, 0xffffffff])
        {
            A.Clear().Put32(0, 55).Put32(4, version);
            Probe.Numbered("platform_op(get_cpuinfo, version "u8, version, Op());
        }

        Probe.BadFirstPointers("platform_op"u8, Call.PlatformOp);
        Time();
        Cpus();
        Others();
        for (uint command = 0; command < 80; command++)
        {
            // What the tests above call with arguments of their own, and sleep, would do something with zeroes.
            if (command is 17 or 51 or 54 or 57 or 58 or 59 or 60 or 62)
                continue;
            Start(command);
            Probe.Numbered("platform_op(zeroed argument, command "u8, command, Op());
        }

        Start(0xffffffff);
        Probe.Is("platform_op(command 2^32 - 1)"u8, Op());
    }

    private static long Op() => Hypercall.Make(Call.PlatformOp, A.Address);

    private static Page Start(uint command) => A.Clear().Put32(0, command).Put32(4, Version);

    private static void Time()
    {
        Start(62).Put64(8, 1700000000).Put32(16, 0).Put64(24, Clock.Now());
        Probe.Is("settime64(2023-11-14)"u8, Op());
        Report.Flag("wall clock near"u8, Events.SharedInfo.Get32(3076) is > 1699990000 and <= 1700000000);
        Report.Flag("version even"u8, (Events.SharedInfo.Get32(3072) & 1) == 0);
        Start(62).Put64(8, 1700000000).Put32(16, 0).Put32(20, 1).Put64(24, 0);
        Probe.Is("settime64(mbz set)"u8, Op());
        Start(62).Put64(8, 1700000000).Put32(16, 1000000000).Put64(24, 0);
        Probe.Is("settime64(nanoseconds 10^9)"u8, Op());
        Start(62).Put64(8, ulong.MaxValue).Put64(24, 0);
        Probe.Is("settime64(seconds -1)"u8, Op());
        Start(17).Put32(8, 1700000000).Put32(12, 0).Put64(16, Clock.Now());
        Probe.Is("settime32"u8, Op());
        Report.Flag("wall clock near"u8, Events.SharedInfo.Get32(3076) is > 1699990000 and <= 1700000000);
        Page map = Probe.B.Fill(0xff), times = Probe.C.Fill(0xa5);
        Start(53).Put64(8, map.Address).Put32(16, 8).Put64(24, times.Address);
        Probe.Is("getidletime(8 cpus)"u8, Op());
        Report.Hex("map"u8, map.Get8(0));
        Report.Decimal("written"u8, Probe.Written(times));
        Report.Class("now"u8, A.Get64(32));
        Start(53).Put64(8, Probe.Unmapped).Put32(16, 8).Put64(24, times.Address);
        Probe.Is("getidletime(unmapped map)"u8, Op());
        Start(53).Put64(8, map.Fill(0xff).Address).Put32(16, 8).Put64(24, Probe.Unmapped);
        Probe.Is("getidletime(unmapped times)"u8, Op());
    }

    private static void Cpus()
    {
        foreach (uint cpu in (ReadOnlySpan<uint>)[0, 1, 255, 0xffffffff])
        {
            Start(55).Put32(8, cpu);
            Probe.Numbered("get_cpuinfo(cpu "u8, cpu, Op());
            Report.Decimal("present"u8, A.Get32(12));
            Report.Hex("flags"u8, A.Get32(16));
            Report.Hex("apic"u8, A.Get32(20));
            Report.Hex("acpi"u8, A.Get32(24));
            Start(48).Put32(8, cpu);
            Probe.Numbered("get_cpu_version(cpu "u8, cpu, Op());
            Report.Decimal("present"u8, A.Get32(12));
            Report.Quoted("vendor"u8, A.Bytes.Slice(16, 12));
            Report.Decimal("family"u8, A.Get32(28));
        }

        Start(56).Put32(8, 0);
        Probe.Is("cpu_online(0)"u8, Op());
        Start(56).Put32(8, 9999);
        Probe.Is("cpu_online(9999)"u8, Op());
        Start(57).Put32(8, 0);
        Probe.Is("cpu_offline(0)"u8, Op());
        Start(57).Put32(8, 9999);
        Probe.Is("cpu_offline(9999)"u8, Op());
        Start(58).Put32(8, 0xffffffff);
        Probe.Is("cpu_hotadd(bad apic)"u8, Op());
        Start(59).Put64(8, 2).Put64(16, 1);
        Probe.Is("mem_hotadd(backwards)"u8, Op());
        Start(60).Put32(8, 2);
        Probe.Is("core_parking(get)"u8, Op());
        Report.Decimal("idle"u8, A.Get32(12));
        Start(60).Put32(8, 9);
        Probe.Is("core_parking(9)"u8, Op());
    }

    private static void Sleep(ReadOnlySpan<byte> text, ushort a, ushort b, uint state, uint flags)
    {
        Start(51).Put16(8, a).Put16(10, b).Put32(12, state).Put32(16, flags);
        Probe.Is(text, Op());
    }

    private static void Others()
    {
        Sleep("enter_acpi_sleep(state 0)"u8, 0, 0, 0, 0);
        Sleep("enter_acpi_sleep(state 5 with wrong flags)"u8, 0, 0, 5, 0xfffffffe);
        Sleep("enter_acpi_sleep(state 9)"u8, 0, 0, 9, 0);
        foreach (uint type in (ReadOnlySpan<uint>)[0, 1, 2, 3, 4, 5, 6, 0xffffffff])
        {
            Start(50).Put32(8, type).Put32(12, 1);
            Probe.Numbered("firmware_info(index 1, type "u8, type, Op());
        }

        Start(54).Put32(8, 0).Put32(12, 9);
        Probe.Is("set_processor_pminfo(type 9)"u8, Op());
        Start(54).Put32(8, 999).Put32(12, 1);
        Probe.Is("set_processor_pminfo(cpu 999, performance)"u8, Op());
        Start(61).Put32(8, 1).Put32(12, 9999).Put64(16, Probe.B.Clear().Address);
        Probe.Is("resource_op(cpu 9999)"u8, Op());
        Start(61).Put32(8, 9).Put32(12, 0).Put64(16, Probe.B.Address);
        Probe.Is("resource_op(9 entries)"u8, Op());
        Start(61).Put32(8, 1).Put32(12, 0).Put64(16, Probe.Unmapped);
        Probe.Is("resource_op(unmapped entries)"u8, Op());
        Start(61).Put32(8, 1).Put32(12, 0).Put64(16, Probe.B.Clear().Put64(8, 0x10).Address);
        Probe.Is("resource_op(read of the tsc)"u8, Op());
        Report.Signed("entry"u8, (int)Probe.B.Get32(0));
        ResourceEntry("resource_op(read of msr 10f)"u8, 0, 0x10f, 0);
        ResourceEntry("resource_op(read of msr 1_00000010)"u8, 0, 0x1_0000_0010, 0);
        ResourceEntry("resource_op(write of the tsc)"u8, 1, 0x10, 0);
        ResourceEntry("resource_op(command 2)"u8, 2, 0x10, 0);
        ResourceEntry("resource_op(reserved field set)"u8, 0, 0x10, 1);
    }

    private static void ResourceEntry(ReadOnlySpan<byte> what, uint command, ulong index, uint reserved)
    {
        Start(61).Put32(8, 1).Put32(12, 0).Put64(16, Probe.B.Clear().Put32(0, command).Put32(4, reserved).Put64(8, index).Address);
        Probe.Is(what, Op());
        Report.Signed("entry"u8, (int)Probe.B.Get32(0));
    }
}
