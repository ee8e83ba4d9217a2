// SPDX-License-Identifier: MIT
// What hypercalls keep with the vCPU that makes them.

using XenSharp.Core.Hypercalls;

namespace XenSharp.Core.Vcpus;

public sealed partial class Vcpu
{
    /// <summary>True inside HYPERVISOR_multicall, which may not contain itself.</summary>
    public bool IsInMulticall { get; set; }

    /// <summary>True while a hypercall of 32-bit code is served: its structures have 32-bit words (hcall_compat of Xen).</summary>
    public bool IsNarrow { get; set; }

    /// <summary>Where a memory operation stopped inside an extent.</summary>
    public ExtentProgress Extent;
}
