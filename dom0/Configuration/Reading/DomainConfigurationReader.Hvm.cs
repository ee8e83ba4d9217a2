// SPDX-License-Identifier: MIT
// What only HVM guests have, and ports, interrupts and memory of the host's devices.
using System;
using System.Collections.Generic;
using System.Linq;

namespace XenSharp.Configuration.Reading;

internal sealed partial class DomainConfigurationReader
{
    /// <summary>Where Debian's package keeps firmware for guests.</summary>
    private const string FirmwareDirectory = "/usr/lib/xen-4.17/boot";

    private HvmBuildInfo ReadHvm()
    {
        (BiosType bios, string? firmware) = ReadFirmware();
        (bool? viridian, Bitmap? enable, Bitmap? disable) = ReadViridian();
        (bool? gfxPassthru, GfxPassthruKind gfxKind) = ReadGfxPassthru();
        var vnc = ReadVnc();
        if (vnc is { Listen: { } listen, Display: not 0 } && listen.Contains(':'))
            _items.Error("vncdisplay", "the display is given both in 'vnclisten' and in 'vncdisplay'");
        return new HvmBuildInfo
        {
            Firmware = firmware,
            Bios = bios,
            Pae = _items.Flag("pae"),
            AcpiS3 = _items.Flag("acpi_s3"),
            AcpiS4 = _items.Flag("acpi_s4"),
            AcpiLaptopSlate = _items.Flag("acpi_laptop_slate"),
            Nx = _items.Flag("nx"),
            Viridian = viridian,
            ViridianEnable = enable,
            ViridianDisable = disable,
            Hpet = _items.Flag("hpet"),
            VptAlign = _items.Flag("vpt_align"),
            MmioHoleMemkb = ReadMmioHole(),
            Altp2m = _items.Flag("altp2mhvm"),
            SystemFirmware = _items.Text("bios_path_override"),
            SmbiosFirmware = _items.Text("smbios_firmware"),
            AcpiFirmware = _items.Text("acpi_firmware"),
            Hdtype = _items.Choice<HdType>("hdtype") ?? HdType.Ide,
            Nographic = _items.Flag("nographic"),
            Vga = new VgaInterfaceInfo { Kind = ReadVga() },
            Vnc = vnc,
            Keymap = _items.Text("keymap"),
            Sdl = ReadSdl(),
            Spice = ReadSpice(),
            GfxPassthru = gfxPassthru,
            GfxPassthruKind = gfxKind,
            Serial = _items.IsList("serial") ? null : _items.Text("serial"),
            Boot = _items.Text("boot"),
            Usb = _items.Flag("usb"),
            Usbversion = _items.Int("usbversion") ?? 0,
            Usbdevice = _items.IsList("usbdevice") ? null : _items.Text("usbdevice"),
            VkbDevice = _items.Flag("vkb_device"),
            Soundhw = _items.Text("soundhw"),
            XenPlatformPci = _items.Flag("xen_platform_pci"),
            UsbdeviceList = _items.IsList("usbdevice") ? _items.Texts("usbdevice") : [],
            VendorDevice = _items.Choice<VendorDevice>("vendor_device") ?? VendorDevice.None,
            MsVmGenid = ReadGenerationId(),
            SerialList = _items.IsList("serial") ? _items.Texts("serial") : [],
            Rdm = ReadRdm() ?? new RdmReserve(),
            RdmMemBoundaryMemkb = _items.MegabytesAsKb("rdm_mem_boundary"),
            McaCaps = ReadMcaCaps(),
        };
    }

    /// <summary>
    /// <c>firmware=</c> counts more than <c>bios=</c> and <c>firmware_override=</c> where it says something: a known name, a word for one, or a path.
    /// </summary>
    private (BiosType Bios, string? Path) ReadFirmware()
    {
        BiosType bios = _items.Choice<BiosType>("bios") ?? BiosType.Unknown;
        string? path = _items.Text("firmware_override");
        if (!_items.Has("bios") && _items.Has("bios_path_override")) _items.Warn("bios_path_override", "'bios_path_override' is given without 'bios'");
        if (_items.Text("firmware") is not { } firmware) return (bios, path);
        if (EnumNames<BiosType>.TryParse(firmware, out BiosType named)) return (named, path);
        if ("uefi".StartsWith(firmware, StringComparison.Ordinal)) return (BiosType.Ovmf, path);
        return "bios".StartsWith(firmware, StringComparison.Ordinal) ? (bios, path) : (bios, firmware);
    }

