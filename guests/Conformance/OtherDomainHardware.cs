// SPDX-License-Identifier: MIT
// What a toolstack gives another domain of the machine, and how it debugs it.

using System;

namespace XenSharp.Guests.Conformance;

internal static class OtherDomainHardware
{
    private static Page A => Probe.A;

    private static Page B => Probe.B;

    public static void Run()
    {
        Probe.Section("machine and debugging of another domain"u8);
        Permissions();
        Mappings();
        for (uint trigger = 0; trigger < 7; trigger++)
        {
            for (uint vcpu = 0; vcpu < 3; vcpu++)
            {
                OtherDomain.Start(28).Put32(16, trigger).Put32(20, vcpu);
                Probe.Numbered("sendtrigger("u8, trigger, OtherDomain.Op());
                Report.Decimal("vcpu"u8, vcpu);
            }
        }

        Debugging();
        Memory();
        for (uint operation = 0; operation < 8; operation++)
        {
            OtherDomain.Start(77).Put32(16, operation).Put32(20, 0);
            Probe.Numbered("monitor_op("u8, operation, OtherDomain.Op());
            Report.Hex("event"u8, A.Get32(24));
            OtherDomain.Start(77).Put32(16, operation).Put32(20, 9);
            Probe.Numbered("monitor_op(event 9, "u8, operation, OtherDomain.Op());
        }

        for (uint mode = 0; mode < 5; mode++)
        {
            for (uint operation = 0; operation < 5; operation++)
            {
                OtherDomain.Start(56).Put32(16, operation).Put32(20, mode);
                Probe.Numbered("vm_event_op(mode "u8, mode, OtherDomain.Op());
                Report.Decimal("operation"u8, operation);
            }
        }

        for (uint command = 0; command < 14; command++)
        {
            OtherDomain.Start(78).Put32(16, command);
            Probe.Numbered("psr_alloc("u8, command, OtherDomain.Op());
            OtherDomain.Start(75).Put32(16, command);
            Probe.Numbered("psr_cmt_op("u8, command, OtherDomain.Op());
            OtherDomain.Start(84).Put32(16, command);
            Probe.Numbered("vmtrace_op("u8, command, OtherDomain.Op());
        }

        Numa();
        foreach (ushort target in (ReadOnlySpan<ushort>)[0, 1, 77, 0x7ff0])
        {
            OtherDomain.Start(46).Put16(16, target);
            Probe.Numbered("set_target("u8, target, OtherDomain.Op());
        }

        for (uint irq = 0; irq < 30; irq += 3)
        {
            OtherDomain.Start(66).Put32(16, irq);
            Probe.Numbered("set_virq_handler("u8, irq, OtherDomain.Op());
        }
    }

    private static void Permissions()
    {
        foreach (uint allow in (ReadOnlySpan<uint>)[1, 0])
        {
            foreach (uint irq in (ReadOnlySpan<uint>)[0, 4, 9, 23, 24, 100, 0xffffffff])
            {
                OtherDomain.Start(19).Put32(16, irq).Put32(20, allow);
                Probe.Numbered("irq_permission("u8, irq, OtherDomain.Op());
                Report.Decimal("allow"u8, allow);
            }

            foreach (ulong frame in (ReadOnlySpan<ulong>)[0xa0, 0x100, 0xfebf0, 0xfec00, 0xfee00, 0xfed40, 1UL << 40, ulong.MaxValue])
            {
                foreach (ulong count in (ReadOnlySpan<ulong>)[0, 1, 16, ulong.MaxValue])
                {
                    OtherDomain.Start(20).Put64(16, frame).Put64(24, count).Put32(32, allow);
                    Probe.Numbered("iomem_permission("u8, frame, OtherDomain.Op());
                    Report.Hex("count"u8, count);
                    Report.Decimal("allow"u8, allow);
                }
            }

            foreach (uint port in (ReadOnlySpan<uint>)[0x20, 0x3f8, 0x2f8, 0xcf8, 0x1000, 0xfff8, 0x10000, 0xffffffff])
            {
                foreach (uint count in (ReadOnlySpan<uint>)[0, 8, 0xffffffff])
                {
                    OtherDomain.Start(21).Put32(16, port).Put32(20, count).Put32(24, allow);
                    Probe.Numbered("ioport_permission("u8, port, OtherDomain.Op());
                    Report.Hex("count"u8, count);
                    Report.Decimal("allow"u8, allow);
                }
            }
        }
    }

