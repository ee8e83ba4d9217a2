// SPDX-License-Identifier: MIT
// MSI and MSI-X: the guest's messages and the machine's, and interrupts from the device to a vCPU.

using System;
using System.Collections.Generic;
using System.Linq;
using XenSharp.Core.Interrupts;
using XenSharp.Edge;
using Xunit;

namespace XenSharp.Tests.Unit.Pci;

public sealed class MessageTests
{
    private const ushort Card = 0x0010, Other = 0x0018;
    private const ulong Bar = 0xe000_0000;
    private const int Position = 0x50;
    private readonly FakePci _pci = new(processors: 2, vcpus: 2);

    [Theory]
    [InlineData(true, true), InlineData(true, false), InlineData(false, true), InlineData(false, false)]
    public void AMessageOfTheGuestsBecomesOneOfTheMachines(bool is64, bool maskable)
    {
        _pci.Add(Card, new FakeFunction(1)).Msi(Position, 0, is64, maskable, enabled: true);
        _pci.Start();
        Assert.Equal(0U, _pci[Card].Read(Position + 2, 2) & 1);
        Assert.Equal(0x1234U, _pci.GuestRead(Card, 0, 2));
        int data = Position + (is64 ? 12 : 8);
        _pci.GuestWrite(Card, Position + 4, 4, 0xfee0_2000);
        if (is64)
            _pci.GuestWrite(Card, Position + 8, 4, 0);
        _pci.GuestWrite(Card, data, 2, 0x0051);
        Assert.DoesNotContain(_pci[Card].Writes, write => write.Register < Position + (maskable ? 20 : 14));
        _pci.GuestWrite(Card, Position + 2, 2, 1);
        Assert.Equal(0xfee0_2000U, _pci.GuestRead(Card, Position + 4, 4));
        Assert.Equal(0x51U, _pci.GuestRead(Card, data, 2));
        Assert.Equal(1U, _pci.GuestRead(Card, Position + 2, 2) & 0x71);
        uint sent = _pci[Card].Read(data, 2);
        Assert.Equal(0xfee0_1000U, _pci[Card].Read(Position + 4, 4));
        Assert.InRange(sent, 0x30U, 0x3fU);
        Assert.Equal(1U, _pci[Card].Read(Position + 2, 2) & 1);

        _pci.Host.Messages.Dump(_pci.Cpu);
        Assert.Contains($"0000:00:02.0 entry 0: vec={sent:x} cpu=1 -> guest vec=51 phys dest_id=2", _pci.Machine.Platform.ConsoleText);
        _pci.Raise(sent, 1);
        Assert.Equal(-1, _pci.Dom0.Vcpu(0).Apic.HighestPending());
        Assert.Equal(0x51, _pci.Dom0.Vcpu(1).Apic.HighestPending());

        // Another destination and vector from now on; the device goes on sending the same.
        _pci.GuestWrite(Card, Position + 4, 4, 0xfee0_0000);
        _pci.GuestWrite(Card, data, 1, 0x62);
        _pci.Raise(sent, 1);
        Assert.Equal(0x62, _pci.Dom0.Vcpu(0).Apic.HighestPending());
        Assert.Equal(sent, _pci[Card].Read(data, 2));

        _pci.GuestWrite(Card, Position + 2, 2, 0);
        Assert.Equal(0U, _pci[Card].Read(Position + 2, 2) & 1);
        _pci.Dom0.Vcpu(0).Apic.Accept(0x62);
        _pci.Raise(sent, 1);
        Assert.Equal(-1, _pci.Dom0.Vcpu(0).Apic.HighestPending());
    }

    [Fact]
    public void TheMaskReachesTheDeviceWhileItIsEnabled()
    {
        _pci.Add(Card, new FakeFunction(1)).Msi(Position, 2, maskable: true);
        _pci.Start();
        const int mask = Position + 16;
        _pci.GuestWrite(Card, mask, 4, 0xf);
        Assert.Empty(_pci[Card].Writes);
        _pci.GuestWrite(Card, Position + 2, 2, 0x21);
        Assert.Equal(0xfU, _pci[Card].Read(mask, 4));
        _pci.GuestWrite(Card, mask, 1, 0xd);
        Assert.Equal(0xdU, _pci[Card].Read(mask, 4));
        Assert.Equal(0xdU, _pci.GuestRead(Card, mask, 4));
    }

