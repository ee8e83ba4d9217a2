// SPDX-License-Identifier: MIT
// xen-cpuid: feature sets and CPU policies. Options and form of Xen 4.17's tools/misc/xen-cpuid.c. Called by InspectionTools.

using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using XenSharp.Abi;
using XenSharp.CommandLine;
using XenSharp.Control;

namespace XenSharp.Inspection;

internal static class CpuidTool
{
    private static readonly GetOptions s_options = new("hidvp::", ["help:h", "info:i", "detail:d", "verbose:v", "policy?p"]);

    /// <summary>By XEN_SYSCTL_cpu_featureset_*.</summary>
    private static readonly string[] s_dynamicSets = ["Raw", "Host", "PV Default", "HVM Default", "PV Max", "HVM Max"];

    /// <summary>By XEN_SYSCTL_cpu_policy_*.</summary>
    private static readonly string[] s_policies = ["Raw", "Host", "PV Max", "HVM Max", "PV Default", "HVM Default"];

    public static int Run(string name, string[] arguments, TextWriter output, TextWriter errors)
    {
        bool isDetailed = false, isInfo = false, isPolicy = false;
        string? domain = null;
        List<string> words;
        try
        {
            foreach ((char option, string value) in s_options.Parse(arguments, out words))
            {
                switch (option)
                {
                    case 'h': return Help(name, output);
                    case 'i': isInfo = true; break;
                    case 'p':
                        isPolicy = true;
                        domain = value.Length > 0 ? value : domain;
                        break;
                    default: isInfo = isDetailed = true; break;
                }
            }
        }
        catch (FormatException failure)
        {
            errors.WriteLine($"{name}: {failure.Message}");
            output.WriteLine("Bad option '?'");
            return Help(name, output);
        }
        if (isPolicy)
            return PrintPolicies(name, domain ?? words.FirstOrDefault(), output, errors);
        if (!isInfo && words.Count > 0 && words[0] is "info" or "detail")
            (isInfo, isDetailed) = (true, words[0] == "detail");
        if (!isInfo && words.Count > 0)
        {
            foreach (string word in words)
                Interpret(word, output, errors);
            return 0;
        }
        using Hypervisor hypervisor = Hypervisor.Open();
        PrintSets(index => hypervisor.GetFeatureSet((uint)index), isDetailed, output);
        return 0;
    }

    /// <param name="get">A set of the hypervisor by its number; null if it has none.</param>
    internal static void PrintSets(Func<int, uint[]?> get, bool isDetailed, TextWriter output)
    {
        uint[] raw = get(0) ?? [];
        output.WriteLine($"nr_features: {raw.Length}");
        if (!isDetailed)
        {
            output.Write($"       {"KEY",24} ");
            foreach (FeatureWord word in FeatureNames.Words)
                output.Write($"{word.Key,-8} ");
            output.WriteLine();
        }
        output.WriteLine("\nStatic sets:");
        foreach ((string name, uint[] words) in FeatureNames.StaticSets)
        {
            uint[] shown = new uint[raw.Length];
            words.AsSpan(0, Math.Min(words.Length, raw.Length)).CopyTo(shown);
            PrintSet(name, shown, isDetailed, output);
        }
        output.WriteLine("\nDynamic sets:");
        for (int index = 0; index < s_dynamicSets.Length; index++)
        {
            if ((index == 0 ? raw : get(index)) is { } words)
                PrintSet(s_dynamicSets[index], words, isDetailed, output);
            else
                output.WriteLine($"{s_dynamicSets[index]} featureset not supported by Xen");
        }
    }

