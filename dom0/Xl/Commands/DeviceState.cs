// SPDX-License-Identifier: MIT
// What the store says about a domain's devices of one kind: /libxl/DOMAIN/device/KIND/ID, and the frontend's own nodes. Used by DeviceLists.

using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Threading.Tasks;
using XenSharp.XenstoreClient;
using XenSharp.Xl.Frame;

namespace XenSharp.Xl.Commands;

/// <param name="Id">The number that the frontend calls it by.</param>
/// <param name="Saved">What the toolstack noted.</param>
/// <param name="Frontend">What the guest's driver wrote: not to be trusted.</param>
internal sealed record DeviceState(int Domain, int Id, string Backend, IReadOnlyDictionary<string, string> Saved, IReadOnlyDictionary<string, string> Frontend)
{
    public int BackendDomain => Backend.Split('/') is ["", "local", "domain", string id, ..] ? (int)Invocation.LeadingNumber(id) : 0;

    public string FrontendPath => Saved.GetValueOrDefault("frontend", "");

    /// <summary>A number that the frontend wrote; -1 if it has not.</summary>
    public long Number(string node) => Frontend.TryGetValue(node, out string? text) ? Invocation.LeadingNumber(text) : -1;

    /// <summary>In the order of their numbers. Devices without a backend are left out.</summary>
    public static async Task<List<DeviceState>> ListAsync(XenstoreView store, int domain, string kind)
    {
        List<DeviceState> devices = [];
        string folder = $"/libxl/{domain}/device/{kind}";
        foreach (string name in await store.ListOrNoneAsync(folder).ConfigureAwait(false))
        {
            Dictionary<string, string> saved = await ReadAllAsync(store, $"{folder}/{name}").ConfigureAwait(false);
            if (!int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out int id) || !saved.TryGetValue("backend", out string? backend))
                continue;
            Dictionary<string, string> frontend = await ReadAllAsync(store, $"/local/domain/{domain}/device/{kind}/{name}").ConfigureAwait(false);
            devices.Add(new DeviceState(domain, id, backend, saved, frontend));
        }
        return [.. devices.OrderBy(device => device.Id)];
    }

    /// <summary>The children of a node with their values; none if the node is not there.</summary>
    public static async Task<Dictionary<string, string>> ReadAllAsync(XenstoreView store, string path)
    {
        Dictionary<string, string> values = [];
        foreach (string name in await store.ListOrNoneAsync(path).ConfigureAwait(false))
        {
            if (await store.ReadAsync($"{path}/{name}").ConfigureAwait(false) is { } value)
                values[name] = value;
        }
        return values;
    }
}
