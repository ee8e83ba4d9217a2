// SPDX-License-Identifier: MIT
// block-attach, block-detach, network-attach and network-detach. Rows of CommandTable.

using System;
using System.Linq;
using System.Text;
using System.Text.Json.Nodes;
using System.Threading.Tasks;
using XenSharp.Configuration;
using XenSharp.Configuration.Json;
using XenSharp.Toolstack;
using XenSharp.Toolstack.Store;
using XenSharp.Xl.Frame;
using static XenSharp.Xl.Frame.Option;

namespace XenSharp.Xl.Commands;

internal static class DeviceChanges
{
    public static Command BlockAttach { get; } = new("block-attach", "Give a domain a virtual disk", "<Domain> <disk-spec-component(s)>...", AttachDiskAsync)
    {
        RequiredWords = 2,
        CanDryRun = true,
        Modifies = true,
        Notes = "The components are those of disk= in xl.cfg(5), together or one by one.",
    };

    public static Command BlockDetach { get; } = new("block-detach", "Take a virtual disk away from a domain", "[option] <Domain> <DevId>", async call =>
    {
        bool isForced = call.Has("force");
        return await DetachAsync(call, (devices, domain) => devices.FindDiskAsync(domain, call.Words[1]), isForced, $"Error: Device {call.Words[1]} not connected.",
            $"libxl_device_disk_{(isForced ? "destroy" : "safe_remove")} failed.").ConfigureAwait(false);
    })
    {
        RequiredWords = 2,
        Modifies = true,
        Options = [Flag('f', "force", "Do not wait for the guest to let go of it.")],
    };

    public static Command NetworkAttach { get; } = new(
        "network-attach", "Give a domain a virtual network interface",
        "<Domain> [type=<type>] [mac=<mac>] [bridge=<bridge>] [ip=<ip>] [script=<script>] [backend=<BackDomain>] [vifname=<name>] [rate=<rate>] [model=<model>] [accel=<accel>] [mtu=<mtu>]",
        AttachNicAsync)
    {
        RequiredWords = 1,
        CanDryRun = true,
        Modifies = true,
    };

    public static Command NetworkDetach { get; } = new("network-detach", "Take a virtual network interface away from a domain", "<Domain> <DevId|mac>", call =>
        DetachAsync(call, (devices, domain) => devices.FindNicAsync(domain, call.Words[1]), isForced: false, $"Unknown device {call.Words[1]}.", "libxl_device_nic_del failed."))
    {
        RequiredWords = 2,
        Modifies = true,
    };

    private static async Task<int> AttachDiskAsync(Invocation call)
    {
        int domain = await call.Host.TryFindDomainAsync(call.Words[0]).ConfigureAwait(false) ?? throw new XlException($"{call.Words[0]} is an invalid domain identifier");
        DeviceDisk disk = DiskReader.Read([.. call.Words.Skip(1)], (_, fault) => call.Error.Write($"{fault}\n")) ?? throw new XlException("Failed to parse disk specification.");
        if (call.Global.IsDryRun)
        {
            Show(call, "disk", new DomainConfiguration { Disks = [disk] }, "disks");
            return 0;
        }
        await TryAsync(async () => await (await DevicesAsync(call).ConfigureAwait(false)).AttachDiskAsync(call.Host.GetDomain(domain).Domain, disk).ConfigureAwait(false), "libxl_device_disk_add failed.").ConfigureAwait(false);
        return 0;
    }

    private static async Task<int> AttachNicAsync(Invocation call)
    {
        int domain = await call.DomainAsync().ConfigureAwait(false);
        DeviceNic nic = NicReader.WithDefaults(call.Host.Settings);
        bool hasFailed = false;
        foreach (string word in call.Words.Skip(1))
            nic = NicReader.Apply(nic, word, Refuse, fault => call.Error.Write($"{fault}\n"));
        if (hasFailed)
            return 1;
        if (call.Global.IsDryRun)
        {
            Show(call, "vif", new DomainConfiguration { Nics = [nic] }, "nics");
            return 0;
        }
        await TryAsync(async () => await (await DevicesAsync(call).ConfigureAwait(false)).AttachNicAsync(call.Host.GetDomain(domain).Domain, nic).ConfigureAwait(false), "libxl_device_nic_add failed.").ConfigureAwait(false);
        return 0;

        void Refuse(string fault)
        {
            call.Error.Write($"{fault}\n");
            hasFailed = true;
        }
    }

    internal static async Task<int> DetachAsync(Invocation call, Func<DomainDevices, ushort, Task<DeviceAddress?>> find, bool isForced, string unknown, string refusal)
    {
        int id = await call.DomainAsync().ConfigureAwait(false);
        ushort domain = (call.Host.TryGetDomain(id) ?? throw new XlException(unknown)).Domain;
        DomainDevices devices = await DevicesAsync(call).ConfigureAwait(false);
        DeviceAddress device = await find(devices, domain).ConfigureAwait(false) ?? throw new XlException(unknown);
        await TryAsync(() => devices.DetachAsync(domain, device, isForced), refusal).ConfigureAwait(false);
        return 0;
    }

    internal static async Task<DomainDevices> DevicesAsync(Invocation call) => new(call.Host.Hypervisor, await call.Host.ConnectionAsync().ConfigureAwait(false));

    internal static async Task TryAsync(Func<Task> work, string refusal)
    {
        try
        {
            await work().ConfigureAwait(false);
        }
        catch (Exception failure) when (failure is not XlException && (failure is ToolstackException || Host.Describe(failure) is not null))
        {
            throw new XlException($"{failure.Message}\n{refusal}");
        }
    }

    /// <summary>A device in libxl's JSON, out of a configuration that has only it.</summary>
    internal static void Show(Invocation call, string name, DomainConfiguration configuration, string list) =>
        call.Output.Write($"{name}: {YajlText.Format(Encoding.UTF8.GetBytes(JsonNode.Parse(configuration.ToJson())![list]![0]!.ToJsonString()))}\n");
}
