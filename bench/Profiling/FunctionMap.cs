// SPDX-License-Identifier: MIT
// Which function of the hypervisor an address lies in, as nm tells it. Used by ExitProfile.

using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Text.RegularExpressions;
using XenSharp.Lab.Common;

namespace XenSharp.Bench.Profiling;

internal sealed partial class FunctionMap
{
    private readonly ulong[] _addresses;
    private readonly string[] _names;

    private FunctionMap(IReadOnlyCollection<(ulong Address, string Name)> functions)
    {
        _addresses = functions.Select(function => function.Address).ToArray();
        _names = functions.Select(function => function.Name).ToArray();
    }

    /// <summary>The first function's address and one past the last's.</summary>
    public (ulong First, ulong End) Range => (_addresses[0], _addresses[^1] + 1);

    public static FunctionMap Read(string file)
    {
        ProgramResult listed = HostProgram.Capture("nm", ["--defined-only", file]);
        if (!listed.Succeeded)
            throw new LabException($"The symbols in {file} cannot be read: {listed.Errors.Trim()}.");
        return Parse(listed.Output);
    }

    /// <summary>Lines of nm: ADDRESS TYPE NAME. Code below 4 GiB runs only before the hypervisor has its own page tables.</summary>
    public static FunctionMap Parse(string listing)
    {
        List<(ulong, string)> functions = [];
        foreach (string[] words in listing.Split('\n').Select(line => line.Split(' ', 3)))
        {
            if (words.Length == 3 && words[1] is "T" or "t" or "W" or "w"
                && ulong.TryParse(words[0], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ulong address) && address > uint.MaxValue)
            {
                functions.Add((address, Readable(words[2])));
            }
        }
        return functions.Count > 0 ? new FunctionMap(functions.OrderBy(function => function.Item1).ToList()) : throw new LabException("The hypervisor has no symbols.");
    }

    public string NameOf(ulong address)
    {
        int index = Array.BinarySearch(_addresses, address);
        if (index < 0)
            index = ~index - 1;
        return index < 0 ? $"0x{address:x}" : _names[index];
    }

    /// <summary>The compiler puts the assembly's name before the namespace's, and two underlines before the method's.</summary>
    private static string Readable(string symbol) => Assembly().Replace(symbol, "").Replace("__", ".");

    [GeneratedRegex(@"^XenSharp_\w+?_(?=XenSharp_|System_)")]
    private static partial Regex Assembly();
}
