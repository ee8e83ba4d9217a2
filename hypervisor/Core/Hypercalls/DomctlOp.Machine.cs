// SPDX-License-Identifier: MIT
// Domctls that give a domain parts of the machine, and those of monitors. Devices are not given to domains: what a toolstack may say
// without that is checked and taken, the rest has Xen's errno for a machine that cannot do it.

using System;
using XenSharp.Abi;
using XenSharp.Core.Domains;
using XenSharp.Core.Memory;
using XenSharp.Core.Vcpus;
using XenSharp.Edge;
using static XenSharp.Core.Hypercalls.HypercallError;

namespace XenSharp.Core.Hypercalls;

public static partial class DomctlOp
{
    private const uint PortCount = 0x1_0000;

    // Interrupts of the local APICs and messages to them.
    private const ulong FirstApicFrame = 0xf_ee00, LastApicFrame = 0xf_eeff;

    private static long ActOnMachine(ControlBuffer operation, DomctlCommand command, Domain domain)
    {
        switch (command)
        {
            case DomctlCommand.IrqPermission:
                const uint interruptCount = 256;
                return operation.Read<DomctlIrqPermission>().Pirq >= interruptCount ? EINVAL : EPERM;
            case DomctlCommand.IoMemoryPermission: return MemoryPermission(operation, domain);
            case DomctlCommand.IoPortPermission: return PortPermission(operation);
            case DomctlCommand.MemoryMapping: return MemoryMapping(operation, domain);
            case DomctlCommand.IoPortMapping: return PortMapping(operation);
            case DomctlCommand.BindPtIrq or DomctlCommand.UnbindPtIrq: return EPERM;
            case DomctlCommand.AssignDevice or DomctlCommand.DeassignDevice or DomctlCommand.TestAssignDevice or DomctlCommand.GetDeviceGroup: return EOPNOTSUPP;
            case DomctlCommand.SetTarget: return SetTarget(operation, domain);
            case DomctlCommand.VmEventOperation: return Events(operation, domain);
            case DomctlCommand.MonitorOperation: return Monitor(operation, domain);
            case DomctlCommand.PsrCmtOperation: return ENODEV;
            case DomctlCommand.PsrAlloc:
                const uint lastCommand = 9;
                return operation.Read<uint>() <= lastCommand ? ENODEV : EOPNOTSUPP;
            case DomctlCommand.VmTraceOperation: return EINVAL;
            case DomctlCommand.GdbsxPauseVcpu: return PauseVcpu(operation, domain);
            case DomctlCommand.GdbsxUnpauseVcpu: return UnpauseVcpu(operation, domain);
            case DomctlCommand.GdbsxDomainStatus: return DebuggerStatus(operation, domain);
            default: return ENOSYS;
        }
    }

    private static long MemoryPermission(ControlBuffer operation, Domain domain)
    {
        DomctlIoMemoryPermission request = operation.Read<DomctlIoMemoryPermission>();
        ulong last = request.FirstMfn + request.MfnCount - 1;
        if (last < request.FirstMfn)
            return EINVAL;
        bool isApic = request.FirstMfn <= LastApicFrame && last >= FirstApicFrame;
        return isApic || last >= MachineFrames(domain) ? EPERM : 0;
    }

    private static long PortPermission(ControlBuffer operation)
    {
        DomctlIoPortPermission request = operation.Read<DomctlIoPortPermission>();
        uint end = request.FirstPort + request.PortCount;
        if (end <= request.FirstPort || end > PortCount)
            return EINVAL;
        return IsHeldBack(request.FirstPort, end - 1) ? EPERM : 0;
    }

    private static long MemoryMapping(ControlBuffer operation, Domain domain)
    {
        DomctlMemoryMapping request = operation.Read<DomctlMemoryMapping>();
        ulong last = request.FirstMfn + request.MfnCount - 1, lastGfn = request.FirstGfn + request.MfnCount - 1;
        ulong limit = MachineFrames(domain);
        return last < request.FirstMfn || lastGfn < request.FirstGfn || (request.FirstMfn | last) >= limit ? EINVAL : EPERM;
    }

    private static long PortMapping(ControlBuffer operation)
    {
        DomctlIoPortMapping request = operation.Read<DomctlIoPortMapping>();
        uint count = request.PortCount;
        if ((request.FirstGuestPort | request.FirstMachinePort | (count - 1)) >= PortCount || request.FirstGuestPort + count > PortCount
            || request.FirstMachinePort + count > PortCount)
            return EINVAL;
        if (IsHeldBack(request.FirstMachinePort, request.FirstMachinePort + count - 1))
            return EPERM;
        return request.AddMapping != 0 ? EOPNOTSUPP : 0;
    }

    private static ulong MachineFrames(Domain domain) => 1UL << (int)((domain.Host.Cpuid.Extended[8].Eax & 0xff) - FrameSize.Shift);

    // First and last port of what the hypervisor keeps from dom0 too: interrupt controllers, timers, speaker, console, PCI configuration.
    private static ReadOnlySpan<ushort> HeldBackPorts => new ushort[]
    {
        0x20, 0x21, 0x40, 0x43, 0x61, 0x61, 0xa0, 0xa1, 0x3f8, 0x3ff, 0x4d0, 0x4d1, 0xcf8, 0xcff,
    };

    private static bool IsHeldBack(uint first, uint last)
    {
        for (int i = 0; i + 1 < HeldBackPorts.Length; i += 2)
        {
            if (first <= HeldBackPorts[i + 1] && last >= HeldBackPorts[i])
                return true;
        }

        return false;
    }

    // Who serves another domain's devices from a domain of its own: not supported, but told whom there is not.
    private static long SetTarget(ControlBuffer operation, Domain domain)
    {
        Domain? target = operation.Caller.Host.Domains.Find(operation.Read<ushort>());
        if (target == null)
            return ESRCH;
        return target == domain ? EINVAL : EOPNOTSUPP;
    }

    private static long Events(ControlBuffer operation, Domain domain)
    {
        const uint monitorMode = 2, getVersion = 3, interfaceVersion = 7;
        DomctlVmEventOperation request = operation.Read<DomctlVmEventOperation>();
        if (request.Operation == getVersion)
        {
            request.U = interfaceVersion;
            return operation.Store(in request);
        }

        if (domain == operation.Caller.Domain || domain.IsDying)
            return EINVAL;
        if (request.Mode != monitorMode || request.Operation > getVersion)
            return ENOSYS;
        return request.Operation < 2 ? EINVAL : ENODEV; // there is no ring to be switched on, or off, or gone on with
    }

    // Nothing can be monitored: that can be asked for.
    private static long Monitor(ControlBuffer operation, Domain domain)
    {
        const uint getCapabilities = 2;
        const ulong eventOffset = 4;
        if (domain == operation.Caller.Domain)
            return EPERM;
        if (operation.Read<uint>() != getCapabilities)
            return EOPNOTSUPP;
        uint none = 0;
        return GuestAccess.TryWrite(operation.Caller, operation.UnionAddress + eventOffset, in none) ? 0 : EFAULT;
    }
}
