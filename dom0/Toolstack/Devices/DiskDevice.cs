// SPDX-License-Identifier: MIT
// Disks: nodes, backend, and the block device behind them. libxl_disk.c and tools/hotplug/Linux/block of Xen 4.17. Used by DeviceWork.

using System.IO;
using System.Threading.Tasks;
using XenSharp.Configuration;
using XenSharp.Interop;
using XenSharp.Toolstack.Store;
using XenSharp.XenstoreClient;

namespace XenSharp.Toolstack.Devices;

internal static class DiskDevice
{
    private const string UsualScript = "block";

    /// <summary>Settings that the user left open.</summary>
    /// <exception cref="ToolstackException">No backend can serve it.</exception>
    public static DeviceDisk WithDefaults(DeviceDisk disk)
    {
        DiskFormat format = disk.Format == DiskFormat.Unknown ? DiskFormat.Raw : disk.Format;
        DiskBackend backend = disk.Backend;
        if (backend == DiskBackend.Unknown)
            backend = format is DiskFormat.Raw or DiskFormat.Empty ? DiskBackend.Phy : DiskBackend.Qdisk;
        if (backend is DiskBackend.Tap or DiskBackend.Standalone)
            throw new ToolstackException($"disk {disk.Vdev}: the backend {backend.ToString().ToLowerInvariant()} is not supported; use phy or qdisk");
        if (backend == DiskBackend.Phy && format is not (DiskFormat.Raw or DiskFormat.Empty))
            throw new ToolstackException($"disk {disk.Vdev}: the backend phy serves raw images only, this one is {format.ToString().ToLowerInvariant()}");
        if (disk.IsCdrom == 0 && string.IsNullOrEmpty(disk.PdevPath))
            throw new ToolstackException($"disk {disk.Vdev}: there is no target");
        if (disk is { BackendDomid: 0, BackendDomname: null, Script: null, PdevPath: { Length: > 0 } path } && path.StartsWith('/') && !File.Exists(path))
            throw new ToolstackException($"disk {disk.Vdev}: the target {path} is not there");
        return disk with
        {
            Format = format,
            Backend = backend,
            DiscardEnable = disk.DiscardEnable ?? disk.Readwrite != 0,
            Trusted = disk.Trusted ?? true,
            Specification = disk.Specification == DiskSpecification.Unknown ? DiskSpecification.Xen : disk.Specification,
        };
    }

    public static DeviceAddress AddressOf(int domain, DeviceDisk disk) =>
        VirtualDisk.TryGetNumber(disk.Vdev ?? "", out int number)
            ? new DeviceAddress(domain, "vbd", number, (int)disk.BackendDomid, disk.Backend == DiskBackend.Qdisk ? "qdisk" : "vbd")
            : throw new ToolstackException($"\"{disk.Vdev}\" is no name of a virtual disk (xvda, hda, sda, d5p1, a number)");

    /// <summary>Writes the nodes.</summary>
    public static async Task<DeviceAddress> AddAsync(XenstoreConnection store, int domain, DeviceDisk disk)
    {
        DeviceAddress device = AddressOf(domain, disk);
        string type = disk.IsCdrom != 0 ? "cdrom" : "disk";
        NodeList back = [];
        if (disk.Backend == DiskBackend.Phy)
        {
            back.Add("params", disk.PdevPath ?? "");
            back.Add("script", Hotplug.ScriptPath(disk.Script ?? UsualScript));
        }
        else
        {
            back.Add("params", $"{FormatName(disk.Format)}:{disk.PdevPath}");
        }
        back.Add("frontend-id", domain);
        back.Add("online", 1);
        back.Add("removable", disk.Removable != 0 ? 1 : 0);
        back.Add("bootable", 1);
        back.Add("state", (int)XenbusState.Initialising);
        back.Add("dev", disk.Vdev!);
        back.Add("type", disk.Backend == DiskBackend.Qdisk ? "qdisk" : "phy");
        back.Add("mode", disk.Readwrite != 0 ? "w" : "r");
        back.Add("device-type", type);
        if (disk.DirectIoSafe)
            back.Add("direct-io-safe", 1);
        back.Add("discard-enable", disk.DiscardEnable == true ? 1 : 0);
        back.Add("specification", "xen");
        NodeList front = [];
        front.Add("backend-id", disk.BackendDomid);
        front.Add("state", (int)XenbusState.Initialising);
        front.Add("virtual-device", device.Id);
        front.Add("device-type", type);
        front.Add("trusted", disk.Trusted != false ? 1 : 0);
        if (!await DeviceNodes.AddAsync(store, device, back, front).ConfigureAwait(false))
            throw new ToolstackException($"the domain has a disk {disk.Vdev} already");
        return device;
    }

