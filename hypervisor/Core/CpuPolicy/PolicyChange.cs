// SPDX-License-Identifier: MIT
// XEN_DOMCTL_set_cpu_policy: the toolstack's leaves are merged into a copy of a domain's policy, audited, brought in line with
// what the machine can give, and put in place. Called by DomctlOp.
//
// Behaviour: recalculate_cpuid_policy and its parts in xen/arch/x86/cpu-policy.c, x86_cpu_policies_are_compatible in
// xen/lib/x86/policy.c of 4.17.

using System;

namespace XenSharp.Core.CpuPolicy;

/// <summary>Which leaf or MSR an audit objects to; all ones where none does (struct cpu_policy_errors).</summary>
public struct PolicyErrors
{
    public uint Leaf;
    public uint Subleaf;
    public uint Msr;

    public static PolicyErrors None => new() { Leaf = uint.MaxValue, Subleaf = uint.MaxValue, Msr = uint.MaxValue };
}

/// <summary>The steps of a change; all work on a copy of the leaves.</summary>
public static class PolicyChange
{
    public const uint PlatformInformation = 0xce, ArchitecturalCapabilities = 0x10a;

    /// <summary>All that MSR ce may say to a domain: CPUID can be made to fault.</summary>
    public const ulong CpuidFaulting = 1UL << 31;

    private const uint CommonFeatures = 0x0183_f3ff;
    private const uint BitApic = 1 << 9, BitSysenter = 1 << 11, BitMultithreading = 1 << 28;
    private const uint BitX2Apic = 1 << 21, BitXsave = 1 << 26, BitAvx = 1 << 28, BitHypervisor = 1U << 31;
    private const uint BitPae = 1 << 6, BitPse36 = 1 << 17, BitLongMode = 1 << 29, BitGigabytePages = 1 << 26, BitSvm = 1 << 2;
    private const uint BitAvx512 = 1 << 16, BitPku = 1 << 3, HostFpuBits = (1 << 6) | (1 << 13);
    private const uint BitCmpLegacy = 1 << 1, BitNoLmsl = 1 << 20, BitVirtSsbd = 1 << 25, BitVerwClear = 1 << 5;
    private const ulong StateFpuSse = 3, StateAvx = 4, StateAvx512 = 0xe0, StatePkru = 1 << 9;
    private const int IntelExtendedLeaves = 9;
    private const uint AmdEbx = 0x6874_7541, HygonEbx = 0x6f67_7948, IntelEbx = 0x756e_6547;

    // What a domain with HAP may at most be given (the letters in cpufeatureset.h), less what is not emulated (see CpuidPolicy).
    private static ReadOnlySpan<uint> MaxFeatures => new uint[]
    {
        0x1fcb_fbff, 0xf6fa_3203, 0xee50_0800, 0x0021_09f7, 0x7, 0xfdbf_0fb9, 0x1a40_5f4f, 0x100, 0x2400_0005, 0x0001_451c, 0x1c30,
        0x7800_0064, 0, 0, 0, 0, 0, 0, 0x6,
    };

    /// <summary>Leaves that the smaller limits of a policy have put out of range are empty.</summary>
    public static void ClearOutOfRange(PolicyLeaves policy)
    {
        uint maxLeaf = policy.Basic[0].Eax;
        ClearFrom(policy.Basic, maxLeaf);
        if (maxLeaf < 4)
            policy.Cache.Clear();
        else
            ClearBehindLast(policy.Cache, isTopology: false);
        if (maxLeaf < 7)
            policy.Features.Clear();
        else
            ClearFrom(policy.Features, policy.Features[0].Eax);
        if (maxLeaf < 0xb)
            policy.Topology.Clear();
        else
            ClearBehindLast(policy.Topology, isTopology: true);
        ulong states = policy.States;
        if (maxLeaf < 0xd || states == 0)
            policy.State.Clear();
        else
            ClearFrom(policy.State, Math.Max(1u, (uint)System.Numerics.BitOperations.Log2(states)));
        ClearFrom(policy.Extended, policy.Extended[0].Eax & 0xffff);
    }

