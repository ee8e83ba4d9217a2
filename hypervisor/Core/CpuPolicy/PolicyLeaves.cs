// SPDX-License-Identifier: MIT
// The leaves of one CPUID policy in one block, so that a change can be prepared in a copy and put in place at once.

using System;

namespace XenSharp.Core.CpuPolicy;

/// <summary>Where each leaf of struct cpu_policy (xen/include/xen/lib/x86/cpu-policy.h) lies in a block of <see cref="Count"/> leaves.</summary>
public readonly ref struct PolicyLeaves(Span<CpuidLeaf> leaves)
{
    public const int CacheLeaves = 6, TopologyLeaves = 2;
    public const int BasicStart = 0, CacheStart = BasicStart + HostCpuid.BasicLeaves, FeatureStart = CacheStart + CacheLeaves;
    public const int TopologyStart = FeatureStart + HostCpuid.FeatureLeaves, StateStart = TopologyStart + TopologyLeaves;
    public const int ExtendedStart = StateStart + HostCpuid.StateLeaves, Count = ExtendedStart + HostCpuid.ExtendedLeaves;

    /// <summary>The words of a feature set (FSCAPINTS, xen/include/public/arch-x86/cpufeatureset.h).</summary>
    public const int FeatureWords = 19;

    /// <summary>The legacy area and the header of an XSAVE image (AMD APM vol. 2, 11.5).</summary>
    public const uint SmallestImage = 576;

    private readonly Span<CpuidLeaf> _leaves = leaves;

    /// <summary>Leaves 0 to 0xd.</summary>
    public Span<CpuidLeaf> Basic => _leaves.Slice(BasicStart, HostCpuid.BasicLeaves);

    /// <summary>Leaf 4 by subleaf.</summary>
    public Span<CpuidLeaf> Cache => _leaves.Slice(CacheStart, CacheLeaves);

    /// <summary>Leaf 7 by subleaf.</summary>
    public Span<CpuidLeaf> Features => _leaves.Slice(FeatureStart, HostCpuid.FeatureLeaves);

    /// <summary>Leaf 0xb by subleaf.</summary>
    public Span<CpuidLeaf> Topology => _leaves.Slice(TopologyStart, TopologyLeaves);

    /// <summary>Leaf 0xd by subleaf.</summary>
    public Span<CpuidLeaf> State => _leaves.Slice(StateStart, HostCpuid.StateLeaves);

    /// <summary>Leaves 0x80000000 to 0x80000021.</summary>
    public Span<CpuidLeaf> Extended => _leaves.Slice(ExtendedStart, HostCpuid.ExtendedLeaves);

    /// <summary>
    /// The place of a leaf that the toolstack names, -1 when a policy has none. Leaves without subleaves are named with subleaf
    /// 0xffffffff.
    /// </summary>
    public static int Find(uint leaf, uint subleaf)
    {
        switch (leaf)
        {
            case 4:
                return subleaf < CacheLeaves ? CacheStart + (int)subleaf : -1;
            case 7:
                return subleaf < HostCpuid.FeatureLeaves ? FeatureStart + (int)subleaf : -1;
            case 0xb:
                return subleaf < TopologyLeaves ? TopologyStart + (int)subleaf : -1;
            case 0xd:
                return subleaf < HostCpuid.StateLeaves ? StateStart + (int)subleaf : -1;
        }

        if (subleaf != uint.MaxValue)
            return -1;
        if (leaf < HostCpuid.BasicLeaves)
            return BasicStart + (int)leaf;
        return leaf - HostCpuid.ExtendedBase < HostCpuid.ExtendedLeaves ? ExtendedStart + (int)(leaf - HostCpuid.ExtendedBase) : -1;
    }

    /// <summary>XCR0 bits that leaf 0xd offers.</summary>
    public ulong States => State[0].Eax | ((ulong)State[0].Edx << 32);

    /// <summary>Offers these XCR0 bits and these instructions (leaf 0xd, 1, eax), with the components' sizes and places on the machine.</summary>
    public void SetStates(ulong states, uint instructions, PolicyLeaves host)
    {
        State.Clear();
        State[0].Eax = (uint)states;
        State[0].Edx = (uint)(states >> 32);
        State[1].Eax = instructions;
        for (int i = 2; i < HostCpuid.StateLeaves; i++)
        {
            if ((states & (1UL << i)) == 0)
                continue;
            State[i] = host.State[i];
            State[i].Edx = 0;
        }

        State[0].Ecx = ImageSize(states);
    }

    /// <summary>Bytes of an XSAVE image in the standard format with these components.</summary>
    public uint ImageSize(ulong states)
    {
        uint size = SmallestImage;
        for (int i = 2; i < HostCpuid.StateLeaves; i++)
        {
            if ((states & (1UL << i)) != 0)
                size = Math.Max(size, State[i].Eax + State[i].Ebx);
        }

        return size;
    }

    /// <summary>Bytes of an image in the compacted format.</summary>
    public uint CompactedSize(ulong states)
    {
        uint size = SmallestImage;
        for (int i = 2; i < HostCpuid.StateLeaves; i++)
        {
            if ((states & (1UL << i)) == 0)
                continue;
            if ((State[i].Ecx & 2) != 0)
                size = (size + 63) & ~63U;
            size += State[i].Eax;
        }

        return size;
    }

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

    public void SetFeatures(ReadOnlySpan<uint> words)
    {
        Basic[1].Edx = words[0];
        Basic[1].Ecx = words[1];
        Extended[1].Edx = words[2];
        Extended[1].Ecx = words[3];
        State[1].Eax = words[4];
        Features[0].Ebx = words[5];
        Features[0].Ecx = words[6];
        Extended[7].Edx = words[7];
        Extended[8].Ebx = words[8];
        Features[0].Edx = words[9];
        Features[1].Eax = words[10];
        Extended[0x21].Eax = words[11];
        Features[1].Ebx = words[12];
        Features[2].Edx = words[13];
        Features[1].Ecx = words[14];
        Features[1].Edx = words[15];
        Extended[0x21].Ecx = words[18];
    }
}
