// SPDX-License-Identifier: MIT
// The options of Xen 4.17's xenconsoled, and our own for rotation. Used by ConsoledProgram.

using System;
using System.Globalization;
using XenSharp.CommandLine;

namespace XenSharp.Consoled;

internal sealed class DaemonOptions
{
    public const string Usage =
        "Usage: {0} [-h] [-V] [-v] [-i] [--log=none|guest|hv|all] [--log-dir=DIR] [--pid-file=PATH] [-t, --timestamp=none|guest|hv|all] " +
        "[-o, --overflow-data=discard|keep] [--replace-escape] [--log-max-size=BYTES] [--log-keep=N]\n" +
        "  --replace-escape  - replace ESC character with dot when writing console log\n" +
        "  --log-max-size    - rename a log that has this size to NAME.1 and begin anew; K, M and G are understood; 0, the default, for never\n" +
        "  --log-keep        - how many renamed logs to keep of each (default 4)\n";

    public bool IsHelp { get; set; }

    public bool IsVersion { get; set; }

    public bool IsVerbose { get; set; }

    public bool IsInteractive { get; set; }

    /// <summary>Started by a first process, which waits for the word that this one serves.</summary>
    public bool IsBackground { get; set; }

    public bool LogsGuests { get; set; }

    public bool LogsHypervisor { get; set; }

    public bool StampsGuests { get; set; }

    public bool StampsHypervisor { get; set; }

    public string LogFolder { get; set; } = "/var/log/xen/console";

    public string PidFile { get; set; } = "/var/run/xen/xenconsoled.pid";

    public bool DiscardsOverflow { get; set; } = true;

    public bool ReplacesEscape { get; set; }

    public long MaxLogSize { get; set; }

    public int KeptLogs { get; set; } = 4;

    /// <summary>Where a sentence about trouble goes.</summary>
    public Action<string> Report { get; set; } = _ => { };

    public LogSettings GuestLog => new(StampsGuests, ReplacesEscape, MaxLogSize, KeptLogs);

    public LogSettings HypervisorLog => new(StampsHypervisor, ReplacesEscape, MaxLogSize, KeptLogs);

    private static readonly GetOptions s_options = new("hVvit:o:",
        ["help:h", "version:V", "verbose:v", "interactive:i", "log=l", "log-dir=r", "pid-file=p", "timestamp=t", "overflow-data=o", "replace-escape:e",
            "log-max-size=M", "log-keep=K", "background:B"]);

    /// <summary>Throws <see cref="FormatException"/>. A word that Xen's daemon does not know for --log and the like changes nothing, as there.</summary>
    public static DaemonOptions Parse(string[] arguments)
    {
        DaemonOptions options = new();
        foreach ((char option, string value) in s_options.Parse(arguments, out _))
        {
            switch (option)
            {
                case 'h': options.IsHelp = true; break;
                case 'V': options.IsVersion = true; break;
                case 'v': options.IsVerbose = true; break;
                case 'i': options.IsInteractive = true; break;
                case 'B': options.IsBackground = true; break;
                case 'l':
                    options.LogsGuests |= value is "all" or "guest";
                    options.LogsHypervisor |= value is "all" or "hv";
                    break;
                case 't':
                    options.StampsGuests = value != "none" && (options.StampsGuests || value is "all" or "guest");
                    options.StampsHypervisor = value != "none" && (options.StampsHypervisor || value is "all" or "hv");
                    break;
                case 'r': options.LogFolder = value; break;
                case 'p': options.PidFile = value; break;
                case 'o':
                    if (value is "keep" or "discard")
                        options.DiscardsOverflow = value == "discard";
                    break;
                case 'e': options.ReplacesEscape = true; break;
                case 'M': options.MaxLogSize = Size(value); break;
                case 'K': options.KeptLogs = (int)Math.Min(Size(value), 1000); break;
            }
        }
        return options;
    }

    private static long Size(string text)
    {
        int shift = text.Length == 0 ? 0 : char.ToUpperInvariant(text[^1]) switch { 'K' => 10, 'M' => 20, 'G' => 30, _ => 0 };
        ReadOnlySpan<char> digits = shift == 0 ? text : text.AsSpan(0, text.Length - 1);
        if (!long.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out long number) || number > long.MaxValue >> shift)
            throw new FormatException($"'{text}' is no size");
        return number << shift;
    }
}