    /// <summary>Whether the machine could run a domain with this policy; otherwise what is wrong.</summary>
    public static bool IsCompatible(PolicyLeaves policy, ulong platformInformation, HostCpuid host, ref PolicyErrors errors)
    {
        if (policy.Basic[0].Eax > MaxBasic(host))
        {
            errors.Leaf = 0;
            return false;
        }

        if (policy.Features[0].Eax > HostCpuid.FeatureLeaves - 1)
        {
            errors.Leaf = 7;
            errors.Subleaf = 0;
            return false;
        }

        if (policy.Extended[0].Eax > MaxExtended(host))
        {
            errors.Leaf = HostCpuid.ExtendedBase;
            return false;
        }

        if ((platformInformation & ~CpuidFaulting) == 0)
            return true;
        errors.Msr = PlatformInformation;
        return false;
    }

    /// <summary>Takes from a policy what the machine has not, and derives what follows from the rest.</summary>
    public static void Recalculate(PolicyLeaves policy, HostCpuid host)
    {
        bool isAmd = IsAmd(policy.Basic[0].Ebx);
        policy.Basic[0].Eax = Math.Min(policy.Basic[0].Eax, MaxBasic(host));
        policy.Features[0].Eax = Math.Min(policy.Features[0].Eax, HostCpuid.FeatureLeaves - 1);
        uint lastExtended = (uint)(isAmd ? HostCpuid.ExtendedLeaves : IntelExtendedLeaves) - 1;
        policy.Extended[0].Eax = HostCpuid.ExtendedBase | Math.Min(policy.Extended[0].Eax & 0xffff, lastExtended);

        Span<uint> words = stackalloc uint[PolicyLeaves.FeatureWords];
        Span<uint> max = stackalloc uint[PolicyLeaves.FeatureWords];
        policy.GetFeatures(words);
        GetMaxFeatures(host, max);
        max[3] &= ~BitSvm; // nested virtualisation is not given to domains
        for (int i = 0; i < words.Length; i++)
            words[i] &= max[i];
        if (policy.Basic[0].Eax < 0xd)
            words[1] &= ~BitXsave;
        FeatureDependencies.Apply(words);
        words[5] = (words[5] & ~HostFpuBits) | (host.Features[0].Ebx & HostFpuBits);
        policy.SetFeatures(words);

        policy.Basic[1].Ebx = (policy.Basic[1].Ebx & ~0xff00U) | (host.Basic[1].Ebx & 0xff00);
        ref CpuidLeaf sizes = ref policy.Extended[8];
        uint bits = Math.Min(sizes.Eax & 0xff, host.Extended[8].Eax & 0xff);
        bits = Math.Max(bits, (words[0] & (BitPae | BitPse36)) != 0 ? 36U : 32);
        sizes.Eax = (sizes.Eax & 0xffff_0000) | ((words[2] & BitLongMode) != 0 ? 48U << 8 : 32U << 8) | bits;
        RecalculateState(policy, host, words);
        RecalculateOthers(policy, isAmd);
        RecalculateCaches(policy.Cache);
        policy.Basic[0xa] = default;
        if ((words[3] & BitSvm) == 0)
            policy.Extended[0xa] = default;
        if ((words[2] & BitGigabytePages) == 0)
            policy.Extended[0x19] = default;
    }

    /// <summary>The features of XEN_SYSCTL_cpu_policy_hvm_max, those that leaf 80000001 repeats once only.</summary>
    public static void GetMaxFeatures(HostCpuid host, Span<uint> words)
    {
        host.Leaves.GetFeatures(words);
        bool isAmd = IsAmd(host.Basic[0].Ebx);
        uint sysenter = host.Basic[1].Edx & BitSysenter;
        words[2] &= ~CommonFeatures;
        bool hasXsave = (words[1] & BitXsave) != 0 && (host.UsableStates & StateFpuSse) == StateFpuSse;
        for (int i = 0; i < words.Length; i++)
            words[i] &= MaxFeatures[i];
        words[0] |= BitApic | sysenter | BitMultithreading;
        words[1] |= BitX2Apic | BitHypervisor;
        words[3] |= BitCmpLegacy;
        words[8] |= BitNoLmsl | (CpuidPolicy.NeedsVirtualSsbd(host) ? BitVirtSsbd : 0);
        if (isAmd)
            words[11] |= BitVerwClear;
        ulong usable = host.States;
        if (!hasXsave)
            words[1] &= ~BitXsave;
        if ((usable & StateAvx) == 0)
            words[1] &= ~BitAvx;
        if ((usable & StateAvx512) != StateAvx512)
            words[5] &= ~BitAvx512;
        if ((usable & StatePkru) == 0)
            words[6] &= ~BitPku;
        FeatureDependencies.Apply(words);
    }

