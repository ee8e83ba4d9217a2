// SPDX-License-Identifier: MIT
// Fills a new PVH domain: memory, kernel, tables, first state of its vCPUs. The order is that of libxl__build_hvm and libxenguest 4.17. Used by DomainCreation.

using System;
using System.Collections.Generic;
using System.Linq;
using System.Runtime.InteropServices;
using XenSharp.Abi;
using XenSharp.Control;
using XenSharp.Toolstack.Kernel;

namespace XenSharp.Toolstack.Building;

/// <summary>What goes into a domain.</summary>
/// <param name="Pages">The most memory in pages.</param>
/// <param name="Target">How much of that there is at the start; the guest's balloon driver gives the rest back, which is populated on demand until then.</param>
/// <param name="Vcpus">How many there can be.</param>
/// <param name="IsOnline">Which of them are there at the start.</param>
internal sealed record BuildOrder(KernelImage Kernel, IReadOnlyList<ReadOnlyMemory<byte>> Modules, string CommandLine, ulong Pages, ulong Target, int Vcpus, Func<int, bool> IsOnline, bool HasLocalApic, bool Claims);

/// <param name="store">The domain that runs xenstored, and the port of the new domain that it will bind to.</param>
/// <param name="console">The same for xenconsoled.</param>
internal sealed class DomainBuilder(Hypervisor hypervisor, ushort domain, Steps steps, (ushort Domain, uint Port) store, (ushort Domain, uint Port) console) : IDisposable
{
    private const ulong PageSize = GuestLayout.PageSize;
    private const uint XenstoreGrant = 1, ConsoleGrant = 0;     // GNTTAB_RESERVED_XENSTORE, GNTTAB_RESERVED_CONSOLE

    // The toolstack's own domain (LIBXL_TOOLSTACK_DOMID).
    private const ushort Self = 0;

    private readonly GuestMemory _memory = new(hypervisor, domain, Self);

    /// <summary>Does it all; the domain can then be unpaused.</summary>
    public void Build(BuildOrder order)
    {
        GuestLayout layout = new(order.Pages);
        CheckSize(order, layout);
        steps.Run("memory", () => Populate(order, layout));
        AcpiTables acpi = AcpiTables.Build(order.Vcpus, order.IsOnline, order.HasLocalApic);
        uint rsdp = order.Kernel.FindsRsdpAnywhere ? GuestLayout.AcpiTables + (uint)acpi.Tables.Length : GuestLayout.BiosRsdp;
        List<E820Entry> map = layout.MemoryMap(rsdp, acpi.Tables.Length);
        steps.Run("memory map", () => hypervisor.SetMemoryMap(domain, CollectionsMarshal.AsSpan(map)));
        steps.Run("kernel", () => LoadKernel(order.Kernel));
        steps.Run("ACPI tables", () => LoadAcpi(acpi, rsdp));
        steps.Run("special pages", PlaceSpecialPages);
        ulong startInfo = steps.Run("modules and start info", () => LoadModules(order, map, rsdp));
        steps.Run("event channels' parameters", () =>
        {
            hypervisor.SetHvmParam(domain, HvmParam.ConsoleEventChannel, console.Port);
            hypervisor.SetHvmParam(domain, HvmParam.StoreEventChannel, store.Port);
        });
        steps.Run("first state of vCPUs", () => FirstState.Set(hypervisor, domain, order.Vcpus, order.Kernel.Entry, startInfo));
        steps.Run("grants", () =>
        {
            hypervisor.SeedGrant(domain, ConsoleGrant, console.Domain, GuestLayout.Frame(SpecialPage.Console));
            hypervisor.SeedGrant(domain, XenstoreGrant, store.Domain, GuestLayout.Frame(SpecialPage.Xenstore));
        });
    }

    public void Dispose() => _memory.Dispose();

    private static void CheckSize(BuildOrder order, GuestLayout layout)
    {
        ulong needed = RoundUp(order.Kernel.End) + order.Modules.Aggregate(0ul, (sum, module) => sum + RoundUp((ulong)module.Length)) + PageSize;
        if (needed > layout.LowEnd)
            throw new ToolstackException($"the guest's memory of {layout.Pages >> 8} MiB is too small: its kernel and ramdisk need {(needed + 0xF_FFFF) >> 20} MiB") { Step = "memory" };
    }

