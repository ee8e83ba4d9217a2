// SPDX-License-Identifier: MIT
// The machine's CPUID, read once at boot; the domains' policies are cut from it.

using System;
using XenSharp.Edge;

namespace XenSharp.Core.CpuPolicy;

/// <summary>Leaves as the boot CPU gives them.</summary>
public sealed class HostCpuid
{
    public const int BasicLeaves = 14;
    public const int FeatureLeaves = 3;
    public const int StateLeaves = 63;
    public const int ExtendedLeaves = 0x22;
    public const uint ExtendedBase = 0x8000_0000;

    public HostCpuid(Platform platform)
    {
        uint last = Read(platform, 0, 0).Eax;
        for (uint i = 0; i < BasicLeaves && i <= last; i++)
            Basic[i] = Read(platform, i, 0);
        for (uint i = 0; i < FeatureLeaves && last >= 7 && i <= Basic[7].Eax; i++)
            Features[i] = Read(platform, 7, i);
        for (uint i = 0; i < StateLeaves && last >= 13; i++)
            State[i] = Read(platform, 13, i);
        last = Read(platform, ExtendedBase, 0).Eax;
        for (uint i = 0; i < ExtendedLeaves && last >= ExtendedBase && i <= last - ExtendedBase; i++)
            Extended[i] = Read(platform, ExtendedBase + i, 0);
    }

    /// <summary>Leaves 0 to 0xd.</summary>
    public CpuidLeaf[] Basic { get; } = new CpuidLeaf[BasicLeaves];

    /// <summary>Leaf 7 by subleaf.</summary>
    public CpuidLeaf[] Features { get; } = new CpuidLeaf[FeatureLeaves];

    /// <summary>Leaf 0xd by subleaf.</summary>
    public CpuidLeaf[] State { get; } = new CpuidLeaf[StateLeaves];

    /// <summary>Leaves 0x80000000 to 0x80000021.</summary>
    public CpuidLeaf[] Extended { get; } = new CpuidLeaf[ExtendedLeaves];

    /// <summary>XCR0 bits that guests may use; the port clears those whose state it does not switch. 0: no XSAVE for guests.</summary>
    public ulong UsableStates { get; set; } = ulong.MaxValue;

    /// <summary>Microcode revision (MSR 8b), given by the port.</summary>
    public uint PatchLevel { get; set; }

    /// <summary>The leaves in the form of a policy. Those about caches and topology are left out.</summary>
    public void CopyTo(PolicyLeaves policy)
    {
        Basic.AsSpan().CopyTo(policy.Basic);
        Features.AsSpan().CopyTo(policy.Features);
        State.AsSpan().CopyTo(policy.State);
        Extended.AsSpan().CopyTo(policy.Extended);
    }

    /// <summary>The words of xen/include/public/arch-x86/cpufeatureset.h.</summary>
    public void GetFeatures(Span<uint> words)
    {
        words.Clear();
        words[0] = Basic[1].Edx;
        words[1] = Basic[1].Ecx;
        words[2] = Extended[1].Edx;
        words[3] = Extended[1].Ecx;
        words[4] = State[1].Eax;
        words[5] = Features[0].Ebx;
        words[6] = Features[0].Ecx;
        words[7] = Extended[7].Edx;
        words[8] = Extended[8].Ebx;
        words[9] = Features[0].Edx;
        words[10] = Features[1].Eax;
        words[11] = Extended[0x21].Eax;
        words[12] = Features[1].Ebx;
        words[13] = Features[2].Edx;
        words[14] = Features[1].Ecx;
        words[15] = Features[1].Edx;
        words[18] = Extended[0x21].Ecx;
    }

    private static CpuidLeaf Read(Platform platform, uint leaf, uint subleaf)
    {
        CpuidLeaf result;
        platform.Cpuid(leaf, subleaf, out result.Eax, out result.Ebx, out result.Ecx, out result.Edx);
        return result;
    }
}
