// SPDX-License-Identifier: MIT
// Makes the model of a domain of its parsed file: the order of work, and what creates the empty domain. Behaviour: parse_config_data of tools/xl/xl_parse.c.
using System;
using System.Collections.Generic;
using System.Linq;

namespace XenSharp.Configuration.Reading;

/// <summary>
/// Reads one file. Every item is looked at whatever was wrong before, so that all errors of the file are told at once. Where xl goes on after a complaint this
/// one does so too; where xl would build another domain than the file describes, it is an error here.
/// </summary>
internal sealed partial class DomainConfigurationReader
{
    private readonly ConfigurationFile _file;
    private readonly ConfigurationContext _context;
    private readonly ItemReader _items;
    private readonly DomainType _type;

    private DomainConfigurationReader(ConfigurationFile file, ConfigurationContext context)
    {
        _file = file;
        _context = context;
        _items = new ItemReader(file);
        _type = ReadType();
    }

    private Diagnostics Diagnostics => _file.Diagnostics;

    public static DomainConfiguration Read(ConfigurationFile file, ConfigurationContext context)
    {
        var reader = new DomainConfigurationReader(file, context);
        DomainConfiguration configuration = reader.Read();
        reader.RemarkOnItems();
        return configuration;
    }

    private DomainConfiguration Read()
    {
        IReadOnlyList<DeviceVfb> vfbs = ReadVfbs();
        IReadOnlyList<DevicePci> pcidevs = ReadPcis();
        return new DomainConfiguration
        {
            CreateInfo = ReadCreateInfo(),
            BuildInfo = ReadBuildInfo(pcidevs.Count > 0),
            Disks = ReadDisks(),
            Nics = ReadNics(),
            Pcidevs = pcidevs,
            Dtdevs = [.. _items.Texts("dtdev").Select(path => new DeviceDtdev { Path = path })],
            Vfbs = vfbs,
            Vkbs = ReadVkbs(vfbs.Count),
            Vtpms = ReadVtpms(),
            P9s = ReadP9s(),
            Pvcallsifs = ReadPvcalls(),
            Vdispls = ReadVdispls(),
            Vsnds = ReadVsnds(),
            Channels = ReadChannels(),
            Usbctrls = ReadUsbctrls(),
            Usbdevs = ReadUsbdevs(),
            OnPoweroff = ReadAction("on_poweroff", ActionOnShutdown.Destroy),
            OnReboot = ReadAction("on_reboot", ActionOnShutdown.Restart),
            OnWatchdog = ReadAction("on_watchdog", ActionOnShutdown.Destroy),
            OnCrash = ReadAction("on_crash", ActionOnShutdown.Destroy),
            OnSoftReset = ReadAction("on_soft_reset", ActionOnShutdown.SoftReset),
        };
    }

    private DomainType ReadType()
    {
        DomainType? type = null;
        if (_items.Single("type") is { } text)
        {
            type = ByPrefix(text, ("hvm", DomainType.Hvm), ("pv", DomainType.Pv), ("pvh", DomainType.Pvh));
            if (type is null) Diagnostics.Error(text.Position, $"'type': '{text.Text}' is none of pv, pvh, hvm");
        }
        if (_items.Single("builder") is { } builder)
        {
            DomainType? built = ByPrefix(builder, ("hvm", DomainType.Hvm), ("generic", DomainType.Pv));
            if (built is null) Diagnostics.Error(builder.Position, $"'builder': '{builder.Text}' is none of generic, hvm");
            else if (type is not null && type != built) Diagnostics.Error(builder.Position, $"'builder' contradicts 'type' at {_items.At("type")}");
            type ??= built;
        }
        return type ?? DomainType.Pv;
    }

    /// <summary>xl takes any beginning of a name for the name, the first in its order; so does this, with a word of warning.</summary>
    private DomainType? ByPrefix(TextValue text, params ReadOnlySpan<(string Name, DomainType Type)> known)
    {
        foreach ((string name, DomainType type) in known)
        {
            if (!name.StartsWith(text.Text, StringComparison.Ordinal)) continue;
            if (name.Length != text.Text.Length) Diagnostics.Warn(text.Position, $"'{text.Text}' is taken for '{name}'");
            return type;
        }
        return null;
    }

