// SPDX-License-Identifier: MIT
// The records of the state beside the tree's, for StateSaver.

using XenSharp.Xenstore.Tree;

namespace XenSharp.Xenstore.Protocol;

public sealed partial class XenstoreServer
{
    /// <summary>A saver of the state as it is now.</summary>
    public StateSaver Save()
    {
        StateSaver saver = new(_tree);
        SaveDomains(saver);
        foreach (Connection connection in _connections.Values)
            SaveConnection(saver, connection);
        foreach (Connection connection in _connections.Values)
        {
            for (Watch? watch = connection.FirstWatch; watch is not null; watch = watch.NextOfConnection)
            {
                RecordWriter record = new(_record, StateRecord.WatchAdded);
                WriteWatch(ref record, watch);
                saver.AddAfter(record);
            }
            foreach (Transaction transaction in connection.Transactions.Values)
                SaveTransaction(saver, connection, transaction);
        }
        return saver;
    }

    private void SaveDomains(StateSaver saver)
    {
        RecordWriter counters = new(_record, StateRecord.Counters);
        counters.Add(_tree.Generation);
        counters.Add(_nextConnectionId);
        saver.AddBefore(counters);
        for (int id = 0; id < _incarnations.Length; id++)
        {
            if (_incarnations[id] == 0)
                continue;
            RecordWriter record = new(_record, StateRecord.Incarnation);
            record.Add(id);
            record.Add(_incarnations[id]);
            saver.AddBefore(record);
        }
        foreach (DomainRecord domain in _domains.Values)
        {
            RecordWriter record = new(_record, StateRecord.DomainFlags);
            WriteDomain(ref record, domain);
            saver.AddBefore(record);
        }
        for (int index = 0; index < 2; index++)
        {
            RecordWriter record = new(_record, StateRecord.SpecialPermissions);
            WriteSpecialPermissions(ref record, index == 0);
            saver.AddBefore(record);
        }
        foreach ((Quota quota, _, _) in Quotas.All)
            SaveQuota(saver, (byte)quota, Quotas[quota]);
        SaveQuota(saver, SoftMemoryQuota, Quotas.SoftMemory);
    }

    private void SaveQuota(StateSaver saver, byte quota, int limit)
    {
        RecordWriter record = new(_record, StateRecord.QuotaSet);
        record.Add(quota);
        record.Add(limit);
        saver.AddBefore(record);
    }

    private void SaveConnection(StateSaver saver, Connection connection)
    {
        RecordWriter record = new(_record, StateRecord.ConnectionOpened);
        record.Add(connection.Id);
        record.Add(connection.Domain?.Id ?? -1);
        saver.AddAfter(record);
        if (connection.Target is not { } target)
            return;
        record = new RecordWriter(_record, StateRecord.TargetSet);
        record.Add(connection.Id);
        record.Add(target.Id);
        saver.AddAfter(record);
    }

    private void SaveTransaction(StateSaver saver, Connection connection, Transaction transaction)
    {
        RecordWriter record = new(_record, StateRecord.TransactionStarted);
        record.Add(connection.Id);
        record.Add(transaction.Id);
        saver.AddAfter(record);
        for (int position = 0; position < transaction.LogLength;)
        {
            System.ReadOnlySpan<byte> payload = transaction.LogEntry(ref position, out Abi.XenstoreMessageType type, out ulong fingerprint);
            record = new RecordWriter(_record, StateRecord.TransactionRequest);
            record.Add(connection.Id);
            record.Add(transaction.Id);
            record.Add((byte)type);
            record.Add(fingerprint);
            record.Add(payload);
            saver.AddAfter(record);
        }
    }
}
