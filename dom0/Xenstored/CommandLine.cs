// SPDX-License-Identifier: MIT
// The options of Xen's xenstored, and what they mean here. Used by Program.

using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using XenSharp.Xenstore.Protocol;

namespace XenSharp.Xenstored;

internal sealed class CommandLine
{
    public const string Usage =
        """
        Usage:

          xensharp-xenstored <options>

        where options may include those of Xen's xenstored:

          -D, --no-domain-init    serve sockets only, without Xen,
          -F, --pid-file <file>   giving a file for the daemon's pid to be written,
          -H, --help              to output this message,
          -N, --no-fork           to request that the daemon does not fork,
          -P, --output-pid        to request that the pid of the daemon is output,
          -T, --trace-file <file> giving the file for logging,
          -E, --entry-nb <nb>     limit the number of entries per domain,
          -S, --entry-size <size> limit the size of entry per domain,
          -W, --watch-nb <nb>     limit the number of watches per domain,
          -t, --transaction <nb>  limit the number of transaction allowed per domain,
          -A, --perm-nb <nb>      limit the number of permissions per node,
          -M, --path-max <chars>  limit the allowed Xenstore node path length,
          -Q, --quota <what>=<nb> set the quota <what>: transaction-nodes, memory, outstanding,
          -q, --quota-soft <what>=<nb>  set the soft quota <what>: memory,
          -K, --keep-orphans      don't delete nodes owned by a domain when the domain is deleted,
          -V, --verbose           to request verbose execution (accepted),
          -R, -I, -w, -e, -m, -p  accepted and without effect,

        and its own:

          --state-dir <folder>    where the state is kept across the daemon's death (state, beside the socket),
          --log-limit <KiB>       length of the log of changes after which the state is written anew (8192),
          --state-limit <KiB>     length of the longest file of the state; changes beyond it are refused (4 GiB),
          --no-keeper             one process, whose death ends all connections.

        """;

    private readonly List<(Quota, int)> _quotas = [];

    public bool IsHelp { get; private set; }

    public bool HasNoXen { get; private set; }

    public bool IsForeground { get; private set; }

    public bool PrintsPid { get; private set; }

    public bool HasNoKeeper { get; private set; }

    public bool KeepsOrphans { get; private set; }

    public bool IsTrial { get; private set; }

    public bool IsBackground { get; private set; }

    /// <summary>The channel of a daemon that a keeper has started, or -1.</summary>
    public int ServeDescriptor { get; private set; } = -1;

    public string? PidFile { get; private set; }

    public string? TraceFile { get; private set; }

    public string? StateFolder { get; private set; }

    public long? MostLog { get; private set; }

    public long? MostStateFile { get; private set; }

    public int? SoftMemory { get; private set; }

    public IReadOnlyList<(Quota, int)> Quotas => _quotas;

    /// <summary>What does not belong to the keeper, for the daemon that it starts.</summary>
    public List<string> Forwarded { get; } = [];

    public static CommandLine Parse(string[] arguments)
    {
        CommandLine line = new();
        for (int index = 0; index < arguments.Length; index++)
        {
            string option = arguments[index];
            string? value = null;
            if (option.StartsWith("--", StringComparison.Ordinal) && option.IndexOf('=') is > 0 and int equals)
                (option, value) = (option[..equals], option[(equals + 1)..]);
            else if (option.Length > 2 && option[0] == '-' && option[1] != '-')
                (option, value) = (option[..2], option[2..]);
            int start = index;
            bool isForwarded = line.Take(option, () => value ??= ++index < arguments.Length ? arguments[index] : throw new FormatException($"{option} needs a value."));
            if (isForwarded)
                line.Forwarded.AddRange(arguments[start..(index + 1)]);
        }
        return line;
    }

    /// <summary>Whether the daemon needs the option too.</summary>
    private bool Take(string option, Func<string> value)
    {
        switch (option)
        {
            case "-H" or "--help": IsHelp = true; return false;
            case "-N" or "--no-fork": IsForeground = true; return false;
            case "-P" or "--output-pid": PrintsPid = true; return false;
            case "-F" or "--pid-file": PidFile = value(); return false;
            case "--no-keeper": HasNoKeeper = true; return false;
            case "--serve": ServeDescriptor = Number(value()); return false;
            case "--trial": IsTrial = true; return false;
            case "--background": IsBackground = true; return false;
            case "--state-dir": StateFolder = value(); return false;
            case "--state-limit": MostStateFile = Number(value()) * 1024L; return true;
            case "--log-limit": MostLog = Number(value()) * 1024L; return true;
            case "-D" or "--no-domain-init": HasNoXen = true; return true;
            case "-T" or "--trace-file": TraceFile = value(); return true;
            case "-K" or "--keep-orphans": KeepsOrphans = true; return true;
            case "-E" or "--entry-nb": _quotas.Add((Quota.Nodes, Number(value()))); return true;
            case "-S" or "--entry-size": _quotas.Add((Quota.NodeSize, Number(value()))); return true;
            case "-W" or "--watch-nb": _quotas.Add((Quota.Watches, Number(value()))); return true;
            case "-t" or "--transaction": _quotas.Add((Quota.Transactions, Number(value()))); return true;
            case "-A" or "--perm-nb": _quotas.Add((Quota.Permissions, Number(value()))); return true;
            case "-M" or "--path-max": _quotas.Add((Quota.PathMax, Number(value()))); return true;
            case "-Q" or "--quota": _quotas.Add(Named(value(), ["transaction-nodes", "memory", "outstanding"])); return true;
            case "-q" or "--quota-soft": SoftMemory = Named(value(), ["memory"]).Limit; return true;
            case "-w" or "--timeout" or "-e" or "--event" or "-m" or "--master-domid" or "-p" or "--priv-domid": value(); return false;
            case "-V" or "--verbose" or "-R" or "--no-recovery" or "-I" or "--internal-db" or "-U" or "--live-update": return false;
            default: throw new FormatException($"{option} is no option.");
        }
    }

    private static (Quota Quota, int Limit) Named(string text, string[] allowed)
    {
        string[] parts = text.Split('=', 2);
        if (parts.Length != 2)
            throw new FormatException("quotas must be specified via <what>=<nb>");
        if (Array.IndexOf(allowed, parts[0]) < 0 || Xenstore.Protocol.Quotas.ByName(parts[0]) is not { } quota)
            throw new FormatException($"unknown quota \"{parts[0]}\"");
        return (quota, Number(parts[1]));
    }

    private static int Number(string text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number : throw new FormatException($"invalid parameter value \"{text}\"");
}
