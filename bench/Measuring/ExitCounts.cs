// SPDX-License-Identifier: MIT
// Counts world switches in QEMU's own log, so that both hypervisors are counted by the same observer. Used by LinuxBoot.

using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Text;

namespace XenSharp.Bench.Measuring;

/// <summary>#VMEXITs by exit code.</summary>
/// <remarks>
/// QEMU's SVM helpers write a line for each #VMEXIT into the log class in_asm; an address filter that no code ever matches keeps the disassembly out, so
/// that these lines (and those of VMRUN) are all that the log holds. Lines: <c>vmexit(EXITCODE, EXITINFO1, EXITINFO2, RIP)!</c>.
/// </remarks>
internal sealed class ExitCounts
{
    private const string Prefix = "vmexit(";
    private const string AddressWithoutCode = "0xffff123456780000+0x1";

    private readonly Dictionary<uint, int> _byCode = [];

    public int Total => _byCode.Values.Sum();

    public static IReadOnlyList<string> QemuArguments(string log) => ["-d", "in_asm", "-dfilter", AddressWithoutCode, "-D", log];

    /// <summary>The most frequent kinds first.</summary>
    public IEnumerable<KeyValuePair<string, int>> ByKind => _byCode.GroupBy(pair => NameOf(pair.Key))
        .Select(group => KeyValuePair.Create(group.Key, group.Sum(pair => pair.Value)))
        .OrderByDescending(pair => pair.Value).ThenBy(pair => pair.Key, StringComparer.Ordinal);

    /// <summary>Reads the first <paramref name="length"/> bytes of the log; a line cut there does not count.</summary>
    public static ExitCounts Read(Stream log, long length)
    {
        ExitCounts counts = new();
        using StreamReader reader = new(log, Encoding.Latin1);
        long position = 0;
        while (reader.ReadLine() is { } line && (position += line.Length + 1) <= length)
        {
            if (TryReadCode(line, out uint code))
                counts._byCode[code] = counts._byCode.GetValueOrDefault(code) + 1;
        }
        return counts;
    }

    /// <summary>The kind of exit that a line of the log tells of; null for other lines.</summary>
    public static string? KindOf(string line) => TryReadCode(line, out uint code) ? NameOf(code) : null;

    private static bool TryReadCode(string line, out uint code)
    {
        code = 0;
        return line.StartsWith(Prefix, StringComparison.Ordinal)
            && uint.TryParse(line.AsSpan(Prefix.Length, Math.Min(8, line.Length - Prefix.Length)), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out code);
    }

    /// <summary>AMD APM vol. 2, appendix C, "SVM intercept exit codes".</summary>
    private static string NameOf(uint code) => code switch
    {
        < 0x10 => "CR read",
        < 0x20 => "CR write",
        < 0x30 => "DR read",
        < 0x40 => "DR write",
        < 0x60 => $"exception {code - 0x40}",
        0x60 => "INTR",
        0x61 => "NMI",
        0x62 => "SMI",
        0x63 => "INIT",
        0x64 => "VINTR",
        0x6E => "RDTSC",
        0x72 => "CPUID",
        0x74 => "IRET",
        0x76 => "INVD",
        0x77 => "PAUSE",
        0x78 => "HLT",
        0x79 => "INVLPG",
        0x7B => "IOIO",
        0x7C => "MSR",
        0x7F => "SHUTDOWN",
        0x81 => "VMMCALL",
        0x87 => "RDTSCP",
        0x89 => "WBINVD",
        0x8D => "XSETBV",
        0x400 => "nested page fault",
        uint.MaxValue => "invalid VMCB",
        _ => $"0x{code:x}",
    };
}
