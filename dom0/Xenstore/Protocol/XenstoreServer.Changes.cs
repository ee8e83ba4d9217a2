// SPDX-License-Identifier: MIT
// The four changes of the tree with what they entail: use of the domains' quotas, events, records. Used by requests and by Restore.

using System;
using System.Collections.Generic;
using System.Runtime.InteropServices;
using XenSharp.Xenstore.Tree;

namespace XenSharp.Xenstore.Protocol;

public sealed partial class XenstoreServer
{
    private readonly byte[] _record = new byte[16 * 1024];
    private readonly byte[] _walkPath = new byte[8 * 1024];
    private readonly List<Watch> _matches = [];

    private void ChangeValue(ReadOnlySpan<byte> path, Place place, ReadOnlySpan<byte> value, ulong generation, int writer)
    {
        NodeView node = _tree.View(place.Node);
        Use(node.Owner, 0, value.Length - node.Value.Length);
        _tree.SetValue(_branch, path, value, generation, writer);
        RecordWriter record = ChangeRecord(StateRecord.Value, path, generation, writer);
        record.Add(value);
        Emit(record);
    }

    private void CreateNode(ReadOnlySpan<byte> path, ReadOnlySpan<byte> value, ulong generation, int writer, Permission? owner)
    {
        Place place = _tree.Find(_branch, path);
        NodeView parent = _tree.View(place.Nearest);
        int permissions = parent.Permissions.Length;
        int newOwner = owner?.Domain ?? parent.Owner;
        int end = place.NearestLength == 1 ? 0 : place.NearestLength;
        int nameOwner = parent.Owner;
        while (end < path.Length)
        {
            int next = path[(end + 1)..].IndexOf((byte)'/');
            next = next < 0 ? path.Length : end + 1 + next;
            Use(nameOwner, 0, next - end);      // The name in the parent's list, with its nul.
            Use(newOwner, 1, next + NodeSize(permissions, next == path.Length ? value.Length : 0, 0));
            nameOwner = newOwner;
            end = next;
        }
        _tree.Create(_branch, path, value, generation, writer, owner);
        RecordWriter record = ChangeRecord(StateRecord.Create, path, generation, writer);
        record.Add(owner?.Packed ?? uint.MaxValue);
        record.Add(value);
        Emit(record);
    }

    private void ChangePermissions(ReadOnlySpan<byte> path, Place place, ReadOnlySpan<Permission> permissions, ulong generation, int writer)
    {
        NodeView node = _tree.View(place.Node);
        int names = _tree.ListBytes(place.Node);
        Use(node.Owner, -1, -path.Length - NodeSize(node.Permissions.Length, node.Value.Length, names));
        Use(permissions[0].Domain, 1, path.Length + NodeSize(permissions.Length, node.Value.Length, names));
        _tree.SetPermissions(_branch, path, permissions, generation, writer);
        RecordWriter record = ChangeRecord(StateRecord.Permissions, path, generation, writer);
        record.Add(MemoryMarshal.AsBytes(permissions));
        Emit(record);
    }

    /// <summary>Fires the events first, while permissions can still be seen: of each node below for the very node, then of the node itself.</summary>
    private void RemoveNode(ReadOnlySpan<byte> path, Place place, ulong generation, int writer)
    {
        path.CopyTo(_walkPath);
        RemoveBelow(path.Length, place.Node);
        int nameLength = path.Length - place.NearestLength + (place.NearestLength == 1 ? 1 : 0);
        Use(_tree.View(place.Nearest).Owner, 0, -nameLength);
        RemoveOne(path, place.Node, place.Nearest, isExact: false);
        _tree.Remove(_branch, path, generation, writer);
        Emit(ChangeRecord(StateRecord.Remove, path, generation, writer));
    }

    private void RemoveBelow(int pathLength, uint node)
    {
        DirectoryCursor children = _tree.Children(node);
        while (children.MoveNext())
        {
            _walkPath[pathLength] = (byte)'/';
            ReadOnlySpan<byte> name = children.Name;
            name.CopyTo(_walkPath.AsSpan(pathLength + 1));
            int length = pathLength + 1 + name.Length;
            RemoveBelow(length, children.Node);
            RemoveOne(_walkPath.AsSpan(0, length), children.Node, node, isExact: true);
        }
    }

