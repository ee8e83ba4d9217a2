// SPDX-License-Identifier: MIT
// list --long: the configuration that libxl keeps of each domain, brought up to date with what the domain is now. Used by DomainLists.

using System.Buffers;
using System.Collections.Generic;
using System.Text.Json;
using System.Threading.Tasks;
using XenSharp.Abi;
using XenSharp.Configuration;
using XenSharp.Configuration.Json;
using XenSharp.Toolstack;
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
                found.Add((domain.Domain, await ReadAsync(call.Host, domain, kept).ConfigureAwait(false)));
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

    private static async Task<DomainConfiguration> ReadAsync(Host host, DomctlGetDomainInfo domain, DomainConfiguration kept)
    {
        XenstoreConnection connection = await host.ConnectionAsync().ConfigureAwait(false);
        if (domain.Domain == 0)
            await connection.TransactAsync(view => Memory.AddControlDomainNodesAsync(view, domain)).ConfigureAwait(false);
        return await CurrentConfiguration.ReadAsync(host.Hypervisor, connection.Store, domain, kept).ConfigureAwait(false);
    }
}
