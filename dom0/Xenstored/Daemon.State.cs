// SPDX-License-Identifier: MIT
// What outlives the daemon: beginning with a former one's state, publishing changes, making room for another program.

using System;
using System.Collections.Generic;
using System.IO;
using System.Runtime.InteropServices;
using XenSharp.Abi;
using XenSharp.Interop;
using XenSharp.Xenstore.Protocol;

namespace XenSharp.Xenstored;

internal sealed partial class Daemon
{
    // The daemon's own kinds of records, beside the store's: messages that wait outside a slot, and how many of them went into it or were dropped.
    private const byte MessageWaits = StateFolder.FirstOwnKind;
    private const byte MessagesMoved = MessageWaits + 1;

    private readonly SharedRegion _region;
    private readonly StateFolder? _state;
    private readonly List<(int Slot, ulong Position)> _positions = [];
    private readonly byte[] _ownRecord = new byte[8 + Client.LargestMessage];

    public Daemon(DaemonOptions options)
    {
        _options = options;
        _host = new DaemonHost(this, options);
        AccessLog = new AccessLog(text => options.Log(LogLevel.Warning, text)) { Path = options.TraceFile };
        AccessLog.Open();
        if (options.StateFolder is { } folder)
            _state = new StateFolder(folder, options.MostLog, options.IsTrial, _host.Log, options.MostStateFile) { OwnRecords = SaveWaiting };
        _region = _state is null ? SharedRegion.Anonymous((long)MostSlots * Slot.Size) : SharedRegion.OfFile(_state.SlotPath, (long)MostSlots * Slot.Size);
        Dictionary<int, ulong> positions = [];
        List<byte[]> own = [];
        XenstoreServer? restored = _state?.Restore(NewServer, own.Add, positions);
        if (restored is null && options.IsTrial)
            throw new StateException("the state cannot be taken over");
        Server = restored ?? NewServer();
        _keeper = options.KeeperDescriptor >= 0 ? new DescriptorChannel(options.KeeperDescriptor) : null;
        Server.CreateInitialNodes();
        OpenXen();
        TakeOver(positions, own);
        ConnectOwnDomain();
        if (_state is { IsSafe: false })
            _state.SaveNow(Server);
        if (_state is { IsSafe: false })
            throw new IOException($"there is no space for the state in {options.StateFolder}");
        Publish();
        EndUpdate();
        if (_keeper is null)
        {
            _listener = UnixSocket.Listen(options.SocketPath, 128);
            _epoll.Add(_listener, EpollFlags.Read, ListenerKey);
        }
        else
        {
            _epoll.Add(_keeper.Descriptor, EpollFlags.Read, KeeperKey);
            _keeper.Send(Keeper.Ready);
        }
        foreach (Client? client in _clients)
        {
            if (client is null)
                continue;
            Serve(client);
            if (client.Connection.IsOpen)
                Flush(client);
        }
    }

    public void Dispose()
    {
        foreach (Client? client in _clients)
        {
            if (client is { Descriptor: >= 0 })
                UnixSocket.Close(client.Descriptor);
            client?.Ring?.Dispose();
        }
        if (_listener >= 0)
            UnixSocket.Close(_listener);
        _keeper?.Dispose();
        _xen?.Dispose();
        _state?.Dispose();
        AccessLog.Dispose();
        _epoll.Dispose();
        _region.Dispose();
    }

    internal bool HasRoom(int bytes, Room room) => _state is null || _state.HasRoom(bytes, room);

    internal void Record(ReadOnlySpan<byte> record) => _state?.Record(record);

    /// <summary>A message did not fit into its client's slot.</summary>
    internal void RecordWaiting(Client client, byte[] message)
    {
        if (_state is not null)
            _state.Record(WaitingRecord(client, message));
    }

    private ReadOnlySpan<byte> WaitingRecord(Client client, byte[] message)
    {
        _ownRecord[0] = MessageWaits;
        BitConverter.TryWriteBytes(_ownRecord.AsSpan(1), client.Connection.Id);
        message.CopyTo(_ownRecord, 5);
        return _ownRecord.AsSpan(0, 5 + message.Length);
    }

    private void SaveWaiting(RecordSink sink)
    {
        foreach (Client? client in _clients)
        {
            foreach (byte[] message in client?.Overflow ?? [])
                sink(WaitingRecord(client!, message));
        }
    }

    /// <summary>Begins the update to another program; the answer comes from it, or from the next daemon of this one.</summary>
    internal string? BeginUpdate(Connection connection, in XenstoreMessageHeader request, ProgramLine program)
    {
        if (_state is null || _keeper is null)
            return "This daemon runs without a keeper; it cannot hand over.";
        if (!_state.IsSafe)
            return "The state is not safe: there is no space for it.";
        new UpdateFile(program, connection.Id, request.RequestId, request.TxId, null).Write(_options.StateFolder!);
        _isUpdating = true;
        _isStopping = true;
        return null;
    }

