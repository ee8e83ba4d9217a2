// SPDX-License-Identifier: MIT
// What only the console daemon and the inspection tools ask for. xen/include/public/sysctl.h, domctl.h.

using System;
using XenSharp.Abi;
using XenSharp.Interop;

namespace XenSharp.Control;

public sealed partial class Hypervisor
{
    /// <summary>XEN_SYSCTL_readconsole from an index on, which moves behind what was read; how many bytes. An index that is too old begins at the oldest byte.</summary>
    public int ReadLogPart(Span<byte> target, ref uint index)
    {
        using HypercallBuffer buffer = Gate.Rent(target.Length);
        SysctlReadConsole argument = new() { Incremental = 1, Index = index, Buffer = buffer.Address, Count = (uint)target.Length };
        Sysctl(SysctlCommand.ReadConsole, ref argument, "readconsole");
        index = argument.Index;
        buffer.Bytes[..(int)argument.Count].CopyTo(target);
        return (int)argument.Count;
    }

    /// <summary>XEN_SYSCTL_get_cpu_featureset; null where the hypervisor has no such set.</summary>
    public uint[]? GetFeatureSet(uint index)
    {
        SysctlCpuFeatureset argument = new() { Index = index };
        Sysctl(SysctlCommand.GetCpuFeatureset, ref argument, "get_cpu_featureset");
        using HypercallBuffer list = Gate.Rent<uint>((int)argument.FeatureCount);
        argument.Features = list.Address;
        long result = TrySysctl(SysctlCommand.GetCpuFeatureset, ref argument);
        if (result == -(long)Errno.OpNotSupp)
            return null;
        Check(result, "get_cpu_featureset", null);
        return list.Items<uint>()[..(int)argument.FeatureCount].ToArray();
    }

    /// <summary>How many leaves and MSRs a CPU policy has at most.</summary>
    public (int Leaves, int Msrs) GetPolicySize()
    {
        SysctlCpuPolicy argument = default;
        Sysctl(SysctlCommand.GetCpuPolicy, ref argument, "get_cpu_policy");
        return ((int)argument.LeafCount, (int)argument.MsrCount);
    }

    /// <summary>XEN_SYSCTL_get_cpu_policy; null where the hypervisor has no such policy.</summary>
    public CpuPolicy? GetSystemPolicy(uint index)
    {
        (int leafCount, int msrCount) = GetPolicySize();
        using HypercallBuffer leaves = Gate.Rent<CpuidLeaf>(leafCount), msrs = Gate.Rent<MsrEntry>(msrCount);
        SysctlCpuPolicy argument = new() { Index = index, LeafCount = (uint)leafCount, MsrCount = (uint)msrCount, Leaves = leaves.Address, Msrs = msrs.Address };
        long result = TrySysctl(SysctlCommand.GetCpuPolicy, ref argument);
        if (result == -(long)Errno.OpNotSupp)
            return null;
        Check(result, "get_cpu_policy", null);
        return new CpuPolicy([.. leaves.Items<CpuidLeaf>()[..(int)argument.LeafCount]], [.. msrs.Items<MsrEntry>()[..(int)argument.MsrCount]]);
    }
}
