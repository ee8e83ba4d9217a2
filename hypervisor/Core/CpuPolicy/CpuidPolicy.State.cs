// SPDX-License-Identifier: MIT
// Leaf 0xd: which register state XSAVE saves, and how large it is.

using System;
using XenSharp.Core.Vcpus;

namespace XenSharp.Core.CpuPolicy;

public sealed partial class CpuidPolicy
{
    private const ulong StateFpu = 1, StateSse = 2, StateAvx = 4, StateAvx512 = 0xe0, StatePkru = 1 << 9;

    private const uint AvxDependents7Ebx = (1 << 5) | (1 << 16) | (1 << 17) | (1 << 21) | (1 << 28) | (1 << 30) | (1U << 31);
    private const uint AvxDependents7Ecx = (1 << 1) | (1 << 6) | (1 << 9) | (1 << 10) | (1 << 11) | (1 << 12) | (1 << 14);

    private static void MaskState(PolicyLeaves policy, HostCpuid host)
    {
        ref CpuidLeaf first = ref policy.Basic[1];
        ulong states = host.States;
        ulong wanted = StateFpu | StateSse;
        if ((first.Ecx & BitAvx) != 0)
            wanted |= StateAvx;
        if ((policy.Features[0].Ebx & (1 << 16)) != 0)
            wanted |= StateAvx512;
        if ((policy.Features[0].Ecx & BitPku) != 0)
            wanted |= StatePkru;
        ulong offered = (first.Ecx & BitXsave) != 0 && (states & (StateFpu | StateSse)) == (StateFpu | StateSse) ? states & wanted : 0;
        if (offered == 0)
            first.Ecx &= ~BitXsave;
        if ((offered & StateAvx) == 0)
        {
            first.Ecx &= ~(BitAvx | BitF16c | BitFma);
            policy.Features[0].Ebx &= ~AvxDependents7Ebx;
            policy.Features[0].Ecx &= ~AvxDependents7Ecx;
            policy.Features[0].Edx &= ~((1U << 2) | (1U << 3) | (1U << 8));
        }

        if ((offered & StatePkru) == 0)
            policy.Features[0].Ecx &= ~BitPku;
        if (offered != 0)
            policy.SetStates(offered, host.State[1].Eax & DefaultState1Eax, host.Leaves);
    }

    private CpuidLeaf State(Vcpu vcpu, uint subleaf)
    {
        if (States == 0 || subleaf >= HostCpuid.StateLeaves)
            return default;
        CpuidLeaf result = _leaves[PolicyLeaves.StateStart + (int)subleaf];
        if (subleaf == 0)
            result.Ebx = ImageSize(vcpu.EnabledStates);
        else if (subleaf == 1 && (result.Eax & 2) != 0)
            result.Ebx = Leaves.CompactedSize(vcpu.EnabledStates);
        return result;
    }

    /// <summary>Bytes of an XSAVE image in the standard format with these components.</summary>
    public uint ImageSize(ulong states) => Leaves.ImageSize(states);
}
