// SPDX-License-Identifier: MIT
// All IOMMUs of the machine: which device reaches which domain's memory, and where its interrupts go. Started by the port at boot; then
// called through the translation of the hardware domain, by the emulation of PCI devices, and for events.

using XenSharp.Core.Boot.Acpi;
using XenSharp.Core.Console;
using XenSharp.Edge;

namespace XenSharp.Core.Iommu;

/// <summary>Where the IOMMUs' own tables come from, for good: at boot, before memory is handed to the allocator.</summary>
public abstract class IommuMemory
{
    /// <summary>2^<paramref name="order"/> zeroed frames, aligned.</summary>
    public abstract bool TryTake(int order, out Mfn first);
}

/// <summary>
/// Absent (<see cref="Host.Iommu"/> is null) on a machine without a usable IOMMU and with `iommu=off`. Its lock is the innermost but
/// the allocator's and the console's.
/// </summary>
public sealed partial class IommuSystem
{
    // IommuUnit.EventPages
    private const int EventOrder = 4;

    private readonly Host _host;
    private readonly IvrsTable _ivrs;
    private readonly IommuUnit[] _units;
    private readonly IommuDeviceTable _devices;
    private readonly SpinLock _lock = new(LockScope.Host);
    private IoPageTable? _assigned;

    private IommuSystem(Host host, IvrsTable ivrs, IommuUnit[] units, IommuDeviceTable devices, bool remapsInterrupts)
    {
        _host = host;
        _ivrs = ivrs;
        _units = units;
        _devices = devices;
        RemapsInterrupts = remapsInterrupts;
    }

    /// <summary>Whether a device's interrupts have to be mapped before they arrive.</summary>
    public bool RemapsInterrupts { get; }

    /// <summary>
    /// Also what is absent is cached (NpCache), so that a new mapping needs a flush: said by emulated IOMMUs, which may have to copy the tables.
    /// Set before the first table.
    /// </summary>
    public bool CachesAbsent { get; set; }

    public int UnitCount => _units.Length;

    public IommuUnit Unit(int index) => _units[index];

    /// <summary>
    /// Switches the IOMMUs on with all devices blocked. Null, with the reason on the console, when memory is missing or one does not answer;
    /// <paramref name="windows"/> are the registers of the units in the order of the table.
    /// </summary>
    public static IommuSystem? Start(Host host, MachineTables tables, System.ReadOnlySpan<RegisterWindow> windows, IommuMemory memory)
    {
        IvrsTable ivrs = tables.Ivrs!;
        IommuUnit[] units = new IommuUnit[ivrs.UnitCount];
        for (int i = 0; i < units.Length; i++)
        {
            if (!memory.TryTake(0, out Mfn commands) || !memory.TryTake(0, out Mfn completion) || !memory.TryTake(EventOrder, out Mfn events))
                return OutOfMemory(host);
            units[i] = new IommuUnit(host, in ivrs.Unit(i), windows[i], commands, completion, events);
        }

        int order = 0;
        while ((FrameSize.Bytes / IommuDeviceTable.EntryBytes) << order <= ivrs.LastDeviceId)
            order++;
        if (!memory.TryTake(order, out Mfn table) || !memory.TryTake(0, out Mfn blocked))
            return OutOfMemory(host);
        bool remaps = host.Options.Iommu.RemapsInterrupts && HasAllIoApics(tables, host.Console);
        IommuSystem system = new(host, ivrs, units, new IommuDeviceTable(host, table, 1UL << order, blocked), remaps);
        return system.SwitchOn(tables) ? system : null;
    }

    private static IommuSystem? OutOfMemory(Host host)
    {
        host.Console.Print("AMD-Vi: no memory for the tables of the IOMMU"u8);
        return null;
    }

    // An I/O APIC without a device id of its own could not be told from the devices.
    private static bool HasAllIoApics(MachineTables tables, HostConsole console)
    {
        for (int i = 0; i < tables.IoApicCount; i++)
        {
            if (FindIoApic(tables.Ivrs!, tables.IoApicId(i)) >= 0)
                continue;
            console.Begin(LogLevel.Error).Text("AMD-Vi: the IVRS table does not name I/O APIC "u8).Decimal(tables.IoApicId(i)).Text("; interrupts are not remapped"u8).End();
            return false;
        }

        return true;
    }

    private static int FindIoApic(IvrsTable ivrs, uint id)
    {
        for (int i = 0; i < ivrs.SpecialCount; i++)
        {
            ref readonly IommuSpecialDevice special = ref ivrs.Special(i);
            if (special.Kind == IommuSpecialDevice.IoApic && special.Handle == id)
                return special.DeviceId;
        }

        return -1;
    }

