// SPDX-License-Identifier: MIT
// Domains: coming, going, targets. Contract: docs/misc/xenstore.txt of Xen 4.17, "Domain management and xenstored communications".

using System;
using System.Collections.Generic;
using System.Text;
using XenSharp.Xenstore.Tree;

namespace XenSharp.Xenstore.Protocol;

public sealed partial class XenstoreServer
{
    private const int SelfDomain = 0x7FF0;     // DOMID_SELF

    // Which domain of its number the next one to be met is; 0 stands for 1.
    private readonly ushort[] _incarnations = new ushort[Permission.MostDomain + 1];

    public IEnumerable<DomainRecord> Domains => _domains.Values;

    public DomainRecord? FindDomain(int id) => _domains.GetValueOrDefault(id);

    /// <summary>Connects a domain without a request, as the daemon does for its own at its start.</summary>
    public Connection? IntroduceOwnDomain(int id, int port)
    {
        DomainRecord domain = Meet(id);
        return ConnectDomain(domain, port) == XenstoreError.None ? domain.Connection : null;
    }

    /// <summary>Looks which domains have shut down or gone, and tells. To be called when the hypervisor signals a change.</summary>
    public void CheckDomains()
    {
        foreach (DomainRecord domain in new List<DomainRecord>(_domains.Values))
        {
            if (domain.IsPrivileged)
                continue;
            DomainState state = _host.StateOf(domain.Id);
            if (state is DomainState.Absent || (state is DomainState.Dying && domain.IsIntroduced))
            {
                Forget(domain);
            }
            else if (state is DomainState.ShutDown && domain is { IsIntroduced: true, IsShutDown: false })
            {
                domain.IsShutDown = true;
                RecordDomain(StateRecord.DomainFlags, domain);
                FireSpecial(ReleaseEvent, domain.Id);
            }
        }
    }

    private XenstoreError Introduce(ReadOnlySpan<byte> payload)
    {
        if (!TakeString(ref payload, out ReadOnlySpan<byte> id) || !TakeString(ref payload, out _) || !TakeString(ref payload, out ReadOnlySpan<byte> portText))
            return XenstoreError.EINVAL;
        int port = ToInt(portText);
        int number = ToInt(id);
        if (port <= 0 || number is < 0 or >= SelfDomain)
            return XenstoreError.EINVAL;
        DomainRecord domain = Meet(number);
        XenstoreError error;
        if (domain.IsIntroduced && domain.Connection is { } connection)
        {
            error = _host.Reconnect(connection, port);
            DropWatches(connection);
            DropTransactions(connection);
            RecordConnection(StateRecord.WatchesReset, connection);
        }
        else
        {
            error = ConnectDomain(domain, port);
            if (error == XenstoreError.None)
                FireSpecial(IntroduceEvent, domain.Id);
        }
        return error == XenstoreError.None ? AnswerOk() : error;
    }

    private XenstoreError ConnectDomain(DomainRecord domain, int port)
    {
        Connection connection = Open(_nextConnectionId, domain);
        XenstoreError error = _host.Connect(connection, port);
        if (error != XenstoreError.None)
        {
            Close(connection);
            return error;
        }
        domain.IsIntroduced = true;
        domain.IsShutDown = false;
        RecordDomain(StateRecord.DomainFlags, domain);
        return XenstoreError.None;
    }

    private XenstoreError Release(ReadOnlySpan<byte> payload)
    {
        XenstoreError error = FindConnected(OneArgument(payload), out DomainRecord? domain);
        if (error != XenstoreError.None)
            return error;
        Forget(domain!);
        return AnswerOk();
    }

    private XenstoreError Resume(ReadOnlySpan<byte> payload)
    {
        XenstoreError error = FindConnected(OneArgument(payload), out DomainRecord? domain);
        if (error != XenstoreError.None)
            return error;
        domain!.IsShutDown = false;
        RecordDomain(StateRecord.DomainFlags, domain);
        return AnswerOk();
    }

    private XenstoreError SetTarget(ReadOnlySpan<byte> payload)
    {
        if (!TakeString(ref payload, out ReadOnlySpan<byte> id) || !TakeString(ref payload, out ReadOnlySpan<byte> targetId))
            return XenstoreError.EINVAL;
        if (!_domains.TryGetValue(ToInt(id), out DomainRecord? domain) || domain.Connection is not { } connection)
            return XenstoreError.ENOENT;
        if (!_domains.TryGetValue(ToInt(targetId), out DomainRecord? target) || !target.IsIntroduced)
            return XenstoreError.ENOENT;
        connection.Target = target;
        RecordWriter record = new(_record, StateRecord.TargetSet);
        record.Add(connection.Id);
        record.Add(target.Id);
        _host.Record(record.Written);
        return AnswerOk();
    }

    private XenstoreError GetDomainPath(ReadOnlySpan<byte> payload)
    {
        ReadOnlySpan<byte> id = OneArgument(payload);
        return id.IsEmpty && payload.Length != 1 ? XenstoreError.EINVAL : Answer(Encoding.ASCII.GetBytes($"/local/domain/{(uint)ToInt(id)}\0"));
    }

    private XenstoreError IsDomainIntroduced(ReadOnlySpan<byte> payload)
    {
        ReadOnlySpan<byte> id = OneArgument(payload);
        if (id.IsEmpty && payload.Length != 1)
            return XenstoreError.EINVAL;
        int number = ToInt(id);
        bool isIntroduced = number == SelfDomain || (_domains.TryGetValue(number, out DomainRecord? domain) && domain.IsIntroduced);
        return Answer(isIntroduced ? "T\0"u8 : "F\0"u8);
    }