    private DomainCreateInfo ReadCreateInfo()
    {
        string? name = _items.Text("name");
        if (name is null) Diagnostics.Error(_items.At("name"), "the domain has no name: 'name' must be given");
        string? initLabel = _items.Text("init_seclabel");
        return new DomainCreateInfo
        {
            Type = _type,
            Hap = _items.Flag("hap"),
            Oos = _items.Flag("oos"),
            SsidLabel = initLabel ?? _items.Text("seclabel"),
            Name = name,
            Uuid = ReadUuid("uuid", _items.Single("uuid")) ?? Guid.NewGuid(),
            PoolName = _items.Text("pool"),
            RunHotplugScripts = _context.Global.RunHotplugScripts,
            DriverDomain = _items.Flag("driver_domain"),
            Passthrough = _items.Choice<Passthrough>("passthrough") ?? Passthrough.Default,
            XendSuspendEvtchnCompat = _items.Flag("xend_suspend_evtchn_compat"),
        };
    }

    private Guid? ReadUuid(string name, TextValue? text)
    {
        if (text is null) return null;
        if (Guid.TryParseExact(text.Text, "D", out Guid uuid)) return uuid;
        Diagnostics.Error(text.Position, $"'{name}': '{text.Text}' is no UUID, such as 01234567-89ab-cdef-0123-456789abcdef");
        return null;
    }

    private ActionOnShutdown ReadAction(string name, ActionOnShutdown otherwise)
    {
        if (_items.Single(name) is not { } text) return otherwise;
        ActionOnShutdown? action = text.Text switch
        {
            "destroy" => ActionOnShutdown.Destroy,
            "restart" => ActionOnShutdown.Restart,
            "rename-restart" => ActionOnShutdown.RestartRename,
            "preserve" => ActionOnShutdown.Preserve,
            "coredump-destroy" => ActionOnShutdown.CoredumpDestroy,
            "coredump-restart" => ActionOnShutdown.CoredumpRestart,
            "soft-reset" => ActionOnShutdown.SoftReset,
            _ => null,
        };
        if (action is null)
        {
            Diagnostics.Error(text.Position,
                $"'{name}': '{text.Text}' is none of destroy, restart, rename-restart, preserve, coredump-destroy, coredump-restart, soft-reset");
        }
        return action ?? otherwise;
    }

    /// <summary>Names what xl passes over without a word: unknown items, items of other guest types; and what is not supported yet.</summary>
    private void RemarkOnItems()
    {
        if (_type != DomainType.Pvh)
        {
            Diagnostics.Unsupported(_items.At(_items.Has("type") ? "type" : "builder"),
                $"{EnumNames<DomainType>.NameOf(_type).ToUpperInvariant()} guests{(_items.Has("type") || _items.Has("builder") ? "" : ", which a file without 'type' asks for")}");
        }
        ItemGuests guest = _type switch { DomainType.Pv => ItemGuests.Pv, DomainType.Pvh => ItemGuests.Pvh, _ => ItemGuests.Hvm };
        foreach (ConfigurationSetting setting in _file.Settings.Values)
        {
            if (DomainItems.Find(setting.Name) is not { } item)
            {
                string hint = DomainItems.Closest(setting.Name) is { } closest ? $"; perhaps '{closest}' was meant" : "";
                Diagnostics.Warn(setting.Position, $"'{setting.Name}' is no item of xl.cfg(5), and has no effect{hint}");
            }
            else if (item.Status == ItemStatus.Removed)
            {
                Diagnostics.Warn(setting.Position, $"'{setting.Name}' has no effect: {item.Remark}");
            }
            else if ((item.Guests & guest) == 0)
            {
                Diagnostics.Warn(setting.Position, $"'{setting.Name}' has no effect on this guest: it is for {Describe(item.Guests)}");
            }
            else if (item.Status == ItemStatus.Deprecated)
            {
                Diagnostics.Warn(setting.Position, $"'{setting.Name}' is deprecated: use '{item.Remark}'");
            }
            else if (item.Status == ItemStatus.NotYet && AsksForSomething(item, setting.Value))
            {
                Diagnostics.Unsupported(setting.Position, $"'{setting.Name}'");
            }
        }
    }

    /// <summary>An empty list or a switch turned off asks for nothing.</summary>
    private bool AsksForSomething(ConfigurationItem item, ConfigurationValue value) => value switch
    {
        ListValue list => list.Items.Count > 0,
        TextValue text when item.Form is ItemForm.Flag or ItemForm.FlagOrList or ItemForm.NumberOrText => CNumber.TryParseLong(text.Text, out long number) ? number != 0 : text.Text.Length > 0,
        TextValue text => text.Text.Length > 0,
        _ => true,
    };

    private static string Describe(ItemGuests guests) => guests switch
    {
        ItemGuests.Pv => "PV guests",
        ItemGuests.Pvh => "PVH guests",
        ItemGuests.Hvm => "HVM guests",
        ItemGuests.PvAndPvh => "PV and PVH guests",
        ItemGuests.PvhAndHvm => "PVH and HVM guests",
        ItemGuests.Arm => "guests on Arm",
        _ => "PV and HVM guests",
    };
}
