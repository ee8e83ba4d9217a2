// SPDX-License-Identifier: MIT
// Adding a device to a domain and taking it away: nodes, backend, hotplug, in the order of libxl 4.17 (libxl_device.c). Used by DomainCreation, DomainDestruction and commands.

using System;
using System.Threading.Tasks;
using XenSharp.Configuration;
using XenSharp.Toolstack.Store;
using XenSharp.XenstoreClient;

namespace XenSharp.Toolstack.Devices;

internal static class DeviceWork
{
    private static readonly TimeSpan s_connectTime = TimeSpan.FromSeconds(10), s_closeTime = TimeSpan.FromSeconds(10);

    public static async Task AddDiskAsync(XenstoreConnection store, int domain, DeviceDisk disk, Steps steps)
    {
        DeviceAddress device = await steps.RunAsync($"nodes of disk {disk.Vdev}", () => DiskDevice.AddAsync(store, domain, disk)).ConfigureAwait(false);
        await ConnectAsync(store, device, steps).ConfigureAwait(false);
    }

    public static async Task AddNicAsync(XenstoreConnection store, int domain, DeviceNic nic, Steps steps)
    {
        DeviceAddress device = await steps.RunAsync($"nodes of vif {nic.Devid}", () => NicDevice.AddAsync(store, domain, nic)).ConfigureAwait(false);
        await ConnectAsync(store, device, steps).ConfigureAwait(false);
    }

    /// <summary>
    /// Takes the frontend's nodes away, which makes the backend let go at once whatever the guest does, waits until it has, and takes everything else away. What a backend leaves that does
    /// not answer is taken away by force.
    /// </summary>
    public static async Task RemoveAsync(XenstoreConnection store, DeviceAddress device)
    {
        string state = await store.Store.ReadAsync($"{device.Backend}/state").ConfigureAwait(false) ?? "6";
        bool isLocal = device.BackendDomain == 0;
        // A device model's backends end with it.
        if (state != "6" && device.BackendKind is not ("console" or "qdisk" or "9pfs" or "vfb" or "vkbd"))
        {
            await store.TransactAsync(async view =>
            {
                await view.RemoveAsync(device.Frontend).ConfigureAwait(false);
                await view.WriteAsync($"{device.Backend}/online", "0").ConfigureAwait(false);
                await view.WriteAsync($"{device.Backend}/state", "5").ConfigureAwait(false);
            }).ConfigureAwait(false);
            await DeviceNodes.WaitForBackendAsync(store, device, s_closeTime, XenbusState.Closed).ConfigureAwait(false);
        }
        try
        {
            if (isLocal && device.BackendKind == "vbd")
                await DiskDevice.DisconnectAsync(store, device).ConfigureAwait(false);
            else if (isLocal && device.BackendKind == "vif")
                await NicDevice.DisconnectAsync(store, device).ConfigureAwait(false);
        }
        finally
        {
            await DeviceNodes.RemoveAsync(store, device).ConfigureAwait(false);
        }
    }

    /// <summary>Waits for the backend and does the hotplug work. Another domain's backend does its own.</summary>
    private static async Task ConnectAsync(XenstoreConnection store, DeviceAddress device, Steps steps)
    {
        // qdisk's backend starts later, with the device model.
        if (device.BackendKind == "qdisk" || device.BackendDomain != 0)
            return;
        await steps.RunAsync($"backend of {device}", () => WaitAsync(store, device)).ConfigureAwait(false);
        await steps.RunAsync($"hotplug of {device}", () => device.BackendKind == "vbd" ? DiskDevice.ConnectAsync(store, device) : NicDevice.ConnectAsync(store, device)).ConfigureAwait(false);
    }

    private static async Task WaitAsync(XenstoreConnection store, DeviceAddress device)
    {
        if (!await DeviceNodes.WaitForBackendAsync(store, device, s_connectTime, XenbusState.InitWait, XenbusState.Connected).ConfigureAwait(false))
            throw new ToolstackException($"{device}: no backend has answered within {s_connectTime.TotalSeconds:0} seconds; is the module xen-{(device.Kind == "vif" ? "net" : "blk")}back loaded?");
        if (await store.Store.ReadAsync($"{device.Backend}/state").ConfigureAwait(false) is null)
            throw new ToolstackException($"{device}: its backend's nodes were removed while it was attached");
    }
}
