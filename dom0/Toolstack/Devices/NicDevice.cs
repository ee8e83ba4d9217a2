// SPDX-License-Identifier: MIT
// Network interfaces: nodes, backend, and the bridge. libxl_nic.c, tools/hotplug/Linux/vif-bridge of Xen 4.17. Used by DeviceWork.

using System;
using System.Globalization;
using System.IO;
using System.Threading.Tasks;
using XenSharp.Configuration;
using XenSharp.Interop;
using XenSharp.Toolstack.Store;
using XenSharp.XenstoreClient;

namespace XenSharp.Toolstack.Devices;

internal static class NicDevice
{
    private const string UsualScript = "vif-bridge", UsualBridge = "xenbr0", FilterSwitch = "/proc/sys/net/bridge/bridge-nf-call-iptables";
    private const int UsualMtu = 1500;
    private const ulong XenPrefix = 0x00_16_3E_00_00_00;

    private static readonly TimeSpan s_look = TimeSpan.FromMilliseconds(5);

    /// <summary>How long netback has for its interface. Tests have less patience.</summary>
    internal static TimeSpan InterfaceTime { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Settings that the user left open.</summary>
    /// <param name="id">The number that it gets if it has none.</param>
    public static DeviceNic WithDefaults(DeviceNic nic, int id) => nic.Nictype == NicType.VifIoemu
        ? throw new ToolstackException($"vif {id}: a PVH guest cannot have an emulated network interface (type=ioemu)")
        : nic with
        {
            Devid = nic.Devid ?? id,
            Mtu = nic.Mtu != 0 ? nic.Mtu : UsualMtu,
            Mac = nic.Mac.IsUnset ? new MacAddress(XenPrefix | (uint)(Guid.NewGuid().GetHashCode() & 0x7F_FFFF)) : nic.Mac,
            Bridge = nic.Bridge ?? UsualBridge,
            Script = Hotplug.ScriptPath(nic.Script ?? UsualScript),
            Nictype = NicType.Vif,
            Trusted = nic.Trusted ?? true,
        };

    /// <summary>Writes the nodes.</summary>
    public static async Task<DeviceAddress> AddAsync(XenstoreConnection store, int domain, DeviceNic nic)
    {
        int id = nic.Devid ?? 0;
        DeviceAddress device = new(domain, "vif", id, (int)nic.BackendDomid, "vif");
        NodeList back = [];
        back.Add("frontend-id", domain);
        back.Add("online", 1);
        back.Add("state", (int)XenbusState.Initialising);
        back.Add("script", nic.Script ?? Hotplug.ScriptPath(UsualScript));
        if (nic.Ifname is not null)
            back.Add("vifname", nic.Ifname);
        back.Add("mac", nic.Mac.ToString());
        if (nic.Ip is not null)
            back.Add("ip", nic.Ip);
        if (nic.Gatewaydev is not null)
            back.Add("gatewaydev", nic.Gatewaydev);
        if (nic.RateIntervalUsecs > 0)
            back.Add("rate", string.Create(CultureInfo.InvariantCulture, $"{nic.RateBytesPerInterval},{nic.RateIntervalUsecs}"));
        if (nic.Mtu != UsualMtu)
            back.Add("mtu", nic.Mtu);
        back.Add("bridge", nic.Bridge ?? UsualBridge);
        back.Add("handle", id);
        back.Add("type", "vif");
        // The backend waits for it before it connects.
        back.Add("hotplug-status", "");
        NodeList front = [], readOnlyFront = [];
        front.Add("backend-id", nic.BackendDomid);
        front.Add("state", (int)XenbusState.Initialising);
        front.Add("handle", id);
        front.Add("mac", nic.Mac.ToString());
        readOnlyFront.Add("mtu", nic.Mtu);
        front.Add("trusted", nic.Trusted != false ? 1 : 0);
        if (!await DeviceNodes.AddAsync(store, device, back, front, readOnlyFront).ConfigureAwait(false))
            throw new ToolstackException($"the domain has a network interface {id} already");
        return device;
    }

    /// <summary>netback makes its interface after it has said InitWait, and says nothing when it has; false when the time is over.</summary>
    private static async Task<bool> WaitForInterfaceAsync(string name)
    {
        for (long end = Environment.TickCount64 + (long)InterfaceTime.TotalMilliseconds; !NetworkInterface.Exists(name); await Task.Delay(s_look).ConfigureAwait(false))
        {
            if (Environment.TickCount64 >= end)
                return false;
        }
        return true;
    }

    /// <summary>Puts the backend's interface on its bridge. What the usual script would do is done here, unless it would set packet filters.</summary>
    public static async Task ConnectAsync(XenstoreConnection store, DeviceAddress device)
    {
        XenstoreView view = store.Store;
        string script = await view.ReadAsync($"{device.Backend}/script").ConfigureAwait(false) ?? "";
        string name = $"vif{device.Domain}.{device.Id}";
        if (!IsOurs(script))
        {
            await WaitForInterfaceAsync(name).ConfigureAwait(false);
            await Hotplug.RunAsync(store, device, script, "online", "type_if=vif").ConfigureAwait(false);
            return;
        }
        string bridge = await view.ReadAsync($"{device.Backend}/bridge").ConfigureAwait(false) is { Length: > 0 } named ? named : UsualBridge;
        // Old configurations name the bridge of eth0 xenbr0.
        if (!NetworkInterface.Exists(bridge) && bridge.StartsWith("xenbr", StringComparison.Ordinal) && NetworkInterface.IsBridge("eth" + bridge["xenbr".Length..]))
            bridge = "eth" + bridge["xenbr".Length..];
        if (!NetworkInterface.IsBridge(bridge))
            throw new ToolstackException($"{device}: there is no bridge {bridge} (make it, or name another one with bridge= in vif)");
        if (!await WaitForInterfaceAsync(name).ConfigureAwait(false))
            throw new ToolstackException($"{device}: the backend has made no interface {name}; is the module xen-netback loaded?");
        if (await view.ReadAsync($"{device.Backend}/vifname").ConfigureAwait(false) is { Length: > 0 } wanted)
        {
            if (NetworkInterface.Exists(wanted))
                throw new ToolstackException($"{device}: there is an interface {wanted} already");
            NetworkInterface.Rename(name, wanted);
            name = wanted;
        }
        NetworkInterface.SetUp(name, false);
        NetworkInterface.SetHardwareAddress(name, [0xFE, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF]);
        int mtu = await view.ReadAsync($"{device.Backend}/mtu").ConfigureAwait(false) is { Length: > 0 } text ? int.Parse(text, CultureInfo.InvariantCulture) : MtuOf(bridge);
        if (mtu > 0)
        {
            NetworkInterface.SetMaximumPacket(name, mtu);
            await view.WriteAsync($"{device.Frontend}/mtu", mtu.ToString(CultureInfo.InvariantCulture)).ConfigureAwait(false);
        }
        if (!NetworkInterface.IsOnBridge(name, bridge))
            NetworkInterface.Join(bridge, name);
        NetworkInterface.SetUp(name, true);
        await view.WriteAsync($"{device.Backend}/hotplug-status", "connected").ConfigureAwait(false);
    }

    /// <summary>Undoes <see cref="ConnectAsync"/>; the interface itself goes with its backend.</summary>
    public static async Task DisconnectAsync(XenstoreConnection store, DeviceAddress device)
    {
        XenstoreView view = store.Store;
        string? script = await view.ReadAsync($"{device.Backend}/script").ConfigureAwait(false);
        if (script is null)
            return;
        if (!IsOurs(script))
        {
            await Hotplug.RunAsync(store, device, script, "offline", "type_if=vif").ConfigureAwait(false);
            return;
        }
        string name = await view.ReadAsync($"{device.Backend}/vifname").ConfigureAwait(false) is { Length: > 0 } wanted ? wanted : $"vif{device.Domain}.{device.Id}";
        string bridge = await view.ReadAsync($"{device.Backend}/bridge").ConfigureAwait(false) ?? UsualBridge;
        if (!NetworkInterface.Exists(name))
            return;
        try
        {
            NetworkInterface.SetUp(name, false);
            if (NetworkInterface.IsOnBridge(name, bridge))
                NetworkInterface.Leave(bridge, name);
        }
        catch (SystemFailure failure) when (failure.Error == (int)Abi.Errno.NoDev || !NetworkInterface.Exists(name))
        {
            // The backend was faster. The interface has its folder for a moment longer than its name.
        }
    }

    /// <summary>The stock script, on a host where it would add no rules to iptables.</summary>
    private static bool IsOurs(string script) =>
        script == Hotplug.ScriptPath(UsualScript) && !(File.Exists(FilterSwitch) && File.ReadAllText(FilterSwitch).StartsWith('1') && File.Exists(script));

    private static int MtuOf(string name) => int.TryParse(File.ReadAllText($"/sys/class/net/{name}/mtu"), NumberStyles.AllowTrailingWhite, CultureInfo.InvariantCulture, out int mtu) ? mtu : 0;
}
