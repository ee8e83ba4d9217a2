// SPDX-License-Identifier: MIT
// Values of the hypervisor's command line (docs/misc/xen-command-line.pandoc of Xen 4.17 names the options).

using System;
using XenSharp.Core.Debugging;

namespace XenSharp.Core.Options;

/// <summary>Filled once at boot by <see cref="OptionParser"/>, then read by the parts that they concern.</summary>
public sealed class BootOptions
{
    /// <summary>`dom0_mem=`: bytes; 0 means all but what the hypervisor keeps. Relative amounts: <see cref="Dom0Memory"/>.</summary>
    public ulong Dom0MemoryBytes { get; set; }

    /// <summary>`dom0_mem=` as given, with min: and max:.</summary>
    public Dom0MemoryRequest Dom0Memory { get; } = new();

    /// <summary>`dom0_max_vcpus=`: 0 means one per CPU. The upper end of the range.</summary>
    public int Dom0MaxVcpus { get; set; }

    /// <summary>`dom0_max_vcpus=`: the lower end of the range.</summary>
    public int Dom0MinVcpus { get; set; }

    /// <summary>dom0's vCPUs on a machine with so many CPUs: one for each within the range, as in Xen.</summary>
    public int Dom0Vcpus(int processors)
    {
        int most = Dom0MaxVcpus > 0 ? Dom0MaxVcpus : Math.Max(processors, Dom0MinVcpus);
        return Math.Min(Math.Clamp(processors, Math.Min(Dom0MinVcpus, most), most), Domains.Domain.MaxVcpus);
    }

    /// <summary>`noreboot`: halt instead of rebooting after dom0's end or a panic.</summary>
    public bool NoReboot { get; set; }

    /// <summary>`plant=`: a fault that hypercall 63 meets, for tests of fault containment.</summary>
    public PlantedFaultKind PlantedFault { get; set; }

    internal int[] PlantedFaultSite { get; set; } = [];

    /// <summary>`reboot=`: first letter of each method asked for (t k a p e x n); 0: default.</summary>
    public byte RebootMethod { get; set; }

    /// <summary>`maxcpus=`, `nosmp`: 0 means all.</summary>
    public int MaxProcessors { get; set; }

    /// <summary>`console=` includes com1 (default), com2, vga (default).</summary>
    public bool UsesCom1 { get; set; } = true;

    public bool UsesCom2 { get; set; }

    public bool UsesScreen { get; set; } = true;

    /// <summary>`iommu=`, `dom0-iommu=`.</summary>
    public IommuOptions Iommu { get; } = new();

    public SerialPortOptions Com1 { get; } = new(0x3f8, 4);

    public SerialPortOptions Com2 { get; } = new(0x2f8, 3);

    /// <summary>`loglvl=`: always printed / printed at a limited rate; 0 none .. 4 all.</summary>
    public int LogAlways { get; set; } = 2;

    public int LogLimited { get; set; } = 2;

    /// <summary>`guest_loglvl=`.</summary>
    public int GuestLogAlways { get; set; }

    public int GuestLogLimited { get; set; } = 2;

    /// <summary>`conswitch=`: the letter whose control code, three times, switches console input; 0: no switching.</summary>
    public byte ConsoleSwitch { get; set; } = (byte)'a';

    /// <summary>`conswitch=` with an x: input stays with the hypervisor at the end of boot.</summary>
    public bool ConsoleStaysWithHost { get; set; }

    /// <summary>`console_to_ring`: dom0's console text goes into the console ring too.</summary>
    public bool ConsoleToRing { get; set; }

    /// <summary>`gnttab_max_frames=`, `gnttab_max_maptrack_frames=`: dom0's grant table and the bound of others'.</summary>
    public uint MaxGrantFrames { get; set; } = 64;

    public uint MaxMaptrackFrames { get; set; } = 1024;

    /// <summary>What the objects of every domain have room for; the options above can be lowered later, and raised up to these.</summary>
    public uint GrantFrameCapacity { get; set; } = 64;

    public uint MaptrackFrameCapacity { get; set; } = 1024;

    /// <summary>`gnttab=transitive`: a grant may refer to a grant that the domain has from another one.</summary>
    public bool AllowsTransitiveGrants { get; set; } = true;

    /// <summary>`gnttab=max-ver:`.</summary>
    public uint GrantMaxVersion { get; set; } = 2;

    /// <summary>The command line as given, without the loader's name for the image: XENVER_commandline.</summary>
    public byte[] CommandLine { get; set; } = [];

    /// <summary>What followed ` -- `: belongs to dom0's kernel, behind the module's own command line.</summary>
    public byte[] KernelCommandLine { get; set; } = [];

    /// <summary>The image's build id (SHA-1 note of the linker), set by the port: XENVER_build_id. Empty: -ENODATA.</summary>
    public byte[] BuildId { get; set; } = [];
}

/// <summary>`com1=`, `com2=`: baud/clock,DPS,port,irq.</summary>
public sealed class SerialPortOptions(ushort port, int irq)
{
    /// <summary>0: leave the speed that the firmware has set (`auto`).</summary>
    public uint Baud { get; set; }

    public uint ClockHz { get; set; } = 1_843_200;

    public byte DataBits { get; set; } = 8;

    /// <summary>n, o, e, m or s.</summary>
    public byte Parity { get; set; } = (byte)'n';

    public byte StopBits { get; set; } = 1;

    public ushort Port { get; set; } = port;

    public int Irq { get; set; } = irq;
}

/// <summary>`dom0_mem=`: three amounts, each absolute, relative to what there is, or what to leave over.</summary>
public sealed class Dom0MemoryRequest
{
    public MemoryAmount Size;
    public MemoryAmount Minimum;
    public MemoryAmount Maximum;

    /// <summary>dom0's pages on a machine with <paramref name="available"/> free ones; Xen's rule, with 1/16, at most 128 MiB, kept by default.</summary>
    public ulong ResolvePages(ulong available)
    {
        ulong pages = Size.Resolve(available);
        if (pages == 0)
            pages = available - Math.Min(available / 16, 128UL << 8);
        pages = Math.Max(pages, Minimum.Resolve(available));
        return Math.Min(Math.Min(pages, MaximumPages(available)), available);
    }

    /// <summary>The limit that dom0 may balloon up to.</summary>
    public ulong MaximumPages(ulong available) => Maximum.IsGiven ? Maximum.Resolve(available) : uint.MaxValue;
}

/// <summary>One amount: [-]size, percent%, or size+percent%.</summary>
public struct MemoryAmount
{
    public bool IsGiven;
    public bool IsRest;
    public ulong Bytes;
    public uint Percent;

    public readonly ulong Resolve(ulong available)
    {
        ulong pages = (Bytes >> 12) + (Percent * available / 100);
        if (!IsRest)
            return pages;
        return available > pages ? available - pages : 0;
    }
}