    private bool _isUpdating;

    /// <summary>After Run: tells the keeper why it ended.</summary>
    public void Finish(bool isLeaving)
    {
        if (_isUpdating)
            _keeper!.Send(Keeper.Update);
        else if (isLeaving)
            _keeper?.Send(Keeper.Leave);
    }

    private XenstoreServer NewServer()
    {
        XenstoreServer server = new(_host, _state?.Seed(_options.Seed) ?? _options.Seed) { KeepsOrphans = _options.KeepsOrphans };
        foreach ((Quota quota, int limit) in _options.Quotas)
            server.Quotas[quota] = limit;
        if (_options.SoftMemory is { } limitOfMemory)
            server.Quotas.SoftMemory = limitOfMemory;
        return server;
    }

    /// <summary>Brings connections, slots and sockets together again.</summary>
    private void TakeOver(Dictionary<int, ulong> positions, List<byte[]> own)
    {
        Dictionary<int, Connection> connections = [];
        foreach (Connection connection in Server.Connections)
            connections.Add(connection.Id, connection);
        for (int descriptor, number; _keeper is not null;)
        {
            if (_keeper.Receive(out number, out descriptor) != TransferState.Done)
                throw new StateException("the keeper is gone");
            if (number == Keeper.AllPassed)
                break;
            Slot? slot = NewSlot(number);
            if (slot is null || !connections.Remove(slot.ConnectionId, out Connection? connection) || connection.Domain is not null)
            {
                AddSocket(number, descriptor);
                continue;
            }
            slot.Restore(positions.TryGetValue(number, out ulong position) ? position : null);
            Attach(new Client(number, slot, connection) { Descriptor = descriptor });
        }
        for (int number = Keeper.MostSockets; number < MostSlots && connections.Count > 0 && _state is not null; number++)
        {
            Slot slot = new(_region, (long)number * Slot.Size);
            if (slot.ConnectionId != 0 && connections.Remove(slot.ConnectionId, out Connection? connection))
                RestoreDomain(number, slot, connection, positions.TryGetValue(number, out ulong position) ? position : null);
        }
        foreach (Connection lost in connections.Values)
            Server.Close(lost);
        foreach (byte[] record in own)
            RestoreWaiting(record);
    }

    private void RestoreWaiting(byte[] record)
    {
        int id = BitConverter.ToInt32(record, 1);
        foreach (Client? client in _clients)
        {
            if (client is null || client.Connection.Id != id)
                continue;
            if (record[0] == MessageWaits)
                client.Requeue(record.AsSpan(5), _host.Now);
            else
                for (int count = BitConverter.ToInt32(record, 5); count > 0 && client.OverflowCount > 0; count--)
                    client.DropFirst();
        }
    }

    private void Refill(Client client)
    {
        int moved = client.Refill();
        if (moved == 0)
            return;
        RecordMoved(client, moved);
        MarkChanged(client);
        Publish();
    }

    private void DropStale(Client client)
    {
        client.DropFirst();
        RecordMoved(client, 1);
        MarkChanged(client);
        Publish();
    }

    private void RecordMoved(Client client, int count)
    {
        if (_state is null)
            return;
        _ownRecord[0] = MessagesMoved;
        BitConverter.TryWriteBytes(_ownRecord.AsSpan(1), client.Connection.Id);
        BitConverter.TryWriteBytes(_ownRecord.AsSpan(5), count);
        _state.Record(_ownRecord.AsSpan(0, 9));
    }

    /// <summary>Makes what one request did part of the state, all of it at once.</summary>
    private void Publish()
    {
        if (_state is not null && (_state.HasPending || _changed.Count > 1))
        {
            _positions.Clear();
            foreach (Client client in _changed)
                _positions.Add((client.Number, client.Slot.Position));
            _state.Commit(CollectionsMarshal.AsSpan(_positions));
        }
        foreach (Client client in _changed)
        {
            client.IsChanged = false;
            client.Slot.Publish();
        }
        _changed.Clear();
    }

    /// <summary>Answers who asked for the update that brought this daemon, or failed to bring another one.</summary>
    private void EndUpdate()
    {
        if (_state is null || UpdateFile.Read(_options.StateFolder!) is not { } update)
            return;
        foreach (Client? client in _clients)
        {
            if (client is not null && client.Connection.Id == update.ConnectionId)
                Server.AnswerLater(client.Connection, update.Request, update.Failure is null ? "OK" : $"Error activating new binary: {update.Failure}");
        }
        Publish();
        UpdateFile.Delete(_options.StateFolder!);
        _host.Log(LogLevel.Information, update.Failure is null ? $"live update to {update.Program.File} done" : $"live update failed: {update.Failure}");
    }
}
