// SPDX-License-Identifier: MIT
// domctl (`xen/include/public/domctl.h`): version check, what can be read of domain 0, everything on a domain that does not exist.

using System;

namespace XenSharp.Guests.Conformance;

internal static class DomctlTests
{
    private const uint Version = 0x15;

    private static Page A => Probe.A;

    public static void Run()
    {
        Probe.Section("domctl"u8);
        foreach (uint version in (ReadOnlySpan<uint>)[0, 1, 0x14, 0x16, 0xffffffff])
        {
            A.Clear().Put32(0, 5).Put32(4, version);
            Probe.Numbered("domctl(getdomaininfo, version "u8, version, Op());
        }

        Probe.BadFirstPointers("domctl"u8, Call.Domctl);
        foreach (ushort domain in (ReadOnlySpan<ushort>)[0, 1, Probe.Self, 0x7ff1, 0x7ff4, 0x7fff, 0xffff])
        {
            Start(5, domain);
            long result = Probe.Numbered("getdomaininfo(domain "u8, domain, Op());
            Report.Hex("domain"u8, A.Get16(8));
            if (result == 0)
                Info(A, 16);
        }

        Own();
        for (uint command = 0; command < 96; command++)
        {
            // createdomain names no existing domain.
            if (command == 1)
                continue;
            Start(command, 77);
            Probe.Numbered("domctl(nonexistent domain, zeroed argument, command "u8, command, Op());
        }

        foreach (uint command in (ReadOnlySpan<uint>)[1000, 1001, 1002, 1003, 1004, 0xffffffff])
        {
            Start(command, 77);
            Probe.Numbered("domctl(nonexistent domain, command "u8, command, Op());
        }

        Create();
    }

    /// <summary>A `xen_domctl_getdomaininfo` at an offset of a page.</summary>
    public static void Info(Page page, int at)
    {
        Report.Decimal("domain"u8, page.Get16(at));
        // Whether the vCPU shows as running depends on the moment.
        Report.Hex("flags"u8, page.Get32(at + 4) & ~0x30u);
        Report.Class("pages"u8, page.Get64(at + 8));
        Report.Class("max_pages"u8, page.Get64(at + 16));
        Report.Decimal("outstanding"u8, page.Get64(at + 24));
        Report.Decimal("shared"u8, page.Get64(at + 32));
        Report.Decimal("paged"u8, page.Get64(at + 40));
        Report.Class("shared_info"u8, page.Get64(at + 48));
        Report.Class("time"u8, page.Get64(at + 56));
        Report.Decimal("online"u8, page.Get32(at + 64));
        Report.Decimal("max_vcpu"u8, page.Get32(at + 68));
        Report.Decimal("pool"u8, page.Get32(at + 92));
        Report.Decimal("address bits"u8, page.Get8(at + 96));
        Report.Hex("emulation"u8, page.Get32(at + 104));
    }

    private static long Op() => Hypercall.Make(Call.Domctl, A.Address);

    private static Page Start(uint command, ushort domain) => A.Clear().Put32(0, command).Put32(4, Version).Put16(8, domain);

    private static void Own()
    {
        Start(2, 0);
        Probe.Is("destroydomain(0)"u8, Op());
        Start(2, Probe.Self);
        Probe.Is("destroydomain(self)"u8, Op());
        Start(3, 0);
        Probe.Is("pausedomain(0)"u8, Op());
        Start(4, 0);
        Probe.Is("unpausedomain(0)"u8, Op());
        Start(27, 0);
        Probe.Is("resumedomain(0)"u8, Op());
        Start(15, 0).Put32(16, 1);
        Probe.Is("max_vcpus(0, 1)"u8, Op());
        Start(15, 0).Put32(16, 2);
        Probe.Is("max_vcpus(0, 2)"u8, Op());
        Start(14, 0);
        Probe.Is("getvcpuinfo(0, 0)"u8, Op());
        Report.Decimal("online"u8, A.Get8(20));
        Report.Decimal("blocked"u8, A.Get8(21));
        Report.Decimal("running"u8, A.Get8(22));
        Report.Class("time"u8, A.Get64(24));
        Report.Decimal("cpu"u8, A.Get32(32));
        Start(14, 0).Put32(16, 1);
        Probe.Is("getvcpuinfo(0, 1)"u8, Op());
        Start(36, 0);
        Probe.Is("get_address_size(0)"u8, Op());
        Start(59, 0);
        Probe.Is("gettscinfo(0)"u8, Op());
        Start(85, 0);
        Probe.Is("get_paging_mempool_size(0)"u8, Op());
        Start(79, 0);
        Probe.Is("soft_reset(0)"u8, Op());
        Start(11, 1);
        Probe.Is("max_mem(nonexistent)"u8, Op());
    }

    private static void Create()
    {
        Start(1, 0);
        Probe.Is("createdomain(zeroed, domain 0)"u8, Op());
        Start(1, 0xffff);
        Probe.Is("createdomain(zeroed, any domain)"u8, Op());
        Start(1, 0xffff).Put32(36, 0xffffffff).Put32(44, 1);
        Probe.Is("createdomain(all flags)"u8, Op());
        Start(1, 0xffff).Put32(36, 2).Put32(44, 1);
        Probe.Is("createdomain(hap without hvm)"u8, Op());
        Start(1, 0xffff).Put32(36, 3).Put32(44, 0);
        Probe.Is("createdomain(no vcpus)"u8, Op());
        Start(1, 0xffff).Put32(36, 3).Put32(44, 100000);
        Probe.Is("createdomain(100000 vcpus)"u8, Op());
    }
}
