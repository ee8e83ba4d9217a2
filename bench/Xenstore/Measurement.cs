// SPDX-License-Identifier: MIT
// One kind of load on one daemon, and what a table shows of it. Used by XenstoreBench.

using System;
using System.Diagnostics;
using System.Globalization;
using System.IO;

namespace XenSharp.Bench.Xenstore;

/// <summary>A daemon, or the echo server.</summary>
internal sealed record Subject(string Name, string Path, int ProcessId)
{
    /// <summary>The process that works: a keeper's child is it.</summary>
    public int WorkerId
    {
        get
        {
            foreach (string task in Directory.GetDirectories($"/proc/{ProcessId}/task"))
            {
                string children = File.ReadAllText($"{task}/children").Trim();
                if (children.Length > 0)
                    return int.Parse(children.Split(' ')[0], CultureInfo.InvariantCulture);
            }
            return ProcessId;
        }
    }

    /// <summary>CPU time so far, in seconds, and resident memory in bytes.</summary>
    public (double Seconds, long Resident) Use()
    {
        using Process process = Process.GetProcessById(WorkerId);
        return (process.TotalProcessorTime.TotalSeconds, process.WorkingSet64);
    }
}

internal sealed record Measurement(string Load, int Clients, int Nodes, string Subject, LoadResult Result, double CpuUsPerUnit);
