// SPDX-License-Identifier: MIT
// The names of the hypervisor's functions and where its code lies, as nm tells them. Used by Symbolizer.

using System;
using System.Collections.Generic;
using System.Globalization;
using XenSharp.Lab.Common;

namespace XenSharp.Lab.Build;

internal sealed class SymbolTable
{
    private readonly Dictionary<string, ulong> _addresses = [];
    private ulong _first = ulong.MaxValue;
    private ulong _last;

    public static SymbolTable Read(string file)
    {
        ProgramResult listed = HostProgram.Capture("nm", [file]);
        if (!listed.Succeeded)
            throw new LabException($"The symbols in {file} cannot be read: {listed.Errors.Trim()}. Build them with ./xensharp build.");
        SymbolTable table = new();
        foreach (string line in listed.Output.Split('\n'))
        {
            // ADDRESS TYPE NAME; undefined symbols have no address.
            string[] words = line.Split(' ', 3);
            if (words.Length == 3 && words[1] is "T" or "t" or "W" or "w" && ulong.TryParse(words[0], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ulong address))
                table.Add(words[2], address);
        }
        return table;
    }

    public ulong? AddressOf(string name) => _addresses.TryGetValue(name, out ulong address) ? address : null;

    public bool IsCode(ulong address) => address >= _first && address <= _last;

    private void Add(string name, ulong address)
    {
        _addresses.TryAdd(name, address);
        _first = Math.Min(_first, address);
        _last = Math.Max(_last, address);
    }
}