    private bool SwitchOn(MachineTables tables)
    {
        _devices.BlockAll(RemapsInterrupts);
        for (int i = 0; i < _ivrs.RangeCount; i++)
        {
            ref readonly IommuDeviceRange range = ref _ivrs.Range(i);
            for (int id = range.First; range.Settings != 0 && id <= range.Last; id++)
                _devices.SetSettings(range.HasAlias ? range.Alias : (ushort)id, range.Settings);
        }

        foreach (IommuUnit unit in _units)
            _devices.PassInterrupts(unit.DeviceId);
        bool verbose = _host.Options.Iommu.IsVerbose;
        for (int i = 0; i < _units.Length; i++)
        {
            IommuUnit unit = _units[i];
            if (i == 0 || verbose)
                unit.PrintFeatures();
            unit.Start(_devices.Table, _devices.Pages);
            if (unit.HasInvalidateAll)
                unit.InvalidateAll();
            if (!unit.Complete() || (!unit.HasInvalidateAll && !InvalidateEach(unit)))
            {
                _host.Console.Begin().Text("AMD-Vi: IOMMU "u8).Decimal(i).Text(" does not execute commands; it is not used"u8).End();
                unit.Stop();
                return false;
            }

            _host.Console.Begin().Text("AMD-Vi: IOMMU "u8).Decimal(i).Text(" Enabled."u8).End();
        }

        return true;
    }

    // What the firmware may have left in the caches of an IOMMU that cannot drop all at once.
    private bool InvalidateEach(IommuUnit unit)
    {
        const ushort domainIds = 64;
        for (int id = 0; id < _devices.Count; id++)
        {
            unit.InvalidateDevice((ushort)id);
            unit.InvalidateInterrupts((ushort)id);
            if ((id & 63) == 63 && !unit.Complete())
                return false;
        }

        for (ushort id = 0; id < domainIds; id++)
            unit.InvalidateDomain(id);
        return unit.Complete();
    }

    /// <summary>A PCI function that is an IOMMU: dom0 may look at its configuration and not write it.</summary>
    public bool OwnsFunction(ushort deviceId)
    {
        foreach (IommuUnit unit in _units)
        {
            if (unit.DeviceId == deviceId)
                return true;
        }

        return false;
    }

    /// <summary>New tables for a domain; no device uses them yet. Null when there is no memory.</summary>
    public IoPageTable? CreateTable(ushort domain, FrameSource tables) =>
        tables.TryAllocate(out Mfn root) ? new IoPageTable(this, (ushort)(domain + 1), tables, _host.Memory, root) : null;

    /// <summary>Gives all devices that the IOMMUs serve, but not the IOMMUs themselves, to one domain.</summary>
    public bool AssignAll(IoPageTable table, Cpu caller)
    {
        if (!MapFirmwareRegions(table))
            return false;
        _assigned = table;
        for (int i = 0; i < _ivrs.RangeCount; i++)
        {
            ref readonly IommuDeviceRange range = ref _ivrs.Range(i);
            for (int id = range.First; id <= range.Last; id++)
                AssignOne(range.HasAlias ? range.Alias : (ushort)id, table, caller);
        }

        return true;
    }

    private void AssignOne(ushort requester, IoPageTable table, Cpu caller)
    {
        if (OwnsFunction(requester) || _devices.IsAssigned(requester, table))
            return;
        using SpinLock.Guard guard = _lock.Enter(caller);
        _devices.Assign(requester, table);
        foreach (IommuUnit unit in _units)
            unit.InvalidateDevice(requester);
        Complete();
    }

    private bool MapFirmwareRegions(IoPageTable table)
    {
        for (int i = 0; i < _ivrs.RegionCount; i++)
        {
            ref readonly IommuMemoryRegion region = ref _ivrs.Region(i);
            P2mType type = region.IsWritable ? P2mType.Direct : P2mType.RamReadOnly;
            for (ulong offset = 0; offset < region.Size; offset += FrameSize.Bytes)
            {
                Mfn frame = Mfn.Containing(region.Start + offset);
                if (!table.Prepare(new Gfn(frame.Value), 0, type))
                    return false;
                table.Set(new Gfn(frame.Value), frame, 0, type);
            }
        }

        return true;
    }

    /// <summary>New translations have to be seen by devices before the guest of the calling CPU goes on.</summary>
    internal void FlushBeforeGuest() => _host.CurrentProcessor.Raise(PendingWork.DeviceTables);

    /// <summary>What <see cref="FlushBeforeGuest"/> has asked for. Called by the CPU's loop.</summary>
    public void FlushPending() => _assigned?.Flush();

    /// <summary>Makes all units forget a domain's translations, if <paramref name="isStale"/>, and waits for it.</summary>
    internal void Flush(ushort domainId, ref bool isStale)
    {
        // Under the lock also when there is nothing to do: another CPU may still be waiting for this domain's flush.
        using SpinLock.Guard guard = _lock.Enter(_host.CurrentProcessor);
        if (!isStale)
            return;
        isStale = false;
        foreach (IommuUnit unit in _units)
            unit.InvalidateDomain(domainId);
        Complete();
    }

    // Going on with an IOMMU that has stopped to answer would let devices write memory that has a new owner.
    private void Complete()
    {
        for (int i = 0; i < _units.Length; i++)
        {
            if (_units[i].Complete())
                continue;
            _host.Console.Begin(_host.CurrentProcessor).Text("Panic: AMD-Vi: IOMMU "u8).Decimal(i).Text(" no longer executes commands"u8).End();
            if (_host.Options.NoReboot)
                _host.Platform.Halt();
            else
                _host.Platform.Reboot();
        }
    }
}
