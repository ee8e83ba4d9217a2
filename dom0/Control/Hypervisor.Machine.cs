// SPDX-License-Identifier: MIT
// The machine: processors, memory, topology, the log, debug keys. xen/include/public/sysctl.h, memory.h.

using System;
using System.Collections.Generic;
using System.Text;
using XenSharp.Abi;
using XenSharp.Interop;

namespace XenSharp.Control;

public sealed partial class Hypervisor
{
    private const int LogPart = 16 * 1024;

    /// <summary>How many bits a map of CPUs has: one for each id that a CPU here can have.</summary>
    public int CpuIds => field != 0 ? field : field = (int)GetPhysicalInfo().MaxCpuId + 1;

    /// <summary>XEN_SYSCTL_physinfo.</summary>
    public SysctlPhysInfo GetPhysicalInfo()
    {
        SysctlPhysInfo argument = default;
        Sysctl(SysctlCommand.PhysInfo, ref argument, "physinfo");
        return argument;
    }

    /// <summary>XEN_SYSCTL_cputopoinfo by CPU id; a CPU that is not there has SysctlConstants.InvalidCoreId.</summary>
    public IReadOnlyList<SysctlCpuTopology> GetCpuTopology()
    {
        SysctlCpuTopologyInfo argument = default;
        Sysctl(SysctlCommand.CpuTopologyInfo, ref argument, "cputopoinfo");
        using HypercallBuffer list = Gate.Rent<SysctlCpuTopology>((int)argument.CpuCount);
        argument.CpuTopology = list.Address;
        Sysctl(SysctlCommand.CpuTopologyInfo, ref argument, "cputopoinfo");
        return list.Items<SysctlCpuTopology>()[..(int)argument.CpuCount].ToArray();
    }

    /// <summary>XEN_SYSCTL_numainfo: memory of each node, and for each its distances to all.</summary>
    public IReadOnlyList<(SysctlMemoryInfo Memory, uint[] Distances)> GetNumaNodes()
    {
        SysctlNumaInfo argument = default;
        Sysctl(SysctlCommand.NumaInfo, ref argument, "numainfo");
        int count = (int)argument.NodeCount;
        using HypercallBuffer memory = Gate.Rent<SysctlMemoryInfo>(count), distances = Gate.Rent<uint>(count * count);
        argument.MemoryInfo = memory.Address;
        argument.Distance = distances.Address;
        Sysctl(SysctlCommand.NumaInfo, ref argument, "numainfo");
        count = Math.Min(count, (int)argument.NodeCount);
        (SysctlMemoryInfo, uint[])[] nodes = new (SysctlMemoryInfo, uint[])[count];
        for (int node = 0; node < count; node++)
            nodes[node] = (memory.Items<SysctlMemoryInfo>()[node], distances.Items<uint>().Slice(node * count, count).ToArray());
        return nodes;
    }

    /// <summary>XEN_SYSCTL_pcitopoinfo: the node of each device; InvalidNodeId or InvalidDevice where it is not known.</summary>
    public IReadOnlyList<uint> GetPciNodes(ReadOnlySpan<PhysicalDevicePciDevice> devices)
    {
        using HypercallBuffer list = Gate.RentCopy(devices), nodes = Gate.Rent<uint>(devices.Length);
        nodes.Items<uint>().Fill(SysctlConstants.InvalidDevice);
        // The hypervisor may stop before the end and says how far it came.
        for (int done = 0; done < devices.Length;)
        {
            SysctlPciTopologyInfo argument = new() { DeviceCount = (uint)(devices.Length - done), Devices = list.Address + (ulong)(done * sizeof(uint)), Nodes = nodes.Address + (ulong)(done * sizeof(uint)) };
            Sysctl(SysctlCommand.PciTopologyInfo, ref argument, "pcitopoinfo");
            if (argument.DeviceCount == 0)
                break;
            done += (int)argument.DeviceCount;
        }
        return nodes.Items<uint>().ToArray();
    }

    /// <summary>XEN_SYSCTL_sched_id: the scheduler of pools that do not name theirs.</summary>
    public SchedulerId GetScheduler()
    {
        SysctlSchedulerId argument = default;
        Sysctl(SysctlCommand.SchedulerId, ref argument, "sched_id");
        return (SchedulerId)argument.SchedulerId;
    }

    /// <summary>XENMEM_get_sharing_freed_pages and XENMEM_get_sharing_shared_pages; 0 where the hypervisor does not share memory.</summary>
    public (ulong Freed, ulong Used) GetSharedMemory() => (CountPages(MemoryOperation.GetSharingFreedPages), CountPages(MemoryOperation.GetSharingSharedPages));

    /// <summary>XEN_SYSCTL_getcpuinfo: for each CPU id how long it has been idle, in nanoseconds.</summary>
    public IReadOnlyList<ulong> GetIdleTimes()
    {
        int most = CpuIds;
        using HypercallBuffer list = Gate.Rent<SysctlCpuInfo>(most);
        SysctlGetCpuInfo argument = new() { MaxCpus = (uint)most, Info = list.Address };
        Sysctl(SysctlCommand.GetCpuInfo, ref argument, "getcpuinfo");
        return Array.ConvertAll(list.Items<SysctlCpuInfo>()[..(int)argument.CpuCount].ToArray(), cpu => cpu.IdleTime);
    }

    /// <summary>XEN_SYSCTL_readconsole: the hypervisor's log, whole.</summary>
    /// <param name="clears">It is empty afterwards.</param>
    public string ReadLog(bool clears = false)
    {
        StringBuilder text = new();
        uint index = 0;
        using HypercallBuffer buffer = Gate.Rent(LogPart);
        while (true)
        {
            SysctlReadConsole argument = new() { Clear = (byte)(clears ? 1 : 0), Incremental = 1, Index = index, Buffer = buffer.Address, Count = LogPart };
            Sysctl(SysctlCommand.ReadConsole, ref argument, "readconsole");
            if (argument.Count == 0)
                return text.ToString();
            text.Append(Encoding.Latin1.GetString(buffer.Bytes[..(int)argument.Count]));
            index = argument.Index;
        }
    }

    /// <summary>XEN_SYSCTL_debug_keys.</summary>
    public void SendDebugKeys(string keys)
    {
        using HypercallBuffer list = Gate.RentCopy<byte>(Encoding.Latin1.GetBytes(keys));
        SysctlDebugKeys argument = new() { Keys = list.Address, KeyCount = (uint)keys.Length };
        Sysctl(SysctlCommand.DebugKeys, ref argument, "debug_keys");
    }

    private ulong CountPages(MemoryOperation operation)
    {
        long result = Gate.Call(HypercallNumber.MemoryOperation, (ulong)operation);
        return result == -(long)Errno.NoSys ? 0 : (ulong)Check(result, $"XENMEM_{operation}", null);
    }
}
