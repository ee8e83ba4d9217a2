// SPDX-License-Identifier: MIT
// sched-credit and sched-credit2: weights and caps of domains, and the parameters of pools. Rows of CommandTable.

using System;
using System.Collections.Generic;
using System.Text.Json;
using System.Threading.Tasks;
using XenSharp.Abi;
using XenSharp.Control;
using XenSharp.Xl.Frame;
using static XenSharp.Xl.Frame.Option;

namespace XenSharp.Xl.Commands;

internal static class WeightedSchedulers
{
    private const long MostWeight = 65535, CapPerVcpu = 100;

    private static readonly Option[] s_common =
    [
        Value('d', "domain", "DOMAIN", "The domain."),
        Value('w', "weight", "WEIGHT", "Set its weight, 1 to 65535."),
        Value('c', "cap", "CAP", "Set its cap, in percent of a CPU; 0 for none."),
        Flag('s', "schedparam", "Show or set the scheduler's own parameters."),
        Value('r', "ratelimit_us", "RLIMIT", "Set for how long a vCPU runs at least, in microseconds."),
        Value('p', "cpupool", "CPUPOOL", "Of this CPU pool only."),
    ];

    public static Command Credit { get; } = new(
        "sched-credit", "Show or set parameters of the credit scheduler", "[-d <Domain> [-w[=WEIGHT]|-c[=CAP]]] [-s [-t TSLICE] [-r RATELIMIT]] [-p CPUPOOL]", call => RunAsync(call, SchedulerId.Credit))
    {
        Modifies = true,
        PrintsState = true,
        Options =
        [
            .. s_common,
            Value('t', "tslice_ms", "TSLICE", "Set the time slice, in milliseconds."),
            Value('m', "migration_delay_us", "DLY", "Set how long a vCPU stays where it ran, in microseconds."),
        ],
    };

    public static Command Credit2 { get; } = new(
        "sched-credit2", "Show or set parameters of the credit2 scheduler", "[-d <Domain> [-w[=WEIGHT]]] [-p CPUPOOL]", call => RunAsync(call, SchedulerId.Credit2))
    {
        Modifies = true,
        PrintsState = true,
        Options = s_common,
    };

    private static Task<int> RunAsync(Invocation call, SchedulerId scheduler)
    {
        bool isCredit2 = scheduler == SchedulerId.Credit2;
        bool isDomain = call.Has("domain"), setsDomain = call.Has("weight") || call.Has("cap"), setsPool = call.Has("ratelimit_us") || call.Has("tslice_ms") || call.Has("migration_delay_us");
        if (isCredit2 && call.Has("cpupool") && (isDomain || setsDomain))
            throw new XlException("Specifying a cpupool is not allowed with other options.");
        if (!isCredit2 && (call.Has("cpupool") || call.Has("schedparam")) && (isDomain || setsDomain))
            throw new XlException("Specifying a cpupool or schedparam is not allowed with domain options.");
        if (!isDomain && setsDomain)
            throw new XlException("Must specify a domain.");
        if (!isCredit2 && !call.Has("schedparam") && setsPool)
            throw new XlException("Must specify schedparam to set schedule parameter values.");
        if (call.Has("schedparam"))
            return PoolAsync(call, scheduler, setsPool);
        if (!isDomain)
            return SchedulerTables.WriteAllAsync(call, scheduler, pool => PoolLine(call, pool.Id, scheduler), Columns(scheduler));
        return setsDomain ? SetDomainAsync(call, scheduler) : SchedulerTables.WriteOneAsync(call, scheduler, Columns(scheduler));
    }

    private static SchedulerTables.Columns Columns(SchedulerId scheduler) => new(
        $"{"Weight",6} {"Cap",4}",
        (hypervisor, domain) => Read(hypervisor, domain, scheduler) is var (weight, cap) ? [("weight", weight, $"{weight,6}"), ("cap", cap, $"{cap,4}")] : []);

    private static (int Weight, int Cap) Read(Hypervisor hypervisor, ushort domain, SchedulerId scheduler)
    {
        // Both schedulers have the same structure.
        DomctlSchedulerCredit2 parameters = hypervisor.GetSchedulerParameters<DomctlSchedulerCredit2>(domain, scheduler);
        return (parameters.Weight, parameters.Cap);
    }

