// SPDX-License-Identifier: MIT
// cpupool-list, -destroy, -rename and -migrate. Rows of CommandTable.

using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading.Tasks;
using XenSharp.Control;
using XenSharp.XenstoreClient;
using XenSharp.Xl.Frame;
using static XenSharp.Xl.Frame.Option;

namespace XenSharp.Xl.Commands;

internal static class CpuPools
{
    public static Command List { get; } = new("cpupool-list", "List CPU pools", "[-c|--cpus] [<CPU Pool>]", ListAsync)
    {
        PrintsState = true,
        Options = [Flag('c', "cpus", "Print the CPUs of each pool instead.")],
    };

    public static Command Destroy { get; } = new("cpupool-destroy", "Give up a CPU pool that has no domains", "<CPU Pool>", async call =>
    {
        uint pool = await call.Host.FindPoolAsync(call.Words[0]).ConfigureAwait(false);
        try
        {
            await DestroyAsync(call.Host, pool).ConfigureAwait(false);
        }
        catch (Exception failure) when (failure is HypercallException or XlException)
        {
            throw new XlException($"{failure.Message}\nCan't destroy cpupool '{call.Words[0]}'");
        }
        return 0;
    })
    {
        RequiredWords = 1,
        Modifies = true,
    };

    public static Command Rename { get; } = new("cpupool-rename", "Give a CPU pool another name", "<CPU Pool> <new name>", async call =>
    {
        uint pool = await call.Host.FindPoolAsync(call.Words[0]).ConfigureAwait(false);
        if (call.Host.Hypervisor.GetCpuPool(pool) is null)
            throw new XlException($"Can't rename cpupool '{call.Words[0]}'");
        await RenameAsync(call.Host, pool, call.Words[1]).ConfigureAwait(false);
        return 0;
    })
    {
        RequiredWords = 2,
        Modifies = true,
    };

    public static Command Migrate { get; } = new("cpupool-migrate", "Move a domain to a CPU pool", "<Domain> <CPU Pool>", async call =>
    {
        int? domain = await call.Host.TryFindDomainAsync(call.Words[0]).ConfigureAwait(false);
        if (domain is null || await call.Host.NameAsync(domain.Value).ConfigureAwait(false) is null)
            throw new XlException($"unknown domain '{call.Words[0]}'");
        uint pool = await call.Host.FindPoolAsync(call.Words[1]).ConfigureAwait(false);
        call.Host.Hypervisor.MoveToCpuPool(call.Host.GetDomain(domain.Value).Domain, pool);
        return 0;
    })
    {
        RequiredWords = 2,
        Modifies = true,
    };

    /// <summary>Takes its CPUs, then the pool itself, then its nodes in the store.</summary>
    internal static async Task DestroyAsync(Host host, uint pool)
    {
        CpuPool info = host.Hypervisor.GetCpuPool(pool) ?? throw new XlException($"There is no CPU pool {pool}.");
        if (info.Domains > 0)
            throw new XlException($"CPU pool {pool} has {info.Domains} domain{(info.Domains == 1 ? "" : "s")}: move or end them first.");
        foreach (int cpu in CpuMaps.Members(info.Cpus))
            host.Hypervisor.RemoveCpu(pool, cpu);
        host.Hypervisor.DestroyCpuPool(pool);
        await (await host.StoreAsync().ConfigureAwait(false)).RemoveAsync($"/local/pool/{pool}").ConfigureAwait(false);
    }

    internal static async Task RenameAsync(Host host, uint pool, string name) =>
        await (await host.StoreAsync().ConfigureAwait(false)).WriteAsync($"/local/pool/{pool}/name", name).ConfigureAwait(false);

    private static async Task<int> ListAsync(Invocation call)
    {
        string? wanted = call.Words.FirstOrDefault();
        uint? only = wanted is null ? null : await call.Host.FindPoolNameAsync(wanted).ConfigureAwait(false) ?? throw new XlException($"Pool '{wanted}' does not exist");
        List<(CpuPool Pool, string? Name)> pools = [];
        foreach (CpuPool pool in call.Host.Hypervisor.ListCpuPools().Where(pool => only is null || pool.Id == only))
            pools.Add((pool, await call.Host.PoolNameAsync(pool.Id).ConfigureAwait(false)));
        if (call.IsJson)
        {
            WriteJson(call, pools);
            return 0;
        }
        bool showsCpus = call.Has("cpus");
        call.Output.Write($"{"Name",-19}{(showsCpus ? "CPU list" : "CPUs   Sched     Active   Domain count")}\n");
        foreach ((CpuPool pool, string? name) in pools)
        {
            int[] cpus = CpuMaps.Members(pool.Cpus);
            call.Output.Write($"{DomainLists.Name(name),-19}{(showsCpus ? string.Join(',', cpus) : $"{cpus.Length,3} {SchedulerNames.Of(pool.Scheduler),9}       y       {pool.Domains,4}")}\n");
        }
        return 0;
    }

    /// <summary>libxl's structure cpupoolinfo.</summary>
    private static void WriteJson(Invocation call, List<(CpuPool Pool, string? Name)> pools) => call.WriteJson(json =>
    {
        json.WriteStartArray();
        foreach ((CpuPool pool, string? name) in pools)
        {
            json.WriteStartObject();
            json.WriteNumber("poolid", pool.Id);
            json.WriteString("pool_name", name);
            json.WriteString("sched", SchedulerNames.Of(pool.Scheduler));
            json.WriteNumber("n_dom", pool.Domains);
            CpuMaps.Write(json, "cpumap", pool.Cpus);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    });
}
