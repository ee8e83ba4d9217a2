// SPDX-License-Identifier: MIT
// Disks and network interfaces that come to a running domain and go: nodes, backends, and libxl's record of the domain. Used by xl's block- and network- commands.

using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading.Tasks;
using XenSharp.Abi;
using XenSharp.Configuration;
using XenSharp.Control;
using XenSharp.Toolstack.Devices;
using XenSharp.Toolstack.Store;
using XenSharp.XenstoreClient;

namespace XenSharp.Toolstack;

/// <summary>Every failure is a <see cref="ToolstackException"/>; a device that could not be attached leaves nothing behind.</summary>
/// <param name="hypervisor">Stays the caller's.</param>
/// <param name="store">Stays the caller's.</param>
public sealed class DomainDevices(Hypervisor hypervisor, XenstoreConnection store)
{
    private static readonly TimeSpan s_releaseTime = TimeSpan.FromSeconds(10);

    /// <summary>Attaches a disk; it comes back with what was left open.</summary>
    public async Task<DeviceDisk> AttachDiskAsync(ushort domain, DeviceDisk wanted, Steps? steps = null)
    {
        DeviceDisk disk = DiskDevice.WithDefaults(wanted);
        steps ??= new Steps();
        await AttachAsync(domain, DiskDevice.AddressOf(domain, disk), () => DeviceWork.AddDiskAsync(store, domain, disk, steps),
            record => record with { Disks = [.. record.Disks.Where(other => !IsSame(other, disk)), disk] }, steps).ConfigureAwait(false);
        return disk;
    }

    /// <summary>Attaches a network interface; it comes back with its number, and with what else was left open.</summary>
    public async Task<DeviceNic> AttachNicAsync(ushort domain, DeviceNic wanted, Steps? steps = null)
    {
        int free = (await ListAsync(domain, "vif").ConfigureAwait(false)).Select(device => device.Id + 1).DefaultIfEmpty(0).Max();
        DeviceNic nic = NicDevice.WithDefaults(wanted, free);
        steps ??= new Steps();
        await AttachAsync(domain, new DeviceAddress(domain, "vif", nic.Devid ?? free, (int)nic.BackendDomid, "vif"), () => DeviceWork.AddNicAsync(store, domain, nic, steps),
            record => record with { Nics = [.. record.Nics.Where(other => other.Devid != nic.Devid), nic] }, steps).ConfigureAwait(false);
        return nic;
    }

    /// <summary>Attaches a keyboard; it comes back with its number. One that a device model shall serve needs a device model that runs.</summary>
    public async Task<DeviceVkb> AttachVkbAsync(ushort domain, DeviceVkb wanted, Steps? steps = null)
    {
        int free = (await ListAsync(domain, "vkbd").ConfigureAwait(false)).Select(device => device.Id + 1).DefaultIfEmpty(0).Max();
        DeviceVkb vkb = wanted with { Devid = wanted.Devid ?? free, BackendType = wanted.BackendType == VkbBackend.Unknown ? VkbBackend.Qemu : wanted.BackendType };
        if (vkb.BackendType == VkbBackend.Qemu && vkb.BackendDomid == 0 && !await store.Store.ExistsAsync($"{StorePaths.Domain(domain)}/image/device-model-pid").ConfigureAwait(false))
            throw new ToolstackException("the domain has no device model that could serve a keyboard: give it one at its creation (vkb= or vfb=), or a backend of another domain (backend-type=linux)");
        steps ??= new Steps();
        (DeviceAddress device, NodeList back, NodeList front) = ModelDevices.Of(domain, vkb);
        await AttachAsync(domain, device, () => steps.RunAsync($"nodes of {device}", () => ModelDevices.AddAsync(store, device, back, front)),
            record => record with { Vkbs = [.. record.Vkbs.Where(other => other.Devid != vkb.Devid), vkb] }, steps).ConfigureAwait(false);
        return vkb;
    }

    /// <summary>A device of a kind (vbd, vif, vkbd, ...) by its number; null if the domain has none such.</summary>
    public async Task<DeviceAddress?> FindAsync(ushort domain, string kind, int id) => (await ListAsync(domain, kind).ConfigureAwait(false)).Find(device => device.Id == id);

    /// <summary>A disk by its name in the guest or its number; null if the domain has none such.</summary>
    public async Task<DeviceAddress?> FindDiskAsync(ushort domain, string name) =>
        VirtualDisk.TryGetNumber(name, out int number) ? (await ListAsync(domain, "vbd").ConfigureAwait(false)).Find(device => device.Id == number) : null;

