// SPDX-License-Identifier: MIT
// The part of a configuration that filling the domain needs: memory, vCPUs, kernel, and what each guest type has of its own.
using System.Collections.Generic;
using System.Text.Json.Serialization;

namespace XenSharp.Configuration;

/// <summary><c>libxl_domain_build_info</c>: what must be known to fill a domain. Sizes in KiB, as in libxl.</summary>
public sealed record DomainBuildInfo
{
    public int MaxVcpus { get; init; }
    /// <summary>vCPUs that are online at the start; null for all.</summary>
    public Bitmap? AvailVcpus { get; init; }
    public Bitmap? Cpumap { get; init; }
    public Bitmap? Nodemap { get; init; }
    /// <summary>Host CPUs that each vCPU may run on, by vCPU; shorter than <see cref="MaxVcpus"/> leaves the others free.</summary>
    public IReadOnlyList<Bitmap> VcpuHardAffinity { get => field ?? []; init; }
    /// <summary>Host CPUs that each vCPU prefers.</summary>
    public IReadOnlyList<Bitmap> VcpuSoftAffinity { get => field ?? []; init; }
    /// <summary>Whether the toolstack may choose the nodes by itself.</summary>
    public bool? NumaPlacement { get; init; }
    public TscMode TscMode { get; init; }
    public ulong? MaxMemkb { get; init; }
    public ulong? TargetMemkb { get; init; }
    public ulong? VideoMemkb { get; init; }
    public ulong? ShadowMemkb { get; init; }
    public ulong? IommuMemkb { get; init; }
    public uint RtcTimeoffset { get; init; }
    public uint ExecSsidref { get; init; }
    public string? ExecSsidLabel { get; init; }
    public bool? Localtime { get; init; }
    public bool? DisableMigrate { get; init; }
    /// <summary>Changes to CPUID and MSRs; null for none.</summary>
    public CpuidPolicyList? Cpuid { get; init; }
    public string? BlkdevStart { get; init; }
    public IReadOnlyList<VnodeInfo> VnumaNodes { get => field ?? []; init; }
    /// <summary>Null for the hypervisor's default.</summary>
    public uint? MaxGrantFrames { get; init; }
    /// <summary>Null for the hypervisor's default.</summary>
    public uint? MaxMaptrackFrames { get; init; }
    /// <summary>Null for the highest that the hypervisor has.</summary>
    public int? MaxGrantVersion { get; init; }
    public DeviceModelVersion DeviceModelVersion { get; init; }
    public bool? DeviceModelStubdomain { get; init; }
    public ulong? StubdomainMemkb { get; init; }
    public string? StubdomainKernel { get; init; }
    public string? StubdomainCmdline { get; init; }
    public string? StubdomainRamdisk { get; init; }
    public string? DeviceModel { get; init; }
    public uint DeviceModelSsidref { get; init; }
    public string? DeviceModelSsidLabel { get; init; }
    public string? DeviceModelUser { get; init; }
    /// <summary>Arguments for the device model of any guest.</summary>
    public IReadOnlyList<string> Extra { get => field ?? []; init; }
    public IReadOnlyList<string> ExtraPv { get => field ?? []; init; }
    public IReadOnlyList<string> ExtraHvm { get => field ?? []; init; }
    public DomainSchedParams SchedParams { get => field ?? new(); init; }
    public IReadOnlyList<IoportRange> Ioports { get => field ?? []; init; }
    public IReadOnlyList<uint> Irqs { get => field ?? []; init; }
    public IReadOnlyList<IomemRange> Iomem { get => field ?? []; init; }
    public bool? ClaimMode { get; init; }
    /// <summary>Highest number of event channels, 0 for the toolstack's default.</summary>
    public uint EventChannels { get; init; }
    public string? Kernel { get; init; }
    public string? Cmdline { get; init; }
    public string? Ramdisk { get; init; }
    public string? DeviceTree { get; init; }
    public bool? Acpi { get; init; }
    public string? Bootloader { get; init; }
    public IReadOnlyList<string> BootloaderArgs { get => field ?? []; init; }
    public TimerMode? TimerMode { get; init; }
    public bool? NestedHvm { get; init; }
    public bool? Apic { get; init; }
    public bool? DmRestrict { get; init; }
    public TeeType Tee { get; init; }

    /// <summary>Set exactly for an HVM guest.</summary>
    [JsonPropertyName("type.hvm")] public HvmBuildInfo? Hvm { get; init; }
    /// <summary>Set exactly for a PV guest.</summary>
    [JsonPropertyName("type.pv")] public PvBuildInfo? Pv { get; init; }
    /// <summary>Set exactly for a PVH guest.</summary>
    [JsonPropertyName("type.pvh")] public PvhBuildInfo? Pvh { get; init; }

    public ArmBuildInfo ArchArm { get => field ?? new(); init; }
    [JsonPropertyName("arch_x86")] public X86BuildInfo ArchX86 { get => field ?? new(); init; }
    [JsonPropertyName("altp2m")] public Altp2mMode Altp2m { get; init; }
    public int VmtraceBufKb { get; init; }
    public bool? Vpmu { get; init; }
}

/// <summary>What only PV guests have.</summary>
public sealed record PvBuildInfo
{
    public ulong? SlackMemkb { get; init; }
    [JsonPropertyName("e820_host")] public bool? E820Host { get; init; }
}

/// <summary>What only PVH guests have: the shim that carries a PV kernel.</summary>
public sealed record PvhBuildInfo
{
    public bool? Pvshim { get; init; }
    public string? PvshimPath { get; init; }
    public string? PvshimCmdline { get; init; }
    public string? PvshimExtra { get; init; }
}

/// <summary>What only guests on Arm have.</summary>
public sealed record ArmBuildInfo
{
    public GicVersion GicVersion { get; init; }
    public VuartType Vuart { get; init; }
}

/// <summary>What only guests on x86 have.</summary>
public sealed record X86BuildInfo
{
    public bool? MsrRelaxed { get; init; }
}

/// <summary><c>libxl_domain_sched_params</c>: null leaves the scheduler's own value.</summary>
public sealed record DomainSchedParams
{
    public Scheduler Sched { get; init; }
    public int? Weight { get; init; }
    public int? Cap { get; init; }
    public int? Period { get; init; }
    public int? Budget { get; init; }
    public int? Extratime { get; init; }
    public int? Slice { get; init; }
    public int? Latency { get; init; }
}

/// <summary><c>libxl_vnode_info</c>: one node of a guest's own NUMA.</summary>
public sealed record VnodeInfo
{
    public ulong? Memkb { get; init; }
    /// <summary>Distances to each node of the guest.</summary>
    public IReadOnlyList<uint> Distances { get => field ?? []; init; }
    /// <summary>The host's node that stands behind it.</summary>
    public uint Pnode { get; init; }
    public Bitmap? Vcpus { get; init; }
}

/// <summary>I/O ports <c>First</c> up to <c>First + Number - 1</c>.</summary>
public sealed record IoportRange
{
    public uint First { get; init; }
    public uint Number { get; init; }
}

/// <summary>Frames of the host's memory-mapped devices for the guest.</summary>
public sealed record IomemRange
{
    public ulong Start { get; init; }
    public ulong Number { get; init; }
    /// <summary>Where the guest sees them; null for the same frame numbers.</summary>
    public ulong? Gfn { get; init; }
}
