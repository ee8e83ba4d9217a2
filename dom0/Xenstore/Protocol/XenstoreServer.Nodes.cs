// SPDX-License-Identifier: MIT
// Requests about nodes. Contract: docs/misc/xenstore.txt of Xen 4.17, "Database read, write and permissions operations".

using System;
using System.Buffers.Text;
using System.Runtime.InteropServices;
using XenSharp.Abi;
using XenSharp.Xenstore.Tree;

namespace XenSharp.Xenstore.Protocol;

public sealed partial class XenstoreServer
{
    private readonly Permission[] _permissions = new Permission[2048];

    private XenstoreError Read(ReadOnlySpan<byte> payload)
    {
        XenstoreError error = FindNode(OneArgument(payload), Access.Read, out _, out Place place);
        return error != XenstoreError.None ? error : Answer(_tree.View(place.Node).Value);
    }

    private XenstoreError Directory(ReadOnlySpan<byte> payload)
    {
        XenstoreError error = FindNode(OneArgument(payload), Access.Read, out _, out Place place);
        if (error != XenstoreError.None)
            return error;
        if (_tree.ListBytes(place.Node) > (int)XenstoreConstants.PayloadMax)
            return XenstoreError.E2BIG;
        int length = _tree.List(place.Node, 0, _scratch, out _);
        return Answer(_scratch.AsSpan(0, length));
    }

    private XenstoreError DirectoryPart(ReadOnlySpan<byte> payload)
    {
        if (payload.Count((byte)0) != 2 || !TakeString(ref payload, out ReadOnlySpan<byte> name) || !TakeString(ref payload, out ReadOnlySpan<byte> offset))
            return XenstoreError.EINVAL;
        XenstoreError error = FindNode(name, Access.Read, out _, out Place place);
        if (error != XenstoreError.None)
            return error;
        Utf8Formatter.TryFormat(_tree.View(place.Node).Generation, _scratch, out int generationLength);
        _scratch[generationLength++] = 0;
        uint skip = (uint)ToInt(offset);
        int length = 0;
        bool isComplete = true;
        if (skip < (uint)_tree.ListBytes(place.Node))
        {
            // Room for the empty string that ends the last part.
            Span<byte> target = _scratch.AsSpan(generationLength, (int)XenstoreConstants.PayloadMax - generationLength - 1);
            length = _tree.List(place.Node, (int)skip, target, out isComplete);
        }
        if (isComplete)
            _scratch[generationLength + length++] = 0;
        return Answer(_scratch.AsSpan(0, generationLength + length), generationLength);
    }

    private XenstoreError Write(ReadOnlySpan<byte> payload)
    {
        if (!TakeString(ref payload, out ReadOnlySpan<byte> name))
            return XenstoreError.EINVAL;
        XenstoreError error = FindNode(name, Access.Write, out ReadOnlySpan<byte> path, out Place place);
        if (error == XenstoreError.None)
            error = CheckSize(place.Node, _tree.View(place.Node).Permissions.Length, payload.Length, 0, path.Length);
        else if (error == XenstoreError.ENOENT)
            error = CheckCreate(path, place, payload.Length);
        if (error != XenstoreError.None)
            return error;
        if (place.Exists)
            ChangeValue(path, place, payload, ++_tree.Generation, _caller.DomainId);
        else
            CreateNode(path, payload, ++_tree.Generation, _caller.DomainId, NewOwner);
        Fire(path);
        return AnswerOk();
    }

    private XenstoreError MakeDirectory(ReadOnlySpan<byte> payload)
    {
        XenstoreError error = FindNode(OneArgument(payload), Access.Write, out ReadOnlySpan<byte> path, out Place place);
        if (error == XenstoreError.None)
            return AnswerOk();
        if (error == XenstoreError.ENOENT)
            error = CheckCreate(path, place, 0);
        if (error != XenstoreError.None)
            return error;
        CreateNode(path, default, ++_tree.Generation, _caller.DomainId, NewOwner);
        Fire(path);
        return AnswerOk();
    }

    private XenstoreError Remove(ReadOnlySpan<byte> payload)
    {
        XenstoreError error = FindNode(OneArgument(payload), Access.Write, out ReadOnlySpan<byte> path, out Place place);
        if (error == XenstoreError.ENOENT)
            return place.Missing == 1 ? AnswerOk() : error;
        if (error != XenstoreError.None)
            return error;
        if (path.Length == 1)
            return XenstoreError.EINVAL;
        RemoveNode(path, place, ++_tree.Generation, _caller.DomainId);
        return AnswerOk();
    }

    private XenstoreError GetPermissions(ReadOnlySpan<byte> payload)
    {
        XenstoreError error = FindNode(OneArgument(payload), Access.Read, out _, out Place place);
        if (error != XenstoreError.None)
            return error;
        int length = 0;
        foreach (Permission permission in _tree.View(place.Node).Permissions)
        {
            _scratch[length++] = (byte)permission.Letter;
            Utf8Formatter.TryFormat(permission.Domain, _scratch.AsSpan(length), out int digits);
            length += digits;
            _scratch[length++] = 0;
        }
        return Answer(_scratch.AsSpan(0, length));
    }