    internal static void PrintSet(string name, ReadOnlySpan<uint> words, bool isDetailed, TextWriter output)
    {
        output.Write($"{name,-24}        ");
        for (int index = 0; index < words.Length; index++)
            output.Write($"{words[index]:x8}{(index < words.Length - 1 ? ':' : '\n')}");
        for (int index = 0; isDetailed && index < Math.Min(words.Length, FeatureNames.Words.Length); index++)
        {
            FeatureWord word = FeatureNames.Words[index];
            output.Write($"  [{index:D2}] {word.Name,-24}");
            for (int bit = 0; bit < 32; bit++)
            {
                if ((words[index] & (1u << bit)) != 0)
                    output.Write(word.Bits[bit] is { } text ? $" {text}" : $" <{bit}>");
            }
            output.WriteLine();
        }
    }

    /// <summary>A set in the form WORD:WORD:...; what cannot be read behind some words is said.</summary>
    internal static void Interpret(string text, TextWriter output, TextWriter errors)
    {
        List<uint> words = [];
        string rest = text;
        while (words.Count < FeatureNames.Words.Length)
        {
            string digits = new([.. rest.SkipWhile(char.IsWhiteSpace)]);
            string number = digits.StartsWith("0x", StringComparison.OrdinalIgnoreCase) ? digits[2..] : digits;
            int length = number.TakeWhile(char.IsAsciiHexDigit).Count();
            if (length == 0)
                break;
            words.Add(unchecked((uint)ulong.Parse(number[Math.Max(0, length - 16)..length], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture)));
            rest = number[length..];
            if (words.Count == FeatureNames.Words.Length || !rest.StartsWith(':'))
                break;
            rest = rest[1..];
        }
        if (words.Count == 0)
        {
            errors.WriteLine($"'{text}' unrecognized - skipping");
            return;
        }
        if (rest.Length > 0)
            errors.WriteLine($"'{rest}' unrecognized - ignoring");
        PrintSet("Raw", System.Runtime.InteropServices.CollectionsMarshal.AsSpan(words), isDetailed: true, output);
    }

    internal static void PrintPolicy(string name, CpuPolicy policy, TextWriter output)
    {
        output.WriteLine($"{name} policy: {policy.Leaves.Length} leaves, {policy.Msrs.Length} MSRs");
        output.WriteLine(" CPUID:");
        output.WriteLine($"  {"leaf",-8} {"subleaf",-8} -> {"eax",-8} {"ebx",-8} {"ecx",-8} {"edx",-8}");
        foreach (CpuidLeaf leaf in policy.Leaves)
        {
            if ((leaf.A | leaf.B | leaf.C | leaf.D) != 0)
                output.WriteLine($"  {leaf.Leaf:x8}:{leaf.Subleaf:x8} -> {leaf.A:x8}:{leaf.B:x8}:{leaf.C:x8}:{leaf.D:x8}");
        }
        output.WriteLine(" MSRs:");
        output.WriteLine($"  {"index",-8} -> {"value",-16}");
        foreach (MsrEntry entry in policy.Msrs)
            output.WriteLine($"  {entry.Index:x8} -> {entry.Value:x16}");
    }

    private static int PrintPolicies(string name, string? domain, TextWriter output, TextWriter errors)
    {
        using Hypervisor hypervisor = Hypervisor.Open();
        if (domain is not null)
        {
            if (!ushort.TryParse(domain, NumberStyles.None, CultureInfo.InvariantCulture, out ushort id))
            {
                errors.WriteLine($"{name}: '{domain}' is no number of a domain");
                return 1;
            }
            PrintPolicy($"Domain {id}", hypervisor.GetCpuPolicy(id), output);
            return 0;
        }
        (int leaves, int msrs) = hypervisor.GetPolicySize();
        output.WriteLine($"Xen reports there are maximum {leaves} leaves and {msrs} MSRs");
        for (int index = 0; index < s_policies.Length; index++)
        {
            if (hypervisor.GetSystemPolicy((uint)index) is { } policy)
                PrintPolicy(s_policies[index], policy, output);
            else
                output.WriteLine($"{s_policies[index]} policy not supported by Xen");
        }
        return 0;
    }

    private static int Help(string name, TextWriter output)
    {
        output.WriteLine($"Usage: {name} [ info | detail | <featureset>* ]");
        return 0;
    }
}
