// SPDX-License-Identifier: MIT
// list, vm-list, claims and sharing: what domains there are. Rows of CommandTable.

using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Text;
using System.Text.Json;
using System.Threading.Tasks;
using XenSharp.Abi;
using XenSharp.Control;
using XenSharp.Xl.Frame;
using static XenSharp.Xl.Frame.Option;

namespace XenSharp.Xl.Commands;

internal static class DomainLists
{
    private const int PagesPerMebibyte = 256, KilobytesPerPage = 4, ShutdownShift = 16;

    /// <summary>By the reason of a shutdown: none or power off, reboot, suspend, crash, watchdog, soft reset.</summary>
    private const string ReasonLetters = "-rscwS";

    private static readonly string[] s_reasonNames = ["poweroff", "reboot", "suspend", "crash", "watchdog", "soft_reset"];

    [Flags]
    private enum Columns
    {
        None = 0,
        Identity = 1,
        Label = 2,
        Pool = 4,
        Nodes = 8,
        Claims = 16,
    }

    public static Command List { get; } = new("list", "List domains: all, or one", "[options] [Domain]", ListAsync)
    {
        PrintsState = true,
        Options =
        [
            Flag('l', "long", "Print the whole configuration of each, as JSON."),
            Flag('v', "verbose", "Print UUIDs, reasons of shutdowns and security labels too."),
            Flag('Z', "context", "Print security labels too."),
            Flag('c', "cpupool", "Print CPU pools too."),
            Flag('n', "numa", "Print the nodes that domains have their memory on."),
        ],
    };

    public static Command VmList { get; } = new("vm-list", "List domains with their UUIDs", "", ListMachinesAsync) { PrintsState = true };

    public static Command Claims { get; } = new("claims", "List domains with the memory that they have claimed and not got yet", "", call =>
    {
        if (!call.Host.Settings.ClaimMode)
            call.Error.Write("claim_mode not enabled (see man xl.conf).\n");
        return WriteAsync(call, call.Host.Hypervisor.ListDomains(), Columns.Claims);
    })
    {
        PrintsState = true,
    };

    public static Command Sharing { get; } = new("sharing", "List domains with the memory that they share", "[Domain]", ListSharingAsync) { PrintsState = true };

    public static string Name(string? name) => name ?? "(null)";

    private static async Task<int> ListAsync(Invocation call)
    {
        IReadOnlyList<DomctlGetDomainInfo> domains = await SelectAsync(call).ConfigureAwait(false);
        if (call.Has("long"))
            return await DomainConfigurations.WriteAsync(call, domains).ConfigureAwait(false);
        Columns columns = (call.Has("verbose") ? Columns.Identity | Columns.Label : 0) | (call.Has("context") ? Columns.Label : 0)
            | (call.Has("cpupool") ? Columns.Pool : 0) | (call.Has("numa") ? Columns.Nodes : 0);
        return await WriteAsync(call, domains, columns).ConfigureAwait(false);
    }

    /// <summary>All domains, or the one that the only word names.</summary>
    private static async Task<IReadOnlyList<DomctlGetDomainInfo>> SelectAsync(Invocation call)
    {
        switch (call.Words)
        {
            case []:
                return call.Host.Hypervisor.ListDomains();
            case [string word]:
                return [call.Host.TryGetDomain(await call.DomainAsync().ConfigureAwait(false)) ?? throw new XlException($"Error: Domain '{word}' does not exist.")];
            default:
                throw new UsageException("", 1);
        }
    }

    private static async Task<int> WriteAsync(Invocation call, IReadOnlyList<DomctlGetDomainInfo> domains, Columns columns)
    {
        (DomctlGetDomainInfo Info, string? Name)[] named = await WithNamesAsync(call.Host, domains).ConfigureAwait(false);
        if (call.IsJson)
        {
            call.WriteJson(json => WriteJson(json, named));
            return 0;
        }
        bool isVerbose = (columns & Columns.Identity) != 0, hasLabel = (columns & Columns.Label) != 0;
        call.Output.Write("Name                                        ID   Mem VCPUs\tState\tTime(s)"
            + (isVerbose ? "   UUID                            Reason-Code\tSecurity Label" : hasLabel ? "   Security Label" : "")
            + ((columns & Columns.Claims) != 0 ? "  Claimed" : "")
            + ((columns & Columns.Pool) != 0 ? "         Cpupool" : "")
            + ((columns & Columns.Nodes) != 0 ? " NODE Affinity" : "") + "\n");
        int nodes = (columns & Columns.Nodes) != 0 ? (int)call.Host.Hypervisor.GetPhysicalInfo().NodeCount : 0;
        foreach ((DomctlGetDomainInfo info, string? name) in named)
        {
            StringBuilder line = new();
            line.Append(CultureInfo.InvariantCulture, $"{Name(name),-40} {info.Domain,5} {Mebibytes(info),5} {info.OnlineVcpuCount,5}     {State(info)}  {info.CpuTime / 1e9,8:F1}");
            if (isVerbose)
                line.Append(CultureInfo.InvariantCulture, $" {Hypervisor.ToGuid(info.Handle):D} {(IsShutDown(info) ? Reason(info).ToString("x", CultureInfo.InvariantCulture) : "-"),8}");
            if ((columns & Columns.Claims) != 0)
                line.Append(CultureInfo.InvariantCulture, $" {info.OutstandingPages / PagesPerMebibyte,5}");
            if (hasLabel)
                line.Append(CultureInfo.InvariantCulture, $" {"-",16}");
            if ((columns & Columns.Pool) != 0)
                line.Append(CultureInfo.InvariantCulture, $"{Name(await call.Host.PoolNameAsync(info.Cpupool).ConfigureAwait(false)),16}");
            if ((columns & Columns.Nodes) != 0)
                line.Append(' ').Append(CpuMaps.Format(call.Host.Hypervisor.GetNodeAffinity(info.Domain, nodes)));
            call.Output.Write(line.Append('\n').ToString());
        }
        return 0;
    }

