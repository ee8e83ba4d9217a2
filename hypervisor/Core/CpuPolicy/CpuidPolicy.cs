// SPDX-License-Identifier: MIT
// What CPUID tells a domain. Called by the port for every CPUID exit.
//
// The masks follow from the letters in xen/include/public/arch-x86/cpufeatureset.h (what HVM guests with HAP see by default); the rest
// from xen/arch/x86/cpu-policy.c and cpuid.c. Less than Xen shows: features whose MSRs are not emulated (TSC deadline, TSC adjust,
// debug extensions, IBRS and IBPB, XSAVES).

using System;
using System.Runtime.CompilerServices;
using XenSharp.Core.Vcpus;

namespace XenSharp.Core.CpuPolicy;

/// <summary>The leaves of one domain; static ones in tables, the dynamic ones made per call.</summary>
public sealed partial class CpuidPolicy
{
    private const uint DefaultFeatures1Edx = 0x1fcb_fbff, DefaultFeatures1Ecx = 0xf6fa_3203;
    private const uint DefaultExtended1Edx = 0xee50_0800, DefaultExtended1Ecx = 0x0021_09f3;
    private const uint DefaultFeatures7Ebx = 0xfdbf_0fa9, DefaultFeatures7Ecx = 0x0240_5f4f, DefaultFeatures7Edx = 0x0000_441c;
    private const uint DefaultFeatures71Eax = 0x0000_1c30, DefaultState1Eax = 0x7;
    private const uint DefaultExtended8Ebx = 0x2400_0005, DefaultExtended21Eax = 0x7800_0064, DefaultExtended21Ecx = 0x6;

    private const uint BitApic = 1 << 9, BitSysenter = 1 << 11;
    private const uint BitX2Apic = 1 << 21, BitXsave = 1 << 26, BitOsXsave = 1 << 27, BitAvx = 1 << 28, BitF16c = 1 << 29, BitFma = 1 << 12;
    private const uint BitHypervisor = 1U << 31, BitOsPku = 1 << 4, BitPku = 1 << 3;

    private const uint BitNoLmsl = 1 << 20, BitAmdSsbd = 1 << 24, BitVirtSsbd = 1 << 25;

    // Bits of leaf 1 that AMD repeats in leaf 80000001.
    private const uint CommonFeatures = 0x0183_f3ff;
    private const ulong Cr4OsXsave = 1 << 18, Cr4Pku = 1 << 22;
    private const uint AmdEbx = 0x6874_7541, HygonEbx = 0x6f67_7948;

    private readonly CpuidLeaf[] _leaves = new CpuidLeaf[PolicyLeaves.Count];

    /// <summary>The default policy of a PVH domain on this machine.</summary>
    public CpuidPolicy(HostCpuid host)
    {
        PolicyLeaves policy = Leaves;
        IsAmd = PolicyChange.IsAmd(host.Basic[0].Ebx);
        host.CopyTo(_leaves);
        policy.State.Clear();
        policy.Basic[0].Eax = Math.Min(policy.Basic[0].Eax, HostCpuid.BasicLeaves - 1);
        policy.Features[0].Eax = Math.Min(policy.Features[0].Eax, HostCpuid.FeatureLeaves - 1);
        if (policy.Extended[0].Eax >= HostCpuid.ExtendedBase)
            policy.Extended[0].Eax = Math.Min(policy.Extended[0].Eax, HostCpuid.ExtendedBase + HostCpuid.ExtendedLeaves - 1);
        MaskBasic(policy, host);
        MaskState(policy, host);
        MaskExtended(policy);
        Span<uint> words = stackalloc uint[PolicyLeaves.FeatureWords];
        policy.GetFeatures(words);
        FeatureDependencies.Apply(words);
        policy.SetFeatures(words);
        Derive();
    }

    /// <summary>MSR ce: whether CPUID can be made to fault.</summary>
    public ulong PlatformInformation { get; private set; } = PolicyChange.CpuidFaulting;

    /// <summary>The block of leaves, without what depends on the vCPU.</summary>
    internal PolicyLeaves Leaves => new(_leaves);

    public void CopyTo(Span<CpuidLeaf> leaves) => _leaves.AsSpan().CopyTo(leaves);

    /// <summary>
    /// Puts a policy in place that has been checked and recalculated (<see cref="PolicyChange"/>); the domain is paused, and has not run.
    /// </summary>
    public void Replace(ReadOnlySpan<CpuidLeaf> leaves, ulong platformInformation)
    {
        leaves.CopyTo(_leaves);
        PlatformInformation = platformInformation;
        Derive();
    }

    public bool IsAmd { get; private set; }

    /// <summary>XCR0 bits that the domain may set; 0: no XSAVE.</summary>
    public ulong States { get; private set; }

    /// <summary>MSR c001011f: the families 15h to 17h have no architectural switch for speculative store bypass.</summary>
    public bool HasVirtualSsbd => (Extended(8).Ebx & BitVirtSsbd) != 0;

