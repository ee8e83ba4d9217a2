// SPDX-License-Identifier: MIT
// HYPERVISOR_physdev_op (xen/include/public/physdev.h): what the hardware domain tells about the machine's devices.

using XenSharp.Abi;
using XenSharp.Core.Memory;
using XenSharp.Core.Vcpus;
using static XenSharp.Core.Hypercalls.HypercallError;

namespace XenSharp.Core.Hypercalls;

/// <summary>A PVH hardware domain has four operations; those of physical interrupts belong to domains with XENFEAT_hvm_pirqs.</summary>
public static class PhysDevOp
{
    public static long Call(Vcpu caller, in HypercallArguments arguments)
    {
        ulong argument = arguments.Second;
        var operation = (PhysicalDeviceOperation)(uint)arguments.First;
        switch (operation)
        {
            case PhysicalDeviceOperation.PciMmConfigReserved:
            case PhysicalDeviceOperation.PciDeviceAdd:
            case PhysicalDeviceOperation.PciDeviceRemove:
            case PhysicalDeviceOperation.DebugPortOperation:
                break;
            default:
                return ENOSYS;
        }

        if (!caller.Domain.IsHardware)
            return ENOSYS;
        switch (operation)
        {
            case PhysicalDeviceOperation.PciMmConfigReserved:
                return GuestAccess.TryRead(caller, argument, out PhysicalDevicePciMmConfigReserved area)
                    ? caller.Host.PciSegments.Reserve(in area)
                    : EFAULT;
            case PhysicalDeviceOperation.PciDeviceAdd:
                return GuestAccess.TryRead(caller, argument, out PhysicalDevicePciDeviceAdd added)
                    ? caller.Host.PciSegments.Add(added.Segment, added.Bus, added.Devfn)
                    : EFAULT;
            case PhysicalDeviceOperation.PciDeviceRemove:
                return GuestAccess.TryRead(caller, argument, out PhysicalDevicePciDevice removed)
                    ? caller.Host.PciSegments.Remove(removed.Segment, removed.Bus, removed.Devfn)
                    : EFAULT;
            default:
                // No debug port of a USB controller is in use by the hypervisor.
                return GuestAccess.TryRead(caller, argument, out PhysicalDeviceDebugPortOperation _) ? 0 : EFAULT;
        }
    }
}
