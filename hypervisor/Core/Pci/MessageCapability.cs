// SPDX-License-Identifier: MIT
// MSI of a function, as the guest sees it and as the machine has it (PCI 3.0, 6.8.1). Called by VirtualPci under the PCI lock.
//
// Address, data and mask are the guest's; the device gets the hypervisor's own message while the capability is enabled
// (xen/drivers/vpci/msi.c for what the guest reads back).

using System;
using XenSharp.Core.Console;
using XenSharp.Core.Interrupts;
using XenSharp.Core.Iommu;
using static XenSharp.Core.Pci.PciRegisters;

namespace XenSharp.Core.Pci;

/// <summary>The registers of the capability that are emulated; the pending bits pass.</summary>
public sealed class MessageCapability
{
    private readonly int _position;
    private readonly int _maxLog;
    private readonly bool _is64Bit, _isMaskable;
    private ulong _address;
    private uint _data, _mask;
    private int _countLog;
    private int _firstLine = MessageInterrupts.None;
    private bool _isEnabled;

    public MessageCapability(int position, uint control)
    {
        _position = position;
        _maxLog = (int)Math.Min((control >> (int)MsiCapableShift) & MsiCountMask, 5u);
        _is64Bit = (control & Msi64Bit) != 0;
        _isMaskable = (control & MsiMaskable) != 0;
    }

    public static int SizeOf(uint control) => ((control & Msi64Bit) != 0 ? 14 : 10) + ((control & MsiMaskable) != 0 ? 10 : 0);

    public int ControlRegister => _position + 2;

    public int AddressRegister => _position + 4;

    /// <summary>0: there is none.</summary>
    public int HighAddressRegister => _is64Bit ? _position + 8 : 0;

    public int DataRegister => _position + (_is64Bit ? 12 : 8);

    /// <summary>0: there is none.</summary>
    public int MaskRegister => !_isMaskable ? 0 : _position + (_is64Bit ? 16 : 12);

    public uint Control => ((uint)_maxLog << (int)MsiCapableShift) | ((uint)_countLog << (int)MsiEnabledShift) | (_isEnabled ? MsiEnable : 0)
        | (_is64Bit ? Msi64Bit : 0) | (_isMaskable ? MsiMaskable : 0);

    public uint AddressLow => (uint)_address;

    public uint AddressHigh => (uint)(_address >> 32);

    public uint Data => _data;

    public uint Mask => _mask;

    public bool IsEnabled => _isEnabled;

    public void WriteAddressLow(Host host, uint value, Cpu caller)
    {
        _address = (_address & 0xffff_ffff_0000_0000) | value;
        Rebind(host, caller);
    }

    public void WriteAddressHigh(Host host, uint value, Cpu caller)
    {
        _address = (uint)_address | ((ulong)value << 32);
        Rebind(host, caller);
    }

    public void WriteData(Host host, uint value, Cpu caller)
    {
        _data = value & 0xffff;
        Rebind(host, caller);
    }

    public void WriteMask(Host host, PciFunction function, uint value, Cpu caller)
    {
        _mask = value;
        if (_isEnabled)
            host.Pci.Write(function.Address, MaskRegister, 4, value, caller);
    }

    /// <summary>Enables, disables, or changes the number of messages; when no vectors are left the capability stays disabled.</summary>
    public void WriteControl(Host host, PciFunction function, uint value, Cpu caller)
    {
        int countLog = (int)Math.Min((value >> (int)MsiEnabledShift) & MsiCountMask, (uint)_maxLog);
        bool enable = (value & MsiEnable) != 0;
        if (_isEnabled && (!enable || countLog != _countLog))
        {
            _isEnabled = false;
            ApplyControl(host, function, caller);
            host.Messages.Free(_firstLine, 1 << _countLog, caller);
            _firstLine = MessageInterrupts.None;
        }

        if (_isEnabled)
            return;
        _countLog = countLog;
        if (enable)
            Enable(host, function, caller);
    }

    /// <summary>Writes the control register that the guest's wishes and a storm allow.</summary>
    public void ApplyControl(Host host, PciFunction function, Cpu caller) =>
        host.Pci.Write(function.Address, ControlRegister, 2, function.IsThrottled ? Control & ~MsiEnable : Control, caller);

    /// <summary>At boot.</summary>
    public void TurnOff(MachinePci pci, PciFunction function, Cpu caller) => pci.Write(function.Address, ControlRegister, 2, Control, caller);

    private void Enable(Host host, PciFunction function, Cpu caller)
    {
        int preferred = MessageInterrupts.PreferredProcessor(host.HardwareDomain!, _address);
        int line = host.Messages.Allocate(function, 0, 1 << _countLog, preferred, caller, out MessageInterrupt message);
        if (line < 0)
        {
            host.Console.Begin(LogLevel.Warning, caller).Text("PCI "u8).PciAddress(function.Address).Text(": no vectors left for MSI"u8).End();
            return;
        }

        _firstLine = line;
        _isEnabled = true;
        Rebind(host, caller);
        MachinePci pci = host.Pci;
        pci.Write(function.Address, AddressRegister, 4, (uint)message.Address, caller);
        if (_is64Bit)
            pci.Write(function.Address, HighAddressRegister, 4, (uint)(message.Address >> 32), caller);
        pci.Write(function.Address, DataRegister, 2, message.Data, caller);
        if (_isMaskable)
            pci.Write(function.Address, MaskRegister, 4, _mask, caller);
        ApplyControl(host, function, caller);
    }

    // Message n has the guest's vector with its low bits replaced by n.
    private void Rebind(Host host, Cpu caller)
    {
        if (!_isEnabled)
            return;
        uint low = (1u << _countLog) - 1;
        for (uint i = 0; i <= low; i++)
            host.Messages.Bind(_firstLine + (int)i, _address, (_data & ~low) | ((_data + i) & low), caller);
    }
}
