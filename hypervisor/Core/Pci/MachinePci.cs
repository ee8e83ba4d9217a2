// SPDX-License-Identifier: MIT
// PCI of the machine: configuration space of every function, and the functions that there are. Started once at boot.

using System;
using XenSharp.Abi;
using XenSharp.Core.Boot.Acpi;
using XenSharp.Core.Domains;
using XenSharp.Core.Interrupts;
using XenSharp.Edge;
using static XenSharp.Core.Pci.PciRegisters;

namespace XenSharp.Core.Pci;

/// <summary>Segment 0 only. Functions are sorted by address.</summary>
public sealed class MachinePci
{
    public const int MaxFunctions = 512;

    private const ushort AddressPort = 0xcf8, DataPort = 0xcfc;
    private const uint AddressEnable = 1U << 31, AddressSizesLeaf = 0x8000_0008;
    private const int Buses = 256, DevicesPerBus = 32, FunctionsPerDevice = 8;

    private readonly SpinLock _portLock = new(LockScope.Host);
    private PciFunction[] _functions = [];
    private E820Entry[] _memoryMap = [];
    private MachineTables? _tables;

    // One more than the highest machine address that the CPU can form.
    private ulong _addressEnd;

    public MachinePci(Host host)
    {
        Host = host;
        Storms = new InterruptStorms(host);
    }

    public Host Host { get; }

    /// <summary>Guards the state of all functions. Taken before a domain's lock and before that of <see cref="MessageInterrupts"/>.</summary>
    public SpinLock Lock { get; } = new(LockScope.Domain);

    public InterruptStorms Storms { get; }

    public int Count { get; private set; }

    public PciFunction this[int index] => _functions[index];

    /// <summary>
    /// Finds all functions and what they have. <paramref name="memoryMap"/> and <paramref name="tables"/> say where no device memory can be.
    /// </summary>
    public void Start(ReadOnlySpan<E820Entry> memoryMap, MachineTables? tables, Cpu caller)
    {
        _tables = tables;
        Host.Platform.Cpuid(AddressSizesLeaf, 0, out uint sizes, out _, out _, out _);
        _addressEnd = 1UL << Math.Clamp((int)sizes & 0xff, 36, 52);
        _memoryMap = new E820Entry[memoryMap.Length];
        memoryMap.CopyTo(_memoryMap);
        _functions = new PciFunction[MaxFunctions];
        for (int bus = 0; bus < Buses; bus++)
        {
            for (int device = 0; device < DevicesPerBus; device++)
                AddDevice((ushort)((bus << 8) | (device << 3)), caller);
        }
    }

    /// <summary>Shows a new hardware domain the memory of the functions that decode it already.</summary>
    public void AttachAll(Domain domain, Cpu caller)
    {
        for (int i = 0; i < Count; i++)
        {
            PciFunction function = _functions[i];
            Host.PciSegments.Add(0, (byte)(function.Address >> 8), (byte)function.Address);
            if (function.IsReadOnly)
                continue;
            uint command = function.Discover(this, caller);
            if (function.BarCount > 0 && (command & CommandMemory) != 0)
                BarMapping.WriteCommand(this, domain, function, command, caller);
        }
    }

    public PciFunction? Find(ushort address)
    {
        int low = 0, high = Count - 1;
        while (low <= high)
        {
            int middle = (low + high) / 2;
            PciFunction function = _functions[middle];
            if (function.Address == address)
                return function;
            if (function.Address < address)
                low = middle + 1;
            else
                high = middle - 1;
        }

        return null;
    }

    /// <summary>Reads 1 to 4 bytes inside one doubleword of a function's configuration space.</summary>
    public uint Read(ushort address, int register, int size, Cpu caller)
    {
        if (size == 3 || (register & (size - 1)) != 0)
        {
            uint value = 0;
            for (int i = 0; i < size; i++)
                value |= Read(address, register + i, 1, caller) << (8 * i);
            return value;
        }

        if (register >= SpaceSize)
            return Host.PciSegments.TryFindWindow(address, out ulong window) ? (uint)Host.Platform.ReadDevice(window + (uint)register, size) : Ones(size);
        using SpinLock.Guard guard = _portLock.Enter(caller);
        return Host.Platform.In(Select(address, register), size);
    }

    /// <summary>Writes 1 to 4 bytes inside one doubleword.</summary>
    public void Write(ushort address, int register, int size, uint value, Cpu caller)
    {
        if (size == 3 || (register & (size - 1)) != 0)
        {
            for (int i = 0; i < size; i++)
                Write(address, register + i, 1, (value >> (8 * i)) & 0xff, caller);
            return;
        }

        if (register >= SpaceSize)
        {
            if (Host.PciSegments.TryFindWindow(address, out ulong window))
                Host.Platform.WriteDevice(window + (uint)register, size, value);
            return;
        }

        using SpinLock.Guard guard = _portLock.Enter(caller);
        Host.Platform.Out(Select(address, register), size, value);
    }

    /// <summary>Whether device memory may lie there: no RAM or firmware of the memory map, and no device that the hypervisor emulates.</summary>
    public bool IsHole(ulong address, ulong size)
    {
        if (address == 0 || address + size < address || address + size > _addressEnd)
            return false;
        foreach (ref readonly E820Entry entry in new ReadOnlySpan<E820Entry>(_memoryMap))
        {
            if (address < entry.Address + entry.Size && entry.Address < address + size)
                return false;
        }

        return _tables == null || !_tables.IsEmulatedRange(address & ~FrameSize.Mask, size + FrameSize.Mask);
    }

    internal static uint Ones(int size) => size >= 4 ? uint.MaxValue : (1U << (size * 8)) - 1;

    private ushort Select(ushort address, int register)
    {
        Host.Platform.Out(AddressPort, 4, AddressEnable | ((uint)address << 8) | ((uint)register & 0xfc));
        return (ushort)(DataPort + (register & 3));
    }

    private void AddDevice(ushort address, Cpu caller)
    {
        int functions = 1;
        for (int i = 0; i < functions; i++)
        {
            ushort function = (ushort)(address + i);
            uint vendor = Read(function, VendorId, 2, caller);
            if (vendor is 0xffff or 0)
                continue;
            if (i == 0 && (Read(function, HeaderType, 1, caller) & HeaderManyFunctions) != 0)
                functions = FunctionsPerDevice;
            if (Count == MaxFunctions)
                return;
            _functions[Count] = new PciFunction(function) { IsReadOnly = Read(function, Class, 2, caller) == ClassIommu };
            Count++;
        }
    }
}
