// SPDX-License-Identifier: MIT
// The root of all state: one object per hypervisor. Two hosts can live in one test process.

using XenSharp.Core.Boot;
using XenSharp.Core.Console;
using XenSharp.Core.CpuPolicy;
using XenSharp.Core.Debugging;
using XenSharp.Core.Domains;
using XenSharp.Core.EventChannels;
using XenSharp.Core.Iommu;
using XenSharp.Core.Interrupts;
using XenSharp.Core.Memory;
using XenSharp.Core.Options;
using XenSharp.Core.Pci;
using XenSharp.Core.Scheduling;
using XenSharp.Core.Time;
using XenSharp.Edge;

namespace XenSharp.Core;

/// <summary>Everything that the hypervisor knows. Built once at boot by the port (or a test), read-only as a structure afterwards.</summary>
public sealed partial class Host
{
    public const int MaxProcessors = 64;

    public Host(Platform platform, PhysicalMemory memory, FrameTable frames, BootOptions options)
    {
        Platform = platform;
        Memory = memory;
        Frames = frames;
        Options = options;
        Console = new HostConsole(platform);
        Cpuid = new HostCpuid(platform);
        Clock = new SystemClock(platform);
        Console.Clock = Clock;
        Console.HostThresholds.Set(options.LogAlways, options.LogLimited);
        Console.GuestThresholds.Set(options.GuestLogAlways, options.GuestLogLimited);
        Console.KeepsGuestText = options.ConsoleToRing;
        Input = new ConsoleInput(this);
        DebugKeys = new DebugKeys(this);
        Allocator = new FrameAllocator(frames);
        Domains = new DomainTable();
        Scheduler = new Scheduler(this);
        GracePeriods = new GracePeriods(this);
        Reaper = new DomainReaper(this);
        Pci = new MachinePci(this);
        Messages = new MessageInterrupts(this);
        Processors = new Cpu?[MaxProcessors];
    }

    public Platform Platform { get; }

    public PhysicalMemory Memory { get; }

    public FrameTable Frames { get; }

    public BootOptions Options { get; }

    public HostConsole Console { get; }

    /// <summary>The receiving side of the console.</summary>
    public ConsoleInput Input { get; }

    public DebugKeys DebugKeys { get; }

    public SystemClock Clock { get; }

    /// <summary>CPUID of the machine.</summary>
    public HostCpuid Cpuid { get; }

    public FrameAllocator Allocator { get; }

    public DomainTable Domains { get; }

    public GracePeriods GracePeriods { get; }

    /// <summary>Takes the remains of dead domains away.</summary>
    public DomainReaper Reaper { get; }

    /// <summary>Room for the objects of new domains; set by the port, or a test, before the first domain is created by a guest.</summary>
    public ObjectRegions Regions { get; set; } = null!;

    /// <summary>The port's half of domains; set with <see cref="Regions"/>.</summary>
    public GuestFactory Guests { get; set; } = null!;

    /// <summary>PCI functions and configuration windows of the machine.</summary>
    public PciSegments PciSegments { get; } = new();

    /// <summary>The machine's IOMMUs; null without them, and with `iommu=off`. Set by the port before the first domain.</summary>
    public IommuSystem? Iommu { get; set; }

    public bool HasIommu => Iommu != null;

    /// <summary>PCI of the machine, once it is started.</summary>
    public MachinePci Pci { get; }

    /// <summary>The machine's vectors for message-signalled interrupts.</summary>
    public MessageInterrupts Messages { get; }

    public Scheduler Scheduler { get; }

    /// <summary>sched_smt_power_savings, kept for xenpm: credit2 does not heed it, in Xen neither.</summary>
    public uint SmtPowerSavings { get; set; }

    /// <summary>CPUs by number; the first <see cref="ProcessorCount"/> entries are set.</summary>
    public Cpu?[] Processors { get; }

    public int ProcessorCount { get; private set; }

    /// <summary>The domain that owns the machine's devices (dom0), once it is built.</summary>
    public Domain? HardwareDomain { get; set; }

    /// <summary>The CPU that executes this.</summary>
    public Processor CurrentProcessor => Platform.CurrentProcessor;

    /// <summary>Domains that handle global VIRQs instead of the hardware domain.</summary>
    public VirtualIrqHandlers VirtualIrqHandlers { get; } = new();

    /// <summary>Adds a CPU at boot.</summary>
    public void Add(Cpu processor)
    {
        Processors[ProcessorCount] = processor;
        ProcessorCount++;
    }
}
