// SPDX-License-Identifier: MIT
// The part of a configuration that the creation of the empty domain needs.
using System;
using System.Collections.Generic;

namespace XenSharp.Configuration;

/// <summary><c>libxl_domain_create_info</c>: what must be known to create the empty domain.</summary>
public sealed record DomainCreateInfo
{
    /// <summary>PV, PVH or HVM; null only in a configuration that says nothing.</summary>
    public DomainType? Type { get; init; }
    public bool? Hap { get; init; }
    public bool? Oos { get; init; }
    public uint Ssidref { get; init; }
    public string? SsidLabel { get; init; }
    public string? Name { get; init; }
    /// <summary>The id to be used, 0 for any.</summary>
    public uint Domid { get; init; }
    public Guid Uuid { get; init; }
    /// <summary>Further xenstore nodes below the domain's own. No item of xl.cfg sets them.</summary>
    public IReadOnlyDictionary<string, string?> Xsdata { get => field ?? NoPairs; init; }
    /// <summary>Further xenstore nodes below <c>platform/</c>. No item of xl.cfg sets them.</summary>
    public IReadOnlyDictionary<string, string?> Platformdata { get => field ?? NoPairs; init; }
    public uint Poolid { get; init; }
    public string? PoolName { get; init; }
    public bool? RunHotplugScripts { get; init; }
    public bool? DriverDomain { get; init; }
    public Passthrough Passthrough { get; init; }
    public bool? XendSuspendEvtchnCompat { get; init; }

    private static readonly Dictionary<string, string?> NoPairs = [];
}
