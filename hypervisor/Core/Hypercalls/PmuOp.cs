// SPDX-License-Identifier: MIT
// HYPERVISOR_xenpmu_op: performance counters, for domains without a local APIC of their own.

using XenSharp.Core.Vcpus;

namespace XenSharp.Core.Hypercalls;

/// <summary>Every domain here has an emulated local APIC.</summary>
public static class PmuOp
{
    public static long Call(Vcpu caller, in HypercallArguments arguments) => HypercallError.EOPNOTSUPP;
}
