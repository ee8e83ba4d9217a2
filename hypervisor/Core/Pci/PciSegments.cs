// SPDX-License-Identifier: MIT
// Which PCI functions and configuration windows the hypervisor knows: found at boot by the port, or announced by dom0.

using XenSharp.Abi;
using XenSharp.Core.Hypercalls;

namespace XenSharp.Core.Pci;

/// <summary>A configuration window (ECAM) from the ACPI table MCFG.</summary>
public struct PciConfigurationWindow
{
    public ulong Address;
    public ushort Segment;
    public byte StartBus;
    public byte EndBus;
}

/// <summary>Known functions of segment 0, as a bit each; other segments are accepted when the machine has a window for them.</summary>
public sealed class PciSegments
{
    public const int MaxWindows = 8;

    private const int FunctionShift = 12, BusShift = 20;

    private readonly ulong[] _functions = new ulong[65536 / 64];
    private readonly PciConfigurationWindow[] _windows = new PciConfigurationWindow[MaxWindows];
    private int _windowCount;

    /// <summary>Notes a window at boot.</summary>
    public void AddWindow(ulong address, ushort segment, byte startBus, byte endBus)
    {
        if (_windowCount < MaxWindows)
            _windows[_windowCount++] = new PciConfigurationWindow { Address = address, Segment = segment, StartBus = startBus, EndBus = endBus };
    }

    /// <summary>PHYSDEVOP_pci_mmcfg_reserved: dom0's firmware code has found a window to be (or not to be) set aside.</summary>
    public long Reserve(in PhysicalDevicePciMmConfigReserved area)
    {
        for (int i = 0; i < _windowCount; i++)
        {
            ref PciConfigurationWindow window = ref _windows[i];
            if (window.Segment == area.Segment && window.StartBus == area.StartBus && window.EndBus == area.EndBus)
                return window.Address == area.Address ? 0 : HypercallError.EIO;
        }

        return HypercallError.ENODEV;
    }

    /// <summary>PHYSDEVOP_pci_device_add; adding again is no error.</summary>
    public long Add(ushort segment, byte bus, byte function)
    {
        if (segment != 0)
            return HasSegment(segment) ? 0 : HypercallError.ENODEV;
        int index = (bus << 8) | function;
        _functions[index / 64] |= 1UL << (index & 63);
        return 0;
    }

    /// <summary>PHYSDEVOP_pci_device_remove.</summary>
    public long Remove(ushort segment, byte bus, byte function)
    {
        int index = (bus << 8) | function;
        ulong bit = 1UL << (index & 63);
        if (segment != 0 || (_functions[index / 64] & bit) == 0)
            return HypercallError.ENODEV;
        _functions[index / 64] &= ~bit;
        return 0;
    }

    public bool Contains(ushort segment, byte bus, byte function)
    {
        int index = (bus << 8) | function;
        return segment == 0 && (_functions[index / 64] & (1UL << (index & 63))) != 0;
    }

    /// <summary>Where a function of segment 0 has its configuration space in memory.</summary>
    public bool TryFindWindow(ushort address, out ulong place)
    {
        place = 0;
        int bus = address >> 8;
        for (int i = 0; i < _windowCount; i++)
        {
            ref PciConfigurationWindow window = ref _windows[i];
            if (window.Segment != 0 || bus < window.StartBus || bus > window.EndBus)
                continue;
            place = window.Address + ((ulong)address << FunctionShift);
            return true;
        }

        return false;
    }

    /// <summary>Which register of which function of segment 0 lies at an address in memory.</summary>
    public bool TryDecode(ulong place, out ushort address, out int register)
    {
        register = (int)place & ((1 << FunctionShift) - 1);
        address = 0;
        for (int i = 0; i < _windowCount; i++)
        {
            ref PciConfigurationWindow window = ref _windows[i];
            ulong offset = place - window.Address;
            if (window.Segment != 0 || place < window.Address || offset >> BusShift < window.StartBus || offset >> BusShift > window.EndBus)
                continue;
            address = (ushort)(offset >> FunctionShift);
            return true;
        }

        return false;
    }

    private bool HasSegment(ushort segment)
    {
        for (int i = 0; i < _windowCount; i++)
        {
            if (_windows[i].Segment == segment)
                return true;
        }

        return false;
    }
}
