// SPDX-License-Identifier: MIT
// From the loader to the first guest: the hypervisor's boot on the boot CPU, in order. Entered from Native/boot.S.

using System;
using System.Runtime;
using XenSharp.Core;
using XenSharp.Core.Boot.Acpi;
using XenSharp.Core.Console;
using XenSharp.Core.Options;
using XenSharp.Core.Scheduling;
using XenSharp.Edge;
using XenSharp.X64.Machine;
using XenSharp.X64.Paging;
using XenSharp.X64.Runtime;
using XenSharp.X64.Svm;

namespace XenSharp.X64.Boot;

// SAFETY: runs once, alone on the machine, with the boot page tables or the final ones.
internal static unsafe class Start
{
    private const ulong SmallestMemory = 64UL << 20;

    [RuntimeExport("xs_main")]
    private static void Boot(uint magic, uint information)
    {
        EarlyConsole.InitialiseSerial(0x3f8, 115200);
        if (!BootInformation.Parse(magic, information))
            EarlyConsole.Stop("it was not started by a multiboot or multiboot2 loader"u8);
        EarlyMemory.Reserve(0, 0x1000);
        EarlyMemory.Reserve(Assembly.TextStart() - HostPageTables.ImageOffset - 0x1000, Assembly.ImageEnd() - HostPageTables.ImageOffset);
        EarlyMemory.Reserve(0x9f000, 0x100000);
        if (EarlyMemory.TotalRam < SmallestMemory)
            EarlyConsole.Stop("the machine has too little memory: give it 64 MiB at least"u8);
        CpuFeatures.Detect();
        ulong trampoline = SecondaryProcessors.Prepare();
        HostPageTables.Activate(CpuFeatures.HasGigabytePages);
        DeviceWindow.Prepare();
        DescriptorTables.BuildIdt();
        PerCpu* block = NewBlock(0);
        CpuFeatures.Enable();
        DescriptorTables.Load(block);

        Host host = CreateHost(block);
        ApplyConsoleOptions(host);
        PrintBanner(host);
        ReadOnlySpan<byte> refusal = SvmSetup.Refusal();
        if (refusal.Length > 0)
            EarlyConsole.Stop(refusal);
        MachineTables tables = FindTables(host);
        StartClock(host, tables);
        block->ApicId = LocalApicHardware.ReadId();
        Root.Platform.SetApicId(0, block->ApicId);
        SvmSetup.Enable(block);
        block->IsOnline = 1;
        StartOthers(host, tables, trampoline);
        Iommu.IommuStart.Run(host, tables);

        if (!host.HasIommu)
            DirectMemory.MoveModules();
        bool hasKernel = Dom0Files.Load(host, tables, trampoline, out Core.Boot.Dom0.Dom0Source source);
        Span<Abi.E820Entry> map = stackalloc Abi.E820Entry[EarlyMemory.MaxRegions];
        int mapCount = 0;
        if (!host.HasIommu)
            source.DirectPages = DirectMemory.Take(host, map, out mapCount);
        if (source.DirectPages == 0)
            mapCount = WriteMachineMap(map);
        EarlyMemory.HandOver(host.Allocator);
        host.Console.Begin().Text("System RAM: "u8).Decimal(EarlyMemory.TotalRam >> 20).Text("MB ("u8).Decimal(EarlyMemory.TotalRam >> 10).Text("kB)"u8).End();
        Iommu.IommuStart.RouteInterrupts(host, tables, block->Processor);
        if (!hasKernel || !BuildDom0(host, block, in source, map.Slice(0, mapCount), tables))
            EarlyConsole.Stop("there is no Dom0 to run; the lines above say why"u8);
        Dom0Files.Release(host.Allocator);
        SetUpConsoleInput(host, block);
        ManagedHeap.Seal();
        if (!((ObjectPools)host.Regions).Prepare(block->Processor))
            EarlyConsole.Stop("no memory is left for guests: lower dom0_mem="u8);
        SecondaryProcessors.Release();
        Assembly.RunOnStack(block->StackTop, Assembly.RunLoopEntry());
    }

    /// <summary>A CPU's block with its stacks; objects come later.</summary>
    private static PerCpu* NewBlock(int id)
    {
        PerCpu* block = (PerCpu*)DirectMap.At(EarlyMemory.Allocate(FrameSize.Bytes, FrameSize.Bytes));
        new Span<byte>(block, FrameSize.Bytes).Clear();
        block->Self = block;
        block->Id = (uint)id;
        HostPageTables.MapStacks(id, block);
        return block;
    }

