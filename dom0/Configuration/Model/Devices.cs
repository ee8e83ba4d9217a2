// SPDX-License-Identifier: MIT
// The other devices of a guest: passed-through ones, screens, keyboards, sound, USB, channels and the rest.
using System;
using System.Collections.Generic;
using System.Text.Json.Serialization;

namespace XenSharp.Configuration;

/// <summary><c>libxl_device_pci</c>: a PCI device handed through (<c>pci=</c>, xl-pci-configuration(5)).</summary>
public sealed record DevicePci
{
    public byte Func { get; init; }
    public byte Dev { get; init; }
    public byte Bus { get; init; }
    public int Domain { get; init; }
    /// <summary>Slot and function that the guest sees, 0 for any.</summary>
    public uint Vdevfn { get; init; }
    /// <summary>1 for the one function, all ones for every function of the device.</summary>
    public uint VfuncMask { get; init; }
    public bool Msitranslate { get; init; }
    public bool PowerMgmt { get; init; }
    public bool Permissive { get; init; }
    public bool Seize { get; init; }
    public RdmReservePolicy? RdmPolicy { get; init; }
    public string? Name { get; init; }
}

/// <summary><c>libxl_device_rdm</c>: a range of reserved device memory. Found by the toolstack, never in a file.</summary>
public sealed record DeviceRdm
{
    public ulong Start { get; init; }
    public ulong Size { get; init; }
    public RdmReservePolicy? Policy { get; init; }
}

/// <summary><c>libxl_device_dtdev</c>: a device of a device tree, by path (<c>dtdev=</c>).</summary>
public sealed record DeviceDtdev
{
    public string? Path { get; init; }
}

/// <summary><c>libxl_device_vfb</c>: a paravirtual screen (<c>vfb=</c>).</summary>
public sealed record DeviceVfb
{
    public uint BackendDomid { get; init; }
    public string? BackendDomname { get; init; }
    public int? Devid { get; init; }
    public VncInfo Vnc { get => field ?? new(); init; }
    public SdlInfo Sdl { get => field ?? new(); init; }
    public string? Keymap { get; init; }
}

/// <summary><c>libxl_device_vkb</c>: a paravirtual keyboard and pointer (<c>vkb=</c>, and one for each <c>vfb=</c>).</summary>
public sealed record DeviceVkb
{
    public uint BackendDomid { get; init; }
    public string? BackendDomname { get; init; }
    public int? Devid { get; init; }
    public VkbBackend BackendType { get; init; }
    public string? UniqueId { get; init; }
    public bool FeatureDisableKeyboard { get; init; }
    public bool FeatureDisablePointer { get; init; }
    public bool FeatureAbsPointer { get; init; }
    public bool FeatureRawPointer { get; init; }
    public bool FeatureMultiTouch { get; init; }
    public uint Width { get; init; }
    public uint Height { get; init; }
    public uint MultiTouchWidth { get; init; }
    public uint MultiTouchHeight { get; init; }
    public uint MultiTouchNumContacts { get; init; }
}

/// <summary><c>libxl_device_vtpm</c>: a virtual TPM (<c>vtpm=</c>).</summary>
public sealed record DeviceVtpm
{
    public uint BackendDomid { get; init; }
    public string? BackendDomname { get; init; }
    public int? Devid { get; init; }
    public Guid Uuid { get; init; }
}

/// <summary><c>libxl_device_p9</c>: a directory shared by 9pfs (<c>p9=</c>).</summary>
public sealed record DeviceP9
{
    public uint BackendDomid { get; init; }
    public string? BackendDomname { get; init; }
    public string? Tag { get; init; }
    public string? Path { get; init; }
    public string? SecurityModel { get; init; }
    public int? Devid { get; init; }
}

/// <summary><c>libxl_device_pvcallsif</c>: sockets served by another domain (<c>pvcalls=</c>).</summary>
public sealed record DevicePvcallsif
{
    public uint BackendDomid { get; init; }
    public string? BackendDomname { get; init; }
    public int? Devid { get; init; }
}

