// SPDX-License-Identifier: MIT
// sched-rtds: periods and budgets of vCPUs. Row of CommandTable.

using System.Collections.Generic;
using System.Linq;
using System.Threading.Tasks;
using XenSharp.Abi;
using XenSharp.Control;
using XenSharp.Xl.Frame;
using static XenSharp.Xl.Frame.Option;

namespace XenSharp.Xl.Commands;

internal static class RealTimeScheduler
{
    private const string All = "all";

    public static Command Row { get; } = new(
        "sched-rtds", "Show or set parameters of the real-time scheduler", "[-d <Domain> [-v[=VCPUID/all]] [-p[=PERIOD]] [-b[=BUDGET]] [-e[=Extratime]]]", RunAsync)
    {
        Modifies = true,
        PrintsState = true,
        Options =
        [
            Value('d', "domain", "DOMAIN", "The domain."),
            Value('v', "vcpuid", "VCPUID/all", "A vCPU of it, or all; may be given several times, each with -p, -b and -e."),
            Value('p', "period", "PERIOD", "Set the period, in microseconds."),
            Value('b', "budget", "BUDGET", "Set the budget within a period, in microseconds."),
            Value('e', "extratime", "EXTRATIME", "Set whether it may have idle time too: 1 or 0."),
            Value('c', "cpupool", "CPUPOOL", "Of this CPU pool only."),
        ],
    };

    private static readonly SchedulerTables.Columns s_columns = new($"{"Period",9} {"Budget",9} {"Extratime",10}", (hypervisor, domain) =>
    {
        DomctlSchedulerRtds parameters = hypervisor.GetSchedulerParameters<DomctlSchedulerRtds>(domain, SchedulerId.Rtds);
        return
        [
            ("period", parameters.Period, $"{parameters.Period,9}"),
            ("budget", parameters.Budget, $"{parameters.Budget,9}"),
            ("extratime", parameters.Flags & DomctlLimits.SchedrtExtra, $"{Extra(parameters),10}"),
        ];
    });

    private static async Task<int> RunAsync(Invocation call)
    {
        string[] vcpus = [.. call.Options.Values("vcpuid").Where(vcpu => vcpu != All)];
        bool isAll = call.Options.Values("vcpuid").Contains(All), isDomain = call.Has("domain");
        long[] periods = Numbers(call, "period"), budgets = Numbers(call, "budget"), extras = Numbers(call, "extratime");
        bool sets = periods.Length + budgets.Length + extras.Length > 0;
        if (call.Options.Values("extratime").Any(text => text is not ("0" or "1")))
            throw new XlException("Invalid extratime.");
        if (call.Has("cpupool") && (isDomain || sets || isAll || vcpus.Length > 0))
            throw new XlException("Specifying a cpupool is not allowed with other options.");
        if (!isDomain && (sets || vcpus.Length > 0))
            throw new XlException("Missing parameters.");
        if (isDomain && vcpus.Length == 0 && !isAll && sets)
            throw new XlException("Must specify VCPU.");
        if (vcpus.Length > 0 && isAll)
            throw new XlException("Incorrect VCPU IDs.");
        if ((sets && vcpus.Length > periods.Length) || periods.Length != budgets.Length || periods.Length != extras.Length)
            throw new XlException("Incorrect number of period, budget and extratime");
        if (!isDomain && !isAll)
            return await SchedulerTables.WriteAllAsync(call, SchedulerId.Rtds, pool => PoolLineAsync(call.Host, pool), s_columns).ConfigureAwait(false);
        if (!isDomain)
            return await WriteAllVcpusAsync(call).ConfigureAwait(false);
        if (vcpus.Length == 0 && !isAll)
            return await SchedulerTables.WriteOneAsync(call, SchedulerId.Rtds, s_columns).ConfigureAwait(false);
        DomctlGetDomainInfo domain = call.Host.GetDomain(await call.Host.FindDomainAsync(call.Options.Value("domain")!).ConfigureAwait(false));
        uint[] chosen = isAll ? AllOf(domain) : [.. vcpus.Select(vcpu => (uint)Invocation.LeadingNumber(vcpu))];
        if (chosen.Any(vcpu => vcpu > domain.MaxVcpuId))
            throw new XlException($"vCPUs of the domain are 0 to {domain.MaxVcpuId}.");
        if (sets)
        {
            Set(call.Host.Hypervisor, domain, [.. chosen.Select((vcpu, index) => Parameters(vcpu, isAll ? 0 : index))]);
            return 0;
        }
        if (!call.IsJson)
            call.Output.Write(VcpuHeader);
        await WriteVcpusAsync(call, [(domain, chosen)]).ConfigureAwait(false);
        return 0;

        (uint, long, long, bool) Parameters(uint vcpu, int index) => (vcpu, periods[index], budgets[index], extras[index] != 0);
    }

