// SPDX-License-Identifier: MIT
// Finding nodes on behalf of a caller: paths, permissions, and which error tells nothing. Contract: docs/misc/xenstore.txt of Xen 4.17.

using System;
using XenSharp.Xenstore.Tree;

namespace XenSharp.Xenstore.Protocol;

public sealed partial class XenstoreServer
{
    private readonly byte[] _pathBuffer = new byte[8 * 1024];

    /// <summary>The absolute path for what a client calls it; relative ones belong to its home, a socket's to domain 0's.</summary>
    private ReadOnlySpan<byte> Canonical(Connection connection, ReadOnlySpan<byte> path)
    {
        if (path.IsEmpty || path[0] is (byte)'/' or (byte)'@')
            return path;
        ReadOnlySpan<byte> home = StorePath.Home(connection.DomainId, _pathBuffer);
        _pathBuffer[home.Length] = (byte)'/';
        path.CopyTo(_pathBuffer.AsSpan(home.Length + 1));
        return _pathBuffer.AsSpan(0, home.Length + 1 + path.Length);
    }

    /// <summary>
    /// The node, if the caller has the access; else the error it may know of: ENOENT only if the nearest node above grants the access, EACCES otherwise.
    /// </summary>
    private XenstoreError FindNode(ReadOnlySpan<byte> name, Access access, out ReadOnlySpan<byte> path, out Place place)
    {
        path = Canonical(_caller, name);
        place = default;
        if (!StorePath.IsValid(path, Quotas[Quota.PathMax]))
            return XenstoreError.EINVAL;
        if (_transaction is not null && !NoteAccess(path))
            return XenstoreError.ENOSPC;
        place = _tree.Find(_branch, path);
        if (place.Exists && (AccessOf(_caller, _tree.View(place.Node)) & access) == access)
            return XenstoreError.None;
        bool mayKnow = (AccessOf(_caller, _tree.View(place.Nearest == 0 ? place.Node : place.Nearest)) & access) != 0;
        return mayKnow && !place.Exists ? XenstoreError.ENOENT : XenstoreError.EACCES;
    }

    private Access AccessOf(Connection connection, NodeView node) => AccessOf(connection, node.Permissions);

    private Access AccessOf(Connection connection, ReadOnlySpan<Permission> permissions)
    {
        if (!connection.IsUnprivileged)
            return Access.Read | Access.Write | Access.Owner;
        DomainRecord domain = connection.Domain!;
        DomainRecord target = connection.Target ?? domain;
        if (IsFor(permissions[0], domain) || IsFor(permissions[0], target))
            return Access.Read | Access.Write | Access.Owner;
        foreach (Permission permission in permissions[1..])
        {
            if (IsFor(permission, domain) || IsFor(permission, target))
                return permission.Access;
        }
        return permissions[0].Access;
    }

    private static bool IsFor(Permission permission, DomainRecord domain) =>
        permission.Domain == domain.Id && permission.Incarnation == domain.Incarnation;

    /// <summary>Whether the quota of nodes per transaction allows one more.</summary>
    private bool NoteAccess(ReadOnlySpan<byte> path)
    {
        if (!_caller.IsUnprivileged)
            return true;
        _transaction!.NoteNode(PathHash.Mix(_seed, path));
        if (_transaction.NodeCount <= Quotas[Quota.TransactionNodes])
            return true;
        _transaction.HasFailed = true;
        return Allow(Quota.TransactionNodes, _transaction.NodeCount - 1, 1);
    }

    /// <summary>Whether a use that grows by so much stays within a quota; if not, the log says so.</summary>
    private bool Allow(Quota quota, long use, long more)
    {
        if (use + more <= Quotas[quota])
            return true;
        if (_mode == Mode.Serving)
            _host.LogQuota(_caller.DomainId, Quotas.NameOf(quota), Quotas[quota], use);
        return false;
    }
}