    private static async Task<int> SetDomainAsync(Invocation call, SchedulerId scheduler)
    {
        const string refusal = "libxl_domain_sched_params_set failed.";
        DomctlGetDomainInfo domain = call.Host.TryGetDomain(await call.Host.FindDomainAsync(call.Options.Value("domain")!).ConfigureAwait(false))
            ?? throw new XlException($"There is no domain {call.Options.Value("domain")}.\n{refusal}");
        (long weight, long cap) = Read(call.Host.Hypervisor, domain.Domain, scheduler);
        long mostCap = (domain.MaxVcpuId + 1) * CapPerVcpu;
        weight = call.Options.Value("weight") is { } weightText ? Invocation.LeadingNumber(weightText) : weight;
        cap = call.Options.Value("cap") is { } capText ? Invocation.LeadingNumber(capText) : cap;
        if (call.Has("weight") && weight is < 1 or > MostWeight)
            throw new XlException($"A weight is a number from 1 to {MostWeight}.\n{refusal}");
        if (call.Has("cap") && (cap < 0 || cap > mostCap))
            throw new XlException($"The cap of a domain with as many vCPUs is a number from 0 to {mostCap}.\n{refusal}");
        call.Host.Hypervisor.SetSchedulerParameters(domain.Domain, scheduler, new DomctlSchedulerCredit2 { Weight = (ushort)weight, Cap = (ushort)cap });
        return 0;
    }

    private static async Task<int> PoolAsync(Invocation call, SchedulerId scheduler, bool sets)
    {
        uint pool = call.Options.Value("cpupool") is { } name ? await call.Host.FindPoolAsync(name).ConfigureAwait(false) : 0;
        if (!sets)
        {
            string line = await PoolLine(call, pool, scheduler).ConfigureAwait(false);
            if (call.IsJson)
                call.WriteJson(json => WriteParameters(json, call.Host.Hypervisor, pool, scheduler));
            else
                call.Output.Write(line);
            return 0;
        }
        if (scheduler == SchedulerId.Credit2)
        {
            uint rate = RateLimit(call, 0);
            call.Host.Hypervisor.SetPoolParameters(pool, scheduler, new SysctlCredit2Schedule { RatelimitUs = rate });
            return 0;
        }
        SysctlCreditSchedule credit = call.Host.Hypervisor.GetPoolParameters<SysctlCreditSchedule>(pool, scheduler);
        credit.TimeSliceMs = Number(call, "tslice_ms", credit.TimeSliceMs, SysctlLimits.CschedTimeSliceMin, SysctlLimits.CschedTimeSliceMax);
        credit.RatelimitUs = RateLimit(call, credit.RatelimitUs);
        credit.VcpuMigrationDelayUs = Number(call, "migration_delay_us", credit.VcpuMigrationDelayUs, 0, SysctlLimits.CschedMgrDlyMaxUs);
        if (credit.RatelimitUs > credit.TimeSliceMs * 1000)
            throw new XlException("The rate limit must not be longer than the time slice.");
        call.Host.Hypervisor.SetPoolParameters(pool, scheduler, credit);
        return 0;
    }

    private static uint RateLimit(Invocation call, uint now) =>
        call.Options.Value("ratelimit_us") is { } text && Invocation.LeadingNumber(text) == 0 ? 0 : Number(call, "ratelimit_us", now, SysctlLimits.SchedulerRatelimitMin, SysctlLimits.SchedulerRatelimitMax);

    private static uint Number(Invocation call, string option, uint now, uint least, uint most)
    {
        if (call.Options.Value(option) is not { } text)
            return now;
        long value = Invocation.LeadingNumber(text);
        return value >= least && value <= most ? (uint)value : throw new XlException($"--{option} is a number from {least} to {most}.");
    }

    /// <summary>A pool and its scheduler's parameters, which cannot be had from a pool with another scheduler.</summary>
    private static async Task<string> PoolLine(Invocation call, uint pool, SchedulerId scheduler)
    {
        string name = DomainLists.Name(await call.Host.PoolNameAsync(pool).ConfigureAwait(false));
        try
        {
            if (scheduler == SchedulerId.Credit2)
                return $"Cpupool {name}: ratelimit={call.Host.Hypervisor.GetPoolParameters<SysctlCredit2Schedule>(pool, scheduler).RatelimitUs}us\n";
            SysctlCreditSchedule credit = call.Host.Hypervisor.GetPoolParameters<SysctlCreditSchedule>(pool, scheduler);
            return $"Cpupool {name}: tslice={credit.TimeSliceMs}ms ratelimit={credit.RatelimitUs}us migration-delay={credit.VcpuMigrationDelayUs}us\n";
        }
        catch (HypercallException)
        {
            return $"Cpupool {name}: [sched params unavailable]\n";
        }
    }

    private static void WriteParameters(Utf8JsonWriter json, Hypervisor hypervisor, uint pool, SchedulerId scheduler)
    {
        json.WriteStartObject();
        if (scheduler == SchedulerId.Credit2)
        {
            json.WriteNumber("ratelimit_us", hypervisor.GetPoolParameters<SysctlCredit2Schedule>(pool, scheduler).RatelimitUs);
        }
        else
        {
            SysctlCreditSchedule credit = hypervisor.GetPoolParameters<SysctlCreditSchedule>(pool, scheduler);
            json.WriteNumber("tslice_ms", credit.TimeSliceMs);
            json.WriteNumber("ratelimit_us", credit.RatelimitUs);
            json.WriteNumber("vcpu_migr_delay_us", credit.VcpuMigrationDelayUs);
        }
        json.WriteEndObject();
    }
}
