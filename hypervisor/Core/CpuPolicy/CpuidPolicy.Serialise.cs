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
    private const uint HypervisorBase = 0x4000_0000, ViridianBase = 0x4000_0100;
    private const uint CommonFeatures = 0x0183_f3ff;
    private const ulong RecordSize = 24;

    private Form _form;
    private uint _featuresEdx;
    private uint _featuresEcx;

    private enum Form
    {
        AsStored,
        Host,
        Default,
    }

    private struct Record
    {
        public uint Leaf;
        public uint Subleaf;
        public CpuidLeaf Registers;
    }

    /// <summary>Records written.</summary>
    public uint Count { get; private set; }

    /// <summary>The CPU as it is.</summary>
    public long WriteRaw(HostCpuid host) => WriteAll(host, null);

    /// <summary>What the hypervisor uses of the CPU: with leaf 1's features as given, and without what Xen's recalculate_misc clears.</summary>
    public long WriteHost(HostCpuid host, uint featuresEdx, uint featuresEcx)
    {
        _form = Form.Host;
        _featuresEdx = featuresEdx;
        _featuresEcx = featuresEcx;
        return WriteAll(host, null);
    }

    /// <summary>What domains to come start from.</summary>
    public long WriteDefault(CpuidPolicy policy)
    {
        _form = Form.Default;
        return WriteAll(null, policy);
    }

    /// <summary>A domain's own.</summary>
    public long WriteDomain(CpuidPolicy policy) => WriteAll(null, policy);

    private long WriteAll(HostCpuid? host, CpuidPolicy? policy)
    {
        uint last = Math.Min(Get(host, policy, 0, 0).Eax, HostCpuid.BasicLeaves - 1);
        for (uint leaf = 0; leaf <= last; leaf++)
        {
            long result = WriteLeaf(host, policy, leaf);
            if (result != 0)
                return result;
        }

        CpuidLeaf unlimited = default; // no policy of Xen's limits the hypervisor's leaves
        long written = Write(HypervisorBase, NoSubleaf, in unlimited);
        if (written == 0)
            written = Write(ViridianBase, NoSubleaf, in unlimited);
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
        if (_form == Form.Host)
            ToHost(leaf, subleaf, ref record.Registers);
        else if (_form == Form.Default && leaf == HostCpuid.ExtendedBase + 1)
            record.Registers.Edx &= ~CommonFeatures;
        if (!GuestAccess.TryWrite(caller, buffer + (Count * RecordSize), in record))
            return HypercallError.EFAULT;
        Count++;
        return 0;
    }

    // AMD's part of recalculate_misc and recalculate_xstate in xen/arch/x86/cpu-policy.c.
    private readonly void ToHost(uint leaf, uint subleaf, ref CpuidLeaf registers)
    {
        switch (leaf)
        {
            case 1:
                registers.Eax &= 0x0fff_0fff;
                registers.Ebx &= 0x00ff_ffff;
                registers.Edx = _featuresEdx;
                registers.Ecx = _featuresEcx;
                break;
            case 2 or 3 or 5 or 6 or 8 or 9 or 0xa or 0xc or 0x8000_001b or 0x8000_001c or 0x8000_001d:
                registers = default;
                break;
            case 0xd when subleaf < 2:
                registers.Ebx = 0; // the size for the XCR0 of the moment
                break;
        }
    }
}
