// SPDX-License-Identifier: MIT
// XEN_DOMCTL_set_cpu_policy: what CPUID and a few MSRs tell a domain.

using System;
using XenSharp.Abi;
using XenSharp.Core.CpuPolicy;
using XenSharp.Core.Domains;
using XenSharp.Core.Memory;
using XenSharp.Core.Vcpus;
using XenSharp.Edge;
using Leaf = XenSharp.Core.CpuPolicy.CpuidLeaf;
using static XenSharp.Core.Hypercalls.HypercallError;

namespace XenSharp.Core.Hypercalls;

public static partial class DomctlOp
{
    private const uint MaxPolicyLeaves = 0x78, MaxPolicyMsrs = 2;

    /// <summary>Only a domain that has never run, and is not the caller's, can be given another policy. What is not named stays.</summary>
    private static long SetCpuPolicy(ControlBuffer operation, Domain domain)
    {
        DomctlCpuPolicy request = operation.Read<DomctlCpuPolicy>();
        Vcpu caller = operation.Caller;
        if (domain == caller.Domain)
            return EINVAL;
        if (domain.IsCreationFinished)
            return EEXIST;
        Span<Leaf> block = stackalloc Leaf[PolicyLeaves.Count];
        domain.Cpuid.CopyTo(block);
        ulong platformInformation = domain.Cpuid.PlatformInformation;
        PolicyErrors errors = PolicyErrors.None;
        long result = MergeLeaves(caller, in request, block, ref errors);
        if (result == 0)
            result = MergeMsrs(caller, in request, ref platformInformation, ref errors);
        if (result == 0)
        {
            PolicyLeaves policy = new(block);
            PolicyChange.ClearOutOfRange(policy);
            result = PolicyChange.IsCompatible(policy, platformInformation, caller.Host.Cpuid, ref errors) ? 0 : EINVAL;
            if (result == 0)
            {
                PolicyChange.Recalculate(policy, caller.Host.Cpuid);
                using (domain.Lock.Enter(caller.Processor))
                    domain.Cpuid.Replace(block, platformInformation);
                return 0;
            }
        }

        request.ErrLeaf = errors.Leaf;
        request.ErrSubleaf = errors.Subleaf;
        request.ErrMsr = errors.Msr;
        return operation.Store(in request) != 0 ? EFAULT : result;
    }

    private static long MergeLeaves(Vcpu caller, in DomctlCpuPolicy request, Span<Leaf> block, ref PolicyErrors errors)
    {
        const uint hypervisor = 0x4000_0000, viridian = 0x4000_0100;
        if (request.LeafCount > MaxPolicyLeaves)
            return E2BIG;
        for (uint i = 0; i < request.LeafCount; i++)
        {
            if (!GuestAccess.TryRead(caller, request.Leaves + (i * (ulong)AbiBytes.SizeOf<XenSharp.Abi.CpuidLeaf>()), out XenSharp.Abi.CpuidLeaf record))
                return EFAULT;
            // The limits of the hypervisor's own leaves are taken and not used.
            if (record.Leaf is hypervisor or viridian && record.Subleaf == uint.MaxValue)
                continue;
            int place = PolicyLeaves.Find(record.Leaf, record.Subleaf);
            if (place < 0)
            {
                errors.Leaf = record.Leaf;
                errors.Subleaf = record.Subleaf;
                return ERANGE;
            }

            block[place].Eax = record.A;
            block[place].Ebx = record.B;
            block[place].Ecx = record.C;
            block[place].Edx = record.D;
        }

        return 0;
    }

    private static long MergeMsrs(Vcpu caller, in DomctlCpuPolicy request, ref ulong platformInformation, ref PolicyErrors errors)
    {
        if (request.MsrCount > MaxPolicyMsrs)
            return E2BIG;
        for (uint i = 0; i < request.MsrCount; i++)
        {
            if (!GuestAccess.TryRead(caller, request.Msrs + (i * (ulong)AbiBytes.SizeOf<MsrEntry>()), out MsrEntry entry))
                return EFAULT;
            long result = 0;
            if (entry.Flags != 0)
                result = EINVAL;
            else if (entry.Index == PolicyChange.PlatformInformation)
                result = entry.Value > uint.MaxValue ? EOVERFLOW : 0;
            else if (entry.Index != PolicyChange.ArchitecturalCapabilities)
                result = ERANGE;
            if (result != 0)
            {
                errors.Msr = entry.Index;
                return result;
            }

            // ARCH_CAPABILITIES has no feature here that a domain could be given.
            if (entry.Index == PolicyChange.PlatformInformation)
                platformInformation = entry.Value;
        }

        return 0;
    }
}
