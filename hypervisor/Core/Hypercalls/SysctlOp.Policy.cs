// SPDX-License-Identifier: MIT
// XEN_SYSCTL_get_cpu_featureset and _get_cpu_policy: what the CPUs can do, and what a domain gets to see of it.

using System;
using XenSharp.Abi;
using XenSharp.Core.CpuPolicy;
using XenSharp.Core.Domains;
using XenSharp.Core.Memory;
using XenSharp.Core.Vcpus;
using Leaf = XenSharp.Core.CpuPolicy.CpuidLeaf;
using static XenSharp.Core.Hypercalls.HypercallError;

namespace XenSharp.Core.Hypercalls;

public static partial class SysctlOp
{
    /// <summary>FSCAPINTS of 4.17 (xen/include/public/arch-x86/cpufeatureset.h).</summary>
    private const int FeatureWords = 19;

    private const uint MaxLeaves = 0x78, MaxMsrs = 2;

    /// <summary>MSR ce of an HVM domain: CPUID faulting, which the hypervisor provides on any CPU.</summary>
    private const ulong GuestPlatformInfo = 1UL << 31;

    private const uint AmdVendor = 0x6874_7541;

    // Bits of leaf 1 that AMD repeats in leaf 80000001; a policy for domains to come holds them once.
    private const uint CommonFeatures = 0x0183_f3ff;

    private static long CpuFeatureset(ControlBuffer operation)
    {
        const ulong CountOffset = 4;
        SysctlCpuFeatureset request = operation.Read<SysctlCpuFeatureset>();
        Vcpu caller = operation.Caller;
        ulong countAddress = operation.UnionAddress + CountOffset;
        uint count = FeatureWords;
        if (request.Features == 0)
            return GuestAccess.TryWrite(caller, countAddress, in count) ? 0 : EFAULT;
        count = Math.Min(request.FeatureCount, FeatureWords);
        Span<uint> words = stackalloc uint[FeatureWords];
        switch ((CpuFeaturesetIndex)request.Index)
        {
            case CpuFeaturesetIndex.Raw:
                caller.Host.Cpuid.Leaves.GetFeatures(words);
                break;
            case CpuFeaturesetIndex.Host:
                HostFeatures(caller.Host.Cpuid, words);
                if (caller.Host.Cpuid.Basic[0].Ebx == AmdVendor)
                    words[2] |= words[0] & CommonFeatures;
                break;
            case CpuFeaturesetIndex.HvmMax:
                PolicyChange.GetMaxFeatures(caller.Host.Cpuid, words);
                break;
            case CpuFeaturesetIndex.Hvm:
                caller.Domain.Cpuid.GetFeatures(words);
                if (caller.Domain.Cpuid.IsAmd)
                    words[2] &= ~CommonFeatures;
                break;
            case CpuFeaturesetIndex.Pv:
            case CpuFeaturesetIndex.PvMax:
                return EOPNOTSUPP;
            default:
                return EINVAL;
        }

        for (int i = 0; i < (int)count; i++)
        {
            if (!GuestAccess.TryWrite(caller, request.Features + ((ulong)i * sizeof(uint)), in words[i]))
                return EFAULT;
        }

        if (!GuestAccess.TryWrite(caller, countAddress, in count))
            return EFAULT;
        return count < FeatureWords ? ENOBUFS : 0;
    }

    // What the hypervisor itself uses of the CPU, as in boot_cpu_data. OSXSAVE is the kernel's doing; AMD has SYSENTER in legacy mode only.
    private static void HostFeatures(HostCpuid host, Span<uint> words)
    {
        const uint osXsave = 1 << 27, sysenter = 1 << 11;
        host.Leaves.GetFeatures(words);
        words[1] &= ~osXsave;
        if (host.Basic[0].Ebx != AmdVendor)
            return;
        words[0] &= ~sysenter;
        words[2] &= ~CommonFeatures;
    }

