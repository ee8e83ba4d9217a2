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
    private const int KeeperKey = -2;
    private const int EventsKey = -3;
    private const int MostSlots = 4096;
    private const int HoldTurnMs = 10;
    private const int StallTurnMs = 1000;
    private const int RequestsPerTurn = 32;     // Of one client, so that no client waits for all that another can ask.
    private const int EventTimeoutMs = 20_000;

    private readonly DaemonOptions _options;
    private readonly Epoll _epoll = new();
    private readonly EpollEvent[] _events = new EpollEvent[128];
    private readonly Client?[] _clients = new Client?[MostSlots];
    private readonly List<Client> _dirty = [];      // Have something to send.
    private readonly List<Client> _changed = [];    // Have a position to publish.
    private readonly List<Client> _held = [];
    private List<Client> _unfinished = [];          // Have had their share of a turn, and may have more to ask.
    private List<Client> _lastUnfinished = [];
    private readonly DaemonHost _host;
    private volatile bool _isStopping;

    public XenstoreServer Server { get; private set; }

    public string SocketPath => _options.SocketPath;

    /// <summary>The domain whose request is being served, if it has no privilege.</summary>
    public DomainRecord? Cause { get; private set; }

    public AccessLog AccessLog { get; }

    /// <summary>Whether the access log is to be opened anew with the next turn; set by any thread.</summary>
    public bool ReopenLog { get; set; }

    public void Run()
    {
        while (!_isStopping)
            Turn(-1);
    }

    /// <summary>Waits once, and serves what came.</summary>
    public void Turn(int timeoutMs)
    {
        int count = _epoll.Wait(_events, TurnTime(timeoutMs));
        if (ReopenLog)
        {
            ReopenLog = false;
            AccessLog.Open();
        }
        for (int index = 0; index < count; index++)
        {
            int key = _events[index].Key;
            if (key >= 0)
            {
                if (_clients[key] is { } client)
                    OnEvent(client, _events[index].Flags);
            }
            else if (key == ListenerKey)
            {
                AcceptAll();
            }
            else if (key == KeeperKey)
            {
                TakeFromKeeper();
            }
            else
            {
                OnRingEvents();
            }
        }
        if (_held.Count > 0)
            ServeHeld();
        if (_unfinished.Count > 0)
            ServeUnfinished();
        FlushDirty();
        if (_state is not null && (count == 0 || _state.IsSaving || _state.IsDue))
            _state.Turn(Server, _host.Now);
    }

    /// <summary>Ends Run with the next event; may be called by any thread.</summary>
    public void Stop() => _isStopping = true;

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

    private int TurnTime(int timeoutMs)
    {
        int most = _unfinished.Count > 0 || _state is { IsSaving: true } ? 0 : Server.HasHolds ? HoldTurnMs : _held.Count > 0 || _state is { IsSafe: false } ? StallTurnMs : -1;
        return most < 0 ? timeoutMs : timeoutMs < 0 ? most : Math.Min(timeoutMs, most);
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
        if (isFull ? (flags & (EpollFlags.HangUp | EpollFlags.Error)) != 0 : client.Slot.Receive(client.Descriptor) == TransferState.Closed)
            Close(client);
        else
            Serve(client);
    }

    /// <summary>Serves what is there, unless the client must wait or does not take its answers.</summary>
    private void Serve(Client client)
    {
        for (int served = 0; client.Connection.IsOpen && !_isStopping; served++)
        {
            if (client.Ring is { IsBroken: true })
            {
                Ignore(client);
                return;
            }
            if (served == RequestsPerTurn)
            {
                if (!client.IsUnfinished)
                    _unfinished.Add(client);
                client.IsUnfinished = true;
                return;
            }
            if (MustWait(client))
            {
                if (!client.IsHeld)
                    _held.Add(client);
                client.IsHeld = true;
                return;
            }
            if (!client.HasRoomForAnswer)
            {
                Flush(client);
                if (!client.Connection.IsOpen || !client.HasRoomForAnswer)
                    return;
            }
            if (!client.TryPeek(out Abi.XenstoreMessageHeader header, out ReadOnlySpan<byte> payload, out bool isBroken))
            {
                if (isBroken)
                    Break(client);
                if (client.Ring is { } ring && (ring.IsBroken || ring.Pull(client.Slot) || ring.IsBroken))
                    continue;
                return;
            }
            client.Slot.Take(Client.HeaderSize + payload.Length);
            MarkChanged(client);
            if (AccessLog.IsOn)
                AccessLog.Write(client.Connection, header, payload, isAnswer: false);
            Cause = client.Connection.IsUnprivileged ? client.Connection.Domain : null;
            Server.Handle(client.Connection, header, payload);
            Cause = null;
            Publish();
        }
    }

    /// <summary>Those that the turn before, or this one, has left with requests.</summary>
    private void ServeUnfinished()
    {
        (_unfinished, _lastUnfinished) = (_lastUnfinished, _unfinished);
        foreach (Client client in _lastUnfinished)
        {
            client.IsUnfinished = false;
            if (client.Connection.IsOpen)
                Serve(client);
        }
        _lastUnfinished.Clear();
    }

    private bool MustWait(Client client)
    {
        if (!client.Connection.IsUnprivileged)
            return false;
        DomainRecord domain = client.Connection.Domain!;
        if (client.Connection.IsHeld)
            return true;
        if (Stalls(domain, Quota.Outstanding, domain.Outstanding))
            return true;
        return Server.Quotas[Quota.Memory] != 0 && Stalls(domain, Quota.Memory, domain.Memory);
    }

    private bool Stalls(DomainRecord domain, Quota quota, long use)
    {
        if (use < Server.Quotas[quota])
            return false;
        _host.LogQuota(domain.Id, Quotas.NameOf(quota), Server.Quotas[quota], use);
        return true;
    }

    private void ServeHeld()
    {
        if (Server.HasHolds)
            Server.EndOldHolds();
        foreach (Client? client in _clients.AsSpan(Keeper.MostSockets))
        {
            while (client is not null && client.HasStaleEvent(_host.Now - EventTimeoutMs))
                DropStale(client);
        }
        for (int index = _held.Count - 1; index >= 0; index--)
        {
            Client client = _held[index];
            if (client.Connection.IsOpen && MustWait(client))
                continue;
            _held.RemoveAt(index);
            client.IsHeld = false;
            Serve(client);
        }
    }

    private void FlushDirty()
    {
        // A client that is served because it took its answers may make others dirty.
        for (int index = 0; index < _dirty.Count; index++)
        {
            Client client = _dirty[index];
            client.IsDirty = false;
            if (client.Connection.IsOpen && client.HasUnsent)
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
                TransferState state = TransferState.Done;
                if (client.Ring is { } ring)
                    ring.Push(client.Slot);
                else
                    state = client.Slot.Send(client.Descriptor);
                if (state == TransferState.Closed)
                {
                    Close(client);
                    return;
                }
                if (client.Ring is { IsBroken: true })
                {
                    Ignore(client);
                    return;
                }
                if (client.Slot.Unsent > 0)
                {
                    Wait(client, isBlocked: true);
                    return;
                }
            }
            Refill(client);
        }
        client.NoteAllSent();
        Wait(client, isBlocked: false);
    }

    private void Wait(Client client, bool isBlocked)
    {
        if (client.IsBlocked == isBlocked || client.Descriptor < 0)
            return;
        client.IsBlocked = isBlocked;
        _epoll.Modify(client.Descriptor, isBlocked ? EpollFlags.Write : EpollFlags.Read, client.Number);
    }
}
