// SPDX-License-Identifier: MIT
// Builds the hardware domain (dom0) as a PVH guest: memory, kernel, start info, ACPI tables, vCPUs. Called once, at boot.
// docs/misc/pvh.pandoc; xen/include/public/arch-x86/hvm/start_info.h.

using System;
using XenSharp.Abi;
using XenSharp.Core.Boot.Acpi;
using XenSharp.Core.Boot.Kernel;
using XenSharp.Core.Console;
using XenSharp.Core.Domains;
using XenSharp.Core.Iommu;
using XenSharp.Core.Memory;
using XenSharp.Core.Time;
using XenSharp.Core.Vcpus;
using XenSharp.Edge;

namespace XenSharp.Core.Boot.Dom0;

/// <summary>Every step returns false after naming on the console what went wrong.</summary>
public sealed class Dom0Builder
{
    private const ulong LowMemoryEnd = 0x100000;
    private const uint StartInfoFlagsPrivileged = 1, StartInfoFlagsInitialDomain = 2;

    private const int MaxCommandLine = 2047;

    private readonly Host _host;
    private readonly Cpu _cpu;
    private readonly E820Entry[] _memoryMap = new E820Entry[GuestMemoryMap.Capacity];
    private int _memoryMapCount;

    public Dom0Builder(Host host, Cpu cpu)
    {
        _host = host;
        _cpu = cpu;
    }

    /// <summary>Builds dom0 and makes its first vCPU runnable. <paramref name="machineMap"/> is the loader's memory map.</summary>
    public bool Build(in Dom0Source source, ReadOnlySpan<E820Entry> machineMap)
    {
        _host.Console.Print("*** Building a PVH Dom0 ***"u8);
        int vcpus = _host.Options.Dom0Vcpus(_host.ProcessorCount);
        ulong pages = source.DirectPages != 0 ? source.DirectPages : ChooseMemory();
        if (pages == 0)
            return false;
        DomainSettings settings = new()
        {
            MaxVcpus = vcpus,
            IsControl = true,
            IsHardware = true,
            MaxPages = pages + (LowMemoryEnd >> FrameSize.Shift),
            MaxGrantFrames = _host.Options.MaxGrantFrames,
            MaxMaptrackFrames = _host.Options.MaxMaptrackFrames,
            EmulationFlags = DomainSettings.EmulatedLocalApic | DomainSettings.EmulatedIoApic | DomainSettings.EmulatedPci,
        };
        PagingPool pool = new(_host);
        P2m p2m = _host.Guests.CreateP2m(pool)!;
        IoPageTable? devices = _host.Iommu?.CreateTable(0, pool);
        p2m.Mirror = devices;
        Domain domain = new(_host, 0, settings, p2m);
        domain.IsDirectMapped = source.DirectPages != 0;
        if (domain.IsDirectMapped)
            _host.Console.Print("no IOMMU: Dom0's memory is mapped 1:1, and swiotlb=force goes onto its command line"u8);
        domain.Memory.MaxPages = Math.Max(settings.MaxPages, _host.Options.Dom0Memory.MaximumPages(pages));
        _host.Domains.Add(domain);
        _host.HardwareDomain = domain;
        _memoryMapCount = Dom0MemoryMap.Build(machineMap, domain.IsDirectMapped ? ulong.MaxValue : pages, (uint)vcpus, source.Tables, _memoryMap, out ulong acpiAddress, out ulong acpiSize);
        if (_memoryMapCount == 0)
        {
            _host.Console.Print("the machine's memory map has no room for Dom0's ACPI tables"u8);
            return false;
        }

        for (int i = 0; i < _memoryMapCount; i++)
            domain.MemoryMap.Add(_memoryMap[i].Address, _memoryMap[i].Size, (uint)_memoryMap[i].Type);
        if (!MapLowMemory(domain, machineMap, source.KeptLowPage) || !Populate(domain, acpiAddress, acpiSize))
            return false;
        if (!_host.Options.Iommu.MapsReserved)
            p2m.Mirror = null;
        if (!MapReserved(domain, source.Tables))
            return false;
        p2m.Mirror = devices;
        if (!LoadKernel(domain, source, acpiAddress, out uint startInfo))
            return false;
        if (!WriteAcpiTables(domain, source.Tables, vcpus, acpiAddress, acpiSize))
            return false;
        AddIoApics(domain, source.Tables);
        if (devices != null && !_host.Iommu!.AssignAll(devices, _cpu))
            return OutOfMemory();
        AddPorts(domain, source.UartPort);
        CreateVcpus(domain, vcpus, (uint)source.Kernel.Notes.Phys32Entry, startInfo);
        _host.Console.Begin().Text("Dom0 has "u8).Decimal(pages >> 8).Text(" MiB of memory and "u8).Decimal(vcpus).Text(" vCPU(s)"u8).End();
        return true;
    }

    // The whole machine but what the hypervisor will need, or what `dom0_mem=` says.
    private ulong ChooseMemory()
    {
        ulong free = _host.Allocator.FreePages;
        ulong kept = Math.Max(free / 32, 4096);
        if (free <= kept + 4096)
        {
            _host.Console.Print("this machine has too little memory for a Dom0: give it at least 96 MiB"u8);
            return 0;
        }

        ulong pages = _host.Options.Dom0Memory.ResolvePages(free - kept);
        return pages;
    }

