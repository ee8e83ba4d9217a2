// SPDX-License-Identifier: MIT
// Scheduling parameters and affinities of domains. XEN_DOMCTL_scheduler_op, setvcpuaffinity, setnodeaffinity of xen/include/public/domctl.h.

using System;
using System.Runtime.InteropServices;
using XenSharp.Abi;
using XenSharp.Interop;

namespace XenSharp.Control;

public sealed partial class Hypervisor
{
    /// <summary>Parameters of a whole domain, as one of DomctlSchedulerCredit, DomctlSchedulerCredit2, DomctlSchedulerRtds.</summary>
    public T GetSchedulerParameters<T>(ushort domain, SchedulerId scheduler)
        where T : unmanaged
    {
        DomctlSchedulerOperation argument = new() { SchedulerId = scheduler, Command = DomctlSchedulerCommand.GetInfo };
        Domctl(DomctlCommand.SchedulerOperation, domain, ref argument, "scheduler_op");
        return MemoryMarshal.Read<T>(MemoryMarshal.AsBytes((ReadOnlySpan<ulong>)argument.U));
    }

    public void SetSchedulerParameters<T>(ushort domain, SchedulerId scheduler, T parameters)
        where T : unmanaged
    {
        DomctlSchedulerOperation argument = new() { SchedulerId = scheduler, Command = DomctlSchedulerCommand.PutInfo };
        MemoryMarshal.Write(MemoryMarshal.AsBytes((Span<ulong>)argument.U), parameters);
        Domctl(DomctlCommand.SchedulerOperation, domain, ref argument, "scheduler_op");
    }

    /// <summary>XEN_DOMCTL_getvcpuaffinity: where a vCPU may run, and where it would rather.</summary>
    /// <param name="cpus">How many CPUs the machine has at most; the maps are as long.</param>
    public (bool[] Hard, bool[] Soft) GetVcpuAffinity(ushort domain, uint vcpu, int cpus)
    {
        using HypercallBuffer hard = Gate.Rent(MapBytes(cpus)), soft = Gate.Rent(MapBytes(cpus));
        DomctlVcpuAffinity argument = Affinity(vcpu, VcpuAffinityFlags.Hard | VcpuAffinityFlags.Soft, cpus, hard, soft);
        Domctl(DomctlCommand.GetVcpuAffinity, domain, ref argument, "getvcpuaffinity");
        return (ReadMap(hard, cpus), ReadMap(soft, cpus));
    }

    /// <summary>XEN_DOMCTL_setvcpuaffinity; null leaves a map as it is. The effective maps come back.</summary>
    public (bool[]? Hard, bool[]? Soft) SetVcpuAffinity(ushort domain, uint vcpu, bool[]? hard, bool[]? soft, bool isForced = false)
    {
        int cpus = Math.Max(hard?.Length ?? 0, soft?.Length ?? 0);
        using HypercallBuffer hardMap = Gate.Rent(MapBytes(cpus)), softMap = Gate.Rent(MapBytes(cpus));
        WriteMap(hardMap, hard);
        WriteMap(softMap, soft);
        VcpuAffinityFlags flags = (hard is null ? 0 : VcpuAffinityFlags.Hard) | (soft is null ? 0 : VcpuAffinityFlags.Soft) | (isForced ? VcpuAffinityFlags.Force : 0);
        DomctlVcpuAffinity argument = Affinity(vcpu, flags, cpus, hardMap, softMap);
        Domctl(DomctlCommand.SetVcpuAffinity, domain, ref argument, "setvcpuaffinity");
        return (hard is null ? null : ReadMap(hardMap, cpus), soft is null ? null : ReadMap(softMap, cpus));
    }

    /// <summary>XEN_DOMCTL_setnodeaffinity.</summary>
    public void SetNodeAffinity(ushort domain, bool[] nodes)
    {
        using HypercallBuffer map = Gate.Rent(MapBytes(nodes.Length));
        WriteMap(map, nodes);
        DomctlNodeAffinity argument = new() { NodeMap = new XenctlBitmap { Bitmap = map.Address, BitCount = (uint)nodes.Length } };
        Domctl(DomctlCommand.SetNodeAffinity, domain, ref argument, "setnodeaffinity");
    }

    private static DomctlVcpuAffinity Affinity(uint vcpu, VcpuAffinityFlags flags, int cpus, HypercallBuffer hard, HypercallBuffer soft) => new()
    {
        Vcpu = vcpu,
        Flags = flags,
        CpuMapHard = new XenctlBitmap { Bitmap = (flags & VcpuAffinityFlags.Hard) != 0 ? hard.Address : 0, BitCount = (uint)cpus },
        CpuMapSoft = new XenctlBitmap { Bitmap = (flags & VcpuAffinityFlags.Soft) != 0 ? soft.Address : 0, BitCount = (uint)cpus },
    };

    /// <summary>Bytes of a struct xenctl_bitmap, whole words as libxc has it.</summary>
    internal static int MapBytes(int bits) => Math.Max(1, (bits + 63) / 64) * 8;

    internal static bool[] ReadMap(HypercallBuffer map, int bits)
    {
        bool[] set = new bool[bits];
        for (int index = 0; index < bits; index++)
            set[index] = (map.Bytes[index / 8] >> (index % 8) & 1) != 0;
        return set;
    }

    internal static void WriteMap(HypercallBuffer map, bool[]? set)
    {
        for (int index = 0; index < set?.Length; index++)
        {
            if (set[index])
                map.Bytes[index / 8] |= (byte)(1 << (index % 8));
        }
    }
}
