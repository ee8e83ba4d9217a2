// SPDX-License-Identifier: MIT
// Prints what XenstoreBench measured: a line for each load with the goals' ratios, then memory, restart and watches; or JSON lines.

using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;

namespace XenSharp.Bench.Xenstore;

internal static class BenchReport
{
    private const int RequestsPerTransaction = 12;

    public static void Write(TextWriter output, IReadOnlyList<Measurement> measurements, IReadOnlyList<string> remarks, bool isJson)
    {
        if (isJson)
        {
            foreach (Measurement one in measurements)
            {
                output.WriteLine(string.Create(CultureInfo.InvariantCulture,
                    $"{{\"load\":\"{one.Load}\",\"clients\":{one.Clients},\"nodes\":{one.Nodes},\"subject\":\"{one.Subject}\",\"perSecond\":{one.Result.PerSecond:0.0},\"p50Us\":{one.Result.P50Us:0.0},\"p99Us\":{one.Result.P99Us:0.0},\"maxUs\":{one.Result.MaxUs:0.0},\"cpuUs\":{one.CpuUsPerUnit:0.00},\"conflicts\":{one.Result.Failures}}}"));
            }
            return;
        }
        output.WriteLine($"{"load",-12} {"nodes",9} {"clients",7}  {"subject",-6} {"per second",10} {"p50 us",8} {"p99 us",8} {"max us",9} {"CPU us",7} {"conflicts",9}  of the echo server's rate, of its p50");
        foreach (IGrouping<(string, int, int), Measurement> group in measurements.GroupBy(one => (one.Load, one.Nodes, one.Clients)))
        {
            Measurement? echo = group.FirstOrDefault(one => one.Subject == "echo")
                ?? measurements.FirstOrDefault(one => one.Subject == "echo" && one.Load == "write" && one.Nodes == group.Key.Item2 && one.Clients == group.Key.Item3);
            int requests = group.Key.Item1 == "transaction" ? RequestsPerTransaction : 1;
            foreach (Measurement one in group)
            {
                string share = echo is null || one.Subject == "echo" ? "" : string.Create(CultureInfo.InvariantCulture,
                    $"{one.Result.PerSecond * requests / echo.Result.PerSecond,6:0%} {one.Result.P50Us / (echo.Result.P50Us * requests),6:0.00}");
                output.WriteLine(string.Create(CultureInfo.InvariantCulture,
                    $"{one.Load,-12} {one.Nodes,9} {one.Clients,7}  {one.Subject,-6} {one.Result.PerSecond,10:0} {one.Result.P50Us,8:0} {one.Result.P99Us,8:0} {one.Result.MaxUs,9:0} {one.CpuUsPerUnit,7:0.0} {one.Result.Failures,9}  {share}"));
            }
        }
        foreach (string remark in remarks)
            output.WriteLine(remark);
    }
}