    /// <summary>libxl's structure dominfo, with the name.</summary>
    private static void WriteJson(Utf8JsonWriter json, (DomctlGetDomainInfo Info, string? Name)[] domains)
    {
        json.WriteStartArray();
        foreach ((DomctlGetDomainInfo info, string? name) in domains)
        {
            json.WriteStartObject();
            json.WriteString("name", name);
            json.WriteString("uuid", Hypervisor.ToGuid(info.Handle));
            json.WriteNumber("domid", info.Domain);
            json.WriteNumber("ssidref", info.SsidRef);
            json.WriteNull("ssid_label");
            json.WriteBoolean("running", Has(info, DomainInfoFlags.Running));
            json.WriteBoolean("blocked", Has(info, DomainInfoFlags.Blocked));
            json.WriteBoolean("paused", Has(info, DomainInfoFlags.Paused));
            json.WriteBoolean("shutdown", IsShutDown(info));
            json.WriteBoolean("dying", Has(info, DomainInfoFlags.Dying));
            json.WriteBoolean("never_stop", Has(info, DomainInfoFlags.XenstoreDomain));
            json.WriteString("shutdown_reason", IsShutDown(info) && Reason(info) < s_reasonNames.Length ? s_reasonNames[Reason(info)] : "unknown");
            json.WriteNumber("outstanding_memkb", info.OutstandingPages * KilobytesPerPage);
            json.WriteNumber("current_memkb", info.TotalPages * KilobytesPerPage);
            json.WriteNumber("shared_memkb", info.SharedPages * KilobytesPerPage);
            json.WriteNumber("paged_memkb", info.PagedPages * KilobytesPerPage);
            json.WriteNumber("max_memkb", info.MaxPages * KilobytesPerPage);
            json.WriteNumber("cpu_time", info.CpuTime);
            json.WriteNumber("vcpu_max_id", info.MaxVcpuId);
            json.WriteNumber("vcpu_online", info.OnlineVcpuCount);
            json.WriteNumber("cpupool", info.Cpupool);
            json.WriteNumber("gpaddr_bits", info.GpAddressBits);
            json.WriteString("domain_type", Has(info, DomainInfoFlags.HvmGuest) ? "hvm" : "pv");
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    private static async Task<int> ListMachinesAsync(Invocation call)
    {
        IReadOnlyList<DomctlGetDomainInfo> domains = call.Host.Hypervisor.ListDomains();
        if (call.IsJson)
            return await WriteAsync(call, domains, Columns.None).ConfigureAwait(false);
        call.Output.Write("UUID                                  ID    name\n");
        foreach ((DomctlGetDomainInfo info, string? name) in await WithNamesAsync(call.Host, domains).ConfigureAwait(false))
            call.Output.Write($"{Hypervisor.ToGuid(info.Handle):D}  {info.Domain}    {Name(name),-30}\n");
        return 0;
    }

    private static async Task<int> ListSharingAsync(Invocation call)
    {
        IReadOnlyList<DomctlGetDomainInfo> domains = await SelectAsync(call).ConfigureAwait(false);
        if (call.IsJson)
            return await WriteAsync(call, domains, Columns.None).ConfigureAwait(false);
        call.Output.Write("Name                                        ID   Mem Shared\n");
        foreach ((DomctlGetDomainInfo info, string? name) in await WithNamesAsync(call.Host, domains).ConfigureAwait(false))
            call.Output.Write($"{Name(name),-40} {info.Domain,5} {Mebibytes(info),5}  {info.SharedPages / PagesPerMebibyte,5}\n");
        return 0;
    }

    private static async Task<(DomctlGetDomainInfo Info, string? Name)[]> WithNamesAsync(Host host, IReadOnlyList<DomctlGetDomainInfo> domains) =>
        [.. domains.Zip(await host.NamesAsync(domains.Select(domain => (int)domain.Domain)).ConfigureAwait(false))];

    private static ulong Mebibytes(in DomctlGetDomainInfo info) => (info.TotalPages + info.OutstandingPages) / PagesPerMebibyte;

    private static string State(in DomctlGetDomainInfo info)
    {
        int reason = IsShutDown(info) ? Reason(info) : 0;
        return string.Concat(
            Has(info, DomainInfoFlags.Running) ? "r" : "-",
            Has(info, DomainInfoFlags.Blocked) ? "b" : "-",
            Has(info, DomainInfoFlags.Paused) ? "p" : "-",
            IsShutDown(info) ? "s" : "-") + (reason < ReasonLetters.Length ? ReasonLetters[reason] : '?') + (Has(info, DomainInfoFlags.Dying) ? "d" : "-");
    }

    private static bool IsShutDown(in DomctlGetDomainInfo info) => Has(info, DomainInfoFlags.Shutdown);

    private static int Reason(in DomctlGetDomainInfo info) => (int)(((uint)info.Flags >> ShutdownShift) & (uint)DomainInfoFlags.ShutdownMask);

    private static bool Has(in DomctlGetDomainInfo info, DomainInfoFlags flag) => (info.Flags & flag) != 0;
}