    /// <summary>A network interface by its number or its address; null if the domain has none such.</summary>
    public async Task<DeviceAddress?> FindNicAsync(ushort domain, string name)
    {
        foreach (DeviceAddress device in await ListAsync(domain, "vif").ConfigureAwait(false))
        {
            if (name.Contains(':')
                ? string.Equals(await store.Store.ReadAsync($"{device.Toolstack}/mac").ConfigureAwait(false), name, StringComparison.OrdinalIgnoreCase)
                : int.TryParse(name, out int number) && number == device.Id)
            {
                return device;
            }
        }
        return null;
    }

    /// <summary>Takes a device away.</summary>
    /// <param name="isForced">Whether or not the guest lets go of it.</param>
    public async Task DetachAsync(ushort domain, DeviceAddress device, bool isForced)
    {
        string? vdev = await store.Store.ReadAsync($"{device.Toolstack}/dev").ConfigureAwait(false);
        if (isForced)
            await store.Store.RemoveAsync(device.Frontend).ConfigureAwait(false);
        else
            await ReleaseAsync(device).ConfigureAwait(false);
        await DeviceWork.RemoveAsync(store, device).ConfigureAwait(false);
        ChangeRecord(domain, record => record with
        {
            Disks = [.. record.Disks.Where(disk => device.Kind != "vbd" || disk.Vdev != vdev)],
            Nics = [.. record.Nics.Where(nic => device.Kind != "vif" || nic.Devid != device.Id)],
            Vkbs = [.. record.Vkbs.Where(vkb => device.Kind != "vkbd" || vkb.Devid != device.Id)],
        });
    }

    /// <summary>Asks the backend to close, which asks the guest.</summary>
    private async Task ReleaseAsync(DeviceAddress device)
    {
        await store.TransactAsync(async view =>
        {
            if (!await view.ExistsAsync($"{device.Backend}/state").ConfigureAwait(false))
                return;
            await view.WriteAsync($"{device.Backend}/online", "0").ConfigureAwait(false);
            await view.WriteAsync($"{device.Backend}/state", "5").ConfigureAwait(false);
        }).ConfigureAwait(false);
        if (!await DeviceNodes.WaitForBackendAsync(store, device, s_releaseTime, Store.XenbusState.Closed).ConfigureAwait(false))
            throw new ToolstackException($"the guest has not let go of {device} within {s_releaseTime.TotalSeconds:0} seconds");
    }

    /// <summary>The record comes last, as what it says must be there; when it cannot be written, the device goes again.</summary>
    private async Task AttachAsync(ushort domain, DeviceAddress device, Func<Task> add, Func<DomainConfiguration, DomainConfiguration> change, Steps steps)
    {
        if (!hypervisor.TryGetDomain(domain, out _))
            throw new ToolstackException($"there is no domain {domain}");
        if (await store.Store.ExistsAsync(device.Toolstack).ConfigureAwait(false))
            throw new ToolstackException($"the domain has {device} already");
        try
        {
            await add().ConfigureAwait(false);
            steps.Run($"record of {device}", () => ChangeRecord(domain, change));
        }
        catch (Exception reason)
        {
            await UndoAsync(device, reason).ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>What cannot be undone is told beside the reason, which stays the first thing said.</summary>
    private async Task UndoAsync(DeviceAddress device, Exception reason)
    {
        try
        {
            await DeviceWork.RemoveAsync(store, device).ConfigureAwait(false);
        }
        catch (Exception failure) when (Steps.IsExpected(failure) && failure.Message != reason.Message)
        {
            throw new ToolstackException($"{reason.Message}; and the removal of {device}, which was being attached, failed: {failure.Message}", reason);
        }
        catch (ToolstackException)
        {
            // A script that is broken fails both ways.
        }
    }

    private async Task<List<DeviceAddress>> ListAsync(ushort domain, string kind) =>
        [.. (await DeviceNodes.ListAsync(store.Store, domain).ConfigureAwait(false)).Where(device => device.Kind == kind)];

    private static bool IsSame(DeviceDisk one, DeviceDisk other) =>
        VirtualDisk.TryGetNumber(one.Vdev ?? "", out int first) && VirtualDisk.TryGetNumber(other.Vdev ?? "", out int second) && first == second;

    /// <summary>A domain that nobody keeps a record of has none afterwards either.</summary>
    private void ChangeRecord(ushort domain, Func<DomainConfiguration, DomainConfiguration> change)
    {
        if (hypervisor.TryGetDomain(domain, out DomctlGetDomainInfo info) && UserData.ReadConfiguration(domain, Hypervisor.ToGuid(info.Handle)) is { } record)
            UserData.WriteConfiguration(domain, change(record));
    }
}
