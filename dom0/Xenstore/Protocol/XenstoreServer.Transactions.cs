// SPDX-License-Identifier: MIT
// Transactions: begin, requests in them, end; and fairness among them. The conflict rule is stated in Transaction.

using System;
using System.Buffers.Binary;
using System.Buffers.Text;
using System.Collections.Generic;
using System.Runtime.InteropServices;
using XenSharp.Abi;
using XenSharp.Xenstore.Tree;

namespace XenSharp.Xenstore.Protocol;

public sealed partial class XenstoreServer
{
    // Fairness. A guest whose writes spoil another's transaction again and again must let it through: from the third conflict in a row on, the guest's
    // requests wait until that client has ended a transaction, a tenth of a second at most and once a second at most, so that a client cannot use
    // the rule to stop a guest. Each try can then be spoiled by a guest that was not held yet, and there are only so many.
    private const int ConflictsBeforeHold = 3;
    private const int MostHoldMs = 100;
    private const int HoldPauseMs = 1000;

    private readonly Stack<Transaction> _idle = new();

    /// <summary>Connections for which others are held; the host asks again when a hold may have ended.</summary>
    public bool HasHolds => _holders.Count > 0;

    private readonly List<Connection> _holders = [];

    /// <summary>Ends holds that have lasted long enough.</summary>
    public void EndOldHolds()
    {
        for (int index = _holders.Count - 1; index >= 0; index--)
        {
            if (_host.Now - _holders[index].HoldingSince >= MostHoldMs)
                EndHolds(_holders[index]);
        }
    }

    private XenstoreError StartTransaction()
    {
        if (_transaction is not null)
            return XenstoreError.EBUSY;
        // One more than the quota, as in Xen.
        if (_caller.IsUnprivileged && !Allow(Quota.Transactions, _caller.TransactionCount - 1, 1))
            return XenstoreError.ENOSPC;
        uint id = _caller.NextTransactionId;
        while (id == 0 || _caller.Transactions.ContainsKey(id))
            id++;
        _caller.NextTransactionId = id + 1;
        OpenTransaction(_caller, id);
        RecordTransaction(StateRecord.TransactionStarted, id);
        Utf8Formatter.TryFormat(id, _scratch, out int length);
        _scratch[length++] = 0;
        return Answer(_scratch.AsSpan(0, length));
    }

    private Transaction OpenTransaction(Connection connection, uint id)
    {
        Transaction transaction = _idle.Count > 0 ? _idle.Pop() : new Transaction();
        Snapshot snapshot = _tree.TakeSnapshot();
        transaction.Begin(id, snapshot, _tree.Fork(snapshot));
        connection.Transactions.Add(id, transaction);
        return transaction;
    }

    private XenstoreError DispatchInTransaction(Transaction transaction, ReadOnlySpan<byte> payload)
    {
        _branch = transaction.Branch;
        XenstoreError error = NodeOperation(_request.Type, payload);
        ulong fingerprint = error == XenstoreError.None ? _fingerprint : (ulong)error;
        transaction.AddToLog(_request.Type, payload, fingerprint);
        if (_mode == Mode.Serving)
        {
            RecordWriter record = new(_record, StateRecord.TransactionRequest);
            record.Add(_caller.Id);
            record.Add(transaction.Id);
            record.Add((byte)_request.Type);
            record.Add(fingerprint);
            record.Add(payload);
            _host.Record(record.Written);
        }
        return error;
    }

    private XenstoreError EndTransaction(ReadOnlySpan<byte> payload)
    {
        ReadOnlySpan<byte> argument = OneArgument(payload);
        bool isCommit = argument.SequenceEqual("T"u8);
        if (!isCommit && !argument.SequenceEqual("F"u8))
            return XenstoreError.EINVAL;
        if (_transaction is not { } transaction)
            return XenstoreError.ENOENT;
        XenstoreError error = !isCommit ? XenstoreError.None : transaction.HasFailed ? XenstoreError.ENOMEM : Commit(transaction);
        _transaction = null;
        _branch = _tree.Main;
        RecordTransaction(StateRecord.TransactionEnded, transaction.Id);
        CloseTransaction(_caller, transaction);
        if (error != XenstoreError.EAGAIN)
        {
            _caller.Conflicts = 0;
            EndHolds(_caller);
        }
        return error == XenstoreError.None ? AnswerOk() : error;
    }

