// SPDX-License-Identifier: MIT
// The options of Xen's xenstored, and what they mean here. Used by Program.

using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using XenSharp.CommandLine;
using XenSharp.Xenstore.Protocol;

namespace XenSharp.Xenstored;

internal sealed class Arguments
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

    private const char NoKeeper = '1';
    private const char Serving = '2';
    private const char Trial = '3';
    private const char Background = '4';
    private const char StateDir = '5';
    private const char StateLimit = '6';
    private const char LogLimit = '7';

    // A letter that is a digit stands for a long name alone.
    private static readonly GetOptions s_options = new("DF:HNPT:E:S:W:t:A:M:Q:q:KVRI::w:e:m:p:U",
    [
        "no-domain-init:D", "pid-file=F", "help:H", "no-fork:N", "output-pid:P", "trace-file=T", "entry-nb=E", "entry-size=S", "watch-nb=W", "transaction=t", "perm-nb=A",
        "path-max=M", "quota=Q", "quota-soft=q", "keep-orphans:K", "verbose:V", "no-recovery:R", "internal-db?I", "timeout=w", "event=e", "master-domid=m", "priv-domid=p",
        "live-update:U", "no-keeper:1", "serve=2", "trial:3", "background:4", "state-dir=5", "state-limit=6", "log-limit=7",
    ]);

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

    public static Arguments Parse(string[] arguments)
    {
        Arguments line = new();
        List<string> words = [];
        foreach ((OptionForm form, string? value) in s_options.Read(arguments, words))
        {
            if (line.Take((char)form.Id, value ?? ""))
                line.Forwarded.AddRange(form.Name is null ? [$"-{form.Letter}{value}"] : [value is null ? $"--{form.Name}" : $"--{form.Name}={value}"]);
        }
        return words.Count == 0 ? line : throw new FormatException($"{words[0]} is no option.");
    }

    /// <summary>Whether the daemon needs the option too.</summary>
    private bool Take(char option, string value)
    {
        switch (option)
        {
            case 'H': IsHelp = true; return false;
            case 'N': IsForeground = true; return false;
            case 'P': PrintsPid = true; return false;
            case 'F': PidFile = value; return false;
            case NoKeeper: HasNoKeeper = true; return false;
            case Serving: ServeDescriptor = Number(value); return false;
            case Trial: IsTrial = true; return false;
            case Background: IsBackground = true; return false;
            case StateDir: StateFolder = value; return false;
            case StateLimit: MostStateFile = Number(value) * 1024L; return true;
            case LogLimit: MostLog = Number(value) * 1024L; return true;
            case 'D': HasNoXen = true; return true;
            case 'T': TraceFile = value; return true;
            case 'K': KeepsOrphans = true; return true;
            case 'E': _quotas.Add((Quota.Nodes, Number(value))); return true;
            case 'S': _quotas.Add((Quota.NodeSize, Number(value))); return true;
            case 'W': _quotas.Add((Quota.Watches, Number(value))); return true;
            case 't': _quotas.Add((Quota.Transactions, Number(value))); return true;
            case 'A': _quotas.Add((Quota.Permissions, Number(value))); return true;
            case 'M': _quotas.Add((Quota.PathMax, Number(value))); return true;
            case 'Q': _quotas.Add(Named(value, ["transaction-nodes", "memory", "outstanding"])); return true;
            case 'q': SoftMemory = Named(value, ["memory"]).Limit; return true;
            default: return false;      // -w, -e, -m, -p, -V, -R, -I, -U
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
