// SPDX-License-Identifier: MIT
// What a configuration's meaning depends on beyond its text: the host's CPUs and nodes, and xl.conf.
using System.Collections.Generic;
using System.Linq;

namespace XenSharp.Configuration;

/// <summary>The host's CPUs and NUMA nodes, as far as sets of CPUs in a file are about them.</summary>
/// <param name="CpuCount">One more than the highest number of a CPU.</param>
/// <param name="NodeCpus">The CPUs of each node; empty when they are not known.</param>
public sealed record HostTopology(int CpuCount, IReadOnlyList<Bitmap> NodeCpus)
{
    /// <summary>A host of which nothing is known: any CPU may exist, and nodes cannot be named.</summary>
    public static HostTopology Unknown { get; } = new(4096, []);

    /// <summary>A host with one node.</summary>
    public static HostTopology SingleNode(int cpuCount) => new(cpuCount, [Bitmap.Range(0, cpuCount)]);

    public bool IsKnown => NodeCpus.Count > 0;

    /// <summary>Numbers that fit into a set of the host's CPUs: libxl's sets are whole bytes, and what is beyond is passed over.</summary>
    public int CpuBits => RoundUp(CpuCount);

    /// <summary>Every CPU, as libxl says it: all bits of the set.</summary>
    public Bitmap AllCpus => Bitmap.Range(0, CpuBits);

    /// <summary>The CPUs of a node, none when there is no such node.</summary>
    public IEnumerable<int> CpusOf(ulong node) => node < (ulong)NodeCpus.Count ? NodeCpus[(int)node] : Enumerable.Empty<int>();

    private static int RoundUp(int count) => (count + 7) / 8 * 8;
}

/// <summary>The surroundings that a domain's configuration is read in.</summary>
public sealed record ConfigurationContext
{
    public HostTopology Host { get; init; } = HostTopology.Unknown;
    public GlobalConfiguration Global { get; init; } = GlobalConfiguration.Default;

    /// <summary>Whether the CPU masks of xl.conf are left aside (<c>xl create --ignore-global-affinity-masks</c>).</summary>
    public bool IgnoreGlobalAffinityMasks { get; init; }
}
