// SPDX-License-Identifier: MIT
// What hypercalls keep with the vCPU that makes them.

namespace XenSharp.Core.Vcpus;

public sealed partial class Vcpu
{
    /// <summary>True inside HYPERVISOR_multicall, which may not contain itself.</summary>
    public bool IsInMulticall { get; set; }
}
