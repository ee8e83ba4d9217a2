// SPDX-License-Identifier: MIT
// What the daemon is started with. Filled by Arguments, and by tests.

using System;
using System.Collections.Generic;
using XenSharp.Xenstore.Protocol;

namespace XenSharp.Xenstored;

internal sealed record DaemonOptions
{
    /// <summary>Where to listen; unused if a keeper does.</summary>
    public required string SocketPath { get; init; }

    /// <summary>The channel to the keeper, or -1.</summary>
    public int KeeperDescriptor { get; init; } = -1;

    /// <summary>Where the state is kept; null for a daemon that forgets.</summary>
    public string? StateFolder { get; init; }

    /// <summary>What a restart reads in well under a tenth of a second.</summary>
    public const long UsualMostLog = 8 << 20;

    /// <summary>Begin a new generation of the state when the log is longer than this.</summary>
    public long MostLog { get; init; } = UsualMostLog;

    /// <summary>No file of the state may be longer; changes are refused instead.</summary>
    public long MostStateFile { get; init; } = JournalFile.MostBytes;

    /// <summary>This program is to take over from another one: leave the state alone if it cannot be read.</summary>
    public bool IsTrial { get; init; }

    /// <summary>Serve domains through these; null for sockets only.</summary>
    public Func<DomainDevices>? Devices { get; init; }

    public bool KeepsOrphans { get; init; }

    public string? TraceFile { get; init; }

    public ulong Seed { get; init; } = (ulong)Random.Shared.NextInt64();

    public IReadOnlyList<(Quota Quota, int Limit)> Quotas { get; init; } = [];

    public int? SoftMemory { get; init; }

    public Action<LogLevel, string> Log { get; init; } = (_, _) => { };
}
