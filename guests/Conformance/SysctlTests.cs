// SPDX-License-Identifier: MIT
// sysctl (`xen/include/public/sysctl.h`): version check, the operations that tools of a running system read.

using System;

namespace XenSharp.Guests.Conformance;

internal static class SysctlTests
{
    private const uint Version = 0x15;

    private static Page A => Probe.A;

    private static Page B => Probe.B;

    public static void Run()
    {
        Probe.Section("sysctl"u8);
        foreach (uint version in (ReadOnlySpan<uint>)[0, 1, 0x14, 0x16, 0xffffffff])
        {
            A.Clear().Put32(0, 3).Put32(4, version);
            Probe.Numbered("sysctl(physinfo, version "u8, version, Op());
        }

        Probe.BadFirstPointers("sysctl"u8, Call.Sysctl);
        ReadConsole();
        PhysicalInfo();
        DomainList();
        DebugKeys();
        Topology();
        Others();
        for (uint command = 0; command < 36; command++)
        {
            // Those above, and scheduler parameters, would do something with zeroes.
            if (command is 1 or 3 or 6 or 7 or 16 or 17 or 19)
                continue;
            Start(command);
            Probe.Numbered("sysctl(zeroed argument, command "u8, command, Op());
        }

        Start(0xffffffff);
        Probe.Is("sysctl(command 2^32 - 1)"u8, Op());
    }

    private static long Op() => Hypercall.Make(Call.Sysctl, A.Address);

    private static Page Start(uint command) => A.Clear().Put32(0, command).Put32(4, Version);

    private static void ReadConsole()
    {
        Start(1).Put64(16, B.Fill(0xa5).Address).Put32(24, 64);
        Probe.Is("readconsole(64 bytes)"u8, Op());
        Report.Decimal("count"u8, A.Get32(24));
        Report.Decimal("written"u8, Probe.Written(B));
        Start(1).Put8(9, 1).Put64(16, B.Fill(0xa5).Address).Put32(24, 64);
        Probe.Is("readconsole(64 bytes, incremental from 0)"u8, Op());
        Report.Decimal("count"u8, A.Get32(24));
        Report.Class("index"u8, A.Get32(12));
        Start(1).Put8(9, 1).Put32(12, 0x7fffffff).Put64(16, B.Address).Put32(24, 64);
        Probe.Is("readconsole(incremental from 2^31 - 1)"u8, Op());
        Report.Decimal("count"u8, A.Get32(24));
        Start(1).Put64(16, B.Address).Put32(24, 0);
        Probe.Is("readconsole(0 bytes)"u8, Op());
        Report.Decimal("count"u8, A.Get32(24));
        Start(1).Put64(16, Probe.Unmapped).Put32(24, 64);
        Probe.Is("readconsole(unmapped buffer)"u8, Op());
        Start(1).Put64(16, 0).Put32(24, 64);
        Probe.Is("readconsole(null buffer)"u8, Op());
    }

    private static void PhysicalInfo()
    {
        Start(3);
        Probe.Is("physinfo"u8, Op());
        Report.Decimal("threads"u8, A.Get32(8));
        Report.Decimal("cores"u8, A.Get32(12));
        Report.Decimal("cpus"u8, A.Get32(16));
        Report.Decimal("max_cpu"u8, A.Get32(20));
        Report.Decimal("nodes"u8, A.Get32(24));
        Report.Decimal("max_node"u8, A.Get32(28));
        Report.Class("khz"u8, A.Get32(32));
        Report.Hex("capabilities"u8, A.Get32(36));
        Report.Hex("arch"u8, A.Get32(40));
        Report.Class("total"u8, A.Get64(48));
        Report.Class("free"u8, A.Get64(56));
        Report.Decimal("outstanding"u8, A.Get64(72));
        Report.Class("max_mfn"u8, A.Get64(80));
        Report.Hex("hw0"u8, A.Get32(88));
        Report.Hex("hw1"u8, A.Get32(92));
        Report.Hex("hw2"u8, A.Get32(96));
        Report.Hex("hw3"u8, A.Get32(100));
    }

