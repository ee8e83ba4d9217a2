// SPDX-License-Identifier: MIT
// A function of the machine as the hypervisor keeps it: what it has, and what the hardware domain has made of it.

using System;
using XenSharp.Core.Console;
using static XenSharp.Core.Pci.PciRegisters;

namespace XenSharp.Core.Pci;

/// <summary>Made at boot, one for each function; <see cref="MachinePci.Lock"/> guards its state.</summary>
public sealed class PciFunction
{
    public const int MaxBars = NormalBars + 1;

    private const int MaxCapabilities = 48;

    private readonly PciBar[] _bars = new PciBar[MaxBars];

    public PciFunction(ushort address) => Address = address;

    /// <summary>Bus (8 bits), device (5), function (3), in segment 0.</summary>
    public ushort Address { get; }

    /// <summary>The hypervisor's own (an IOMMU): reads pass, writes are dropped, nothing of it is shown in memory.</summary>
    public bool IsReadOnly { get; set; }

    /// <summary>Registers without the ROM's, which comes right behind them in <see cref="Bars"/>.</summary>
    public int BarCount { get; private set; }

    /// <summary>Offset of the expansion ROM's register; 0: the header has a layout that is not emulated.</summary>
    public int RomRegister { get; private set; }

    public bool IsRomEnabled { get; set; }

    /// <summary>Memory decoding as the guest has set it, and its registers shown accordingly.</summary>
    public bool AreBarsMapped { get; set; }

    public Span<PciBar> Bars => _bars;

    public MessageCapability? Msi { get; private set; }

    public MessageTable? Msix { get; private set; }

    public bool IsThrottled { get; private set; }

    /// <summary>
    /// Reads what the function has and finds the sizes of its memory, with decoding off for that time; then turns off MSI and MSI-X, which
    /// firmware may have left on. Returns the command register as it was found.
    /// </summary>
    public uint Discover(MachinePci pci, Cpu caller)
    {
        uint command = pci.Read(Address, Command, 2, caller);
        uint layout = pci.Read(Address, HeaderType, 1, caller) & HeaderTypeMask;
        if (layout > HeaderBridge)
            return command;
        BarCount = layout == HeaderNormal ? NormalBars : BridgeBars;
        RomRegister = layout == HeaderNormal ? Rom : BridgeRom;
        if ((command & CommandMemory) != 0)
            pci.Write(Address, Command, 2, command & ~CommandMemory, caller);
        for (int i = 0; i < BarCount; i++)
        {
            if (i > 0 && _bars[i - 1].Type == PciBarType.Memory64)
                _bars[i].Type = PciBarType.Memory64High;
            else
                SizeBar(pci, i, caller);
        }

        SizeRom(pci, caller);
        FindCapabilities(pci, caller);
        return command;
    }

    /// <summary>Stops or lets go on all messages of the function, whatever the guest has asked for.</summary>
    public void SetThrottled(Host host, bool throttled, Cpu caller)
    {
        IsThrottled = throttled;
        Msi?.ApplyControl(host, this, caller);
        Msix?.ApplyControl(host, this, caller);
    }

    /// <summary>The address behind an offset of a memory register, or 0 while that is not shown.</summary>
    public ulong AddressOf(int bar, ulong offset) => (uint)bar < (uint)BarCount && _bars[bar].IsMapped ? _bars[bar].Address + offset : 0;

    // PCI 3.0, 6.2.5.1: ones are written, the bits that stay 0 give the size.
    private void SizeBar(MachinePci pci, int index, Cpu caller)
    {
        ref PciBar bar = ref _bars[index];
        int register = FirstBar + (4 * index);
        uint low = pci.Read(Address, register, 4, caller);
        if ((low & BarIo) != 0)
        {
            bar.Type = PciBarType.Io;
            return;
        }

        bool is64 = (low & BarTypeMask) == BarType64 && index + 1 < BarCount;
        ulong mask = Probe(pci, register, low, uint.MaxValue, caller) & ~(ulong)BarFlags;
        ulong address = low & ~BarFlags;
        if (is64)
        {
            uint high = pci.Read(Address, register + 4, 4, caller);
            mask |= (ulong)Probe(pci, register + 4, high, uint.MaxValue, caller) << 32;
            address |= (ulong)high << 32;
        }
        else if (mask != 0)
        {
            mask |= 0xffff_ffff_0000_0000;
        }

        if (mask == 0)
            return;
        bar.Type = is64 ? PciBarType.Memory64 : PciBarType.Memory32;
        bar.IsPrefetchable = (low & BarPrefetchable) != 0;
        bar.Size = mask & (~mask + 1);
        bar.Address = address;
    }

    private void SizeRom(MachinePci pci, Cpu caller)
    {
        uint value = pci.Read(Address, RomRegister, 4, caller);
        uint mask = Probe(pci, RomRegister, value, RomAddressMask, caller) & RomAddressMask;
        if (mask == 0)
            return;
        ref PciBar rom = ref _bars[BarCount];
        rom.Type = PciBarType.Rom;
        rom.Size = mask & (~mask + 1);
        rom.Address = value & RomAddressMask;
        IsRomEnabled = (value & RomEnable) != 0;
    }

    private uint Probe(MachinePci pci, int register, uint value, uint ones, Cpu caller)
    {
        pci.Write(Address, register, 4, ones, caller);
        uint mask = pci.Read(Address, register, 4, caller);
        pci.Write(Address, register, 4, value, caller);
        return mask;
    }

    private void FindCapabilities(MachinePci pci, Cpu caller)
    {
        if ((pci.Read(Address, Status, 2, caller) & StatusCapabilities) == 0)
            return;
        int position = (int)pci.Read(Address, PciRegisters.Capabilities, 1, caller) & 0xfc;
        for (int i = 0; i < MaxCapabilities && position >= 0x40; i++)
        {
            uint header = pci.Read(Address, position, 4, caller);
            byte id = (byte)header;
            if (id == CapabilityMsi && Msi == null && position + MessageCapability.SizeOf(header >> 16) <= SpaceSize)
                Msi = new MessageCapability(position, header >> 16);
            else if (id == CapabilityMsix && Msix == null && position + 12 <= SpaceSize)
                AddMessageTable(pci, position, header >> 16, caller);
            position = (int)(header >> 8) & 0xfc;
        }

        Msi?.TurnOff(pci, this, caller);
        Msix?.TurnOff(pci, this, caller);
    }

    private void AddMessageTable(MachinePci pci, int position, uint control, Cpu caller)
    {
        MessageTable table = new(position, control, pci.Read(Address, position + 4, 4, caller), pci.Read(Address, position + 8, 4, caller));
        if (table.FitsInto(this))
            Msix = table;
        else
            pci.Host.Console.Begin().Text("PCI "u8).PciAddress(Address).Text(": MSI-X table outside its memory"u8).End();
    }
}
