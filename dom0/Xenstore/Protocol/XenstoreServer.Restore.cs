// SPDX-License-Identifier: MIT
// Making the state anew from records: those of a saved state first, then those of the changes since. Used at the daemon's start.

using System;
using System.Runtime.InteropServices;
using XenSharp.Abi;
using XenSharp.Xenstore.Tree;

namespace XenSharp.Xenstore.Protocol;

public sealed partial class XenstoreServer
{
    /// <summary>Takes one record in. Throws StateException if it is none, or does not fit to those before; the server is then of no use.</summary>
    public void Restore(ReadOnlySpan<byte> record)
    {
        _mode = Mode.Restoring;
        _transaction = null;
        _branch = _tree.Main;
        try
        {
            RecordReader reader = new(record);
            StateRecord kind = (StateRecord)reader.Byte();
            RestoreRecord(kind, ref reader);
            if (!reader.IsAtEnd)
                throw new StateException($"A record of kind {kind} is too long.");
        }
        catch (Exception failure) when (failure is ArgumentException or InvalidOperationException or IndexOutOfRangeException or NullReferenceException)
        {
            throw new StateException($"A record does not fit: {failure.Message}");
        }
        finally
        {
            _mode = Mode.Serving;
            _transaction = null;
            _branch = _tree.Main;
        }
    }

    private void RestoreRecord(StateRecord kind, ref RecordReader reader)
    {
        switch (kind)
        {
            case StateRecord.Value or StateRecord.Create or StateRecord.Permissions or StateRecord.Remove or StateRecord.Node:
                RestoreChange(kind, ref reader);
                break;
            case StateRecord.ConnectionOpened:
                int id = reader.Int32();
                int domain = reader.Int32();
                Open(id, domain < 0 ? null : Meet(CheckedDomain(domain)));
                break;
            case StateRecord.ConnectionClosed:
                Connection closed = ConnectionOf(reader.Int32());
                reader.Int32();
                Close(closed);
                break;
            case StateRecord.WatchAdded or StateRecord.WatchRemoved:
                RestoreWatch(kind, ref reader);
                break;
            case StateRecord.WatchesReset:
                Connection reset = ConnectionOf(reader.Int32());
                reader.Int32();
                DropWatches(reset);
                DropTransactions(reset);
                break;
            case StateRecord.TransactionStarted or StateRecord.TransactionEnded or StateRecord.TransactionRequest:
                RestoreTransaction(kind, ref reader);
                break;
            case StateRecord.SpecialPermissions:
                bool isIntroduce = reader.Byte() != 0;
                Permission[] permissions = MemoryMarshal.Cast<byte, Permission>(reader.Text()).ToArray();
                if (permissions.Length == 0)
                    throw new StateException("A special event has no permissions.");
                (isIntroduce ? ref _introducePermissions : ref _releasePermissions) = permissions;
                break;
            case StateRecord.DomainMet or StateRecord.DomainGone or StateRecord.DomainFlags:
                RestoreDomain(kind, ref reader);
                break;
            case StateRecord.TargetSet:
                ConnectionOf(reader.Int32()).Target = Meet(CheckedDomain(reader.Int32()));
                break;
            case StateRecord.QuotaSet:
                byte quota = reader.Byte();
                int limit = reader.Int32();
                if (quota == SoftMemoryQuota)
                    Quotas.SoftMemory = limit;
                else
                    Quotas[(Quota)quota] = limit;
                break;
            case StateRecord.Counters:
                _tree.Generation = Math.Max(_tree.Generation, reader.UInt64());
                _nextConnectionId = Math.Max(_nextConnectionId, reader.Int32());
                break;
            case StateRecord.Incarnation:
                _incarnations[CheckedDomain(reader.Int32())] = reader.UInt16();
                break;
            default:
                throw new StateException($"A record has the unknown kind {(int)kind}.");
        }
    }

