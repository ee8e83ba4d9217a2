// SPDX-License-Identifier: MIT
// CPU pools and their schedulers. XEN_SYSCTL_cpupool_op, XEN_SYSCTL_scheduler_op of xen/include/public/sysctl.h; vCPUs' own parameters of domctl.h.

using System;
using System.Collections.Generic;
using System.Runtime.InteropServices;
using XenSharp.Abi;
using XenSharp.Interop;

namespace XenSharp.Control;

/// <param name="Cpus">By CPU id.</param>
public sealed record CpuPool(uint Id, SchedulerId Scheduler, int Domains, bool[] Cpus);

public sealed partial class Hypervisor
{
    /// <summary>A domain with a pinned vCPU may keep its CPU for a moment, and the hypervisor says so.</summary>
    private const int RemovalTries = 5;

    /// <summary>All pools in the order of their ids.</summary>
    public IReadOnlyList<CpuPool> ListCpuPools()
    {
        List<CpuPool> pools = [];
        while (FindCpuPool(pools.Count == 0 ? 0 : pools[^1].Id + 1) is { } pool)
            pools.Add(pool);
        return pools;
    }

    /// <summary>Null if there is no pool with that id.</summary>
    public CpuPool? GetCpuPool(uint id) => FindCpuPool(id) is { } pool && pool.Id == id ? pool : null;

    /// <param name="id">Null for the next free one.</param>
    public uint CreateCpuPool(SchedulerId scheduler, uint? id = null) =>
        PoolCall(new SysctlCpupoolOperation { Operation = CpupoolOperation.Create, CpupoolId = id ?? SysctlConstants.CpupoolParameterAny, SchedulerId = (uint)scheduler }, "CPUPOOL_OP_CREATE").CpupoolId;

    /// <summary>The pool must have neither domains nor CPUs.</summary>
    public void DestroyCpuPool(uint id) => PoolCall(new SysctlCpupoolOperation { Operation = CpupoolOperation.Destroy, CpupoolId = id }, "CPUPOOL_OP_DESTROY");

    public void AddCpu(uint pool, int cpu) => PoolCall(new SysctlCpupoolOperation { Operation = CpupoolOperation.AddCpu, CpupoolId = pool, Cpu = (uint)cpu }, "CPUPOOL_OP_ADDCPU");

    public void RemoveCpu(uint pool, int cpu)
    {
        SysctlCpupoolOperation argument = new() { Operation = CpupoolOperation.RemoveCpu, CpupoolId = pool, Cpu = (uint)cpu };
        long result = -(long)Errno.AddressInUse;
        for (int tries = 0; tries < RemovalTries && result == -(long)Errno.AddressInUse; tries++)
            result = TrySysctl(SysctlCommand.CpupoolOperation, ref argument);
        Check(result, "CPUPOOL_OP_RMCPU", null);
    }

    public void MoveToCpuPool(ushort domain, uint pool) =>
        PoolCall(new SysctlCpupoolOperation { Operation = CpupoolOperation.MoveDomain, CpupoolId = pool, DomainId = domain }, "CPUPOOL_OP_MOVEDOMAIN");

    /// <summary>CPUs that are in no pool, by id.</summary>
    public bool[] GetFreeCpus()
    {
        using HypercallBuffer map = Gate.Rent(MapBytes(CpuIds));
        PoolCall(new SysctlCpupoolOperation { Operation = CpupoolOperation.FreeInfo, CpuMap = new XenctlBitmap { Bitmap = map.Address, BitCount = (uint)CpuIds } }, "CPUPOOL_OP_FREEINFO");
        return ReadMap(map, CpuIds);
    }

    /// <summary>Parameters of a pool's scheduler, as SysctlCreditSchedule or SysctlCredit2Schedule.</summary>
    public T GetPoolParameters<T>(uint pool, SchedulerId scheduler)
        where T : unmanaged
    {
        SysctlSchedulerOperation argument = new() { CpupoolId = pool, SchedulerId = (uint)scheduler, Command = (uint)SysctlSchedulerCommand.GetInfo };
        Sysctl(SysctlCommand.SchedulerOperation, ref argument, "scheduler_op");
        return MemoryMarshal.Read<T>(MemoryMarshal.AsBytes((ReadOnlySpan<ulong>)argument.U));
    }

    public void SetPoolParameters<T>(uint pool, SchedulerId scheduler, T parameters)
        where T : unmanaged
    {
        SysctlSchedulerOperation argument = new() { CpupoolId = pool, SchedulerId = (uint)scheduler, Command = (uint)SysctlSchedulerCommand.PutInfo };
        MemoryMarshal.Write(MemoryMarshal.AsBytes((Span<ulong>)argument.U), parameters);
        Sysctl(SysctlCommand.SchedulerOperation, ref argument, "scheduler_op");
    }

