// SPDX-License-Identifier: MIT
// What the daemon is started with. Filled by Program from the command line, and by tests.

using System;
using XenSharp.Xenstore.Protocol;

namespace XenSharp.Xenstored;

internal sealed record DaemonOptions
{
    public required string SocketPath { get; init; }

    public ulong Seed { get; init; } = (ulong)Random.Shared.NextInt64();

    public Action<Quotas>? Quotas { get; init; }

    public Action<LogLevel, string>? Log { get; init; }
}