    [Theory]
    [InlineData(0), InlineData(2), InlineData(5)]
    public void SeveralMessagesHaveConsecutiveVectors(int log)
    {
        _pci.Add(Other, new FakeFunction(2)).Msi(Position);
        _pci.Add(Card, new FakeFunction(1)).Msi(Position, 5);
        _pci.Start();
        _pci.GuestWrite(Other, Position + 2, 2, 1);
        _pci.GuestWrite(Card, Position + 4, 4, 0xfee0_0000);
        _pci.GuestWrite(Card, Position + 12, 2, 0x60);
        _pci.GuestWrite(Card, Position + 2, 2, (uint)(log << 4) | 1);
        Assert.Equal((uint)(log << 4) | 0x8b, _pci.GuestRead(Card, Position + 2, 2));
        uint first = _pci[Card].Read(Position + 12, 2);
        Assert.Equal(0U, first & ((1u << log) - 1));
        Assert.NotEqual(_pci[Other].Read(Position + 12, 2), first);
        for (uint i = 0; i < 1u << log; i++)
        {
            _pci.Raise(first + i);
            Assert.Equal(0x60 + (int)i, _pci.Dom0.Vcpu(0).Apic.HighestPending());
        }
    }

    [Fact]
    public void MoreMessagesThanTheDeviceHasAreNotEnabled()
    {
        _pci.Add(Card, new FakeFunction(1)).Msi(Position, 1);
        _pci.Start();
        _pci.GuestWrite(Card, Position + 2, 2, 0x71);
        Assert.Equal(0x93U, _pci.GuestRead(Card, Position + 2, 2));
        _pci.GuestWrite(Card, Position + 2, 2, 0x01);
        Assert.Equal(0x83U, _pci.GuestRead(Card, Position + 2, 2));
    }

    [Fact]
    public void WithoutVectorsACapabilityStaysOff()
    {
        for (ushort i = 0; i < 3; i++)
            _pci.Add((ushort)(Card + (8 * i)), new FakeFunction(1)).Msi(Position, 5);
        _pci.Start();
        for (ushort i = 0; i < 3; i++)
            _pci.GuestWrite((ushort)(Card + (8 * i)), Position + 2, 2, 0x51);
        Assert.Equal(1U, _pci.GuestRead(Card, Position + 2, 2) & 1);
        Assert.Equal(1U, _pci.GuestRead(Card + 8, Position + 2, 2) & 1);
        Assert.Equal(0U, _pci.GuestRead(Card + 16, Position + 2, 2) & 1);
        Assert.Equal(0U, _pci[Card + 16].Read(Position + 2, 2) & 1);
        _pci.GuestWrite(Card, Position + 2, 2, 0);
        _pci.GuestWrite(Card + 16, Position + 2, 2, 0x51);
        Assert.Equal(1U, _pci.GuestRead(Card + 16, Position + 2, 2) & 1);
    }

    [Theory]
    [InlineData(0xfed0_0000, 0x51), InlineData(0xfee0_0000, 0x251), InlineData(0xfee0_0000, 0x05)]
    public void MessagesThatAreNoneGoNowhere(uint address, uint data)
    {
        _pci.Add(Card, new FakeFunction(1)).Msi(Position);
        _pci.Start();
        _pci.GuestWrite(Card, Position + 4, 4, address);
        _pci.GuestWrite(Card, Position + 12, 2, data);
        _pci.GuestWrite(Card, Position + 2, 2, 1);
        _pci.Raise(_pci[Card].Read(Position + 12, 2));
        Assert.Equal(-1, _pci.Dom0.Vcpu(0).Apic.HighestPending());
    }