    private static void DomainList()
    {
        Start(6).Put16(8, 0).Put32(12, 4).Put64(16, B.Fill(0xa5).Address);
        Probe.Is("getdomaininfolist(from 0, 4)"u8, Op());
        Report.Decimal("domains"u8, A.Get32(24));
        Report.Decimal("written"u8, Probe.Written(B));
        DomctlTests.Info(B, 0);
        Start(6).Put16(8, 1).Put32(12, 4).Put64(16, B.Address);
        Probe.Is("getdomaininfolist(from 1, 4)"u8, Op());
        Report.Decimal("domains"u8, A.Get32(24));
        Start(6).Put16(8, 0).Put32(12, 0).Put64(16, B.Address);
        Probe.Is("getdomaininfolist(from 0, 0)"u8, Op());
        Report.Decimal("domains"u8, A.Get32(24));
        Start(6).Put16(8, 0).Put32(12, 4).Put64(16, Probe.Unmapped);
        Probe.Is("getdomaininfolist(unmapped)"u8, Op());
        Start(6).Put16(8, 0xffff).Put32(12, 0xffffffff).Put64(16, B.Address);
        Probe.Is("getdomaininfolist(from 0xffff, all)"u8, Op());
        Report.Decimal("domains"u8, A.Get32(24));
    }

    private static void DebugKeys()
    {
        B.Clear().Put8(0, (byte)'~').Put8(1, (byte)'h');
        Start(7).Put64(8, B.Address).Put32(16, 1);
        Probe.Is("debug_keys(unused key)"u8, Op());
        Start(7).Put64(8, B.Address).Put32(16, 2);
        Probe.Is("debug_keys(unused key, h)"u8, Op());
        Start(7).Put64(8, B.Address).Put32(16, 0);
        Probe.Is("debug_keys(none)"u8, Op());
        Start(7).Put64(8, Probe.Unmapped).Put32(16, 1);
        Probe.Is("debug_keys(unmapped)"u8, Op());
    }

    private static void Topology()
    {
        Start(16).Put32(8, 8).Put64(16, B.Fill(0xa5).Address);
        Probe.Is("cputopoinfo(8)"u8, Op());
        Report.Decimal("cpus"u8, A.Get32(8));
        Report.Decimal("written"u8, Probe.Written(B));
        Report.Hex("core"u8, B.Get32(0));
        Report.Hex("socket"u8, B.Get32(4));
        Report.Hex("node"u8, B.Get32(8));
        Start(16).Put32(8, 0).Put64(16, 0);
        Probe.Is("cputopoinfo(null)"u8, Op());
        Report.Decimal("cpus"u8, A.Get32(8));
        Start(16).Put32(8, 0).Put64(16, B.Address);
        Probe.Is("cputopoinfo(0)"u8, Op());
        Report.Decimal("cpus"u8, A.Get32(8));
        Start(16).Put32(8, 8).Put64(16, Probe.Unmapped);
        Probe.Is("cputopoinfo(unmapped)"u8, Op());
        Start(17).Put32(8, 4).Put64(16, B.Fill(0xa5).Address).Put64(24, B.Address + 1024);
        Probe.Is("numainfo(4)"u8, Op());
        Report.Decimal("nodes"u8, A.Get32(8));
        Report.Decimal("distance"u8, B.Get32(1024));
        Start(17);
        Probe.Is("numainfo(null)"u8, Op());
        Report.Decimal("nodes"u8, A.Get32(8));
    }

    private static void Others()
    {
        Start(4);
        Probe.Is("sched_id"u8, Op());
        Report.Decimal("id"u8, A.Get32(8));
        Start(8).Put32(8, 4).Put64(16, B.Fill(0xa5).Address);
        Probe.Is("getcpuinfo(4)"u8, Op());
        Report.Decimal("cpus"u8, A.Get32(24));
        Report.Decimal("written"u8, Probe.Written(B));
        Start(9).Put32(16, 0xffffffff);
        Probe.Is("availheap(all nodes)"u8, Op());
        Report.Class("bytes"u8, A.Get64(24));
        Start(9).Put32(16, 7);
        Probe.Is("availheap(node 7)"u8, Op());
        Report.Class("bytes"u8, A.Get64(24));
        Start(18).Put32(8, 3).Put32(12, 0xffffffff).Put64(32, B.Clear().Address).Put32(40, 64);
        Probe.Is("cpupool_op(info, any)"u8, Op());
        Report.Decimal("pool"u8, A.Get32(12));
        Report.Decimal("scheduler"u8, A.Get32(16));
        Report.Decimal("domains"u8, A.Get32(28));
        Report.Hex("cpus"u8, B.Get64(0));
        Start(18).Put32(8, 3).Put32(12, 5).Put64(32, B.Address).Put32(40, 64);
        Probe.Is("cpupool_op(info, pool 5)"u8, Op());
        Start(18).Put32(8, 7).Put64(32, B.Clear().Address).Put32(40, 64);
        Probe.Is("cpupool_op(freeinfo)"u8, Op());
        Report.Hex("cpus"u8, B.Get64(0));
    }
}
