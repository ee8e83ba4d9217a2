// SPDX-License-Identifier: MIT
// The store as its clients know it: connections, and the dispatch of their requests. Called by the daemon and by tests.
//
// No files, sockets or clocks here: given the same state, connection and request, the answers, events and records are the same.

using System;
using System.Collections.Generic;
using XenSharp.Abi;
using XenSharp.Xenstore.Tree;

namespace XenSharp.Xenstore.Protocol;

public sealed partial class XenstoreServer
{
    private const int RecordOverhead = 4096;    // More than a record has besides its request, and a path's prefix.

    private readonly XenstoreHost _host;
    private readonly ulong _seed;
    private readonly StoreTree _tree = new();
    private readonly WatchIndex _watches;
    private readonly Dictionary<int, Connection> _connections = [];
    private readonly Dictionary<int, DomainRecord> _domains = [];
    private readonly byte[] _scratch = new byte[16 * 1024];
    private int _nextConnectionId = 1;
    private ulong _nextWatch;

    // The request that is being served.
    private Connection _caller = null!;
    private XenstoreMessageHeader _request;
    private Transaction? _transaction;
    private Branch _branch;
    private ulong _fingerprint;
    private Mode _mode;

    /// <param name="seed">Secret and random; it keeps guests from choosing what collides.</param>
    public XenstoreServer(XenstoreHost host, ulong seed)
    {
        _host = host;
        _seed = seed;
        _watches = new WatchIndex(seed);
        _branch = _tree.Main;
        _domains[0] = new DomainRecord(0, 1) { Nodes = 1, Memory = 1 + NodeSize(1, 0, 0) };
    }

    /// <summary>What becomes of answers and records.</summary>
    private enum Mode
    {
        Serving,
        Repeating,      // The requests of a transaction, for their fingerprints.
        Restoring,      // Records of a former life.
    }

    public Quotas Quotas { get; } = new();

    /// <summary>Nodes of a domain that is gone go to domain 0 instead of going with it.</summary>
    public bool KeepsOrphans { get; set; }

    public StoreTree Tree => _tree;

    public int WatchCount => _watches.Count;

    public IEnumerable<Connection> Connections => _connections.Values;

    /// <summary>Makes the nodes that exist before any client: what Xen's daemon starts with.</summary>
    public void CreateInitialNodes()
    {
        if (!_tree.Find(_tree.Main, "/tool/xenstored"u8).Exists)
            CreateNode("/tool/xenstored"u8, default, ++_tree.Generation, 0, null);
    }

    public Connection OpenSocket() => Open(_nextConnectionId, null);

    /// <summary>The client is gone, or has broken the protocol.</summary>
    public void Close(Connection connection)
    {
        if (!connection.IsOpen)
            return;
        DropTransactions(connection);
        DropWatches(connection);
        EndHolds(connection);
        connection.IsOpen = false;
        _connections.Remove(connection.Id);
        if (connection.Domain is { } domain)
            domain.Connection = null;
        foreach (Connection other in _connections.Values)
        {
            if (other.Target is not null && other.Target == connection.Domain)
                other.Target = null;
        }
        RecordConnection(StateRecord.ConnectionClosed, connection);
        _host.Disconnect(connection);
    }

    /// <summary>Serves one request. Answers and events have been given to the host when this returns.</summary>
    public void Handle(Connection caller, in XenstoreMessageHeader request, ReadOnlySpan<byte> payload)
    {
        _caller = caller;
        _request = request;
        _branch = _tree.Main;
        _transaction = null;
        _tree.Reclaim(64);
        XenstoreError error = Dispatch(payload);
        if (error != XenstoreError.None)
            _host.Send(caller, XenstoreMessageType.Error, request.RequestId, request.TxId, error.Payload());
    }

    private XenstoreError Dispatch(ReadOnlySpan<byte> payload)
    {
        XenstoreMessageType type = _request.Type;
        if (!IsRequest(type))
            return XenstoreError.ENOSYS;
        if (_caller.IsUnprivileged && IsPrivileged(type))
            return XenstoreError.EACCES;
        if (NeededRoom(type) is { } room && !_host.HasRoom(payload.Length + RecordOverhead, room))
            return XenstoreError.ENOSPC;
        if (_request.TxId != 0 && type is not (XenstoreMessageType.Watch or XenstoreMessageType.Unwatch))
        {
            if (!_caller.Transactions.TryGetValue(_request.TxId, out _transaction))
                return XenstoreError.ENOENT;
            if (IsLogged(type))
                return DispatchInTransaction(_transaction, payload);
        }
        return type switch
        {
            XenstoreMessageType.Control => Control(payload),
            XenstoreMessageType.Watch => AddWatch(payload),
            XenstoreMessageType.Unwatch => RemoveWatch(payload),
            XenstoreMessageType.TransactionStart => StartTransaction(),
            XenstoreMessageType.TransactionEnd => EndTransaction(payload),
            XenstoreMessageType.Introduce => Introduce(payload),
            XenstoreMessageType.Release => Release(payload),
            XenstoreMessageType.GetDomainPath => GetDomainPath(payload),
            XenstoreMessageType.IsDomainIntroduced => IsDomainIntroduced(payload),
            XenstoreMessageType.Resume => Resume(payload),
            XenstoreMessageType.SetTarget => SetTarget(payload),
            XenstoreMessageType.ResetWatches => ResetWatches(),
            _ => NodeOperation(type, payload),
        };
    }