    private static Host CreateHost(PerCpu* block)
    {
        ulong frameLimit = (EarlyMemory.RamEnd + FrameSize.Mask) >> FrameSize.Shift;
        ulong tableSize = frameLimit * (ulong)sizeof(FrameInfo);
        ulong table = EarlyMemory.AllocateHigh(tableSize, 0x20_0000);
        if (table == 0)
            EarlyConsole.Stop("no room for the table of the machine's memory"u8);
        BootOptions options = new();
        OptionParser.Parse(BootInformation.Text(BootInformation.CommandLineAddress, BootInformation.CommandLineLength), options);
        const int buildIdLength = 20; // SHA-1
        options.BuildId = new byte[buildIdLength];
        new ReadOnlySpan<byte>(Assembly.BuildId(), buildIdLength).CopyTo(options.BuildId);
        X64Platform platform = new();
        Root.Platform = platform;
        Host host = new(platform, new DirectMappedMemory(frameLimit), new HostFrameTable(table, frameLimit), options);
        Root.Host = host;
        Cpu cpu = new(host, 0);
        block->Processor = cpu;
        block->Runner = new VcpuRunner(host, cpu, block, platform);
        host.Add(cpu);
        host.Console.BootProcessor = cpu;
        ulong microcode;
        if (Assembly.TryReadMsr(Msr.PatchLevel, &microcode) != 0)
            host.Cpuid.PatchLevel = (uint)microcode;
        host.Cpuid.UsableStates = CpuFeatures.ExtendedStateMask;
        return host;
    }

    private static void ApplyConsoleOptions(Host host)
    {
        BootOptions options = host.Options;
        EarlyConsole.UseScreen(options.UsesScreen);
        SerialPortOptions? port = options.UsesCom1 ? options.Com1 : options.UsesCom2 ? options.Com2 : null;
        if (port == null || !EarlyConsole.InitialiseSerial(port.Port, port.Baud == 0 ? 115200 : (int)port.Baud))
            EarlyConsole.CloseSerial();
    }

    private static void PrintBanner(Host host)
    {
        HostConsole console = host.Console;
        console.Begin().Text("XenSharp, compatible with Xen version 4.17 (x86_64), a hypervisor in C#"u8).End();
        int length = 0;
        while (BootInformation.LoaderNameAddress != 0 && length < 64 && *DirectMap.At(BootInformation.LoaderNameAddress + (ulong)length) != 0)
            length++;
        console.Begin().Text("Bootloader: "u8).Printable(BootInformation.Text(BootInformation.LoaderNameAddress, length)).End();
        console.Begin().Text("Command line: "u8).Printable(BootInformation.Text(BootInformation.CommandLineAddress, BootInformation.CommandLineLength)).End();
        OptionParser.Report(host.Options, console);
        console.Begin().Text("Xen-e820 RAM map:"u8).End();
        for (int i = 0; i < EarlyMemory.MapCount; i++)
        {
            ref MemoryRegion region = ref EarlyMemory.Map(i);
            ReadOnlySpan<byte> kind = region.Type switch { 1 => "usable"u8, 3 => "ACPI data"u8, 4 => "ACPI NVS"u8, 5 => "unusable"u8, _ => "reserved"u8 };
            console.Begin().Text(" ["u8).Hex(region.Start, 16).Text(", "u8).Hex(region.End - 1, 16).Text("] ("u8).Text(kind).Text(")"u8).End();
        }
    }

    private static MachineTables FindTables(Host host)
    {
        MachineTables? tables = MachineTables.Find(new MappedFirmware(), BootInformation.AcpiRoot, host.Console);
        if (tables == null)
            EarlyConsole.Stop("it found no usable ACPI tables, which it needs to find CPUs and interrupts"u8);
        for (int i = 0; i < tables!.ConfigurationSpaceCount; i++)
            host.PciSegments.AddWindow(tables.ConfigurationSpaceAddress(i), tables.ConfigurationSpaceSegment(i), tables.ConfigurationSpaceFirstBus(i), tables.ConfigurationSpaceLastBus(i));
        return tables!;
    }

