// SPDX-License-Identifier: MIT
// vcpu-list: the vCPUs of domains, where they run and may run. Row of CommandTable.

using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Threading.Tasks;
using XenSharp.Abi;
using XenSharp.Control;
using XenSharp.Xl.Frame;

namespace XenSharp.Xl.Commands;

internal static class VcpuList
{
    public static Command Row { get; } = new("vcpu-list", "List the virtual CPUs of domains", "[Domain, ...]", RunAsync) { PrintsState = true };

    private static async Task<int> RunAsync(Invocation call)
    {
        Hypervisor hypervisor = call.Host.Hypervisor;
        int cpus = hypervisor.CpuIds;
        if (!call.IsJson)
            call.Output.Write($"{"Name",-32} {"ID",5} {"VCPU",5} {"CPU",5} {"State",5} {"Time(s)",9} Affinity (Hard / Soft)\n");
        List<DomctlGetDomainInfo> domains = [];
        foreach (string word in call.Words)
        {
            if (call.Host.TryGetDomain(await call.Host.FindDomainAsync(word).ConfigureAwait(false)) is { } domain)
                domains.Add(domain);
            else
                call.Error.Write($"There is no domain {word}.\n");
        }
        if (call.Words.Count == 0)
            domains.AddRange(hypervisor.ListDomains());
        List<Vcpu> vcpus = [];
        string?[] names = await call.Host.NamesAsync(domains.Select(domain => (int)domain.Domain)).ConfigureAwait(false);
        foreach ((DomctlGetDomainInfo domain, string? name) in domains.Zip(names))
            vcpus.AddRange(Read(hypervisor, domain, name, cpus));
        if (call.IsJson)
            WriteJson(call, vcpus);
        foreach (Vcpu vcpu in call.IsJson ? [] : vcpus)
            call.Output.Write(Line(vcpu));
        return 0;
    }

    /// <summary>Those that are there; ids may have gaps, and a domain may end meanwhile.</summary>
    private static IEnumerable<Vcpu> Read(Hypervisor hypervisor, DomctlGetDomainInfo domain, string? name, int cpus)
    {
        List<Vcpu> vcpus = [];
        for (uint id = 0; id <= domain.MaxVcpuId; id++)
        {
            try
            {
                DomctlGetVcpuInfo info = hypervisor.GetVcpuInfo(domain.Domain, id);
                (bool[] hard, bool[] soft) = hypervisor.GetVcpuAffinity(domain.Domain, id, cpus);
                vcpus.Add(new Vcpu(domain.Domain, name, info, hard, soft));
            }
            catch (HypercallException failure) when (failure.Error is Errno.NoProcess or Errno.Inval)
            {
                continue;
            }
        }
        return vcpus;
    }

    private static string Line(Vcpu vcpu)
    {
        DomctlGetVcpuInfo info = vcpu.Info;
        string place = info.Online == 0 ? $"{'-',5}   --p " : $"{info.Cpu,5}   {(info.Running != 0 ? 'r' : '-')}{(info.Blocked != 0 ? 'b' : '-')}- ";
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{DomainLists.Name(vcpu.Name),-32} {vcpu.Domain,5} {info.Vcpu,5}{place}{info.CpuTime / 1e9,9:F1}  {CpuMaps.Format(vcpu.Hard)} / {CpuMaps.Format(vcpu.Soft)}\n");
    }

    /// <summary>libxl's structure vcpuinfo, with the domain.</summary>
    private static void WriteJson(Invocation call, List<Vcpu> vcpus) => call.WriteJson(json =>
    {
        json.WriteStartArray();
        foreach (Vcpu vcpu in vcpus)
        {
            json.WriteStartObject();
            json.WriteNumber("domid", vcpu.Domain);
            json.WriteString("name", vcpu.Name);
            json.WriteNumber("vcpuid", vcpu.Info.Vcpu);
            json.WriteNumber("cpu", vcpu.Info.Cpu);
            json.WriteBoolean("online", vcpu.Info.Online != 0);
            json.WriteBoolean("blocked", vcpu.Info.Blocked != 0);
            json.WriteBoolean("running", vcpu.Info.Running != 0);
            json.WriteNumber("vcpu_time", vcpu.Info.CpuTime);
            CpuMaps.Write(json, "cpumap", vcpu.Hard);
            CpuMaps.Write(json, "cpumap_soft", vcpu.Soft);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    });

    private sealed record Vcpu(int Domain, string? Name, DomctlGetVcpuInfo Info, bool[] Hard, bool[] Soft);
}
