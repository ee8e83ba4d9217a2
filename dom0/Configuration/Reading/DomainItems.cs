// SPDX-License-Identifier: MIT
// Every item that xl 4.17 knows in a domain's configuration: those of xl.cfg(5), and those that only tools/xl/xl_parse.c names.
using System.Collections.Frozen;
using System.Collections.Generic;
using System.Linq;
using static XenSharp.Configuration.ItemForm;
using static XenSharp.Configuration.ItemGuests;
using static XenSharp.Configuration.ItemStatus;

namespace XenSharp.Configuration;

/// <summary>The table of items of xl.cfg.</summary>
public static class DomainItems
{
    /// <summary>All of them, in the order of the manual.</summary>
    public static IReadOnlyList<ConfigurationItem> All { get; } =
    [
        new("name", Text, ItemGuests.All, Supported),
        new("type", Text, ItemGuests.All, Supported),
        new("builder", Text, ItemGuests.All, Deprecated, "type"),
        new("pool", Text, ItemGuests.All, Supported),
        new("vcpus", Number, ItemGuests.All, Supported),
        new("maxvcpus", Number, ItemGuests.All, Supported),
        new("cpus", TextOrList, ItemGuests.All, Supported),
        new("cpus_soft", TextOrList, ItemGuests.All, Supported),
        new("cpu_weight", Number, ItemGuests.All, Supported),
        new("cap", Number, ItemGuests.All, Supported),
        new("period", Number, ItemGuests.All, Supported),
        new("extratime", Number, ItemGuests.All, Supported),
        new("slice", Number, ItemGuests.All, Removed, "the scheduler that it was for is gone"),
        new("latency", Number, ItemGuests.All, Removed, "the scheduler that it was for is gone"),
        new("memory", Number, ItemGuests.All, Supported),
        new("maxmem", Number, ItemGuests.All, Supported),
        new("vnuma", List, ItemGuests.All, NotYet),
        new("on_poweroff", Text, ItemGuests.All, Supported),
        new("on_reboot", Text, ItemGuests.All, Supported),
        new("on_watchdog", Text, ItemGuests.All, Supported),
        new("on_crash", Text, ItemGuests.All, Supported),
        new("on_soft_reset", Text, ItemGuests.All, Supported),
        new("kernel", Text, ItemGuests.All, Supported),
        new("ramdisk", Text, ItemGuests.All, Supported),
        new("cmdline", Text, ItemGuests.All, Supported),
        new("root", Text, ItemGuests.All, Supported),
        new("extra", Text, ItemGuests.All, Supported),
        new("firmware", Text, ItemGuests.All, NotYet),
        new("pvshim", Flag, Pvh, NotYet),
        new("pvshim_path", Text, Pvh, NotYet),
        new("pvshim_cmdline", Text, Pvh, NotYet),
        new("pvshim_extra", Text, Pvh, NotYet),
        new("uuid", Text, ItemGuests.All, Supported),
        new("seclabel", Text, ItemGuests.All, NotYet),
        new("init_seclabel", Text, ItemGuests.All, NotYet),
        new("max_grant_frames", Number, ItemGuests.All, Supported),
        new("max_maptrack_frames", Number, ItemGuests.All, Supported),
        new("max_grant_version", Number, ItemGuests.All, Supported),
        new("nomigrate", Flag, ItemGuests.All, Supported),
        new("driver_domain", Flag, ItemGuests.All, Supported),
        new("device_tree", Text, Arm, NotYet),
        new("passthrough", Text, ItemGuests.All, NotYet),
        new("xend_suspend_evtchn_compat", Flag, ItemGuests.All, Supported),
        new("vmtrace_buf_kb", Number, ItemGuests.All, NotYet),
        new("vpmu", Flag, ItemGuests.All, NotYet),
        new("disk", List, ItemGuests.All, Supported),
        new("vif", List, ItemGuests.All, Supported),
        new("vif2", List, ItemGuests.All, Removed, "netchannel2 is gone; 'vif' it is"),
        new("vtpm", List, ItemGuests.All, NotYet),
        new("p9", List, ItemGuests.All, Supported),
        new("pvcalls", List, ItemGuests.All, NotYet),
        new("vfb", List, ItemGuests.All, Supported),
        new("channel", List, ItemGuests.All, Supported),
        new("rdm", Text, Hvm, NotYet),
        new("usbctrl", List, ItemGuests.All, NotYet),
        new("usbdev", List, ItemGuests.All, NotYet),
        new("pci", List, ItemGuests.All, NotYet),
        new("pci_permissive", Flag, ItemGuests.All, Supported),
        new("pci_msitranslate", Flag, ItemGuests.All, Supported),
        new("pci_seize", Flag, ItemGuests.All, Supported),
        new("pci_power_mgmt", Flag, ItemGuests.All, Supported),
        new("gfx_passthru", NumberOrText, Hvm, NotYet),
        new("rdm_mem_boundary", Number, Hvm, NotYet),
        new("dtdev", List, Arm, NotYet),
        new("ioports", List, ItemGuests.All, NotYet),
        new("iomem", List, ItemGuests.All, NotYet),
        new("irqs", List, ItemGuests.All, NotYet),
        new("max_event_channels", Number, ItemGuests.All, Supported),
        new("vdispl", List, ItemGuests.All, NotYet),
        new("dm_restrict", Flag, Hvm, NotYet),
        new("device_model_user", Text, Hvm, NotYet),
        new("vsnd", List, ItemGuests.All, NotYet),
        new("vkb", List, ItemGuests.All, Supported),
        new("tee", Text, Arm, NotYet),
        new("bootloader", Text, PvAndPvh, Supported),
        new("bootloader_args", TextOrList, PvAndPvh, Supported),
        new("e820_host", Flag, Pv, NotYet),
        new("boot", Text, Hvm, NotYet),
        new("hdtype", Text, Hvm, NotYet),
        new("hap", Flag, PvhAndHvm, Supported),
        new("oos", Flag, PvhAndHvm, Supported),
        new("shadow_memory", Number, PvhAndHvm, Supported),
        new("bios", Text, Hvm, NotYet),
        new("bios_path_override", Text, Hvm, NotYet),
        new("firmware_override", Text, Hvm, NotYet),
        new("pae", Flag, Hvm, NotYet),
        new("acpi", Flag, ItemGuests.All, Supported),
        new("acpi_s3", Flag, Hvm, NotYet),
        new("acpi_s4", Flag, Hvm, NotYet),
        new("acpi_laptop_slate", Flag, Hvm, NotYet),
        new("apic", Flag, Hvm, NotYet),
        new("nx", Flag, Hvm, NotYet),
        new("hpet", Flag, Hvm, NotYet),
        new("altp2m", NumberOrText, Hvm, NotYet),
        new("altp2mhvm", Flag, Hvm, Deprecated, "altp2m"),
        new("nestedhvm", Flag, PvhAndHvm, NotYet),
        new("cpuid", TextOrList, ItemGuests.All, Supported),
        new("acpi_firmware", Text, Hvm, NotYet),
        new("smbios_firmware", Text, Hvm, NotYet),
        new("ms_vm_genid", Text, Hvm, NotYet),
        new("tsc_mode", NumberOrText, ItemGuests.All, Supported),
        new("localtime", Flag, ItemGuests.All, Supported),
        new("rtc_timeoffset", Number, ItemGuests.All, Supported),
        new("vpt_align", Flag, Hvm, NotYet),
        new("timer_mode", NumberOrText, PvhAndHvm, Supported),
        new("mmio_hole", Number, Hvm, NotYet),
        new("xen_platform_pci", Flag, Hvm, NotYet),
        new("viridian", FlagOrList, Hvm, NotYet),
        new("videoram", Number, Hvm, NotYet),
        new("stdvga", Flag, Hvm, Deprecated, "vga"),
        new("vga", Text, Hvm, NotYet),
        new("vnc", Flag, Pv | Hvm, NotYet),
        new("vnclisten", Text, Pv | Hvm, NotYet),
        new("vncdisplay", Number, Pv | Hvm, NotYet),
        new("vncunused", Flag, Pv | Hvm, NotYet),
        new("vncpasswd", Text, Pv | Hvm, NotYet),
        new("vncviewer", Number, Pv | Hvm, Removed, "the option -V of 'xl create' starts a viewer"),
        new("keymap", Text, Pv | Hvm, NotYet),
        new("sdl", Flag, Pv | Hvm, NotYet),
        new("opengl", Flag, Pv | Hvm, NotYet),
        new("display", Text, Pv | Hvm, NotYet),
        new("xauthority", Text, Pv | Hvm, NotYet),
        new("nographic", Flag, Hvm, NotYet),
        new("spice", Flag, Hvm, NotYet),
        new("spicehost", Text, Hvm, NotYet),
        new("spiceport", Number, Hvm, NotYet),
        new("spicetls_port", Number, Hvm, NotYet),
        new("spicedisable_ticketing", Flag, Hvm, NotYet),
        new("spicepasswd", Text, Hvm, NotYet),
        new("spiceagent_mouse", Flag, Hvm, NotYet),
        new("spicevdagent", Flag, Hvm, NotYet),
        new("spice_clipboard_sharing", Flag, Hvm, NotYet),
        new("spiceusbredirection", Number, Hvm, NotYet),
        new("spice_image_compression", Text, Hvm, NotYet),
        new("spice_streaming_video", Text, Hvm, NotYet),
        new("serial", TextOrList, Hvm, NotYet),
        new("soundhw", Text, Hvm, NotYet),
        new("vkb_device", Flag, Hvm, NotYet),
        new("usb", Flag, Hvm, NotYet),
        new("usbversion", Number, Hvm, NotYet),
        new("usbdevice", TextOrList, Hvm, NotYet),
        new("vendor_device", Text, Hvm, NotYet),
        new("device_model_version", Text, ItemGuests.All, Supported),
        new("device_model", Text, ItemGuests.All, Removed, "device_model_override names another device model"),
        new("device_model_override", Text, ItemGuests.All, Supported),
        new("stubdomain_kernel", Text, Hvm, NotYet),
        new("stubdomain_cmdline", Text, Hvm, NotYet),
        new("stubdomain_ramdisk", Text, Hvm, NotYet),
        new("stubdomain_memory", Number, Hvm, NotYet),
        new("device_model_stubdomain_override", Flag, Hvm, NotYet),
        new("device_model_stubdomain_seclabel", Text, Hvm, NotYet),
        new("device_model_args", List, ItemGuests.All, Supported),
        new("device_model_args_pv", List, PvAndPvh, Supported),
        new("device_model_args_hvm", List, Hvm, NotYet),
        new("gic_version", Text, Arm, NotYet),
        new("vuart", Text, Arm, NotYet),
        new("mca_caps", List, Hvm, NotYet),
        new("msr_relaxed", Flag, ItemGuests.All, Supported),
    ];

