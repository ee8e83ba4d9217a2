// SPDX-License-Identifier: MIT
// A client as the protocol knows it, and the domains. Made by XenstoreServer; the host keeps the bytes that come and go.

using System.Collections.Generic;

namespace XenSharp.Xenstore.Protocol;

/// <summary>A domain that owns nodes, is named in permissions, or is connected.</summary>
public sealed class DomainRecord(int id, int incarnation)
{
    public int Id { get; } = id;

    /// <summary>Which domain of that number it is: permissions meant for an earlier one are not its.</summary>
    public int Incarnation { get; } = incarnation;

    public bool IsIntroduced { get; internal set; }

    /// <summary>Its end was announced by @releaseDomain.</summary>
    public bool IsShutDown { get; internal set; }

    public int Nodes { get; internal set; }

    public long Memory { get; internal set; }

    public int Watches { get; internal set; }

    /// <summary>Requests whose answers or events its ring has not taken yet; kept by the host.</summary>
    public int Outstanding { get; set; }

    public Connection? Connection { get; internal set; }

    internal bool IsAboveSoftMemory { get; set; }

    /// <summary>Connections whose transactions must come through first; see Fairness.</summary>
    internal int Holds { get; set; }

    public bool IsPrivileged => Id == 0;
}

/// <summary>Sockets have no domain and are privileged.</summary>
public sealed class Connection
{
    internal Connection(int id, DomainRecord? domain)
    {
        Id = id;
        Domain = domain;
    }

    /// <summary>Never used twice; also the order in which connections get the events of one change.</summary>
    public int Id { get; }

    public DomainRecord? Domain { get; }

    /// <summary>The domain that it acts for besides its own; SET_TARGET.</summary>
    public DomainRecord? Target { get; internal set; }

    /// <summary>Where the host keeps what belongs to the connection.</summary>
    public object? HostState { get; set; }

    public int DomainId => Domain?.Id ?? 0;

    public bool IsUnprivileged => Domain is { IsPrivileged: false };

    public bool IsOpen { get; internal set; } = true;

    public int WatchCount { get; internal set; }

    public int TransactionCount => Transactions.Count;

    /// <summary>Whether its requests have to wait: for the transactions of others, or for its own memory to fall below the quota.</summary>
    public bool IsHeld => IsUnprivileged && Domain!.Holds > 0;

    internal Dictionary<uint, Transaction> Transactions { get; } = [];

    internal uint NextTransactionId { get; set; }

    internal Watch? FirstWatch { get; set; }

    internal Watch? LastWatch { get; set; }

    /// <summary>Transactions in a row that ended in a conflict.</summary>
    internal int Conflicts { get; set; }

    internal List<DomainRecord> Holding { get; } = [];

    internal long HoldingSince { get; set; }
}
