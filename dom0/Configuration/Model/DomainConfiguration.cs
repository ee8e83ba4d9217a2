// SPDX-License-Identifier: MIT
// All that a domain is to be: the root of the model. Made by a reader of xl.cfg or from libxl's JSON; what builds domains takes it.
using System.Collections.Generic;
using System.Text.Json.Serialization;

namespace XenSharp.Configuration;

/// <summary>
/// A domain's whole configuration (<c>libxl_domain_config</c>). Immutable: change a copy by <c>with</c>. Fields have the names of libxl's IDL
/// (<c>tools/libs/light/libxl_types.idl</c>) in .NET casing; null stands for "not said", and whoever builds the domain then chooses.
/// </summary>
public sealed partial record DomainConfiguration
{
    /// <summary>What must be known to create the empty domain.</summary>
    [JsonPropertyName("c_info")] public DomainCreateInfo CreateInfo { get => field ?? new(); init; }

    /// <summary>What must be known to fill it.</summary>
    [JsonPropertyName("b_info")] public DomainBuildInfo BuildInfo { get => field ?? new(); init; }

    public IReadOnlyList<DeviceDisk> Disks { get => field ?? []; init; }
    public IReadOnlyList<DeviceNic> Nics { get => field ?? []; init; }
    public IReadOnlyList<DevicePci> Pcidevs { get => field ?? []; init; }
    public IReadOnlyList<DeviceRdm> Rdms { get => field ?? []; init; }
    public IReadOnlyList<DeviceDtdev> Dtdevs { get => field ?? []; init; }
    public IReadOnlyList<DeviceVfb> Vfbs { get => field ?? []; init; }
    public IReadOnlyList<DeviceVkb> Vkbs { get => field ?? []; init; }
    public IReadOnlyList<DeviceVtpm> Vtpms { get => field ?? []; init; }
    [JsonPropertyName("p9s")] public IReadOnlyList<DeviceP9> P9s { get => field ?? []; init; }
    public IReadOnlyList<DevicePvcallsif> Pvcallsifs { get => field ?? []; init; }
    public IReadOnlyList<DeviceVdispl> Vdispls { get => field ?? []; init; }
    public IReadOnlyList<DeviceVsnd> Vsnds { get => field ?? []; init; }
    public IReadOnlyList<DeviceChannel> Channels { get => field ?? []; init; }
    public IReadOnlyList<DeviceUsbctrl> Usbctrls { get => field ?? []; init; }
    public IReadOnlyList<DeviceUsbdev> Usbdevs { get => field ?? []; init; }

    public ActionOnShutdown OnPoweroff { get; init; }
    public ActionOnShutdown OnReboot { get; init; }
    public ActionOnShutdown OnWatchdog { get; init; }
    public ActionOnShutdown OnCrash { get; init; }
    public ActionOnShutdown OnSoftReset { get; init; }
}
