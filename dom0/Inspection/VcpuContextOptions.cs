// SPDX-License-Identifier: MIT
// The options of Xen 4.17's xenctx. Used by VcpuContextTool.

using System;
using System.Collections.Generic;
using System.Globalization;
using XenSharp.CommandLine;

namespace XenSharp.Inspection;

internal sealed class VcpuContextOptions
{
    public const int MaxBytesPerLine = 128;
    private const int AllLines = int.MaxValue - 1;

    public const string Usage =
        """
        usage:

          xenctx [options] <DOMAIN> [VCPU]

        options:
          -f, --frame-pointers
                             assume the kernel was compiled with
                             frame pointers.
          -s SYMTAB, --symbol-table=SYMTAB
                             read symbol table from SYMTAB.
          -S, --stack-trace  print a complete stack trace.
          -k KADDR, --kernel-start=KADDR
                             set user/kernel split. (default 0xffffffff80000000)
          -a, --all          display more registers
          -C, --all-vcpus    print info for all vcpus
          -n PAGES, --display-stack-pages=PAGES
                             Display N pages from the stack pointer. (default 1)
                             Changes stack limit.  Note: use with caution (easy
                             to get garbage).
          -b <bytes>, --bytes-per-line <bytes>
                             change the number of bytes per line output for Stack.
                             (default 32) Note: rounded to native size (4 or 8 bytes).
          -l <lines>, --lines <lines>
                             change the number of lines output for Stack. (default 5)
                             Can be specified as MAX.  Note: Fewer lines will be output
                             if stack limit reached.
          -D, --decode-as-ascii
                             add a decode of Stack dump as ascii.
          -t, --tag-stack-dump
                             add address on each line of Stack dump.
          -m maddr, --memory=maddr
                             dump memory at maddr.
          -d daddr, --dump-as-stack=daddr
                             dump memory as a stack at daddr.
        """;

    private static readonly GetOptions s_options = new("fs:hak:SCn:b:l:Dtm:d:",
        ["stack-trace:S", "symbol-table=s", "frame-pointers:f", "kernel-start=k", "display-stack-pages=n", "decode-as-ascii:D", "tag-stack-dump:t", "memory=m", "dump-as-stack=d",
            "bytes-per-line=b", "lines=l", "all:a", "all-vcpus:C", "help:h"]);

    public bool IsHelp { get; private set; }

    public bool HasFramePointers { get; private set; }

    public string? SymbolFile { get; private set; }

    public bool HasStackTrace { get; private set; }

    public bool HasAllRegisters { get; init; }

    public bool ForAllVcpus { get; private set; }

    public bool HasAscii { get; init; }

    public bool HasTags { get; init; }

    public int StackPages { get; private set; } = 1;

    public int BytesPerLine { get; init; } = 32;

    public int Lines { get; init; } = 5;

    public ulong? KernelStart { get; private set; }

    public ulong? MemoryAddress { get; private set; }

    public ulong? StackAddress { get; private set; }

    public ushort Domain { get; private set; }

    public uint Vcpu { get; private set; }

    /// <summary>Throws <see cref="FormatException"/> with a sentence.</summary>
    public static VcpuContextOptions Parse(string[] arguments)
    {
        bool all = false, ascii = false, tags = false;
        int width = 32, lines = 5;
        List<(char Option, string Value)> given = s_options.Parse(arguments, out List<string> words);
        foreach ((char option, string value) in given)
        {
            switch (option)
            {
                case 'a': all = true; break;
                case 'D': ascii = true; break;
                case 't': tags = true; break;
                case 'b':
                    width = (int)Math.Clamp(Signed(value), int.MinValue, int.MaxValue);
                    if (width is < 4 or > MaxBytesPerLine)
                        throw new FormatException($"Unsupported value for --bytes-per-line '{value}'. Needs to be 4 <= {width} <= {MaxBytesPerLine}");
                    break;
                case 'l':
                    lines = value is "all" or "ALL" or "max" or "MAX" ? AllLines : (int)Math.Clamp(Signed(value), int.MinValue, int.MaxValue);
                    if (lines is < 0 or int.MaxValue)
                        throw new FormatException($"Unsupported value({lines}) for --lines '{value}'. Needs to be >= 0, < {int.MaxValue}");
                    break;
            }
        }
        VcpuContextOptions options = new() { HasAllRegisters = all, HasAscii = ascii, HasTags = tags, BytesPerLine = width, Lines = lines };
        foreach ((char option, string value) in given)
            options.Take(option, value);
        if (options.IsHelp)
            return options;
        if (words.Count is < 1 or > 2)
            throw new FormatException("usage: xenctx [options] <domid> <optional vcpu>");
        if (options.HasFramePointers && options.StackAddress is not null)
            throw new FormatException("both --frame-pointers and --dump-as-stack is not supported");
        options.Domain = ushort.TryParse(words[0], NumberStyles.None, CultureInfo.InvariantCulture, out ushort domain) ? domain : throw new FormatException($"'{words[0]}' is no number of a domain");
        if (domain == 0)
            throw new FormatException("cannot trace dom0");
        if (words.Count == 2)
        {
            if (options.ForAllVcpus)
                throw new FormatException("both --all-vcpus and [VCPU] is not supported");
            options.Vcpu = uint.TryParse(words[1], NumberStyles.None, CultureInfo.InvariantCulture, out uint vcpu) ? vcpu : throw new FormatException($"'{words[1]}' is no number of a vCPU");
        }
        return options;
    }

    private void Take(char option, string value)
    {
        switch (option)
        {
            case 'h': IsHelp = true; break;
            case 'f': HasFramePointers = true; break;
            case 's': SymbolFile = value; break;
            case 'S': HasStackTrace = true; break;
            case 'C': ForAllVcpus = true; break;
            case 'k': KernelStart = Address(value); break;
            case 'm': MemoryAddress = Address(value); break;
            case 'd': StackAddress = Address(value); break;
            case 'n':
                StackPages = (int)Math.Clamp(Signed(value), int.MinValue, 1 << 20);
                if (StackPages < 1)
                    throw new FormatException($"Unsupported value({StackPages}) for --display-stack-pages '{value}'. Needs to be >= 1");
                break;
        }
    }

    private static long Signed(string text) => text.StartsWith('-') ? -(long)Address(text[1..]) : (long)Math.Min(Address(text), long.MaxValue);

    /// <summary>With 0x in hexadecimal.</summary>
    private static ulong Address(string text)
    {
        bool isHex = text.StartsWith("0x", StringComparison.OrdinalIgnoreCase);
        return ulong.TryParse(isHex ? text.AsSpan(2) : text, isHex ? NumberStyles.AllowHexSpecifier : NumberStyles.None, CultureInfo.InvariantCulture, out ulong value)
            ? value
            : throw new FormatException($"'{text}' is no number");
    }
}
