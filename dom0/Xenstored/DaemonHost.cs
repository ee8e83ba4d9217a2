// SPDX-License-Identifier: MIT
// The world as the store sees it: the daemon's side of XenstoreHost.

using System;
using System.Diagnostics;
using XenSharp.Abi;
using XenSharp.Xenstore.Protocol;

namespace XenSharp.Xenstored;

internal sealed class DaemonHost(Daemon daemon, DaemonOptions options) : XenstoreHost
{
    public override long Now => Environment.TickCount64;

    public override void Send(Connection to, XenstoreMessageType type, uint requestId, uint transactionId, ReadOnlySpan<byte> payload)
    {
        if (to.HostState is not Client client)
            return;
        XenstoreMessageHeader header = new() { Type = type, RequestId = requestId, TxId = transactionId, Length = (uint)payload.Length };
        client.Queue(header, payload);
        daemon.MarkChanged(client);
        Trace(client, header, payload, isAnswer: true);
    }

    public override bool SendEvent(Connection to, ReadOnlySpan<byte> path, ReadOnlySpan<byte> token)
    {
        if (to.HostState is not Client client)
            return false;
        Span<byte> payload = stackalloc byte[path.Length + token.Length + 2];
        path.CopyTo(payload);
        payload[path.Length] = 0;
        token.CopyTo(payload[(path.Length + 1)..]);
        payload[^1] = 0;
        if (path.Length > 0 && path[0] != '@' && !client.NoteEvent(daemon.Server.FingerprintOf(payload)))
            return false;
        Send(to, XenstoreMessageType.WatchEvent, 0, 0, payload);
        return true;
    }

    public override DomainState StateOf(int domain) => DomainState.Running;

    public override XenstoreError Connect(Connection connection, int port) => XenstoreError.None;

    public override XenstoreError Reconnect(Connection connection, int port) => XenstoreError.None;

    public override void Disconnect(Connection connection)
    {
        if (connection.HostState is Client client)
            daemon.Remove(client);
    }

    public override void Log(LogLevel level, string text) => options.Log?.Invoke(level, text);

    public override void LogQuota(int domain, string quota, long limit, long use) =>
        Log(LogLevel.Warning, $"domain {domain} is refused by the quota {quota}: limit {limit}, in use {use}");

    public override string? Control(Connection connection, string command, string[] arguments, out XenstoreError error)
    {
        error = XenstoreError.EINVAL;
        return null;
    }

    public override void Record(ReadOnlySpan<byte> record)
    {
    }

    [Conditional("TRACE_MESSAGES")]
    public void Trace(Client client, in XenstoreMessageHeader header, ReadOnlySpan<byte> payload, bool isAnswer)
    {
    }
}
