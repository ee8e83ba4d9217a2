// SPDX-License-Identifier: MIT
// A device's nodes in xenstore: frontend, backend, and the toolstack's own. As libxl__device_generic_add of libxl 4.17. Used by the kinds of devices.

using System;
using System.Collections.Generic;
using System.Globalization;
using System.Threading;
using System.Threading.Tasks;
using XenSharp.XenstoreClient;

namespace XenSharp.Toolstack.Store;

/// <summary>Pairs of a node and its value, in the order in which they are written.</summary>
internal sealed class NodeList : List<(string Node, string Value)>
{
    public void Add(string node, string value) => Add((node, value));

    public void Add(string node, long value) => Add((node, value.ToString(CultureInfo.InvariantCulture)));
}

/// <summary>xenbus_state.</summary>
internal enum XenbusState
{
    Unknown,
    Initialising,
    InitWait,
    Initialised,
    Connected,
    Closing,
    Closed,
}

internal static class DeviceNodes
{
    /// <summary>Writes a new device. False if it is there already.</summary>
    /// <param name="front">What the guest may write.</param>
    /// <param name="readOnlyFront">What it may only read.</param>
    public static Task<bool> AddAsync(XenstoreConnection store, DeviceAddress device, NodeList back, NodeList front, NodeList? readOnlyFront = null) => store.TransactAsync(async view =>
    {
        if (await view.ExistsAsync(device.Toolstack).ConfigureAwait(false))
            return false;
        XenstorePermission[] guests = [new('n', device.Domain), new('r', device.BackendDomain)], backends = [new('n', device.BackendDomain), new('r', device.Domain)];
        bool isFirstConsole = device is { Kind: "console", Id: 0 };
        XenstoreBatch batch = view.StartBatch();
        batch.Write($"{device.Toolstack}/frontend", device.Frontend);
        batch.Write($"{device.Toolstack}/backend", device.Backend);

        batch.Remove(device.Frontend);
        batch.MakeDirectory(device.Frontend);
        batch.SetPermissions(device.Frontend, isFirstConsole ? backends : guests);
        batch.Write($"{device.Frontend}/backend", device.Backend);
        Write(batch, device.Frontend, front, guests);
        Write(batch, device.Frontend, readOnlyFront ?? [], backends);

        batch.Remove(device.Backend);
        batch.MakeDirectory(device.Backend);
        batch.SetPermissions(device.Backend, backends);
        batch.Write($"{device.Backend}/frontend", device.Frontend);
        Write(batch, device.Backend, back, null);
        Write(batch, device.Toolstack, back, null);
        await batch.CompleteAsync().ConfigureAwait(false);
        return true;
    });

    /// <summary>The devices that the toolstack has noted for a domain.</summary>
    public static async Task<List<DeviceAddress>> ListAsync(XenstoreView view, int domain)
    {
        List<DeviceAddress> devices = [];
        string path = $"{StorePaths.Toolstack(domain)}/device";
        foreach (string kind in await view.ListOrNoneAsync(path).ConfigureAwait(false))
        {
            foreach (string id in await view.ListOrNoneAsync($"{path}/{kind}").ConfigureAwait(false))
            {
                // /local/domain/BACKEND/backend/KIND/DOMAIN/ID
                string[] parts = (await view.ReadAsync($"{path}/{kind}/{id}/backend").ConfigureAwait(false) ?? "").Split('/');
                if (parts.Length == 8 && int.TryParse(parts[3], out int backend) && int.TryParse(id, out int number))
                    devices.Add(new DeviceAddress(domain, kind, number, backend, parts[5]));
            }
        }
        return devices;
    }

    /// <summary>Takes a device's nodes out, and the folders above that are left empty.</summary>
    public static Task RemoveAsync(XenstoreConnection store, DeviceAddress device) => store.TransactAsync(async view =>
    {
        foreach (string path in (string[])[device.Frontend, device.Toolstack, device.Backend])
            await RemoveAsync(view, path).ConfigureAwait(false);
    });

    private static async Task RemoveAsync(XenstoreView view, string path)
    {
        await view.RemoveAsync(path).ConfigureAwait(false);
        for (int end = path.LastIndexOf('/'); end > 0; end = path.LastIndexOf('/', end - 1))
        {
            string folder = path[..end];
            if (await view.ReadAsync(folder).ConfigureAwait(false) is not "" || await view.ListAsync(folder).ConfigureAwait(false) is not [])
                return;
            await view.RemoveAsync(folder).ConfigureAwait(false);
        }
    }

    /// <summary>Waits until a backend is in one of these states, or is gone; false when the time is over.</summary>
    public static Task<bool> WaitForBackendAsync(XenstoreConnection store, DeviceAddress device, TimeSpan time, params XenbusState[] wanted) =>
        WaitAsync(store, $"{device.Backend}/state", time, state => state is null || Array.Exists(wanted, item => state == ((int)item).ToString(CultureInfo.InvariantCulture)));

    /// <summary>Waits until a node has such a value, null for none; false when the time is over.</summary>
    public static async Task<bool> WaitAsync(XenstoreConnection store, string node, TimeSpan time, Predicate<string?> isWanted)
    {
        using CancellationTokenSource end = new(time);
        try
        {
            await foreach (XenstoreEvent _ in store.WatchAsync(node, cancellation: end.Token).ConfigureAwait(false))
            {
                if (isWanted(await store.Store.ReadAsync(node).ConfigureAwait(false)))
                    return true;
            }
        }
        catch (OperationCanceledException)
        {
            // Told by the result.
        }
        return false;
    }

    private static void Write(XenstoreBatch batch, string path, NodeList nodes, XenstorePermission[]? permissions)
    {
        foreach ((string node, string value) in nodes)
        {
            batch.Write($"{path}/{node}", value);
            if (permissions is not null)
                batch.SetPermissions($"{path}/{node}", permissions);
        }
    }
}