    public static bool IsAmd(uint vendorEbx) => vendorEbx is AmdEbx or HygonEbx;

    private static uint MaxBasic(HostCpuid host) => Math.Min(host.Basic[0].Eax, HostCpuid.BasicLeaves - 1);

    private static uint MaxExtended(HostCpuid host) =>
        HostCpuid.ExtendedBase | Math.Min(host.Extended[0].Eax & 0xffff, HostCpuid.ExtendedLeaves - 1);

    private static void RecalculateState(PolicyLeaves policy, HostCpuid host, ReadOnlySpan<uint> words)
    {
        uint features = policy.State[1].Eax;
        policy.State.Clear();
        if ((words[1] & BitXsave) == 0)
            return;
        ulong states = StateFpuSse;
        states |= (words[1] & BitAvx) != 0 ? StateAvx : 0;
        states |= (words[5] & BitAvx512) != 0 ? StateAvx512 : 0;
        states |= (words[6] & BitPku) != 0 ? StatePkru : 0;
        policy.SetStates(states, features, host.Leaves);
    }

    // recalculate_misc.
    private static void RecalculateOthers(PolicyLeaves policy, bool isAmd)
    {
        Span<CpuidLeaf> basic = policy.Basic, extended = policy.Extended;
        basic[1].Eax &= 0x0fff_0fff;
        basic[1].Ebx &= 0x00ff_ffff;
        basic[5] = default;
        basic[6] = default;
        basic[8] = default;
        policy.Topology.Clear();
        basic[0xc] = default;
        extended[1].Edx &= ~CommonFeatures;
        extended[7].Eax = extended[7].Ebx = extended[7].Ecx = 0;
        extended[8].Edx = 0;
        if (isAmd)
        {
            basic[2] = basic[3] = default;
            policy.Cache.Clear();
            basic[9] = basic[0xa] = default;
            extended[0].Ebx = basic[0].Ebx;
            extended[0].Ecx = basic[0].Ecx;
            extended[0].Edx = basic[0].Edx;
            extended[1].Eax = basic[1].Eax;
            extended[1].Ebx &= 0xff00_ffff;
            extended[1].Edx |= basic[1].Edx & CommonFeatures;
            extended[8].Eax &= 0xffff;
            extended[8].Ecx &= 0x0003_f0ff;
            extended[9] = default;
            extended.Slice(0xb, 0x18 - 0xb + 1).Clear();
            extended.Slice(0x1b, 0x20 - 0x1b + 1).Clear();
            extended[0x21].Ebx = 0;
            extended[0x21].Edx = 0;
        }
        else if (basic[0].Ebx == IntelEbx)
        {
            basic[2].Eax = (basic[2].Eax & ~0xffU) | 1;
            basic[3] = default;
            basic[9] = default;
            extended[0].Ebx = extended[0].Ecx = extended[0].Edx = 0;
            extended[1].Eax = extended[1].Ebx = 0;
            extended[5] = default;
            extended[6].Eax = extended[6].Ebx = extended[6].Edx = 0;
            extended[8].Eax &= 0xffff;
            extended[8].Ecx = 0;
        }
    }

    // Valid subleaves keep what is not reserved; the first of another type ends them.
    private static void RecalculateCaches(Span<CpuidLeaf> caches)
    {
        for (int i = 0; i < caches.Length; i++)
        {
            if ((caches[i].Eax & 0x1f) is < 1 or > 3)
            {
                caches.Slice(i).Clear();
                return;
            }

            caches[i].Eax &= 0xffff_c3ff;
            caches[i].Edx &= 7;
        }
    }

    private static void ClearFrom(Span<CpuidLeaf> leaves, uint last)
    {
        if (last < (uint)leaves.Length - 1)
            leaves.Slice((int)last + 1).Clear();
    }

    // Caches end with the first subleaf of type 0, and so do levels of topology, whose type is in ECX.
    private static void ClearBehindLast(Span<CpuidLeaf> leaves, bool isTopology)
    {
        int count = 0;
        while (count < leaves.Length && (isTopology ? (leaves[count].Ecx >> 8) & 0xff : leaves[count].Eax & 0x1f) != 0)
            count++;
        leaves.Slice(count).Clear();
    }
}
