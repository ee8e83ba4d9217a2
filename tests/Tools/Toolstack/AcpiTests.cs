// SPDX-License-Identifier: MIT
// The tables of a PVH guest, read as a guest reads them.

using System;
using System.Buffers.Binary;
using System.Linq;
using System.Text;
using XenSharp.Toolstack.Building;
using Xunit;

namespace XenSharp.Tests.Tools.Toolstack;

public sealed class AcpiTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(15)]
    [InlineData(128)]
    public void TablesHangTogether(int vcpus)
    {
        AcpiTables acpi = AcpiTables.Build(vcpus, vcpu => vcpu < (vcpus + 1) / 2, hasLocalApic: true);
        Assert.Equal(0, acpi.Tables.Length % GuestLayout.PageSize);
        Assert.Equal("RSD PTR ", Encoding.ASCII.GetString(acpi.Rsdp, 0, 8));
        Assert.Equal(0, Sum(acpi.Rsdp.AsSpan(0, 20)));
        Assert.Equal(0, Sum(acpi.Rsdp.AsSpan(0, 36)));
        ReadOnlySpan<byte> xsdt = Table(acpi, Number(acpi.Rsdp, 24), "XSDT"), rsdt = Table(acpi, Number(acpi.Rsdp, 16), "RSDT");
        ReadOnlySpan<byte> fadt = Table(acpi, Number(xsdt, 36), "FACP"), old = Table(acpi, Number(rsdt, 36), "FACP");
        Assert.Equal((268, 5, 116, 1), (fadt.Length, (int)fadt[8], old.Length, (int)old[8]));
        Table(acpi, Number(fadt, 40), "DSDT");
        Assert.Equal(Number(fadt, 40), Number(fadt, 140));
        Assert.True(At(acpi, Number(fadt, 36), 64).StartsWith("FACS"u8));
        ReadOnlySpan<byte> madt = Table(acpi, Number(xsdt, 44), "APIC");
        Assert.Equal(44 + (8 * vcpus), madt.Length);
        for (int vcpu = 0; vcpu < vcpus; vcpu++)
        {
            ReadOnlySpan<byte> entry = madt.Slice(44 + (8 * vcpu), 8);
            Assert.Equal((0, 8, vcpu, (byte)(2 * vcpu), vcpu < (vcpus + 1) / 2 ? 1 : 0), ((int)entry[0], (int)entry[1], (int)entry[2], entry[3], (int)entry[4]));
        }
        Assert.Equal(vcpus, BinaryPrimitives.ReadUInt16LittleEndian(acpi.Info.AsSpan(2)));
        Assert.Equal(Number(xsdt, 44) + 9, Number(acpi.Info, 12));
        Assert.Equal(Number(xsdt, 44) + 44, Number(acpi.Info, 16));
    }

    [Fact]
    public void ProcessorsReadTheirOwnEntry()
    {
        AcpiTables acpi = AcpiTables.Build(3, _ => true, hasLocalApic: true);
        ReadOnlySpan<byte> xsdt = Table(acpi, Number(acpi.Rsdp, 24), "XSDT");
        ReadOnlySpan<byte> dsdt = Table(acpi, Number(Table(acpi, Number(xsdt, 36), "FACP"), 40), "DSDT");
        for (uint vcpu = 0; vcpu < 3; vcpu++)
        {
            // OperationRegion (MATR, SystemMemory, the entry, 8)
            byte[] region = [0x5B, 0x80, .. "MATR"u8, 0, 0x0C, .. BitConverter.GetBytes(Number(xsdt, 44) + 44 + (8 * vcpu)), 0x0A, 8];
            Assert.True(dsdt.IndexOf(region) > 0);
        }
    }

    [Fact]
    public void OneVcpuWithoutLocalApicHasNoMadt()
    {
        AcpiTables acpi = AcpiTables.Build(1, _ => true, hasLocalApic: false);
        Assert.Equal(36 + 8, Table(acpi, Number(acpi.Rsdp, 24), "XSDT").Length);
    }

    private static ReadOnlySpan<byte> Table(AcpiTables acpi, uint address, string signature)
    {
        ReadOnlySpan<byte> table = At(acpi, address, (int)Number(At(acpi, address, 8), 4));
        Assert.Equal(signature, Encoding.ASCII.GetString(table[..4]));
        Assert.Equal(0, Sum(table));
        return table;
    }

    private static ReadOnlySpan<byte> At(AcpiTables acpi, uint address, int length) => acpi.Tables.AsSpan((int)(address - GuestLayout.AcpiTables), length);

    private static uint Number(ReadOnlySpan<byte> bytes, int place) => BinaryPrimitives.ReadUInt32LittleEndian(bytes[place..]);

    private static byte Sum(ReadOnlySpan<byte> bytes) => (byte)bytes.ToArray().Sum(value => value);
}
