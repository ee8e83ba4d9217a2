// SPDX-License-Identifier: MIT
// Finding and reading the machine's tables, sound and damaged.

using XenSharp.Core.Boot.Acpi;
using XenSharp.Testing;
using Xunit;

namespace XenSharp.Tests.Unit.Acpi;

public sealed class MachineTablesTests
{
    private readonly TestHost _machine = new();

    [Fact]
    public void ReadsTheStandardMachine()
    {
        MachineTables tables = MachineTables.Find(FirmwareImage.Standard(), 0, _machine.Host.Console)!;
        Assert.Equal(2, tables.ProcessorCount);
        Assert.Equal((1U, 11U), (tables.ProcessorApicId(1), tables.ProcessorAcpiId(1)));
        Assert.Equal(1, tables.IoApicCount);
        Assert.Equal(0xfec0_0000UL, tables.IoApicAddress(0));
        Assert.Equal(2, tables.OverrideCount);
        Assert.Equal((0x608, 0x604, 0xcf9, 0xf), (tables.PmTimerPort, tables.Pm1ControlPort, tables.ResetPort, tables.ResetValue));
        Assert.False(tables.PmTimerIs32Bit);
        Assert.Equal(0xfed0_0000UL, tables.HpetAddress);
        Assert.Equal(0xb000_0000UL, tables.ConfigurationSpaceAddress(0));
    }

    [Theory]
    [InlineData(0xfee00000, true), InlineData(0xfec00000, true), InlineData(0xfec01000, false), InlineData(0xfed00000, true)]
    [InlineData(0xb0000000, true), InlineData(0xbffff000, true), InlineData(0xc0000000, false), InlineData(0xfed1c000, false)]
    public void KnowsWhatIsEmulated(ulong address, bool emulated)
    {
        MachineTables tables = MachineTables.Find(FirmwareImage.Standard(), 0, _machine.Host.Console)!;
        Assert.Equal(emulated, tables.IsEmulatedRange(address, 0x1000));
    }

    [Fact]
    public void ARootNamedByTheLoaderIsTriedFirst()
    {
        FirmwareImage image = FirmwareImage.Standard();
        image.Map(0xf59e0, 20).CopyTo(image.At(0x9000, 20));
        image.At(0xf59e0, 20).Clear();
        Assert.NotNull(MachineTables.Find(image, 0x9000, _machine.Host.Console));
        Assert.Null(MachineTables.Find(image, 0, _machine.Host.Console));
        Assert.Contains("no root pointer", _machine.Platform.ConsoleText);
    }

    [Fact]
    public void ARootInTheExtendedBiosAreaIsFound()
    {
        FirmwareImage image = FirmwareImage.Standard();
        image.Map(0xf59e0, 20).CopyTo(image.At(0x9fc10, 20));
        image.At(0xf59e0, 20).Clear();
        image.At(0x40e, 2)[1] = 0x9f;
        image.At(0x40e, 2)[0] = 0xc0;
        Assert.NotNull(MachineTables.Find(image, 0x5000, _machine.Host.Console));
        Assert.Contains("loader's root pointer at 5000 is damaged", _machine.Platform.ConsoleText);
    }

    [Fact]
    public void DamagedTablesAreNamed()
    {
        FirmwareImage image = FirmwareImage.Standard();
        image.At(image.TableAddress(2), 56)[50]++;
        MachineTables tables = MachineTables.Find(image, 0, _machine.Host.Console)!;
        Assert.Equal(0UL, tables.HpetAddress);
        Assert.Contains("table HPET at 7ffe", _machine.Platform.ConsoleText);
        Assert.Contains("wrong checksum", _machine.Platform.ConsoleText);
        image.At(image.TableAddress(1), 44)[43]++;
        Assert.Null(MachineTables.Find(image, 0, _machine.Host.Console));
        Assert.Contains("no usable interrupt controller table", _machine.Platform.ConsoleText);
    }

    [Fact]
    public void AMadtEntryWithoutLengthEndsTheList()
    {
        FirmwareImage image = FirmwareImage.Standard();
        System.Span<byte> madt = image.At(image.TableAddress(1), System.Buffers.Binary.BinaryPrimitives.ReadInt32LittleEndian(image.Map(image.TableAddress(1) + 4, 4)));
        madt[44 + 8 + 1] = 0;
        FirmwareImage.Seal(madt, 9);
        MachineTables tables = MachineTables.Find(image, 0, _machine.Host.Console)!;
        Assert.Equal(1, tables.ProcessorCount);
        Assert.Contains("offset 52 has a wrong length", _machine.Platform.ConsoleText);
    }
}
