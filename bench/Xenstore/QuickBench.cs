// SPDX-License-Identifier: MIT
// temp
using System;
using System.Diagnostics;
using System.Linq;
using XenSharp.Abi;
namespace XenSharp.Bench.Xenstore;
internal static class QuickBench
{
    public static int Run(string[] a)
    {
        string path = a[0]; int nodes = int.Parse(a[1]); bool echo = a.Length > 2 && a[2] == "echo";
        StoreShape shape = new(nodes);
        if (!echo) { using LoadGenerator g = new(path, [new Population(shape)]); Print("populate", g.Run(TimeSpan.FromSeconds(600), nodes)); }
        foreach (int clients in new[] { 1, 16, 256 })
        {
            foreach ((string name, Func<Random, byte[]> make) in new (string, Func<Random, byte[]>)[] {
                ("read", r => Requests.Make(XenstoreMessageType.Read, StoreShape.Node(r.Next(shape.Directories), r.Next(100)) + "|")),
                ("write", r => Requests.Make(XenstoreMessageType.Write, StoreShape.Node(r.Next(shape.Directories), r.Next(100)) + "|0123456789abcdef")),
                ("dir", r => Requests.Make(XenstoreMessageType.Directory, "/bench/d" + r.Next(shape.Directories) + "|")) })
            {
                using LoadGenerator g = new(path, Enumerable.Range(0, clients).Select(c => new SingleRequests(c, make)));
                Print($"{name} x{clients}", g.Run(TimeSpan.FromSeconds(1.5)));
            }
            if (echo) continue;
            using (LoadGenerator g = new(path, Enumerable.Range(0, clients).Select(c => new Transactions(c, clients, shape)))) Print($"tx x{clients}", g.Run(TimeSpan.FromSeconds(1.5)));
            if (clients < 256) using (LoadGenerator g = new(path, Enumerable.Range(0, clients).Select(c => new WatchedWrites(c, 1)))) Print($"watch x{clients}", g.Run(TimeSpan.FromSeconds(1)));
        }
        return 0;
    }
    static void Print(string n, LoadResult r) => Console.WriteLine($"{n,-14} {r.PerSecond,9:0}/s p50 {r.P50Us,6:0} p99 {r.P99Us,6:0} p99.9 {r.P999Us,6:0} max {r.MaxUs,7:0} fail {r.Failures}");
}
