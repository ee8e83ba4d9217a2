// SPDX-License-Identifier: MIT
// The configuration that libxl keeps of a domain, brought up to date with what the domain is now: what its next start is made of. libxl_retrieve_domain_configuration. Used
// by DomainMonitor and by xl list --long.

using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Threading.Tasks;
using XenSharp.Abi;
using XenSharp.Configuration;
using XenSharp.Control;
using XenSharp.Toolstack.Store;
using XenSharp.XenstoreClient;

namespace XenSharp.Toolstack;

public static class CurrentConfiguration
{
    /// <param name="kept">The record.</param>
    public static async Task<DomainConfiguration> ReadAsync(Hypervisor hypervisor, XenstoreView store, DomctlGetDomainInfo domain, DomainConfiguration kept)
    {
        string folder = $"/local/domain/{domain.Domain}";
        DomainBuildInfo build = kept.BuildInfo;
        List<int> online = [];
        for (int vcpu = 0; vcpu < build.MaxVcpus; vcpu++)
        {
            if (await store.ReadAsync($"{folder}/cpu/{vcpu}/availability").ConfigureAwait(false) == "online")
                online.Add(vcpu);
        }
        ulong most = await ReadNumberAsync(store, $"{folder}/memory/static-max").ConfigureAwait(false) ?? build.MaxMemkb ?? 0;
        // What an HVM guest's populate-on-demand memory is short of what was asked for, as libxl has it.
        ulong reserve = kept.CreateInfo.Type == DomainType.Hvm && build.MaxMemkb > build.TargetMemkb ? 1024u : 0;
        // A record that leaves the video memory open counts it as -1, as libxl does.
        ulong video = build.VideoMemkb ?? ulong.MaxValue;
        ulong target = await ReadNumberAsync(store, $"{folder}/memory/target").ConfigureAwait(false) is { } now ? unchecked(now + video + reserve) : build.TargetMemkb ?? 0;
        return kept with
        {
            CreateInfo = kept.CreateInfo with { Name = await store.ReadAsync($"{folder}/name").ConfigureAwait(false), Uuid = Hypervisor.ToGuid(domain.Handle) },
            BuildInfo = build with { AvailVcpus = new Bitmap(online), MaxMemkb = most, TargetMemkb = target, SchedParams = Scheduling(hypervisor, domain) },
            Disks = [.. kept.Disks.Where((await NodesAsync(store, domain.Domain, "vbd", "dev").ConfigureAwait(false)).ContainsVdev)],
            Nics = [.. kept.Nics.Where((await NodesAsync(store, domain.Domain, "vif", "mac").ConfigureAwait(false)).ContainsMac)],
        };
    }

    private static DomainSchedParams Scheduling(Hypervisor hypervisor, in DomctlGetDomainInfo domain)
    {
        switch (hypervisor.GetCpuPool(domain.Cpupool)?.Scheduler)
        {
            case SchedulerId.Credit:
                DomctlSchedulerCredit credit = hypervisor.GetSchedulerParameters<DomctlSchedulerCredit>(domain.Domain, SchedulerId.Credit);
                return new DomainSchedParams { Sched = Scheduler.Credit, Weight = credit.Weight, Cap = credit.Cap };
            case SchedulerId.Credit2:
                DomctlSchedulerCredit2 credit2 = hypervisor.GetSchedulerParameters<DomctlSchedulerCredit2>(domain.Domain, SchedulerId.Credit2);
                return new DomainSchedParams { Sched = Scheduler.Credit2, Weight = credit2.Weight, Cap = credit2.Cap };
            case SchedulerId.Rtds:
                DomctlSchedulerRtds rtds = hypervisor.GetSchedulerParameters<DomctlSchedulerRtds>(domain.Domain, SchedulerId.Rtds);
                return new DomainSchedParams { Sched = Scheduler.Rtds, Period = (int)rtds.Period, Budget = (int)rtds.Budget };
            case SchedulerId.Null:
                return new DomainSchedParams { Sched = Scheduler.Null };
            default:
                return new DomainSchedParams();
        }
    }

    private static async Task<ulong?> ReadNumberAsync(XenstoreView store, string path) =>
        await store.ReadAsync(path).ConfigureAwait(false) is { } text && ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out ulong value) ? value : null;

    /// <summary>What a domain's devices of a kind say in one node: only those that are there still count.</summary>
    private static async Task<PresentDevices> NodesAsync(XenstoreView store, int domain, string kind, string node)
    {
        HashSet<string> values = [];
        foreach (DeviceAddress device in await DeviceNodes.ListAsync(store, domain).ConfigureAwait(false))
        {
            if (device.Kind == kind)
                values.Add(await store.ReadAsync($"{device.Toolstack}/{node}").ConfigureAwait(false) ?? "");
        }
        return new PresentDevices(values);
    }

    private sealed record PresentDevices(HashSet<string> Values)
    {
        public bool ContainsVdev(DeviceDisk disk) => disk.Vdev is { } name && Values.Contains(name);

        public bool ContainsMac(DeviceNic nic) => Values.Contains(nic.Mac.ToString());
    }
}
