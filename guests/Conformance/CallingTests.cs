// SPDX-License-Identifier: MIT
// How a hypercall is made: by instruction, by page, from other modes; what it keeps; numbers that do not exist.

namespace XenSharp.Guests.Conformance;

internal static class CallingTests
{
    public static void Run()
    {
        Probe.Section("calling"u8);
        Probe.Is("null hypercall: changed registers"u8, Hypercall.ChangedRegisters());
        Probe.Is("vmcall works"u8, Hypercall.VmcallWorks() ? 1 : 0);
        Probe.Is("ring 3: xen_version(version)"u8, Hypercall.User(Call.XenVersion));
        Probe.Is("ring 3: unknown 63"u8, Hypercall.User(63));
        Probe.Is("32-bit: xen_version(version)"u8, Hypercall.Compat(Call.XenVersion));
        Probe.A.Clear();
        Probe.Is("32-bit: xen_version(get_features, 0)"u8, (int)Hypercall.Compat(Call.XenVersion, 6, (uint)Probe.At));
        Report.Hex("submap"u8, Probe.A.Get32(4));
        Probe.Is("32-bit: unknown 63"u8, (int)Hypercall.Compat(63));

        // Only the low 32 bits of operations that are `int` or `unsigned int` count.
        Probe.Is("xen_version(version + 2^32)"u8, Hypercall.Make(Call.XenVersion, 1UL << 32));
        Probe.Is("sched_op(yield + 2^32)"u8, Hypercall.Make(Call.SchedOp, 1UL << 32));
        Probe.Is("number 17 + 2^32"u8, Hypercall.Make(Call.XenVersion + (1UL << 32)));

        HypercallPage();
        for (ulong number = 0; number < 64; number++)
            Probe.Numbered("number("u8, number, Hypercall.Make(number));
        foreach (uint number in (System.ReadOnlySpan<uint>)[64, 65, 127, 128, 255, 256, 1000, 0x7fffffff, 0x80000000, 0xffffffff])
            Probe.Numbered("number("u8, number, Hypercall.Make(number));
        Probe.Is("number(-1)"u8, Hypercall.Make(ulong.MaxValue));
    }

    private static void HypercallPage()
    {
        Page page = new(4);
        page.Fill(0xa5);
        bool written = Machine.TryWriteMsr(0x40000000, page.Address);
        Report.Begin("hypercall page: write of msr 0x40000000"u8);
        Report.Flag("works"u8, written);
        if (!written)
            return;
        foreach (int number in (System.ReadOnlySpan<int>)[0, 17, 23, 29, 63, 127])
        {
            Report.Begin("hypercall page entry"u8);
            Report.Decimal("number"u8, (ulong)number);
            Report.Add(" "u8);
            Report.Dump(page.Bytes.Slice(number * 32, 12));
        }

        Probe.Is("by page: xen_version(version)"u8, Hypercall.ByPage(page, Call.XenVersion));
        Probe.Is("by page: unknown 63"u8, Hypercall.ByPage(page, 63));
        Report.Begin("hypercall page: index 1"u8);
        Report.Flag("works"u8, Machine.TryWriteMsr(0x40000000, page.Address + 1));
        Report.Begin("hypercall page: beyond memory"u8);
        Report.Flag("works"u8, Machine.TryWriteMsr(0x40000000, 1UL << 50));
        Report.Begin("hypercall page: read of the msr"u8);
        Report.Flag("works"u8, Machine.TryReadMsr(0x40000000, out ulong value));
        Report.Hex("value"u8, value);
    }
}
