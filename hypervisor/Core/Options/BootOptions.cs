// SPDX-License-Identifier: MIT
// The hypervisor's command line (docs/misc/xen-command-line.pandoc names the options).

namespace XenSharp.Core.Options;

/// <summary>Values of the options; parsed once at boot.</summary>
public sealed class BootOptions
{
    /// <summary>`dom0_mem=`: bytes; 0 means all but what the hypervisor keeps.</summary>
    public ulong Dom0MemoryBytes { get; set; }

    /// <summary>`dom0_max_vcpus=`: 0 means one per CPU.</summary>
    public int Dom0MaxVcpus { get; set; }

    /// <summary>`noreboot`: halt instead of rebooting after dom0's end or a panic.</summary>
    public bool NoReboot { get; set; }

    /// <summary>`maxcpus=`: 0 means all.</summary>
    public int MaxProcessors { get; set; }
}
