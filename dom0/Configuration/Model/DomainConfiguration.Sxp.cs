// SPDX-License-Identifier: MIT
// A configuration as S-expressions, the form of programs for tools before xl (output_format="sxp" in xl.conf). Behaviour: tools/xl/xl_sxp.c.
using System.Globalization;
using System.Text;

namespace XenSharp.Configuration;

public sealed partial record DomainConfiguration
{
    /// <summary>
    /// The S-expression that xl prints. xl gives up in the midst of it at a PVH guest; here a PVH guest's image is described as a PV guest's is.
    /// </summary>
    /// <param name="domid">The domain's id, -1 for none yet.</param>
    /// <param name="uuid">The running domain's identity, null for none yet.</param>
    public string ToSxp(int domid = -1, string? uuid = null)
    {
        var text = new StringBuilder();
        DomainBuildInfo build = BuildInfo;
        text.Append(CultureInfo.InvariantCulture, $"(domain\n\t(domid {domid})\n\t(create_info)\n\t(hvm {(build.Hvm is null ? 0 : 1)})\n");
        text.Append(CultureInfo.InvariantCulture, $"\t(hap {Word(CreateInfo.Hap)})\n\t(oos {Word(CreateInfo.Oos)})\n\t(ssidref {CreateInfo.Ssidref})\n");
        text.Append(CultureInfo.InvariantCulture, $"\t(name {Word(CreateInfo.Name)})\n\t(uuid {uuid ?? "<unknown>"})\n");
        if (CreateInfo.PoolName is { } pool) text.Append(CultureInfo.InvariantCulture, $"\t(cpupool {pool})\n");
        text.Append(CultureInfo.InvariantCulture, $"\t(xsdata {(CreateInfo.Xsdata.Count > 0 ? "contains data" : "(null)")})\n");
        text.Append(CultureInfo.InvariantCulture, $"\t(platformdata {(CreateInfo.Platformdata.Count > 0 ? "contains data" : "(null)")})\n");
        text.Append(CultureInfo.InvariantCulture, $"\t(build_info)\n\t(max_vcpus {build.MaxVcpus})\n");
        text.Append(CultureInfo.InvariantCulture, $"\t(max_grant_frames {(int?)build.MaxGrantFrames ?? -1})\n\t(max_maptrack_frames {(int?)build.MaxMaptrackFrames ?? -1})\n");
        text.Append(CultureInfo.InvariantCulture, $"\t(tsc_mode {EnumNames<TscMode>.NameOf(build.TscMode)})\n\t(max_memkb {Word(build.MaxMemkb)})\n\t(target_memkb {Word(build.TargetMemkb)})\n");
        text.Append(CultureInfo.InvariantCulture, $"\t(nomigrate {Word(build.DisableMigrate)})\n");
        if (build is { Pv: not null, Bootloader: { } bootloader })
        {
            text.Append(CultureInfo.InvariantCulture, $"\t(bootloader {bootloader})\n");
            if (build.BootloaderArgs.Count > 0) text.Append(CultureInfo.InvariantCulture, $"\t(bootloader_args {string.Join(' ', build.BootloaderArgs)})\n");
        }
        text.Append("\t(image\n");
        if (build.Hvm is { } hvm) AppendHvm(text, build, hvm);
        else AppendKernel(text, build);
        text.Append("\t)\n");
        foreach (DeviceDisk disk in Disks)
        {
            text.Append(CultureInfo.InvariantCulture, $"\t(device\n\t\t(tap\n\t\t\t(backend_domid {disk.BackendDomid})\n\t\t\t(frontend_domid {domid})\n");
            text.Append(CultureInfo.InvariantCulture, $"\t\t\t(physpath {Word(disk.PdevPath)})\n\t\t\t(phystype {(int)disk.Backend})\n\t\t\t(virtpath {Word(disk.Vdev)})\n");
            text.Append(CultureInfo.InvariantCulture, $"\t\t\t(unpluggable {disk.Removable})\n\t\t\t(readwrite {disk.Readwrite})\n\t\t\t(is_cdrom {disk.IsCdrom})\n\t\t)\n\t)\n");
        }
        foreach (DeviceNic nic in Nics)
        {
            text.Append("\t(device\n\t\t(vif\n");
            if (nic.Ifname is { } name) text.Append(CultureInfo.InvariantCulture, $"\t\t\t(vifname {name})\n");
            text.Append(CultureInfo.InvariantCulture, $"\t\t\t(backend_domid {nic.BackendDomid})\n\t\t\t(frontend_domid {domid})\n\t\t\t(devid {nic.Devid ?? -1})\n");
            text.Append(CultureInfo.InvariantCulture, $"\t\t\t(mtu {nic.Mtu})\n\t\t\t(model {Word(nic.Model)})\n\t\t\t(mac {nic.Mac.ToString().Replace(":", "", System.StringComparison.Ordinal)})\n\t\t)\n\t)\n");
        }
        foreach (DevicePci pci in Pcidevs)
        {
            text.Append(CultureInfo.InvariantCulture, $"\t(device\n\t\t(pci\n\t\t\t(pci dev {pci.Domain:x4}:{pci.Bus:x2}:{pci.Dev:x2}.{pci.Func:x}@{pci.Vdevfn:x2})\n");
            text.Append(CultureInfo.InvariantCulture, $"\t\t\t(opts msitranslate {(pci.Msitranslate ? 1 : 0)} power_mgmt {(pci.PowerMgmt ? 1 : 0)})\n\t\t)\n\t)\n");
        }
        foreach (DeviceVfb vfb in Vfbs)
        {
            text.Append(CultureInfo.InvariantCulture, $"\t(device\n\t\t(vfb\n\t\t\t(backend_domid {vfb.BackendDomid})\n\t\t\t(frontend_domid {domid})\n\t\t\t(devid {vfb.Devid ?? -1})\n");
            text.Append(CultureInfo.InvariantCulture, $"\t\t\t(vnc {Word(vfb.Vnc.Enable)})\n\t\t\t(vnclisten {Word(vfb.Vnc.Listen)})\n\t\t\t(vncdisplay {vfb.Vnc.Display})\n\t\t\t(vncunused {Word(vfb.Vnc.Findunused)})\n");
            text.Append(CultureInfo.InvariantCulture, $"\t\t\t(keymap {Word(vfb.Keymap)})\n\t\t\t(sdl {Word(vfb.Sdl.Enable)})\n\t\t\t(opengl {Word(vfb.Sdl.Opengl)})\n");
            text.Append(CultureInfo.InvariantCulture, $"\t\t\t(display {Word(vfb.Sdl.Display)})\n\t\t\t(xauthority {Word(vfb.Sdl.Xauthority)})\n\t\t)\n\t)\n");
        }
        return text.Append(")\n").ToString();
    }

