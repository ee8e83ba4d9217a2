// SPDX-License-Identifier: MIT
// The life of a domain up to its first instruction: the steps of libxl 4.17's domain creation in their order. When one fails, everything is undone. Used by DomainToolstack.

using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Threading.Tasks;
using XenSharp.Abi;
using XenSharp.Configuration;
using XenSharp.Control;
using XenSharp.Toolstack.Building;
using XenSharp.Toolstack.Devices;
using XenSharp.Toolstack.Kernel;
using XenSharp.Toolstack.Store;
using XenSharp.XenstoreClient;

namespace XenSharp.Toolstack;

/// <summary>What the guest starts with.</summary>
internal sealed record BootImages(KernelImage Kernel, ReadOnlyMemory<byte>? Ramdisk, string? CommandLine) : IDisposable
{
    public void Dispose() => Kernel.Dispose();
}

internal sealed class DomainCreation(Hypervisor hypervisor, XenstoreConnection store, Steps steps, KernelCache? cache)
{
    private const uint ExtraMemoryKb = 1024;     // LIBXL_MAXMEM_CONSTANT

    /// <summary>As that of <see cref="DomainToolstack"/>.</summary>
    public Action<ushort>? ConsoleReady { get; init; }

    /// <summary>Creates a domain and leaves it paused.</summary>
    /// <returns>The domain, and the configuration with all that it had left open.</returns>
    public async Task<(ushort Domain, DomainConfiguration Configuration)> RunAsync(DomainConfiguration wanted)
    {
        DomainConfiguration configuration = await steps.RunAsync("configuration", () => ResolveAsync(wanted)).ConfigureAwait(false);
        // What can be found wrong before there is a domain is. A bootloader needs the domain, for its console.
        using BootImages? images = configuration.BuildInfo.Bootloader is null ? Load(configuration.BuildInfo) : null;
        steps.Run("free memory", () => CheckMemory(configuration.BuildInfo));
        ushort domain = steps.Run("domain", () => CreateDomain(configuration));
        try
        {
            await BuildAsync(domain, configuration, images).ConfigureAwait(false);
            steps.Run("records", () => UserData.WriteConfiguration(domain, ConfigurationDefaults.Record(wanted, configuration)));
            ConsoleReady?.Invoke(domain);
            return (domain, configuration);
        }
        catch (Exception failure)
        {
            bool isGone = Steps.IsExpected(failure) && (!hypervisor.TryGetDomain(domain, out DomctlGetDomainInfo info) || (info.Flags & DomainInfoFlags.Dying) != 0);
            await UndoAsync(domain, configuration.CreateInfo.Uuid, failure).ConfigureAwait(false);
            // What it met then is not what was wrong.
            if (isGone)
                throw new ToolstackException($"domain {domain} was destroyed while it was being created", failure);
            throw;
        }
    }

    private BootImages Load(DomainBuildInfo build)
    {
        KernelImage kernel = steps.Run("kernel image", () => KernelFile.Load(build.Kernel!, cache));
        ReadOnlyMemory<byte>? ramdisk = string.IsNullOrEmpty(build.Ramdisk) ? null : steps.Run("ramdisk image", () => KernelFile.ReadFile(build.Ramdisk, "the ramdisk"));
        return new BootImages(kernel, ramdisk, build.Cmdline);
    }

    private async Task<BootImages> RunBootloaderAsync(ushort domain, DomainConfiguration configuration)
    {
        BootChoice choice = await steps.RunAsync("bootloader", () => new Bootloader(store, domain, configuration) { ConsoleReady = ConsoleReady }.RunAsync()).ConfigureAwait(false);
        KernelImage kernel = steps.Run("kernel image", () => KernelFile.Load(choice.Kernel, "the bootloader's kernel", cache));
        return new BootImages(kernel, choice.Ramdisk, choice.CommandLine);
    }