    private XenstoreError FindConnected(ReadOnlySpan<byte> id, out DomainRecord? domain)
    {
        domain = null;
        int number = ToInt(id);
        if (number == 0)
            return XenstoreError.EINVAL;
        return _domains.TryGetValue(number, out domain) && domain.IsIntroduced ? XenstoreError.None : XenstoreError.ENOENT;
    }

    /// <summary>The domain's record, made if the domain exists.</summary>
    private DomainRecord? FindOrMeet(int id)
    {
        if (_domains.TryGetValue(id, out DomainRecord? known))
            return known;
        return id < SelfDomain && _host.StateOf(id) != DomainState.Absent ? Meet(id) : null;
    }

    private DomainRecord Meet(int id)
    {
        if (_domains.TryGetValue(id, out DomainRecord? known))
            return known;
        if (_incarnations[id] == 0)
            _incarnations[id] = 1;
        DomainRecord domain = new(id, _incarnations[id]);
        _domains.Add(id, domain);
        RecordDomain(StateRecord.DomainMet, domain);
        return domain;
    }

    /// <summary>A domain is gone or released: so are its connection, its nodes, and what was permitted to it.</summary>
    private void Forget(DomainRecord domain)
    {
        if (domain.Connection is { } connection)
            Close(connection);
        RemoveNodesOf(domain);
        _releasePermissions = Array.FindAll(_releasePermissions, permission => permission.Domain != domain.Id || !IsFor(permission, domain));
        _introducePermissions = Array.FindAll(_introducePermissions, permission => permission.Domain != domain.Id || !IsFor(permission, domain));
        if (_releasePermissions.Length == 0)
            _releasePermissions = [new Permission(0, Access.None, 1)];
        if (_introducePermissions.Length == 0)
            _introducePermissions = [new Permission(0, Access.None, 1)];
        RecordSpecialPermissions(isIntroduce: true);
        RecordSpecialPermissions(isIntroduce: false);
        _domains.Remove(domain.Id);
        _incarnations[domain.Id] = (ushort)(domain.Incarnation % Permission.MostIncarnation + 1);
        RecordDomain(StateRecord.DomainGone, domain);
        if (domain.IsIntroduced)
            FireSpecial(ReleaseEvent, domain.Id);
    }

    /// <summary>Its home first, where most of its nodes are; the rest of the tree only if that was not all.</summary>
    private void RemoveNodesOf(DomainRecord domain)
    {
        Mode mode = _mode;
        _transaction = null;
        _branch = _tree.Main;
        Span<byte> buffer = stackalloc byte[32];
        List<byte[]> owned = [];
        if (domain.Nodes > 0)
            FindOwned(StorePath.Home(domain.Id, buffer), domain.Id, owned);
        RemoveAll(domain, owned);
        if (domain.Nodes > 0)
        {
            FindOwned("/"u8, domain.Id, owned);
            RemoveAll(domain, owned);
        }
        _mode = mode;
    }

    private void RemoveAll(DomainRecord domain, List<byte[]> paths)
    {
        foreach (byte[] path in paths)
        {
            Place place = _tree.Find(_tree.Main, path);
            if (!place.Exists)
                continue;
            if (KeepsOrphans || path.Length == 1)
            {
                Permission[] permissions = _tree.View(place.Node).Permissions.ToArray();
                permissions[0] = permissions[0].WithDomain(0, 1);
                ChangePermissions(path, place, permissions, ++_tree.Generation, 0);
            }
            else
            {
                RemoveNode(path, place, ++_tree.Generation, 0);
            }
        }
        paths.Clear();
        _ = domain;
    }

    private void FindOwned(ReadOnlySpan<byte> path, int domain, List<byte[]> owned)
    {
        Place place = _tree.Find(_tree.Main, path);
        if (!place.Exists)
            return;
        byte[] buffer = new byte[8 * 1024];
        path.CopyTo(buffer);
        FindOwned(buffer, path.Length, place.Node, domain, owned);
    }

    private void FindOwned(byte[] path, int length, uint node, int domain, List<byte[]> owned)
    {
        if (_tree.View(node).Owner == domain)
        {
            owned.Add(path[..length]);
            if (!KeepsOrphans)
                return;
        }
        int end = length == 1 ? 0 : length;
        path[end] = (byte)'/';
        DirectoryCursor children = _tree.Children(node);
        while (children.MoveNext())
        {
            children.Name.CopyTo(path.AsSpan(end + 1));
            FindOwned(path, end + 1 + children.Name.Length, children.Node, domain, owned);
        }
    }

    private void RecordDomain(StateRecord kind, DomainRecord domain)
    {
        if (_mode != Mode.Serving)
            return;
        RecordWriter record = new(_record, kind);
        WriteDomain(ref record, domain);
        _host.Record(record.Written);
    }

    private static void WriteDomain(ref RecordWriter record, DomainRecord domain)
    {
        record.Add(domain.Id);
        record.Add((ushort)domain.Incarnation);
        record.Add((byte)((domain.IsIntroduced ? 1 : 0) | (domain.IsShutDown ? 2 : 0)));
    }

    private void RecordConnection(StateRecord kind, Connection connection)
    {
        if (_mode != Mode.Serving)
            return;
        RecordWriter record = new(_record, kind);
        record.Add(connection.Id);
        record.Add(connection.Domain?.Id ?? -1);
        _host.Record(record.Written);
    }
}
