// SPDX-License-Identifier: MIT
// What the load generator's clients do. The store has /bench/dN/nM with values of 16 bytes.

using System;
using System.Globalization;
using System.Text;
using XenSharp.Abi;

namespace XenSharp.Bench.Xenstore;

/// <summary>The nodes of a store of some size: directories of a hundred.</summary>
internal readonly record struct StoreShape(int Nodes)
{
    public const int PerDirectory = 100;

    public int Directories => Math.Max(Nodes / PerDirectory, 1);

    public static string Node(int directory, int node) => string.Create(CultureInfo.InvariantCulture, $"/bench/d{directory}/n{node}");
}

/// <summary>The same kind of request again and again, each about another node.</summary>
internal sealed class SingleRequests : Workload
{
    private readonly byte[][] _requests;
    private int _next;

    public SingleRequests(int client, Func<Random, byte[]> make)
    {
        Random random = new(client + 1);
        _requests = new byte[4096][];
        for (int index = 0; index < _requests.Length; index++)
            _requests[index] = make(random);
    }

    public override byte[] Next() => _requests[_next++ % _requests.Length];

    public override bool OnMessage(ReadOnlySpan<byte> message)
    {
        if (Requests.Type(message) == XenstoreMessageType.Error)
            Failures++;
        return true;
    }
}

/// <summary>Begin, ten writes in one directory, commit. A conflict counts as a failure, and as no unit.</summary>
internal sealed class Transactions : Workload
{
    private const int Writes = 10;

    private readonly byte[] _start = Requests.Make(XenstoreMessageType.TransactionStart, "|");
    private readonly byte[] _end = Requests.Make(XenstoreMessageType.TransactionEnd, "T|");
    private readonly byte[][][] _writes;
    private int _step;
    private int _round;

    public Transactions(int client, int clients, StoreShape shape)
    {
        Random random = new(client + 1);
        _writes = new byte[64][][];
        for (int round = 0; round < _writes.Length; round++)
        {
            // Every client has its directories, if there are enough.
            int own = Math.Max(shape.Directories / clients, 1);
            int directory = (client * own + random.Next(own)) % shape.Directories;
            _writes[round] = new byte[Writes][];
            for (int write = 0; write < Writes; write++)
                _writes[round][write] = Requests.Make(XenstoreMessageType.Write, $"{StoreShape.Node(directory, random.Next(StoreShape.PerDirectory))}|{random.Next():x16}");
        }
    }

    public override byte[] Next() => _step == 0 ? _start : _step <= Writes ? _writes[_round % _writes.Length][_step - 1] : _end;

    public override bool OnMessage(ReadOnlySpan<byte> message)
    {
        bool isError = Requests.Type(message) == XenstoreMessageType.Error;
        if (_step == 0)
        {
            uint id = uint.Parse(Encoding.ASCII.GetString(message[Requests.HeaderSize..^1]), CultureInfo.InvariantCulture);
            foreach (byte[] write in _writes[_round % _writes.Length])
                Requests.SetTransaction(write, id);
            Requests.SetTransaction(_end, id);
        }
        if (_step <= Writes)
        {
            _step++;
            return false;
        }
        _step = 0;
        _round++;
        if (isError)
            Failures++;
        return !isError;
    }
}

/// <summary>Writes a node that it watches; a unit ends with the event.</summary>
internal sealed class WatchedWrites : Workload
{
    private readonly byte[] _write;
    private readonly byte[][] _watches;
    private int _set;
    private bool _hasAnswer;
    private bool _hasEvent;

    /// <param name="watches">How many watches the client sets first, the last one on its node.</param>
    public WatchedWrites(int client, int watches)
    {
        string path = $"/bench/w{client}";
        _watches = new byte[watches][];
        for (int index = 0; index < watches; index++)
            _watches[index] = Requests.Make(XenstoreMessageType.Watch, index == watches - 1 ? $"{path}|t|" : $"/bench/other{client}/x{index}|t|");
        _write = Requests.Make(XenstoreMessageType.Write, $"{path}|0123456789abcdef");
    }

    public override byte[] Next()
    {
        _hasAnswer = _hasEvent = false;
        return _set < _watches.Length ? _watches[_set] : _write;
    }

    public override bool OnMessage(ReadOnlySpan<byte> message)
    {
        bool isEvent = Requests.Type(message) == XenstoreMessageType.WatchEvent;
        _hasEvent |= isEvent;
        _hasAnswer |= !isEvent;
        return isEvent && _set == _watches.Length;
    }

    public override bool IsLast(ReadOnlySpan<byte> message)
    {
        if (!_hasAnswer || !_hasEvent)
            return false;
        if (_set < _watches.Length)
            _set++;
        return true;
    }
}

/// <summary>Makes the store's nodes, once.</summary>
internal sealed class Population(StoreShape shape) : Workload
{
    private int _next;

    public override byte[] Next()
    {
        int node = _next++;
        return Requests.Make(XenstoreMessageType.Write, $"{StoreShape.Node(node / StoreShape.PerDirectory, node % StoreShape.PerDirectory)}|0123456789abcdef");
    }

    public override bool OnMessage(ReadOnlySpan<byte> message) => true;

    public int Total => shape.Nodes;
}