    public bool HasRdtscp => (Extended(1).Edx & (1U << 27)) != 0 || (_leaves[PolicyLeaves.FeatureStart].Ecx & (1U << 22)) != 0;

    public int PhysicalAddressBits => (int)(Extended(8).Eax & 0xff) is >= 32 and <= 52 and int bits ? bits : 36;

    /// <summary>What the vCPU's CPUID instruction gives.</summary>
    public static void Get(Vcpu vcpu, uint leaf, uint subleaf, out uint eax, out uint ebx, out uint ecx, out uint edx)
    {
        CpuidLeaf result = vcpu.Domain.Cpuid.Leaf(vcpu, leaf, subleaf);
        eax = result.Eax;
        ebx = result.Ebx;
        ecx = result.Ecx;
        edx = result.Edx;
    }

    /// <summary>The registers that the vCPU gets. Leaves out of range are zero, as on AMD.</summary>
    public CpuidLeaf Leaf(Vcpu vcpu, uint leaf, uint subleaf)
    {
        if (leaf < HostCpuid.BasicLeaves)
        {
            if (leaf > _leaves[0].Eax)
                return default;
            return leaf == 1 ? First(vcpu) : Basic(vcpu, leaf, subleaf);
        }

        uint extended = leaf - HostCpuid.ExtendedBase;
        if (extended < HostCpuid.ExtendedLeaves)
            return leaf <= Extended(0).Eax ? ExtendedFor(vcpu, extended) : default;
        return leaf - HypervisorBase <= LastHypervisorLeaf ? Hypervisor(vcpu, leaf - HypervisorBase, subleaf) : default;
    }

    /// <summary>Whether XSETBV may give XCR0 this value (AMD APM vol. 2, 11.5.2); false: #GP.</summary>
    public bool MaySetStates(ulong value)
    {
        const ulong fpu = 1, sse = 2, avx = 4, avx512 = 0xe0;
        if ((value & fpu) == 0 || (value & ~States) != 0)
            return false;
        if ((value & avx) != 0 && (value & sse) == 0)
            return false;
        return (value & avx512) == 0 || ((value & avx512) == avx512 && (value & avx) != 0);
    }

