// SPDX-License-Identifier: MIT
// I/O ports of a domain: which ones are emulated, and how. Called by the port for IN and OUT that it intercepts.
//
// Sources: xen/arch/x86/dom0_build.c (dom0_setup_permissions) and setup.c (setup_io_bitmap) for what dom0 may not touch.

using System;
using XenSharp.Core.Console;
using XenSharp.Core.Domains;
using XenSharp.Core.Pci;
using XenSharp.Edge;

namespace XenSharp.Core.Emulation;

/// <summary>
/// The hardware domain reaches the machine's ports except those of interrupt controllers, PIT, PCI configuration and the
/// hypervisor's own UART. Other domains have no ports but the debug console.
/// </summary>
public sealed class PortAccess
{
    private const ushort MasterPic = 0x20, SlavePic = 0xa0, FirstPit = 0x40, LastPit = 0x43, PitGate = 0x61, DebugConsole = 0xe9;
    private const ushort ClockIndex = 0x70, ClockData = 0x71, PciAddress = 0xcf8, PciData = 0xcfc;
    private const uint PciEnable = 1U << 31;
    private const int UartPorts = 8;
    private const int LineCapacity = 160;

    private readonly Domain _domain;
    private readonly byte[] _line = new byte[LineCapacity];
    private readonly SpinLock _lock = new(LockScope.Domain);
    private int _lineLength;
    private byte _clockIndex;
    private int _uart = -1;

    // The latch at CF8: enable bit, bus, device and function, register (PCI 3.0, 3.2.2.3.2).
    private uint _pciAddress;

    public PortAccess(Domain domain) => _domain = domain;

    /// <summary>Hides the hypervisor's own UART; at the building of the domain.</summary>
    public void HideUart(ushort firstPort) => _uart = firstPort;

    /// <summary>Whether an access to a port must exit; the port's I/O permission map passes everything else.</summary>
    public bool MustIntercept(ushort port)
    {
        if (!_domain.IsHardware)
            return true;
        switch (port)
        {
            case MasterPic or MasterPic + 1 or SlavePic or SlavePic + 1:
            case >= FirstPit and <= LastPit:
            case PitGate or ClockIndex or ClockData or DebugConsole or PciAddress:
            case >= PciData and <= PciData + 3:
                return true;
            default:
                return _uart >= 0 && (uint)(port - _uart) < UartPorts;
        }
    }

    /// <summary>An IN of 1, 2 or 4 bytes.</summary>
    public uint In(ushort port, int size, Cpu caller)
    {
        switch (port)
        {
            case >= FirstPit and <= LastPit when _domain.IsHardware:
                // All ones at port 42 would look like a timer that starts: Linux (quick_pit_calibrate) then reads it 50,000 times.
                return 0;
            case ClockIndex when _domain.IsHardware && size == 1:
                return _clockIndex;
            case ClockData when _domain.IsHardware && size == 1:
                return ReadClock(caller);
            case PciAddress when _domain.IsHardware && size == 4:
                return _pciAddress;
            case >= PciData and <= PciData + 3 when _domain.IsHardware:
                return (_pciAddress & PciEnable) != 0 ? VirtualPci.Read(_domain.Host, PciFunctionAddress, PciRegister(port), size, caller) : Ones(size);
        }

        return IsRefused(port, size) ? Ones(size) : _domain.Host.Platform.In(port, size);
    }

    /// <summary>An OUT of 1, 2 or 4 bytes.</summary>
    public void Out(ushort port, int size, uint value, Cpu caller)
    {
        switch (port)
        {
            case DebugConsole:
                if (size == 1)
                    PutDebug((byte)value, caller);
                return;
            case ClockIndex when _domain.IsHardware && size == 1:
                _clockIndex = (byte)(value & 0x7f);
                return;
            case ClockData when _domain.IsHardware && size == 1:
                WriteClock((byte)value, caller);
                return;
            case PciAddress when _domain.IsHardware && size == 4:
                _pciAddress = value;
                return;
            case >= PciData and <= PciData + 3 when _domain.IsHardware:
                if ((_pciAddress & PciEnable) != 0)
                    VirtualPci.Write(_domain, PciFunctionAddress, PciRegister(port), size, value, caller);
                return;
        }

        if (!IsRefused(port, size))
            _domain.Host.Platform.Out(port, size, value);
    }

    private ushort PciFunctionAddress => (ushort)(_pciAddress >> 8);

    private int PciRegister(ushort port) => (int)(_pciAddress & 0xfc) | (port & 3);

    // Refused when any byte of the access belongs to an emulated port; CF9 and its like are reached by narrower accesses.
    private bool IsRefused(ushort port, int size)
    {
        if (!_domain.IsHardware)
            return true;
        for (int i = 0; i < size; i++)
        {
            ushort part = (ushort)(port + i);
            if (part != PciAddress && MustIntercept(part))
                return true;
        }

        return size == 4 && port == PciAddress;
    }

    // The index register belongs to whoever used it last, so index and data are written together.
    private byte ReadClock(Cpu caller)
    {
        using SpinLock.Guard guard = _lock.Enter(caller);
        _domain.Host.Platform.Out(ClockIndex, 1, _clockIndex);
        return (byte)_domain.Host.Platform.In(ClockData, 1);
    }

    private void WriteClock(byte value, Cpu caller)
    {
        using SpinLock.Guard guard = _lock.Enter(caller);
        _domain.Host.Platform.Out(ClockIndex, 1, _clockIndex);
        _domain.Host.Platform.Out(ClockData, 1, value);
    }

    private void PutDebug(byte character, Cpu caller)
    {
        using SpinLock.Guard guard = _lock.Enter(caller);
        if (character is not ((byte)'\n' or (byte)'\r'))
        {
            _line[_lineLength] = character;
            _lineLength++;
        }

        if ((character != (byte)'\n' && _lineLength < LineCapacity) || (character == (byte)'\n' && _lineLength == 0))
            return;
        int length = _lineLength;
        _lineLength = 0;
        _domain.Host.Console.BeginGuestText(_domain.Id, caller).Printable(_line.AsSpan(0, length)).End();
    }

    private static uint Ones(int size) => size == 4 ? uint.MaxValue : (1U << (size * 8)) - 1;
}
