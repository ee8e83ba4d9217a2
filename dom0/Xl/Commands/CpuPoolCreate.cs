// SPDX-License-Identifier: MIT
// cpupool-create: a CPU pool from its configuration. Row of CommandTable.

using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading.Tasks;
using XenSharp.Abi;
using XenSharp.Configuration;
using XenSharp.Control;
using XenSharp.Xl.Frame;
using static XenSharp.Xl.Frame.Option;

namespace XenSharp.Xl.Commands;

internal static class CpuPoolCreate
{
    public static Command Row { get; } = new("cpupool-create", "Make a CPU pool", "[options] [<ConfigFile>] [Variable=value ...]", RunAsync)
    {
        CanDryRun = true,
        Modifies = true,
        Options =
        [
            Value('f', "defconfig", "FILE", "Use this configuration file."),
            Flag('n', "dryrun", "Show what would be made and do nothing; as the global option -N."),
        ],
        Notes = "See xlcpupool.cfg(5).",
    };

    private static async Task<int> RunAsync(Invocation call)
    {
        (string? path, string[] overrides) = Sources.Split(call, call.Words) ?? throw new UsageException("", 1);
        HostTopology topology = call.Host.ReadTopology();
        Bitmap free = new(CpuMaps.Members(call.Host.Hypervisor.GetFreeCpus()));
        CpupoolConfiguration pool = Sources.Read(call, path, (content, name) => (CpupoolConfiguration.Parse(content, name, overrides, topology, free, out IReadOnlyList<Diagnostic> remarks), remarks), 1);
        if (await call.Host.FindPoolNameAsync(pool.Name).ConfigureAwait(false) is not null)
            throw new XlException($"Pool name \"{pool.Name}\" already exists");
        SchedulerId scheduler = SchedulerOf(pool.Sched) ?? call.Host.Hypervisor.GetScheduler();
        call.Output.Write($"Using config file \"{path ?? "command line"}\"\ncpupool name:   {pool.Name}\nscheduler:      {SchedulerNames.Of(scheduler)}\nnumber of cpus: {pool.Cpus.Count}\n");
        if (call.Global.IsDryRun || call.Has("dryrun"))
            return 0;
        try
        {
            await CpuPoolCpus.CreateAsync(call.Host, pool.Name, scheduler, pool.Cpus).ConfigureAwait(false);
            return 0;
        }
        catch (HypercallException failure)
        {
            throw new XlException($"{failure.Message}\nerror on creating cpupool");
        }
    }

    private static SchedulerId? SchedulerOf(Scheduler? scheduler) => scheduler switch
    {
        Scheduler.Credit => SchedulerId.Credit,
        Scheduler.Credit2 => SchedulerId.Credit2,
        Scheduler.Arinc653 => SchedulerId.Arinc653,
        Scheduler.Rtds => SchedulerId.Rtds,
        Scheduler.Null => SchedulerId.Null,
        _ => null,
    };
}
