// SPDX-License-Identifier: MIT
// The `control` mode: creates a domain and does to it what a toolstack does (`xen/include/public/domctl.h`). The domain never runs.

using System;

namespace XenSharp.Guests.Conformance;

internal static class OtherDomain
{
    private const uint Version = 0x15;

    /// <summary>The domain under test.</summary>
    public static ushort Id { get; private set; }

    private static Page A => Probe.A;

    private static Page B => Probe.B;

    public static void Run()
    {
        Probe.Section("another domain"u8);
        Create(3, 2);
        Probe.Is("createdomain(PVH, 2 vcpus)"u8, Op());
        Id = A.Get16(8);
        Report.Decimal("domain"u8, Id);
        Info();
        Start(14).Put32(16, 0);
        Probe.Is("getvcpuinfo(0) before max_vcpus"u8, Op());
        Start(14).Put32(16, 2);
        Probe.Is("getvcpuinfo(2) before max_vcpus"u8, Op());
        Start(33);
        Probe.Is("gethvmcontext(null) before max_vcpus"u8, Op());
        Report.Hex("size"u8, A.Get32(16));
        Start(16).Put32(16, 6).Put32(20, 1);
        Probe.Is("scheduler_op(get) before max_vcpus"u8, Op());
        MaxVcpus();
        Populate();
        OtherDomainPolicy.Run();
        OtherDomainScheduling.Run();
        OtherDomainParameters.Run();
        OtherDomainContext.Run();
        OtherDomainHardware.Run();
        Sweep();
        Info();
        End();
    }

    /// <summary>A domain with two vCPUs and eight pages from frame 0x100 on.</summary>
    public static void Make()
    {
        Create(3, 2);
        Probe.Is("createdomain"u8, Op());
        Id = A.Get16(8);
        Start(15).Put32(16, 2);
        Probe.Is("max_vcpus"u8, Op());
        Start(86).Put64(16, 2 << 20);
        Probe.Is("set_paging_mempool_size"u8, Op());
        Start(11).Put64(16, 4096);
        Probe.Is("max_mem"u8, Op());
        for (int i = 0; i < 8; i++)
            B.Put64(i * 8, 0x100 + (ulong)i);
        A.Clear().Put64(0, B.Address).Put64(8, 8).Put16(24, Id);
        Probe.Is("populate_physmap"u8, Hypercall.Make(Call.MemoryOp, 6, A.Address));
    }

    /// <summary>Its end.</summary>
    public static void Destroy()
    {
        long result;
        do
        {
            Start(2);
            result = Op();
        }
        while (result is -11 or -85);

        Probe.Is("destroydomain"u8, result);
    }

    /// <summary>An argument for the domain under test, all zero but for its header; the union starts at 16.</summary>
    public static Page Start(uint command) => A.Clear().Put32(0, command).Put32(4, Version).Put16(8, Id);

    public static long Op() => Hypercall.Make(Call.Domctl, A.Address);

    private static Page Create(uint flags, uint vcpus) => A.Clear().Put32(0, 1).Put32(4, Version).Put16(8, 0xffff)
        .Put32(36, flags).Put32(44, vcpus).Put32(48, 1023).Put32(52, uint.MaxValue).Put32(56, uint.MaxValue).Put32(60, 2).Put32(72, 1);

    private static void Info()
    {
        Start(5);
        Probe.Is("getdomaininfo"u8, Op());
        DomctlTests.Info(A, 16);
    }

    private static void MaxVcpus()
    {
        foreach (uint count in (ReadOnlySpan<uint>)[0, 1, 3, 2, 2])
        {
            Start(15).Put32(16, count);
            Probe.Numbered("max_vcpus("u8, count, Op());
        }

        for (uint vcpu = 0; vcpu < 3; vcpu++)
        {
            Start(14).Put32(16, vcpu);
            Probe.Numbered("getvcpuinfo("u8, vcpu, Op());
            Report.Decimal("online"u8, A.Get8(20));
            Report.Decimal("blocked"u8, A.Get8(21));
            Report.Decimal("running"u8, A.Get8(22));
            Report.Class("time"u8, A.Get64(24));
        }
    }

    // A few pages, for what needs memory: frames 0x100 to 0x103.
    private static void Populate()
    {
        Start(86).Put64(16, 2 << 20);
        Probe.Is("set_paging_mempool_size(2 MiB)"u8, Op());
        Start(11).Put64(16, 4096);
        Probe.Is("max_mem(4 MiB)"u8, Op());
        for (int i = 0; i < 4; i++)
            B.Put64(i * 8, 0x100 + (ulong)i);
        A.Clear().Put64(0, B.Address).Put64(8, 4).Put16(24, Id);
        Probe.Is("populate_physmap(4 pages)"u8, Hypercall.Make(Call.MemoryOp, 6, A.Address));
    }

    private static void Sweep()
    {
        for (uint command = 0; command < 90; command++)
        {
            // Not those that end it, make another one, or work by themselves.
            if (command is 1 or 2 or 27 or 79)
                continue;
            Start(command);
            Probe.Numbered("domctl(zeroed argument, command "u8, command, Op());
        }

        foreach (uint command in (ReadOnlySpan<uint>)[1000, 1001, 1002, 1003, 1004, 0xffffffff])
        {
            Start(command);
            Probe.Numbered("domctl(zeroed argument, command "u8, command, Op());
        }
    }

    private static void End()
    {
        Destroy();
        Start(5);
        Probe.Is("getdomaininfo after destroydomain"u8, Op());
        foreach (uint command in (ReadOnlySpan<uint>)[3, 4, 9, 11, 12, 14, 33, 34, 60, 83])
        {
            Start(command);
            Probe.Numbered("domctl(destroyed, command "u8, command, Op());
        }
    }
}
