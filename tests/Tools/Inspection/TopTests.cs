// SPDX-License-Identifier: MIT
// xentop's table: what Xen 4.17's prints for the same figures.

using System;
using System.IO;
using System.Linq;
using XenSharp.Abi;
using XenSharp.Inspection;
using Xunit;

namespace XenSharp.Tests.Tools.Inspection;

public sealed class TopTests
{
    private static readonly DateTime s_time = new(2026, 2, 3, 4, 5, 6);

    [Fact]
    public void ColumnsAreThoseOfXen()
    {
        string[] lines = [.. new TopTable(null, Snapshot()).Lines()];
        Assert.Equal(
            [
                "      NAME  STATE   CPU(sec) CPU(%)     MEM(k) MEM(%)  MAXMEM(k) MAXMEM(%) VCPUS NETS NETTX(k) NETRX(k) VBDS   VBD_OO   VBD_RD   VBD_WR  VBD_RSECT  VBD_WSECT SSID",
                "  Domain-0 -----r         12    0.0     655356   31.2   no limit       n/a     1    0        0        0    0        0        0        0          0          0    0",
                "with-a-ver --b---          3    0.0      32836    1.6      66560       3.2     2    1        2        1    1        1        2        3          4          5    0",
            ], lines);
    }

    [Fact]
    public void CpuIsTheShareOfTheTimeBetween()
    {
        TopSnapshot before = Snapshot(), now = before with { Time = s_time.AddSeconds(2), Domains = [before.Domains[0] with { CpuNs = before.Domains[0].CpuNs + 1_000_000_000 }] };
        Assert.Contains("   50.0 ", new TopTable(before, now).Lines()[1]);
    }

    [Fact]
    public void DetailsStandBelowTheirDomain()
    {
        TopTable table = new(null, Snapshot()) { HasVcpus = true, HasNetworks = true, HasDisks = true, RepeatsHeader = true, HasFullNames = true };
        string[] lines = [.. table.Lines()];
        Assert.Equal("VCPUs(sec):   0:         12s", lines[2]);
        Assert.Equal([0, 3], table.Headers.Order());
        Assert.StartsWith("with-a-very-long-name --b---", lines[4]);
        Assert.Equal("VCPUs(sec):   0:          3s", lines[5]);
        Assert.Equal("Net0 RX:     1024bytes        5pkts        0err        1drop  TX:     2048bytes        6pkts        0err        0drop", lines[6]);
        Assert.Equal("VBD BlkBack 51712 [ca: 0]  OO:        1   RD:        2   WR:        3   RSECT:          4   WSECT:          5", lines[7]);
    }

    [Fact]
    public void TheSummaryCountsStates()
    {
        Assert.Equal(
            ["xentop - 04:05:06   Xen 4.17.7", "2 domains: 1 running, 1 blocked, 0 paused, 0 crashed, 0 dying, 0 shutdown ",
                "Mem: 2097152k total, 1048576k used, 1048576k free    CPUs: 1 @ 2000MHz"],
            new TopTable(null, Snapshot()).Summary());
    }

    [Fact]
    public void AnyColumnOrders()
    {
        TopSnapshot snapshot = Snapshot();
        Assert.Contains("Domain-0", new TopTable(null, snapshot) { SortColumn = 4 }.Lines()[1]);
        Assert.Contains("with-a-ver", new TopTable(null, snapshot) { SortColumn = 10 }.Lines()[1]);
        for (int column = 0; column < TopTable.Columns; column++)
            Assert.Equal(3, new TopTable(null, snapshot) { SortColumn = column }.Lines().Count);
    }

    [Fact]
    public void KeysChangeTheView()
    {
        TopSettings settings = new();
        TopScreen screen = new(settings);
        Assert.True(screen.Handle("nbv"));
        Assert.True(settings is { HasNetworks: true, HasDisks: true, HasVcpus: true });
        Assert.True(screen.Handle("s"));
        Assert.Equal(1, settings.SortColumn);
        Assert.True(screen.Handle("d"));
        Assert.True(screen.Handle("1q\u007F0\r"));
        Assert.Equal(10, settings.DelaySeconds);
        Assert.True(screen.Handle("\e[B"));
        string frame = screen.Frame(null, Snapshot(), rows: 8, columns: 40);
        Assert.DoesNotContain("with-a-ver", frame);
        Assert.All(frame.Split("\r\n")[..^1], line => Assert.True(line.Replace("\e[7m", "").Replace("\e[0m", "").Replace("\e[K", "").Replace("\e[H", "").Length <= 40));
        Assert.False(screen.Handle("q"));
    }

    [Fact]
    public void CountersOfBackendsAreRead()
    {
        string root = Directory.CreateTempSubdirectory("xentop").FullName;
        try
        {
            Directory.CreateDirectory(Path.Combine(root, "proc/net"));
            File.WriteAllText(Path.Combine(root, "proc/net/dev"), "Inter-|   Receive\n face |bytes\n" +
                "    lo: 9 9 9 9 0 0 0 0 9 9 9 9 0 0 0 0\n" +
                "vif7.1: 1 2 3 4 0 0 0 0 5 6 7 8 0 0 0 0\nvif7.0-emu:1 2 3 4 0 0 0 0 5 6 7 8 0 0 0 0\n");
            Write(root, "vbd-7-51712", "oo_req", "1", "rd_req", "2", "wr_req", "3", "rd_sect", "4", "wr_sect", "5\n");
            Write(root, "vbd-7-51728", "oo_req", "1");
            Write(root, "vif-7-0", "x", "1");
            Assert.Equal([(7, new TopNetwork(1, 1, 2, 3, 4, 5, 6, 7, 8)), (7, new TopNetwork(0, 1, 2, 3, 4, 5, 6, 7, 8))], Backends.Networks(root));
            var disks = Backends.Disks(root).ToArray();
            Assert.Equal([51712u, 51728u], disks.Select(disk => disk.Disk.Device));
            Assert.Equal([1UL, 2, 3, 4, 5], disks[0].Disk.Counts!);
            Assert.Null(disks[1].Disk.Counts);
        }
        finally
        {
            Directory.Delete(root, recursive: true);
        }
    }

    private static void Write(string root, string device, params string[] pairs)
    {
        string folder = Directory.CreateDirectory(Path.Combine(root, "sys/bus/xen-backend/devices", device, "statistics")).FullName;
        for (int index = 0; index < pairs.Length; index += 2)
            File.WriteAllText(Path.Combine(folder, pairs[index]), pairs[index + 1]);
    }

    private static TopSnapshot Snapshot() => new(s_time, "4.17.7", 2UL << 30, 1UL << 30, 1, 2_000_000,
    [
        new TopDomain(0, "Domain-0", DomainInfoFlags.Running, 12_500_000_000, 655356UL * 1024, null, 0, [new TopVcpu(true, 12_500_000_000)], [], []),
        new TopDomain(7, "with-a-very-long-name", DomainInfoFlags.Blocked | DomainInfoFlags.HvmGuest, 3_000_000_000, 32836UL * 1024, 66560UL * 1024, 0,
            [new TopVcpu(true, 3_000_000_000), new TopVcpu(false, 0)], [new TopNetwork(0, 1024, 5, 0, 1, 2048, 6, 0, 0)], [new TopDisk(1, 51712, [1, 2, 3, 4, 5])]),
    ]);
}
