// SPDX-License-Identifier: MIT
// What the store needs of the world: bytes to clients, domains, logs. Implemented by the daemon and by tests.

using System;
using XenSharp.Abi;

namespace XenSharp.Xenstore.Protocol;

public enum DomainState
{
    Absent,
    Running,
    ShutDown,       // Shut down or crashed, and still there.
    Dying,
}

public enum LogLevel
{
    Information,
    Warning,
    Error,
}

/// <summary>What room for records is wanted for.</summary>
public enum Room
{
    ToGrow,     // The store, or what clients have in it.
    ToFree,     // Some space, at the end.
}

/// <summary>All calls come from within a call to XenstoreServer, on its thread.</summary>
public abstract class XenstoreHost
{
    /// <summary>Milliseconds of some clock that does not go back.</summary>
    public abstract long Now { get; }

    /// <summary>Queues one message. The payload is only valid during the call.</summary>
    public abstract void Send(Connection to, XenstoreMessageType type, uint requestId, uint transactionId, ReadOnlySpan<byte> payload);

    /// <summary>Queues an event, unless the same one waits already: the client reads the node after the event, whichever of the two it is.</summary>
    /// <param name="path">The path as the client knows it.</param>
    /// <returns>Whether it was queued.</returns>
    public abstract bool SendEvent(Connection to, ReadOnlySpan<byte> path, ReadOnlySpan<byte> token);

    public abstract DomainState StateOf(int domain);

    /// <summary>INTRODUCE: maps the domain's ring and binds its port.</summary>
    public abstract XenstoreError Connect(Connection connection, int port);

    /// <summary>INTRODUCE again: binds the new port, and empties the ring.</summary>
    public abstract XenstoreError Reconnect(Connection connection, int port);

    /// <summary>The connection is gone from the store: unmap, unbind, close.</summary>
    public abstract void Disconnect(Connection connection);

    public abstract void Log(LogLevel level, string text);

    /// <summary>A quota refused something; the host limits the rate of what it logs.</summary>
    public abstract void LogQuota(int domain, string quota, long limit, long use);

    /// <summary>Commands of CONTROL that concern the daemon, not the store; null if it has no such command.</summary>
    public abstract string? Control(Connection connection, string command, string[] arguments, out XenstoreError error);

    /// <summary>Whether records of so many bytes would be safe. A request for which there is no room is refused with ENOSPC.</summary>
    public virtual bool HasRoom(int bytes, Room room) => true;

    /// <summary>Takes a record of a change, to make the state anew after a restart. It is safe when this returns.</summary>
    public abstract void Record(ReadOnlySpan<byte> record);
}
