// SPDX-License-Identifier: MIT
// What xentop shows, as it is at one moment: from the hypervisor, xenstore, and dom0's own counters of backends. Figures of Xen 4.17's libxenstat.

using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Threading.Tasks;
using XenSharp.Abi;
using XenSharp.Control;
using XenSharp.XenstoreClient;

namespace XenSharp.Inspection;

internal sealed record TopNetwork(int Id, ulong RxBytes, ulong RxPackets, ulong RxErrors, ulong RxDrops, ulong TxBytes, ulong TxPackets, ulong TxErrors, ulong TxDrops);

/// <param name="Type">1 for blkback, 2 for blktap.</param>
/// <param name="Counts">Requests that waited, reads, writes, sectors read, sectors written; null if they cannot be read.</param>
internal sealed record TopDisk(int Type, uint Device, ulong[]? Counts);

internal sealed record TopVcpu(bool IsOnline, ulong TimeNs);

/// <param name="MaxMemory">Bytes; null for no limit.</param>
internal sealed record TopDomain(
    int Id, string Name, DomainInfoFlags Flags, ulong CpuNs, ulong Memory, ulong? MaxMemory, uint Ssid, IReadOnlyList<TopVcpu> Vcpus, IReadOnlyList<TopNetwork> Networks,
    IReadOnlyList<TopDisk> Disks)
{
    private const int ShutdownShift = 16;
    private const uint CrashCode = 3;       // SHUTDOWN_crash

    public bool IsDying => (Flags & DomainInfoFlags.Dying) != 0;

    public bool IsShutDown => (Flags & DomainInfoFlags.Shutdown) != 0;

    public bool IsCrashed => IsShutDown && (((uint)Flags >> ShutdownShift) & (uint)DomainInfoFlags.ShutdownMask) == CrashCode;

    public bool IsPaused => (Flags & DomainInfoFlags.Paused) != 0;

    public bool IsBlocked => (Flags & DomainInfoFlags.Blocked) != 0;

    public bool IsRunning => (Flags & DomainInfoFlags.Running) != 0;

    public ulong TxBytes => Networks.Aggregate(0UL, (sum, network) => sum + network.TxBytes);

    public ulong RxBytes => Networks.Aggregate(0UL, (sum, network) => sum + network.RxBytes);

    /// <summary>One of the counts of all disks; null if there are disks and none can be read.</summary>
    public ulong? Disk(int count) =>
        Disks.Count > 0 && Disks.All(disk => disk.Counts is null) ? null : Disks.Aggregate(0UL, (sum, disk) => sum + (disk.Counts?[count] ?? 0));
}

internal sealed record TopSnapshot(DateTime Time, string Version, ulong TotalMemory, ulong FreeMemory, uint Cpus, ulong CpuKhz, IReadOnlyList<TopDomain> Domains)
{
    private const ulong PageSize = 4096;

    public static async Task<TopSnapshot> TakeAsync(Hypervisor hypervisor, XenstoreConnection xenstore)
    {
        SysctlPhysInfo machine = hypervisor.GetPhysicalInfo();
        (int major, int minor, string extra) = hypervisor.GetVersion();
        ILookup<int, TopNetwork> networks = Backends.Networks().ToLookup(pair => pair.Domain, pair => pair.Network);
        ILookup<int, TopDisk> disks = Backends.Disks().ToLookup(pair => pair.Domain, pair => pair.Disk);
        List<TopDomain> domains = [];
        foreach (DomctlGetDomainInfo info in hypervisor.ListDomains())
        {
            // Without a name it is being built or destroyed.
            if (await xenstore.Store.ReadAsync(string.Create(CultureInfo.InvariantCulture, $"/local/domain/{info.Domain}/name")) is not { } name)
                continue;
            if (TryGetVcpus(hypervisor, info) is not { } vcpus)
                continue;
            ulong? most = info.MaxPages == uint.MaxValue ? null : info.MaxPages * PageSize;
            domains.Add(new TopDomain(info.Domain, name, info.Flags, info.CpuTime, info.TotalPages * PageSize, most, info.SsidRef, vcpus,
                [.. networks[info.Domain]], [.. disks[info.Domain]]));
        }
        return new TopSnapshot(DateTime.Now, string.Create(CultureInfo.InvariantCulture, $"{major}.{minor}{extra}"), machine.TotalPages * PageSize, machine.FreePages * PageSize,
            machine.CpuCount, machine.CpuKhz, domains);
    }