    /// <param name="ready">Null if a bootloader is to choose them.</param>
    private async Task BuildAsync(ushort domain, DomainConfiguration configuration, BootImages? ready)
    {
        DomainBuildInfo build = configuration.BuildInfo;
        await steps.RunAsync("xenstore nodes", async () =>
        {
            await DomainNodes.MakeAsync(store, domain, configuration).ConfigureAwait(false);
            await store.Store.WriteAsync($"{StorePaths.Toolstack(domain)}/dm-version", "qemu_xen").ConfigureAwait(false);
        }).ConfigureAwait(false);
        using BootImages images = ready ?? await RunBootloaderAsync(domain, configuration).ConfigureAwait(false);
        steps.Run("vCPUs", () => hypervisor.SetMaxVcpus(domain, (uint)build.MaxVcpus));
        steps.Run("placement", () => Placement.Apply(hypervisor, domain, build));
        steps.Run("memory limit", () => hypervisor.SetMaxMemory(domain, (build.TargetMemkb ?? 0) + ExtraMemoryKb));
        ushort storeDomain = await ServiceDomainAsync("xenstored").ConfigureAwait(false), consoleDomain = await ServiceDomainAsync("xenconsoled").ConfigureAwait(false);
        (uint storePort, uint consolePort) = steps.Run("event channels", () => (hypervisor.AllocateUnboundPort(domain, storeDomain), hypervisor.AllocateUnboundPort(domain, consoleDomain)));
        steps.Run("parameters", () => SetParameters(domain, build));
        steps.Run("CPU policy", () => SetCpuPolicy(domain, build));
        using (DomainBuilder builder = new(hypervisor, domain, steps, (storeDomain, storePort), (consoleDomain, consolePort)))
        {
            builder.Build(new BuildOrder(
                images.Kernel, images.Ramdisk is { } ramdisk ? [ramdisk] : [], images.CommandLine ?? "", (build.MaxMemkb ?? 0) / 4, ((build.TargetMemkb ?? 0) - (build.VideoMemkb ?? 0)) / 4, build.MaxVcpus, vcpu => build.AvailVcpus?.Contains(vcpu) != false, build.Apic != false, build.ClaimMode == true));
        }
        steps.Run("scheduling", () => Placement.SetScheduling(hypervisor, domain, build.SchedParams));
        await steps.RunAsync("introduction to xenstore", () =>
            DomainNodes.FinishAsync(store, domain, configuration, storePort, GuestLayout.Frame(SpecialPage.Xenstore))).ConfigureAwait(false);
        foreach (DeviceDisk disk in configuration.Disks)
            await DeviceWork.AddDiskAsync(store, domain, disk, steps).ConfigureAwait(false);
        if (configuration.Channels.Count + configuration.P9s.Count + configuration.Vfbs.Count + configuration.Vkbs.Count > 0)
            await steps.RunAsync("device model's devices", () => ModelDevices.AddAllAsync(store, domain, configuration)).ConfigureAwait(false);
        await steps.RunAsync("console", () => ConsoleDevice.AddAsync(store, domain, consoleDomain, consolePort, GuestLayout.Frame(SpecialPage.Console))).ConfigureAwait(false);
        if (ModelDevices.AreIn(configuration))
            await steps.RunAsync("device model", () => DeviceModel.StartAsync(store, domain, configuration)).ConfigureAwait(false);
        foreach (DeviceNic nic in configuration.Nics)
            await DeviceWork.AddNicAsync(store, domain, nic, steps).ConfigureAwait(false);
        await steps.RunAsync("console's terminal", () => ConsoleDevice.WaitForTerminalAsync(store, domain)).ConfigureAwait(false);
    }

    private void CheckMemory(DomainBuildInfo build)
    {
        ulong free = HostMemory.FreeKilobytes(hypervisor), needed = NeededKilobytes(build);
        if (needed > free)
        {
            throw new ToolstackException(
                $"the guest needs {(needed + 1023) / 1024} MiB, but the host has {free / 1024} MiB free; `xl mem-set 0` makes dom0 smaller");
        }
    }

    /// <summary>What a domain takes of the host's memory; nothing of it is left open.</summary>
    internal static ulong NeededKilobytes(DomainBuildInfo build) => (build.TargetMemkb ?? 0) + (build.ShadowMemkb ?? 0) + ExtraMemoryKb;

    private ushort CreateDomain(DomainConfiguration configuration)
    {
        DomainCreateInfo create = configuration.CreateInfo;
        DomainBuildInfo build = configuration.BuildInfo;
        DomctlCreateDomain settings = new()
        {
            SsidRef = create.Ssidref,
            Handle = Hypervisor.ToHandle(create.Uuid),
            Flags = CreateDomainFlags.Hvm | (create.Hap != false ? CreateDomainFlags.Hap : 0) | (create.Oos != false ? 0 : CreateDomainFlags.OosOff)
                | (build.NestedHvm == true ? CreateDomainFlags.NestedVirt : 0) | (build.Vpmu == true ? CreateDomainFlags.Vpmu : 0),
            MaxVcpus = (uint)build.MaxVcpus,
            MaxEventChannelPort = build.EventChannels,
            MaxGrantFrames = (int?)build.MaxGrantFrames ?? -1,
            MaxMaptrackFrames = (int?)build.MaxMaptrackFrames ?? -1,
            GrantOptions = (uint)(build.MaxGrantVersion ?? 1),
            VmTraceSize = (uint)build.VmtraceBufKb << 10,
            CpupoolId = create.Poolid,
            Arch = new ArchDomainConfig { EmulationFlags = X86EmulationFlags.LocalApic, MiscFlags = build.ArchX86.MsrRelaxed == true ? X86MiscFlags.MsrRelaxed : 0 },
        };
        return hypervisor.CreateDomain(ref settings, (ushort)create.Domid);
    }

