// SPDX-License-Identifier: MIT
// The loop: takes requests from sockets and rings, has them served, sends what comes of them. Single-threaded. Made by Program and by tests.

using System;
using System.Collections.Generic;
using XenSharp.Interop;
using XenSharp.Xenstore.Protocol;

namespace XenSharp.Xenstored;

internal sealed partial class Daemon : IDisposable
{
    private const int ListenerKey = -1;
    private const int MostSlots = 4096;

    private readonly Epoll _epoll = new();
    private readonly EpollEvent[] _events = new EpollEvent[128];
    private readonly SharedRegion _region;
    private readonly List<Client?> _clients = [];
    private readonly Stack<int> _freeNumbers = new();
    private readonly List<Client> _dirty = [];      // Have something to send.
    private readonly List<Client> _changed = [];    // Have a position to publish.
    private readonly List<Client> _held = [];
    private readonly DaemonHost _host;
    private readonly int _listener;
    private volatile bool _isStopping;

    public Daemon(DaemonOptions options)
    {
        _region = SharedRegion.Anonymous((long)MostSlots * Slot.Size);
        _host = new DaemonHost(this, options);
        Server = new XenstoreServer(_host, options.Seed);
        options.Quotas?.Invoke(Server.Quotas);
        Server.CreateInitialNodes();
        _listener = UnixSocket.Listen(options.SocketPath, 128);
        _epoll.Add(_listener, EpollFlags.Read, ListenerKey);
    }

    public XenstoreServer Server { get; }

    public void Run()
    {
        while (!_isStopping)
            Turn(-1);
    }

    /// <summary>Waits once, and serves what came.</summary>
    public void Turn(int timeoutMs)
    {
        int count = _epoll.Wait(_events, Server.HasHolds ? 10 : timeoutMs);
        for (int index = 0; index < count; index++)
        {
            int key = _events[index].Key;
            if (key == ListenerKey)
                AcceptAll();
            else if (_clients[key] is { } client)
                OnEvent(client, _events[index].Flags);
        }
        if (Server.HasHolds)
            Server.EndOldHolds();
        ServeHeld();
        FlushDirty();
    }

    /// <summary>Ends Run soon; may be called by any thread, and takes effect with the next event.</summary>
    public void Stop() => _isStopping = true;

    public void Dispose()
    {
        foreach (Client? client in _clients)
        {
            if (client is not null)
                UnixSocket.Close(client.Descriptor);
        }
        UnixSocket.Close(_listener);
        _epoll.Dispose();
        _region.Dispose();
    }

    internal void MarkChanged(Client client)
    {
        if (!client.IsChanged)
        {
            client.IsChanged = true;
            _changed.Add(client);
        }
        if (client.IsDirty)
            return;
        client.IsDirty = true;
        _dirty.Add(client);
    }

    /// <summary>The connection is gone from the store.</summary>
    internal void Remove(Client client)
    {
        if (_clients[client.Number] != client)
            return;
        _epoll.Remove(client.Descriptor);
        UnixSocket.Close(client.Descriptor);
        _clients[client.Number] = null;
        _freeNumbers.Push(client.Number);
        _held.Remove(client);
    }

    private void AcceptAll()
    {
        for (int descriptor = UnixSocket.Accept(_listener); descriptor >= 0; descriptor = UnixSocket.Accept(_listener))
        {
            if (!_freeNumbers.TryPop(out int number))
            {
                number = _clients.Count;
                if (number == MostSlots)
                {
                    _host.Log(LogLevel.Error, $"more than {MostSlots} clients at once; one was turned away");
                    UnixSocket.Close(descriptor);
                    continue;
                }
                _clients.Add(null);
            }
            Connection connection = Server.OpenSocket();
            Slot slot = new(_region, (long)number * Slot.Size);
            slot.Clear(connection.Id, -1);
            Client client = new(number, slot, connection) { Descriptor = descriptor };
            connection.HostState = client;
            _clients[number] = client;
            _epoll.Add(descriptor, EpollFlags.Read, number);
        }
    }

    private void OnEvent(Client client, EpollFlags flags)
    {
        if ((flags & EpollFlags.Write) != 0)
        {
            Flush(client);
            Serve(client);
        }
        if ((flags & (EpollFlags.Read | EpollFlags.HangUp | EpollFlags.Error)) == 0 || !client.Connection.IsOpen)
            return;
        bool isFull = client.Slot.Waiting == Slot.InSize;
        if (!isFull && client.Slot.Receive(client.Descriptor) == TransferState.Closed)
            Server.Close(client.Connection);
        else if (isFull && (flags & (EpollFlags.HangUp | EpollFlags.Error)) != 0)
            Server.Close(client.Connection);
        else
            Serve(client);
    }

    /// <summary>Serves what is there, unless the client must wait or does not take its answers.</summary>
    private void Serve(Client client)
    {
        while (client.Connection.IsOpen)
        {
            if (client.Connection.IsHeld)
            {
                if (!_held.Contains(client))
                    _held.Add(client);
                return;
            }
            if (!client.HasRoomForAnswer)
            {
                MarkChanged(client);
                Flush(client);
                if (!client.HasRoomForAnswer)
                    return;
            }
            if (!client.TryPeek(out XenSharp.Abi.XenstoreMessageHeader header, out ReadOnlySpan<byte> payload, out bool isBroken))
            {
                if (isBroken)
                    Server.Close(client.Connection);
                return;
            }
            client.Slot.Take(Client.HeaderSize + payload.Length);
            MarkChanged(client);
            _host.Trace(client, header, payload, isAnswer: false);
            Server.Handle(client.Connection, header, payload);
            Publish();
        }
    }

    private void ServeHeld()
    {
        for (int index = _held.Count - 1; index >= 0; index--)
        {
            Client client = _held[index];
            if (client.Connection.IsHeld)
                continue;
            _held.RemoveAt(index);
            Serve(client);
        }
    }

    private void Publish()
    {
        foreach (Client client in _changed)
        {
            client.IsChanged = false;
            client.Slot.Publish();
        }
        _changed.Clear();
    }

    private void FlushDirty()
    {
        // A client that is served here because it took its answers may make others dirty.
        for (int index = 0; index < _dirty.Count; index++)
        {
            Client client = _dirty[index];
            client.IsDirty = false;
            if (client.Connection.IsOpen)
                Flush(client);
        }
        _dirty.Clear();
    }

    private void Flush(Client client)
    {
        while (client.HasUnsent)
        {
            if (client.Slot.Unsent > 0)
            {
                TransferState state = client.Slot.Send(client.Descriptor);
                if (state == TransferState.Closed)
                {
                    Server.Close(client.Connection);
                    return;
                }
                if (client.Slot.Unsent > 0)
                {
                    Wait(client, isBlocked: true);
                    return;
                }
            }
            if (client.Refill())
                client.Slot.Publish();
        }
        client.NoteAllSent();
        Wait(client, isBlocked: false);
    }

    private void Wait(Client client, bool isBlocked)
    {
        if (client.IsBlocked == isBlocked)
            return;
        client.IsBlocked = isBlocked;
        _epoll.Modify(client.Descriptor, isBlocked ? EpollFlags.Write : EpollFlags.Read, client.Number);
    }
}
