// SPDX-License-Identifier: MIT
// The end of a domain: devices, the domain itself, its nodes and files. The order is that of libxl__destroy_domid of libxl 4.17. Used by DomainToolstack.

using System;
using System.Collections.Generic;
using System.Threading.Tasks;
using XenSharp.Abi;
using XenSharp.Control;
using XenSharp.Toolstack.Devices;
using XenSharp.Toolstack.Store;
using XenSharp.XenstoreClient;

namespace XenSharp.Toolstack;

/// <summary>A step that fails does not keep the others from being taken; the first failure is told at the end.</summary>
internal sealed class DomainDestruction(Hypervisor hypervisor, XenstoreConnection store, Steps steps)
{
    private ToolstackException? _first;

    /// <param name="id">The domain's UUID; null to ask the hypervisor.</param>
    public async Task RunAsync(ushort domain, Guid? id = null)
    {
        bool exists = hypervisor.TryGetDomain(domain, out DomctlGetDomainInfo info);
        id ??= exists ? Hypervisor.ToGuid(info.Handle) : null;
        if (exists)
            await TryAsync("pause", () => Task.Run(() => hypervisor.PauseDomain(domain))).ConfigureAwait(false);
        await TryAsync("device model", () => DeviceModel.StopAsync(store, domain)).ConfigureAwait(false);
        List<DeviceAddress> devices = [];
        await TryAsync("list of devices", async () => devices = await DeviceNodes.ListAsync(store.Store, domain).ConfigureAwait(false)).ConfigureAwait(false);
        // Backends need seconds to close: all at once.
        List<Task> removals = [];
        foreach (DeviceAddress device in devices)
            removals.Add(TryAsync($"removal of {device}", () => DeviceWork.RemoveAsync(store, device)));
        await Task.WhenAll(removals).ConfigureAwait(false);
        bool hasDevicesLeft = await HasDevicesAsync(domain).ConfigureAwait(false);
        if (exists)
            await TryAsync("destruction", () => Task.Run(() => hypervisor.DestroyDomain(domain))).ConfigureAwait(false);
        // What is noted about devices that could not be removed stays, so that another call can.
        await TryAsync("xenstore nodes", () => DomainNodes.RemoveAsync(store, domain, keepsDevices: hasDevicesLeft)).ConfigureAwait(false);
        if (id is { } known)
            await TryAsync("records", () => Task.Run(() => UserData.Remove(domain, known))).ConfigureAwait(false);
        if (_first is not null)
            throw _first;
    }

    /// <summary>A removal may fail and take the device away nevertheless, as when a hotplug script does not end well.</summary>
    private async Task<bool> HasDevicesAsync(ushort domain)
    {
        try
        {
            return (await DeviceNodes.ListAsync(store.Store, domain).ConfigureAwait(false)).Count > 0;
        }
        catch (Exception failure) when (Steps.IsExpected(failure))
        {
            return true;
        }
    }

    private async Task TryAsync(string name, Func<Task> work)
    {
        try
        {
            await steps.RunAsync(name, work).ConfigureAwait(false);
        }
        catch (ToolstackException failure)
        {
            _first ??= failure;
        }
    }
}
