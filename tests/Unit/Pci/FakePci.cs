// SPDX-License-Identifier: MIT
// A machine with PCI functions behind ports CF8-CFF and one ECAM window, and a dom0 that has them.

using System;
using System.Collections.Generic;
using XenSharp.Abi;
using XenSharp.Core;
using XenSharp.Core.Emulation;
using XenSharp.Core.Pci;
using XenSharp.Devices.Apic;
using XenSharp.Edge;
using XenSharp.Testing;
using Xunit;

namespace XenSharp.Tests.Unit.Pci;

internal sealed class FakePci : VirtualDevices
{
    public const ulong Window = 0xb000_0000;

    private readonly SortedDictionary<ushort, FakeFunction> _functions = [];
    private readonly Dictionary<ulong, uint> _memory = [];
    private uint _latch;

    public FakePci(int processors = 1, int vcpus = 1)
    {
        Machine = new TestHost(processors: processors);
        Machine.Platform.Devices = this;
        Machine.Platform.CpuidAnswer = (leaf, _) => leaf == 0x8000_0008 ? (40u, 0u, 0u, 0u) : default;
        Dom0 = Machine.AddDom0(vcpus);
        Machine.Host.PciSegments.AddWindow(Window, 0, 0, 255);
        for (int i = 0; i < vcpus; i++)
        {
            LocalApic apic = Dom0.Vcpu(i).Apic;
            Assert.True(apic.WriteMsr(LocalApic.BaseMsr, apic.Base | 0x400));
            Assert.True(apic.WriteMsr(0x80f, 0x1ff));
        }
    }

    public TestHost Machine { get; }

    public TestDomain Dom0 { get; }

    public Host Host => Machine.Host;

    public Cpu Cpu => Machine.Cpu();

    public FakeFunction this[ushort address] => _functions[address];

    public FakeFunction Add(ushort address, FakeFunction function) => _functions[address] = function;

    /// <summary>Firmware has ended, the hypervisor begins.</summary>
    public void Start()
    {
        E820Entry[] map = [new E820Entry { Address = 0, Size = 0x1000_0000, Type = HvmMemoryMapType.Ram }];
        Host.Messages.Start();
        Host.Pci.Start(map, null, Cpu);
        Host.Pci.AttachAll(Dom0.Domain, Cpu);
        foreach (FakeFunction function in _functions.Values)
            function.Writes.Clear();
    }

    public uint GuestRead(ushort address, int register, int size) => VirtualPci.Read(Host, address, register, size, Cpu);

    public void GuestWrite(ushort address, int register, int size, uint value) => VirtualPci.Write(Dom0.Domain, address, register, size, value, Cpu);

    public ulong GuestLoad(ulong address, int size) => MmioEmulation.Read(Dom0.Vcpu(), address, size, Cpu);

    public void GuestStore(ulong address, int size, ulong value) => MmioEmulation.Write(Dom0.Vcpu(), address, size, value, Cpu);

    public bool IsShown(ulong address) => Dom0.P2m.Lookup(Gfn.Containing(address)) is { Type: P2mType.Direct } entry && entry.Frame == Mfn.Containing(address);

    public uint DeviceWord(ulong address) => _memory.GetValueOrDefault(address);

    /// <summary>The device sends what it was told to.</summary>
    public void Raise(uint data, int processor = 0) =>
        Host.Messages.Arrived(1UL << Core.Interrupts.MessageInterrupts.LineOf((byte)data), Machine.Cpu(processor));

    public override ulong Read(ulong address, int size)
    {
        if (address - Window < 0x1000_0000)
            return _functions.TryGetValue((ushort)(address - Window >> 12), out FakeFunction? function) ? function.Read((int)address & 0xfff, size) : Ones(size);
        ulong value = DeviceWord(address & ~3UL) >> (8 * (int)(address & 3));
        return size == 8 ? value | ((ulong)DeviceWord(address + 4) << 32) : value & Ones(size);
    }

    public override void Write(ulong address, int size, ulong value)
    {
        if (address - Window < 0x1000_0000)
        {
            if (_functions.TryGetValue((ushort)(address - Window >> 12), out FakeFunction? function))
                function.Write((int)address & 0xfff, size, (uint)value);
            return;
        }

        Assert.True(size >= 4, "a device takes words");
        _memory[address] = (uint)value;
        if (size == 8)
            _memory[address + 4] = (uint)(value >> 32);
    }

    public override bool Decodes(ushort port) => port is >= 0xcf8 and <= 0xcff;

    public override uint In(ushort port, int size)
    {
        Assert.True(port >= 0xcfc && (port & (size - 1)) == 0);
        return _functions.TryGetValue((ushort)(_latch >> 8), out FakeFunction? function) ? function.Read((int)(_latch & 0xfc) + (port & 3), size) : Ones(size);
    }

    public override void Out(ushort port, int size, uint value)
    {
        if (port == 0xcf8)
            _latch = value;
        else if (_functions.TryGetValue((ushort)(_latch >> 8), out FakeFunction? function))
            function.Write((int)(_latch & 0xfc) + (port & 3), size, value);
    }

    private static uint Ones(int size) => size >= 4 ? uint.MaxValue : (1u << (8 * size)) - 1;
}
