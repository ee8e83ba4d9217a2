// SPDX-License-Identifier: MIT
// The settings of xl.conf, which hold for every domain of the host.
namespace XenSharp.Configuration;

/// <summary>When dom0 gives up memory for new domains.</summary>
public enum Autoballoon { Auto, On, Off }

/// <summary>How the id of a new domain is chosen.</summary>
public enum DomidPolicy { Xen, Random }

/// <summary>How lists of domains are printed for programs.</summary>
public enum OutputFormat { Json, Sxp }

/// <summary>xl.conf(5). What a file does not say has xl's default.</summary>
public sealed partial record GlobalConfiguration
{
    /// <summary>Everything as when there is no file.</summary>
    public static GlobalConfiguration Default { get; } = new();

    public Autoballoon Autoballoon { get; init; }
    public bool RunHotplugScripts { get; init; } = true;
    public string Lockfile { get; init; } = "/var/lock/xl";
    public DomidPolicy DomidPolicy { get; init; }
    public OutputFormat OutputFormat { get; init; }
    public string? BlkdevStart { get; init; }
    public bool ClaimMode { get; init; } = true;

    /// <summary>Null for the hypervisor's default, as the two below.</summary>
    public uint? MaxGrantFrames { get; init; }
    public uint? MaxMaptrackFrames { get; init; }
    public int? MaxGrantVersion { get; init; }

    public string? VifDefaultScript { get; init; }
    public string? VifDefaultBridge { get; init; }
    public string? VifDefaultGatewaydev { get; init; }
    public string? VifDefaultBackend { get; init; }
    public string? RemusDefaultNetbufscript { get; init; }
    public string? ColoDefaultProxyscript { get; init; }

    /// <summary>CPUs that guests may use; null for all, as the two below.</summary>
    public Bitmap? VmCpumask { get; init; }
    /// <summary>Further limit for HVM and PVH guests.</summary>
    public Bitmap? VmHvmCpumask { get; init; }
    /// <summary>Further limit for PV guests.</summary>
    public Bitmap? VmPvCpumask { get; init; }
}
