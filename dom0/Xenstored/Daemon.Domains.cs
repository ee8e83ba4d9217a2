// SPDX-License-Identifier: MIT
// Domains as clients: their rings and event channels. Without Xen, INTRODUCE is answered and nothing is mapped, which serves tests.

using System;
using System.Collections.Generic;
using System.IO;
using XenSharp.Control;
using XenSharp.Interop;
using XenSharp.Xenstore.Protocol;

namespace XenSharp.Xenstored;

internal sealed partial class Daemon
{
    private readonly Dictionary<uint, Client> _byPort = [];
    private readonly uint[] _ports = new uint[128];
    private DomainDevices? _xen;

    /// <summary>INTRODUCE of a domain that has no connection yet.</summary>
    internal XenstoreError ConnectDomain(Connection connection, int port)
    {
        int number = FreeDomainNumber();
        if (number < 0 || NewSlot(number) is not { } slot)
            return XenstoreError.ENOSPC;
        slot.Clear(connection.Id, connection.DomainId);
        slot.Port = port;
        Client client = new(number, slot, connection);
        if (!TryOpenRing(client))
        {
            slot.ConnectionId = 0;
            return XenstoreError.EINVAL;
        }
        Attach(client);
        client.Ring?.Begin(slot);
        // The log may still have the position of who had the slot before.
        MarkChanged(client);
        return XenstoreError.None;
    }

    /// <summary>INTRODUCE again: a new event channel, an empty ring.</summary>
    internal XenstoreError ReconnectDomain(Connection connection, int port)
    {
        if (connection.HostState is not Client client)
            return XenstoreError.EINVAL;
        client.Slot.Port = port;
        client.DropAll();
        client.IsIgnored = false;
        if (client.Ring is { } ring)
        {
            Unbind(client);
            ring.Dispose();
            if (!TryOpenRing(client))
                return XenstoreError.EINVAL;
        }
        ResetRing(client);
        return XenstoreError.None;
    }

    /// <summary>The ring and the slot's counters begin anew: in the log first, since of the log's position and the slot's the greater one counts.</summary>
    private void ResetRing(Client client)
    {
        _state?.Commit([(client.Number, 0)]);
        client.Ring?.Reset(client.Slot);
    }

    internal DomainState StateOf(int domain) => _xen is null ? DomainState.Running : _xen.StateOf(domain);

    internal void Unbind(Client client)
    {
        if (_xen is null || client.LocalPort == 0)
            return;
        _byPort.Remove(client.LocalPort);
        _xen.Unbind(client.LocalPort);
        client.LocalPort = 0;
    }

    /// <summary>With Xen: opens its devices, and makes the daemon's own domain a client unless it is one already.</summary>
    private void OpenXen()
    {
        if (_options.Devices is null)
            return;
        _xen = _options.Devices();
        _epoll.Add(_xen.Descriptor, EpollFlags.Read, EventsKey);
    }

    private void ConnectOwnDomain()
    {
        if (_xen?.OwnPort is not { } port || Server.FindDomain(0)?.Connection is not null)
            return;
        if (Server.IntroduceOwnDomain(0, port) is null)
            throw new IOException("the xenstore ring of this domain cannot be mapped; is another xenstored running?");
    }

    private void RestoreDomain(int number, Slot slot, Connection connection, ulong? position)
    {
        slot.Restore(position);
        Client client = new(number, slot, connection);
        // A domain whose ring cannot be mapped any more stays a client until its end is told.
        if (TryOpenRing(client))
            client.Ring?.Continue(slot);
        Attach(client);
    }

    private bool TryOpenRing(Client client)
    {
        if (_xen is null)
            return true;
        int domain = client.Connection.DomainId;
        try
        {
            SharedPages page = domain == 0 ? _xen.MapOwnRing() : _xen.MapRing(domain);
            uint local = _xen.Bind(domain, client.Slot.Port);
            client.LocalPort = local;
            client.Ring = new GuestRing(page, () => _xen.Notify(local));
            _byPort[local] = client;
            // dom0's kernel starts to use its ring at the first event; to anybody else one too many says nothing.
            _xen.Notify(local);
            return true;
        }
        catch (Exception failure) when (failure is IOException or HypercallException)
        {
            _host.Log(LogLevel.Error, $"the ring of domain {domain} cannot be opened: {failure.Message}");
            return false;
        }
    }

    private void OnRingEvents()
    {
        // Each port is there once until it is unmasked: a domain that signals without end has one share of a turn like all others.
        int count = 0;
        while (count < _ports.Length && _xen!.TryTakeEvent(out _ports[count]))
            count++;
        foreach (uint port in _ports.AsSpan(0, count))
        {
            if (port == _xen!.DomainPort)
            {
                Server.CheckDomains();
                Publish();
            }
            else if (_byPort.TryGetValue(port, out Client? client))
            {
                OnRing(client);
            }
            _xen!.Unmask(port);
        }
    }

    private void OnRing(Client client)
    {
        GuestRing ring = client.Ring!;
        if (ring.WantsReconnection)
        {
            client.IsIgnored = false;
            Server.ResetConnection(client.Connection);
            client.DropAll();
            ResetRing(client);
            Publish();
            return;
        }
        if (client.HasUnsent)
            Flush(client);
        if (!ring.IsBroken)
            ring.Pull(client.Slot);
        Serve(client);
    }

    /// <summary>As in Xen: a domain that broke its ring or the protocol is not served any more, unless it connects anew.</summary>
    private void Ignore(Client client)
    {
        if (client.IsIgnored)
            return;
        client.IsIgnored = true;
        _host.Log(LogLevel.Error, $"domain {client.Connection.DomainId} broke its ring or the protocol; it is ignored until it connects anew");
        Server.ResetConnection(client.Connection);
        client.DropAll();
        Publish();
    }

    private int FreeDomainNumber()
    {
        for (int number = Keeper.MostSockets; number < MostSlots; number++)
        {
            if (_clients[number] is null)
                return number;
        }
        return -1;
    }
}
