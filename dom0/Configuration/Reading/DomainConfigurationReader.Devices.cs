// SPDX-License-Identifier: MIT
// Disks, networks, PCI, screens, keyboards, shared directories, channels. Behaviour: parse_config_data of tools/xl/xl_parse.c.
using System;
using System.Collections.Generic;
using System.Linq;

namespace XenSharp.Configuration.Reading;

internal sealed partial class DomainConfigurationReader
{
    private IReadOnlyList<DeviceDisk> ReadDisks()
    {
        var disks = new List<DeviceDisk>();
        foreach (TextValue text in _items.Strings("disk"))
        {
            DeviceDisk? disk = DiskReader.Read([text.Text], (index, message) => Diagnostics.Error(text.At(index), $"'disk': {message}"));
            if (disk is not null) disks.Add(disk);
        }
        return disks;
    }

    private IReadOnlyList<DeviceNic> ReadNics() =>
    [
        .. _items.Strings("vif").Select((text, index) => SpecificationText.Parameters(text).Aggregate(
            NicReader.WithDefaults(_context.Global) with { Devid = index },
            (nic, parameter) => NicReader.Apply(nic, parameter.ToString(),
                message => Diagnostics.Error(parameter.Position, $"'vif': {message}"), message => Diagnostics.Warn(parameter.Position, $"'vif': {message}")))),
    ];

    private IReadOnlyList<DevicePci> ReadPcis()
    {
        RdmReservePolicy? policy = _type == DomainType.Hvm ? ReadRdm()?.Policy : RdmReservePolicy.Strict;
        var defaults = new DevicePci
        {
            Msitranslate = _items.Flag("pci_msitranslate") ?? false,
            PowerMgmt = _items.Flag("pci_power_mgmt") ?? false,
            Permissive = _items.Flag("pci_permissive") ?? false,
            Seize = _items.Flag("pci_seize") ?? false,
            RdmPolicy = policy,
        };
        var devices = new List<DevicePci>();
        foreach (TextValue text in _items.Strings("pci"))
        {
            if (PciReader.TryRead(text.Text, defaults, out DevicePci device, out string fault)) devices.Add(device);
            else Diagnostics.Error(text.Position, $"'pci': {fault}");
        }
        return devices;
    }

    /// <summary>Those of <c>vfb=</c>; for a PV guest without any, the one that <c>vnc=1</c> at the top asks for.</summary>
    private IReadOnlyList<DeviceVfb> ReadVfbs()
    {
        List<DeviceVfb> vfbs = [.. _items.Strings("vfb").Select(ReadVfb)];
        if (_type == DomainType.Pv && vfbs.Count == 0 && _items.Flag("vnc") == true)
            vfbs.Add(new DeviceVfb { Devid = 0, Vnc = ReadVnc(), Sdl = ReadSdl(), Keymap = _items.Text("keymap") });
        return vfbs;
    }

    private DeviceVfb ReadVfb(TextValue text, int index)
    {
        var vfb = new DeviceVfb { Devid = index };
        foreach (Parameter parameter in SpecificationText.Parameters(text))
        {
            if (parameter.Value is not { } value)
            {
                Diagnostics.Warn(parameter.Position, $"'vfb': '{parameter}' has no '='; it and what follows is ignored");
                break;
            }
            bool flag = SpecificationText.Atoi(value) != 0;
            switch (parameter.Key)
            {
                case "vnc": vfb = vfb with { Vnc = vfb.Vnc with { Enable = flag } }; break;
                case "vnclisten": vfb = vfb with { Vnc = vfb.Vnc with { Listen = value } }; break;
                case "vncpasswd": vfb = vfb with { Vnc = vfb.Vnc with { Passwd = value } }; break;
                case "vncdisplay": vfb = vfb with { Vnc = vfb.Vnc with { Display = SpecificationText.Atoi(value) } }; break;
                case "vncunused": vfb = vfb with { Vnc = vfb.Vnc with { Findunused = flag } }; break;
                case "keymap": vfb = vfb with { Keymap = value }; break;
                case "sdl": vfb = vfb with { Sdl = vfb.Sdl with { Enable = flag } }; break;
                case "opengl": vfb = vfb with { Sdl = vfb.Sdl with { Opengl = flag } }; break;
                case "display": vfb = vfb with { Sdl = vfb.Sdl with { Display = value } }; break;
                case "xauthority": vfb = vfb with { Sdl = vfb.Sdl with { Xauthority = value } }; break;
                default: Diagnostics.Warn(parameter.Position, $"'vfb': '{parameter}' is no parameter of a screen, and has no effect"); break;
            }
        }
        return vfb;
    }

