// SPDX-License-Identifier: MIT
// The emulated hardware that belongs to a domain as a whole.

using XenSharp.Core.CpuPolicy;
using XenSharp.Core.Emulation;
using XenSharp.Core.Interrupts;

namespace XenSharp.Core.Domains;

public sealed partial class Domain
{
    /// <summary>The I/O APICs; empty for a domain without devices.</summary>
    public DomainIoApics IoApics { get; private set; } = null!;

    /// <summary>Emulated I/O ports.</summary>
    public PortAccess Ports { get; private set; } = null!;

    /// <summary>What CPUID tells the domain; XEN_DOMCTL_set_cpu_policy changes it before the domain runs.</summary>
    public CpuidPolicy Cpuid { get; set; } = null!;

    /// <summary>The vCPU that got the last lowest-priority interrupt. A lost update only changes whose turn it is.</summary>
    internal int LastLowestPriority { get; set; }

    private void CreateDevices()
    {
        IoApics = new DomainIoApics(this);
        Ports = new PortAccess(this);
        Cpuid = new CpuidPolicy(Host.Cpuid);
    }
}
