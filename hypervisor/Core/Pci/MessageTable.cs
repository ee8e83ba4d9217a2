// SPDX-License-Identifier: MIT
// MSI-X of a function: the table that the guest sees and the one that the device has (PCI 3.0, 6.8.2). Called by VirtualPci and for
// accesses to the table's pages, under the PCI lock.
//
// The pages of the table and of the pending bits are never mapped to a guest; what else lies in them is passed on
// (xen/drivers/vpci/msix.c).

using XenSharp.Core.Console;
using XenSharp.Core.Interrupts;
using XenSharp.Core.Iommu;
using static XenSharp.Core.Pci.PciRegisters;

namespace XenSharp.Core.Pci;

/// <summary>Entries keep their machine vector from their first opening until the capability is disabled.</summary>
public sealed class MessageTable
{
    private const int DataOffset = 8, ControlOffset = 12;
    private const uint EntryMasked = 1;

    private struct Entry
    {
        public ulong Address;
        public uint Data;
        public int Line;
        public bool IsMasked;
    }

    private readonly Entry[] _entries;
    private readonly int _position;
    private bool _isEnabled, _isMasked;

    public MessageTable(int position, uint control, uint table, uint pending)
    {
        _position = position;
        _entries = new Entry[(int)(control & MsixSizeMask) + 1];
        for (int i = 0; i < _entries.Length; i++)
        {
            _entries[i].IsMasked = true;
            _entries[i].Line = MessageInterrupts.None;
        }

        TableBar = (int)(table & MsixBarMask);
        TableOffset = table & ~MsixBarMask;
        PendingBar = (int)(pending & MsixBarMask);
        PendingOffset = pending & ~MsixBarMask;
    }

    public int TableBar { get; }

    public uint TableOffset { get; }

    public uint TableSize => (uint)_entries.Length * MsixEntrySize;

    public int PendingBar { get; }

    public uint PendingOffset { get; }

    public uint PendingSize => (uint)((_entries.Length + 63) / 64) * 8;

    public int ControlRegister => _position + 2;

    public uint Control => (uint)(_entries.Length - 1) | (_isEnabled ? MsixEnable : 0) | (_isMasked ? MsixMaskAll : 0);

    public bool IsEnabled => _isEnabled;

    /// <summary>Whether table and pending bits lie inside memory registers of the function.</summary>
    public bool FitsInto(PciFunction function) =>
        Fits(function, TableBar, TableOffset, TableSize) && Fits(function, PendingBar, PendingOffset, PendingSize);

    public void WriteControl(Host host, PciFunction function, uint value, Cpu caller)
    {
        bool enable = (value & MsixEnable) != 0;
        bool wasEnabled = _isEnabled;
        _isMasked = (value & MsixMaskAll) != 0;
        _isEnabled = enable;
        if (enable && !wasEnabled)
        {
            // The entries are written while the function is masked as a whole.
            host.Pci.Write(function.Address, ControlRegister, 2, Control | MsixMaskAll, caller);
            for (int i = 0; i < _entries.Length; i++)
            {
                if (!_entries[i].IsMasked)
                    Open(host, function, i, caller);
            }
        }

        ApplyControl(host, function, caller);
        if (!enable && wasEnabled)
            Close(host, function, caller);
    }

    /// <summary>Writes the control register that the guest's wishes and a storm allow.</summary>
    public void ApplyControl(Host host, PciFunction function, Cpu caller) =>
        host.Pci.Write(function.Address, ControlRegister, 2, function.IsThrottled ? Control | MsixMaskAll : Control, caller);

    /// <summary>At boot.</summary>
    public void TurnOff(MachinePci pci, PciFunction function, Cpu caller) => pci.Write(function.Address, ControlRegister, 2, Control, caller);

    /// <summary>A read of the table at an offset inside it.</summary>
    public uint Read(uint offset)
    {
        ref Entry entry = ref _entries[(int)(offset / MsixEntrySize)];
        return (offset & (MsixEntrySize - 4)) switch
        {
            0 => (uint)entry.Address,
            4 => (uint)(entry.Address >> 32),
            DataOffset => entry.Data,
            _ => entry.IsMasked ? EntryMasked : 0,
        };
    }

    /// <summary>A write of four bytes to the table.</summary>
    public void Write(Host host, PciFunction function, uint offset, uint value, Cpu caller)
    {
        int index = (int)(offset / MsixEntrySize);
        ref Entry entry = ref _entries[index];
        switch (offset & (MsixEntrySize - 4))
        {
            case 0:
                entry.Address = (entry.Address & 0xffff_ffff_0000_0000) | value;
                break;
            case 4:
                entry.Address = (uint)entry.Address | ((ulong)value << 32);
                break;
            case DataOffset:
                entry.Data = value;
                break;
            default:
                SetMask(host, function, index, (value & EntryMasked) != 0, caller);
                return;
        }

        if (entry.Line >= 0)
            host.Messages.Bind(entry.Line, entry.Address, entry.Data, caller);
    }

    private void SetMask(Host host, PciFunction function, int index, bool masked, Cpu caller)
    {
        ref Entry entry = ref _entries[index];
        if (entry.IsMasked == masked)
            return;
        entry.IsMasked = masked;
        if (!_isEnabled)
            return;
        if (!masked)
            Open(host, function, index, caller);
        else
            WriteDevice(host, function, index, ControlOffset, EntryMasked);
    }

    // Gives the entry a vector if it has none, and lets the device use it.
    private void Open(Host host, PciFunction function, int index, Cpu caller)
    {
        ref Entry entry = ref _entries[index];
        if (entry.Line < 0)
        {
            int preferred = MessageInterrupts.PreferredProcessor(host.HardwareDomain!, entry.Address);
            entry.Line = host.Messages.Allocate(function, index, 1, preferred, caller, out MessageInterrupt message);
            if (entry.Line < 0)
            {
                host.Console.Begin(LogLevel.Warning, caller).Text("PCI "u8).PciAddress(function.Address).Text(": no vector left for entry "u8)
                    .Decimal(index).Text(" of MSI-X"u8).End();
                return;
            }

            WriteDevice(host, function, index, 0, (uint)message.Address);
            WriteDevice(host, function, index, 4, (uint)(message.Address >> 32));
            WriteDevice(host, function, index, DataOffset, message.Data);
        }

        host.Messages.Bind(entry.Line, entry.Address, entry.Data, caller);
        WriteDevice(host, function, index, ControlOffset, 0);
    }

    private void Close(Host host, PciFunction function, Cpu caller)
    {
        for (int i = 0; i < _entries.Length; i++)
        {
            ref Entry entry = ref _entries[i];
            if (entry.Line < 0)
                continue;
            WriteDevice(host, function, i, ControlOffset, EntryMasked);
            host.Messages.Free(entry.Line, 1, caller);
            entry.Line = MessageInterrupts.None;
        }
    }

    // Dropped while memory decoding is off: the device does not answer then.
    private void WriteDevice(Host host, PciFunction function, int index, int offset, uint value)
    {
        ulong table = function.AddressOf(TableBar, TableOffset);
        if (table != 0)
            host.Platform.WriteDevice(table + ((ulong)index * MsixEntrySize) + (uint)offset, 4, value);
    }

    private static bool Fits(PciFunction function, int bar, uint offset, uint size) =>
        bar < function.BarCount && function.Bars[bar].IsMemory && (ulong)offset + size <= function.Bars[bar].Size;
}