    private XenstoreError SetPermissions(ReadOnlySpan<byte> payload)
    {
        int count = payload.Count((byte)0) - 1;
        if (count < 1 || !TakeString(ref payload, out ReadOnlySpan<byte> name))
            return XenstoreError.EINVAL;
        if (_caller.IsUnprivileged && !Allow(Quota.Permissions, 0, count))
            return XenstoreError.ENOSPC;
        XenstoreError error = ParsePermissions(payload, count);
        if (error != XenstoreError.None)
            return error;
        ReadOnlySpan<Permission> permissions = _permissions.AsSpan(0, count);
        if (StorePath.IsSpecial(name))
            return SetSpecialPermissions(name, permissions);
        error = FindNode(name, Access.Write | Access.Owner, out ReadOnlySpan<byte> path, out Place place);
        if (error != XenstoreError.None)
            return error;
        NodeView node = _tree.View(place.Node);
        if (_caller.IsUnprivileged && permissions[0].Domain != node.Owner)
            return XenstoreError.EPERM;
        error = CheckSize(place.Node, count, node.Value.Length, 0, path.Length);
        if (error != XenstoreError.None)
            return error;
        Permission[] before = node.Permissions.ToArray();
        ChangePermissions(path, place, permissions, ++_tree.Generation, _caller.DomainId);
        Fire(path, before);
        return AnswerOk();
    }

    private XenstoreError ParsePermissions(ReadOnlySpan<byte> payload, int count)
    {
        for (int index = 0; index < count; index++)
        {
            TakeString(ref payload, out ReadOnlySpan<byte> text);
            Access? access = text.IsEmpty ? null : text[0] switch
            {
                (byte)'n' => Access.None,
                (byte)'r' => Access.Read,
                (byte)'w' => Access.Write,
                (byte)'b' => Access.Read | Access.Write,
                _ => null,
            };
            if (access is null || !Utf8Parser.TryParse(text[1..], out int domain, out int used) || used != text.Length - 1)
                return XenstoreError.EINVAL;
            if (domain is < 0 or > Permission.MostDomain)
                return XenstoreError.EINVAL;
            int incarnation = FindOrMeet(domain)?.Incarnation ?? 0;
            if (incarnation == 0 && index == 0)
                return XenstoreError.ENOENT;
            _permissions[index] = new Permission(domain, access.Value, incarnation);
        }
        return XenstoreError.None;
    }

    /// <summary>Domains own what they make; what domain 0 makes belongs to the owner of the node above.</summary>
    private Permission? NewOwner => _caller.IsUnprivileged ? new Permission(_caller.DomainId, Access.None, _caller.Domain!.Incarnation) : null;

    private XenstoreError CheckCreate(ReadOnlySpan<byte> path, Place place, int valueLength)
    {
        if (!_caller.IsUnprivileged)
            return XenstoreError.None;
        DomainRecord domain = _caller.Domain!;
        if (!Allow(Quota.Nodes, domain.Nodes + (_transaction?.UseOf(domain.Id).Nodes ?? 0), place.Missing))
            return Refuse();
        // The parent's list grows by the first new name; the last new node has the value.
        int start = place.NearestLength == 1 ? 1 : place.NearestLength + 1;
        int name = path[start..].IndexOf((byte)'/');
        name = name < 0 ? path.Length - start : name;
        NodeView parent = _tree.View(place.Nearest);
        XenstoreError error = CheckSize(place.Nearest, parent.Permissions.Length, parent.Value.Length, name + 1, path.Length);
        if (error != XenstoreError.None)
            return error;
        return NodeSize(parent.Permissions.Length, valueLength, 0) < Quotas[Quota.NodeSize] ? XenstoreError.None : RefuseSize(parent.Permissions.Length, valueLength, 0);
    }

    private XenstoreError CheckSize(uint node, int permissions, int valueLength, int moreNames, int pathLength)
    {
        if (!_caller.IsUnprivileged)
            return XenstoreError.None;
        int names = _tree.ListBytes(node) + moreNames;
        if (NodeSize(permissions, valueLength, names) >= Quotas[Quota.NodeSize])
            return RefuseSize(permissions, valueLength, names);
        DomainRecord domain = _caller.Domain!;
        long memory = domain.Memory + (_transaction?.UseOf(domain.Id).Memory ?? 0);
        bool isLimited = Quotas[Quota.Memory] != 0 && _tree.View(node).Owner == domain.Id;
        return !isLimited || Allow(Quota.Memory, memory, pathLength + valueLength + moreNames) ? XenstoreError.None : XenstoreError.ENOMEM;
    }

    private XenstoreError RefuseSize(int permissions, int valueLength, int names)
    {
        Allow(Quota.NodeSize, NodeSize(permissions, valueLength, names), 1);
        return Refuse();
    }

    /// <summary>A refused change fails its transaction, as in Xen.</summary>
    private XenstoreError Refuse()
    {
        if (_transaction is not null)
            _transaction.HasFailed = true;
        return XenstoreError.ENOSPC;
    }

    /// <summary>A node's size as Xen's C daemon counts it, so that the same limit allows the same.</summary>
    private static int NodeSize(int permissions, int valueLength, int names) => 24 + 8 * permissions + valueLength + names;
}
