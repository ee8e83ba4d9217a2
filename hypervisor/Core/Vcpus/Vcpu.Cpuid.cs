// SPDX-License-Identifier: MIT
// The processor state of a vCPU that CPUID and MSR policy look at.

using XenSharp.Core.CpuPolicy;

namespace XenSharp.Core.Vcpus;

public sealed partial class Vcpu
{
    /// <summary>Model-specific registers. Dom0's builder copies the machine's MTRRs in, and sets <see cref="VcpuMsrs.HostPat"/>.</summary>
    public VcpuMsrs Msrs { get; }

    /// <summary>XCR0; the port sets it at XSETBV (after <see cref="CpuidPolicy.MaySetStates"/>) and loads it when it switches vCPUs.</summary>
    public ulong EnabledStates { get; set; } = 1;
}
