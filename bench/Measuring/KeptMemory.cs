// SPDX-License-Identifier: MIT
// What a hypervisor keeps for itself, worked out from its boot log and its debug keys m and q. Used by LinuxBoot.

using System.Globalization;
using System.Linq;
using System.Text.RegularExpressions;
using XenSharp.Lab.Common;

namespace XenSharp.Bench.Measuring;

/// <summary>All in KiB. What is kept includes the nested page tables and IOMMU tables of dom0, which exist only for its sake.</summary>
internal sealed partial record KeptMemory(long System, long Dom0, long Free)
{
    private const int PageKiB = 4;

    public long Kept => System - Dom0 - Free;

    public static KeptMemory Parse(string console)
    {
        long free = Number(DomHeap(), console, "\"Dom heap: N kB free\" after debug key m");
        // Xen says 0 here where its heap is one with that of domains; we have no such line.
        free += XenHeap().Match(console) is { Success: true } heap ? Value(heap) : 0;
        return new KeptMemory(Number(SystemRam(), console, "\"System RAM: N MB (N kB)\" in the boot log"), Number(Dom0Pages(), console, "\"nr_pages=N\" after debug key q") * PageKiB, free);
    }

    [GeneratedRegex(@"Serial input to (?!DOM)")]
    public static partial Regex InputSwitched();

    [GeneratedRegex(@"(?:Dom|Xen and domain) heap: *(\d+) ?kB free")]
    public static partial Regex DomHeap();

    [GeneratedRegex(@"domain 0:[^/]*?nr_pages=(\d+) ")]
    public static partial Regex Dom0Pages();

    [GeneratedRegex(@"Xen heap: *(\d+) ?kB free")]
    private static partial Regex XenHeap();

    [GeneratedRegex(@"System RAM: *\d+ ?MB \((\d+) ?kB\)")]
    private static partial Regex SystemRam();

    private static long Number(Regex pattern, string console, string what) =>
        pattern.Matches(console).LastOrDefault() is { } match ? Value(match) : throw new LabException($"The console has no {what}.");

    private static long Value(Match match) => long.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture);
}
