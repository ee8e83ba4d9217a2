// SPDX-License-Identifier: MIT
// The rows of the comparison that are known beforehand, with their goals. The bench kernel may print more; those get a row of the same kind.

using System;
using System.Collections.Generic;
using System.Linq;

namespace XenSharp.Bench.Reporting;

public static class Catalog
{
    public const string CpuSeconds = "CPU s";
    public const string Instructions = "instr";
    public const string KernelGroup = "kernel";
    public const string WorstGroup = "worst";
    public const string GuestsGroup = "guests";

    private const string BootSource = "user and system time of the QEMU process when dom0's shell prints its prompt; 1 CPU, 1 GiB, dom0 512 MiB";
    private const double LongestStretch = 100_000;
    private const string WorstSource = "test kernel under -icount with a periodic upcall: most instructions of a call between two points at which the upcall could come";
    private const string GuestsSource = "test kernel as PVH dom0 under -icount shift=0,sleep=off with a domain that it built: instructions of both and of the hypervisor";
    private const string BackendSource = "time of the QEMU process, and dom0's by the hypervisor's account; one file in dom0's memory, attached to one guest by each backend in turn; dd past the page cache";
    private const string KernelSource = "test kernel as PVH dom0 under -icount shift=0,sleep=off: guest and hypervisor instructions for each operation";

    public static readonly RowDefinition BootBzImage = new("boot.bzimage", "QEMU start to dom0's shell, bzImage", CpuSeconds, Goal.BelowXen, BootSource);

    public static readonly RowDefinition BootElf = new("boot.elf", "QEMU start to dom0's shell, vmlinux", CpuSeconds, Goal.BelowXen, BootSource);

    public static readonly RowDefinition BootExits = new("boot.exits", "exits, entry to dom0's shell", "exits", new Goal(GoalKind.Ratio, 0.5),
        "#VMEXIT lines of QEMU's log until the prompt, one boot of vmlinux");

    public static readonly RowDefinition ImageText = new("image.text", "text of the image", "bytes", new Goal(GoalKind.Figure, 700_000),
        "sections .text* as binutils' size tells them, without code that is dropped after the boot");

    public static readonly RowDefinition MemoryKept = new("memory.kept", "memory kept by the hypervisor, 1 GiB", "KiB", Goal.BelowXen,
        "System RAM less dom0's pages (debug key q) less free memory (debug key m), at dom0's shell");

    private static readonly RowDefinition[] s_kernel =
    [
        Kernel("null_hypercall", "null hypercall (xen_version)", 250),
        Kernel("cpuid", "CPUID exit", 300),
        Kernel("event_self_callback_vector", "event to self + upcall by callback vector", 800),
        Kernel("event_self_apic_vector", "event to self + upcall by local APIC and EOI", 800),
        Kernel("set_singleshot_timer", "one-shot timer set", 500),
        Kernel("multicall_32", "multicall of 32 null hypercalls", 5000),
        Kernel("event_alloc_close", "alloc + close of an event channel", 1000),
        Kernel("yield", "sched_op yield", 700),
        Kernel("grant_map_unmap", "grant map + unmap", 2000),
        Kernel("grant_copy_4096", "grant copy of 4096 bytes", 1500),
        // Not judged: an operation without an exit on either hypervisor, and one of which the next larger is judged.
        Kernel("mov_cr3", "CR3 reload (no exit)", null),
        Kernel("grant_copy_64", "grant copy of 64 bytes", null),
    ];

    private static readonly RowDefinition[] s_guests =
    [
        Guests("populate_decrease", "populate + decrease of a page", 2500),
        Guests("grant_map_unmap", "map + unmap of another domain's page", 2000),
        Guests("grant_copy_4096", "copy of 4096 bytes from another domain", 1500),
        new($"{GuestsGroup}.event_switch", "event to another domain, with the switch", Instructions, Goal.BelowXen, GuestsSource),
        Guests("event_alloc_close", "alloc + close of a port for another domain", 1000),
        Guests("yield", "sched_op yield beside an idle domain", 700),
        new($"{GuestsGroup}.memory_per_domain", "memory kept for a domain", "KiB", Goal.BelowXen,
            "free memory before and after eight more domains are built, less their own pages, of physinfo and getdomaininfo; one vCPU, paging pool 2 MiB"),
        Guests("grant_copy_64", "copy of 64 bytes from another domain", null),
    ];

