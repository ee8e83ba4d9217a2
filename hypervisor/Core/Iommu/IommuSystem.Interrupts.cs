// SPDX-License-Identifier: MIT
// Where the interrupts of devices go. Called by the emulation of PCI devices (MSI, MSI-X) and by the port for its I/O APICs.

using XenSharp.Core.Boot.Acpi;
using XenSharp.Edge;

namespace XenSharp.Core.Iommu;

/// <summary>What a device writes to raise an interrupt.</summary>
public readonly struct MessageInterrupt(ulong address, uint data)
{
    private const ulong Window = 0xfee0_0000;
    private const int DestinationShift = 12;

    public ulong Address { get; } = address;

    public uint Data { get; } = data;

    /// <summary>Fixed, edge-triggered, physical destination, not remapped.</summary>
    public static MessageInterrupt Direct(byte vector, uint destination) => new(Window | ((ulong)destination << DestinationShift), vector);

    /// <summary>The device's own interrupt number; the IOMMU knows the rest.</summary>
    public static MessageInterrupt Remapped(int index) => new(Window, (uint)index);
}

public sealed partial class IommuSystem
{
    /// <summary>
    /// Lets a device's interrupt <paramref name="index"/> (the MSI's or MSI-X entry's number, below <see cref="IommuDeviceTable.InterruptCount"/>)
    /// arrive as a vector at one CPU, and says what the device has to write for it. Again for the same index: redirects. False when no
    /// page for the device's table is left, or the destination is beyond 8 bits.
    /// </summary>
    public bool MapInterrupt(ushort deviceId, int index, byte vector, uint destinationApicId, Cpu caller, out MessageInterrupt message)
    {
        message = MessageInterrupt.Direct(vector, destinationApicId);
        if (destinationApicId > byte.MaxValue || (uint)index >= IommuDeviceTable.InterruptCount)
            return false;
        if (!RemapsInterrupts)
            return true;
        ushort requester = Requester(deviceId);
        if (requester >= _devices.Count)
            return false;
        using SpinLock.Guard guard = _lock.Enter(caller);
        if (!_devices.TryGetInterrupts(requester, out Mfn table))
        {
            if (!_host.Allocator.TryAllocate(0, caller, out table))
                return false;
            _host.Memory.Clear(table);
            _devices.SetInterrupts(requester, table);
            foreach (IommuUnit unit in _units)
                unit.InvalidateDevice(requester);
        }

        _host.Memory.Write32(table, index * 4, IommuDeviceTable.Interrupt(vector, destinationApicId));
        foreach (IommuUnit unit in _units)
            unit.InvalidateInterrupts(requester);
        Complete();
        message = MessageInterrupt.Remapped(index);
        return true;
    }

    /// <summary>Stops a device's interrupt; when it returns, none arrives any more.</summary>
    public void UnmapInterrupt(ushort deviceId, int index, Cpu caller)
    {
        ushort requester = Requester(deviceId);
        if (!RemapsInterrupts || (uint)index >= IommuDeviceTable.InterruptCount || requester >= _devices.Count)
            return;
        using SpinLock.Guard guard = _lock.Enter(caller);
        if (!_devices.TryGetInterrupts(requester, out Mfn table))
            return;
        _host.Memory.Write32(table, index * 4, 0);
        foreach (IommuUnit unit in _units)
            unit.InvalidateInterrupts(requester);
        Complete();
    }

    /// <summary>
    /// Maps the interrupts that an I/O APIC's pins raise: an entry's vector is its number in the table, so the pins' entries stay as they
    /// are without an IOMMU. All go to one CPU.
    /// </summary>
    public bool MapIoApic(uint id, byte firstVector, int count, uint destinationApicId, Cpu caller)
    {
        int device = FindIoApic(_ivrs, id);
        if (!RemapsInterrupts || device < 0)
            return !RemapsInterrupts;
        for (int i = 0; i < count; i++)
        {
            if (!MapInterrupt((ushort)device, firstVector + i, (byte)(firstVector + i), destinationApicId, caller, out _))
                return false;
        }

        return true;
    }

    // The id under which a function's requests arrive: its own unless it sits behind an old bridge.
    private ushort Requester(ushort deviceId)
    {
        for (int i = 0; i < _ivrs.RangeCount; i++)
        {
            ref readonly IommuDeviceRange range = ref _ivrs.Range(i);
            if (range.HasAlias && deviceId >= range.First && deviceId <= range.Last)
                return range.Alias;
        }

        return deviceId;
    }
}
