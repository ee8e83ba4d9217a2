// SPDX-License-Identifier: MIT
// Reading the ACPI table IVRS: QEMU's, the newer forms, and damaged ones.

using System;
using System.Collections.Generic;
using XenSharp.Core.Boot.Acpi;
using XenSharp.Testing;
using XenSharp.Tests.Unit.Acpi;
using Xunit;

namespace XenSharp.Tests.Unit.Iommu;

public sealed class IvrsTests
{
    /// <summary>As QEMU 7.2 writes it for q35 with one device at slot 3, without the header.</summary>
    public static byte[] Standard => Table(Block(0x10, [.. Select(0), .. Select(0x08), .. Select(0x18), .. Select(0xf8), .. Select(0xfa), .. Select(0xfb), .. Special(0, 0xa0, 1)]));

    private readonly TestHost _host = new();

    [Fact]
    public void TheStandardMachinesTableIsRead()
    {
        IvrsTable table = Read(Standard)!;
        Assert.Equal((1, 0x10, (ushort)0x10, (ushort)0x40, 0xfed8_0000UL), (table.UnitCount, table.BlockType, table.Unit(0).DeviceId, table.Unit(0).CapabilityOffset, table.Unit(0).Address));
        Assert.Equal(["0-0", "8-8", "18-18", "f8-f8", "fa-fb", "a0-a0"], Ranges(table));
        Assert.Equal(0xfb, table.LastDeviceId);
        Assert.Equal((IommuSpecialDevice.IoApic, (byte)0, (ushort)0xa0), (table.Special(0).Kind, table.Special(0).Handle, table.Special(0).DeviceId));
    }

    [Fact]
    public void RangesAndAliases()
    {
        IvrsTable table = Read(Table(Block(0x10, [3, 8, 0, 0xd7, 4, 0xff, 0, 0, 67, 0, 2, 0, 0, 0x30, 0, 0, 4, 0xff, 2, 0, 66, 1, 3, 0, 0, 0x31, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0])))!;
        Assert.Equal(["8-ff", "200-2ff as 30", "301-301 as 31", "0-ffff"], Ranges(table));
        Assert.Equal(0xd7, table.Range(0).Settings);
        Assert.Equal(0xffff, table.LastDeviceId);
    }

    [Fact]
    public void TheNewestFormOfABlockCounts()
    {
        byte[] named = [0xf0, 0, 1, 0, .. new byte[16], 0, 3, 65, 66, 67, .. Select(0x20)];
        IvrsTable table = Read(Table(Block(0x10, Select(8)), Block(0x11, Select(0x10)), Block(0x40, named)))!;
        Assert.Equal((1, 0x40), (table.UnitCount, table.BlockType));
        Assert.Equal(["20-20"], Ranges(table));
    }

    [Fact]
    public void MemoryBlocksBecomeWholePages()
    {
        byte[] memory = [0x20, 0x07, 32, 0, .. new byte[12], .. BitConverter.GetBytes(0x8000_0800UL), .. BitConverter.GetBytes(0x1000UL)];
        byte[] readOnly = [0x21, 0x03, 32, 0, .. new byte[12], .. BitConverter.GetBytes(0x9000_0000UL), .. BitConverter.GetBytes(0x1UL)];
        IvrsTable table = Read(Table(Block(0x10, Select(8)), memory, readOnly))!;
        Assert.Equal(2, table.RegionCount);
        Assert.Equal((0x8000_0000UL, 0x2000UL, true), (table.Region(0).Start, table.Region(0).Size, table.Region(0).IsWritable));
        Assert.Equal((0x9000_0000UL, 0x1000UL, false), (table.Region(1).Start, table.Region(1).Size, table.Region(1).IsWritable));
    }

    [Theory]
    [InlineData("", "no IOMMU")]
    [InlineData("10001700", "a block with a wrong length")]
    [InlineData("10000000", "a block with a wrong length")]
    [InlineData("1000ff00", "a block with a wrong length")]
    [InlineData("1000180010004000000000000000000000000000", "a block with a wrong length")]
    [InlineData("100018001000400000000000000000000000000000000000", "an IOMMU without registers")]
    [InlineData("10001800100040000000d8fe000000000100000000000000", "an IOMMU of a PCI segment other than 0")]
    [InlineData("10001c00100040000000d8fe00000000000000000000000004080000", "an entry without sense")]
    [InlineData("10001c00100040000000d8fe00000000000000000000000003080000", "a device range without end")]
    [InlineData("10001900100040000000d8fe000000000000000000000000f0", "a device entry with a wrong length")]
    [InlineData("11001800100040000000d8fe000000000000000000000000", "a block that is too short")]
    public void DamagedTablesAreRefusedWithTheReason(string blocks, string reason)
    {
        Assert.Null(Read(Table(Convert.FromHexString(blocks))));
        Assert.Contains("AMD-Vi: the IVRS table has at offset", _host.Platform.ConsoleText);
        Assert.Contains(reason, _host.Platform.ConsoleText);
    }

    [Fact]
    public void AnyDamageIsSurvived()
    {
        Random random = new(5);
        byte[] whole = Table(Block(0x11, [3, 8, 0, 0, 4, 0xff, 0, 0, .. Special(0, 0xa0, 1), .. Select(0x20)]), [0x20, 1, 32, 0, .. new byte[28]]);
        for (int round = 0; round < 5000; round++)
        {
            byte[] damaged = (byte[])whole.Clone();
            for (int i = random.Next(1, 4); i > 0; i--)
                damaged[random.Next(damaged.Length)] = (byte)random.Next(256);
            Read(damaged.AsSpan(0, random.Next(damaged.Length + 1)).ToArray());
        }
    }

    private IvrsTable? Read(byte[] body) => MachineTables.Find(FirmwareImage.Standard(ivrs: body), 0, _host.Host.Console)!.Ivrs;

    private static byte[] Table(params byte[][] blocks)
    {
        List<byte> body = [0x41, 0x30, 0x20, 0, .. new byte[8]];
        foreach (byte[] block in blocks)
            body.AddRange(block);
        return [.. body];
    }

    private static byte[] Block(byte type, byte[] entries)
    {
        int fixedPart = type == 0x10 ? 24 : 40;
        byte[] block = [type, 0, (byte)(fixedPart + entries.Length), 0, 0x10, 0, 0x40, 0, 0, 0, 0xd8, 0xfe, .. new byte[fixedPart - 12], .. entries];
        return block;
    }

    private static byte[] Select(ushort id) => [2, (byte)id, (byte)(id >> 8), 0];

    private static byte[] Special(byte handle, ushort id, byte kind) => [72, 0, 0, 0, handle, (byte)id, (byte)(id >> 8), kind];

    private static string[] Ranges(IvrsTable table)
    {
        string[] lines = new string[table.RangeCount];
        for (int i = 0; i < lines.Length; i++)
        {
            ref readonly IommuDeviceRange range = ref table.Range(i);
            lines[i] = $"{range.First:x}-{range.Last:x}" + (range.HasAlias ? $" as {range.Alias:x}" : "");
        }

        return lines;
    }
}