    private void RemoveOne(ReadOnlySpan<byte> path, uint node, uint parent, bool isExact)
    {
        NodeView view = _tree.View(node);
        Use(view.Owner, -1, -path.Length - NodeSize(view.Permissions.Length, view.Value.Length, _tree.ListBytes(node)));
        if (_mode == Mode.Restoring && _transaction is null)
            return;
        if (_transaction is not null)
            _transaction.NoteChange(PathHash.Mix(_seed, path), path, isExact, PermissionsBefore(path));
        else
            FireNow(path, isExact, node, parent, default);
    }

    /// <summary>An event for a change of a node that exists now.</summary>
    private void Fire(ReadOnlySpan<byte> path, ReadOnlySpan<Permission> before = default)
    {
        if (_transaction is not null)
        {
            _transaction.NoteChange(PathHash.Mix(_seed, path), path, isExact: false, PermissionsBefore(path));
            return;
        }
        if (_watches.Count == 0 || _mode == Mode.Restoring)
            return;
        Place place = _tree.Find(_branch, path);
        FireNow(path, isExact: false, place.Node, place.Nearest, before);
    }

    /// <summary>Permissions that a node has outside the transaction, where its watchers live.</summary>
    private ReadOnlySpan<Permission> PermissionsBefore(ReadOnlySpan<byte> path)
    {
        Place place = _tree.Find(_tree.Main, path);
        return place.Exists ? _tree.View(place.Node).Permissions : default;
    }

    /// <summary>Events go to those who may read the node, or could before, or may read the node above.</summary>
    private void FireNow(ReadOnlySpan<byte> path, bool isExact, uint node, uint parent, ReadOnlySpan<Permission> before)
    {
        _matches.Clear();
        _watches.Match(path, isExact, _matches);
        foreach (Watch watch in _matches)
        {
            Connection client = watch.Connection;
            bool mayRead = !client.IsUnprivileged
                || (!before.IsEmpty && (AccessOf(client, before) & Access.Read) != 0)
                || (node != 0 && (AccessOf(client, _tree.View(node)) & Access.Read) != 0)
                || (node != 0 && parent != 0 && (AccessOf(client, _tree.View(parent)) & Access.Read) != 0);
            if (mayRead)
                SendEvent(watch, path);
        }
    }

    private void SendEvent(Watch watch, ReadOnlySpan<byte> path)
    {
        ReadOnlySpan<byte> known = path[Math.Min(watch.RelativeStart, path.Length)..];
        if (known.Length + watch.Token.Length + 2 <= (int)Abi.XenstoreConstants.PayloadMax)
            _host.SendEvent(watch.Connection, known, watch.Token);
    }

    /// <summary>In a transaction, uses are counted when it commits.</summary>
    private void Use(int domain, int nodes, long memory)
    {
        if (_transaction is not null)
            _transaction.AddUse(domain, nodes, memory);
        else
            AddUse(domain, nodes, memory);
    }

    private void AddUse(int domain, int nodes, long memory)
    {
        if (!_domains.TryGetValue(domain, out DomainRecord? record))
            return;
        record.Nodes += nodes;
        record.Memory += memory;
        if (record.IsPrivileged)
            return;
        bool isAbove = record.Memory >= Quotas.SoftMemory && Quotas.SoftMemory != 0;
        if (isAbove && !record.IsAboveSoftMemory && _mode == Mode.Serving)
            _host.LogQuota(domain, "memory (soft)", Quotas.SoftMemory, record.Memory);
        record.IsAboveSoftMemory = isAbove;
    }

    private RecordWriter ChangeRecord(StateRecord kind, ReadOnlySpan<byte> path, ulong generation, int writer)
    {
        RecordWriter record = new(_record, kind);
        record.Add((ushort)writer);
        record.Add(generation);
        record.Add(path);
        return record;
    }

    /// <summary>In a transaction, records wait for the commit.</summary>
    private void Emit(RecordWriter record)
    {
        if (_transaction is not null)
        {
            CollectionsMarshal.SetCount(_transaction.Effects, _transaction.Effects.Count + sizeof(ushort) + record.Length);
            Span<byte> target = CollectionsMarshal.AsSpan(_transaction.Effects)[^(sizeof(ushort) + record.Length)..];
            System.Buffers.Binary.BinaryPrimitives.WriteUInt16LittleEndian(target, (ushort)record.Length);
            record.Written.CopyTo(target[sizeof(ushort)..]);
        }
        else if (_mode == Mode.Serving)
        {
            _host.Record(record.Written);
        }
    }
}
