// SPDX-License-Identifier: MIT
// vcpu-set: how many vCPUs a guest is to have online, told by its nodes in the store. Row of CommandTable; cpupool-numa-split uses it too.

using System.Globalization;
using System.Threading.Tasks;
using XenSharp.Abi;
using XenSharp.XenstoreClient;
using XenSharp.Xl.Frame;
using static XenSharp.Xl.Frame.Option;

namespace XenSharp.Xl.Commands;

internal static class VcpuSet
{
    public static Command Row { get; } = new("vcpu-set", "Set how many virtual CPUs of a domain are online", "[option] <Domain> <vCPUs>", RunAsync)
    {
        RequiredWords = 2,
        Modifies = true,
        Options = [Flag('i', "ignore-host", "More than the machine has CPUs is all right.")],
    };

    /// <summary>Tells the guest which vCPUs it may use: the first <paramref name="count"/>.</summary>
    public static async Task SetAsync(Host host, DomctlGetDomainInfo domain, long count)
    {
        XenstoreConnection store = await host.ConnectionAsync().ConfigureAwait(false);
        await store.TransactAsync(async view =>
        {
            for (uint vcpu = 0; vcpu <= domain.MaxVcpuId; vcpu++)
                await view.WriteAsync($"/local/domain/{domain.Domain}/cpu/{vcpu}/availability", vcpu < count ? "online" : "offline").ConfigureAwait(false);
        }).ConfigureAwait(false);
    }

    private static async Task<int> RunAsync(Invocation call)
    {
        int id = await call.DomainAsync().ConfigureAwait(false);
        string word = call.Words[1];
        if (word.Length == 0 || !char.IsAsciiDigit(word[0]) || Invocation.LeadingNumber(word) is var count && count > int.MaxValue)
            throw new XlException("Error: Invalid argument.");
        DomctlGetDomainInfo domain = call.Host.TryGetDomain(id) ?? throw new XlException(string.Create(CultureInfo.InvariantCulture, $"Domain {(uint)id} does not exist."));
        int cpus = call.Host.Hypervisor.CpuIds;
        if (!call.Has("ignore-host") && count > domain.OnlineVcpuCount && count > cpus)
            throw new XlException($"You are overcommmitting! You have {cpus} physical CPUs and want {count} vCPUs! Aborting, use --ignore-host to continue");
        if (count == 0)
            throw new XlException($"Domain {id} must keep at least one vCPU.");
        if (count > domain.MaxVcpuId + 1)
            throw new XlException($"Domain {id} can have at most {domain.MaxVcpuId + 1} vCPUs.");
        await SetAsync(call.Host, domain, count).ConfigureAwait(false);
        return 0;
    }
}