    /// <summary>XEN_DOMCTL_SCHEDOP_getvcpuinfo of the real-time scheduler.</summary>
    public IReadOnlyList<DomctlSchedulerRtds> GetVcpuParameters(ushort domain, ReadOnlySpan<uint> vcpus)
    {
        DomctlSchedulerParametersVcpu[] list = new DomctlSchedulerParametersVcpu[vcpus.Length];
        for (int index = 0; index < list.Length; index++)
            list[index].VcpuId = vcpus[index];
        using HypercallBuffer buffer = VcpuCall(domain, DomctlSchedulerCommand.GetVcpuInfo, list);
        return Array.ConvertAll(buffer.Items<DomctlSchedulerParametersVcpu>().ToArray(), item => MemoryMarshal.Read<DomctlSchedulerRtds>(MemoryMarshal.AsBytes((ReadOnlySpan<uint>)item.U)));
    }

    /// <summary>XEN_DOMCTL_SCHEDOP_putvcpuinfo of the real-time scheduler.</summary>
    public void SetVcpuParameters(ushort domain, ReadOnlySpan<(uint Vcpu, DomctlSchedulerRtds Parameters)> vcpus)
    {
        DomctlSchedulerParametersVcpu[] list = new DomctlSchedulerParametersVcpu[vcpus.Length];
        for (int index = 0; index < list.Length; index++)
        {
            list[index].VcpuId = vcpus[index].Vcpu;
            MemoryMarshal.Write(MemoryMarshal.AsBytes((Span<uint>)list[index].U), vcpus[index].Parameters);
        }
        VcpuCall(domain, DomctlSchedulerCommand.PutVcpuInfo, list).Dispose();
    }

    /// <summary>XEN_DOMCTL_getnodeaffinity.</summary>
    public bool[] GetNodeAffinity(ushort domain, int nodes)
    {
        using HypercallBuffer map = Gate.Rent(MapBytes(nodes));
        DomctlNodeAffinity argument = new() { NodeMap = new XenctlBitmap { Bitmap = map.Address, BitCount = (uint)nodes } };
        Domctl(DomctlCommand.GetNodeAffinity, domain, ref argument, "getnodeaffinity");
        return ReadMap(map, nodes);
    }

    /// <summary>The pool with this id or the next one; null if there is none.</summary>
    private CpuPool? FindCpuPool(uint id)
    {
        using HypercallBuffer map = Gate.Rent(MapBytes(CpuIds));
        SysctlCpupoolOperation argument = new() { Operation = CpupoolOperation.Info, CpupoolId = id, CpuMap = new XenctlBitmap { Bitmap = map.Address, BitCount = (uint)CpuIds } };
        long result = TrySysctl(SysctlCommand.CpupoolOperation, ref argument);
        if (result == -(long)Errno.NoEnt)
            return null;
        Check(result, "CPUPOOL_OP_INFO", null);
        return new CpuPool(argument.CpupoolId, (SchedulerId)argument.SchedulerId, (int)argument.DomainCount, ReadMap(map, CpuIds));
    }

    private SysctlCpupoolOperation PoolCall(SysctlCpupoolOperation argument, string name)
    {
        Sysctl(SysctlCommand.CpupoolOperation, ref argument, name);
        return argument;
    }

    /// <summary>The hypervisor may stop before the end and says how far it came.</summary>
    private HypercallBuffer VcpuCall(ushort domain, DomctlSchedulerCommand command, DomctlSchedulerParametersVcpu[] list)
    {
        HypercallBuffer buffer = Gate.RentCopy<DomctlSchedulerParametersVcpu>(list);
        int size = Marshal.SizeOf<DomctlSchedulerParametersVcpu>();
        for (int done = 0; done < list.Length;)
        {
            DomctlSchedulerVcpus part = new() { Vcpus = buffer.Address + (ulong)(done * size), VcpuCount = (uint)(list.Length - done) };
            DomctlSchedulerOperation argument = new() { SchedulerId = SchedulerId.Rtds, Command = command };
            MemoryMarshal.Write(MemoryMarshal.AsBytes((Span<ulong>)argument.U), part);
            Domctl(DomctlCommand.SchedulerOperation, domain, ref argument, "scheduler_op");
            int count = (int)MemoryMarshal.Read<DomctlSchedulerVcpus>(MemoryMarshal.AsBytes((ReadOnlySpan<ulong>)argument.U)).VcpuCount;
            if (count == 0)
                break;
            done += count;
        }
        return buffer;
    }
}