    // The first MiB is the machine's own, as firmware left it; a page that the hypervisor keeps is replaced.
    private bool MapLowMemory(Domain domain, ReadOnlySpan<E820Entry> machineMap, ulong keptPage)
    {
        for (ulong address = 0; address < LowMemoryEnd; address += FrameSize.Bytes)
        {
            Mfn frame = Mfn.Containing(address);
            bool isRam = IsRam(machineMap, address);
            P2mType type = isRam ? P2mType.Ram : P2mType.Direct;
            if (isRam && address == keptPage && keptPage != 0)
            {
                if (!domain.Memory.TryAllocateGuest(0, _cpu, out frame))
                    return OutOfMemory();
            }
            else if (isRam)
            {
                Adopt(domain, frame, 0);
            }

            if (!domain.P2m.Set(Gfn.Containing(address), frame, 0, type))
                return OutOfMemory();
        }

        return true;
    }

    // Memory that the allocator has never had becomes the domain's.
    private void Adopt(Domain domain, Mfn first, int order)
    {
        for (ulong i = 0; i < 1UL << order; i++)
        {
            _host.Allocator.EnsureKnown(first + i);
            ref FrameInfo info = ref _host.Frames[first + i];
            info.State = FrameState.Domain;
            info.Owner = domain.Id;
            info.References = 1;
        }

        domain.Memory.NoteTaken(1UL << order);
    }

    private static bool IsRam(ReadOnlySpan<E820Entry> map, ulong page)
    {
        foreach (E820Entry entry in map)
        {
            if (entry.Type == HvmMemoryMapType.Ram && entry.Address <= page && entry.Address + entry.Size >= page + FrameSize.Bytes)
                return true;
        }

        return false;
    }

    // RAM of the map above the first MiB, and the region of the new ACPI tables, in the largest pages that fit.
    private bool Populate(Domain domain, ulong acpiAddress, ulong acpiSize)
    {
        for (int i = 0; i < _memoryMapCount; i++)
        {
            ref E820Entry entry = ref _memoryMap[i];
            if (entry.Type != HvmMemoryMapType.Ram || entry.Address + entry.Size <= LowMemoryEnd)
                continue;
            ulong start = Math.Max(entry.Address, LowMemoryEnd) >> FrameSize.Shift;
            ulong end = (entry.Address + entry.Size) >> FrameSize.Shift;
            if (!PopulateRange(domain, start, end))
                return false;
        }

        return PopulateRange(domain, acpiAddress >> FrameSize.Shift, (acpiAddress + acpiSize + FrameSize.Mask) >> FrameSize.Shift);
    }

    private bool PopulateRange(Domain domain, ulong start, ulong end)
    {
        int largest = 18;
        while (start < end)
        {
            int order = largest;
            while (order > 0 && ((start & ((1UL << order) - 1)) != 0 || start + (1UL << order) > end))
                order -= 9;
            Mfn frame = new(start);
            if (domain.IsDirectMapped)
                Adopt(domain, frame, order);
            while (!domain.IsDirectMapped && !domain.Memory.TryAllocateGuest(order, _cpu, out frame))
            {
                if (order == 0)
                    return OutOfMemory();
                order -= 9;
                largest = order;
            }

            if (!domain.P2m.Set(new Gfn(start), frame, order, P2mType.Ram))
                return OutOfMemory();
            start += 1UL << order;
        }

        return true;
    }

    // Firmware memory and reserved regions are mapped one to one, except where the hypervisor emulates a device.
    private bool MapReserved(Domain domain, MachineTables tables)
    {
        for (int i = 0; i < _memoryMapCount; i++)
        {
            ref E820Entry entry = ref _memoryMap[i];
            if (entry.Type is not (HvmMemoryMapType.Reserved or HvmMemoryMapType.Acpi or HvmMemoryMapType.Nvs))
                continue;
            ulong page = Math.Max(entry.Address, LowMemoryEnd) >> FrameSize.Shift;
            ulong end = (entry.Address + entry.Size + FrameSize.Mask) >> FrameSize.Shift;
            while (page < end)
            {
                int order = 0;
                if ((page & 0x3ffff) == 0 && end - page >= 0x40000 && !tables.IsEmulatedRange(page << FrameSize.Shift, 0x4000_0000))
                    order = 18;
                else if ((page & 0x1ff) == 0 && end - page >= 0x200 && !tables.IsEmulatedRange(page << FrameSize.Shift, 0x20_0000))
                    order = 9;
                if (order == 0 && (tables.IsEmulatedRange(page << FrameSize.Shift, FrameSize.Bytes) || domain.P2m.Lookup(new Gfn(page)).IsPresent))
                {
                    page++;
                    continue;
                }

                if (!domain.P2m.Set(new Gfn(page), new Mfn(page), order, P2mType.Direct))
                    return OutOfMemory();
                page += 1UL << order;
            }
        }

        return true;
    }

