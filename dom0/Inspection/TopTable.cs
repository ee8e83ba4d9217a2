// SPDX-License-Identifier: MIT
// xentop's lines: columns, their widths and their order, and what is said besides for each domain. Form of Xen 4.17's tools/xentop/xentop.c. Used by TopTool.

using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;

namespace XenSharp.Inspection;

internal sealed class TopTable(TopSnapshot? before, TopSnapshot now)
{
    private readonly List<string> _lines = [];
    private int[] _widths = [];

    public bool HasFullNames { get; init; }

    public bool HasVcpus { get; init; }

    public bool HasNetworks { get; init; }

    public bool HasDisks { get; init; }

    public bool RepeatsHeader { get; init; }

    /// <summary>The column by which domains are ordered.</summary>
    public int SortColumn { get; init; }

    /// <summary>Header lines are these.</summary>
    public HashSet<int> Headers { get; } = [];

    private static readonly string[] s_names =
    [
        "NAME", "STATE", "CPU(sec)", "CPU(%)", "MEM(k)", "MEM(%)", "MAXMEM(k)", "MAXMEM(%)", "VCPUS", "NETS", "NETTX(k)", "NETRX(k)", "VBDS", "VBD_OO", "VBD_RD", "VBD_WR",
        "VBD_RSECT", "VBD_WSECT", "SSID",
    ];

    private static readonly int[] s_usualWidths = [10, 6, 10, 6, 10, 6, 10, 9, 5, 4, 8, 8, 4, 8, 8, 8, 10, 10, 4];

    /// <summary>Their width follows the largest number; Xen's leaves the others as they are.</summary>
    private static readonly int[] s_growing = [10, 11, 14, 15, 16, 17];

    public static int Columns => s_names.Length;

    /// <param name="first">The first domain that is shown.</param>
    public IReadOnlyList<string> Lines(int first = 0)
    {
        TopDomain[] domains = Sorted();
        _widths = [.. s_usualWidths];
        for (int index = first; index < domains.Length; index++)
        {
            foreach (int column in s_growing)
                _widths[column] = Math.Max(_widths[column], (Number(domains[index], column) + 1).ToString(CultureInfo.InvariantCulture).Length);
            if (HasFullNames)
                _widths[0] = Math.Max(_widths[0], domains[index].Name.Length);
        }
        for (int index = first; index < domains.Length; index++)
        {
            if (index == first || RepeatsHeader)
            {
                Headers.Add(_lines.Count);
                _lines.Add(string.Join(' ', s_names.Select((name, column) => name.PadLeft(_widths[column]))));
            }
            AddDomain(domains[index]);
        }
        return _lines;
    }

    public IReadOnlyList<string> Summary()
    {
        int Count(Func<TopDomain, bool> isOne) => now.Domains.Count(isOne);
        // The first that holds, in this order.
        int running = Count(domain => domain.IsRunning), blocked = Count(domain => !domain.IsRunning && domain.IsBlocked);
        int paused = Count(domain => domain is { IsRunning: false, IsBlocked: false, IsPaused: true });
        int shut = Count(domain => domain is { IsRunning: false, IsBlocked: false, IsPaused: false, IsShutDown: true });
        int dying = Count(domain => domain is { IsRunning: false, IsBlocked: false, IsPaused: false, IsShutDown: false, IsDying: true });
        int crashed = Count(domain => domain.IsCrashed);
        ulong used = now.TotalMemory - now.FreeMemory;
        return
        [
            string.Create(CultureInfo.InvariantCulture, $"xentop - {now.Time:HH:mm:ss}   Xen {now.Version}"),
            $"{now.Domains.Count} domains: {running} running, {blocked} blocked, {paused} paused, {crashed} crashed, {dying} dying, {shut} shutdown ",
            $"Mem: {now.TotalMemory / 1024}k total, {used / 1024}k used, {now.FreeMemory / 1024}k free    CPUs: {now.Cpus} @ {now.CpuKhz / 1000}MHz",
        ];
    }

    private TopDomain[] Sorted()
    {
        TopDomain[] domains = [.. now.Domains];
        return SortColumn switch
        {
            0 => [.. domains.OrderBy(domain => domain.Name, StringComparer.OrdinalIgnoreCase)],
            1 => [.. domains.OrderByDescending(StateRank)],
            18 => [.. domains.OrderBy(domain => domain.Ssid)],
            3 => [.. domains.OrderByDescending(CpuPercent)],
            int column => [.. domains.OrderByDescending(domain => Number(domain, column))],
        };
    }

    private static int StateRank(TopDomain domain) =>
        (domain.IsDying ? 32 : 0) | (domain.IsShutDown ? 16 : 0) | (domain.IsBlocked ? 8 : 0) | (domain.IsCrashed ? 4 : 0) | (domain.IsPaused ? 2 : 0) | (domain.IsRunning ? 1 : 0);

