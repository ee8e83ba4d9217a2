// SPDX-License-Identifier: MIT
// Names of a guest kernel's addresses, from a System.map. Which addresses count as the kernel's follows Xen 4.17's tools/xentrace/xenctx.c. Used by xenctx.

using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;

namespace XenSharp.Inspection;

/// <summary>In this order: text is data too.</summary>
internal enum AddressKind
{
    Foreign,
    KernelData,
    KernelText,
}

internal sealed class SymbolTable
{
    private const ulong PageSize = 4096;

    private readonly List<(ulong Address, string Name)> _symbols = [];
    private readonly Dictionary<string, ulong> _marks = [];
    private ulong _kernelEnd = ulong.MaxValue;

    /// <summary>Where the kernel begins; said by the user, or the usual address of a 64-bit Linux.</summary>
    public ulong KernelStart { get; init; } = DefaultKernelStart;

    public const ulong DefaultKernelStart = 0xFFFFFFFF80000000;

    /// <summary>Whether the user said where it begins.</summary>
    public bool IsStartGiven { get; init; }

    public bool IsEmpty => _symbols.Count == 0;

    /// <summary>Lines of the form ADDRESS TYPE NAME; others are passed over.</summary>
    public void Read(TextReader map)
    {
        while (map.ReadLine() is { } line)
        {
            string[] parts = line.Split((char[])[' ', '\t'], 3);
            if (parts.Length < 3 || parts[1].Length != 1 || !ulong.TryParse(parts[0], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ulong address))
                continue;
            char type = parts[1][0];
            if (!(char.IsAsciiLetter(type) || type == '?') || type is 'U' or 'v' or 'w')
                continue;
            string name = parts[2];
            // Absolute symbols name no place, but may be marks.
            if (type is not ('A' or 'a'))
                _symbols.Add((address, name));
            if (name is "_end" or "__bss_stop")
                _kernelEnd = address;
            _marks[name] = address;
        }
        // Of several names of one address the last one of the file is found, as in Xen's.
        List<(ulong Address, string Name)> sorted = [.. _symbols];
        int[] order = new int[sorted.Count];
        for (int index = 0; index < order.Length; index++)
            order[index] = index;
        Array.Sort(order, (left, right) => sorted[left].Address.CompareTo(sorted[right].Address) is not 0 and int difference ? difference : left.CompareTo(right));
        for (int index = 0; index < order.Length; index++)
            _symbols[index] = sorted[order[index]];
    }

    public AddressKind KindOf(ulong address)
    {
        if (IsEmpty)
            return address > KernelStart ? AddressKind.KernelText : AddressKind.Foreign;
        if (IsBetween(address, Mark("_stext"), Mark("_etext")))
            return AddressKind.KernelText;
        if (Mark("hypercall_page") is not 0 and ulong page && IsBetween(address, page, page + PageSize))
            return AddressKind.KernelText;
        if (IsBetween(address, Mark("_sinittext"), Mark("_einittext")))
            return AddressKind.KernelText;
        if (IsStartGiven)
            return address > KernelStart ? AddressKind.KernelText : AddressKind.Foreign;
        if (IsBetween(address, Mark("_text"), _kernelEnd))
            return AddressKind.KernelData;
        return IsBetween(address, KernelStart, _kernelEnd) ? AddressKind.KernelText : AddressKind.Foreign;
    }

    /// <summary>" NAME" or " NAME+0xOFFSET" for an address of at least that kind; else nothing.</summary>
    public string Describe(ulong address, AddressKind least)
    {
        if (KindOf(address) < least || IsEmpty)
            return "";
        int low = 0, high = _symbols.Count;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (_symbols[middle].Address <= address)
                low = middle + 1;
            else
                high = middle;
        }
        (ulong start, string name) = _symbols[Math.Max(0, low - 1)];
        return start == address ? $" {name}" : $" {name}+{Printf.Hex((uint)(address - start))}";
    }

    /// <summary>A range whose marks the table has not is none.</summary>
    private static bool IsBetween(ulong address, ulong first, ulong last) => last != 0 && address >= first && address <= last;

    private ulong Mark(string name) => _marks.GetValueOrDefault(name);
}
