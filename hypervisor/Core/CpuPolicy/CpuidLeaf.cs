// SPDX-License-Identifier: MIT
// The four registers that one CPUID leaf gives.

namespace XenSharp.Core.CpuPolicy;

public struct CpuidLeaf
{
    public uint Eax;
    public uint Ebx;
    public uint Ecx;
    public uint Edx;
}
