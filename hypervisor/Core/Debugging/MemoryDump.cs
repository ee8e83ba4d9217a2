// SPDX-License-Identifier: MIT
// Debug keys 'm', 'H', 'u': memory of the machine and of the domains.

using XenSharp.Core.Console;
using XenSharp.Core.Domains;
using XenSharp.Core.Memory;
using XenSharp.Edge;

namespace XenSharp.Core.Debugging;

/// <summary>Figures are read without stopping anybody and may be a moment apart.</summary>
public static class MemoryDump
{
    private const ulong KibPerPage = 4;
    private const int CountLimit = 100_000;

    public static void Memory(Host host, Cpu caller)
    {
        HostConsole console = host.Console;
        FrameAllocator allocator = host.Allocator;
        console.Begin(caller).Text("Physical memory information:"u8).End();
        console.Begin(caller).Text("    Xen and domain heap: "u8).Decimal(allocator.FreePages * KibPerPage).Text("kB free"u8).End();
        console.Begin(caller).Text("    total: "u8).Decimal(allocator.TotalPages * KibPerPage).Text("kB, claimed: "u8)
            .Decimal(allocator.OutstandingClaims * KibPerPage).Text("kB"u8).End();
        ulong kept = allocator.TotalPages - allocator.FreePages;
        for (Domain? domain = host.Domains.NextFrom(0); domain != null; domain = host.Domains.NextFrom(domain.Id + 1))
        {
            kept -= System.Math.Min(kept, domain.Memory.Pages);
            console.Begin(caller).Text("    d"u8).Decimal((ulong)domain.Id).Text(": "u8).Decimal(domain.Memory.Pages * KibPerPage)
                .Text("kB, tables "u8).Decimal(domain.Memory.OverheadPages * KibPerPage).Text("kB"u8).End();
        }

        console.Begin(caller).Text("    hypervisor: "u8).Decimal(kept * KibPerPage).Text("kB"u8).End();
        ObjectRegions regions = host.Regions;
        console.Begin(caller).Text("    objects: "u8).Decimal((ulong)regions.InUse(RegionKind.Domain)).Text(" domains of "u8).Decimal(regions.SizeOf(RegionKind.Domain))
            .Text(" bytes, "u8).Decimal((ulong)regions.InUse(RegionKind.Vcpu)).Text(" vCPUs of "u8).Decimal(regions.SizeOf(RegionKind.Vcpu)).Text(" bytes"u8).End();
        console.Begin(caller).Text("    left by dead domains: "u8).Decimal(LeakCheck.FramesWithoutOwner(host)).Text(" pages, "u8)
            .Decimal((ulong)LeakCheck.VcpusWithoutDomain(host)).Text(" vCPUs"u8).End();
    }

    public static void Heap(Host host, Cpu caller)
    {
        host.Console.Begin(caller).Text("'H' pressed -> dumping heap info"u8).End();
        for (int order = 0; order <= FrameAllocator.MaxOrder; order++)
        {
            int blocks = host.Allocator.CountBlocks(order, CountLimit);
            if (blocks != 0)
                host.Console.Begin(caller).Text("heap[node=0][order="u8).Decimal(order).Text("] -> "u8).Decimal(blocks).Text(" blocks"u8).End();
        }
    }

    public static void Nodes(Host host, Cpu caller)
    {
        host.Console.Begin(caller).Text("'u' pressed -> dumping numa info (now = "u8).Decimal(host.Clock.Now).Text(")"u8).End();
        host.Console.Begin(caller).Text("NODE0 start->0 size->"u8).Decimal(host.Memory.FrameLimit).Text(" free->"u8).Decimal(host.Allocator.FreePages).End();
        LogLine line = host.Console.Begin(caller).Text("CPU0..."u8).Decimal(host.ProcessorCount - 1).Text(" -> NODE0"u8);
        line.End();
        for (Domain? domain = host.Domains.NextFrom(0); domain != null; domain = host.Domains.NextFrom(domain.Id + 1))
        {
            host.Console.Begin(caller).Text("d"u8).Decimal((ulong)domain.Id).Text(" (total: "u8).Decimal(domain.Memory.Pages).Text("):"u8).End();
            host.Console.Begin(caller).Text("    Node 0: "u8).Decimal(domain.Memory.Pages).End();
        }
    }
}