    [Fact]
    public void TableEntriesAreOpenedOneByOne()
    {
        AddTable(entries: 4);
        _pci.GuestWrite(Card, Position + 2, 2, 0xc000);
        Assert.Equal(0xc003U, _pci.GuestRead(Card, Position + 2, 2));
        Assert.Equal(1UL, _pci.GuestLoad(Bar + 0x201c, 4));
        Program(1, 0xfee0_0000, 0x71);
        Assert.Equal(0U, _pci.DeviceWord(Bar + 0x2018));
        _pci.GuestStore(Bar + 0x201c, 4, 0);
        _pci.GuestWrite(Card, Position + 2, 2, 0x8000);
        Assert.Equal(0x8003U, _pci[Card].Read(Position + 2, 2));
        uint sent = _pci.DeviceWord(Bar + 0x2018);
        Assert.Equal(0xfee0_0000U, _pci.DeviceWord(Bar + 0x2010));
        Assert.Equal(0U, _pci.DeviceWord(Bar + 0x201c));
        Assert.Equal(0x71UL, _pci.GuestLoad(Bar + 0x2018, 4));
        Assert.Equal(0xfee0_0000UL, _pci.GuestLoad(Bar + 0x2010, 8));
        _pci.Raise(sent);
        Assert.Equal(0x71, _pci.Dom0.Vcpu(0).Apic.HighestPending());

        // Masked, retargeted, unmasked: the guest's part changes, the device's message does not.
        _pci.GuestStore(Bar + 0x201c, 4, 1);
        Assert.Equal(1U, _pci.DeviceWord(Bar + 0x201c));
        Program(1, 0xfee0_2000, 0x72);
        _pci.GuestStore(Bar + 0x2018, 8, 0x72);
        Assert.Equal(0U, _pci.DeviceWord(Bar + 0x201c));
        Assert.Equal(sent, _pci.DeviceWord(Bar + 0x2018));
        _pci.Raise(sent);
        Assert.Equal(0x72, _pci.Dom0.Vcpu(1).Apic.HighestPending());

        _pci.GuestWrite(Card, Position + 2, 2, 0);
        Assert.Equal(1U, _pci.DeviceWord(Bar + 0x201c));
        _pci.Dom0.Vcpu(1).Apic.Accept(0x72);
        _pci.Raise(sent);
        Assert.Equal(-1, _pci.Dom0.Vcpu(1).Apic.HighestPending());
    }

    [Fact]
    public void EntriesUnmaskedBeforeAreOpenedByTheEnableBit()
    {
        AddTable(entries: 2);
        Program(0, 0xfee0_0000, 0x71);
        _pci.GuestStore(Bar + 0x200c, 4, 0);
        Assert.Equal(0U, _pci.DeviceWord(Bar + 0x2008));
        _pci.GuestWrite(Card, Position + 2, 2, 0x8000);
        _pci.Raise(_pci.DeviceWord(Bar + 0x2008));
        Assert.Equal(0x71, _pci.Dom0.Vcpu(0).Apic.HighestPending());
    }

    [Fact]
    public void ThePagesOfTheTableAreHiddenAndTheRestOfThemPasses()
    {
        AddTable(entries: 4);
        Assert.True(_pci.IsShown(Bar) && _pci.IsShown(Bar + 0x1000) && !_pci.IsShown(Bar + 0x2000) && !_pci.IsShown(Bar + 0x3000));
        _pci.GuestStore(Bar + 0x2800, 4, 0x1234_5678);
        Assert.Equal(0x1234_5678U, _pci.DeviceWord(Bar + 0x2800));
        Assert.Equal(0x34UL, _pci.GuestLoad(Bar + 0x2802, 1));
        Assert.Equal(0UL, _pci.GuestLoad(Bar + 0x3000, 8));
        Assert.Equal(uint.MaxValue, _pci.GuestLoad(Bar + 0x2001, 4));
        Assert.Equal(0xffUL, _pci.GuestLoad(Bar + 0x2000, 1));
        _pci.GuestStore(Bar + 0x2000, 2, 7);
        Assert.Equal(0UL, _pci.GuestLoad(Bar + 0x2000, 4));
        _pci.GuestWrite(Card, 4, 2, 0);
        Assert.Equal(uint.MaxValue, _pci.GuestLoad(Bar + 0x2000, 4));
        Assert.DoesNotContain(_pci.Dom0.P2m.Mappings, mapping => mapping.Entry.Type == P2mType.Direct);
    }

    [Fact]
    public void ATableOutsideItsMemoryIsNotBelieved()
    {
        _pci.Add(Card, new FakeFunction(1).Bar(0, 0x1000, Bar)).Msix(Position, 0x800, 0, 0, 0xf00);
        _pci.Add(Other, new FakeFunction(1).Bar(0, 0x1000, Bar + 0x1000)).Msix(Position, 1, 5, 0, 0);
        _pci.Start();
        Assert.Null(_pci.Host.Pci.Find(Card)!.Msix);
        Assert.Null(_pci.Host.Pci.Find(Other)!.Msix);
    }

