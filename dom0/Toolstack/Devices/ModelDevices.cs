// SPDX-License-Identifier: MIT
// Devices whose backend is the device model: shared folders, channels, screen and keyboard. libxl_9pfs.c, libxl_console.c, libxl_vkb.c of Xen 4.17. Used by DomainCreation.

using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading.Tasks;
using XenSharp.Configuration;
using XenSharp.Toolstack.Store;
using XenSharp.XenstoreClient;

namespace XenSharp.Toolstack.Devices;

internal static class ModelDevices
{
    private const int ConsoleLimit = 1 << 20;       // LIBXL_XENCONSOLE_LIMIT
    private const string UsualListen = "127.0.0.1";

    /// <summary>Whether a domain needs a device model.</summary>
    public static bool AreIn(DomainConfiguration configuration) =>
        configuration.Disks.Any(disk => disk.Backend == DiskBackend.Qdisk && disk.BackendDomid == 0) || configuration.P9s.Count + configuration.Vfbs.Count > 0
        || configuration.Vkbs.Any(vkb => vkb.BackendType != VkbBackend.Linux && vkb.BackendDomid == 0) || configuration.Channels.Any(channel => channel.BackendDomid == 0);

    /// <summary>Fills in what the user left open.</summary>
    /// <exception cref="ToolstackException">A device cannot be had.</exception>
    public static DomainConfiguration WithDefaults(DomainConfiguration configuration)
    {
        foreach (DeviceChannel channel in configuration.Channels)
        {
            if (string.IsNullOrEmpty(channel.Name))
                throw new ToolstackException("a channel has no name (channel=[\"name=...,connection=...\"])");
            if (channel.Pty is null && channel.Socket is null)
                throw new ToolstackException($"channel {channel.Name}: it is not said where dom0's end is (connection=pty or connection=socket)");
            if (channel.Socket is { Path: null or "" })
                throw new ToolstackException($"channel {channel.Name}: its socket has no path (path=)");
        }
        foreach (DeviceP9 share in configuration.P9s)
        {
            if (string.IsNullOrEmpty(share.Tag) || string.IsNullOrEmpty(share.Path))
                throw new ToolstackException("a p9 device has no tag or no path");
        }
        return configuration with
        {
            // Number 0 is the first console.
            Channels = [.. configuration.Channels.Select((channel, index) => channel with { Devid = index + 1 })],
            P9s = [.. configuration.P9s.Select((share, index) => share with { Devid = share.Devid ?? index, SecurityModel = share.SecurityModel ?? "none" })],
            Vfbs = [.. configuration.Vfbs.Select(WithDefaults)],
            Vkbs = [.. configuration.Vkbs.Select((vkb, index) => vkb with { Devid = vkb.Devid ?? index, BackendType = vkb.BackendType == VkbBackend.Unknown ? VkbBackend.Qemu : vkb.BackendType })],
        };
    }

    /// <summary>Writes the nodes of all of them. Their backends come with the device model.</summary>
    public static async Task AddAllAsync(XenstoreConnection store, int domain, DomainConfiguration configuration)
    {
        foreach ((DeviceAddress device, NodeList back, NodeList front, NodeList readOnly) in Of(domain, configuration))
            await AddAsync(store, device, back, front, readOnly).ConfigureAwait(false);
    }

    public static async Task AddAsync(XenstoreConnection store, DeviceAddress device, NodeList back, NodeList front, NodeList? readOnly = null)
    {
        if (!await DeviceNodes.AddAsync(store, device, back, front, readOnly).ConfigureAwait(false))
            throw new ToolstackException($"the domain has {device} already");
    }

    /// <summary>A keyboard's nodes.</summary>
    public static (DeviceAddress Device, NodeList Back, NodeList Front) Of(int domain, DeviceVkb vkb)
    {
        DeviceAddress device = new(domain, "vkbd", vkb.Devid ?? 0, (int)vkb.BackendDomid, vkb.BackendType == VkbBackend.Linux ? "vinput" : "vkbd");
        NodeList back = Back(domain), front = Front(device);
        if (vkb.UniqueId is not null)
            back.Add("unique-id", vkb.UniqueId);
        foreach ((string node, bool isSet) in (ReadOnlySpan<(string, bool)>)
            [("feature-disable-keyboard", vkb.FeatureDisableKeyboard), ("feature-disable-pointer", vkb.FeatureDisablePointer), ("feature-abs-pointer", vkb.FeatureAbsPointer), ("feature-raw-pointer", vkb.FeatureRawPointer)])
        {
            if (isSet)
                back.Add(node, 1);
        }
        if (vkb.FeatureMultiTouch)
        {
            back.Add("feature-multi-touch", 1);
            back.Add("multi-touch-width", vkb.MultiTouchWidth);
            back.Add("multi-touch-height", vkb.MultiTouchHeight);
            back.Add("multi-touch-num-contacts", vkb.MultiTouchNumContacts);
        }
        if (vkb.Width != 0)
            back.Add("width", vkb.Width);
        if (vkb.Height != 0)
            back.Add("height", vkb.Height);
        return (device, back, front);
    }

