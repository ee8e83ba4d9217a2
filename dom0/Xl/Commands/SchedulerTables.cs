// SPDX-License-Identifier: MIT
// Tables of domains with their scheduling parameters, pool by pool. Used by the sched-* commands.

using System;
using System.Collections.Generic;
using System.Linq;
using System.Text.Json;
using System.Threading.Tasks;
using XenSharp.Abi;
using XenSharp.Control;
using XenSharp.Xl.Frame;

namespace XenSharp.Xl.Commands;

internal static class SchedulerTables
{
    /// <param name="Header">What stands behind "Name" and "ID".</param>
    /// <param name="Read">The values of a domain: names in libxl's structures, numbers, and their text in the width of the column.</param>
    internal sealed record Columns(string Header, Func<Hypervisor, ushort, (string Name, long Value, string Text)[]> Read);

    /// <summary>All domains in pools with this scheduler; of one pool if the option names it.</summary>
    public static async Task<int> WriteAllAsync(Invocation call, SchedulerId scheduler, Func<CpuPool, Task<string>> poolLine, Columns columns)
    {
        uint? wanted = call.Options.Value("cpupool") is { } name ? await call.Host.FindPoolAsync(name).ConfigureAwait(false) : null;
        Hypervisor hypervisor = call.Host.Hypervisor;
        IReadOnlyList<DomctlGetDomainInfo> domains = hypervisor.ListDomains();
        CpuPool[] pools = [.. hypervisor.ListCpuPools().Where(pool => pool.Scheduler == scheduler && (wanted is null || wanted == pool.Id))];
        if (call.IsJson)
        {
            await WriteJsonAsync(call, scheduler, columns, [.. domains.Where(domain => pools.Any(pool => pool.Id == domain.Cpupool))]).ConfigureAwait(false);
            return 0;
        }
        foreach (CpuPool pool in pools)
        {
            call.Output.Write(await poolLine(pool).ConfigureAwait(false));
            call.Output.Write(Header(columns));
            foreach (DomctlGetDomainInfo domain in domains.Where(domain => domain.Cpupool == pool.Id))
                call.Output.Write(await LineAsync(call.Host, domain.Domain, columns).ConfigureAwait(false));
        }
        return 0;
    }

    /// <summary>The domain that the option names.</summary>
    public static async Task<int> WriteOneAsync(Invocation call, SchedulerId scheduler, Columns columns)
    {
        DomctlGetDomainInfo domain = call.Host.GetDomain(await call.Host.FindDomainAsync(call.Options.Value("domain")!).ConfigureAwait(false));
        SchedulerId used = call.Host.Hypervisor.GetCpuPool(domain.Cpupool)?.Scheduler ?? scheduler;
        if (!call.IsJson)
            call.Output.Write(Header(columns));
        if (used != scheduler)
            throw new XlException($"libxl_domain_sched_params_get returned {SchedulerNames.Of(used)} not {SchedulerNames.Of(scheduler)}.");
        if (call.IsJson)
            await WriteJsonAsync(call, scheduler, columns, [domain]).ConfigureAwait(false);
        else
            call.Output.Write(await LineAsync(call.Host, domain.Domain, columns).ConfigureAwait(false));
        return 0;
    }

    private static string Header(Columns columns) => $"{"Name",-33} {"ID",4} {columns.Header}\n";

    private static async Task<string> LineAsync(Host host, ushort domain, Columns columns) =>
        $"{DomainLists.Name(await host.NameAsync(domain).ConfigureAwait(false)),-33} {domain,4} {string.Join(' ', columns.Read(host.Hypervisor, domain).Select(value => value.Text))}\n";

    /// <summary>libxl's structure domain_sched_params, with the domain.</summary>
    private static async Task WriteJsonAsync(Invocation call, SchedulerId scheduler, Columns columns, DomctlGetDomainInfo[] domains)
    {
        Dictionary<ushort, string?> names = [];
        foreach (DomctlGetDomainInfo domain in domains)
            names[domain.Domain] = await call.Host.NameAsync(domain.Domain).ConfigureAwait(false);
        call.WriteJson(json =>
        {
            json.WriteStartArray();
            foreach (DomctlGetDomainInfo domain in domains)
            {
                json.WriteStartObject();
                json.WriteNumber("domid", domain.Domain);
                json.WriteString("name", names[domain.Domain]);
                json.WriteNumber("cpupool", domain.Cpupool);
                json.WriteString("sched", SchedulerNames.Of(scheduler));
                foreach ((string name, long value, string _) in columns.Read(call.Host.Hypervisor, domain.Domain))
                    json.WriteNumber(name, value);
                json.WriteEndObject();
            }
            json.WriteEndArray();
        });
    }
}