    private static void Mappings()
    {
        foreach (uint add in (ReadOnlySpan<uint>)[1, 0])
        {
            foreach (ulong frame in (ReadOnlySpan<ulong>)[0xfebf0, 0xfec00, 1UL << 40, ulong.MaxValue])
            {
                foreach (ulong count in (ReadOnlySpan<ulong>)[0, 1, 100, ulong.MaxValue])
                {
                    OtherDomain.Start(39).Put64(16, 0x80000).Put64(24, frame).Put64(32, count).Put32(40, add);
                    Probe.Numbered("memory_mapping("u8, frame, OtherDomain.Op());
                    Report.Hex("count"u8, count);
                    Report.Decimal("add"u8, add);
                }
            }

            foreach (uint port in (ReadOnlySpan<uint>)[0x1000, 0xfff8, 0x10000])
            {
                foreach (uint count in (ReadOnlySpan<uint>)[0, 8, 16])
                {
                    OtherDomain.Start(40).Put32(16, port).Put32(20, port).Put32(24, count).Put32(28, add);
                    Probe.Numbered("ioport_mapping("u8, port, OtherDomain.Op());
                    Report.Hex("count"u8, count);
                    Report.Decimal("add"u8, add);
                }
            }
        }

        foreach (uint command in (ReadOnlySpan<uint>)[38, 48])
        {
            for (uint type = 0; type < 6; type++)
            {
                foreach (uint irq in (ReadOnlySpan<uint>)[0, 9, 100, 0xffffffff])
                {
                    OtherDomain.Start(command).Put32(16, irq).Put32(20, type);
                    Probe.Numbered(command == 38 ? "bind_pt_irq("u8 : "unbind_pt_irq("u8, irq, OtherDomain.Op());
                    Report.Decimal("type"u8, type);
                }
            }
        }

        // struct xen_domctl_assign_device: dev, flags, machine_sbdf. Not one that is there, for it would be given away.
        foreach (uint command in (ReadOnlySpan<uint>)[37, 45, 47])
        {
            for (uint kind = 0; kind < 3; kind++)
            {
                OtherDomain.Start(command).Put32(16, kind).Put32(24, 0xff00);
                Probe.Numbered("assign/test/deassign_device(command "u8, command, OtherDomain.Op());
                Report.Decimal("kind"u8, kind);
            }
        }

        OtherDomain.Start(50).Put32(16, 0xff00).Put32(20, 4).Put64(32, B.Address);
        Probe.Is("get_device_group(ff:00.0)"u8, OtherDomain.Op());
    }

    private static void Debugging()
    {
        foreach (uint enable in (ReadOnlySpan<uint>)[1, 0, 2])
        {
            OtherDomain.Start(18).Put32(16, enable);
            Probe.Numbered("setdebugging("u8, enable, OtherDomain.Op());
        }

        for (uint operation = 0; operation < 5; operation++)
        {
            for (uint vcpu = 0; vcpu < 3; vcpu += 2)
            {
                OtherDomain.Start(54).Put32(16, operation).Put32(20, vcpu);
                Probe.Numbered("debug_op("u8, operation, OtherDomain.Op());
                Report.Decimal("vcpu"u8, vcpu);
            }
        }

        OtherDomain.Start(1000).Put64(24, 0x100000).Put64(32, B.Address).Put32(40, 16);
        Probe.Is("gdbsx_guestmemio(read)"u8, OtherDomain.Op());
        Report.Decimal("remain"u8, A.Get32(48));
        OtherDomain.Start(1000).Put64(24, 0x200000).Put64(32, B.Address).Put32(40, 16);
        Probe.Is("gdbsx_guestmemio(no memory)"u8, OtherDomain.Op());
        Report.Decimal("remain"u8, A.Get32(48));
        foreach (uint command in (ReadOnlySpan<uint>)[1001, 1001, 1002, 1002, 1002])
        {
            OtherDomain.Start(command);
            Probe.Numbered("gdbsx(command "u8, command, OtherDomain.Op());
            OtherDomain.Start(command).Put32(16, 2);
            Probe.Numbered("gdbsx(vcpu 2, command "u8, command, OtherDomain.Op());
        }

        OtherDomain.Start(1003).Put32(20, 0x5a5a).Put32(24, 0x5a5a);
        Probe.Is("gdbsx_domstatus"u8, OtherDomain.Op());
        Report.Decimal("paused"u8, A.Get8(16));
        Report.Hex("vcpu"u8, A.Get32(20));
        Report.Hex("event"u8, A.Get32(24));
    }