    private static ulong Number(TopDomain domain, int column) => column switch
    {
        2 => domain.CpuNs,
        4 or 5 => domain.Memory,
        6 or 7 => domain.MaxMemory ?? ulong.MaxValue,
        8 => (ulong)domain.Vcpus.Count,
        9 => (ulong)domain.Networks.Count,
        10 => domain.TxBytes / 1024,
        11 => domain.RxBytes / 1024,
        12 => (ulong)domain.Disks.Count,
        _ => domain.Disk(column - 13) ?? 0,
    };

    private double CpuPercent(TopDomain domain)
    {
        if (before?.Domains.FirstOrDefault(earlier => earlier.Id == domain.Id) is not { } old)
            return 0;
        double elapsedUs = (now.Time - before.Time).TotalMicroseconds;
        return elapsedUs > 0 ? ((double)domain.CpuNs - old.CpuNs) / 10.0 / elapsedUs : 0;
    }

    private void AddDomain(TopDomain domain)
    {
        string name = HasFullNames ? domain.Name : domain.Name.Length > 10 ? domain.Name[..10] : domain.Name;
        string state = $"{(domain.IsDying ? 'd' : '-')}{(domain.IsShutDown ? 's' : '-')}{(domain.IsBlocked ? 'b' : '-')}{(domain.IsCrashed ? 'c' : '-')}" +
            $"{(domain.IsPaused ? 'p' : '-')}{(domain.IsRunning ? 'r' : '-')}";
        string[] values =
        [
            name, state, Text(domain.CpuNs / 1_000_000_000), Tenths(CpuPercent(domain)), Text(domain.Memory / 1024), Tenths(Percent(domain.Memory)),
            domain.MaxMemory is { } most ? Text(most / 1024) : "no limit", domain.MaxMemory is { } limit ? Tenths(Percent(limit)) : "n/a", Text((ulong)domain.Vcpus.Count),
            Text((ulong)domain.Networks.Count), Text(domain.TxBytes / 1024), Text(domain.RxBytes / 1024), Text((ulong)domain.Disks.Count),
            .. Enumerable.Range(0, 5).Select(count => domain.Disk(count) is { } number ? Text(number) : "-"), Text(domain.Ssid),
        ];
        _lines.Add(string.Join(' ', values.Select((value, column) => value.PadLeft(_widths[column]))));
        if (HasVcpus)
            AddVcpus(domain);
        if (HasNetworks)
            AddNetworks(domain);
        if (HasDisks)
            AddDisks(domain);
    }

    private void AddVcpus(TopDomain domain)
    {
        string line = "VCPUs(sec): ";
        for (int vcpu = 0; vcpu < domain.Vcpus.Count; vcpu++)
        {
            if (!domain.Vcpus[vcpu].IsOnline)
                continue;
            if (vcpu != 0 && vcpu % 5 == 0)
            {
                _lines.Add(line);
                line = "        ";
            }
            line += string.Create(CultureInfo.InvariantCulture, $" {vcpu,2}: {domain.Vcpus[vcpu].TimeNs / 1_000_000_000,10}s");
        }
        _lines.Add(line);
    }

    private void AddNetworks(TopDomain domain)
    {
        for (int index = 0; index < domain.Networks.Count; index++)
        {
            TopNetwork n = domain.Networks[index];
            _lines.Add($"Net{index} RX: {n.RxBytes,8}bytes {n.RxPackets,8}pkts {n.RxErrors,8}err {n.RxDrops,8}drop  " +
                $"TX: {n.TxBytes,8}bytes {n.TxPackets,8}pkts {n.TxErrors,8}err {n.TxDrops,8}drop");
        }
    }

    private void AddDisks(TopDomain domain)
    {
        foreach (TopDisk disk in domain.Disks)
        {
            // Numbers of virtual devices are those of Linux in their old form: major and minor of eight bits.
            string details = $"[{disk.Device >> 8,2:x}:{disk.Device & 0xFF,2:x}] ";
            string Count(int index, int width) => (disk.Counts is { } counts ? Text(counts[index]) : "-").PadLeft(width);
            _lines.Add($"VBD {(disk.Type == 1 ? "BlkBack" : "BlkTap")} {disk.Device,4} {details} OO: {Count(0, 8)}   RD: {Count(1, 8)}   WR: {Count(2, 8)}   " +
                $"RSECT: {Count(3, 10)}   WSECT: {Count(4, 10)}");
        }
    }

    private double Percent(ulong bytes) => now.TotalMemory == 0 ? 0 : (double)bytes / now.TotalMemory * 100;

    private static string Text(ulong number) => number.ToString(CultureInfo.InvariantCulture);

    private static string Tenths(double number) => number.ToString("F1", CultureInfo.InvariantCulture);
}