    private XenstoreError NodeOperation(XenstoreMessageType type, ReadOnlySpan<byte> payload) => type switch
    {
        XenstoreMessageType.Read => Read(payload),
        XenstoreMessageType.Write => Write(payload),
        XenstoreMessageType.Directory => Directory(payload),
        XenstoreMessageType.DirectoryPart => DirectoryPart(payload),
        XenstoreMessageType.GetPerms => GetPermissions(payload),
        XenstoreMessageType.SetPerms => SetPermissions(payload),
        XenstoreMessageType.Mkdir => MakeDirectory(payload),
        _ => Remove(payload),
    };

    private static bool IsRequest(XenstoreMessageType type) =>
        type < XenstoreMessageType.TypeCount && type is not (XenstoreMessageType.WatchEvent or XenstoreMessageType.Error or (XenstoreMessageType)20);

    private static bool IsPrivileged(XenstoreMessageType type) =>
        type is XenstoreMessageType.Control or XenstoreMessageType.Introduce or XenstoreMessageType.Release or XenstoreMessageType.Resume
            or XenstoreMessageType.SetTarget or XenstoreMessageType.IsDomainIntroduced;

    /// <summary>Requests that are recorded, and may be refused if they cannot be.</summary>
    private Room? NeededRoom(XenstoreMessageType type) => type switch
    {
        XenstoreMessageType.Write or XenstoreMessageType.Mkdir or XenstoreMessageType.SetPerms or XenstoreMessageType.Watch
            or XenstoreMessageType.Introduce or XenstoreMessageType.SetTarget => Room.ToGrow,
        XenstoreMessageType.Rm or XenstoreMessageType.Unwatch or XenstoreMessageType.TransactionStart or XenstoreMessageType.Control => Room.ToFree,
        _ => _request.TxId != 0 && IsLogged(type) ? Room.ToFree : null,
    };

    /// <summary>Requests about nodes: those that a transaction repeats.</summary>
    private static bool IsLogged(XenstoreMessageType type) =>
        type is XenstoreMessageType.Read or XenstoreMessageType.Write or XenstoreMessageType.Directory or XenstoreMessageType.DirectoryPart
            or XenstoreMessageType.GetPerms or XenstoreMessageType.SetPerms or XenstoreMessageType.Mkdir or XenstoreMessageType.Rm;

    private Connection Open(int id, DomainRecord? domain)
    {
        Connection connection = new(id, domain) { NextTransactionId = 1 };
        _nextConnectionId = Math.Max(_nextConnectionId, id + 1);
        _connections.Add(id, connection);
        if (domain is not null)
            domain.Connection = connection;
        RecordConnection(StateRecord.ConnectionOpened, connection);
        return connection;
    }

    /// <param name="uncounted">How much of the answer's start is no part of what a transaction depends on.</param>
    private XenstoreError Answer(ReadOnlySpan<byte> payload, int uncounted = 0)
    {
        if (payload.Length > (int)XenstoreConstants.PayloadMax)
            return XenstoreError.E2BIG;
        if (_transaction is not null)
            _fingerprint = PathHash.Mix(_seed, payload[uncounted..]);
        if (_mode == Mode.Serving)
            _host.Send(_caller, _request.Type, _request.RequestId, _request.TxId, payload);
        return XenstoreError.None;
    }

    /// <summary>For telling whether two events are the same.</summary>
    public ulong FingerprintOf(ReadOnlySpan<byte> bytes) => PathHash.Mix(_seed, bytes);

    private XenstoreError AnswerOk() => Answer("OK\0"u8);

    /// <summary>The payload as one string with its nul, without it; empty if it is anything else.</summary>
    private static ReadOnlySpan<byte> OneArgument(ReadOnlySpan<byte> payload) =>
        payload.Length > 0 && payload.IndexOf((byte)0) == payload.Length - 1 ? payload[..^1] : default;

    /// <summary>Takes the first string off the payload.</summary>
    private static bool TakeString(ref ReadOnlySpan<byte> payload, out ReadOnlySpan<byte> text)
    {
        int end = payload.IndexOf((byte)0);
        text = end < 0 ? default : payload[..end];
        if (end < 0)
            return false;
        payload = payload[(end + 1)..];
        return true;
    }

    /// <summary>As C's atoi: blanks, a sign, digits, and whatever follows.</summary>
    private static int ToInt(ReadOnlySpan<byte> text)
    {
        text = text.TrimStart(" \t\n\r\v\f"u8);
        bool isNegative = text.Length > 0 && text[0] == '-';
        if (text.Length > 0 && text[0] is (byte)'-' or (byte)'+')
            text = text[1..];
        long value = 0;
        foreach (byte digit in text)
        {
            if (!char.IsAsciiDigit((char)digit))
                break;
            value = Math.Min(value * 10 + (digit - '0'), uint.MaxValue);
        }
        return (int)(isNegative ? -value : value);
    }
}
