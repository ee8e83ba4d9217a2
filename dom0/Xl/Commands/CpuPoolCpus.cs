// SPDX-License-Identifier: MIT
// cpupool-cpu-add, -cpu-remove and -numa-split: which CPUs are in which pool. Rows of CommandTable.

using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Linq;
using System.Threading.Tasks;
using XenSharp.Abi;
using XenSharp.Configuration;
using XenSharp.Control;
using XenSharp.XenstoreClient;
using XenSharp.Xl.Frame;

namespace XenSharp.Xl.Commands;

internal static class CpuPoolCpus
{
    private static readonly TimeSpan s_offlineLimit = TimeSpan.FromSeconds(10), s_offlineStep = TimeSpan.FromMilliseconds(100);

    public static Command Add { get; } = new("cpupool-cpu-add", "Add CPUs to a CPU pool", "<CPU Pool> <CPU nr>|node:<node nr>", call =>
        ChangeAsync(call, (hypervisor, pool, cpu) => hypervisor.AddCpu(pool, cpu), $"some cpus may not have been added to {call.Words[0]}"))
    {
        RequiredWords = 2,
        Modifies = true,
    };

    public static Command Remove { get; } = new("cpupool-cpu-remove", "Take CPUs out of a CPU pool", "<CPU Pool> <CPU nr>|node:<node nr>", call =>
        ChangeAsync(
            call,
            (hypervisor, pool, cpu) => hypervisor.RemoveCpu(pool, cpu),
            $"Some cpus may have not or only partially been removed from '{call.Words[0]}'.\nIf a cpu can't be added to another cpupool, add it to '{call.Words[0]}' again and retry."))
    {
        RequiredWords = 2,
        Modifies = true,
    };

    public static Command NumaSplit { get; } = new("cpupool-numa-split", "Make a CPU pool of each NUMA node", "", SplitAsync) { Modifies = true };

    /// <summary>A pool with its CPUs and its nodes in the store; nothing stays if a CPU cannot be had.</summary>
    public static async Task<uint> CreateAsync(Host host, string name, SchedulerId scheduler, IEnumerable<int> cpus)
    {
        uint pool = host.Hypervisor.CreateCpuPool(scheduler);
        try
        {
            foreach (int cpu in cpus)
                host.Hypervisor.AddCpu(pool, cpu);
            XenstoreConnection store = await host.ConnectionAsync().ConfigureAwait(false);
            await store.TransactAsync(async view =>
            {
                await view.WriteAsync($"/local/pool/{pool}/uuid", Guid.NewGuid().ToString("D")).ConfigureAwait(false);
                await view.WriteAsync($"/local/pool/{pool}/name", name).ConfigureAwait(false);
            }).ConfigureAwait(false);
            return pool;
        }
        catch
        {
            await CpuPools.DestroyAsync(host, pool).ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>As Xen's, succeeds even where the hypervisor refuses some, and says which.</summary>
    private static async Task<int> ChangeAsync(Invocation call, Action<Hypervisor, uint, int> change, string refusal)
    {
        Bitmap cpus = call.Host.ReadCpus(call.Words[1]);
        uint pool = await call.Host.FindPoolAsync(call.Words[0]).ConfigureAwait(false);
        bool hasFailed = false;
        foreach (int cpu in cpus)
        {
            try
            {
                change(call.Host.Hypervisor, pool, cpu);
            }
            catch (HypercallException failure)
            {
                call.Error.Write($"CPU {cpu}: {failure.Message}\n");
                hasFailed = true;
            }
        }
        if (hasFailed)
            call.Error.Write(refusal + "\n");
        return 0;
    }

    private static async Task<int> SplitAsync(Invocation call)
    {
        Hypervisor hypervisor = call.Host.Hypervisor;
        if (hypervisor.ListCpuPools() is not [CpuPool first])
            throw new XlException("splitting not possible, already cpupools in use");
        HostTopology topology = call.Host.ReadTopology();
        int[] nodes = [.. Enumerable.Range(0, topology.NodeCpus.Count).Where(node => !topology.NodeCpus[node].IsEmpty).OrderBy(node => topology.NodeCpus[node].First())];
        // The first pool gets all of its node before it gives up the rest, so that it is never empty.
        bool[] free = hypervisor.GetFreeCpus();
        foreach (int cpu in topology.NodeCpus[nodes[0]].Where(cpu => free[cpu]))
            hypervisor.AddCpu(first.Id, cpu);
        await CpuPools.RenameAsync(call.Host, first.Id, $"Pool-node{nodes[0]}").ConfigureAwait(false);
        await LowerControlDomainAsync(call.Host, topology.NodeCpus[nodes[0]].Count).ConfigureAwait(false);
        foreach (int node in nodes[1..])
        {
            foreach (int cpu in topology.NodeCpus[node].Where(cpu => first.Cpus[cpu]))
                hypervisor.RemoveCpu(first.Id, cpu);
            bool[] now = hypervisor.GetFreeCpus();
            await CreateAsync(call.Host, $"Pool-node{node}", first.Scheduler, topology.NodeCpus[node].Where(cpu => now[cpu])).ConfigureAwait(false);
        }
        return 0;
    }

    /// <summary>Domain 0 keeps as many vCPUs as its pool has CPUs; it takes the others offline by itself.</summary>
    private static async Task LowerControlDomainAsync(Host host, int most)
    {
        if (host.GetDomain(0).OnlineVcpuCount <= most)
            return;
        await VcpuSet.SetAsync(host, host.GetDomain(0), most).ConfigureAwait(false);
        // Nothing tells of a vCPU that went offline, so it is asked for.
        for (long start = Stopwatch.GetTimestamp(); host.GetDomain(0).OnlineVcpuCount > most; await Task.Delay(s_offlineStep).ConfigureAwait(false))
        {
            if (Stopwatch.GetElapsedTime(start) > s_offlineLimit)
                throw new XlException("failed to offline vcpus");
        }
    }
}