    private static void AppendKernel(StringBuilder text, DomainBuildInfo build)
    {
        text.Append(CultureInfo.InvariantCulture, $"\t\t(linux 0)\n\t\t\t(kernel {Word(build.Kernel)})\n\t\t\t(cmdline {Word(build.Cmdline)})\n\t\t\t(ramdisk {Word(build.Ramdisk)})\n");
        if (build.Pv is { } pv) text.Append(CultureInfo.InvariantCulture, $"\t\t\t(e820_host {Word(pv.E820Host)})\n");
        text.Append("\t\t)\n");
    }

    private static void AppendHvm(StringBuilder text, DomainBuildInfo build, HvmBuildInfo hvm)
    {
        text.Append("\t\t(hvm\n");
        Line("firmware", Word(hvm.Firmware));
        Line("video_memkb", Word(build.VideoMemkb));
        Line("shadow_memkb", Word(build.ShadowMemkb));
        Line("pae", Word(hvm.Pae));
        Line("apic", Word(build.Apic));
        Line("acpi", Word(hvm.Acpi));
        Line("nx", Word(hvm.Nx));
        Line("viridian", Word(hvm.Viridian));
        Line("hpet", Word(hvm.Hpet));
        Line("vpt_align", Word(hvm.VptAlign));
        Line("timer_mode", build.TimerMode is { } mode ? EnumNames<TimerMode>.NameOf(mode) : "unknown");
        Line("nestedhvm", Word(build.NestedHvm));
        Line("stdvga", hvm.Vga.Kind == VgaInterfaceType.Std ? "True" : "False");
        Line("vnc", Word(hvm.Vnc.Enable));
        Line("vnclisten", Word(hvm.Vnc.Listen));
        Line("vncdisplay", Word(hvm.Vnc.Display));
        Line("vncunused", Word(hvm.Vnc.Findunused));
        Line("keymap", Word(hvm.Keymap));
        Line("sdl", Word(hvm.Sdl.Enable));
        Line("opengl", Word(hvm.Sdl.Opengl));
        Line("nographic", Word(hvm.Nographic));
        Line("spice", Word(hvm.Spice.Enable));
        Line("spiceport", Word(hvm.Spice.Port));
        Line("spicetls_port", Word(hvm.Spice.TlsPort));
        Line("spicehost", Word(hvm.Spice.Host));
        Line("spicedisable_ticketing", Word(hvm.Spice.DisableTicketing));
        Line("spiceagent_mouse", Word(hvm.Spice.AgentMouse));
        Line("device_model", build.DeviceModel ?? "default");
        Line("gfx_passthru", Word(hvm.GfxPassthru));
        Line("serial", Word(hvm.Serial));
        Line("boot", Word(hvm.Boot));
        Line("usb", Word(hvm.Usb));
        Line("usbdevice", Word(hvm.Usbdevice));
        Line("vkb_device", Word(hvm.VkbDevice));
        text.Append("\t\t)\n");

        void Line(string name, string value) => text.Append(CultureInfo.InvariantCulture, $"\t\t\t({name} {value})\n");
    }

    private static string Word(bool? value) => value switch { true => "True", false => "False", null => "<default>" };

    private static string Word(string? value) => value ?? "(null)";

    private static string Word(int value) => value.ToString(CultureInfo.InvariantCulture);

    /// <summary>libxl's "not said" is all bits set, which xl prints as a signed number.</summary>
    private static string Word(ulong? value) => value?.ToString(CultureInfo.InvariantCulture) ?? "-1";
}