    private static long CpuPolicy(ControlBuffer operation)
    {
        const ulong LeafCountOffset = 4, MsrCountOffset = 8;
        SysctlCpuPolicy request = operation.Read<SysctlCpuPolicy>();
        Vcpu caller = operation.Caller;
        if (request.Reserved != 0 || request.Index > (uint)CpuPolicyIndex.HvmDefault)
            return EINVAL;
        if ((CpuPolicyIndex)request.Index is CpuPolicyIndex.PvMax or CpuPolicyIndex.PvDefault)
            return EOPNOTSUPP;
        bool host = (CpuPolicyIndex)request.Index is CpuPolicyIndex.Raw or CpuPolicyIndex.Host;
        uint leaves = MaxLeaves;
        if (request.Leaves != 0)
        {
            var writer = new CpuidLeafWriter(caller, request.Leaves, request.LeafCount);
            long result = WriteLeaves(caller, (CpuPolicyIndex)request.Index, ref writer);
            if (result != 0)
                return result;
            leaves = writer.Count;
        }

        if (!GuestAccess.TryWrite(caller, operation.UnionAddress + LeafCountOffset, in leaves))
            return EFAULT;
        uint msrs = MaxMsrs;
        if (request.Msrs != 0)
        {
            long result = WriteMsrs(caller, request.Msrs, request.MsrCount, host ? 0 : GuestPlatformInfo);
            if (result != 0)
                return result;
        }

        return GuestAccess.TryWrite(caller, operation.UnionAddress + MsrCountOffset, in msrs) ? 0 : EFAULT;
    }

    /// <summary>XEN_DOMCTL_get_cpu_policy: the leaves and MSRs of one domain. A null buffer asks for the largest number.</summary>
    internal static long DomainCpuPolicy(ControlBuffer operation, Domain domain)
    {
        DomctlCpuPolicy request = operation.Read<DomctlCpuPolicy>();
        Vcpu caller = operation.Caller;
        if (request.Leaves == 0)
        {
            request.LeafCount = MaxLeaves;
        }
        else
        {
            var writer = new CpuidLeafWriter(caller, request.Leaves, request.LeafCount);
            long result = writer.Write(domain.Cpuid.Leaves);
            if (result != 0)
                return result;
            request.LeafCount = writer.Count;
        }

        if (request.Msrs != 0)
        {
            long result = WriteMsrs(caller, request.Msrs, request.MsrCount, domain.Cpuid.PlatformInformation);
            if (result != 0)
                return result;
        }

        request.MsrCount = MaxMsrs;
        return operation.Store(in request);
    }

    private static long WriteLeaves(Vcpu caller, CpuPolicyIndex index, ref CpuidLeafWriter writer)
    {
        HostCpuid host = caller.Host.Cpuid;
        Span<Leaf> block = stackalloc Leaf[PolicyLeaves.Count];
        Span<uint> words = stackalloc uint[FeatureWords];
        block.Clear();
        PolicyLeaves leaves = new(block);
        switch (index)
        {
            case CpuPolicyIndex.Raw:
                host.CopyTo(block);
                return writer.Write(leaves);
            case CpuPolicyIndex.Host:
                host.CopyTo(block);
                HostFeatures(host, words);
                return writer.WriteHost(leaves, words[0], words[1]);
            case CpuPolicyIndex.HvmMax:
                host.CopyTo(block);
                leaves.Features[0].Eax = HostCpuid.FeatureLeaves - 1;
                PolicyChange.GetMaxFeatures(host, words);
                leaves.SetFeatures(words);
                PolicyChange.Recalculate(leaves, host);
                return writer.WriteTemplate(leaves);
            default:
                caller.Domain.Cpuid.CopyTo(block);
                return writer.WriteTemplate(leaves);
        }
    }

    // The two MSRs that are part of a policy. ARCH_CAPABILITIES reads zero on AMD.
    private static long WriteMsrs(Vcpu caller, ulong buffer, uint capacity, ulong platformInfo)
    {
        const uint PlatformInfo = 0xce, ArchCapabilities = 0x10a;
        for (uint i = 0; i < MaxMsrs; i++)
        {
            if (i == capacity)
                return ENOBUFS;
            MsrEntry entry = default;
            entry.Index = i == 0 ? PlatformInfo : ArchCapabilities;
            entry.Value = i == 0 ? platformInfo : 0;
            if (!GuestAccess.TryWrite(caller, buffer + (i * 16), in entry))
                return EFAULT;
        }

        return 0;
    }
}
