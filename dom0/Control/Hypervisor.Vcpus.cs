// SPDX-License-Identifier: MIT
// vCPUs and their state, HVM contexts and parameters, CPU policies. xen/include/public/domctl.h, hvm/hvm_op.h, hvm/params.h.

using System;
using XenSharp.Abi;
using XenSharp.Interop;

namespace XenSharp.Control;

public sealed partial class Hypervisor
{
    public ulong GetHvmParam(ushort domain, HvmParam param)
    {
        HvmParamArgument argument = new() { DomainId = domain, Index = param };
        HvmCall(HvmOperation.GetParam, domain, ref argument, "HVMOP_get_param");
        return argument.Value;
    }

    public void SetHvmParam(ushort domain, HvmParam param, ulong value)
    {
        HvmParamArgument argument = new() { DomainId = domain, Index = param, Value = value };
        HvmCall(HvmOperation.SetParam, domain, ref argument, "HVMOP_set_param");
    }

    /// <summary>XEN_DOMCTL_gethvmcontext: the records of xen/include/public/hvm/save.h, one after the other.</summary>
    public byte[] GetHvmContext(ushort domain)
    {
        DomctlHvmContext argument = default;
        Domctl(DomctlCommand.GetHvmContext, domain, ref argument, "gethvmcontext");
        using HypercallBuffer buffer = Gate.Rent((int)argument.Size);
        argument.Buffer = buffer.Address;
        Domctl(DomctlCommand.GetHvmContext, domain, ref argument, "gethvmcontext");
        return buffer.Bytes[..(int)argument.Size].ToArray();
    }

    /// <summary>XEN_DOMCTL_gethvmcontext_partial: one record without its header.</summary>
    public T GetHvmContext<T>(ushort domain, uint type, uint instance)
        where T : unmanaged
    {
        using HypercallBuffer buffer = Gate.Rent<T>(1);
        DomctlHvmContextPartial argument = new() { Type = type, Instance = instance, BufferSize = (ulong)buffer.Length, Buffer = buffer.Address };
        Domctl(DomctlCommand.GetHvmContextPartial, domain, ref argument, "gethvmcontext_partial");
        return buffer.At<T>();
    }

    public void SetHvmContext(ushort domain, ReadOnlySpan<byte> records)
    {
        using HypercallBuffer buffer = Gate.RentCopy(records);
        DomctlHvmContext argument = new() { Size = (uint)records.Length, Buffer = buffer.Address };
        Domctl(DomctlCommand.SetHvmContext, domain, ref argument, "sethvmcontext");
    }

    public VcpuGuestContext GetVcpuContext(ushort domain, uint vcpu)
    {
        using HypercallBuffer buffer = Gate.Rent<VcpuGuestContext>(1);
        DomctlVcpuContext argument = new() { Vcpu = vcpu, Context = buffer.Address };
        Domctl(DomctlCommand.GetVcpuContext, domain, ref argument, "getvcpucontext");
        return buffer.At<VcpuGuestContext>();
    }

    public void SetVcpuContext(ushort domain, uint vcpu, in VcpuGuestContext context)
    {
        using HypercallBuffer buffer = Gate.Rent<VcpuGuestContext>(1);
        buffer.At<VcpuGuestContext>() = context;
        DomctlVcpuContext argument = new() { Vcpu = vcpu, Context = buffer.Address };
        Domctl(DomctlCommand.SetVcpuContext, domain, ref argument, "setvcpucontext");
    }

    public DomctlGetVcpuInfo GetVcpuInfo(ushort domain, uint vcpu)
    {
        DomctlGetVcpuInfo argument = new() { Vcpu = vcpu };
        Domctl(DomctlCommand.GetVcpuInfo, domain, ref argument, "getvcpuinfo");
        return argument;
    }

    /// <summary>XEN_DOMCTL_get_cpu_policy: what CPUID and the feature MSRs say in the domain.</summary>
    public CpuPolicy GetCpuPolicy(ushort domain)
    {
        DomctlCpuPolicy argument = default;
        Domctl(DomctlCommand.GetCpuPolicy, domain, ref argument, "get_cpu_policy");
        using HypercallBuffer leaves = Gate.Rent<CpuidLeaf>((int)argument.LeafCount);
        using HypercallBuffer msrs = Gate.Rent<MsrEntry>((int)argument.MsrCount);
        argument.Leaves = leaves.Address;
        argument.Msrs = msrs.Address;
        Domctl(DomctlCommand.GetCpuPolicy, domain, ref argument, "get_cpu_policy");
        return new CpuPolicy([.. leaves.Items<CpuidLeaf>()[..(int)argument.LeafCount]], [.. msrs.Items<MsrEntry>()[..(int)argument.MsrCount]]);
    }

    /// <summary>XEN_SYSCTL_get_cpu_policy: one of the host's policies, its leaves alone.</summary>
    public CpuidLeaf[] GetHostCpuLeaves(CpuPolicyIndex index)
    {
        SysctlCpuPolicy argument = new() { Index = (uint)index };
        Sysctl(SysctlCommand.GetCpuPolicy, ref argument, "get_cpu_policy");
        using HypercallBuffer leaves = Gate.Rent<CpuidLeaf>((int)argument.LeafCount);
        argument.Leaves = leaves.Address;
        argument.MsrCount = 0;
        Sysctl(SysctlCommand.GetCpuPolicy, ref argument, "get_cpu_policy");
        return [.. leaves.Items<CpuidLeaf>()[..(int)argument.LeafCount]];
    }

    /// <summary>XEN_DOMCTL_set_cpu_policy. What the policy does not name stays as it is.</summary>
    public void SetCpuPolicy(ushort domain, CpuPolicy policy)
    {
        using HypercallBuffer leaves = Gate.RentCopy<CpuidLeaf>(policy.Leaves);
        using HypercallBuffer msrs = Gate.RentCopy<MsrEntry>(policy.Msrs);
        DomctlCpuPolicy argument = new()
        {
            LeafCount = (uint)policy.Leaves.Length, MsrCount = (uint)policy.Msrs.Length, Leaves = leaves.Address, Msrs = msrs.Address,
        };
        if (TryDomctl(DomctlCommand.SetCpuPolicy, domain, ref argument, out _) is < 0 and long refusal)
        {
            string where = argument.ErrMsr != uint.MaxValue ? $" (MSR {argument.ErrMsr:x})" : argument.ErrLeaf != uint.MaxValue ? $" (leaf {argument.ErrLeaf:x}, subleaf {argument.ErrSubleaf:x})" : "";
            Check(refusal, "set_cpu_policy" + where, domain);
        }
    }
}

/// <summary>Leaves of CPUID and values of MSRs, in the form of xen/include/public/arch-x86/xen.h.</summary>
public sealed record CpuPolicy(CpuidLeaf[] Leaves, MsrEntry[] Msrs);
