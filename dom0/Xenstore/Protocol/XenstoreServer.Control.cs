// SPDX-License-Identifier: MIT
// CONTROL: what concerns the store is answered here, the rest by the host. Texts as of Xen 4.17's xenstored, for `xenstore-control`.

using System;
using System.Collections.Generic;
using System.Globalization;
using System.Text;
using XenSharp.Abi;

namespace XenSharp.Xenstore.Protocol;

public sealed partial class XenstoreServer
{
    private const string Help =
        "check\t\n" +
        "log\ton|off\n" +
        "live-update\t[-c <cmdline>] [-F] [-t <timeout>] <file>\n    Default timeout is 60 seconds.\n" +
        "logfile\t<file>\n" +
        "memreport\t[<file>]\n" +
        "print\t<string>\n" +
        "quota\t[set <name> <val>|<domid>]\n" +
        "quota-soft\t[set <name> <val>]\n" +
        "help\t\n";

    private XenstoreError Control(ReadOnlySpan<byte> payload)
    {
        if (!TakeString(ref payload, out ReadOnlySpan<byte> name))
            return XenstoreError.EINVAL;
        string command = Encoding.UTF8.GetString(name);
        List<string> arguments = [];
        while (TakeString(ref payload, out ReadOnlySpan<byte> argument))
            arguments.Add(Encoding.UTF8.GetString(argument));
        return command switch
        {
            "check" => arguments.Count == 0 ? Check() : XenstoreError.EINVAL,
            "help" => arguments.Count == 0 ? AnswerText(Help) : XenstoreError.EINVAL,
            "quota" => ControlQuota(arguments),
            "quota-soft" => ControlSoftQuota(arguments),
            _ => HostControl(command, arguments),
        };
    }

    private XenstoreError HostControl(string command, List<string> arguments)
    {
        string? answer = _host.Control(_caller, command, [.. arguments], out XenstoreError error);
        if (error != XenstoreError.None)
            return error;
        return answer is null ? XenstoreError.None : AnswerText(answer);
    }

    /// <summary>Answers a request that was put off; the host kept its header.</summary>
    public void AnswerLater(Connection connection, in XenstoreMessageHeader request, string text) =>
        _host.Send(connection, request.Type, request.RequestId, request.TxId, Encoding.UTF8.GetBytes(text + "\0"));

    public XenstoreMessageHeader CurrentRequest => _request;

    private XenstoreError AnswerText(string text) => Answer(Encoding.UTF8.GetBytes(text + "\0"));

    private XenstoreError ControlQuota(List<string> arguments)
    {
        if (arguments.Count == 0)
        {
            StringBuilder text = new("Quota settings:\n");
            foreach ((Quota quota, string name, string description) in Quotas.All)
                text.Append(CultureInfo.InvariantCulture, $"{name,-17}: {Quotas[quota],8} {description}\n");
            return AnswerText(text.ToString());
        }
        if (arguments[0] == "set")
        {
            if (arguments.Count != 3 || ToInt(Encoding.UTF8.GetBytes(arguments[2])) is not (>= 1 and int value) || Quotas.ByName(arguments[1]) is not { } quota)
                return XenstoreError.EINVAL;
            Quotas[quota] = value;
            RecordQuota((byte)quota, value);
            return AnswerOk();
        }
        if (arguments.Count != 1)
            return XenstoreError.EINVAL;
        if (!_domains.TryGetValue(ToInt(Encoding.UTF8.GetBytes(arguments[0])), out DomainRecord? domain))
            return XenstoreError.ENOENT;
        return AnswerText(string.Create(CultureInfo.InvariantCulture,
            $"Domain {domain.Id}:\nnodes           : {domain.Nodes,8}\nwatches         : {domain.Watches,8}\n" +
            $"transactions    : {domain.Connection?.TransactionCount ?? 0,8}\noutstanding     : {domain.Outstanding,8}\nmemory          : {domain.Memory,8}\n"));
    }

    private XenstoreError ControlSoftQuota(List<string> arguments)
    {
        if (arguments.Count == 0)
        {
            return AnswerText(string.Create(CultureInfo.InvariantCulture,
                $"Quota settings:\n{"memory",-17}: {Quotas.SoftMemory,8} Total Xenstore memory per domain (warning level)\n"));
        }
        if (arguments.Count != 3 || arguments[0] != "set" || arguments[1] != "memory" || ToInt(Encoding.UTF8.GetBytes(arguments[2])) is not (>= 1 and int value))
            return XenstoreError.EINVAL;
        Quotas.SoftMemory = value;
        RecordQuota(SoftMemoryQuota, value);
        return AnswerOk();
    }

    private const byte SoftMemoryQuota = 255;

    private void RecordQuota(byte quota, int value)
    {
        RecordWriter record = new(_record, StateRecord.QuotaSet);
        record.Add(quota);
        record.Add(value);
        _host.Record(record.Written);
    }

    /// <summary>Counts the tree's nodes by owner and compares with what the domains are charged; corrects and logs what differs.</summary>
    private XenstoreError Check()
    {
        Dictionary<int, (int Nodes, long Memory)> uses = [];
        CountUses(_tree.Find(_tree.Main, "/"u8).Node, 1, uses);
        foreach (DomainRecord domain in _domains.Values)
        {
            (int nodes, long memory) = uses.GetValueOrDefault(domain.Id);
            for (Watch? watch = domain.Connection?.FirstWatch; watch is not null; watch = watch.NextOfConnection)
                memory += watch.Memory;
            if (nodes != domain.Nodes || memory != domain.Memory)
                _host.Log(LogLevel.Error, $"domain {domain.Id} is charged {domain.Nodes} nodes and {domain.Memory} bytes, but has {nodes} and {memory}; corrected");
            domain.Nodes = nodes;
            domain.Memory = memory;
        }
        _host.Log(LogLevel.Information, "Checking store complete.");
        return AnswerOk();
    }

    /// <summary>Recomputes what each domain uses from the tree.</summary>
    private void CountUses(uint node, int pathLength, Dictionary<int, (int Nodes, long Memory)> uses)
    {
        Tree.NodeView view = _tree.View(node);
        (int nodes, long memory) = uses.GetValueOrDefault(view.Owner);
        uses[view.Owner] = (nodes + 1, memory + pathLength + NodeSize(view.Permissions.Length, view.Value.Length, _tree.ListBytes(node)));
        Tree.DirectoryCursor children = _tree.Children(node);
        while (children.MoveNext())
            CountUses(children.Node, (pathLength == 1 ? 0 : pathLength) + 1 + children.Name.Length, uses);
    }
}
