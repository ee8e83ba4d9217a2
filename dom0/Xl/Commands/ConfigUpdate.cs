// SPDX-License-Identifier: MIT
// config-update: another configuration for the next time that a domain is built. Row of CommandTable.

using System.Buffers;
using System.Collections.Generic;
using System.Linq;
using System.Text;
using System.Text.Json;
using System.Threading.Tasks;
using XenSharp.Abi;
using XenSharp.Configuration;
using XenSharp.Configuration.Json;
using XenSharp.Xl.Frame;
using static XenSharp.Xl.Frame.Option;

namespace XenSharp.Xl.Commands;

internal static class ConfigUpdate
{
    public static Command Row { get; } = new("config-update", "Change the configuration that a domain restarts with", "<Domain> <ConfigFile> [options] [vars]", RunAsync)
    {
        CanDryRun = true,
        Modifies = true,
        Options =
        [
            Value('f', "defconfig", "FILE", "Use this configuration file."),
            Flag('d', "Print the configuration."),
            Flag('q', "Say nothing that is not an error."),
        ],
        Notes = "Devices that come and go are followed without it; it is seldom needed.",
    };

    private static async Task<int> RunAsync(Invocation call)
    {
        if (call.Words.Count == 0)
            throw new UsageException("xl config-update requires a domain argument", 1);
        call.Error.Write("WARNING: xl now has better capability to manage domain configuration, avoid using this command when possible\n");
        DomctlGetDomainInfo domain = call.Host.GetDomain(await call.DomainAsync().ConfigureAwait(false));
        (string? path, string[] overrides) = Sources.Split(call, [.. call.Words.Skip(1)]) ?? throw new UsageException("", 2);
        if (path is null)
            throw new XlException("Config file not specified");
        byte[] content = Sources.ReadFile(path, status: 253);
        ConfigurationContext context = new() { Host = call.Host.ReadTopology(), Global = call.Host.Settings };
        DomainConfiguration configuration = Sources.Read(call, path, (text, name) => (DomainConfiguration.Parse(text, name!, overrides, context, out IReadOnlyList<Diagnostic> remarks), remarks), 1);
        if (call.Has("d") || call.Global.IsDryRun)
            Write(call, configuration);
        if (call.Global.IsDryRun)
            return 0;
        call.Error.Write($"setting dom{domain.Domain} configuration\n");
        byte[] settings = overrides.Length == 0 ? [] : Encoding.UTF8.GetBytes($"\n{string.Join('\n', overrides)}\n\n");
        DomainRecords.WriteSource(call.Host.RecordFolder, domain, [.. content, .. settings]);
        return 0;
    }

    private static void Write(Invocation call, DomainConfiguration configuration)
    {
        ArrayBufferWriter<byte> buffer = new();
        using (Utf8JsonWriter json = new(buffer))
        {
            json.WriteStartObject();
            json.WriteNull("domid");
            json.WritePropertyName("config");
            configuration.WriteTo(json);
            json.WriteEndObject();
        }
        call.Output.Write(YajlText.Format(buffer.WrittenSpan));
    }
}
