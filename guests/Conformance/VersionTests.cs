// SPDX-License-Identifier: MIT
// xen_version (`xen/include/public/version.h`).

using System;

namespace XenSharp.Guests.Conformance;

internal static class VersionTests
{
    private static Page A => Probe.A;

    public static void Run()
    {
        Probe.Section("xen_version"u8);
        Probe.Is("xen_version(version, null)"u8, Version(0, 0));
        Probe.Is("xen_version(version, unmapped)"u8, Version(0, Probe.Unmapped));
        WrittenText("xen_version(extraversion)"u8, 1, 16);
        WrittenText("xen_version(compile_info)"u8, 2, 144);
        A.Fill(0xa5);
        Probe.Is("xen_version(capabilities)"u8, Version(3, A.Address));
        Report.Decimal("written"u8, Probe.Written(A));
        Report.Quoted("text"u8, A.Bytes.Slice(0, 1024));
        WrittenText("xen_version(changeset)"u8, 4, 64);
        A.Fill(0xa5);
        Probe.Is("xen_version(platform_parameters)"u8, Version(5, A.Address));
        Report.Decimal("written"u8, Probe.Written(A));
        Report.Hex("virt_start"u8, A.Get64(0));
        foreach (uint submap in (ReadOnlySpan<uint>)[0, 1, 2, 0xffffffff])
        {
            A.Fill(0xa5).Put32(0, submap);
            Probe.Numbered("xen_version(get_features, submap "u8, submap, Version(6, A.Address));
            Report.Hex("submap"u8, A.Get32(4));
        }

        Probe.Is("xen_version(pagesize, null)"u8, Version(7, 0));
        Probe.Is("xen_version(pagesize, page)"u8, Version(7, A.Address));
        A.Fill(0xa5);
        Probe.Is("xen_version(guest_handle)"u8, Version(8, A.Address));
        Report.Decimal("written"u8, Probe.Written(A));
        Report.Add(" "u8);
        Report.Dump(A.Bytes.Slice(0, 16));
        WrittenText("xen_version(commandline)"u8, 9, 1024);
        BuildId();
        foreach (uint operation in (ReadOnlySpan<uint>)[11, 12, 64, 0x7fffffff, 0xffffffff])
            Probe.Numbered("xen_version("u8, operation, Version(operation, A.Address));
        for (uint operation = 1; operation < 11; operation++)
        {
            Report.Begin("xen_version"u8);
            Report.Decimal("operation"u8, operation);
            Report.Flush();
            Probe.BadPointers(" "u8, Call.XenVersion, operation);
        }

        Boundaries();
    }

    private static long Version(ulong operation, ulong argument) => Hypercall.Make(Call.XenVersion, operation, argument);

    private static void WrittenText(ReadOnlySpan<byte> text, uint operation, int size)
    {
        A.Fill(0xa5);
        Probe.Is(text, Version(operation, A.Address));
        Report.Decimal("written"u8, Probe.Written(A));
        Report.Class("first"u8, A.Get8(0));
        Report.Hex("last"u8, A.Get8(size - 1));
    }

    private static void BuildId()
    {
        Probe.Is("xen_version(build_id, null)"u8, Version(10, 0));
        foreach (uint length in (ReadOnlySpan<uint>)[0, 1, 19, 20, 64, 0xffffffff])
        {
            A.Fill(0xa5).Put32(0, length);
            Probe.Numbered("xen_version(build_id, len "u8, length, Version(10, A.Address));
            Report.Decimal("written"u8, Probe.Written(A));
        }
    }

    // A structure that crosses into a page that is absent or read-only, and one at an address with wrong upper bits.
    private static void Boundaries()
    {
        ulong start = Window.Map(0, A.Frame);
        Window.Unmap(1);
        A.Clear();
        Probe.Is("xen_version(get_features) up to the end of a page"u8, Version(6, start + 4096 - 8));
        Probe.Is("xen_version(get_features) over the end of mapped memory"u8, Version(6, start + 4096 - 4));
        A.Fill(0xa5);
        Probe.Is("xen_version(capabilities) over the end of mapped memory"u8, Version(3, start + 4096 - 16));
        Report.Flag("first part written"u8, A.Get8(4080) != 0xa5);
        Probe.B.Clear();
        Window.Map(0, A.Frame);
        Window.Map(1, Probe.B.Frame);
        A.Fill(0xa5);
        Probe.Is("xen_version(capabilities) over two pages"u8, Version(3, start + 4096 - 7));
        Report.Quoted("second part"u8, Probe.B.Bytes.Slice(0, 100));
        A.Clear();
        Window.MapReadOnly(2, A.Frame);
        Probe.Is("xen_version(get_features) in read-only memory"u8, Version(6, Window.Address(2)));
        Report.Hex("submap"u8, A.Get32(4));
        A.Clear();
        Probe.Is("xen_version(get_features) with bit 48 of the address set"u8, Version(6, A.Address | (1UL << 48)));
        Report.Hex("submap"u8, A.Get32(4));
        A.Clear();
        Probe.Is("xen_version(get_features) with bit 63 of the address set"u8, Version(6, A.Address | (1UL << 63)));
        Report.Hex("submap"u8, A.Get32(4));
        Probe.Is("xen_version(get_features) in the local APIC's page"u8, Version(6, 0xfee00000));
    }
}
