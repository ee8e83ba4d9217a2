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
    public void GetFeatures(Span<uint> words) => Leaves.GetFeatures(words);
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
        Template,
    }

    private struct Record
    {
        public uint Leaf;
        public uint Subleaf;
        public CpuidLeaf Registers;
    }

    /// <summary>Records written.</summary>
    public uint Count { get; private set; }

    /// <summary>A policy as it is: the CPU's own, or a domain's.</summary>
    public long Write(scoped PolicyLeaves policy) => WriteAll(policy);

    /// <summary>What the hypervisor uses of the CPU: with leaf 1's features as given, and without what Xen's recalculate_misc clears.</summary>
    public long WriteHost(scoped PolicyLeaves policy, uint featuresEdx, uint featuresEcx)
    {
        _form = Form.Host;
        _featuresEdx = featuresEdx;
        _featuresEcx = featuresEcx;
        return WriteAll(policy);
    }

    /// <summary>What domains to come start from, or may at most be given.</summary>
    public long WriteTemplate(scoped PolicyLeaves policy)
    {
        _form = Form.Template;
        return WriteAll(policy);
    }

    private long WriteAll(scoped PolicyLeaves policy)
    {
        long written = 0;
        for (uint leaf = 0; written == 0 && leaf <= Math.Min(policy.Basic[0].Eax, HostCpuid.BasicLeaves - 1); leaf++)
            written = WriteLeaf(policy, leaf);
        CpuidLeaf unlimited = default; // no policy of Xen's limits the hypervisor's leaves
        if (written == 0)
            written = Write(HypervisorBase, NoSubleaf, in unlimited);
        if (written == 0)
            written = Write(ViridianBase, NoSubleaf, in unlimited);
        uint lastExtended = Math.Min(policy.Extended[0].Eax & 0xffff, HostCpuid.ExtendedLeaves - 1);
        for (uint leaf = 0; written == 0 && leaf <= lastExtended; leaf++)
            written = Write(HostCpuid.ExtendedBase + leaf, NoSubleaf, in policy.Extended[(int)leaf]);
        return written;
    }

    private long WriteLeaf(scoped PolicyLeaves policy, uint leaf) => leaf switch
    {
        4 => WriteSubleaves(leaf, policy.Cache, CountCaches(policy.Cache)),
        7 => WriteSubleaves(leaf, policy.Features, (int)Math.Min(policy.Features[0].Eax, HostCpuid.FeatureLeaves - 1) + 1),
        0xb => WriteSubleaves(leaf, policy.Topology, 1), // no policy has topology
        0xd => WriteSubleaves(leaf, policy.State, CountStates(policy.States)),
        _ => Write(leaf, NoSubleaf, in policy.Basic[(int)leaf]),
    };

    private long WriteSubleaves(uint leaf, scoped ReadOnlySpan<CpuidLeaf> leaves, int count)
    {
        for (int subleaf = 0; subleaf < count; subleaf++)
        {
            long result = Write(leaf, (uint)subleaf, in leaves[subleaf]);
            if (result != 0)
                return result;
        }

        return 0;
    }

    // The subleaf of type 0, which ends the list, is written too.
    private static int CountCaches(ReadOnlySpan<CpuidLeaf> caches)
    {
        int count = 1;
        while (count < caches.Length && (caches[count - 1].Eax & 0x1f) != 0)
            count++;
        return count;
    }

    private static int CountStates(ulong states)
    {
        int count = 2;
        while (count < HostCpuid.StateLeaves && states >> count != 0)
            count++;
        return count;
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
        else if (_form == Form.Template && leaf == HostCpuid.ExtendedBase + 1)
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