    private (bool? Default, Bitmap? Enable, Bitmap? Disable) ReadViridian()
    {
        if (!_items.Has("viridian")) return default;
        if (!_items.IsList("viridian")) return (_items.Flag("viridian"), null, null);
        const int Width = 64;
        bool? defaults = null;
        var enable = new SortedSet<int>();
        var disable = new SortedSet<int>();
        foreach (TextValue text in _items.Strings("viridian"))
        {
            if (text.Text == "all")
            {
                enable.UnionWith(Enumerable.Range(0, Width));
                continue;
            }
            if (text.Text == "defaults")
            {
                defaults = true;
                continue;
            }
            bool isDisable = text.Text.StartsWith('!');
            if (_items.Choice<ViridianEnlightenment>("viridian", isDisable ? text with { Text = text.Text[1..] } : text) is not { } enlightenment) continue;
            (isDisable ? disable : enable).Add((int)enlightenment);
            (isDisable ? enable : disable).Remove((int)enlightenment);
        }
        return (defaults, new Bitmap(enable), new Bitmap(disable));
    }

    private (bool? Enabled, GfxPassthruKind Kind) ReadGfxPassthru()
    {
        if (_items.IsNumber("gfx_passthru")) return (_items.Flag("gfx_passthru"), GfxPassthruKind.Default);
        GfxPassthruKind? kind = _items.Choice<GfxPassthruKind>("gfx_passthru");
        return (kind is null ? null : true, kind ?? GfxPassthruKind.Default);
    }

    /// <summary>The hole lies below 4 GiB: between 256 MiB and 3840 MiB (<c>xen/include/public/hvm/e820.h</c>).</summary>
    private ulong? ReadMmioHole()
    {
        ulong? hole = _items.MegabytesAsKb("mmio_hole");
        if (hole is < 256 * 1024 or > 3840 * 1024) _items.Error("mmio_hole", $"'mmio_hole': {hole / 1024} is not between 256 and 3840");
        return hole;
    }

    private VgaInterfaceType ReadVga()
    {
        if (_items.Single("vga") is { } text)
        {
            switch (text.Text)
            {
                case "stdvga": return VgaInterfaceType.Std;
                case "cirrus": return VgaInterfaceType.Cirrus;
                case "none": return VgaInterfaceType.None;
                case "qxl": return VgaInterfaceType.Qxl;
            }
            Diagnostics.Error(text.Position, $"'vga': '{text.Text}' is none of stdvga, cirrus, qxl, none");
            return VgaInterfaceType.Unknown;
        }
        return _items.Flag("stdvga") switch { true => VgaInterfaceType.Std, false => VgaInterfaceType.Cirrus, null => VgaInterfaceType.Unknown };
    }

    private VncInfo ReadVnc() => new()
    {
        Enable = _items.Flag("vnc"),
        Listen = _items.Text("vnclisten"),
        Passwd = _items.Text("vncpasswd"),
        Display = _items.Int("vncdisplay") ?? 0,
        Findunused = _items.Flag("vncunused"),
    };

    private SdlInfo ReadSdl() => new()
    {
        Enable = _items.Flag("sdl"),
        Opengl = _items.Flag("opengl"),
        Display = _items.Text("display"),
        Xauthority = _items.Text("xauthority"),
    };

    private SpiceInfo ReadSpice() => new()
    {
        Enable = _items.Flag("spice"),
        Port = _items.Int("spiceport") ?? 0,
        TlsPort = _items.Int("spicetls_port") ?? 0,
        Host = _items.Text("spicehost"),
        DisableTicketing = _items.Flag("spicedisable_ticketing"),
        Passwd = _items.Text("spicepasswd"),
        AgentMouse = _items.Flag("spiceagent_mouse"),
        Vdagent = _items.Flag("spicevdagent"),
        ClipboardSharing = _items.Flag("spice_clipboard_sharing"),
        Usbredirection = _items.Int("spiceusbredirection") ?? 0,
        ImageCompression = _items.Text("spice_image_compression"),
        StreamingVideo = _items.Text("spice_streaming_video"),
    };

    private GenerationId? ReadGenerationId()
    {
        switch (_items.Text("ms_vm_genid"))
        {
            case "generate": return GenerationId.Generate();
            case null or "none": return null;
        }
        _items.Error("ms_vm_genid", "'ms_vm_genid' must be \"generate\" or \"none\"");
        return null;
    }

