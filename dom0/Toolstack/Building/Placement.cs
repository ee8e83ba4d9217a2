// SPDX-License-Identifier: MIT
// Where a domain's vCPUs run and its memory comes from: the user's maps, or nodes chosen by free memory and load. libxl_numa.c, libxl_dom.c of Xen 4.17. Used by DomainCreation.

using System;
using System.Collections.Generic;
using System.Linq;
using XenSharp.Abi;
using XenSharp.Configuration;
using XenSharp.Control;

namespace XenSharp.Toolstack.Building;

internal static class Placement
{
    public static void Apply(Hypervisor hypervisor, ushort domain, DomainBuildInfo build)
    {
        int cpus = hypervisor.CpuIds;
        bool hasMaps = build.VcpuHardAffinity.Count > 0 || build.VcpuSoftAffinity.Count > 0;
        if (build.NumaPlacement == true && !hasMaps && build.Nodemap is not { Count: > 0 })
            PlaceOnNodes(hypervisor, domain, build, cpus);
        else if (build.Nodemap is { Count: > 0 } nodes)
            hypervisor.SetNodeAffinity(domain, Map(nodes, (int)hypervisor.GetPhysicalInfo().MaxNodeId + 1));
        for (int vcpu = 0; vcpu < Math.Max(build.VcpuHardAffinity.Count, build.VcpuSoftAffinity.Count) && vcpu < build.MaxVcpus; vcpu++)
        {
            bool[]? hard = vcpu < build.VcpuHardAffinity.Count ? Map(build.VcpuHardAffinity[vcpu], cpus) : null;
            bool[]? soft = vcpu < build.VcpuSoftAffinity.Count ? Map(build.VcpuSoftAffinity[vcpu], cpus) : null;
            (bool[]? effective, _) = hypervisor.SetVcpuAffinity(domain, (uint)vcpu, hard, soft);
            if (effective is not null && !Array.Exists(effective, isSet => isSet))
                throw new ToolstackException($"vCPU {vcpu} could run on none of the CPUs that it is given");
        }
    }

    /// <summary>The parameters that the configuration names; the others stay the scheduler's.</summary>
    public static void SetScheduling(Hypervisor hypervisor, ushort domain, DomainSchedParams wanted)
    {
        if (!hypervisor.TryGetDomain(domain, out DomctlGetDomainInfo info) || hypervisor.GetCpuPool(info.Cpupool) is not { } pool)
            throw new ToolstackException("the domain's CPU pool is gone");
        switch (pool.Scheduler)
        {
            case SchedulerId.Credit:
                DomctlSchedulerCredit credit = hypervisor.GetSchedulerParameters<DomctlSchedulerCredit>(domain, pool.Scheduler);
                credit.Weight = (ushort)(wanted.Weight ?? credit.Weight);
                credit.Cap = (ushort)(wanted.Cap ?? credit.Cap);
                hypervisor.SetSchedulerParameters(domain, pool.Scheduler, credit);
                break;
            case SchedulerId.Credit2:
                DomctlSchedulerCredit2 credit2 = hypervisor.GetSchedulerParameters<DomctlSchedulerCredit2>(domain, pool.Scheduler);
                credit2.Weight = (ushort)(wanted.Weight ?? credit2.Weight);
                credit2.Cap = (ushort)(wanted.Cap ?? credit2.Cap);
                hypervisor.SetSchedulerParameters(domain, pool.Scheduler, credit2);
                break;
            case SchedulerId.Rtds when wanted.Period is not null || wanted.Budget is not null:
                DomctlSchedulerRtds rtds = hypervisor.GetSchedulerParameters<DomctlSchedulerRtds>(domain, pool.Scheduler);
                rtds.Period = (uint)(wanted.Period ?? (int)rtds.Period);
                rtds.Budget = (uint)(wanted.Budget ?? (int)rtds.Budget);
                hypervisor.SetSchedulerParameters(domain, pool.Scheduler, rtds);
                break;
        }
    }

    /// <summary>The one node with the most free memory that has enough of it and enough CPUs; or all nodes.</summary>
    private static void PlaceOnNodes(Hypervisor hypervisor, ushort domain, DomainBuildInfo build, int cpus)
    {
        IReadOnlyList<(SysctlMemoryInfo Memory, uint[] Distances)> nodes = hypervisor.GetNumaNodes();
        IReadOnlyList<SysctlCpuTopology> topology = hypervisor.GetCpuTopology();
        ulong needed = ((build.MaxMemkb ?? 0) + (build.ShadowMemkb ?? 0)) * 1024;
        List<int> chosen = [.. Enumerable.Range(0, nodes.Count)];
        if (nodes.Count > 1)
        {
            int single = chosen.Where(node => nodes[node].Memory.MemoryFree >= needed && topology.Count(cpu => cpu.Node == node) >= build.MaxVcpus)
                .OrderByDescending(node => nodes[node].Memory.MemoryFree).FirstOrDefault(-1);
            if (single >= 0)
                chosen = [single];
        }
        bool[] soft = new bool[cpus];
        for (int cpu = 0; cpu < Math.Min(cpus, topology.Count); cpu++)
            soft[cpu] = chosen.Contains((int)topology[cpu].Node);
        for (uint vcpu = 0; vcpu < build.MaxVcpus; vcpu++)
            hypervisor.SetVcpuAffinity(domain, vcpu, null, soft);
        bool[] map = new bool[nodes.Count];
        foreach (int node in chosen)
            map[node] = true;
        hypervisor.SetNodeAffinity(domain, map);
    }

    private static bool[] Map(Bitmap set, int length)
    {
        bool[] map = new bool[length];
        foreach (int member in set)
        {
            if (member < length)
                map[member] = true;
        }
        return map;
    }
}