    private static TopVcpu[]? TryGetVcpus(Hypervisor hypervisor, in DomctlGetDomainInfo domain)
    {
        TopVcpu[] vcpus = new TopVcpu[(int)domain.MaxVcpuId + 1];
        try
        {
            for (uint vcpu = 0; vcpu < vcpus.Length; vcpu++)
            {
                DomctlGetVcpuInfo info = hypervisor.GetVcpuInfo(domain.Domain, vcpu);
                vcpus[vcpu] = new TopVcpu(info.Online != 0, info.CpuTime);
            }
            return vcpus;
        }
        catch (HypercallException)
        {
            // It goes away at this moment.
            return null;
        }
    }
}

/// <summary>Counters that dom0's kernel keeps for the backends that it runs.</summary>
internal static class Backends
{
    private static readonly string[] s_counts = ["oo_req", "rd_req", "wr_req", "rd_sect", "wr_sect"];

    /// <summary>The guests' interfaces among those of /proc/net/dev.</summary>
    public static IEnumerable<(int Domain, TopNetwork Network)> Networks(string root = "/")
    {
        string path = Path.Combine(root, "proc/net/dev");
        foreach (string line in File.Exists(path) ? File.ReadAllLines(path).Skip(2) : [])
        {
            int colon = line.IndexOf(':');
            if (colon < 0 || !TryFind(root, line[..colon].Trim(), out int domain, out int id))
                continue;
            ulong[] c = line[(colon + 1)..].Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(word => ulong.TryParse(word, out ulong count) ? count : 0).ToArray();
            if (c.Length >= 12)
                yield return (domain, new TopNetwork(id, c[0], c[1], c[2], c[3], c[8], c[9], c[10], c[11]));
        }
    }

    public static IEnumerable<(int Domain, TopDisk Disk)> Disks(string root = "/")
    {
        string folder = Path.Combine(root, "sys/bus/xen-backend/devices");
        string[] devices = Directory.Exists(folder) ? Directory.GetFileSystemEntries(folder) : [];
        foreach (string device in devices.Order(StringComparer.Ordinal))
        {
            string[] parts = Path.GetFileName(device).Split('-');
            if (parts.Length != 3 || parts[0] is not ("vbd" or "tap") || !int.TryParse(parts[1], out int domain) || !uint.TryParse(parts[2], out uint number))
                continue;
            ulong?[] counts = s_counts.Select(name => ReadCount(Path.Combine(device, "statistics", name))).ToArray();
            yield return (domain, new TopDisk(parts[0] == "vbd" ? 1 : 2, number, counts.Contains(null) ? null : Array.ConvertAll(counts, count => count!.Value)));
        }
    }

    private static bool TryFind(string root, string name, out int domain, out int id)
    {
        string nodeFile = Path.Combine(root, "sys/class/net", name, "device/nodename");
        string[] parts = [];
        if (File.Exists(nodeFile) && File.ReadAllText(nodeFile).Trim() is var node && node.StartsWith("backend/vif/", StringComparison.Ordinal))
            parts = node["backend/vif/".Length..].Split('/');
        else if (name.StartsWith("vif", StringComparison.Ordinal))
            parts = name[3..].Split('.');
        id = 0;
        domain = 0;
        return parts.Length >= 2 && int.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out domain) &&
            int.TryParse(parts[1].TakeWhile(char.IsAsciiDigit).ToArray(), NumberStyles.None, CultureInfo.InvariantCulture, out id);
    }

    private static ulong? ReadCount(string path)
    {
        try
        {
            return ulong.TryParse(File.ReadAllText(path).AsSpan().Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out ulong count) ? count : null;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
