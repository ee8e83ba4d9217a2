// SPDX-License-Identifier: MIT
// Limits for unprivileged domains, with the names, defaults and texts of Xen 4.17's xenstored. Shown and set through CONTROL.

using System;
using System.Collections.Generic;

namespace XenSharp.Xenstore.Protocol;

public enum Quota
{
    Nodes,
    Watches,
    Transactions,
    Outstanding,
    TransactionNodes,
    Memory,
    NodeSize,
    PathMax,
    Permissions,
}

/// <summary>A limit of 0 means none, for memory only, as in Xen.</summary>
public sealed class Quotas
{
    private readonly int[] _limits = [1000, 128, 10, 20, 1024, 2 * 1024 * 1024 + 512 * 1024, 2048, StorePath.MostRelative, 5];

    public static IReadOnlyList<(Quota Quota, string Name, string Text)> All { get; } =
    [
        (Quota.Nodes, "nodes", "Nodes per domain"),
        (Quota.Watches, "watches", "Watches per domain"),
        (Quota.Transactions, "transactions", "Transactions per domain"),
        (Quota.Outstanding, "outstanding", "Outstanding requests per domain"),
        (Quota.TransactionNodes, "transaction-nodes", "Max. number of accessed nodes per transaction"),
        (Quota.Memory, "memory", "Total Xenstore memory per domain (error level)"),
        (Quota.NodeSize, "node-size", "Max. size of a node"),
        (Quota.PathMax, "path-max", "Max. length of a node path"),
        (Quota.Permissions, "permissions", "Max. number of permissions per node"),
    ];

    /// <summary>Above this, a domain's memory is worth a warning.</summary>
    public int SoftMemory { get; set; } = 2 * 1024 * 1024;

    public int this[Quota quota]
    {
        get => _limits[(int)quota];
        set => _limits[(int)quota] = quota == Quota.PathMax ? Math.Min(value, StorePath.MostRelative) : value;
    }

    public static string NameOf(Quota quota) => All[(int)quota].Name;

    public static Quota? ByName(string name)
    {
        foreach ((Quota quota, string known, _) in All)
        {
            if (known == name)
                return quota;
        }
        return null;
    }
}
