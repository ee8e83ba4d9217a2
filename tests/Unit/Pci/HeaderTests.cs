// SPDX-License-Identifier: MIT
// Command register, memory registers and ROM of a function: what the hardware domain reads, and which device memory it sees.

using System.Collections.Generic;
using System.Linq;
using XenSharp.Core.Pci;
using XenSharp.Edge;
using Xunit;

namespace XenSharp.Tests.Unit.Pci;

public sealed class HeaderTests
{
    private const ushort Card = 0x0010;
    private const ulong Small = 0xe000_0000, Large = 0x40_0000_0000, Rom = 0xe100_0000;
    private readonly FakePci _pci = new();

    public HeaderTests()
    {
        _pci.Add(0, new FakeFunction(1, 0x0600));
        _pci.Add(Card, new FakeFunction(2).Bar(0, 0x4000, Small).IoBar(1).Bar(2, 8UL << 30, Large, is64: true, prefetchable: true).Rom(0x10000));
    }

    [Fact]
    public void SizesAreFoundAndTheDeviceIsLeftAsItWas()
    {
        _pci[Card].Put16(4, 0x0407);
        _pci.Start();
        PciFunction function = _pci.Host.Pci.Find(Card)!;
        Assert.Equal([(PciBarType.Memory32, 0x4000UL, Small), (PciBarType.Io, 0UL, 0UL), (PciBarType.Memory64, 8UL << 30, Large), (PciBarType.Memory64High, 0UL, 0UL),
            (PciBarType.None, 0UL, 0UL), (PciBarType.None, 0UL, 0UL), (PciBarType.Rom, 0x10000UL, 0UL)],
            function.Bars.ToArray().Select(bar => (bar.Type, bar.Size, bar.Address)));
        Assert.True(function.Bars[2].IsPrefetchable);
        Assert.Equal(0x0407U, _pci[Card].Read(4, 2));
        Assert.Equal((uint)Small, _pci[Card].Read(0x10, 4));
        Assert.Equal(0xcU, _pci[Card].Read(0x18, 4));
        Assert.Equal(0x40U, _pci[Card].Read(0x1c, 4));
        Assert.True(_pci.IsShown(Small) && _pci.IsShown(Small + 0x3000) && !_pci.IsShown(Small + 0x4000));
        Assert.True(_pci.IsShown(Large) && _pci.IsShown(Large + (8UL << 30) - 1) && !_pci.IsShown(Large + (8UL << 30)));
        Assert.Equal(18, _pci.Dom0.P2m.Lookup(Gfn.Containing(Large)).Order);
    }

    [Fact]
    public void MemoryIsShownWhileItIsDecoded()
    {
        _pci.Start();
        Assert.False(_pci.IsShown(Small));
        _pci.GuestWrite(Card, 4, 2, 0x0006);
        Assert.True(_pci.IsShown(Small) && _pci.IsShown(Large));
        Assert.Equal(6U, _pci[Card].Read(4, 2));
        int flushes = _pci.Dom0.P2m.Flushes;
        _pci.GuestWrite(Card, 5, 1, 0x04);
        Assert.True(_pci.IsShown(Small));
        Assert.Equal(0x0406U, _pci[Card].Read(4, 2));
        _pci.GuestWrite(Card, 4, 1, 0x04);
        Assert.False(_pci.IsShown(Small) || _pci.IsShown(Large));
        Assert.Equal(0x0404U, _pci.GuestRead(Card, 4, 2));
        Assert.True(_pci.Dom0.P2m.Flushes > flushes);
        Assert.DoesNotContain(_pci.Dom0.P2m.Mappings, mapping => mapping.Entry.Type == P2mType.Direct);
    }

