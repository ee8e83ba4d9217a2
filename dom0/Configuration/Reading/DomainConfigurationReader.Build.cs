// SPDX-License-Identifier: MIT
// Memory, scheduling, kernel and the other items that every guest type has.
using System;
using System.Collections.Generic;
using System.Linq;

namespace XenSharp.Configuration.Reading;

internal sealed partial class DomainConfigurationReader
{
    private const int MostVcpus = 8192;

    private DomainBuildInfo ReadBuildInfo(bool hasPcidevs)
    {
        GlobalConfiguration global = _context.Global;
        int vcpus = _items.Int("vcpus", 0, MostVcpus) ?? 0;
        ulong? target = _items.MegabytesAsKb("memory");
        Vnuma? vnuma = ReadVnuma(_items.MegabytesAsKb("maxmem"), _items.Int("maxvcpus", 0, MostVcpus) ?? 0);
        int maxVcpus = vnuma?.MaxVcpus ?? _items.Int("maxvcpus", 0, MostVcpus) ?? 0;
        if (maxVcpus == 0) maxVcpus = vcpus;
        else if (maxVcpus < vcpus) _items.Error("vcpus", $"'vcpus' is {vcpus}, more than 'maxvcpus' with {maxVcpus}");
        string? kernel = ReadKernel();
        bool hasCpuList = _items.IsList("cpus"), hasSoftAffinity = _items.Has("cpus_soft");
        string? deviceModel = _items.Text("device_model_override");
        return new DomainBuildInfo
        {
            MaxVcpus = maxVcpus,
            AvailVcpus = vcpus > 0 ? Bitmap.Range(0, vcpus) : null,
            VcpuHardAffinity = ApplyGlobalMasks(ReadAffinity("cpus", maxVcpus), maxVcpus),
            VcpuSoftAffinity = ReadAffinity("cpus_soft", maxVcpus),
            NumaPlacement = hasCpuList || hasSoftAffinity || vnuma is { NamesPnodes: true } ? false : null,
            TscMode = ReadTscMode(),
            MaxMemkb = vnuma?.MaxMemkb ?? _items.MegabytesAsKb("maxmem") ?? target,
            TargetMemkb = target,
            VideoMemkb = _items.MegabytesAsKb("videoram"),
            ShadowMemkb = _items.MegabytesAsKb("shadow_memory"),
            RtcTimeoffset = (uint)(_items.Int("rtc_timeoffset", int.MinValue, uint.MaxValue) ?? 0),
            ExecSsidLabel = _items.Has("init_seclabel") ? _items.Text("seclabel") : null,
            Localtime = _items.Flag("localtime"),
            DisableMigrate = _items.Flag("nomigrate"),
            Cpuid = ReadCpuid(),
            BlkdevStart = global.BlkdevStart,
            VnumaNodes = vnuma?.Nodes ?? [],
            MaxGrantFrames = _items.Limit("max_grant_frames") ?? global.MaxGrantFrames,
            MaxMaptrackFrames = _items.Limit("max_maptrack_frames") ?? global.MaxMaptrackFrames,
            MaxGrantVersion = (int?)_items.Limit("max_grant_version") ?? global.MaxGrantVersion,
            DeviceModelVersion = ReadDeviceModelVersion(deviceModel is not null),
            DeviceModelStubdomain = _items.Flag("device_model_stubdomain_override"),
            StubdomainMemkb = _items.MegabytesAsKb("stubdomain_memory"),
            StubdomainKernel = _items.Text("stubdomain_kernel"),
            StubdomainCmdline = _items.Text("stubdomain_cmdline"),
            StubdomainRamdisk = _items.Text("stubdomain_ramdisk"),
            DeviceModel = deviceModel,
            DeviceModelSsidLabel = _items.Text("device_model_stubdomain_seclabel"),
            DeviceModelUser = _items.Text("device_model_user"),
            Extra = ReadModelArguments("device_model_args"),
            ExtraPv = ReadModelArguments("device_model_args_pv"),
            ExtraHvm = ReadModelArguments("device_model_args_hvm"),
            SchedParams = ReadSchedParams(),
            Ioports = ReadIoports(),
            Irqs = ReadIrqs(),
            Iomem = ReadIomem(),
            ClaimMode = global.ClaimMode,
            EventChannels = _items.UnsignedInt("max_event_channels") ?? 0,
            Kernel = kernel,
            Cmdline = ReadCommandLine(),
            Ramdisk = _items.Text("ramdisk"),
            DeviceTree = _items.Text("device_tree"),
            Acpi = _items.Flag("acpi"),
            Bootloader = _items.Text("bootloader"),
            BootloaderArgs = ReadBootloaderArguments(),
            TimerMode = ReadTimerMode(),
            NestedHvm = _items.Flag("nestedhvm"),
            Apic = _type == DomainType.Hvm ? _items.Flag("apic") : null,
            DmRestrict = _items.Flag("dm_restrict"),
            Tee = _items.Choice<TeeType>("tee") ?? TeeType.None,
            Hvm = _type == DomainType.Hvm ? ReadHvm() : null,
            Pv = _type == DomainType.Pv ? new PvBuildInfo { E820Host = hasPcidevs ? true : _items.Flag("e820_host") } : null,
            Pvh = _type == DomainType.Pvh ? ReadPvh() : null,
            ArchArm = new ArmBuildInfo
            {
                GicVersion = _items.Choice<GicVersion>("gic_version") ?? GicVersion.Default,
                Vuart = _items.Choice<VuartType>("vuart") ?? VuartType.Unknown,
            },
            ArchX86 = new X86BuildInfo { MsrRelaxed = _items.Flag("msr_relaxed") },
            Altp2m = ReadNumberOrName<Altp2mMode>("altp2m", isNumberDeprecated: false) ?? Altp2mMode.Disabled,
            VmtraceBufKb = _items.IsNumber("vmtrace_buf_kb") ? _items.Int("vmtrace_buf_kb") ?? 0 : 0,
            Vpmu = _items.Flag("vpmu"),
        };
    }