    private void SetParameters(ushort domain, DomainBuildInfo build)
    {
        hypervisor.SetHvmParam(domain, HvmParam.TimerMode, (ulong)(build.TimerMode ?? TimerMode.NoDelayForMissedTicks));
        hypervisor.SetHvmParam(domain, HvmParam.Altp2m, (ulong)build.Altp2m);
        uint tsc = build.TscMode switch
        {
            TscMode.Default => 0,
            TscMode.AlwaysEmulate => 1,
            TscMode.Native => 2,
            _ => throw new ToolstackException("tsc_mode=native_paravirt is no more in Xen"),
        };
        hypervisor.SetTscInfo(domain, new DomctlTscInfo { TscMode = tsc });
        long offset = (int)build.RtcTimeoffset + (build.Localtime == true ? (long)TimeZoneInfo.Local.GetUtcOffset(DateTimeOffset.Now).TotalSeconds : 0);
        if (offset != 0)
            hypervisor.SetTimeOffset(domain, offset);
        hypervisor.SetPagingPoolSize(domain, (build.ShadowMemkb ?? 0) << 10);
    }

    private void SetCpuPolicy(ushort domain, DomainBuildInfo build)
    {
        CpuidLeaf[] defaults = hypervisor.GetHostCpuLeaves(CpuPolicyIndex.HvmDefault);
        bool hasInvariantTsc = build.DisableMigrate == true || build.TscMode == TscMode.AlwaysEmulate;
        CpuidLeaf[] leaves = GuestCpuPolicy.Build(defaults, build.NestedHvm == true, hasInvariantTsc);
        hypervisor.SetCpuPolicy(domain, new CpuPolicy(leaves, []));
        if (build.Cpuid is { Msr.Count: > 0 })
            throw new ToolstackException("changes of MSRs in cpuid= are not supported");
        if (build.Cpuid is { Cpuid.Count: > 0 } changes)
        {
            CpuidLeaf[] host = hypervisor.GetHostCpuLeaves(CpuPolicyIndex.Host);
            hypervisor.SetCpuPolicy(domain, new CpuPolicy(GuestCpuPolicy.Apply(leaves, changes.Cpuid, defaults, host), []));
        }
    }

    /// <summary>Defaults, and names of pools and domains as numbers.</summary>
    private async Task<DomainConfiguration> ResolveAsync(DomainConfiguration wanted)
    {
        DomainConfiguration configuration = ConfigurationDefaults.Apply(wanted, hypervisor);
        if (configuration.CreateInfo.PoolName is { Length: > 0 } pool)
            configuration = configuration with { CreateInfo = configuration.CreateInfo with { Poolid = await FindPoolAsync(pool).ConfigureAwait(false) } };
        List<DeviceDisk> disks = [];
        foreach (DeviceDisk disk in configuration.Disks)
            disks.Add(disk.BackendDomname is { Length: > 0 } name ? disk with { BackendDomid = await FindDomainAsync(name).ConfigureAwait(false) } : disk);
        List<DeviceNic> nics = [];
        foreach (DeviceNic nic in configuration.Nics)
            nics.Add(nic.BackendDomname is { Length: > 0 } name ? nic with { BackendDomid = await FindDomainAsync(name).ConfigureAwait(false) } : nic);
        if (disks.GroupBy(disk => DiskDevice.AddressOf(0, disk).Id).FirstOrDefault(group => group.Count() > 1) is { } twice)
            throw new ToolstackException($"the configuration has two disks {twice.First().Vdev}");
        return configuration with { Disks = disks, Nics = nics };
    }

    private async Task<uint> FindPoolAsync(string name)
    {
        foreach (CpuPool pool in hypervisor.ListCpuPools())
        {
            if (pool.Id.ToString(CultureInfo.InvariantCulture) == name || await store.Store.ReadAsync($"/local/pool/{pool.Id}/name").ConfigureAwait(false) == name)
                return pool.Id;
        }
        throw new ToolstackException($"there is no CPU pool \"{name}\"");
    }

    private async Task<uint> FindDomainAsync(string name)
    {
        foreach (string id in await store.Store.ListAsync("/local/domain").ConfigureAwait(false))
        {
            if (id == name || await store.Store.ReadAsync($"/local/domain/{id}/name").ConfigureAwait(false) == name)
                return uint.Parse(id, CultureInfo.InvariantCulture);
        }
        throw new ToolstackException($"there is no domain \"{name}\" that could serve a device");
    }

    private async Task<ushort> ServiceDomainAsync(string service) =>
        ushort.TryParse(await store.Store.ReadAsync($"/tool/{service}/domid").ConfigureAwait(false), NumberStyles.None, CultureInfo.InvariantCulture, out ushort id) ? id : (ushort)0;

    /// <summary>What cannot be undone is told beside the reason, which stays the first thing said.</summary>
    private async Task UndoAsync(ushort domain, Guid id, Exception reason)
    {
        try
        {
            await new DomainDestruction(hypervisor, store, new Steps()).RunAsync(domain, id).ConfigureAwait(false);
        }
        catch (ToolstackException failure) when (failure.Message != reason.Message)
        {
            throw new ToolstackException($"{reason.Message}; and the removal of domain {domain}, which was being created, failed: {failure.Message}", reason);
        }
        catch (ToolstackException)
        {
            // A script that is broken fails both ways.
        }
    }
}