    [Fact]
    public void AGuestSizesAndMovesARegister()
    {
        _pci.Start();
        _pci.GuestWrite(Card, 0x10, 4, uint.MaxValue);
        Assert.Equal(0xffff_c000U, _pci.GuestRead(Card, 0x10, 4));
        _pci.GuestWrite(Card, 0x10, 4, 0xe200_0000);
        _pci.GuestWrite(Card, 0x18, 4, uint.MaxValue);
        _pci.GuestWrite(Card, 0x1c, 4, uint.MaxValue);
        Assert.Equal(0xcU, _pci.GuestRead(Card, 0x18, 4));
        Assert.Equal(0xffff_fffeU, _pci.GuestRead(Card, 0x1c, 4));
        _pci.GuestWrite(Card, 0x18, 4, 0);
        _pci.GuestWrite(Card, 0x1c, 4, 0x50);
        _pci.GuestWrite(Card, 4, 2, 2);
        Assert.True(_pci.IsShown(0xe200_0000) && _pci.IsShown(0x50_0000_0000) && !_pci.IsShown(Small));
        Assert.True(_pci.Host.Pci.Find(Card)!.Bars[2].IsMapped);
    }

    [Fact]
    public void ARegisterStaysWhereItIsWhileItIsShown()
    {
        _pci[Card].Put16(4, 2);
        _pci.Start();
        _pci.GuestWrite(Card, 0x10, 4, 0xe200_0000);
        _pci.GuestWrite(Card, 0x1c, 4, 0x50);
        Assert.Equal((uint)Small, _pci[Card].Read(0x10, 4));
        Assert.Equal(0x40U, _pci[Card].Read(0x1c, 4));
        Assert.True(_pci.IsShown(Small) && !_pci.IsShown(0xe200_0000));
    }

    [Fact]
    public void MemoryOfTheMachineIsNeverShownAsADevices()
    {
        _pci.Start();
        _pci.GuestWrite(Card, 0x10, 4, 0x0080_0000);
        _pci.GuestWrite(Card, 0x18, 4, 0);
        _pci.GuestWrite(Card, 0x1c, 4, 0);
        _pci.GuestWrite(Card, 4, 2, 2);
        Assert.False(_pci.Host.Pci.Find(Card)!.Bars[0].IsMapped || _pci.Host.Pci.Find(Card)!.Bars[2].IsMapped);
        Assert.DoesNotContain(_pci.Dom0.P2m.Mappings, mapping => mapping.Entry.Type == P2mType.Direct);
    }

    [Fact]
    public void TheRomIsShownWhenBothBitsAreSet()
    {
        _pci.Start();
        _pci.GuestWrite(Card, 0x30, 4, (uint)Rom | 1);
        Assert.False(_pci.IsShown(Rom));
        _pci.GuestWrite(Card, 4, 2, 2);
        Assert.True(_pci.IsShown(Rom) && _pci.IsShown(Rom + 0xffff));
        _pci.GuestWrite(Card, 0x30, 4, (uint)Rom + 0x10_0001);
        Assert.True(_pci.IsShown(Rom));
        Assert.Equal((uint)Rom | 1, _pci[Card].Read(0x30, 4));
        _pci.GuestWrite(Card, 0x30, 4, 0xffff_f800);
        Assert.False(_pci.IsShown(Rom));
        Assert.Equal(0xffff_0000U, _pci.GuestRead(Card, 0x30, 4));
        _pci.GuestWrite(Card, 0x30, 4, (uint)Rom | 1);
        Assert.True(_pci.IsShown(Rom));
    }

    [Fact]
    public void APageThatTwoRegistersShareGoesWithTheLast()
    {
        const ushort Other = 0x0018;
        _pci.Add(Other, new FakeFunction(3).Bar(0, 0x100, Small + 0x3f00));
        _pci.Start();
        _pci.GuestWrite(Card, 4, 2, 2);
        _pci.GuestWrite(Other, 4, 2, 2);
        _pci.GuestWrite(Card, 4, 2, 0);
        Assert.False(_pci.IsShown(Small));
        Assert.True(_pci.IsShown(Small + 0x3000));
        _pci.GuestWrite(Other, 4, 2, 0);
        Assert.False(_pci.IsShown(Small + 0x3000));
    }