    private static void StartClock(Host host, MachineTables tables)
    {
        LegacyInterruptController.Silence();
        LocalApicHardware.Map(CpuFeatures.HasX2Apic);
        LocalApicHardware.Enable();
        for (int i = 0; i < tables.IoApicCount; i++)
        {
            int pins = IoApicHardware.Add(tables.IoApicAddress(i), (int)tables.IoApicFirstGsi(i));
            tables.SetIoApicPins(i, pins);
            host.Console.Begin().Text("IOAPIC["u8).Decimal(i).Text("]: apic_id "u8).Decimal(tables.IoApicId(i)).Text(", version "u8).Decimal(IoApicHardware.ReadVersion(i) & 0xff)
                .Text(", address 0x"u8).Hex(tables.IoApicAddress(i)).Text(", GSI "u8).Decimal(tables.IoApicFirstGsi(i)).Text("-"u8).Decimal(tables.IoApicFirstGsi(i) + (uint)pins - 1).End();
        }

        if (!ClockCalibration.ChooseSource(tables.HpetAddress, tables.PmTimerPort, tables.PmTimerIs32Bit))
            EarlyConsole.Stop("it found neither an HPET nor an ACPI PM timer to calibrate its clock with"u8);
        ulong start = Assembly.ReadTsc();
        ClockCalibration.Measure(out ulong tscHz, out ulong apicHz);
        host.Clock.Start(start, tscHz);
        host.Clock.WallClockSeconds = Root.Platform.WallClockAtBoot;
        Root.Platform.SetApicTimerFrequency(apicHz);
        Root.Platform.SetEnd(tables.ResetPort, tables.ResetValue, tables.Pm1ControlPort);
        ulong khz = ClockCalibration.SourceFrequencyHz / 1000;
        host.Console.Begin().Text("Platform timer is "u8).Decimal(khz / 1000).Text("."u8).Padded(khz % 1000, 3).Text("MHz "u8).Text(ClockCalibration.SourceName).End();
        host.Console.Begin().Text("Detected "u8).Decimal(tscHz / 1_000_000).Text("."u8).Padded(tscHz / 1000 % 1000, 3).Text(" MHz processor."u8).End();
        host.Console.Begin().Text("Using scheduler: "u8).Text(Scheduler.Name).Text(" ("u8).Text(Scheduler.OptionName).Text(")"u8).End();
        host.Console.Print("HVM: SVM enabled"u8);
        host.Console.Print("HVM: Hardware Assisted Paging (HAP) detected"u8);
        host.Console.Print(CpuFeatures.HasGigabytePages ? "HVM: HAP page sizes: 4kB, 2MB, 1GB"u8 : "HVM: HAP page sizes: 4kB, 2MB"u8);
    }

    private static void StartOthers(Host host, MachineTables tables, ulong trampoline)
    {
        int limit = host.Options.MaxProcessors > 0 ? host.Options.MaxProcessors : Host.MaxProcessors;
        for (int i = 0; i < tables.ProcessorCount && host.ProcessorCount < limit && host.ProcessorCount < Host.MaxProcessors; i++)
        {
            uint apicId = tables.ProcessorApicId(i);
            if (apicId == host.Platform.ApicId(0))
            {
                host.Processors[0]!.AcpiId = tables.ProcessorAcpiId(i);
                continue;
            }

            int id = host.ProcessorCount;
            PerCpu* block = NewBlock(id);
            block->ApicId = apicId;
            Cpu cpu = new(host, id) { AcpiId = tables.ProcessorAcpiId(i) };
            block->Processor = cpu;
            block->Runner = new VcpuRunner(host, cpu, block, Root.Platform);
            Root.Platform.SetApicId(id, apicId);
            if (trampoline == 0 || !SecondaryProcessors.StartOne(trampoline, block))
            {
                host.Console.Begin().Text("CPU with APIC id "u8).Decimal(apicId).Text(" does not start; going on without it"u8).End();
                continue;
            }

            Root.Platform.SetRunner(id, block->Runner);
            host.Add(cpu);
        }

        Root.Platform.SetRunner(0, Assembly.PerCpu()->Runner);
        host.Console.Begin().Text("Brought up "u8).Decimal(host.ProcessorCount).Text(" CPUs"u8).End();
    }

    private static int WriteMachineMap(Span<Abi.E820Entry> map)
    {
        for (int i = 0; i < EarlyMemory.MapCount; i++)
        {
            ref MemoryRegion region = ref EarlyMemory.Map(i);
            map[i].Address = region.Start;
            map[i].Size = region.End - region.Start;
            map[i].Type = (Abi.HvmMemoryMapType)region.Type;
        }

        return EarlyMemory.MapCount;
    }

    private static bool BuildDom0(Host host, PerCpu* block, in Core.Boot.Dom0.Dom0Source source, ReadOnlySpan<Abi.E820Entry> map, MachineTables tables)
    {
        host.Messages.Start();
        host.Pci.Start(map, tables, block->Processor);
        host.Guests = new GuestBuilder(host);
        host.Regions = new ObjectPools(host);
        Core.Boot.Dom0.Dom0Builder builder = new(host, block->Processor);
        return builder.Build(in source, map);
    }

    private static void SetUpConsoleInput(Host host, PerCpu* block)
    {
        host.Input.EndBoot();
        if (EarlyConsole.SerialPort == 0)
            return;
        int gsi = (host.Options.UsesCom1 ? host.Options.Com1 : host.Options.Com2).Irq;
        IoApicHardware.Route(gsi, block->ApicId, false, false);
        Root.Platform.ConsoleGsi = gsi;
        host.HardwareDomain!.IoApics.Reserve(gsi);
        EarlyConsole.EnableReceiveInterrupt();
        block->Processor.Raise(PendingWork.Console);
    }
}
