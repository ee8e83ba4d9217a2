// SPDX-License-Identifier: MIT
// list --long: the configuration that libxl keeps of each domain, brought up to date with what the domain is now. Used by DomainLists.

using System.Buffers;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Text.Json;
using System.Threading.Tasks;
using XenSharp.Abi;
using XenSharp.Configuration;
using XenSharp.Configuration.Json;
using XenSharp.Control;
using XenSharp.XenstoreClient;
using XenSharp.Xl.Frame;

namespace XenSharp.Xl.Commands;

internal static class DomainConfigurations
{
    /// <summary>One list of all; a domain whose configuration nobody kept is passed over.</summary>
    public static async Task<int> WriteAsync(Invocation call, IReadOnlyList<DomctlGetDomainInfo> domains)
    {
        List<(ushort Domain, DomainConfiguration Configuration)> found = [];
        foreach (DomctlGetDomainInfo domain in domains)
        {
            if (DomainRecords.ReadConfiguration(call.Host.RecordFolder, domain) is { } kept)
                found.Add((domain.Domain, await UpdateAsync(call.Host, domain, kept).ConfigureAwait(false)));
            else
                call.Error.Write($"The configuration of domain {domain.Domain} is not known.\n");
        }
        ArrayBufferWriter<byte> buffer = new();
        using (Utf8JsonWriter json = new(buffer))
        {
            json.WriteStartArray();
            foreach ((ushort domain, DomainConfiguration configuration) in found)
            {
                json.WriteStartObject();
                json.WriteNumber("domid", domain);
                json.WritePropertyName("config");
                configuration.WriteTo(json);
                json.WriteEndObject();
            }
            json.WriteEndArray();
        }
        call.Output.Write(YajlText.Format(buffer.WrittenSpan) + "\n");
        return 0;
    }

    private static async Task<DomainConfiguration> UpdateAsync(Host host, DomctlGetDomainInfo domain, DomainConfiguration kept)
    {
        XenstoreView store = await host.StoreAsync().ConfigureAwait(false);
        string folder = $"/local/domain/{domain.Domain}";
        if (domain.Domain == 0)
            await (await host.ConnectionAsync().ConfigureAwait(false)).TransactAsync(view => Memory.AddControlDomainNodesAsync(view, domain)).ConfigureAwait(false);
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
            CreateInfo = kept.CreateInfo with { Name = await host.NameAsync(domain.Domain).ConfigureAwait(false), Uuid = Hypervisor.ToGuid(domain.Handle) },
            BuildInfo = build with { AvailVcpus = new Bitmap(online), MaxMemkb = most, TargetMemkb = target, SchedParams = Scheduling(host.Hypervisor, domain) },
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
    private static async Task<PresentDevices> NodesAsync(XenstoreView store, int domain, string kind, string node) =>
        new([.. (await DeviceState.ListAsync(store, domain, kind).ConfigureAwait(false)).Select(device => device.Saved.GetValueOrDefault(node, ""))]);

    private sealed record PresentDevices(HashSet<string> Values)
    {
        public bool ContainsVdev(DeviceDisk disk) => disk.Vdev is { } name && Values.Contains(name);

        public bool ContainsMac(DeviceNic nic) => Values.Contains(nic.Mac.ToString());
    }
}
