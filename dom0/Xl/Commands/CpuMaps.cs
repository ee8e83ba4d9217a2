// SPDX-License-Identifier: MIT
// Maps of CPUs and nodes as xl prints them. Used by the commands beside this file.

using System;
using System.Linq;
using System.Text;
using System.Text.Json;
using XenSharp.Configuration;

namespace XenSharp.Xl.Commands;

internal static class CpuMaps
{
    /// <summary>"all", "none", or ranges: 0-3,6.</summary>
    public static string Format(ReadOnlySpan<bool> map)
    {
        if (!map.Contains(true))
            return "none";
        if (!map.Contains(false))
            return "all";
        StringBuilder text = new();
        for (int first = 0; first < map.Length; first++)
        {
            if (!map[first])
                continue;
            int last = first;
            while (last + 1 < map.Length && map[last + 1])
                last++;
            text.Append(text.Length > 0 ? "," : "").Append(first);
            if (last > first)
                text.Append('-').Append(last);
            first = last;
        }
        return text.ToString();
    }

    /// <summary>The numbers that are in the map.</summary>
    public static int[] Members(bool[] map) => [.. Enumerable.Range(0, map.Length).Where(index => map[index])];

    /// <summary>The set as a map of so many CPUs; those beyond it are left out.</summary>
    public static bool[] From(Bitmap set, int cpus)
    {
        bool[] map = new bool[cpus];
        foreach (int cpu in set.TakeWhile(cpu => cpu < cpus))
            map[cpu] = true;
        return map;
    }

    /// <summary>As libxl's bitmaps are in JSON.</summary>
    public static void Write(Utf8JsonWriter json, string name, bool[] map)
    {
        json.WriteStartArray(name);
        foreach (int member in Members(map))
            json.WriteNumberValue(member);
        json.WriteEndArray();
    }
}
