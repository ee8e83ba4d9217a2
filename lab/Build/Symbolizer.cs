// SPDX-License-Identifier: MIT
// Turns the addresses in a panic's text into source lines, through addr2line. Used by the symbolize and run commands.

using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Text;
using System.Text.RegularExpressions;
using XenSharp.Lab.Common;
using XenSharp.Lab.Packages;

namespace XenSharp.Lab.Build;

/// <summary>
/// Knows two spellings: <c>name+0x1a</c>, where the name is a symbol of the hypervisor, and plain hexadecimal numbers of 16 digits that lie in its code.
/// </summary>
public static partial class Symbolizer
{
    private const int LinesAfterPanic = 60;

    /// <summary>The part of a console that tells of the hypervisor's panic, with source lines; null when there is no panic or no symbols.</summary>
    public static string? ExplainPanic(string console)
    {
        if (!File.Exists(Repository.Symbols))
            return null;
        string[] lines = console.Replace("\r", "").Split('\n');
        int panic = Array.FindIndex(lines, line => line.Contains("Panic on CPU", StringComparison.Ordinal));
        if (panic < 0)
            return null;
        int first = Math.Max(0, panic - LinesAfterPanic);
        string[] near = lines[first..Math.Min(lines.Length, panic + LinesAfterPanic)];
        string explained = Explain(string.Join('\n', near), Repository.Symbols, onlyExplained: true);
        return explained.Length > 0 ? explained : null;
    }

    /// <summary>The text with <c> -> FILE:LINE</c> put behind each address that is known.</summary>
    /// <param name="onlyExplained">Leaves out lines without a known address.</param>
    public static string Explain(string text, string symbols, bool onlyExplained = false)
    {
        HostTools.Require(HostTool.Binutils);
        SymbolTable table = SymbolTable.Read(symbols);
        string[] lines = text.Split('\n');
        Dictionary<int, List<Place>> found = [];
        for (int index = 0; index < lines.Length; index++)
        {
            bool isReturn = StackEntry().IsMatch(lines[index]);
            List<Place> addresses = Addresses(lines[index], table).Distinct().Select(address => new Place(address, isReturn)).ToList();
            if (addresses.Count > 0)
                found[index] = addresses;
        }
        Dictionary<Place, string> places = Places(symbols, found.Values.SelectMany(list => list).Distinct().ToArray());
        StringBuilder result = new();
        for (int index = 0; index < lines.Length; index++)
        {
            string[] known = found.TryGetValue(index, out List<Place>? addresses) ? addresses.Select(address => places.GetValueOrDefault(address, "")).Where(place => place.Length > 0).ToArray() : [];
            if (known.Length > 0)
                result.Append($"{lines[index].TrimEnd()}  -> {string.Join(", ", known)}\n");
            else if (!onlyExplained)
                result.Append(lines[index]).Append('\n');
        }
        return result.ToString().TrimEnd('\n');
    }

    private static IEnumerable<ulong> Addresses(string line, SymbolTable table)
    {
        foreach (Match match in SymbolAndOffset().Matches(line))
        {
            if (table.AddressOf(match.Groups["symbol"].Value) is { } start)
                yield return start + Parse(match.Groups["offset"].Value);
        }
        foreach (Match match in PlainAddress().Matches(line))
        {
            ulong address = Parse(match.Groups["address"].Value);
            if (table.IsCode(address))
                yield return address;
        }
    }

    private static Dictionary<Place, string> Places(string symbols, Place[] addresses)
    {
        if (addresses.Length == 0)
            return [];
        ProgramResult result = HostProgram.Capture("addr2line", ["-e", symbols, .. addresses.Select(address => $"0x{address.LookedUp:x}")]);
        string[] lines = result.Output.Split('\n');
        return addresses.Zip(lines).Where(pair => !pair.Second.StartsWith("??", StringComparison.Ordinal))
            .ToDictionary(pair => pair.First, pair => Shorten(pair.Second));
    }

    private static string Shorten(string place)
    {
        string path = place.Split(' ')[0];
        return path.StartsWith(Repository.Root + "/", StringComparison.Ordinal) ? path[(Repository.Root.Length + 1)..] : path;
    }

    /// <summary>An address in a panic; a return address on the stack stands for the call before it.</summary>
    private readonly record struct Place(ulong Address, bool IsReturn)
    {
        public ulong LookedUp => IsReturn ? Address - 1 : Address;
    }

    private static ulong Parse(string hexadecimal) => ulong.Parse(hexadecimal, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"\[<[0-9a-f]{16}>\]")]
    private static partial Regex StackEntry();

    [GeneratedRegex(@"(?<symbol>[A-Za-z_.][\w.$<>`@]*)\+0x(?<offset>[0-9a-f]{1,8})\b")]
    private static partial Regex SymbolAndOffset();

    [GeneratedRegex(@"(?<![0-9A-Za-z+])(0x)?(?<address>[0-9a-f]{16})\b")]
    private static partial Regex PlainAddress();
}