    /// <summary>
    /// <c>strategy=host,policy=strict|relaxed</c>. xl 4.17 takes a right policy for a wrong one and then passes over the whole item; here it means what the
    /// manual says.
    /// </summary>
    private RdmReserve? ReadRdm()
    {
        if (_items.Single("rdm") is not { } text) return null;
        var rdm = new RdmReserve();
        foreach (string part in text.Text.Split(','))
        {
            string[] pair = part.Split('=', 2);
            switch (pair[0])
            {
                case "strategy" when pair.Length == 2 && pair[1] == "host":
                    rdm = rdm with { Strategy = RdmReserveStrategy.Host };
                    break;
                case "policy" when pair.Length == 2 && EnumNames<RdmReservePolicy>.TryParse(pair[1], out RdmReservePolicy policy):
                    rdm = rdm with { Policy = policy };
                    break;
                default:
                    Diagnostics.Warn(text.Position, $"'rdm': '{part}' is none of strategy=host, policy=strict, policy=relaxed; 'rdm' is ignored");
                    return null;
            }
        }
        return rdm;
    }

    private ulong ReadMcaCaps()
    {
        if (!_items.Has("mca_caps")) return 0;
        if (!_items.IsList("mca_caps"))
        {
            _items.Error("mca_caps", "'mca_caps' must be a list, in brackets");
            return 0;
        }
        ulong caps = 0;
        foreach (TextValue text in _items.Strings("mca_caps"))
        {
            if (text.Text == "lmce") caps |= 1;
            else Diagnostics.Error(text.Position, $"'mca_caps': '{text.Text}' is not lmce");
        }
        return caps;
    }

    private IReadOnlyList<IoportRange> ReadIoports()
    {
        var ranges = new List<IoportRange>();
        foreach (TextValue text in _items.Strings("ioports"))
        {
            int at = 0;
            bool isRange = CNumber.TryReadUnsigned(text.Text, ref at, 16, out ulong first);
            ulong last = first;
            if (isRange && at < text.Text.Length && text.Text[at] == '-')
            {
                at++;
                isRange = CNumber.TryReadUnsigned(text.Text, ref at, 16, out last) && at == text.Text.Length;
            }
            if (!isRange || first >= uint.MaxValue || last >= uint.MaxValue || last < first)
            {
                Diagnostics.Error(text.Position, $"'ioports': '{text.Text}' is no hexadecimal port or range of ports, such as 3f8-3ff");
                continue;
            }
            if (at != text.Text.Length) Diagnostics.Warn(text.At(at), $"'ioports': '{text.Text[at..]}' behind the port is ignored");
            ranges.Add(new IoportRange { First = (uint)first, Number = (uint)(last - first + 1) });
        }
        return ranges;
    }

    private IReadOnlyList<uint> ReadIrqs()
    {
        var irqs = new List<uint>();
        foreach (TextValue text in _items.Strings("irqs"))
        {
            int at = 0;
            if (CNumber.TryReadUnsigned(text.Text, ref at, 10, out ulong irq) && at == text.Text.Length && irq < uint.MaxValue) irqs.Add((uint)irq);
            else Diagnostics.Error(text.Position, $"'irqs': '{text.Text}' is no number of an interrupt");
        }
        return irqs;
    }

    private IReadOnlyList<IomemRange> ReadIomem()
    {
        var ranges = new List<IomemRange>();
        foreach (TextValue text in _items.Strings("iomem"))
        {
            int at = 0;
            ulong number = 0, gfn = 0;
            bool hasGfn = false;
            bool isRange = CNumber.TryReadUnsigned(text.Text, ref at, 16, out ulong start) && SkipSign(',') && CNumber.TryReadUnsigned(text.Text, ref at, 16, out number);
            if (isRange && SkipSign('@'))
            {
                hasGfn = CNumber.TryReadUnsigned(text.Text, ref at, 16, out gfn);
                isRange = hasGfn;
            }
            if (isRange && at == text.Text.Length)
                ranges.Add(new IomemRange { Start = start, Number = number, Gfn = hasGfn && gfn != ulong.MaxValue ? gfn : null });
            else
                Diagnostics.Error(text.Position, $"'iomem': '{text.Text}' has not the form START,COUNT or START,COUNT@GFN, in hexadecimal frames");

            bool SkipSign(char sign)
            {
                if (at >= text.Text.Length || text.Text[at] != sign) return false;
                at++;
                return true;
            }
        }
        return ranges;
    }
}
