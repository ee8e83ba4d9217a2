// SPDX-License-Identifier: MIT
// Sysctls about CPUs, memory and devices.

using System;
using System.Numerics;
using XenSharp.Abi;
using XenSharp.Core.CpuPolicy;
using XenSharp.Core.Memory;
using XenSharp.Core.Vcpus;
using XenSharp.Edge;
using static XenSharp.Core.Hypercalls.HypercallError;

namespace XenSharp.Core.Hypercalls;

public static partial class SysctlOp
{
    private const uint MaxNodeId = 63;
    private const uint LocalDistance = 10;
    private const int ElementCost = 3;

    private static long PhysInfo(ControlBuffer operation)
    {
        const ulong HardwareCapabilitiesOffset = 80;
        Host host = operation.Caller.Host;
        SysctlPhysInfo info = default;
        info.ThreadsPerCore = 1;
        info.CoresPerSocket = CoresPerSocket(host);
        info.CpuCount = (uint)host.ProcessorCount;
        info.MaxCpuId = (uint)host.ProcessorCount - 1;
        info.NodeCount = 1;
        info.MaxNodeId = MaxNodeId;
        info.CpuKhz = (uint)(host.Clock.TscFrequencyHz / 1000);
        info.Capabilities = PhysInfoCapabilities.Hvm | PhysInfoCapabilities.Hap | PhysInfoCapabilities.GrantTableV1;
        if (host.Options.GrantMaxVersion >= 2)
            info.Capabilities |= PhysInfoCapabilities.GrantTableV2;
        if (host.HasIommu)
            info.Capabilities |= PhysInfoCapabilities.DirectIo;
        info.TotalPages = host.Allocator.TotalPages;
        info.FreePages = host.Allocator.FreePages;
        info.OutstandingPages = host.Allocator.OutstandingClaims;
        info.MaxMfn = host.Memory.FrameLimit - 1;
        Span<uint> features = stackalloc uint[FeatureWords];
        HostFeatures(host.Cpuid, features);
        Span<byte> words = AbiBytes.Of(ref info).Slice((int)HardwareCapabilitiesOffset);
        for (int i = 0; i < 8; i++)
            System.Buffers.Binary.BinaryPrimitives.WriteUInt32LittleEndian(words.Slice(i * 4), features[i]);
        return operation.Store(in info);
    }

    private static long GetCpuInfo(ControlBuffer operation)
    {
        SysctlGetCpuInfo request = operation.Read<SysctlGetCpuInfo>();
        Vcpu caller = operation.Caller;
        uint count = Math.Min(request.MaxCpus, (uint)caller.Host.ProcessorCount);
        for (uint i = 0; i < count; i++)
        {
            ulong idle = caller.Host.Scheduler.GetIdleNs(caller.Host.Processors[(int)i]!, caller.Processor);
            if (!GuestAccess.TryWrite(caller, request.Info + (i * sizeof(ulong)), in idle))
                return EFAULT;
        }

        request.CpuCount = count;
        return operation.Store(in request);
    }

    // One node; the width limits select addresses below 2^max, which the allocator does not sort by.
    private static long AvailableHeap(ControlBuffer operation)
    {
        SysctlAvailHeap request = operation.Read<SysctlAvailHeap>();
        request.AvailableBytes = request.Node is -1 or 0 ? operation.Caller.Host.Allocator.FreePages << FrameSize.Shift : 0;
        return operation.Store(in request);
    }

    private static long CpuTopology(ControlBuffer operation)
    {
        SysctlCpuTopologyInfo request = operation.Read<SysctlCpuTopologyInfo>();
        Vcpu caller = operation.Caller;
        uint count = (uint)caller.Host.ProcessorCount;
        if (request.CpuTopology != 0)
        {
            count = Math.Min(count, request.CpuCount);
            for (uint i = 0; i < count; i++)
            {
                SysctlCpuTopology place;
                place.Core = CoreIdBits(caller.Host) == 0 ? SysctlConstants.InvalidCoreId : CoreOf(caller.Host, (int)i);
                place.Socket = SocketOf(caller.Host, (int)i);
                place.Node = 0;
                if (!GuestAccess.TryWrite(caller, request.CpuTopology + (i * (ulong)AbiBytes.SizeOf<SysctlCpuTopology>()), in place))
                    return EFAULT;
            }
        }

        return count == request.CpuCount ? 0 : operation.Store(in count);
    }

    private static long NumaInfo(ControlBuffer operation)
    {
        SysctlNumaInfo request = operation.Read<SysctlNumaInfo>();
        Vcpu caller = operation.Caller;
        uint count = 1;
        if (request.MemoryInfo != 0 || request.Distance != 0)
        {
            count = Math.Min(count, request.NodeCount);
            SysctlMemoryInfo memory;
            memory.MemorySize = caller.Host.Memory.FrameLimit << FrameSize.Shift;
            memory.MemoryFree = caller.Host.Allocator.FreePages << FrameSize.Shift;
            uint distance = LocalDistance;
            if (count != 0 && request.MemoryInfo != 0 && !GuestAccess.TryWrite(caller, request.MemoryInfo, in memory))
                return EFAULT;
            if (count != 0 && request.Distance != 0 && !GuestAccess.TryWrite(caller, request.Distance, in distance))
                return EFAULT;
        }

        return count == request.NodeCount ? 0 : operation.Store(in count);
    }

    private static long PciTopology(ControlBuffer operation)
    {
        SysctlPciTopologyInfo request = operation.Read<SysctlPciTopologyInfo>();
        Vcpu caller = operation.Caller;
        if (request.Devices == 0 || request.Nodes == 0)
            return EINVAL;
        uint done = 0;
        while (done < request.DeviceCount)
        {
            if (!GuestAccess.TryRead(caller, request.Devices + (done * 4UL), out PhysicalDevicePciDevice device))
                return EFAULT;
            uint node = caller.Host.PciSegments.Contains(device.Segment, device.Bus, device.Devfn)
                ? SysctlConstants.InvalidNodeId
                : SysctlConstants.InvalidDevice;
            if (!GuestAccess.TryWrite(caller, request.Nodes + (done * 4UL), in node))
                return EFAULT;
            done++;
            if (!caller.Continuation.Spend(ElementCost))
                break; // the caller sees how many were answered
        }

        return done == request.DeviceCount ? 0 : operation.Store(in done);
    }

    private static uint CoresPerSocket(Host host)
    {
        uint cores = 0;
        for (int i = 0; i < host.ProcessorCount; i++)
            cores += SocketOf(host, i) == SocketOf(host, 0) ? 1u : 0;
        return Math.Max(cores, 1);
    }

    private static uint CoreOf(Host host, int processor) => host.Platform.ApicId(processor) & ((1u << CoreIdBits(host)) - 1);

    private static uint SocketOf(Host host, int processor) => host.Platform.ApicId(processor) >> CoreIdBits(host);

    // AMD APM vol. 3, leaf 8000_0008 ECX: the size of the core id, or the number of cores when that is 0.
    private static int CoreIdBits(Host host)
    {
        uint ecx = host.Cpuid.Extended[8].Ecx;
        int bits = (int)(ecx >> 12) & 15;
        if (bits != 0)
            return bits;
        uint cores = ecx & 0xff;
        return cores == 0 ? 0 : BitOperations.Log2(cores) + 1;
    }
}
