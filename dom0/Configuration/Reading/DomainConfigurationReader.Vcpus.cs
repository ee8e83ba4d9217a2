// SPDX-License-Identifier: MIT
// Which host CPUs vCPUs may run on, and a guest's own NUMA nodes. Behaviour: parse_vcpu_affinity, parse_vnuma_config of tools/xl/xl_parse.c.
using System;
using System.Collections.Generic;
using System.Linq;

namespace XenSharp.Configuration.Reading;

internal sealed partial class DomainConfigurationReader
{
    private sealed record Vnuma(IReadOnlyList<VnodeInfo> Nodes, int MaxVcpus, ulong MaxMemkb, bool NamesPnodes);

    /// <summary>One string is for all vCPUs, a list has an entry for each vCPU.</summary>
    private IReadOnlyList<Bitmap> ReadAffinity(string name, int maxVcpus)
    {
        if (!_items.Has(name)) return [];
        if (maxVcpus == 0) _items.Warn(name, $"'{name}' has no effect without 'vcpus' or 'maxvcpus'");
        if (!_items.IsList(name))
        {
            Bitmap cpus = _items.CpuSet(name, _context.Host)!;
            return [.. Enumerable.Repeat(cpus, maxVcpus)];
        }
        IReadOnlyList<TextValue> texts = _items.Strings(name);
        if (texts.Count > maxVcpus && maxVcpus > 0)
            Diagnostics.Warn(texts[maxVcpus].Position, $"'{name}' has {texts.Count} entries for {maxVcpus} vCPUs; from here on they are ignored");
        return [.. texts.Take(maxVcpus).Select(text => _items.CpuSet(name, text, _context.Host))];
    }

    /// <summary>Every vCPU's set is cut down to the masks of xl.conf; a mask without a set makes one. No set may be empty then.</summary>
    private IReadOnlyList<Bitmap> ApplyGlobalMasks(IReadOnlyList<Bitmap> affinity, int maxVcpus)
    {
        if (_context.IgnoreGlobalAffinityMasks || Diagnostics.HasErrors) return affinity;
        Bitmap? all = _context.Global.VmCpumask;
        Bitmap? ofType = _type == DomainType.Pv ? _context.Global.VmPvCpumask : _context.Global.VmHvmCpumask;
        if (affinity.Count == 0 && all is null && ofType is null) return affinity;
        if (affinity.Count == 0) affinity = [.. Enumerable.Repeat(_context.Host.AllCpus, maxVcpus)];
        var result = new List<Bitmap>();
        foreach (Bitmap cpus in affinity)
        {
            Bitmap left = cpus;
            if (all is not null) left = left.And(all);
            if (ofType is not null) left = left.And(ofType);
            if (left.IsEmpty) _items.Error("cpus", $"'cpus' leaves vCPU {result.Count} no CPU that the host has and xl.conf allows");
            result.Add(left);
        }
        return result;
    }

    private Vnuma? ReadVnuma(ulong? maxMemkb, int maxVcpus)
    {
        if (!_items.IsList("vnuma")) return null;
        ListValue nodes = _items.List("vnuma")!;
        if (nodes.Items.Count == 0) return null;
        var read = new List<VnodeInfo>();
        int vcpus = 0;
        ulong memkb = 0;
        bool namesPnodes = false;
        foreach (ConfigurationValue item in nodes.Items)
        {
            if (item is not ListValue options)
            {
                Diagnostics.Error(item.Position, "'vnuma': each node is a list of settings, in brackets");
                continue;
            }
            VnodeInfo node = ReadVnode(options, nodes.Items.Count, ref vcpus, ref namesPnodes);
            memkb += node.Memkb ?? 0;
            read.Add(node);
        }
        if (maxVcpus != 0 && maxVcpus != vcpus) _items.Error("maxvcpus", $"'maxvcpus' is {maxVcpus}, but the nodes of 'vnuma' have {vcpus} vCPUs");
        if (maxVcpus == 0 && _context.Host.IsKnown && _context.Host.CpuCount < vcpus)
            _items.Error("vnuma", $"the nodes have {vcpus} vCPUs, more than the host has CPUs; 'maxvcpus' allows that");
        if (maxMemkb is { } limit && limit != memkb) _items.Error("maxmem", $"'maxmem' is {limit / 1024}, but the nodes of 'vnuma' have {memkb / 1024} MiB");
        return new Vnuma(read, vcpus, memkb, namesPnodes);
    }

    private VnodeInfo ReadVnode(ListValue options, int nodeCount, ref int vcpus, ref bool namesPnodes)
    {
        uint pnode = 0;
        ulong? memkb = null;
        var members = new SortedSet<int>();
        uint[] distances = new uint[nodeCount];
        foreach (TextValue option in _items.Strings("vnuma", options))
        {
            string[] pair = option.Text.Split('=', StringSplitOptions.RemoveEmptyEntries);
            if (pair.Length < 2)
            {
                Diagnostics.Error(option.Position, $"'vnuma': '{option.Text}' has not the form name=value");
                continue;
            }
            string value = pair[1].Trim();
            switch (pair[0].Trim())
            {
                case "pnode" when CNumber.TryParseDecimal(value, out pnode):
                    namesPnodes = true;
                    if (_context.Host.IsKnown && pnode >= _context.Host.NodeCpus.Count)
                        Diagnostics.Error(option.Position, $"'vnuma': the host has no node {pnode}, its nodes are 0 to {_context.Host.NodeCpus.Count - 1}");
                    break;
                case "size" when CNumber.TryParseDecimal(value, out uint megabytes):
                    memkb = (ulong)megabytes * 1024;
                    break;
                case "vcpus":
                    foreach (string range in value.Split(',', StringSplitOptions.RemoveEmptyEntries))
                    {
                        if (!CpuSetReader.TryReadRange(range, out ulong first, out ulong last) || last >= MostVcpus)
                        {
                            Diagnostics.Error(option.Position, $"'vnuma': '{range}' is no range of vCPUs");
                            continue;
                        }
                        vcpus += (int)(last - first) + 1;
                        members.UnionWith(Enumerable.Range((int)first, (int)(last - first) + 1));
                    }
                    break;
                case "vdistances":
                    string[] given = value.Split(',', StringSplitOptions.RemoveEmptyEntries);
                    if (given.Length > nodeCount) Diagnostics.Error(option.Position, $"'vnuma': {given.Length} distances for {nodeCount} nodes");
                    for (int i = 0; i < Math.Min(given.Length, nodeCount); i++)
                    {
                        if (!CNumber.TryParseDecimal(given[i].Trim(), out distances[i])) Diagnostics.Error(option.Position, $"'vnuma': '{given[i]}' is no distance");
                    }
                    break;
                case "pnode" or "size":
                    Diagnostics.Error(option.Position, $"'vnuma': '{value}' is no number");
                    break;
                default:
                    Diagnostics.Warn(option.Position, $"'vnuma': '{pair[0].Trim()}' is none of pnode, size, vcpus, vdistances, and has no effect");
                    break;
            }
        }
        return new VnodeInfo { Memkb = memkb, Distances = distances, Pnode = pnode, Vcpus = new Bitmap(members) };
    }
}