    private void Populate(BuildOrder order, GuestLayout layout)
    {
        if (order.Claims)
            hypervisor.ClaimPages(domain, order.Target);
        try
        {
            bool isOnDemand = order.Pages > order.Target;
            if (isOnDemand)
                hypervisor.SetPopulateOnDemandTarget(domain, order.Target);
            foreach ((ulong first, ulong count) in layout.Ranges())
            {
                if (!_memory.TryPopulate(first, count, isOnDemand ? MemoryFlags.PopulateOnDemand : 0))
                    throw new ToolstackException($"the host has not enough free memory for {layout.Pages >> 8} MiB");
            }
        }
        finally
        {
            if (order.Claims)
                hypervisor.ClaimPages(domain, 0);
        }
    }

    private void LoadKernel(KernelImage kernel)
    {
        foreach (KernelSegment segment in kernel.Segments)
            _memory.Write(segment.Address, kernel.File.Span.Slice(segment.FileOffset, segment.FileSize), segment.MemorySize);
    }

    private void LoadAcpi(AcpiTables acpi, uint rsdp)
    {
        List<ulong> frames = [GuestLayout.AcpiInfo / PageSize];
        for (ulong index = 0; index < (ulong)acpi.Tables.Length / PageSize; index++)
            frames.Add((GuestLayout.AcpiTables / PageSize) + index);
        if (rsdp != GuestLayout.BiosRsdp)
            frames.Add(rsdp / PageSize);
        _memory.Populate(CollectionsMarshal.AsSpan(frames));
        _memory.Write(rsdp, acpi.Rsdp);
        _memory.Write(GuestLayout.AcpiInfo, acpi.Info);
        _memory.Write(GuestLayout.AcpiTables, acpi.Tables);
    }

    private void PlaceSpecialPages()
    {
        ulong[] frames = [.. Enumerable.Range(0, (int)GuestLayout.SpecialCount).Select(index => GuestLayout.FirstSpecial + (ulong)index)];
        _memory.Populate(frames);
        _memory.Write(GuestLayout.FirstSpecial * PageSize, [], GuestLayout.SpecialCount * PageSize);
        ReadOnlySpan<(HvmParam Param, SpecialPage Page)> parameters =
        [
            (HvmParam.StorePfn, SpecialPage.Xenstore), (HvmParam.BufferedIoRequestPfn, SpecialPage.BufferedIoRequest), (HvmParam.IoRequestPfn, SpecialPage.IoRequest),
            (HvmParam.ConsolePfn, SpecialPage.Console), (HvmParam.PagingRingPfn, SpecialPage.Paging), (HvmParam.MonitorRingPfn, SpecialPage.Access),
            (HvmParam.SharingRingPfn, SpecialPage.Sharing),
        ];
        foreach ((HvmParam param, SpecialPage page) in parameters)
            hypervisor.SetHvmParam(domain, param, GuestLayout.Frame(page));

        // 4 MiB pages over all of 32 bits, for processors that must have paging on even when the guest has not.
        byte[] directory = new byte[PageSize];
        Span<uint> entries = MemoryMarshal.Cast<byte, uint>(directory.AsSpan());
        for (int index = 0; index < entries.Length; index++)
            entries[index] = ((uint)index << 22) | 0xE7;
        _memory.Write(GuestLayout.Frame(SpecialPage.IdentityPageTable) * PageSize, directory);
        hypervisor.SetHvmParam(domain, HvmParam.IdentityPageTable, GuestLayout.Frame(SpecialPage.IdentityPageTable) * PageSize);
    }

    /// <summary>The kernel's own end first, then modules and start info in the order that the kernel asks for; where the start info is.</summary>
    private ulong LoadModules(BuildOrder order, List<E820Entry> map, uint rsdp)
    {
        ulong next = RoundUp(order.Kernel.End);
        ulong startInfo = next;
        ulong startInfoSize = RoundUp((ulong)StartInfo.SizeOf(order.CommandLine, order.Modules.Count, map.Count));
        if (order.Kernel.TakesModulesAnywhere)
            next += startInfoSize;
        List<LoadedModule> modules = [];
        foreach (ReadOnlyMemory<byte> module in order.Modules)
        {
            _memory.Write(next, module.Span, RoundUp((ulong)module.Length));
            modules.Add(new LoadedModule(next, (ulong)module.Length));
            next += RoundUp((ulong)module.Length);
        }
        if (!order.Kernel.TakesModulesAnywhere)
            startInfo = next;
        _memory.Write(startInfo, StartInfo.Build(startInfo, order.CommandLine, modules, map, rsdp), startInfoSize);
        return startInfo;
    }

    private static ulong RoundUp(ulong bytes) => (bytes + PageSize - 1) & ~(PageSize - 1);
}