    // Each kind apart, so that the shortest saves no registers for the longest.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private CpuidLeaf First(Vcpu vcpu)
    {
        CpuidLeaf result = _leaves[PolicyLeaves.BasicStart + 1];
        result.Ebx = (result.Ebx & 0x00ff_ffff) | (vcpu.Apic.Id << 24);
        if ((vcpu.Context.Cr4 & Cr4OsXsave) != 0)
            result.Ecx |= BitOsXsave;
        if (!vcpu.Apic.IsHardwareEnabled)
            result.Edx &= ~BitApic;
        return result;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private CpuidLeaf Basic(Vcpu vcpu, uint leaf, uint subleaf)
    {
        CpuidLeaf result = _leaves[PolicyLeaves.BasicStart + (int)leaf];
        switch (leaf)
        {
            case 4:
                return subleaf < PolicyLeaves.CacheLeaves ? _leaves[PolicyLeaves.CacheStart + (int)subleaf] : default;
            case 7:
                if (subleaf > _leaves[PolicyLeaves.FeatureStart].Eax || subleaf >= HostCpuid.FeatureLeaves)
                    return default;
                result = _leaves[PolicyLeaves.FeatureStart + (int)subleaf];
                if (subleaf == 0 && (vcpu.Context.Cr4 & Cr4Pku) != 0)
                    result.Ecx |= BitOsPku;
                break;
            case 0xb:
                result = default;
                if (subleaf >= PolicyLeaves.TopologyLeaves || (_leaves[1].Ecx & BitX2Apic) == 0)
                    break;
                result.Ecx = subleaf;
                result.Edx = vcpu.Apic.Id;
                break;
            case 0xd:
                return State(vcpu, subleaf);
        }

        return result;
    }

    private ref CpuidLeaf Extended(int leaf) => ref _leaves[PolicyLeaves.ExtendedStart + leaf];

    [MethodImpl(MethodImplOptions.NoInlining)]
    private CpuidLeaf ExtendedFor(Vcpu vcpu, uint leaf)
    {
        CpuidLeaf result = Extended((int)leaf);
        if (leaf == 1 && !vcpu.Apic.IsHardwareEnabled)
            result.Edx &= ~BitApic;
        return result;
    }

    private void MaskBasic(PolicyLeaves policy, HostCpuid host)
    {
        ref CpuidLeaf first = ref policy.Basic[1];
        first.Eax &= 0x0fff_0fff;
        first.Ebx &= 0x00ff_ffff;
        first.Edx = (first.Edx & DefaultFeatures1Edx) | BitApic | (host.Basic[1].Edx & BitSysenter);
        first.Ecx = (first.Ecx & DefaultFeatures1Ecx) | BitX2Apic | BitHypervisor;
        if (IsAmd)
        {
            policy.Basic[2] = default;
            policy.Basic[9] = default;
            policy.Basic[10] = default;
        }

        policy.Basic[3] = default;
        policy.Basic[5] = default;
        policy.Basic[6] = default;
        policy.Basic[8] = default;
        policy.Basic[10] = default;
        policy.Basic[12] = default;
        ref CpuidLeaf features = ref policy.Features[0];
        features.Ebx &= DefaultFeatures7Ebx;
        features.Ecx &= DefaultFeatures7Ecx;
        features.Edx &= DefaultFeatures7Edx;
        ref CpuidLeaf more = ref policy.Features[1];
        more.Eax &= DefaultFeatures71Eax;
        more.Ebx = 0;
        more.Ecx = 0;
        more.Edx = 0;
        policy.Features[2] = default;
    }

    private void MaskExtended(PolicyLeaves policy)
    {
        ref CpuidLeaf first = ref policy.Extended[1];
        first.Eax = IsAmd ? policy.Basic[1].Eax : 0;
        first.Ebx &= 0xff00_ffff;
        first.Edx = (first.Edx & DefaultExtended1Edx & ~CommonFeatures) | (IsAmd ? policy.Basic[1].Edx & CommonFeatures : 0);
        first.Ecx &= DefaultExtended1Ecx;
        if (policy.States == 0)
            first.Ecx &= ~((1U << 11) | (1U << 15) | (1U << 16));
        policy.Extended[7] = default;
        ref CpuidLeaf sizes = ref policy.Extended[8];
        sizes.Eax &= 0xffff;
        bool needsVirtualSsbd = NeedsVirtualSsbd(IsAmd, sizes.Ebx, policy.Basic[1].Eax);
        sizes.Ebx = (sizes.Ebx & DefaultExtended8Ebx) | BitNoLmsl | (needsVirtualSsbd ? BitVirtSsbd : 0);
        sizes.Ecx &= 0x0003_f0ff;
        sizes.Edx = 0;
        for (int i = 9; i <= 0x18; i++)
            policy.Extended[i] = default;
        for (int i = 0x1b; i <= 0x20; i++)
            policy.Extended[i] = default;
        ref CpuidLeaf last = ref policy.Extended[0x21];
        last.Eax &= DefaultExtended21Eax;
        last.Ebx = 0;
        last.Ecx &= DefaultExtended21Ecx;
        last.Edx = 0;
    }

    /// <summary>Whether domains of this machine need MSR c001011f to switch speculative store bypass off.</summary>
    internal static bool NeedsVirtualSsbd(HostCpuid host) =>
        NeedsVirtualSsbd(PolicyChange.IsAmd(host.Basic[0].Ebx), host.Extended[8].Ebx, host.Basic[1].Eax);

    private static bool NeedsVirtualSsbd(bool isAmd, uint features, uint signature) =>
        isAmd && (features & BitAmdSsbd) == 0 && ((signature >> 20) & 0xff) + 15 is >= 0x15 and <= 0x18;

    /// <summary>CR4 bits that the domain may set (hvm_cr4_guest_valid_bits of Xen).</summary>
    public ulong ControlRegister4Bits
    {
        get
        {
            const ulong performance = 1 << 8;
            uint edx = _leaves[1].Edx, ecx = _leaves[1].Ecx, ebx7 = _leaves[PolicyLeaves.FeatureStart].Ebx, ecx7 = _leaves[PolicyLeaves.FeatureStart].Ecx;
            return performance | When(edx, 1, 3) | When(edx, 4, 1 << 2) | When(edx, 2, 1 << 3) | When(edx, 3, 1 << 4) | When(edx, 6, 1 << 5)
                | When(edx, 7, 1 << 6) | When(edx, 14, 1 << 6) | When(edx, 13, 1 << 7) | When(edx, 24, 1 << 9) | When(edx, 25, 1 << 10)
                | When(ecx7, 2, 1 << 11) | When(ebx7, 0, 1 << 16) | When(ecx, 17, 1 << 17) | When(ecx, 26, 1 << 18)
                | When(ebx7, 7, 1 << 20) | When(ebx7, 20, 1 << 21) | When(ecx7, 3, 1 << 22);
        }
    }

    /// <summary>EFER bits that the domain may set: SYSCALL, long mode, no-execute, fast FXSAVE.</summary>
    public ulong ExtendedFeatureBits
    {
        get
        {
            uint edx = Extended(1).Edx;
            return When(edx, 11, 1) | When(edx, 29, (1 << 8) | (1 << 10)) | When(edx, 20, 1 << 11) | When(edx, 25, 1 << 14);
        }
    }

    private static ulong When(uint word, int bit, uint bits) => ((word >> bit) & 1) != 0 ? bits : 0;

    // What other places ask for at every exit.
    private void Derive()
    {
        PolicyLeaves policy = Leaves;
        IsAmd = PolicyChange.IsAmd(policy.Basic[0].Ebx);
        States = (policy.Basic[1].Ecx & BitXsave) != 0 ? policy.States : 0;
    }
}