    /// <summary>One for each screen, then those of <c>vkb=</c>.</summary>
    private IReadOnlyList<DeviceVkb> ReadVkbs(int vfbCount) =>
    [
        .. Enumerable.Range(0, vfbCount).Select(index => new DeviceVkb { Devid = index }),
        .. _items.Strings("vkb").Select((text, index) => ReadVkb(text, vfbCount + index)),
    ];

    private DeviceVkb ReadVkb(TextValue text, int devid)
    {
        var vkb = new DeviceVkb { Devid = devid };
        foreach (Parameter parameter in SpecificationText.Parameters(text))
        {
            string value = parameter.Value ?? "";
            int at = 0;
            uint number = CNumber.TryReadUnsigned(value, ref at, 0, out ulong read) ? (uint)read : 0;
            DeviceVkb? changed = parameter.Value is null ? null : parameter.Key switch
            {
                "backend" => vkb with { BackendDomname = value },
                "backend-type" => vkb with { BackendType = ReadChoice<VkbBackend>(parameter) },
                "unique-id" => vkb with { UniqueId = value },
                "feature-disable-keyboard" => vkb with { FeatureDisableKeyboard = number != 0 },
                "feature-disable-pointer" => vkb with { FeatureDisablePointer = number != 0 },
                "feature-abs-pointer" => vkb with { FeatureAbsPointer = number != 0 },
                "feature-raw-pointer" => vkb with { FeatureRawPointer = number != 0 },
                "feature-multi-touch" => vkb with { FeatureMultiTouch = number != 0 },
                "multi-touch-width" => vkb with { MultiTouchWidth = number },
                "multi-touch-height" => vkb with { MultiTouchHeight = number },
                "multi-touch-num-contacts" => vkb with { MultiTouchNumContacts = number },
                "width" => vkb with { Width = number },
                "height" => vkb with { Height = number },
                _ => null,
            };
            if (changed is null) Unknown("vkb", parameter);
            vkb = changed ?? vkb;
        }
        if (vkb.BackendType == VkbBackend.Unknown) Diagnostics.Error(text.Position, "'vkb': 'backend-type' must be given");
        bool hasTouchSizes = (vkb.MultiTouchWidth | vkb.MultiTouchHeight | vkb.MultiTouchNumContacts) != 0;
        if (vkb.FeatureMultiTouch && !hasTouchSizes)
            Diagnostics.Error(text.Position, "'vkb': feature-multi-touch needs multi-touch-width, multi-touch-height and multi-touch-num-contacts");
        return vkb with { FeatureMultiTouch = vkb.FeatureMultiTouch || hasTouchSizes };
    }

    private IReadOnlyList<DeviceVtpm> ReadVtpms() =>
    [
        .. _items.Strings("vtpm").Select((text, index) =>
        {
            Dictionary<string, TextValue> pairs = ReadPairs("vtpm", text, "backend", "uuid");
            if (!pairs.ContainsKey("backend")) Diagnostics.Error(text.Position, "'vtpm': 'backend' must be given");
            return new DeviceVtpm { Devid = index, BackendDomname = pairs.GetValueOrDefault("backend")?.Text, Uuid = ReadUuid("vtpm", pairs.GetValueOrDefault("uuid")) ?? default };
        }),
    ];

    /// <summary>A 9pfs share. (libxl's own initialisation, called twice by xl, loses the device's number.)</summary>
    private IReadOnlyList<DeviceP9> ReadP9s()
    {
        // xl keeps what one share said for the next that does not say it.
        var pairs = new Dictionary<string, TextValue>();
        var shares = new List<DeviceP9>();
        foreach (TextValue text in _items.Strings("p9"))
        {
            foreach ((string key, TextValue value) in ReadPairs("p9", text, "security_model", "path", "tag", "backend")) pairs[key] = value;
            foreach (string key in (string[])["tag", "security_model", "path"])
            {
                if (!pairs.ContainsKey(key)) Diagnostics.Error(text.Position, $"'p9': '{key}' must be given");
            }
            shares.Add(new DeviceP9
            {
                Tag = pairs.GetValueOrDefault("tag")?.Text,
                Path = pairs.GetValueOrDefault("path")?.Text,
                SecurityModel = pairs.GetValueOrDefault("security_model")?.Text,
                BackendDomname = pairs.GetValueOrDefault("backend")?.Text,
            });
        }
        return shares;
    }