    private static string VcpuHeader => $"{"Name",-33} {"ID",4} {"VCPU",4} {"Period",9} {"Budget",9} {"Extratime",10}\n";

    private static long[] Numbers(Invocation call, string option) => [.. call.Options.Values(option).Select(Invocation.LeadingNumber)];

    private static uint[] AllOf(DomctlGetDomainInfo domain) => [.. Enumerable.Range(0, (int)domain.MaxVcpuId + 1).Select(vcpu => (uint)vcpu)];

    private static string Extra(DomctlSchedulerRtds parameters) => (parameters.Flags & DomctlLimits.SchedrtExtra) != 0 ? "yes" : "no";

    private static async Task<string> PoolLineAsync(Host host, CpuPool pool) => $"Cpupool {DomainLists.Name(await host.PoolNameAsync(pool.Id).ConfigureAwait(false))}: sched=RTDS\n";

    private static void Set(Hypervisor hypervisor, DomctlGetDomainInfo domain, (uint Vcpu, long Period, long Budget, bool HasExtra)[] vcpus)
    {
        foreach ((uint _, long period, long budget, bool _) in vcpus)
        {
            if (period < 1 || budget < 1 || budget > period)
                throw new XlException("Period and budget are at least 1, and the budget is not above the period.");
        }
        hypervisor.SetVcpuParameters(domain.Domain, [.. vcpus.Select(vcpu => (vcpu.Vcpu, new DomctlSchedulerRtds { Period = (uint)vcpu.Period, Budget = (uint)vcpu.Budget, Flags = vcpu.HasExtra ? DomctlLimits.SchedrtExtra : 0 }))]);
    }

    private static async Task<int> WriteAllVcpusAsync(Invocation call)
    {
        uint? wanted = call.Options.Value("cpupool") is { } name ? await call.Host.FindPoolAsync(name).ConfigureAwait(false) : null;
        IReadOnlyList<DomctlGetDomainInfo> domains = call.Host.Hypervisor.ListDomains();
        List<(DomctlGetDomainInfo, uint[])> listed = [];
        foreach (CpuPool pool in call.Host.Hypervisor.ListCpuPools().Where(pool => pool.Scheduler == SchedulerId.Rtds && (wanted is null || wanted == pool.Id)))
        {
            (DomctlGetDomainInfo, uint[])[] members = [.. domains.Where(domain => domain.Cpupool == pool.Id).Select(domain => (domain, AllOf(domain)))];
            listed.AddRange(members);
            if (call.IsJson)
                continue;
            call.Output.Write(await PoolLineAsync(call.Host, pool).ConfigureAwait(false) + VcpuHeader);
            await WriteVcpusAsync(call, members).ConfigureAwait(false);
        }
        if (call.IsJson)
            await WriteVcpusAsync(call, listed).ConfigureAwait(false);
        return 0;
    }

    private static async Task WriteVcpusAsync(Invocation call, IReadOnlyList<(DomctlGetDomainInfo Domain, uint[] Vcpus)> domains)
    {
        List<(ushort Domain, string? Name, uint Vcpu, DomctlSchedulerRtds Parameters)> lines = [];
        foreach ((DomctlGetDomainInfo domain, uint[] vcpus) in domains)
        {
            string? name = await call.Host.NameAsync(domain.Domain).ConfigureAwait(false);
            lines.AddRange(vcpus.Zip(call.Host.Hypervisor.GetVcpuParameters(domain.Domain, vcpus)).Select(pair => (domain.Domain, name, pair.First, pair.Second)));
        }
        if (!call.IsJson)
        {
            foreach ((ushort domain, string? name, uint vcpu, DomctlSchedulerRtds parameters) in lines)
                call.Output.Write($"{DomainLists.Name(name),-33} {domain,4} {vcpu,4} {parameters.Period,9} {parameters.Budget,9} {Extra(parameters),10}\n");
            return;
        }
        call.WriteJson(json =>
        {
            json.WriteStartArray();
            foreach ((ushort domain, string? name, uint vcpu, DomctlSchedulerRtds parameters) in lines)
            {
                json.WriteStartObject();
                json.WriteNumber("domid", domain);
                json.WriteString("name", name);
                json.WriteNumber("vcpuid", vcpu);
                json.WriteNumber("period", parameters.Period);
                json.WriteNumber("budget", parameters.Budget);
                json.WriteBoolean("extratime", (parameters.Flags & DomctlLimits.SchedrtExtra) != 0);
                json.WriteEndObject();
            }
            json.WriteEndArray();
        });
    }
}