    private void RestoreChange(StateRecord kind, ref RecordReader reader)
    {
        int writer = reader.UInt16();
        ulong generation = reader.UInt64();
        ReadOnlySpan<byte> path = reader.Text();
        if (!StorePath.IsValid(path, StorePath.MostRelative))
            throw new StateException("A node's path is not valid.");
        _tree.Generation = Math.Max(_tree.Generation, generation);
        Place place = _tree.Find(_tree.Main, path);
        if (!place.Exists && kind is not (StateRecord.Create or StateRecord.Node))
            throw new StateException("A change is of a node that does not exist.");
        switch (kind)
        {
            case StateRecord.Value:
                ChangeValue(path, place, Limited(reader.Text()), generation, writer);
                break;
            case StateRecord.Create:
                uint owner = reader.UInt32();
                if (place.Exists)
                    throw new StateException("A node is made that exists.");
                CreateNode(path, Limited(reader.Text()), generation, writer, owner == uint.MaxValue ? null : new Permission(owner));
                break;
            case StateRecord.Remove:
                if (path.Length == 1)
                    throw new StateException("The root is removed.");
                RemoveNode(path, place, generation, writer);
                break;
            default:
                ReadOnlySpan<Permission> permissions = MemoryMarshal.Cast<byte, Permission>(reader.Text());
                if (permissions.IsEmpty || permissions.Length > _permissions.Length)
                    throw new StateException("A node has no permissions, or too many.");
                if (kind == StateRecord.Node)
                {
                    ReadOnlySpan<byte> value = Limited(reader.Text());
                    if (!place.Exists)
                        CreateNode(path, value, generation, writer, null);
                    else
                        ChangeValue(path, place, value, generation, writer);
                    place = _tree.Find(_tree.Main, path);
                }
                ChangePermissions(path, place, permissions, generation, writer);
                break;
        }
    }

    private void RestoreWatch(StateRecord kind, ref RecordReader reader)
    {
        Connection connection = ConnectionOf(reader.Int32());
        int relativeStart = reader.UInt16();
        int depth = reader.Int32();
        ReadOnlySpan<byte> path = reader.Text();
        ReadOnlySpan<byte> token = reader.Text();
        Watch? known = _watches.Find(connection, path, token);
        if (kind == StateRecord.WatchAdded && known is null && path.Length > 0)
        {
            InsertWatch(connection, path, token, relativeStart, depth);
        }
        else if (kind == StateRecord.WatchRemoved && known is not null)
        {
            _watches.Remove(known);
            CountWatch(known, -1);
        }
        else
        {
            throw new StateException("A watch is set twice, or taken away that is not there.");
        }
    }

    /// <summary>
    /// A saved transaction begins again on the saved tree: as long as its requests are answered as before, it cannot tell. One whose answers differ
    /// sees the newer tree from now on, and commits only if they are the same again at its end.
    /// </summary>
    private void RestoreTransaction(StateRecord kind, ref RecordReader reader)
    {
        _caller = ConnectionOf(reader.Int32());
        uint id = reader.UInt32();
        if (kind == StateRecord.TransactionStarted)
        {
            if (_caller.Transactions.ContainsKey(id))
                throw new StateException("A transaction begins twice.");
            OpenTransaction(_caller, id);
            _caller.NextTransactionId = Math.Max(_caller.NextTransactionId, id + 1);
            return;
        }
        if (!_caller.Transactions.TryGetValue(id, out Transaction? transaction))
            throw new StateException("A transaction is not there.");
        if (kind == StateRecord.TransactionEnded)
        {
            CloseTransaction(_caller, transaction);
            return;
        }
        XenstoreMessageType type = (XenstoreMessageType)reader.Byte();
        ulong fingerprint = reader.UInt64();
        ReadOnlySpan<byte> payload = Limited(reader.Text());
        if (!IsLogged(type))
            throw new StateException("A transaction has a request that is none.");
        _transaction = transaction;
        _branch = transaction.Branch;
        _request = new XenstoreMessageHeader { Type = type, TxId = id };
        XenstoreError error = NodeOperation(type, payload);
        transaction.HasChanged |= (error == XenstoreError.None ? _fingerprint : (ulong)error) != fingerprint;
        transaction.AddToLog(type, payload, fingerprint);
    }

    private void RestoreDomain(StateRecord kind, ref RecordReader reader)
    {
        int id = CheckedDomain(reader.Int32());
        ushort incarnation = reader.UInt16();
        byte flags = reader.Byte();
        if (kind == StateRecord.DomainGone)
        {
            _domains.Remove(id);
            _incarnations[id] = (ushort)(incarnation % Permission.MostIncarnation + 1);
            return;
        }
        if (incarnation is 0 or > Permission.MostIncarnation)
            throw new StateException("A domain has no incarnation.");
        _incarnations[id] = incarnation;
        DomainRecord domain = Meet(id);
        domain.IsIntroduced = (flags & 1) != 0;
        domain.IsShutDown = (flags & 2) != 0;
    }

    private Connection ConnectionOf(int id) =>
        _connections.TryGetValue(id, out Connection? connection) ? connection : throw new StateException($"There is no connection {id}.");

    private static int CheckedDomain(int id) => id is >= 0 and <= Permission.MostDomain ? id : throw new StateException($"{id} is no domain.");

    private static ReadOnlySpan<byte> Limited(ReadOnlySpan<byte> payload) =>
        payload.Length <= (int)XenstoreConstants.PayloadMax ? payload : throw new StateException("A value is longer than a message may be.");
}