    /// <summary>Gives a backend in this domain the block device that it shall serve; a script of the user's does that instead if there is one.</summary>
    public static async Task ConnectAsync(XenstoreConnection store, DeviceAddress device)
    {
        XenstoreView view = store.Store;
        string? script = await view.ReadAsync($"{device.Backend}/script").ConfigureAwait(false);
        if (script != Hotplug.ScriptPath(UsualScript))
        {
            await Hotplug.RunAsync(store, device, script ?? "", "add").ConfigureAwait(false);
            return;
        }
        string target = await view.ReadAsync($"{device.Backend}/params").ConfigureAwait(false) ?? "";
        bool isReadOnly = await view.ReadAsync($"{device.Backend}/mode").ConfigureAwait(false) != "w";
        if (target.Length == 0)
        {
            await view.WriteAsync($"{device.Backend}/hotplug-status", "connected").ConfigureAwait(false);
            return;
        }
        string path = target.StartsWith('/') ? target : "/dev/" + target;
        FileIdentity identity = FileIdentity.Of(path);
        await DiskSharing.CheckAsync(view, device, path, identity, isReadOnly).ConfigureAwait(false);
        if (identity.IsBlockDevice)
        {
            await NameAsync(view, device, path, identity.Number).ConfigureAwait(false);
            return;
        }
        if (!identity.IsRegular)
            throw new ToolstackException($"{path} is neither a file nor a block device");
        string loop = LoopDevice.Attach(path, isReadOnly);
        try
        {
            await view.WriteAsync($"{device.Backend}/node", loop).ConfigureAwait(false);
            await NameAsync(view, device, loop, FileIdentity.Of(loop).Number).ConfigureAwait(false);
        }
        catch
        {
            // Who removes the device must not give it back again: the number may be somebody else's by then.
            await view.RemoveAsync($"{device.Backend}/node").ConfigureAwait(false);
            LoopDevice.Detach(loop);
            throw;
        }
    }

    /// <summary>Undoes <see cref="ConnectAsync"/>, when the backend has let go.</summary>
    public static async Task DisconnectAsync(XenstoreConnection store, DeviceAddress device)
    {
        XenstoreView view = store.Store;
        string? script = await view.ReadAsync($"{device.Backend}/script").ConfigureAwait(false);
        if (script is not null && script != Hotplug.ScriptPath(UsualScript))
        {
            await Hotplug.RunAsync(store, device, script, "remove").ConfigureAwait(false);
        }
        else if (await view.ReadAsync($"{device.Backend}/node").ConfigureAwait(false) is { Length: > 0 } node)
        {
            await view.RemoveAsync($"{device.Backend}/node").ConfigureAwait(false);
            LoopDevice.Detach(node);
        }
    }

    internal static string FormatName(DiskFormat format) => format switch { DiskFormat.Vhd => "vpc", DiskFormat.Raw => "aio", DiskFormat.Empty => "", _ => format.ToString().ToLowerInvariant() };

    private static async Task NameAsync(XenstoreView view, DeviceAddress device, string path, string number)
    {
        await view.WriteAsync($"{device.Backend}/physical-device", number).ConfigureAwait(false);
        await view.WriteAsync($"{device.Backend}/physical-device-path", path).ConfigureAwait(false);
        await view.WriteAsync($"{device.Backend}/hotplug-status", "connected").ConfigureAwait(false);
    }
}
