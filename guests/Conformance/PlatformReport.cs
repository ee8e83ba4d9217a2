// SPDX-License-Identifier: MIT
// The `platform` mode: entry state, start info, memory map, ACPI tables as the domain builder made them.

using System;
using System.Buffers.Binary;

namespace XenSharp.Guests.Conformance;

internal static class PlatformReport
{
    public static void Run()
    {
        StartInfoFields();
        MemoryMap();
        Tables();
        Probe.Section("device memory"u8);
        foreach (ulong address in (ReadOnlySpan<ulong>)[0xfee00020, 0xfee00030, 0xfec00000, 0xfed00000, 0xb0000000, 0xb00f8000, 0xf0000000])
        {
            bool good = Machine.TryRead32(address, out uint value);
            Report.Begin("read"u8);
            Report.Hex("address"u8, address);
            Report.Flag("works"u8, good);
            Report.Hex("value"u8, value);
        }

        for (uint register = 0; register < 4; register++)
        {
            Machine.TryWrite32(0xfec00000, register);
            Machine.TryRead32(0xfec00010, out uint value);
            Report.Begin("io-apic"u8);
            Report.Decimal("register"u8, register);
            Report.Hex("value"u8, value);
        }
    }

    private static void StartInfoFields()
    {
        Probe.Section("start info"u8);
        Report.Begin("start_info"u8);
        Report.Hex("magic"u8, StartInfo.Magic);
        Report.Decimal("version"u8, StartInfo.Version);
        Report.Hex("flags"u8, StartInfo.Flags);
        Report.Decimal("modules"u8, StartInfo.ModuleCount);
        Report.Class("command line"u8, StartInfo.CommandLineAddress);
        Report.Class("rsdp"u8, StartInfo.Rsdp);
        Report.Begin("command line"u8);
        Report.Quoted("text"u8, StartInfo.CommandLine);
        for (uint i = 0; i < StartInfo.ModuleCount && i < 8; i++)
        {
            ReadOnlySpan<byte> module = Machine.Physical(StartInfo.ModuleList + (32 * i), 32);
            Report.Begin("module"u8);
            Report.Decimal("size"u8, BinaryPrimitives.ReadUInt64LittleEndian(module.Slice(8)));
            Report.Class("command line"u8, BinaryPrimitives.ReadUInt64LittleEndian(module.Slice(16)));
        }
    }

    private static void MemoryMap()
    {
        Probe.Section("memory map"u8);
        Page argument = Probe.A.Clear().Put32(0, 128).Put64(8, Probe.B.Address);
        Probe.Is("memory_op(memory_map)"u8, Hypercall.Make(Call.MemoryOp, 9, argument.Address));
        for (uint i = 0; i < argument.Get32(0); i++)
        {
            int at = (int)i * 20;
            Report.Begin("range"u8);
            Report.Hex("start"u8, Probe.B.Get64(at));
            Report.Hex("size"u8, Probe.B.Get64(at + 8));
            Report.Decimal("type"u8, Probe.B.Get32(at + 16));
        }
    }

    private static void Tables()
    {
        Probe.Section("acpi"u8);
        ReadOnlySpan<byte> rsdp = Machine.Physical(StartInfo.Rsdp, 36);
        Report.Begin("rsdp"u8);
        Report.Quoted("signature"u8, rsdp.Slice(0, 8));
        Report.Decimal("revision"u8, rsdp[15]);
        Report.Decimal("sum of 20"u8, Sum(rsdp.Slice(0, 20)));
        Report.Decimal("sum of 36"u8, Sum(rsdp));
        Report.Class("rsdt"u8, BinaryPrimitives.ReadUInt32LittleEndian(rsdp.Slice(16)));
        ulong xsdt = BinaryPrimitives.ReadUInt64LittleEndian(rsdp.Slice(24));
        int length = Table("xsdt"u8, xsdt);
        ReadOnlySpan<byte> root = Machine.Physical(xsdt, length);
        for (int i = 36; i + 8 <= length; i += 8)
        {
            ulong address = BinaryPrimitives.ReadUInt64LittleEndian(root.Slice(i));
            int size = Table("table"u8, address);
            ReadOnlySpan<byte> table = Machine.Physical(address, size);
            if (table.StartsWith("APIC"u8))
                Dump("madt"u8, table.Slice(36));
            else if (table.StartsWith("MCFG"u8))
                Dump("mcfg"u8, table.Slice(36));
            else if (table.StartsWith("FACP"u8))
                Dump("fadt from the SCI on"u8, table.Slice(46, Math.Min(86, table.Length - 46)));
        }
    }

    private static int Table(ReadOnlySpan<byte> name, ulong address)
    {
        ReadOnlySpan<byte> header = Machine.Physical(address, 36);
        int length = (int)Math.Min(BinaryPrimitives.ReadUInt32LittleEndian(header.Slice(4)), 65536u);
        Report.Begin(name);
        Report.Quoted("signature"u8, header.Slice(0, 4));
        Report.Decimal("length"u8, (ulong)length);
        Report.Decimal("revision"u8, header[8]);
        Report.Decimal("sum"u8, Sum(Machine.Physical(address, length)));
        return length;
    }

    private static void Dump(ReadOnlySpan<byte> name, ReadOnlySpan<byte> bytes)
    {
        for (int i = 0; i < bytes.Length; i += 32)
        {
            Report.Begin(name);
            Report.Add(" "u8);
            Report.Dump(bytes.Slice(i, Math.Min(32, bytes.Length - i)));
        }
    }

    private static byte Sum(ReadOnlySpan<byte> bytes)
    {
        byte sum = 0;
        foreach (byte value in bytes)
            sum += value;
        return sum;
    }
}