    private XenstoreError Commit(Transaction transaction)
    {
        if ((transaction.HasChanged || !_tree.IsMainUnchangedSince(transaction.Snapshot)) && !Repeat(transaction))
            return XenstoreError.EAGAIN;
        if (_mode == Mode.Serving && !_host.HasRoom(transaction.Effects.Count + transaction.Effects.Count / 2, Room.ToFree))
            return XenstoreError.ENOSPC;
        _tree.Adopt(transaction.Branch);
        _transaction = null;
        foreach ((int domain, int nodes, long memory) in transaction.Uses)
            AddUse(domain, nodes, memory);
        ReadOnlySpan<byte> effects = CollectionsMarshal.AsSpan(transaction.Effects);
        while (!effects.IsEmpty)
        {
            int length = BinaryPrimitives.ReadUInt16LittleEndian(effects);
            _host.Record(effects.Slice(sizeof(ushort), length));
            effects = effects[(sizeof(ushort) + length)..];
        }
        if (_watches.Count > 0)
            FireChanges(transaction);
        return XenstoreError.None;
    }

    private void FireChanges(Transaction transaction)
    {
        foreach (ChangedNode change in transaction.Changes)
        {
            ReadOnlySpan<byte> path = transaction.PathOf(change);
            Span<Permission> before = _permissions.AsSpan(0, change.Permissions);
            transaction.PermissionsOf(change, before);
            Place place = _tree.Find(_tree.Main, path);
            FireNow(path, change.IsExact, place.Node, place.Nearest, before);
        }
    }

    /// <summary>Asks everything again of the tree as it is now. The transaction then has a branch of it; or the answers differ.</summary>
    private bool Repeat(Transaction transaction)
    {
        _tree.Discard(transaction.Branch);
        transaction.Restart(_tree.Fork(null));
        _branch = transaction.Branch;
        XenstoreMessageHeader request = _request;
        Mode mode = _mode;
        _mode = Mode.Repeating;
        bool isSame = true;
        for (int position = 0; isSame && position < transaction.LogLength;)
        {
            ReadOnlySpan<byte> payload = transaction.LogEntry(ref position, out XenstoreMessageType type, out ulong fingerprint);
            _request.Type = type;
            XenstoreError error = NodeOperation(type, payload);
            isSame = (error == XenstoreError.None ? _fingerprint : (ulong)error) == fingerprint;
            if (!isSame && mode == Mode.Serving)
                Blame(payload);
        }
        _mode = mode;
        _request = request;
        return isSame;
    }

    private void CloseTransaction(Connection connection, Transaction transaction)
    {
        connection.Transactions.Remove(transaction.Id);
        _tree.Discard(transaction.Branch);
        _tree.Release(transaction.Snapshot);
        _idle.Push(transaction);
    }

    private void DropTransactions(Connection connection)
    {
        foreach (Transaction transaction in connection.Transactions.Values)
        {
            _tree.Discard(transaction.Branch);
            _tree.Release(transaction.Snapshot);
        }
        connection.Transactions.Clear();
    }

    /// <summary>The domain that changed last what the request is about.</summary>
    private void Blame(ReadOnlySpan<byte> payload)
    {
        if (++_caller.Conflicts < ConflictsBeforeHold || !TakeString(ref payload, out ReadOnlySpan<byte> name))
            return;
        Place place = _tree.Find(_tree.Main, Canonical(_caller, name));
        int writer = _tree.View(place.Exists ? place.Node : place.Nearest).LastWriter;
        if (writer == _caller.DomainId || !_domains.TryGetValue(writer, out DomainRecord? domain) || domain.IsPrivileged || _caller.Holding.Contains(domain))
            return;
        if (_caller.Holding.Count == 0)
        {
            if (_caller.HoldingSince != 0 && _host.Now - _caller.HoldingSince < HoldPauseMs)
                return;
            _caller.HoldingSince = _host.Now;
            _holders.Add(_caller);
        }
        _caller.Holding.Add(domain);
        domain.Holds++;
    }

    private void EndHolds(Connection connection)
    {
        if (connection.Holding.Count == 0)
            return;
        foreach (DomainRecord domain in connection.Holding)
            domain.Holds--;
        connection.Holding.Clear();
        _holders.Remove(connection);
    }

    private void RecordTransaction(StateRecord kind, uint id)
    {
        if (_mode != Mode.Serving)
            return;
        RecordWriter record = new(_record, kind);
        record.Add(_caller.Id);
        record.Add(id);
        _host.Record(record.Written);
    }
}
