// SPDX-License-Identifier: MIT
// How AcpiReader fills MachineTables: each method checks its table's capacity.

using System;

namespace XenSharp.Core.Boot.Acpi;

public sealed partial class MachineTables
{
    internal void KeepRootHeader(ReadOnlySpan<byte> table) => table.Slice(0, AcpiTable.HeaderSize).CopyTo(_rootHeader);

    internal void KeepMadtHeader(ReadOnlySpan<byte> table) => table.Slice(0, AcpiTable.HeaderSize).CopyTo(_madtHeader);

    internal bool AddTable(uint signature, ulong address, uint length)
    {
        if (TableCount == MaxTables)
            return false;
        _tables[TableCount] = new TableReference { Signature = signature, Address = address, Length = length };
        TableCount++;
        return true;
    }

    internal bool AddProcessor(uint apicId, uint acpiId)
    {
        // Firmware may name a CPU both as local APIC and as local x2APIC.
        for (int i = 0; i < ProcessorCount; i++)
        {
            if (_processors[i].ApicId == apicId)
                return true;
        }

        if (ProcessorCount == MaxProcessors)
            return false;
        _processors[ProcessorCount] = new ProcessorEntry { ApicId = apicId, AcpiId = acpiId };
        ProcessorCount++;
        return true;
    }

    internal bool AddIoApic(uint id, ulong address, uint firstGsi)
    {
        if (IoApicCount == MaxIoApics)
            return false;
        _ioApics[IoApicCount] = new IoApicEntry { Id = id, Address = address, FirstGsi = firstGsi, Pins = 24 };
        IoApicCount++;
        return true;
    }

    internal bool AddOverride(byte bus, byte source, uint gsi, ushort flags)
    {
        if (OverrideCount == MaxOverrides)
            return false;
        _overrides[OverrideCount] = new OverrideEntry { Bus = bus, Source = source, Gsi = gsi, Flags = flags };
        OverrideCount++;
        return true;
    }

    internal bool AddConfigurationSpace(ulong address, ushort segment, byte firstBus, byte lastBus)
    {
        if (ConfigurationSpaceCount == MaxConfigurationSpaces || lastBus < firstBus)
            return false;
        const int busShift = 20;
        _configurationSpaces[ConfigurationSpaceCount] = new ConfigurationSpace
        {
            Address = address,
            Segment = segment,
            Start = address + ((ulong)firstBus << busShift),
            Size = ((ulong)(lastBus - firstBus) + 1) << busShift,
        };
        ConfigurationSpaceCount++;
        return true;
    }
}