    private static readonly FrozenDictionary<string, ConfigurationItem> ByName = All.ToFrozenDictionary(item => item.Name);

    /// <summary>The item of a name, or null when xl 4.17 knows none.</summary>
    public static ConfigurationItem? Find(string name) => ByName.GetValueOrDefault(name);

    /// <summary>The item that a name was perhaps meant to be, or null.</summary>
    public static string? Closest(string name) =>
        All.Select(item => (item.Name, Distance: Distance(name, item.Name))).Where(pair => pair.Distance <= 2 && pair.Distance < pair.Name.Length)
            .OrderBy(pair => pair.Distance).Select(pair => pair.Name).FirstOrDefault();

    /// <summary>Letters to be changed, added or removed to make one name of the other.</summary>
    private static int Distance(string from, string to)
    {
        if (from.Length > 64) return int.MaxValue;
        int[] row = [.. Enumerable.Range(0, to.Length + 1)];
        for (int i = 1; i <= from.Length; i++)
        {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= to.Length; j++)
            {
                int above = row[j];
                row[j] = System.Math.Min(System.Math.Min(row[j] + 1, row[j - 1] + 1), diagonal + (from[i - 1] == to[j - 1] ? 0 : 1));
                diagonal = above;
            }
        }
        return row[to.Length];
    }
}
