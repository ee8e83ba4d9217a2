// SPDX-License-Identifier: MIT
// The machine that commands act on: connections that are made when they are first needed, and domains by name. XlProgram makes it; tests give it their own.

using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Net.Sockets;
using System.Threading.Tasks;
using XenSharp.Abi;
using XenSharp.Configuration;
using XenSharp.Control;
using XenSharp.XenstoreClient;
using XenSharp.Xl.Commands;

namespace XenSharp.Xl.Frame;

public sealed class Host : IAsyncDisposable
{
    /// <summary>libxl's ERROR_INVAL, which stands in messages about unknown names.</summary>
    private const int Invalid = -6;

    private const string SettingsFile = "/etc/xen/xl.conf";

    private XenstoreConnection? _connection;
    private Hypervisor? _hypervisor;

    /// <summary>The socket of xenstored, where it is not the usual one.</summary>
    public string? StorePath { get; init; }

    /// <summary>How to reach the hypervisor, where it is not by this machine's kernel.</summary>
    public Func<Hypervisor> OpenHypervisor { get; init; } = Hypervisor.Open;

    /// <summary>Where libxl keeps its files of domains.</summary>
    public string RecordFolder { get; init; } = DomainRecords.DefaultFolder;

    /// <summary>xl.conf, read when it is first asked for.</summary>
    public GlobalConfiguration Settings { get => field ??= ReadSettings(); init; }

    /// <summary>Takes what is odd about xl.conf.</summary>
    public TextWriter Warnings { get; init; } = TextWriter.Null;

    public Hypervisor Hypervisor => _hypervisor ??= OpenHypervisor();

    public async Task<XenstoreConnection> ConnectionAsync()
    {
        if (_connection is not null)
            return _connection;
        try
        {
            return _connection = await XenstoreConnection.ConnectAsync(StorePath).ConfigureAwait(false);
        }
        catch (Exception failure) when (failure is SocketException or IOException or UnauthorizedAccessException)
        {
            throw new XlException($"cannot reach xenstore by {StorePath ?? XenstoreConnection.DefaultPath}: is xenstored running, and is this root in the control domain?");
        }
    }

    public async Task<XenstoreView> StoreAsync() => (await ConnectionAsync().ConfigureAwait(false)).Store;

    /// <summary>A domain by its id, whether there is one or not, or by its name, which must be there.</summary>
    public async Task<int> FindDomainAsync(string text) =>
        await TryFindDomainAsync(text).ConfigureAwait(false) ?? throw new XlException($"{text} is an invalid domain identifier (rc={Invalid})");

    /// <summary>Null if no domain has that name.</summary>
    public async Task<int?> TryFindDomainAsync(string text)
    {
        if (text.All(char.IsAsciiDigit))
            return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int id) ? id : text.Length == 0 ? 0 : int.MaxValue;
        return await FindNameAsync(text).ConfigureAwait(false);
    }

    /// <summary>Null if no domain has that name.</summary>
    public async Task<int?> FindNameAsync(string name)
    {
        XenstoreView store = await StoreAsync().ConfigureAwait(false);
        int[] domains = [.. (await store.ListAsync("/local/domain").ConfigureAwait(false))
            .Select(child => int.TryParse(child, NumberStyles.None, CultureInfo.InvariantCulture, out int id) ? id : -1).Where(id => id >= 0).Order()];
        int place = Array.IndexOf(await NamesAsync(domains).ConfigureAwait(false), name);
        return place < 0 ? null : domains[place];
    }

    /// <summary>Names of domains, in the order of the domains; null for one that has none. All are asked for at once.</summary>
    public async Task<string?[]> NamesAsync(IEnumerable<int> domains)
    {
        XenstoreView store = await StoreAsync().ConfigureAwait(false);
        return await store.ReadAllAsync([.. domains.Select(NamePath)]).ConfigureAwait(false);
    }

    /// <summary>What the hypervisor says of a domain; null if there is none.</summary>
    public DomctlGetDomainInfo? TryGetDomain(int domain) =>
        domain is >= 0 and < DomainIds.FirstReserved && Hypervisor.ListDomains((ushort)domain, 1) is [var info, ..] && info.Domain == domain ? info : null;

    /// <summary>What the hypervisor says of a domain, which must be there.</summary>
    public DomctlGetDomainInfo GetDomain(int domain) => TryGetDomain(domain) ?? throw new XlException($"There is no domain {domain}.");

    /// <summary>A domain's name; null if it has none.</summary>
    public async Task<string?> NameAsync(int domain) => await (await StoreAsync().ConfigureAwait(false)).ReadAsync(NamePath(domain)).ConfigureAwait(false);

    private static string NamePath(int domain) => $"/local/domain/{domain}/name";

    /// <summary>The machine's CPUs and nodes.</summary>
    public HostTopology ReadTopology()
    {
        IReadOnlyList<SysctlCpuTopology> cpus = Hypervisor.GetCpuTopology();
        int nodes = (int)Hypervisor.GetPhysicalInfo().MaxNodeId + 1;
        return new HostTopology(
            Hypervisor.CpuIds,
            [.. Enumerable.Range(0, nodes).Select(node => new Bitmap(Enumerable.Range(0, cpus.Count).Where(cpu => cpus[cpu].Node == node)))]);
    }

    /// <summary>A set of CPUs as one types it: 0-3,^2, node:1, all.</summary>
    public Bitmap ReadCpus(string text) => CpuSetReader.TryRead(text, ReadTopology(), out Bitmap set, out string fault, out _) ? set : throw new XlException(fault);

    /// <summary>A CPU pool's name; null if it has none.</summary>
    public async Task<string?> PoolNameAsync(uint pool) => await (await StoreAsync().ConfigureAwait(false)).ReadAsync($"/local/pool/{pool}/name").ConfigureAwait(false);

    /// <summary>A CPU pool by its id or its name.</summary>
    public async Task<uint> FindPoolAsync(string text)
    {
        if (text.Length > 0 && text.All(char.IsAsciiDigit))
        {
            if (uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out uint id) && await PoolNameAsync(id).ConfigureAwait(false) is not null)
                return id;
        }
        else if (await FindPoolNameAsync(text).ConfigureAwait(false) is { } named)
        {
            return named;
        }
        throw new XlException($"unknown cpupool '{text}'");
    }

    /// <summary>Null if no pool has that name.</summary>
    public async Task<uint?> FindPoolNameAsync(string name)
    {
        foreach (CpuPool pool in Hypervisor.ListCpuPools())
        {
            if (await PoolNameAsync(pool.Id).ConfigureAwait(false) == name)
                return pool.Id;
        }
        return null;
    }

    /// <summary>The sentence for a failure that the machine may have caused; null for one of this program.</summary>
    internal static string? Describe(Exception failure) => failure switch
    {
        XenstoreException store => $"xenstore refused: {store.Message}",
        HypercallException or IOException or UnauthorizedAccessException => failure.Message,
        _ => null,
    };

    private GlobalConfiguration ReadSettings()
    {
        GlobalConfiguration? settings = GlobalConfiguration.Load(SettingsFile, ReadTopology(), out IReadOnlyList<Diagnostic> remarks);
        foreach (Diagnostic remark in remarks)
            Warnings.Write($"{remark}\n");
        return settings ?? throw new XlException($"Failed to parse config file: {SettingsFile}");
    }

    public async ValueTask DisposeAsync()
    {
        if (_connection is not null)
            await _connection.DisposeAsync().ConfigureAwait(false);
        _hypervisor?.Dispose();
    }
}