/// <summary><c>libxl_device_channel</c>: a named byte stream between domains (<c>channel=</c>, xen-pv-channel(7)).</summary>
public sealed record DeviceChannel
{
    public uint BackendDomid { get; init; }
    public string? BackendDomname { get; init; }
    public int? Devid { get; init; }
    public string? Name { get; init; }
    [JsonPropertyName("connection.unknown")] public NoDetails? Unknown { get; init; }
    /// <summary>Set when dom0's end is a terminal.</summary>
    [JsonPropertyName("connection.pty")] public NoDetails? Pty { get; init; }
    /// <summary>Set when dom0's end is a listening socket.</summary>
    [JsonPropertyName("connection.socket")] public ChannelSocket? Socket { get; init; }
}

/// <summary>A case of a choice that needs nothing more said.</summary>
public sealed record NoDetails;

/// <summary>A channel's end in the file system.</summary>
public sealed record ChannelSocket
{
    public string? Path { get; init; }
}

/// <summary><c>libxl_device_vdispl</c>: a paravirtual display (<c>vdispl=</c>).</summary>
public sealed record DeviceVdispl
{
    public uint BackendDomid { get; init; }
    public string? BackendDomname { get; init; }
    public int? Devid { get; init; }
    public bool BeAlloc { get; init; }
    public IReadOnlyList<ConnectorParam> Connectors { get => field ?? []; init; }
}

/// <summary>A connector of a display.</summary>
public sealed record ConnectorParam
{
    public string? UniqueId { get; init; }
    public uint Width { get; init; }
    public uint Height { get; init; }
}

/// <summary><c>libxl_device_vsnd</c>: a paravirtual sound card (<c>vsnd=</c>).</summary>
public sealed record DeviceVsnd
{
    public uint BackendDomid { get; init; }
    public string? BackendDomname { get; init; }
    public int? Devid { get; init; }
    public string? ShortName { get; init; }
    public string? LongName { get; init; }
    public VsndParams Params { get => field ?? new(); init; }
    public IReadOnlyList<VsndPcm> Pcms { get => field ?? []; init; }
}

/// <summary>A PCM device of a sound card.</summary>
public sealed record VsndPcm
{
    public string? Name { get; init; }
    public VsndParams Params { get => field ?? new(); init; }
    public IReadOnlyList<VsndStream> Streams { get => field ?? []; init; }
}

/// <summary>A stream of a PCM device.</summary>
public sealed record VsndStream
{
    public string? UniqueId { get; init; }
    public VsndStreamType? Type { get; init; }
    public VsndParams Params { get => field ?? new(); init; }
}

/// <summary>What a sound card, a device of it or a stream can do.</summary>
public sealed record VsndParams
{
    public IReadOnlyList<uint> SampleRates { get => field ?? []; init; }
    public IReadOnlyList<VsndPcmFormat> SampleFormats { get => field ?? []; init; }
    public uint ChannelsMin { get; init; }
    public uint ChannelsMax { get; init; }
    public uint BufferSize { get; init; }
}

/// <summary><c>libxl_device_usbctrl</c>: a USB controller (<c>usbctrl=</c>).</summary>
public sealed record DeviceUsbctrl
{
    public UsbctrlType Type { get; init; }
    public int? Devid { get; init; }
    public int Version { get; init; }
    public int Ports { get; init; }
    public uint BackendDomid { get; init; }
    public string? BackendDomname { get; init; }
}

/// <summary><c>libxl_device_usbdev</c>: a USB device handed through (<c>usbdev=</c>).</summary>
public sealed record DeviceUsbdev
{
    public int? Ctrl { get; init; }
    public int Port { get; init; }
    [JsonPropertyName("type.hostdev")] public UsbHostDevice? Hostdev { get; init; }
}

/// <summary>A USB device of the host.</summary>
public sealed record UsbHostDevice
{
    public byte Hostbus { get; init; }
    public byte Hostaddr { get; init; }
}
