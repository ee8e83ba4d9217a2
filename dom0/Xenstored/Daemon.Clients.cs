// SPDX-License-Identifier: MIT
// Clients coming and going, by socket, through the keeper, or as domains.

using System;
using System.Collections.Generic;
using XenSharp.Interop;
using XenSharp.Xenstore.Protocol;

namespace XenSharp.Xenstored;

internal sealed partial class Daemon
{
    private readonly SortedSet<int> _freeNumbers = [];
    private readonly int _listener = -1;
    private readonly DescriptorChannel? _keeper;
    private int _usedNumbers;

    internal void Remove(Client client)
    {
        if (_clients[client.Number] != client)
            return;
        _clients[client.Number] = null;
        client.DropAll();
        Unbind(client);
        client.Ring?.Dispose();
        client.Ring = null;
        client.Slot.ConnectionId = 0;
        if (client.Descriptor < 0)
            return;
        _epoll.Remove(client.Descriptor);
        UnixSocket.Close(client.Descriptor);
        if (_keeper is not null)
            _keeper.Send(client.Number);
        else
            _freeNumbers.Add(client.Number);
    }

    private void AcceptAll()
    {
        for (int descriptor = UnixSocket.Accept(_listener); descriptor >= 0; descriptor = UnixSocket.Accept(_listener))
        {
            int number = _freeNumbers.Count > 0 ? _freeNumbers.Min : _usedNumbers;
            if (number == Keeper.MostSockets)
            {
                _host.Log(LogLevel.Error, $"more than {Keeper.MostSockets} clients at once; one was turned away");
                UnixSocket.Close(descriptor);
                continue;
            }
            if (!_freeNumbers.Remove(number))
                _usedNumbers++;
            AddSocket(number, descriptor);
        }
    }

    private void TakeFromKeeper()
    {
        while (true)
        {
            TransferState state = _keeper!.Receive(out int number, out int descriptor, isWaiting: false);
            if (state == TransferState.Closed)
            {
                // Without its keeper, the daemon must not stay: another one may be started.
                _isStopping = true;
                return;
            }
            if (state == TransferState.Blocked)
                return;
            if (number >= 0 && descriptor >= 0)
                AddSocket(number, descriptor);
        }
    }

    private void AddSocket(int number, int descriptor)
    {
        Slot? slot = NewSlot(number);
        if (slot is null)
        {
            UnixSocket.Close(descriptor);
            _keeper?.Send(number);
            return;
        }
        Connection connection = Server.OpenSocket();
        slot.Clear(connection.Id, -1);
        Client client = new(number, slot, connection) { Descriptor = descriptor };
        Attach(client);
        // The log may still have the position of who had the slot before.
        MarkChanged(client);
        Publish();
    }

    private void Attach(Client client)
    {
        client.Connection.HostState = client;
        _clients[client.Number] = client;
        if (client.Descriptor >= 0)
            _epoll.Add(client.Descriptor, EpollFlags.Read, client.Number);
    }

    /// <summary>The slot, its space taken; null if there is none.</summary>
    private Slot? NewSlot(int number)
    {
        if (_region.Reserve((long)number * Slot.Size, Slot.Size))
            return new Slot(_region, (long)number * Slot.Size);
        _host.Log(LogLevel.Error, "no space for another client; it was turned away");
        return null;
    }

    private void Close(Client client)
    {
        Server.Close(client.Connection);
        Publish();
    }

    /// <summary>The client broke the protocol: a socket is closed, a domain not served any more.</summary>
    private void Break(Client client)
    {
        _host.Log(LogLevel.Error, $"client {client.Connection.Id} of domain {client.Connection.DomainId} announced a message that is too long");
        if (client.Ring is { } ring)
            ring.Break(Abi.XenstoreConstants.ErrorProto);
        else
            Close(client);
    }
}
