// SPDX-License-Identifier: MIT
// A policy in the form of the toolstack: feature words and a list of leaves. Called by sysctl and domctl.

using System;
using XenSharp.Core.Hypercalls;
using XenSharp.Core.Memory;
using XenSharp.Core.Vcpus;

namespace XenSharp.Core.CpuPolicy;

public sealed partial class CpuidPolicy
{
    /// <summary>The words of xen/include/public/arch-x86/cpufeatureset.h.</summary>
    public void GetFeatures(Span<uint> words)
    {
        words.Clear();
        words[0] = _basic[1].Edx;
        words[1] = _basic[1].Ecx;
        words[2] = _extended[1].Edx;
        words[3] = _extended[1].Ecx;
        words[4] = _state[1].Eax;
        words[5] = _features[0].Ebx;
        words[6] = _features[0].Ecx;
        words[7] = _extended[7].Edx;
        words[8] = _extended[8].Ebx;
        words[9] = _features[0].Edx;
        words[10] = _features[1].Eax;
        words[11] = _extended[0x21].Eax;
        words[12] = _features[1].Ebx;
        words[13] = _features[2].Edx;
        words[14] = _features[1].Ecx;
        words[15] = _features[1].Edx;
        words[18] = _extended[0x21].Ecx;
    }

    /// <summary>A leaf of the tables, without what depends on the vCPU.</summary>
    internal ref readonly CpuidLeaf Stored(uint leaf, uint subleaf)
    {
        if (leaf >= HostCpuid.ExtendedBase)
            return ref _extended[leaf - HostCpuid.ExtendedBase];
        return ref leaf == 7 ? ref _features[subleaf] : ref leaf == 0xd ? ref _state[subleaf] : ref _basic[leaf];
    }
}

/// <summary>Writes xen_cpuid_leaf_t records in the order of x86_cpuid_copy_to_buffer.</summary>
public ref struct CpuidLeafWriter(Vcpu caller, ulong buffer, uint capacity)
{
    private const uint NoSubleaf = uint.MaxValue;
    private const uint HypervisorBase = 0x4000_0000, ViridianBase = 0x4000_0100, HypervisorLimit = 0x4000_0005;
    private const ulong RecordSize = 24;

    private struct Record
    {
        public uint Leaf;
        public uint Subleaf;
        public CpuidLeaf Registers;
    }

    /// <summary>Records written.</summary>
    public uint Count { get; private set; }

    public long WriteHost(HostCpuid host) => WriteAll(host, null);

    public long WritePolicy(CpuidPolicy policy) => WriteAll(null, policy);

    private long WriteAll(HostCpuid? host, CpuidPolicy? policy)
    {
        uint last = Math.Min(Get(host, policy, 0, 0).Eax, HostCpuid.BasicLeaves - 1);
        for (uint leaf = 0; leaf <= last; leaf++)
        {
            long result = WriteLeaf(host, policy, leaf);
            if (result != 0)
                return result;
        }

        CpuidLeaf limit = default;
        limit.Eax = host == null ? HypervisorLimit : 0;
        long written = Write(HypervisorBase, NoSubleaf, in limit);
        limit.Eax = 0;
        if (written == 0)
            written = Write(ViridianBase, NoSubleaf, in limit);
        uint lastExtended = Get(host, policy, HostCpuid.ExtendedBase, 0).Eax;
        for (uint leaf = HostCpuid.ExtendedBase; written == 0 && leaf <= lastExtended && leaf - HostCpuid.ExtendedBase < HostCpuid.ExtendedLeaves; leaf++)
            written = Write(leaf, NoSubleaf, in Get(host, policy, leaf, 0));
        return written;
    }

    private long WriteLeaf(HostCpuid? host, CpuidPolicy? policy, uint leaf)
    {
        CpuidLeaf none = default;
        switch (leaf)
        {
            case 4:
            case 0xb:
                return Write(leaf, 0, in none);
            case 7:
                for (uint subleaf = 0; subleaf <= Math.Min(Get(host, policy, 7, 0).Eax, HostCpuid.FeatureLeaves - 1); subleaf++)
                {
                    long result = Write(leaf, subleaf, in Get(host, policy, leaf, subleaf));
                    if (result != 0)
                        return result;
                }

                return 0;
            case 0xd:
                ulong states = Get(host, policy, leaf, 0).Eax | ((ulong)Get(host, policy, leaf, 0).Edx << 32);
                for (uint subleaf = 0; subleaf < 2 || (subleaf < HostCpuid.StateLeaves && states >> (int)subleaf != 0); subleaf++)
                {
                    long result = Write(leaf, subleaf, in Get(host, policy, leaf, subleaf));
                    if (result != 0)
                        return result;
                }

                return 0;
            default:
                return Write(leaf, NoSubleaf, in Get(host, policy, leaf, 0));
        }
    }

    private static ref readonly CpuidLeaf Get(HostCpuid? host, CpuidPolicy? policy, uint leaf, uint subleaf)
    {
        if (policy != null)
            return ref policy.Stored(leaf, subleaf);
        if (leaf >= HostCpuid.ExtendedBase)
            return ref host!.Extended[leaf - HostCpuid.ExtendedBase];
        return ref leaf == 7 ? ref host!.Features[subleaf] : ref leaf == 0xd ? ref host!.State[subleaf] : ref host!.Basic[leaf];
    }

    private long Write(uint leaf, uint subleaf, in CpuidLeaf registers)
    {
        if (Count == capacity)
            return HypercallError.ENOBUFS;
        Record record;
        record.Leaf = leaf;
        record.Subleaf = subleaf;
        record.Registers = registers;
        if (!GuestAccess.TryWrite(caller, buffer + (Count * RecordSize), in record))
            return HypercallError.EFAULT;
        Count++;
        return 0;
    }
}