    private static void Memory()
    {
        foreach (ulong frame in (ReadOnlySpan<ulong>)[0x100, 0x104, 1UL << 40])
        {
            OtherDomain.Start(22).Put64(16, frame);
            Probe.Numbered("hypercall_init("u8, frame, OtherDomain.Op());
        }

        // struct xen_domctl_getpageframeinfo3: num, array.
        B.Clear().Put64(0, 0x100).Put64(8, 0x104).Put64(16, 1UL << 40);
        foreach (ulong count in (ReadOnlySpan<ulong>)[0, 3, 1024, 1025, ulong.MaxValue])
        {
            B.Put64(0, 0x100).Put64(8, 0x104).Put64(16, 1UL << 40);
            OtherDomain.Start(61).Put64(16, count).Put64(24, count > 3 ? Probe.Unmapped : B.Address);
            Probe.Numbered("getpageframeinfo3("u8, count, OtherDomain.Op());
            if (count != 3)
                continue;
            for (int i = 0; i < 3; i++)
                Report.Hex("type"u8, B.Get64(i * 8));
        }

        foreach (ulong frame in (ReadOnlySpan<ulong>)[0x103, 0x104, 1UL << 40])
        {
            OtherDomain.Start(67).Put64(16, frame);
            Probe.Numbered("set_broken_page_p2m("u8, frame, OtherDomain.Op());
        }

        B.Put64(0, 0x103);
        OtherDomain.Start(61).Put64(16, 1).Put64(24, B.Address);
        Probe.Is("getpageframeinfo3(broken)"u8, OtherDomain.Op());
        Report.Hex("type"u8, B.Get64(0));
    }

    // struct xen_domctl_vnuma: nr_vnodes, nr_vmemranges, nr_vcpus, pad, vdistance, vcpu_to_vnode, vnode_to_pnode, vmemrange.
    private static void Numa()
    {
        B.Clear().Put32(0, 10).Put32(64, 0).Put32(68, 0).Put32(128, 0).Put64(192, 0).Put64(200, 1 << 20);
        foreach (uint vcpus in (ReadOnlySpan<uint>)[1, 2])
        {
            foreach (uint nodes in (ReadOnlySpan<uint>)[0, 1, 100])
            {
                OtherDomain.Start(74).Put32(16, nodes).Put32(20, 1).Put32(24, vcpus).Put64(32, B.Address).Put64(40, B.Address + 64)
                    .Put64(48, B.Address + 128).Put64(56, B.Address + 192);
                Probe.Numbered("setvnumainfo("u8, nodes, OtherDomain.Op());
                Report.Decimal("vcpus"u8, vcpus);
            }
        }

        OtherDomain.Start(74).Put32(16, 1).Put32(20, 1).Put32(24, 2).Put32(28, 1);
        Probe.Is("setvnumainfo(padding)"u8, OtherDomain.Op());
        OtherDomain.Start(74).Put32(16, 1).Put32(20, 1).Put32(24, 2);
        Probe.Is("setvnumainfo(null)"u8, OtherDomain.Op());
    }
}
