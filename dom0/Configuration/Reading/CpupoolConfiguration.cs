// SPDX-License-Identifier: MIT
// A CPU pool as xlcpupool.cfg(5) describes it. Behaviour: main_cpupoolcreate of tools/xl/xl_cpupool.c.
using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using XenSharp.Configuration.Reading;

namespace XenSharp.Configuration;

/// <summary>A CPU pool to be made.</summary>
public sealed record CpupoolConfiguration
{
    /// <summary>Every item of xlcpupool.cfg(5).</summary>
    public static IReadOnlyList<ConfigurationItem> Items { get; } =
    [
        new("name", ItemForm.Text, ItemGuests.All, ItemStatus.Supported),
        new("sched", ItemForm.Text, ItemGuests.All, ItemStatus.Supported),
        new("nodes", ItemForm.List, ItemGuests.All, ItemStatus.Supported),
        new("cpus", ItemForm.TextOrList, ItemGuests.All, ItemStatus.Supported),
    ];

    public required string Name { get; init; }

    /// <summary>Null for the scheduler of the first pool.</summary>
    public Scheduler? Sched { get; init; }

    /// <summary>The pool's CPUs.</summary>
    public Bitmap Cpus { get; init; } = Bitmap.Empty;

    /// <summary>Reads a pool's configuration. Null when it has errors.</summary>
    /// <param name="path">The file; null when the command line says it all.</param>
    /// <param name="overrides">Settings of the command line.</param>
    /// <param name="host">The host.</param>
    /// <param name="freeCpus">CPUs that are in no pool; null when that is not known, and not to be checked.</param>
    /// <param name="diagnostics">All that is to be said about it.</param>
    /// <exception cref="IOException">The file cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">Likewise.</exception>
    public static CpupoolConfiguration? Load(string? path, IReadOnlyList<string>? overrides, HostTopology host, Bitmap? freeCpus, out IReadOnlyList<Diagnostic> diagnostics) =>
        Parse(path is null ? [] : File.ReadAllBytes(path), path, overrides, host, freeCpus, out diagnostics);

    /// <summary>As <see cref="Load"/>, of a file's content.</summary>
    public static CpupoolConfiguration? Parse(
        ReadOnlySpan<byte> content, string? path, IReadOnlyList<string>? overrides, HostTopology host, Bitmap? freeCpus, out IReadOnlyList<Diagnostic> diagnostics)
    {
        ConfigurationFile file = ConfigurationFile.Parse(content, path ?? SourcePosition.CommandLine, overrides);
        var items = new ItemReader(file);
        items.RemarkOnItems(file, Items, "xlcpupool.cfg(5)");
        string? name = items.Text("name") ?? Path.GetFileName(path);
        if (string.IsNullOrEmpty(name)) file.Diagnostics.Error(items.At("name"), "the pool has no name: 'name' must be given");
        Scheduler? scheduler = items.Choice<Scheduler>("sched");
        Bitmap cpus = ReadCpus(items, host, freeCpus);
        diagnostics = file.Diagnostics.Sorted;
        return file.Diagnostics.HasErrors ? null : new CpupoolConfiguration { Name = name!, Sched = scheduler, Cpus = cpus };
    }

    /// <summary>The free CPUs of nodes, or the CPUs that are named, all of which must be free.</summary>
    private static Bitmap ReadCpus(ItemReader items, HostTopology host, Bitmap? freeCpus)
    {
        if (items.IsList("nodes"))
        {
            IEnumerable<int> ofNodes = items.Strings("nodes").SelectMany(node => host.CpusOf((ulong)Math.Max(0, SpecificationText.Atoi(node.Text))));
            var found = new Bitmap(freeCpus is null ? ofNodes : ofNodes.Where(freeCpus.Contains));
            if (found.IsEmpty) items.Error("nodes", "the nodes have no CPU that is in no pool");
            return found;
        }
        if (items.Has("nodes")) items.List("nodes");
        Bitmap cpus = items.IsList("cpus")
            ? new Bitmap(items.Strings("cpus").Select(cpu => ReadCpu(items, cpu)).Where(cpu => cpu >= 0))
            : items.CpuSet("cpus", host) ?? Bitmap.Empty;
        foreach (int cpu in cpus)
        {
            if (cpu >= host.CpuCount) items.Error("cpus", $"the host has no CPU {cpu}");
            else if (freeCpus is not null && !freeCpus.Contains(cpu)) items.Error("cpus", $"CPU {cpu} is in another pool");
        }
        return cpus;
    }

    private static int ReadCpu(ItemReader items, TextValue text)
    {
        if (CNumber.TryParseDecimal(text.Text.Trim(), out uint cpu) && cpu < 1 << 16) return (int)cpu;
        items.Diagnostics.Error(text.Position, $"'cpus': '{text.Text}' is no number of a CPU");
        return -1;
    }
}
