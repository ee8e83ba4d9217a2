// SPDX-License-Identifier: MIT
// What only HVM guests have: firmware, emulated devices, displays.
using System.Collections.Generic;
using System.Text.Json.Serialization;

namespace XenSharp.Configuration;

/// <summary>The part of <c>libxl_domain_build_info</c> for HVM guests.</summary>
public sealed record HvmBuildInfo
{
    public string? Firmware { get; init; }
    public BiosType Bios { get; init; }
    public bool? Pae { get; init; }
    public bool? Apic { get; init; }
    public bool? Acpi { get; init; }
    [JsonPropertyName("acpi_s3")] public bool? AcpiS3 { get; init; }
    [JsonPropertyName("acpi_s4")] public bool? AcpiS4 { get; init; }
    public bool? AcpiLaptopSlate { get; init; }
    public bool? Nx { get; init; }
    public bool? Viridian { get; init; }
    /// <summary>Bits are <see cref="ViridianEnlightenment"/>.</summary>
    public Bitmap? ViridianEnable { get; init; }
    public Bitmap? ViridianDisable { get; init; }
    public string? Timeoffset { get; init; }
    public bool? Hpet { get; init; }
    public bool? VptAlign { get; init; }
    public ulong? MmioHoleMemkb { get; init; }
    public TimerMode? TimerMode { get; init; }
    public bool? NestedHvm { get; init; }
    [JsonPropertyName("altp2m")] public bool? Altp2m { get; init; }
    public string? SystemFirmware { get; init; }
    public string? SmbiosFirmware { get; init; }
    public string? AcpiFirmware { get; init; }
    public HdType Hdtype { get; init; }
    public bool? Nographic { get; init; }
    public VgaInterfaceInfo Vga { get => field ?? new(); init; }
    public VncInfo Vnc { get => field ?? new(); init; }
    public string? Keymap { get; init; }
    public SdlInfo Sdl { get => field ?? new(); init; }
    public SpiceInfo Spice { get => field ?? new(); init; }
    public bool? GfxPassthru { get; init; }
    public GfxPassthruKind GfxPassthruKind { get; init; }
    public string? Serial { get; init; }
    public string? Boot { get; init; }
    public bool? Usb { get; init; }
    public int Usbversion { get; init; }
    public string? Usbdevice { get; init; }
    public bool? VkbDevice { get; init; }
    public string? Soundhw { get; init; }
    public bool? XenPlatformPci { get; init; }
    public IReadOnlyList<string> UsbdeviceList { get => field ?? []; init; }
    public VendorDevice VendorDevice { get; init; }
    /// <summary>16 bytes; null for none.</summary>
    public GenerationId? MsVmGenid { get; init; }
    public IReadOnlyList<string> SerialList { get => field ?? []; init; }
    public RdmReserve Rdm { get => field ?? new(); init; }
    public ulong? RdmMemBoundaryMemkb { get; init; }
    public ulong McaCaps { get; init; }
}

/// <summary>The emulated graphics card.</summary>
public sealed record VgaInterfaceInfo
{
    public VgaInterfaceType Kind { get; init; }
}

/// <summary>A VNC server for a guest's screen.</summary>
public sealed record VncInfo
{
    public bool? Enable { get; init; }
    /// <summary><c>address[:display]</c> to listen on.</summary>
    public string? Listen { get; init; }
    public string? Passwd { get; init; }
    public int Display { get; init; }
    public bool? Findunused { get; init; }
}

/// <summary>A window on dom0's own screen.</summary>
public sealed record SdlInfo
{
    public bool? Enable { get; init; }
    public bool? Opengl { get; init; }
    public string? Display { get; init; }
    public string? Xauthority { get; init; }
}

/// <summary>A SPICE server for a guest's screen.</summary>
public sealed record SpiceInfo
{
    public bool? Enable { get; init; }
    public int Port { get; init; }
    public int TlsPort { get; init; }
    public string? Host { get; init; }
    public bool? DisableTicketing { get; init; }
    public string? Passwd { get; init; }
    public bool? AgentMouse { get; init; }
    public bool? Vdagent { get; init; }
    public bool? ClipboardSharing { get; init; }
    public int Usbredirection { get; init; }
    public string? ImageCompression { get; init; }
    public string? StreamingVideo { get; init; }
}

/// <summary>What becomes of reserved device memory.</summary>
public sealed record RdmReserve
{
    public RdmReserveStrategy Strategy { get; init; }
    public RdmReservePolicy? Policy { get; init; }
}