    public static IReadOnlyList<RowDefinition> KernelRows => s_kernel;

    public static IReadOnlyList<RowDefinition> GuestsRows => s_guests;

    /// <summary>In the order of the marks of <c>LinuxGuest</c>.</summary>
    public static IReadOnlyList<RowDefinition> GuestsLinuxRows { get; } =
    [
        LinuxGuest("create", "xl create to the guest's init"),
        LinuxGuest("network", "32 MiB from a guest, by wget"),
        LinuxGuest("disk", "16 MiB of a guest's disk, by dd"),
    ];

    /// <summary>In the order of the figures of <c>DiskBackends</c>; none is judged, since the comparison is between two rows.</summary>
    public static IReadOnlyList<RowDefinition> DiskBackendRows { get; } = [.. DiskBackend("blkback", "blkback"), .. DiskBackend("xensharp_blkback", "xensharp-blkback")];

    public static IEnumerable<RowDefinition> All => [BootBzImage, BootElf, BootExits, .. s_kernel, .. s_guests, .. GuestsLinuxRows, .. DiskBackendRows, ImageText, MemoryKept];

    /// <summary>The row for a figure that the bench kernel calls <paramref name="name"/>.</summary>
    public static RowDefinition ForKernelFigure(string name) =>
        s_kernel.FirstOrDefault(row => row.Name == name) ?? new RowDefinition($"{KernelGroup}.{name}", Words(name), Instructions, Goal.BelowXen, KernelSource);

    /// <summary>The row for a figure of the bench kernel with another domain.</summary>
    public static RowDefinition ForGuestsFigure(string name) =>
        s_guests.FirstOrDefault(row => row.Name == name) ?? new RowDefinition($"{GuestsGroup}.{name}", Words(name), Instructions, Goal.BelowXen, GuestsSource);

    /// <summary>The row for a worst case.</summary>
    public static RowDefinition ForWorstCase(string name) =>
        new($"{WorstGroup}.{name}", Words(name), Instructions, new Goal(GoalKind.Figure, LongestStretch), WorstSource);

    /// <summary>Names that select nothing; which rows the bench kernel has besides those with a goal of their own is not known here.</summary>
    public static IEnumerable<string> Unknown(IEnumerable<string> names) =>
        names.Where(name => name.Split('.')[0] is not (KernelGroup or WorstGroup or GuestsGroup) && !All.Any(row => row.IsSelectedBy([name])));

    private static RowDefinition Kernel(string name, string title, double? limit) =>
        new($"{KernelGroup}.{name}", title, Instructions, limit is { } most ? new Goal(GoalKind.Figure, most) : null, KernelSource);

    private static RowDefinition LinuxGuest(string name, string title) =>
        new($"{GuestsGroup}.{name}", title, CpuSeconds, Goal.BelowXen, "user and system time of the QEMU process; Debian's Linux in dom0 and guest, Debian's xl; 1 CPU, 2 GiB, dom0 640 MiB, guest 160 MiB");

    private static RowDefinition[] DiskBackend(string name, string title) =>
    [
        new($"{GuestsGroup}.{name}_read", $"{title}: read 32 MiB by 64 KiB", CpuSeconds, null, BackendSource),
        new($"{GuestsGroup}.{name}_read_small", $"{title}: read 8 MiB by 4 KiB", CpuSeconds, null, BackendSource),
        new($"{GuestsGroup}.{name}_write", $"{title}: write 32 MiB by 64 KiB", CpuSeconds, null, BackendSource),
        new($"{GuestsGroup}.{name}_dom0", $"{title}: dom0's part of these", "s", null, BackendSource),
    ];

    private static RowDefinition Guests(string name, string title, double? limit) =>
        new($"{GuestsGroup}.{name}", title, Instructions, limit is { } most ? new Goal(GoalKind.Figure, most) : null, GuestsSource);

    private static string Words(string name) => name.Replace('_', ' ');
}
