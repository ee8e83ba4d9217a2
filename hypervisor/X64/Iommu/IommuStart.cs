// SPDX-License-Identifier: MIT
// Finds and starts the machine's IOMMUs. Called at boot: first before memory is laid out for dom0, which depends on it, then before dom0 is built.

using System;
using XenSharp.Core;
using XenSharp.Core.Boot.Acpi;
using XenSharp.Core.Console;
using XenSharp.Core.Iommu;
using XenSharp.Edge;
using XenSharp.X64.Boot;
using XenSharp.X64.Machine;

namespace XenSharp.X64.Iommu;

/// <summary>Leaves <see cref="Host.Iommu"/> null when there is none, or none is wanted.</summary>
internal static class IommuStart
{
    private const ushort ConfigurationAddress = 0xcf8, ConfigurationData = 0xcfc;

    public static void Run(Host host, MachineTables tables)
    {
        if (host.Options.Iommu.IsEnabled && tables.Ivrs != null && HasCapabilities(host, tables.Ivrs))
        {
            RegisterWindow[] windows = new RegisterWindow[tables.Ivrs.UnitCount];
            for (int i = 0; i < windows.Length; i++)
                windows[i] = new MappedRegisters(tables.Ivrs.Unit(i).Address, IommuUnit.RegisterBytes);
            host.Iommu = IommuSystem.Start(host, tables, windows, new BootMemory(host));
            const uint cachesAbsent = 1 << 26;
            for (int i = 0; host.Iommu != null && i < windows.Length; i++)
                host.Iommu.CachesAbsent |= (Read(host, tables.Ivrs.Unit(i).DeviceId, tables.Ivrs.Unit(i).CapabilityOffset) & cachesAbsent) != 0;
        }

        IommuSystem? iommu = host.Iommu;
        if (host.Options.Iommu.IsRequired && (iommu == null || (host.Options.Iommu.RemapsInterrupts && !iommu.RemapsInterrupts)))
            EarlyConsole.Stop(iommu == null ? "Couldn't enable IOMMU and iommu=required/force"u8 : "Couldn't enable Interrupt Remapping and iommu=required/force"u8);
        host.Console.Print(iommu != null ? "I/O virtualisation enabled"u8 : "I/O virtualisation disabled"u8);
        if (iommu == null)
            return;
        host.Console.Print(" - Dom0 mode: Strict"u8);
        host.Console.Print(iommu.RemapsInterrupts ? "Interrupt remapping enabled"u8 : "Interrupt remapping disabled"u8);
    }

    // Firmware may switch an IOMMU off in its capability block and still name it in the table.
    private static bool HasCapabilities(Host host, IvrsTable ivrs)
    {
        const byte secureDevice = 0xf, iommuType = 3;
        for (int i = 0; i < ivrs.UnitCount; i++)
        {
            ref readonly IommuDescription unit = ref ivrs.Unit(i);
            uint header = Read(host, unit.DeviceId, unit.CapabilityOffset);
            if ((byte)header == secureDevice && (header >> 16 & 7) == iommuType)
                continue;
            host.Console.Begin(LogLevel.Error).Text("AMD-Vi: there is no IOMMU at 0000:"u8).Hex((ulong)unit.DeviceId >> 8, 2).Text(":"u8).Hex((ulong)unit.DeviceId >> 3 & 31, 2).Text("."u8)
                .Decimal(unit.DeviceId & 7).Text(" where the IVRS table names one; none is used"u8).End();
            return false;
        }

        return true;
    }

    /// <summary>Sends the IOMMUs' own interrupts, and those of the I/O APICs, to the boot CPU.</summary>
    public static void RouteInterrupts(Host host, MachineTables tables, Cpu cpu)
    {
        IommuSystem? iommu = host.Iommu;
        if (iommu == null)
            return;
        uint destination = host.Platform.ApicId(0);
        for (int i = 0; i < iommu.UnitCount; i++)
        {
            if (!EnableMessages(host, iommu.Unit(i).DeviceId, MessageInterrupt.Direct(LocalApicHardware.IommuVector, destination)))
                host.Console.Print(LogLevel.Warning, "AMD-Vi: an IOMMU has no interrupt; its events are not reported"u8);
        }

        for (int i = 0; i < tables.IoApicCount; i++)
        {
            int first = (int)tables.IoApicFirstGsi(i);
            int count = Math.Min(tables.IoApicPins(i), IoApicHardware.MaxGsis - first);
            if (count > 0 && !iommu.MapIoApic(tables.IoApicId(i), (byte)(IoApicHardware.FirstVector + first), count, destination, cpu))
                EarlyConsole.Stop("no memory for the tables of the IOMMU"u8);
        }
    }

    private static bool EnableMessages(Host host, ushort deviceId, MessageInterrupt message)
    {
        const int statusAndCommand = 4, pointer = 0x34, capabilityList = 1 << 20, maxCapabilities = 48;
        const byte messageSignalled = 5;
        const uint is64Bit = 1 << 23, enable = 1 << 16, multipleMask = 7 << 20;
        if ((Read(host, deviceId, statusAndCommand) & capabilityList) == 0)
            return false;
        int offset = (int)Read(host, deviceId, pointer) & 0xfc;
        for (int i = 0; i < maxCapabilities && offset != 0; i++)
        {
            uint header = Read(host, deviceId, offset);
            if ((byte)header == messageSignalled)
            {
                Write(host, deviceId, offset + 4, (uint)message.Address);
                if ((header & is64Bit) != 0)
                    Write(host, deviceId, offset + 8, 0);
                Write(host, deviceId, offset + ((header & is64Bit) != 0 ? 12 : 8), message.Data);
                Write(host, deviceId, offset, (header & ~multipleMask) | enable);
                return true;
            }

            offset = (int)(header >> 8) & 0xfc;
        }

        return false;
    }

    private static uint Read(Host host, ushort deviceId, int offset)
    {
        host.Platform.Out(ConfigurationAddress, 4, 0x8000_0000u | ((uint)deviceId << 8) | ((uint)offset & 0xfc));
        return host.Platform.In(ConfigurationData, 4);
    }

    private static void Write(Host host, ushort deviceId, int offset, uint value)
    {
        host.Platform.Out(ConfigurationAddress, 4, 0x8000_0000u | ((uint)deviceId << 8) | ((uint)offset & 0xfc));
        host.Platform.Out(ConfigurationData, 4, value);
    }
}

/// <summary>Frames that the allocator never gets.</summary>
internal sealed class BootMemory(Host host) : IommuMemory
{
    public override bool TryTake(int order, out Mfn first)
    {
        ulong bytes = (ulong)FrameSize.Bytes << order;
        ulong address = EarlyMemory.Allocate(bytes, bytes);
        first = Mfn.Containing(address);
        for (ulong i = 0; address != 0 && i < 1UL << order; i++)
            host.Memory.Clear(first + i);
        return address != 0;
    }
}
