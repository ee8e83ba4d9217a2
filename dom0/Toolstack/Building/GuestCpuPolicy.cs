// SPDX-License-Identifier: MIT
// What CPUID says in a guest: the hypervisor's default for HVM guests, a topology without threads, and the user's changes. Used by DomainBuilder.
// The rules are those of xc_cpuid_apply_policy and xc_cpuid_xend_policy (tools/libs/guest/xg_cpuid_x86.c).

using System;
using System.Collections.Generic;
using XenSharp.Abi;
using XenSharp.Configuration;
using XenSharp.Control;

namespace XenSharp.Toolstack.Building;

internal static class GuestCpuPolicy
{
    private const uint NoSubleaf = X86Limits.CpuidNoSubleaf;
    private const uint Intel = 0x756E_6547, Amd = 0x6874_7541, Hygon = 0x6F67_7948;     // EBX of leaf 0

    /// <param name="hasNestedVirtualization">nestedhvm=.</param>
    /// <param name="hasInvariantTsc">The guest will never run where its TSC differs.</param>
    public static CpuidLeaf[] Build(CpuidLeaf[] defaults, bool hasNestedVirtualization, bool hasInvariantTsc)
    {
        CpuidLeaf[] leaves = [.. defaults];
        uint vendor = 0;
        Change(leaves, 0, NoSubleaf, (ref CpuidLeaf leaf) => vendor = leaf.B);
        Change(leaves, 1, NoSubleaf, (ref CpuidLeaf leaf) =>
        {
            Set(ref leaf.C, 5, hasNestedVirtualization);     // VMX
            Set(ref leaf.D, 6, true);       // PAE
            Set(ref leaf.D, 28, true);      // HTT
            // Logical processors of the package: APIC ids are two apart.
            uint count = leaf.B >> 16 & 0xFF;
            count = count == 0 ? 2 : (count & 0x80) == 0 ? count * 2 : count;
            leaf.B = (leaf.B & ~0xFF_0000u) | (count << 16);
        });
        Change(leaves, 0x8000_0001, NoSubleaf, (ref CpuidLeaf leaf) =>
        {
            Set(ref leaf.C, 1, false);      // CMP_LEGACY
            Set(ref leaf.C, 2, hasNestedVirtualization);     // SVM
        });
        Change(leaves, 0x8000_0007, NoSubleaf, (ref CpuidLeaf leaf) => Set(ref leaf.D, 8, hasInvariantTsc));
        if (vendor == Intel)
        {
            Change(leaves, 4, null, (ref CpuidLeaf leaf) =>
            {
                if ((leaf.A & 0x1F) == 0)
                    return;
                uint cores = ((leaf.A >> 26 << 1) | 1) & 0x3F;
                leaf.A = (leaf.A & 0x3FFF) | (cores << 26);
            });
        }
        else if (vendor is Amd or Hygon)
        {
            Change(leaves, 0x8000_0008, NoSubleaf, (ref CpuidLeaf leaf) =>
            {
                uint cores = leaf.C & 0xFF, bits = leaf.C >> 12 & 0xF;
                if (cores >= 0x7F)
                    return;
                bits = bits is not 0 and < 7 ? bits + 1 : bits;
                leaf.C = (leaf.C & ~0xF0FFu) | (bits << 12) | ((cores << 1) | 1);
            });
        }
        return leaves;
    }

    /// <summary>Applies cpuid= of a configuration.</summary>
    /// <exception cref="ToolstackException">A leaf that the machine does not have.</exception>
    public static CpuidLeaf[] Apply(CpuidLeaf[] current, IReadOnlyList<CpuidPolicy> changes, CpuidLeaf[] defaults, CpuidLeaf[] host)
    {
        CpuidLeaf[] leaves = [.. current];
        foreach (CpuidPolicy change in changes)
        {
            uint subleaf = change.Subleaf ?? NoSubleaf;
            int place = IndexOf(leaves, change.Leaf, subleaf);
            int standard = IndexOf(defaults, change.Leaf, subleaf), machine = IndexOf(host, change.Leaf, subleaf);
            if (place < 0 || standard < 0 || machine < 0)
                throw new ToolstackException($"cpuid changes leaf {change.Leaf:x}{(change.Subleaf is { } sub ? $" subleaf {sub:x}" : "")}, which the machine does not have");
            ref CpuidLeaf leaf = ref leaves[place];
            Apply(ref leaf.A, change.Eax, defaults[standard].A, host[machine].A);
            Apply(ref leaf.B, change.Ebx, defaults[standard].B, host[machine].B);
            Apply(ref leaf.C, change.Ecx, defaults[standard].C, host[machine].C);
            Apply(ref leaf.D, change.Edx, defaults[standard].D, host[machine].D);
        }
        return leaves;
    }

    /// <summary>32 letters, the highest bit first: 1, 0, x for the default, k and s for the machine's.</summary>
    private static void Apply(ref uint register, string? rule, uint standard, uint machine)
    {
        for (int index = 0; index < Math.Min(32, rule?.Length ?? 0); index++)
        {
            int bit = 31 - index;
            bool value = rule![index] switch { '1' => true, '0' => false, 'x' => (standard >> bit & 1) != 0, _ => (machine >> bit & 1) != 0 };
            Set(ref register, bit, value);
        }
    }

    private delegate void LeafChange(ref CpuidLeaf leaf);

    /// <param name="subleaf">Null for all.</param>
    private static void Change(CpuidLeaf[] leaves, uint leaf, uint? subleaf, LeafChange change)
    {
        foreach (ref CpuidLeaf candidate in leaves.AsSpan())
        {
            if (candidate.Leaf == leaf && (subleaf is null || candidate.Subleaf == subleaf))
                change(ref candidate);
        }
    }

    private static int IndexOf(CpuidLeaf[] leaves, uint leaf, uint subleaf) => Array.FindIndex(leaves, candidate => candidate.Leaf == leaf && candidate.Subleaf == subleaf);

    private static void Set(ref uint register, int bit, bool value) => register = value ? register | (1u << bit) : register & ~(1u << bit);
}
