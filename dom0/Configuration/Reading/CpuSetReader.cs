// SPDX-License-Identifier: MIT
// Sets of CPUs as text: "0-3,^1", "node:1", "all". Used by all readers, and by xl vcpu-pin. Behaviour: parse_cpurange of tools/xl/xl_parse.c.
using System;
using System.Collections.Generic;
using System.Linq;

namespace XenSharp.Configuration;

/// <summary>Reads sets of CPUs.</summary>
public static class CpuSetReader
{
    /// <summary>
    /// Reads a set: numbers, ranges, <c>node:</c> before them, <c>^</c> to take away what stood before, <c>all</c>; parted by commas. CPUs that the host cannot
    /// have are passed over, as in xl.
    /// </summary>
    /// <param name="text">The set.</param>
    /// <param name="host">The host.</param>
    /// <param name="set">The set, when the text is one.</param>
    /// <param name="fault">Else what is wrong.</param>
    /// <param name="faultIndex">And where in the text.</param>
    public static bool TryRead(string text, HostTopology host, out Bitmap set, out string fault, out int faultIndex)
    {
        var cpus = new SortedSet<int>();
        faultIndex = 0;
        fault = "";
        set = Bitmap.Empty;
        foreach (string part in text.Split(','))
        {
            if (part.Length > 0 && Apply(part, host, cpus) is { } message)
            {
                fault = message;
                return false;
            }
            faultIndex += part.Length + 1;
        }
        set = new Bitmap(cpus);
        return true;
    }

    private static string? Apply(string part, HostTopology host, SortedSet<int> cpus)
    {
        string rest = part;
        bool isRemoval = Skip("^"), isNode = Skip("node:") || Skip("nodes:");
        if (rest == "all")
        {
            if (isRemoval) return "'^' cannot be combined with 'all'";
            cpus.UnionWith(host.AllCpus);
            return null;
        }
        if (!TryReadRange(rest, out ulong first, out ulong last)) return $"'{part}' is no number or range of {(isNode ? "nodes" : "CPUs")}";
        if (isNode && !host.IsKnown) return $"'{part}': the nodes of the host are not known";
        ulong most = isNode ? (ulong)host.NodeCpus.Count : (ulong)host.CpuBits;
        for (ulong id = first; id <= last && id < most; id++)
        {
            IEnumerable<int> chosen = isNode ? host.CpusOf(id) : [(int)id];
            if (isRemoval) cpus.ExceptWith(chosen);
            else cpus.UnionWith(chosen);
        }
        return null;

        bool Skip(string prefix)
        {
            if (!rest.StartsWith(prefix, StringComparison.Ordinal)) return false;
            rest = rest[prefix.Length..];
            return true;
        }
    }

    /// <summary>Reads <c>N</c> or <c>N-M</c> and nothing more.</summary>
    internal static bool TryReadRange(string text, out ulong first, out ulong last)
    {
        int at = 0;
        last = 0;
        if (!Reading.CNumber.TryReadUnsigned(text, ref at, 10, out first) || first == ulong.MaxValue) return false;
        last = first;
        if (at < text.Length && text[at] == '-')
        {
            at++;
            if (!Reading.CNumber.TryReadUnsigned(text, ref at, 10, out last) || last == ulong.MaxValue || last < first) return false;
        }
        return at == text.Length;
    }
}