    private bool LoadKernel(Domain domain, in Dom0Source source, ulong limit, out uint startInfo)
    {
        startInfo = 0;
        GuestPhysicalWriter writer = new(domain);
        ElfImage elf = source.Kernel.Elf;
        ulong cursor = 0;
        while (elf.NextSegment(ref cursor, out ElfSegment segment))
        {
            ulong fileSize = (ulong)segment.Data.Length;
            if (!writer.Write(segment.PhysicalAddress, segment.Data) || !writer.Clear(segment.PhysicalAddress + fileSize, segment.MemorySize - fileSize))
            {
                _host.Console.Begin().Text("dom0's kernel does not fit: its segment at "u8).Hex(segment.PhysicalAddress).Text(" of "u8).Decimal(segment.MemorySize >> 10)
                    .Text(" KiB lies outside Dom0's memory (raise dom0_mem=)"u8).End();
                return false;
            }
        }

        // Behind the kernel: ramdisk, then module list, command line and start info in one page.
        ulong ramdisk = (elf.End + FrameSize.Mask) & ~FrameSize.Mask;
        ulong information = (ramdisk + (ulong)source.Ramdisk.Length + FrameSize.Mask) & ~FrameSize.Mask;
        Span<byte> words = stackalloc byte[MaxCommandLine];
        ReadOnlySpan<byte> text = CommandLine(domain, source.CommandLine, words);
        ulong module = information + 64;
        ulong commandLine = information + 128;
        HvmStartInfo info = default;
        info.Magic = HvmStartInfoMagic.Value;
        info.Flags = (StartInfoFlags)(StartInfoFlagsPrivileged | StartInfoFlagsInitialDomain);
        info.CommandLinePhysicalAddress = commandLine;
        info.RsdpPhysicalAddress = limit;
        if (source.Ramdisk.Length > 0)
        {
            info.ModuleCount = 1;
            info.ModuleListPhysicalAddress = module;
        }

        HvmModuleListEntry entry = default;
        entry.PhysicalAddress = ramdisk;
        entry.Size = (ulong)source.Ramdisk.Length;
        bool fits = writer.Clear(information, FrameSize.Bytes) && writer.Write(ramdisk, source.Ramdisk) && writer.Write(information, AbiBytes.OfReadOnly(in info))
            && writer.Write(module, AbiBytes.OfReadOnly(in entry)) && writer.Write(commandLine, text);
        if (!fits)
        {
            _host.Console.Begin().Text("dom0's ramdisk of "u8).Decimal(source.Ramdisk.Length >> 10).Text(" KiB does not fit behind its kernel at "u8).Hex(ramdisk)
                .Text(" (raise dom0_mem=)"u8).End();
            return false;
        }

        startInfo = (uint)information;
        return true;
    }

    // Granted and foreign pages lie where no device reaches them by their guest address, so all DMA goes through dom0's own memory.
    private static ReadOnlySpan<byte> CommandLine(Domain domain, ReadOnlySpan<byte> given, Span<byte> output)
    {
        ReadOnlySpan<byte> added = " swiotlb=force"u8;
        int length = Math.Min(given.Length, output.Length - added.Length);
        given.Slice(0, length).CopyTo(output);
        if (!domain.IsDirectMapped)
            return output.Slice(0, length);
        added.CopyTo(output.Slice(length));
        return output.Slice(0, length + added.Length);
    }

    private bool WriteAcpiTables(Domain domain, MachineTables tables, int vcpus, ulong address, ulong size)
    {
        byte[] buffer = new byte[(int)size];
        int length = Dom0Acpi.Build(tables, vcpus, address, buffer);
        return length > 0 && new GuestPhysicalWriter(domain).Write(address, buffer.AsSpan(0, length));
    }

    private static void AddIoApics(Domain domain, MachineTables tables)
    {
        for (int i = 0; i < tables.IoApicCount; i++)
            domain.IoApics.Add(tables.IoApicId(i), tables.IoApicAddress(i), (int)tables.IoApicFirstGsi(i), tables.IoApicPins(i));
    }

    // dom0 reaches the ports of the machine except the hypervisor's, and gets all PCI functions.
    private void AddPorts(Domain domain, ushort uart)
    {
        if (uart != 0)
            domain.Ports.HideUart(uart);
        _host.Pci.AttachAll(domain, _cpu);
    }

    private void CreateVcpus(Domain domain, int count, uint entry, uint startInfo)
    {
        if (!domain.Memory.TryAllocate(out Mfn sharedInfo))
            OutOfMemory();
        domain.SharedInfo = sharedInfo;
        WallClock.Publish(domain, _cpu);
        for (int id = 0; id < count; id++)
        {
            if (Vcpu.Create(domain, (uint)id, _cpu) == null)
                OutOfMemory();
        }

        Vcpu first = domain.Vcpus[0]!;
        first.Context.ResetToPvhEntry(entry, startInfo);
        first.IsInitialised = true;
        _host.Scheduler.VcpuUp(first, _cpu);
    }

    private bool OutOfMemory()
    {
        _host.Console.Print("out of memory while building Dom0: lower dom0_mem= or give the machine more"u8);
        return false;
    }
}
