// SPDX-License-Identifier: MIT
// What a configuration leaves open, as libxl__domain_config_setdefault of libxl 4.17 fills it in; and what cannot be built. Used by DomainCreation.

using System;
using System.Collections.Generic;
using System.Linq;
using XenSharp.Abi;
using XenSharp.Configuration;
using XenSharp.Control;
using XenSharp.Toolstack.Devices;

namespace XenSharp.Toolstack;

internal static class ConfigurationDefaults
{
    private const ulong DefaultMemoryKb = 32 * 1024;
    private const uint DefaultEventChannels = 1023;

    // SECINITSID_DOMU: what a hypervisor with security labels takes a domain for that has none of its own.
    private const uint DomainLabel = 12;

    // INVALID_DOMID of libxl: any number will do.
    private const uint NoDomain = uint.MaxValue;

    /// <exception cref="ToolstackException">The configuration asks for what is not supported.</exception>
    public static DomainConfiguration Apply(DomainConfiguration configuration, Hypervisor hypervisor)
    {
        DomainCreateInfo create = configuration.CreateInfo;
        DomainBuildInfo build = configuration.BuildInfo;
        if (create.Type is not DomainType.Pvh)
            throw new ToolstackException($"guests of type {create.Type?.ToString().ToLowerInvariant() ?? "pv"} are not supported; PVH guests are (type=\"pvh\")");
        if (string.IsNullOrEmpty(create.Name))
            throw new ToolstackException("the configuration gives the domain no name");
        if (string.IsNullOrEmpty(build.Kernel) && build.Bootloader is null)
            throw new ToolstackException("the configuration names no kernel (kernel=) and no bootloader (bootloader=)");
        if (build.Pvh?.Pvshim == true)
            throw new ToolstackException("the PV shim is not supported");
        if (build.VnumaNodes.Count > 0)
            throw new ToolstackException("vnuma is not supported");
        if (configuration.Pcidevs.Count + configuration.Dtdevs.Count > 0 || create.Passthrough is not (Passthrough.Default or Passthrough.Disabled))
            throw new ToolstackException("passing devices through is not supported for PVH guests");

        int vcpus = Math.Max(1, build.MaxVcpus);
        ulong target = build.TargetMemkb ?? DefaultMemoryKb, most = build.MaxMemkb ?? target;
        if (most < target)
            throw new ToolstackException($"maxmem of {most / 1024} MiB is below memory of {target / 1024} MiB");
        if (most % 1024 != 0)
            throw new ToolstackException("memory is counted in whole MiB");
        configuration = ModelDevices.WithDefaults(configuration);
        bool hasGrants2 = (hypervisor.GetPhysicalInfo().Capabilities & PhysInfoCapabilities.GrantTableV2) != 0;
        return configuration with
        {
            CreateInfo = create with
            {
                Domid = create.Domid != 0 ? create.Domid : NoDomain,
                Ssidref = create.Ssidref != 0 ? create.Ssidref : DomainLabel,
                Hap = create.Hap ?? true,
                Oos = create.Oos ?? true,
                Uuid = create.Uuid == Guid.Empty ? Guid.NewGuid() : create.Uuid,
                RunHotplugScripts = create.RunHotplugScripts ?? true,
                DriverDomain = create.DriverDomain ?? false,
                Passthrough = Passthrough.Disabled,
            },
            BuildInfo = build with
            {
                MaxVcpus = vcpus,
                AvailVcpus = build.AvailVcpus is { Count: > 0 } ? build.AvailVcpus : Bitmap.Range(0, vcpus),
                NumaPlacement = build.NumaPlacement ?? true,
                TargetMemkb = target,
                MaxMemkb = most,
                VideoMemkb = build.VideoMemkb ?? 0,
                // 1 MiB for each vCPU and a page for each MiB of memory, which hold the tables that translate the guest's addresses.
                ShadowMemkb = build.ShadowMemkb ?? 4 * ((256 * (ulong)vcpus) + (most / 1024)),
                IommuMemkb = build.IommuMemkb ?? 0,
                Localtime = build.Localtime ?? false,
                DisableMigrate = build.DisableMigrate ?? false,
                ClaimMode = build.ClaimMode ?? true,
                EventChannels = build.EventChannels != 0 ? build.EventChannels : DefaultEventChannels,
                MaxGrantVersion = build.MaxGrantVersion ?? (hasGrants2 ? 2 : 1),
                Acpi = build.Acpi ?? true,
                Apic = build.Apic ?? true,
                NestedHvm = build.NestedHvm ?? false,
                TimerMode = build.TimerMode ?? TimerMode.NoDelayForMissedTicks,
                Vpmu = build.Vpmu ?? false,
                ArchX86 = build.ArchX86 with { MsrRelaxed = build.ArchX86.MsrRelaxed ?? false },
            },
            Disks = [.. configuration.Disks.Select(DiskDevice.WithDefaults)],
            Nics = [.. WithNumbers(configuration.Nics)],
        };
    }

    /// <summary>What libxl keeps of a domain's configuration: what the user said, and of the rest only what must stay the same when the domain starts again.</summary>
    /// <param name="wanted">As the user said.</param>
    /// <param name="configuration">The same after <see cref="Apply"/>.</param>
    public static DomainConfiguration Record(DomainConfiguration wanted, DomainConfiguration configuration) => wanted with
    {
        CreateInfo = wanted.CreateInfo with { Uuid = configuration.CreateInfo.Uuid, Domid = configuration.CreateInfo.Domid },
        BuildInfo = wanted.BuildInfo with
        {
            VideoMemkb = configuration.BuildInfo.VideoMemkb,
            ArchX86 = wanted.BuildInfo.ArchX86 with { MsrRelaxed = configuration.BuildInfo.ArchX86.MsrRelaxed },
        },
        Nics = [.. wanted.Nics.Zip(configuration.Nics, (nic, whole) => nic with { Devid = whole.Devid, Nictype = whole.Nictype, Mac = whole.Mac })],
    };

    /// <summary>Interfaces without a number get those that are left.</summary>
    private static IEnumerable<DeviceNic> WithNumbers(IReadOnlyList<DeviceNic> nics)
    {
        int next = nics.Max(nic => nic.Devid) is { } highest ? highest + 1 : 0;
        foreach (DeviceNic nic in nics)
            yield return NicDevice.WithDefaults(nic, nic.Devid ?? next++);
    }
}
