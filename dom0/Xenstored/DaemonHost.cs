// SPDX-License-Identifier: MIT
// The world as the store sees it: the daemon's side of XenstoreHost.

using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using XenSharp.Abi;
using XenSharp.Xenstore.Protocol;

namespace XenSharp.Xenstored;

internal sealed class DaemonHost(Daemon daemon, DaemonOptions options) : XenstoreHost
{
    private const int QuotaLogMs = 10_000;

    private readonly Dictionary<(int Domain, string Quota), (long At, int Skipped)> _quotaLog = [];
    private ProgramLine? _update;
    private Connection? _updater;       // Whose session the update is; it ends with the connection.

    public override long Now => Environment.TickCount64;

    public override void Send(Connection to, XenstoreMessageType type, uint requestId, uint transactionId, ReadOnlySpan<byte> payload)
    {
        if (to.HostState is not Client client)
            return;
        XenstoreMessageHeader header = new() { Type = type, RequestId = requestId, TxId = transactionId, Length = (uint)payload.Length };
        byte[]? waiting = client.Queue(header, payload, type == XenstoreMessageType.WatchEvent ? daemon.Cause : null, Now);
        if (waiting is not null)
            daemon.RecordWaiting(client, waiting);
        daemon.MarkChanged(client);
        if (daemon.AccessLog.IsOn)
            daemon.AccessLog.Write(to, header, payload, isAnswer: true);
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

    public override DomainState StateOf(int domain) => daemon.StateOf(domain);

    public override XenstoreError Connect(Connection connection, int port) => daemon.ConnectDomain(connection, port);

    public override XenstoreError Reconnect(Connection connection, int port) => daemon.ReconnectDomain(connection, port);

    public override void Disconnect(Connection connection)
    {
        if (connection.HostState is Client client)
            daemon.Remove(client);
    }

    public override void Log(LogLevel level, string text)
    {
        options.Log(level, text);
        daemon.AccessLog.WriteLine(text);
    }

    /// <summary>Once in ten seconds for each domain and quota, with how often it was not said.</summary>
    public override void LogQuota(int domain, string quota, long limit, long use)
    {
        (int, string) key = (domain, quota);
        if (_quotaLog.TryGetValue(key, out (long At, int Skipped) last) && Now - last.At < QuotaLogMs)
        {
            _quotaLog[key] = (last.At, last.Skipped + 1);
            return;
        }
        _quotaLog[key] = (Now, 0);
        string again = last.Skipped > 0 ? string.Create(CultureInfo.InvariantCulture, $" ({last.Skipped} more since the last time this was said)") : "";
        Log(LogLevel.Warning, string.Create(CultureInfo.InvariantCulture,
            $"domain {domain} is over the quota \"{quota}\": limit {limit}, in use {use}; `xenstore-control quota set {quota} N` raises it{again}"));
    }

    public override string? Control(Connection connection, string command, string[] arguments, out XenstoreError error)
    {
        error = XenstoreError.None;
        switch (command)
        {
            case "log" when arguments is ["on"] or ["off"]:
                if (arguments[0] == "on")
                    daemon.AccessLog.Open();
                else
                    daemon.AccessLog.Close();
                return "OK";
            case "logfile" when arguments.Length == 1:
                daemon.AccessLog.Path = arguments[0];
                daemon.AccessLog.Open();
                return "OK";
            case "memreport" when arguments.Length <= 1:
                return WriteMemoryReport(arguments.Length == 1 ? arguments[0] : daemon.AccessLog.Path, out error);
            case "print" when arguments.Length == 1:
                Log(LogLevel.Information, $"control: {arguments[0]}");
                return "OK";
            case "live-update" when arguments.Length > 0:
                return LiveUpdate(connection, arguments, out error);
            default:
                error = XenstoreError.EINVAL;
                return null;
        }
    }

    public override bool HasRoom(int bytes, Room room) => daemon.HasRoom(bytes, room);

    public override void Record(ReadOnlySpan<byte> record) => daemon.Record(record);

    private string? WriteMemoryReport(string? path, out XenstoreError error)
    {
        error = XenstoreError.EINVAL;      // EBADF, which the protocol does not know.
        if (path is null)
            return null;
        try
        {
            StringWriter report = new();
            XenSharp.Xenstore.Tree.StoreTree tree = daemon.Server.Tree;
            report.Write(string.Create(CultureInfo.InvariantCulture,
                $"tree: {tree.UsedBytes} bytes used of {tree.ReservedBytes}\nsnapshots: {tree.SnapshotCount}\nwatches: {daemon.Server.WatchCount}\nmanaged heap: {GC.GetTotalMemory(false)} bytes\n"));
            foreach (DomainRecord domain in daemon.Server.Domains)
            {
                report.Write(string.Create(CultureInfo.InvariantCulture,
                    $"domain {domain.Id}: {domain.Nodes} nodes, {domain.Memory} bytes, {domain.Watches} watches, {domain.Connection?.TransactionCount ?? 0} transactions\n"));
            }
            // An open log has its own place in the file.
            if (path == daemon.AccessLog.Path && daemon.AccessLog.IsOn)
                daemon.AccessLog.WriteLine(report.ToString());
            else
                File.AppendAllText(path, report.ToString());
            error = XenstoreError.None;
            return "OK";
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private string? LiveUpdate(Connection connection, string[] arguments, out XenstoreError error)
    {
        error = XenstoreError.None;
        switch (arguments)
        {
            case ["-a"]:
                bool wasActive = _updater is { IsOpen: true };
                _updater = null;
                return wasActive ? "OK" : "No live-update session active.";
            case ["-f", string file]:
                if (!File.Exists(file))
                    return "File not accessible.";
                if ((File.GetUnixFileMode(file) & UnixFileMode.UserExecute) == 0)
                    return "File not executable.";
                if (_updater is { IsOpen: true })
                    return "live-update session already active.";
                _updater = connection;
                _update = new ProgramLine(file, []);
                return "OK";
            case ["-c", string line]:
                if (_updater != connection)
                    return "Not in live-update session.";
                _update = _update! with { Words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries) };
                return "OK";
            case ["-s", .. string[] flags] when AreStartFlags(flags):
                if (_updater != connection)
                    return "Not in live-update session.";
                _updater = null;
                return daemon.BeginUpdate(connection, daemon.Server.CurrentRequest, _update!);
            default:
                error = XenstoreError.EINVAL;
                return null;
        }
    }

    /// <summary>-F and -t T: transactions may stay open here, so that there is nothing to force or to wait for.</summary>
    private static bool AreStartFlags(ReadOnlySpan<string> flags)
    {
        for (int index = 0; index < flags.Length; index++)
        {
            if (flags[index] == "-t" && index + 1 < flags.Length)
                index++;
            else if (flags[index] != "-F")
                return false;
        }
        return true;
    }
}
