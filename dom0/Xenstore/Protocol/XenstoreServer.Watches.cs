// SPDX-License-Identifier: MIT
// WATCH, UNWATCH, RESET_WATCHES and the special events. Contract: docs/misc/xenstore.txt of Xen 4.17, "Watches".

using System;
using System.Buffers.Text;
using XenSharp.Xenstore.Tree;

namespace XenSharp.Xenstore.Protocol;

public sealed partial class XenstoreServer
{
    private Permission[] _introducePermissions = [new(0, Access.None, 1)];
    private Permission[] _releasePermissions = [new(0, Access.None, 1)];

    private static ReadOnlySpan<byte> IntroduceEvent => "@introduceDomain"u8;

    private static ReadOnlySpan<byte> ReleaseEvent => "@releaseDomain"u8;

    private XenstoreError AddWatch(ReadOnlySpan<byte> payload)
    {
        if (!TakeString(ref payload, out ReadOnlySpan<byte> name) || !TakeString(ref payload, out ReadOnlySpan<byte> token))
            return XenstoreError.EINVAL;
        int depth = Watch.AnyDepth;
        if (TakeString(ref payload, out ReadOnlySpan<byte> levels)
            && (!Utf8Parser.TryParse(levels, out depth, out int used) || used != levels.Length || depth < 0 || payload.Contains((byte)0)))
        {
            return XenstoreError.EINVAL;
        }
        ReadOnlySpan<byte> path = Canonical(_caller, name);
        bool isSpecial = StorePath.IsSpecial(path);
        if (isSpecial ? path.Length > StorePath.MostRelative : !StorePath.IsValid(path, Quotas[Quota.PathMax]))
            return XenstoreError.EINVAL;
        if (_watches.Find(_caller, path, token) is not null)
            return XenstoreError.EEXIST;
        if (_caller.IsUnprivileged)
        {
            // One more than the quota, as in Xen.
            if (!Allow(Quota.Watches, _caller.WatchCount - 1, 1))
                return XenstoreError.E2BIG;
            if (Quotas[Quota.Memory] != 0 && !Allow(Quota.Memory, _caller.Domain!.Memory, path.Length + token.Length))
                return XenstoreError.ENOMEM;
        }
        Watch watch = InsertWatch(_caller, path, token, path.Length - name.Length, depth);
        AnswerOk();
        SendEvent(watch, path);
        return XenstoreError.None;
    }

    private Watch InsertWatch(Connection connection, ReadOnlySpan<byte> path, ReadOnlySpan<byte> token, int relativeStart, int depth)
    {
        byte[] text = new byte[path.Length + token.Length];
        path.CopyTo(text);
        token.CopyTo(text.AsSpan(path.Length));
        Watch watch = new(connection, ++_nextWatch, text, path.Length, relativeStart, depth);
        _watches.Add(watch);
        CountWatch(watch, 1);
        if (_mode == Mode.Serving)
        {
            RecordWriter record = new(_record, StateRecord.WatchAdded);
            WriteWatch(ref record, watch);
            _host.Record(record.Written);
        }
        return watch;
    }

    private XenstoreError RemoveWatch(ReadOnlySpan<byte> payload)
    {
        if (!TakeString(ref payload, out ReadOnlySpan<byte> name) || !TakeString(ref payload, out ReadOnlySpan<byte> token) || payload.Contains((byte)0))
            return XenstoreError.EINVAL;
        if (_watches.Find(_caller, Canonical(_caller, name), token) is not { } watch)
            return XenstoreError.ENOENT;
        _watches.Remove(watch);
        CountWatch(watch, -1);
        RecordWriter record = new(_record, StateRecord.WatchRemoved);
        WriteWatch(ref record, watch);
        _host.Record(record.Written);
        return AnswerOk();
    }

    private XenstoreError ResetWatches()
    {
        DropWatches(_caller);
        DropTransactions(_caller);
        _transaction = null;
        RecordConnection(StateRecord.WatchesReset, _caller);
        return AnswerOk();
    }

    /// <summary>The client begins anew: no watches, no transactions.</summary>
    public void ResetConnection(Connection connection)
    {
        DropWatches(connection);
        DropTransactions(connection);
        RecordConnection(StateRecord.WatchesReset, connection);
    }

    private void DropWatches(Connection connection)
    {
        // From the last one, which its index finds first.
        while (connection.LastWatch is { } watch)
        {
            _watches.Remove(watch);
            CountWatch(watch, -1);
        }
    }

    private void CountWatch(Watch watch, int change)
    {
        if (watch.Connection.Domain is not { } domain)
            return;
        domain.Watches += change;
        domain.Memory += change * watch.Memory;
    }

    private static void WriteWatch(ref RecordWriter record, Watch watch)
    {
        record.Add(watch.Connection.Id);
        record.Add((ushort)watch.RelativeStart);
        record.Add(watch.Depth);
        record.Add(watch.Path);
        record.Add(watch.Token);
    }

    private XenstoreError SetSpecialPermissions(ReadOnlySpan<byte> name, ReadOnlySpan<Permission> permissions)
    {
        bool isIntroduce = name.SequenceEqual(IntroduceEvent);
        if (!isIntroduce && !name.SequenceEqual(ReleaseEvent))
            return XenstoreError.EINVAL;
        ref Permission[] current = ref isIntroduce ? ref _introducePermissions : ref _releasePermissions;
        if ((AccessOf(_caller, current) & (Access.Write | Access.Owner)) != (Access.Write | Access.Owner))
            return XenstoreError.EACCES;
        current = permissions.ToArray();
        RecordSpecialPermissions(isIntroduce);
        return AnswerOk();
    }

    private void RecordSpecialPermissions(bool isIntroduce)
    {
        RecordWriter record = new(_record, StateRecord.SpecialPermissions);
        WriteSpecialPermissions(ref record, isIntroduce);
        _host.Record(record.Written);
    }

    private void WriteSpecialPermissions(ref RecordWriter record, bool isIntroduce)
    {
        record.Add(isIntroduce ? (byte)1 : (byte)0);
        record.Add(System.Runtime.InteropServices.MemoryMarshal.AsBytes<Permission>(isIntroduce ? _introducePermissions : _releasePermissions));
    }

    /// <summary>
    /// Tells those who watch the event and may know of it. A watch of depth 1 is told the domain; one of the event with a domain's number hears of that
    /// domain only.
    /// </summary>
    private void FireSpecial(ReadOnlySpan<byte> name, int domain)
    {
        Permission[] permissions = name.SequenceEqual(IntroduceEvent) ? _introducePermissions : _releasePermissions;
        Span<byte> named = stackalloc byte[32];
        name.CopyTo(named);
        named[name.Length] = (byte)'/';
        Utf8Formatter.TryFormat(domain, named[(name.Length + 1)..], out int digits);
        named = named[..(name.Length + 1 + digits)];
        _matches.Clear();
        _watches.Match(name, isExact: false, _matches);
        _watches.Match(named, isExact: false, _matches);
        foreach (Watch watch in _matches)
        {
            if ((AccessOf(watch.Connection, permissions) & Access.Read) != 0)
                SendEvent(watch, watch.Depth == 1 ? named : watch.Path);
        }
    }
}