    [Fact]
    public void AStormIsClosedForAWhile()
    {
        _pci.Add(Card, new FakeFunction(1)).Msi(Position);
        _pci.Start();
        _pci.GuestWrite(Card, Position + 4, 4, 0xfee0_0000);
        _pci.GuestWrite(Card, Position + 12, 2, 0x51);
        _pci.GuestWrite(Card, Position + 2, 2, 1);
        uint sent = _pci[Card].Read(Position + 12, 2);
        Rounds(MessageInterrupts.StormLimit + 1, 10_000);
        Assert.Equal(1U, _pci[Card].Read(Position + 2, 2) & 1);
        Rounds(2 * MessageInterrupts.StormLimit + 2, 100);
        Assert.Equal(0U, _pci[Card].Read(Position + 2, 2) & 1);
        Assert.Equal(1U, _pci.GuestRead(Card, Position + 2, 2) & 1);
        Assert.Contains("interrupt storm", _pci.Machine.Platform.ConsoleText);
        _pci.Machine.Advance(MessageInterrupts.StormWindowNs);
        Assert.Equal(1U, _pci[Card].Read(Position + 2, 2) & 1);

        void Rounds(uint count, ulong stepNs)
        {
            for (uint i = 0; i < count; i++)
            {
                _pci.Machine.Platform.NowNs += stepNs;
                _pci.Raise(sent);
            }
        }
    }

    /// <summary>Whatever dom0 writes anywhere: no fault, no message of its own in a device, no mapping of what is not a device's.</summary>
    [Theory]
    [InlineData(1), InlineData(2), InlineData(3)]
    public void RandomAccessesDoNoHarm(int seed)
    {
        Random random = new(seed);
        _pci.Add(0, new FakeFunction(9, 0x0600));
        _pci.Add(Card, new FakeFunction(1).Bar(0, 0x4000, Bar).Rom(0x800)).Msi(0x70, 3, maskable: true);
        _pci[Card].Msix(Position, 5, 0, 0x1000, 0x1800);
        _pci.Add(Other, new FakeFunction(2).Bar(0, 0x1000, Bar + 0x3000).Bar(2, 0x20_0000, 0x1_0000_0000, is64: true)).Msi(0x40, 5);
        _pci.Add(0x0100, new FakeFunction(3, 0x0604, 1).Bar(0, 0x1000));
        _pci.Start();
        ushort[] functions = [0, Card, Other, 0x0100, 0x0008];
        for (int i = 0; i < 20_000; i++)
        {
            ushort function = functions[random.Next(functions.Length)];
            int size = 1 << random.Next(4);
            int register = random.Next(8) == 0 ? random.Next(-8, 5000) : random.Next(0x90);
            uint value = random.Next(3) switch { 0 => (uint)random.NextInt64(1L << 32), 1 => (uint)Bar + ((uint)random.Next(8) << 12), _ => (uint)random.Next(8) };
            switch (random.Next(5))
            {
                case 0:
                    _pci.GuestRead(function, register, size);
                    break;
                case 1:
                    _pci.GuestWrite(function, register & ~3, 4, value);
                    break;
                case 2:
                    _pci.GuestStore(Bar + 0x1000 + (ulong)random.Next(0x40) * 4, 4 << random.Next(2), value);
                    break;
                case 3:
                    _pci.GuestLoad(Bar + (ulong)random.Next(0x5000), size);
                    break;
                default:
                    _pci.GuestWrite(function, register, size, value);
                    break;
            }
        }

        Assert.Equal(0, _pci.Cpu.Held.Count);
        Assert.DoesNotContain(_pci.Dom0.P2m.Mappings, mapping => mapping.Entry.Type == P2mType.Direct && mapping.Entry.Frame.Value < 0x1000_0000 >> 12);
        List<uint> messages = [.. new[] { (Card, 0x70), (Other, 0x40) }.Where(at => (_pci[at.Item1].Read(at.Item2 + 2, 2) & 1) != 0).Select(at => _pci[at.Item1].Read(at.Item2 + 4, 4))];
        Assert.All(messages, message => Assert.Equal(0xfee0_0000U, message & 0xfff0_0fffU));
    }

    private void AddTable(int entries)
    {
        _pci.Add(Card, new FakeFunction(1).Bar(0, 0x4000, Bar)).Msix(Position, entries, 0, 0x2000, 0x3000);
        _pci[Card].Put16(4, 2);
        _pci.Start();
    }

    private void Program(int entry, uint address, uint data)
    {
        ulong place = Bar + 0x2000 + (16 * (ulong)entry);
        _pci.GuestStore(place, 8, address);
        _pci.GuestStore(place + 8, 4, data);
    }
}