    private IReadOnlyList<DevicePvcallsif> ReadPvcalls() =>
        [.. _items.Strings("pvcalls").Select((text, index) => new DevicePvcallsif { Devid = index, BackendDomname = ReadPairs("pvcalls", text, "backend").GetValueOrDefault("backend")?.Text })];

    private IReadOnlyList<DeviceUsbctrl> ReadUsbctrls() =>
    [
        .. _items.Strings("usbctrl").Select((text, index) =>
        {
            var controller = new DeviceUsbctrl { Devid = index };
            foreach (Parameter parameter in SpecificationText.Parameters(text))
            {
                switch (parameter.Key)
                {
                    case "type" when parameter.Value is not null: controller = controller with { Type = ReadChoice<UsbctrlType>(parameter) }; break;
                    case "version" when parameter.Value is not null: controller = controller with { Version = SpecificationText.Atoi(parameter.Value) }; break;
                    case "ports" when parameter.Value is not null: controller = controller with { Ports = SpecificationText.Atoi(parameter.Value) }; break;
                    default: Unknown("usbctrl", parameter); break;
                }
            }
            return controller;
        }),
    ];

    private IReadOnlyList<DeviceUsbdev> ReadUsbdevs() =>
    [
        .. _items.Strings("usbdev").Select(text =>
        {
            var device = new DeviceUsbdev { Hostdev = new UsbHostDevice() };
            foreach (Parameter parameter in SpecificationText.Parameters(text))
            {
                string value = parameter.Value ?? "";
                int at = 0;
                byte number = CNumber.TryReadUnsigned(value, ref at, 0, out ulong read) ? (byte)read : (byte)0;
                switch (parameter.Key)
                {
                    case "type" when value.Equals("hostdev", StringComparison.OrdinalIgnoreCase): break;
                    case "type" when parameter.Value is not null: Diagnostics.Error(parameter.Position, $"'usbdev': type: '{value}' is not hostdev"); break;
                    case "hostbus" when parameter.Value is not null: device = device with { Hostdev = device.Hostdev! with { Hostbus = number } }; break;
                    case "hostaddr" when parameter.Value is not null: device = device with { Hostdev = device.Hostdev! with { Hostaddr = number } }; break;
                    case "controller" when parameter.Value is not null: device = device with { Ctrl = SpecificationText.Atoi(value) }; break;
                    case "port" when parameter.Value is not null: device = device with { Port = SpecificationText.Atoi(value) }; break;
                    default: Unknown("usbdev", parameter); break;
                }
            }
            return device;
        }),
    ];

    /// <summary>Pairs of known keys. Another key is an error; a parameter without '=' ends the reading, as in xl.</summary>
    private Dictionary<string, TextValue> ReadPairs(string item, TextValue text, params ReadOnlySpan<string> known)
    {
        var pairs = new Dictionary<string, TextValue>();
        foreach (Parameter parameter in SpecificationText.Parameters(text))
        {
            if (parameter.Value is null)
            {
                Diagnostics.Warn(parameter.Position, $"'{item}': '{parameter}' has no '='; it and what follows is ignored");
                break;
            }
            if (known.Contains(parameter.Key)) pairs[parameter.Key] = new TextValue(parameter.Value, parameter.Position, IsQuoted: false);
            else Unknown(item, parameter);
        }
        return pairs;
    }

    private T ReadChoice<T>(Parameter parameter) where T : struct, Enum =>
        _items.Choice<T>(parameter.Key, new TextValue(parameter.Value ?? "", parameter.Position, IsQuoted: false)) ?? default;

    private void Unknown(string item, Parameter parameter) => Diagnostics.Error(parameter.Position, $"'{item}': '{parameter}' is not understood");
}