    [Fact]
    public void BytesBesideAnEmulatedFieldReachTheDeviceAsTheyAre()
    {
        _pci.Start();
        _pci.GuestWrite(Card, 4, 4, 0xffff_0002);
        Assert.Equal([(4, 2, 2U), (6, 2, 0xffffU)], _pci[Card].Writes);
        _pci[Card].Writes.Clear();
        _pci.GuestWrite(Card, 6, 2, 0x8000);
        _pci.GuestWrite(Card, 0x3c, 1, 11);
        Assert.Equal([(6, 2, 0x8000U), (0x3c, 1, 11U)], _pci[Card].Writes);
    }

    [Fact]
    public void ExtendedRegistersAndWindowsReachTheSameFunction()
    {
        _pci.Start();
        ulong place = FakePci.Window + ((ulong)Card << 12);
        _pci.GuestStore(place + 0x100, 4, 0x1234_5678);
        Assert.Equal(0x1234_5678U, _pci[Card].Read(0x100, 4));
        Assert.Equal(0x5678UL, _pci.GuestLoad(place + 0x100, 2));
        Assert.Equal(0x0002_1234UL, _pci.GuestLoad(place, 4));
        Assert.Equal(0x0002_1234UL, _pci.GuestLoad(place, 8) & uint.MaxValue);
        Assert.Equal(0xffUL, _pci.GuestLoad(place + 0x1000, 1));
        _pci.GuestStore(place + 4, 2, 2);
        Assert.True(_pci.IsShown(Small));
    }

    [Fact]
    public void AnIommuIsOnlyLookedAt()
    {
        const ushort Iommu = 0x0008;
        _pci.Add(Iommu, new FakeFunction(4, 0x0806));
        _pci.Start();
        Assert.Equal(0x0806U, _pci.GuestRead(Iommu, 0x0a, 2));
        _pci.GuestWrite(Iommu, 4, 2, 7);
        _pci.GuestWrite(Iommu, 0x3c, 1, 7);
        Assert.Empty(_pci[Iommu].Writes);
    }

    [Fact]
    public void ABridgeHasTwoRegistersAndItsRomElsewhere()
    {
        const ushort Bridge = 0x0020;
        _pci.Add(Bridge, new FakeFunction(5, 0x0604, headerType: 1).Bar(0, 0x1000, 0xe300_0000).Rom(0x1000, 0x38));
        _pci.Start();
        PciFunction function = _pci.Host.Pci.Find(Bridge)!;
        Assert.Equal(2, function.BarCount);
        Assert.Equal(0x38, function.RomRegister);
        _pci.GuestWrite(Bridge, 0x18, 4, 0x0002_0100);
        _pci.GuestWrite(Bridge, 0x20, 4, 0xe3f0_e300);
        Assert.Equal([(0x18, 4, 0x0002_0100U), (0x20, 4, 0xe3f0_e300U)], _pci[Bridge].Writes);
        _pci.GuestWrite(Bridge, 0x38, 4, 0xe400_0001);
        _pci.GuestWrite(Bridge, 4, 2, 2);
        Assert.True(_pci.IsShown(0xe300_0000) && _pci.IsShown(0xe400_0000));
    }

    [Fact]
    public void FunctionsOfADeviceAreFoundWhereItHasSeveral()
    {
        _pci.Add(0xff08, new FakeFunction(6, headerType: 0x80));
        _pci.Add(0xff0f, new FakeFunction(7));
        _pci.Add(0xff11, new FakeFunction(8));
        _pci.Start();
        List<ushort> found = [];
        for (int i = 0; i < _pci.Host.Pci.Count; i++)
            found.Add(_pci.Host.Pci[i].Address);
        Assert.Equal([0, Card, 0xff08, 0xff0f], found);
        Assert.Null(_pci.Host.Pci.Find(0xff09));
        Assert.Equal(0xffffU, _pci.GuestRead(0xff09, 0, 2));
        Assert.True(_pci.Host.PciSegments.Contains(0, 0xff, 0x0f));
    }
}
