// SPDX-License-Identifier: MIT
// Dom0's own tables and memory map.

using System;
using System.Buffers.Binary;
using System.Linq;
using System.Text;
using XenSharp.Abi;
using XenSharp.Core.Boot.Acpi;
using XenSharp.Testing;
using Xunit;

namespace XenSharp.Tests.Unit.Acpi;

public sealed class Dom0TablesTests
{
    private const ulong Address = 0x1006_0000;
    private readonly FirmwareImage _image = FirmwareImage.Standard();
    private readonly MachineTables _tables;

    public Dom0TablesTests() => _tables = MachineTables.Find(_image, 0, new TestHost().Host.Console)!;

    [Fact]
    public void TablesHaveRightSumsAndPointers()
    {
        byte[] block = Build(2);
        Assert.Equal("RSD PTR ", Text(block, 0, 8));
        Assert.Equal("BOCHS ", Text(block, 9, 6));
        Assert.Equal(2, block[15]);
        Assert.Equal(0, Sum(block, 0, 20));
        Assert.Equal(0, Sum(block, 0, 36));
        int xsdt = (int)(Long(block, 24) - Address);
        Assert.Equal("XSDT", Text(block, xsdt, 4));
        int xsdtLength = (int)Word(block, xsdt + 4);
        Assert.Equal(0, Sum(block, xsdt, xsdtLength));
        Assert.Equal(36 + (4 * 8), xsdtLength);
        int madt = (int)(Long(block, xsdt + 36) - Address);
        Assert.Equal("APIC", Text(block, madt, 4));
        Assert.Equal(0, Sum(block, madt, (int)Word(block, madt + 4)));
        Assert.Equal(block.Length, madt + (int)Word(block, madt + 4));
        ulong[] kept = [Long(block, xsdt + 44), Long(block, xsdt + 52), Long(block, xsdt + 60)];
        Assert.Equal(["FACP", "MCFG", "SSDT"], kept.Select(table => Encoding.ASCII.GetString(_image.Map(table, 4))));
    }

    // As recorded on Xen: tests/Boot/Golden/xen-4.17-pvh-dom0-platform.txt, with one more vCPU and fewer overrides.
    [Fact]
    public void MadtListsVcpusAsX2ApicsAndNoPic()
    {
        byte[] block = Build(2);
        int madt = (int)(Long(block, (int)(Long(block, 24) - Address) + 36) - Address);
        Assert.Equal(
            "0000e0fe00000000" + "010c00000000c0fe00000000" + "0910000000000000" + "0100000000000000" + "0910000002000000" + "0100000001000000"
            + "020a0000020000000000" + "020a0009090000000d00",
            Convert.ToHexStringLower(block.AsSpan(madt + 36)));
    }

    [Fact]
    public void ATooSmallBufferIsRefused() => Assert.Equal(0, Dom0Acpi.Build(_tables, 2, Address, new byte[100]));

    [Fact]
    public void MemoryMapGivesRamFromTheBottom()
    {
        E820Entry[] map = new E820Entry[32];
        int count = Dom0MemoryMap.Build(Machine(), 0x10000, 1, _tables, map, out ulong address, out ulong size);
        string[] lines = [.. map.Take(count).Select(e => $"{e.Address:x} {e.Size:x} {e.Type}")];
        Assert.Equal(
            [
                "0 9f000 Ram", "9fc00 400 Reserved", "f0000 10000 Reserved", "100000 ff60000 Ram", "10060000 1000 Acpi", "10061000 6ff7e000 Unusable",
                "7ffdf000 21000 Reserved", "b0000000 10000000 Reserved", "fffc0000 40000 Reserved", "100000000 40000000 Unusable",
            ],
            lines);
        Assert.Equal((0x1006_0000UL, 0x1000UL), (address, size));
    }

    [Fact]
    public void TablesStayBelowFourGibibytes()
    {
        E820Entry[] map = new E820Entry[32];
        int count = Dom0MemoryMap.Build(Machine(), 0xa0000, 1, _tables, map, out ulong address, out _);
        Assert.Equal(0x7ffd_e000UL, address);
        Assert.Equal(HvmMemoryMapType.Ram, map[count - 2].Type);
        Assert.Equal(HvmMemoryMapType.Unusable, map[count - 1].Type);
    }

    [Fact]
    public void WithoutRoomThereIsNoMap()
    {
        Assert.Equal(0, Dom0MemoryMap.Build(Machine(), 0x50, 1, _tables, new E820Entry[32], out _, out _));
        Assert.Equal(0, Dom0MemoryMap.Build(Machine(), 0x10000, 1, _tables, new E820Entry[5], out _, out _));
    }

    private static E820Entry[] Machine() =>
    [
        Entry(0, 0x9fc00, HvmMemoryMapType.Ram), Entry(0x9fc00, 0x400, HvmMemoryMapType.Reserved), Entry(0xf0000, 0x10000, HvmMemoryMapType.Reserved),
        Entry(0x100000, 0x7fedf000, HvmMemoryMapType.Ram), Entry(0x7ffdf000, 0x21000, HvmMemoryMapType.Reserved),
        Entry(0xfffc0000, 0x40000, HvmMemoryMapType.Reserved), Entry(0xb0000000, 0x10000000, HvmMemoryMapType.Reserved),
        Entry(0x100000000, 0x40000000, HvmMemoryMapType.Ram),
    ];

    private static E820Entry Entry(ulong address, ulong size, HvmMemoryMapType type) => new() { Address = address, Size = size, Type = type };

    private byte[] Build(int vcpus)
    {
        byte[] block = new byte[Dom0Acpi.Size(_tables, vcpus)];
        Assert.Equal(block.Length, Dom0Acpi.Build(_tables, vcpus, Address, block));
        return block;
    }

    private static string Text(byte[] block, int offset, int length) => Encoding.ASCII.GetString(block, offset, length);

    private static uint Word(byte[] block, int offset) => BinaryPrimitives.ReadUInt32LittleEndian(block.AsSpan(offset));

    private static ulong Long(byte[] block, int offset) => BinaryPrimitives.ReadUInt64LittleEndian(block.AsSpan(offset));

    private static byte Sum(byte[] block, int offset, int length)
    {
        byte sum = 0;
        foreach (byte value in block.AsSpan(offset, length))
            sum += value;
        return sum;
    }
}
