// SPDX-License-Identifier: MIT
// A new domain's nodes in xenstore, as libxl__domain_make and libxl__build_post of libxl 4.17 write them. Used by DomainCreation.

using System;
using System.Collections.Generic;
using System.Globalization;
using System.Threading.Tasks;
using XenSharp.Configuration;
using XenSharp.XenstoreClient;

namespace XenSharp.Toolstack.Store;

internal static class DomainNodes
{
    /// <summary>The nodes below a domain's own in libxl's order: those that the guest may only read, and those that are its own.</summary>
    private static readonly (string Node, bool IsGuests)[] s_nodes =
    [
        ("cpu", false), ("memory", false), ("device", false), ("device/suspend/event-channel", true), ("control", false), ("control/shutdown", true), ("control/feature-poweroff", true),
        ("control/feature-reboot", true), ("control/feature-suspend", true), ("control/sysrq", true), ("data", true), ("drivers", true), ("feature", true), ("attr", true), ("error", true),
    ];

    /// <summary>The nodes that are there before the domain is built. A name that another domain has is refused.</summary>
    public static Task MakeAsync(XenstoreConnection store, int domain, DomainConfiguration configuration) => store.TransactAsync(async view =>
    {
        string path = StorePaths.Domain(domain), vm = StorePaths.Vm(configuration.CreateInfo.Uuid), own = StorePaths.Toolstack(domain);
        string name = configuration.CreateInfo.Name ?? "";
        XenstorePermission[] readOnly = [new('n', 0), new('r', domain)], guests = [new('n', domain)], hidden = [new('n', 0)];

        await CheckNameAsync(view, domain, name).ConfigureAwait(false);
        XenstoreBatch batch = view.StartBatch();
        MakeNode(batch, path, readOnly, isNew: true);
        MakeNode(batch, vm, readOnly, isNew: true);
        MakeNode(batch, own, hidden, isNew: true);
        MakeNode(batch, $"{own}/device", hidden);
        batch.Write($"{path}/vm", vm);
        batch.Write($"{path}/name", name);
        foreach ((string node, bool isGuests) in s_nodes)
            MakeNode(batch, $"{path}/{node}", isGuests ? guests : readOnly);
        if (configuration.CreateInfo.DriverDomain == true)
        {
            MakeNode(batch, $"{path}/libxl", guests);
            MakeNode(batch, $"{path}/device-model", guests);
        }
        batch.Write($"{vm}/uuid", configuration.CreateInfo.Uuid.ToString("D"));
        batch.Write($"{vm}/name", name);
        foreach ((string node, string? value) in configuration.CreateInfo.Xsdata)
            batch.Write($"{path}/{node}", value ?? "");
        foreach ((string node, string? value) in configuration.CreateInfo.Platformdata)
            batch.Write($"{path}/platform/{node}", value ?? "");
        batch.Write($"{path}/control/platform-feature-multiprocessor-suspend", "1");
        batch.Write($"{path}/control/platform-feature-xs_reset_watches", "1");
        batch.Write($"{own}/type", "pvh");
        await batch.CompleteAsync().ConfigureAwait(false);
    });

    /// <summary>What is known once the domain is built: memory, vCPUs, and how its kernel reaches xenstore.</summary>
    public static async Task FinishAsync(XenstoreConnection store, int domain, DomainConfiguration configuration, uint storePort, ulong storeFrame)
    {
        DomainBuildInfo build = configuration.BuildInfo;
        string path = StorePaths.Domain(domain), vm = StorePaths.Vm(configuration.CreateInfo.Uuid);
        DateTimeOffset now = DateTimeOffset.UtcNow;
        List<(string Node, string Value)> nodes =
        [
            ("memory/static-max", Text(build.MaxMemkb ?? 0)), ("memory/target", Text((build.TargetMemkb ?? 0) - (build.VideoMemkb ?? 0))), ("memory/videoram", Text(build.VideoMemkb ?? 0)),
            ("domid", Text(domain)), ("store/port", Text(storePort)), ("store/ring-ref", Text(storeFrame)),
        ];
        for (int vcpu = 0; vcpu < build.MaxVcpus; vcpu++)
            nodes.Add(($"cpu/{vcpu}/availability", build.AvailVcpus?.Contains(vcpu) == false ? "offline" : "online"));
        await store.TransactAsync(async view =>
        {
            XenstoreBatch batch = view.StartBatch();
            foreach ((string node, string value) in nodes)
                batch.Write($"{path}/{node}", value);
            batch.Write($"{vm}/start_time", string.Create(CultureInfo.InvariantCulture, $"{now.ToUnixTimeSeconds()}.{now.Millisecond / 10:00}"));
            await batch.CompleteAsync().ConfigureAwait(false);
        }).ConfigureAwait(false);
        await store.IntroduceAsync(domain, (long)storeFrame, (int)storePort).ConfigureAwait(false);
    }

    /// <summary>Takes all of a domain's nodes out, those of its backends' sides excepted.</summary>
    /// <param name="keepsDevices">Whether the toolstack's notes about devices stay.</param>
    public static async Task RemoveAsync(XenstoreConnection store, int domain, bool keepsDevices = false)
    {
        XenstoreView view = store.Store;
        string path = StorePaths.Domain(domain);
        if (await view.ReadAsync($"{path}/vm").ConfigureAwait(false) is { Length: > 0 } vm && vm.StartsWith("/vm/", StringComparison.Ordinal))
            await view.RemoveAsync(vm).ConfigureAwait(false);
        await view.RemoveAsync(path).ConfigureAwait(false);
        if (!keepsDevices)
            await view.RemoveAsync(StorePaths.Toolstack(domain)).ConfigureAwait(false);
    }

    /// <summary>A node with permissions of its own, empty.</summary>
    private static void MakeNode(XenstoreBatch batch, string path, XenstorePermission[] permissions, bool isNew = false)
    {
        if (isNew)
            batch.Remove(path);
        batch.Write(path, "");
        batch.SetPermissions(path, permissions);
    }

    private static async Task CheckNameAsync(XenstoreView view, int domain, string name)
    {
        foreach (string other in await view.ListAsync("/local/domain").ConfigureAwait(false))
        {
            if (other != Text(domain) && await view.ReadAsync($"/local/domain/{other}/name").ConfigureAwait(false) == name)
                throw new ToolstackException($"Domain with name \"{name}\" already exists.");
        }
    }

    private static string Text<T>(T value)
        where T : IFormattable => value.ToString(null, CultureInfo.InvariantCulture);
}