    private static IEnumerable<(DeviceAddress Device, NodeList Back, NodeList Front, NodeList ReadOnly)> Of(int domain, DomainConfiguration configuration)
    {
        foreach (DeviceChannel channel in configuration.Channels)
            yield return Of(domain, channel);
        foreach (DeviceP9 share in configuration.P9s)
        {
            DeviceAddress device = new(domain, "9pfs", share.Devid ?? 0, (int)share.BackendDomid, "9pfs");
            NodeList back = Back(domain), front = Front(device);
            back.Add("path", share.Path ?? "");
            back.Add("security_model", share.SecurityModel ?? "");
            front.Add("tag", share.Tag ?? "");
            yield return (device, back, front, []);
        }
        foreach (DeviceVfb vfb in configuration.Vfbs)
            yield return Of(domain, vfb);
        foreach (DeviceVkb vkb in configuration.Vkbs)
        {
            (DeviceAddress device, NodeList back, NodeList front) = Of(domain, vkb);
            yield return (device, back, front, []);
        }
    }

    /// <summary>A console that the device model serves.</summary>
    private static (DeviceAddress, NodeList, NodeList, NodeList) Of(int domain, DeviceChannel channel)
    {
        DeviceAddress device = new(domain, "console", channel.Devid ?? 1, (int)channel.BackendDomid, "console");
        NodeList back = Back(domain), front = [], readOnly = [];
        back.Add("protocol", "vt100");
        back.Add("name", channel.Name ?? "");
        back.Add("connection", channel.Socket is null ? "pty" : "socket");
        if (channel.Socket is { Path: { } path })
            back.Add("path", path);
        front.Add("backend-id", device.BackendDomain);
        readOnly.Add("name", channel.Name ?? "");
        readOnly.Add("limit", ConsoleLimit);
        readOnly.Add("type", "ioemu");
        readOnly.Add("output", channel.Socket is null ? "pty" : $"chardev:libxl-channel{device.Id}");
        readOnly.Add("tty", "");
        front.Add("state", (int)XenbusState.Initialising);
        front.Add("protocol", "vt100");
        return (device, back, front, readOnly);
    }

    private static (DeviceAddress, NodeList, NodeList, NodeList) Of(int domain, DeviceVfb vfb)
    {
        DeviceAddress device = new(domain, "vfb", vfb.Devid ?? 0, (int)vfb.BackendDomid, "vfb");
        NodeList back = Back(domain);
        back.Add("vnc", vfb.Vnc.Enable == true ? 1 : 0);
        if (vfb.Vnc.Listen is not null)
            back.Add("vnclisten", vfb.Vnc.Listen);
        if (vfb.Vnc.Passwd is not null)
            back.Add("vncpasswd", vfb.Vnc.Passwd);
        back.Add("vncdisplay", vfb.Vnc.Display);
        back.Add("vncunused", vfb.Vnc.Findunused == true ? 1 : 0);
        back.Add("sdl", vfb.Sdl.Enable == true ? 1 : 0);
        back.Add("opengl", vfb.Sdl.Opengl == true ? 1 : 0);
        if (vfb.Sdl.Xauthority is not null)
            back.Add("xauthority", vfb.Sdl.Xauthority);
        if (vfb.Sdl.Display is not null)
            back.Add("display", vfb.Sdl.Display);
        return (device, back, Front(device), []);
    }

    private static DeviceVfb WithDefaults(DeviceVfb vfb, int index)
    {
        bool hasVnc = vfb.Vnc.Enable ?? true;
        return vfb with
        {
            Devid = vfb.Devid ?? index,
            Vnc = vfb.Vnc with { Enable = hasVnc, Listen = vfb.Vnc.Listen ?? (hasVnc ? UsualListen : null), Findunused = vfb.Vnc.Findunused ?? hasVnc },
            Sdl = vfb.Sdl with { Enable = vfb.Sdl.Enable ?? false, Opengl = vfb.Sdl.Opengl ?? false },
        };
    }

    private static NodeList Back(int domain)
    {
        NodeList back = [];
        back.Add("frontend-id", domain);
        back.Add("online", 1);
        back.Add("state", (int)XenbusState.Initialising);
        return back;
    }

    private static NodeList Front(DeviceAddress device)
    {
        NodeList front = [];
        front.Add("backend-id", device.BackendDomain);
        front.Add("state", (int)XenbusState.Initialising);
        return front;
    }
}
