// SPDX-License-Identifier: MIT
// What a PVH dom0 saw on real Xen 4.17 (tests/Boot/Golden), and a machine that has all of it and more.

using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;

namespace XenSharp.Tests.Unit.CpuPolicy;

internal sealed class GoldenCpu
{
    public Dictionary<(uint Leaf, uint Subleaf), uint?[]> Leaves { get; } = [];

    /// <summary>Reads before x2APIC mode was on: the value, or null for #GP.</summary>
    public Dictionary<uint, ulong?> Reads { get; } = [];

    /// <summary>Writes: MSR, "its own value", "zero" or "all ones", and whether Xen accepted it.</summary>
    public List<(uint Msr, string What, bool Accepted)> Writes { get; } = [];

    public static GoldenCpu Load()
    {
        GoldenCpu golden = new();
        using Stream stream = typeof(GoldenCpu).Assembly.GetManifestResourceStream("CpuPolicy.xen-4.17-pvh-dom0-cpuid.txt")!;
        using StreamReader reader = new(stream);
        string section = "";
        while (reader.ReadLine() is { } line)
        {
            string[] words = line.Split(' ');
            if (words[0] == "==")
                section = line;
            else if (words[0] == "cpuid")
                golden.Leaves[((uint)Number(words[1])!, (uint)Number(words[2])!)] = [Register(words[3]), Register(words[4]), Register(words[5]), Register(words[6])];
            else if (words[0] == "rdmsr" && section == "== msr" && !line.Contains('<'))
                golden.Reads[(uint)Number(words[1])!] = words[2] == "#GP" ? null : Number(words[2]);
            else if (words[0] == "wrmsr")
                golden.AddWrites((uint)Number(words[1])!, line[(line.IndexOf(' ', 6) + 1)..]);
        }

        return golden;
    }

    /// <summary>CPUID of a machine on which Xen would show the golden leaves: they, and all that must be hidden.</summary>
    public (uint Eax, uint Ebx, uint Ecx, uint Edx) Machine(uint leaf, uint subleaf)
    {
        uint?[] shown = Leaves.GetValueOrDefault((leaf, subleaf)) ?? [0, 0, 0, 0];
        uint eax = shown[0] ?? 0, ebx = shown[1] ?? 0, ecx = shown[2] ?? 0, edx = shown[3] ?? 0;
        switch (leaf)
        {
            case 1: // another APIC id; MONITOR, OSXSAVE, PDCM; no HYPERVISOR, x2APIC; debug store and thermal bits
                return (eax, ebx | 0x0500_0000, (ecx | 0x0800_8008) & ~0x8020_0000U, edx | 0x2020_0000);
            case 5 or 6 or 0x8000_000a or 0x8000_001b or 0x8000_001d or 0x8000_001e:
                return (1, 1, 1, 1);
            case 7 when subleaf == 0: // TSC_ADJUST, PQM; OSPKE; SPEC_CTRL, STIBP, ARCH_CAPABILITIES
                return (eax, ebx | 0x1002, ecx | 0x10, edx | 0x2c00_0000);
            case 0xd when subleaf == 1:
                return (eax | 8, 0x340, 0x800, 0);
            case 0x8000_0001: // SVM, EXTAPIC, IBS, LWP, TOPOEXT, perf counters
                return (eax, ebx, ecx | 0x00c0_840c | 0x0080_0000, edx);
            case 0x8000_0007: // invariant TSC
                return (0, 0, 0, 0x100);
            case 0x8000_0008: // IBPB, IBRS, STIBP; number of cores
                return (eax, 0x0000_d000, ecx | 0x100, edx | 7);
            default:
                return (eax, ebx, ecx, edx);
        }
    }

    private void AddWrites(uint msr, string results)
    {
        foreach (string result in results.Split(", "))
        {
            int colon = result.IndexOf(':');
            string outcome = result[(colon + 2)..];
            if (outcome != "not tried")
                Writes.Add((msr, result[..colon], outcome == "accepted"));
        }
    }

    private static uint? Register(string word) => (uint?)Number(word);

    // "name=0x12", "name=0"; null when the file only says <nonzero>.
    private static ulong? Number(string word)
    {
        string value = word[(word.IndexOf('=') + 1)..];
        if (value.StartsWith('<'))
            return null;
        return value.StartsWith("0x") ? ulong.Parse(value.AsSpan(2), NumberStyles.HexNumber, CultureInfo.InvariantCulture) : ulong.Parse(value, CultureInfo.InvariantCulture);
    }
}
