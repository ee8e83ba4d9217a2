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

    private readonly CpuidLeaf[] _leaves = new CpuidLeaf[PolicyLeaves.Count];

    public HostCpuid(Platform platform)
    {
        uint last = Read(platform, 0, 0).Eax;
        for (uint i = 0; i < BasicLeaves && i <= last; i++)
            Basic[(int)i] = Read(platform, i, 0);
        for (uint i = 0; i < FeatureLeaves && last >= 7 && i <= Basic[7].Eax; i++)
            Features[(int)i] = Read(platform, 7, i);
        for (uint i = 0; i < StateLeaves && last >= 13; i++)
            State[(int)i] = Read(platform, 13, i);
        last = Read(platform, ExtendedBase, 0).Eax;
        for (uint i = 0; i < ExtendedLeaves && last >= ExtendedBase && i <= last - ExtendedBase; i++)
            Extended[(int)i] = Read(platform, ExtendedBase + i, 0);
    }

    /// <summary>All leaves in the form of a policy. Those about caches and topology are left out.</summary>
    public PolicyLeaves Leaves => new(_leaves);

    /// <summary>Leaves 0 to 0xd.</summary>
    public Span<CpuidLeaf> Basic => Leaves.Basic;

    /// <summary>Leaf 7 by subleaf.</summary>
    public Span<CpuidLeaf> Features => Leaves.Features;

    /// <summary>Leaf 0xd by subleaf.</summary>
    public Span<CpuidLeaf> State => Leaves.State;

    /// <summary>Leaves 0x80000000 to 0x80000021.</summary>
    public Span<CpuidLeaf> Extended => Leaves.Extended;

    /// <summary>XCR0 bits that guests may use; the port clears those whose state it does not switch. 0: no XSAVE for guests.</summary>
    public ulong UsableStates { get; set; } = ulong.MaxValue;

    /// <summary>Microcode revision (MSR 8b), given by the port.</summary>
    public uint PatchLevel { get; set; }

    /// <summary>Components of XCR0 that the machine has and the port switches.</summary>
    public ulong States => UsableStates & Leaves.States;

    public void CopyTo(Span<CpuidLeaf> leaves) => _leaves.AsSpan().CopyTo(leaves);

    private static CpuidLeaf Read(Platform platform, uint leaf, uint subleaf)
    {
        CpuidLeaf result;
        platform.Cpuid(leaf, subleaf, out result.Eax, out result.Ebx, out result.Ecx, out result.Edx);
        return result;
    }
}