    private PvhBuildInfo ReadPvh() => new()
    {
        Pvshim = _items.Flag("pvshim"),
        PvshimPath = _items.Text("pvshim_path"),
        PvshimCmdline = _items.Text("pvshim_cmdline"),
        PvshimExtra = _items.Text("pvshim_extra"),
    };

    private DomainSchedParams ReadSchedParams() => new()
    {
        Weight = Parameter("cpu_weight"),
        Cap = Parameter("cap"),
        Period = Parameter("period"),
        Extratime = Parameter("extratime"),
        Slice = Parameter("slice"),
        Latency = Parameter("latency"),
    };

    /// <summary>-1 is libxl's word for "not said".</summary>
    private int? Parameter(string name) => _items.Int(name) is { } value && value != -1 ? value : null;

    private string? ReadKernel()
    {
        string? kernel = _items.Text("kernel");
        if (_type == DomainType.Hvm)
        {
            if (kernel?.Split('/')[^1] != "hvmloader") return kernel;
            _items.Warn("kernel", "'kernel' is ignored: an HVM guest's firmware is chosen by 'firmware' or 'firmware_override'");
            return null;
        }
        if (_items.Single("firmware") is { } firmware)
        {
            if (kernel is not null) Diagnostics.Error(firmware.Position, $"'firmware' and 'kernel' (see {_items.At("kernel")}) are both given");
            if (!"pvgrub32".StartsWith(firmware.Text, StringComparison.Ordinal) && !"pvgrub64".StartsWith(firmware.Text, StringComparison.Ordinal))
                Diagnostics.Error(firmware.Position, $"'firmware': '{firmware.Text}' is none of pvgrub32, pvgrub64");
            kernel ??= $"{FirmwareDirectory}/{firmware.Text}.bin";
        }
        if (kernel is null && _items.Text("bootloader") is null)
            Diagnostics.Error(new SourcePosition(_file.Name, 0, 0), "neither 'kernel' nor 'bootloader' is given");
        return kernel;
    }

    private string? ReadCommandLine()
    {
        string? whole = _items.Text("cmdline"), root = _items.Text("root"), extra = _items.Text("extra");
        if (whole is not null)
        {
            if (root is not null) _items.Warn("root", "'root' is ignored, since 'cmdline' is given");
            if (extra is not null) _items.Warn("extra", "'extra' is ignored, since 'cmdline' is given");
            return whole;
        }
        return (root, extra) switch
        {
            (not null, not null) => $"root={root} {extra}",
            (not null, null) => $"root={root}",
            _ => extra,
        };
    }

    private TscMode ReadTscMode() => ReadNumberOrName<TscMode>("tsc_mode", isNumberDeprecated: true) ?? TscMode.Default;

    private TimerMode? ReadTimerMode()
    {
        if (_type == DomainType.Pv && _items.Single("timer_mode") is { } text)
        {
            Diagnostics.Error(text.Position, "'timer_mode' cannot be given for PV guests");
            return null;
        }
        return ReadNumberOrName<TimerMode>("timer_mode", isNumberDeprecated: true);
    }

    /// <summary>A choice that may be given by number, as it once had to be.</summary>
    private T? ReadNumberOrName<T>(string name, bool isNumberDeprecated) where T : struct, Enum
    {
        if (!_items.IsNumber(name)) return _items.Choice<T>(name);
        long number = _items.Number(name)!.Value;
        T[] values = Enum.GetValues<T>();
        if (number < 0 || number >= values.Length)
        {
            _items.Error(name, $"'{name}': {number} is none of 0 to {values.Length - 1}");
            return null;
        }
        if (isNumberDeprecated) _items.Warn(name, $"'{name}' as a number is deprecated: write \"{EnumNames<T>.NameOf(values[number])}\"");
        return values[number];
    }

    private DeviceModelVersion ReadDeviceModelVersion(bool hasOverride)
    {
        if (_items.Single("device_model_version") is not { } text)
        {
            if (hasOverride) _items.Warn("device_model_override", "'device_model_override' is given without 'device_model_version'");
            return DeviceModelVersion.Unknown;
        }
        switch (text.Text)
        {
            case "qemu-xen-traditional": return DeviceModelVersion.QemuXenTraditional;
            case "qemu-xen": return DeviceModelVersion.QemuXen;
        }
        Diagnostics.Error(text.Position, $"'device_model_version': '{text.Text}' is none of qemu-xen, qemu-xen-traditional");
        return DeviceModelVersion.Unknown;
    }

    private IReadOnlyList<string> ReadModelArguments(string name)
    {
        if (!_items.Has(name) || _items.IsList(name)) return _items.Texts(name);
        _items.Error(name, $"'{name}' must be a list, in brackets");
        return [];
    }

    private IReadOnlyList<string> ReadBootloaderArguments()
    {
        if (!_items.Has("bootloader_args") || _items.IsList("bootloader_args")) return _items.Texts("bootloader_args");
        _items.Warn("bootloader_args", "'bootloader_args' as one string is deprecated: write a list");
        return _items.Text("bootloader_args")!.Split([' ', '\t', '\n'], StringSplitOptions.RemoveEmptyEntries);
    }
}
