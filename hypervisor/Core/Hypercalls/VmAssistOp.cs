// SPDX-License-Identifier: MIT
// HYPERVISOR_vm_assist (xen/include/public/xen.h, VMASST_*): behaviour that a guest chooses for itself.

using XenSharp.Abi;
using XenSharp.Core.Vcpus;
using static XenSharp.Core.Hypercalls.HypercallError;

namespace XenSharp.Core.Hypercalls;

/// <summary>A PVH guest has one assist: the update flag in its runstate areas.</summary>
public static class VmAssistOp
{
    /// <summary>What an HVM domain may enable.</summary>
    public const uint ValidBits = 1u << (int)VmAssistType.RunstateUpdateFlag;

    public static long Call(Vcpu caller, in HypercallArguments arguments)
    {
        uint type = (uint)arguments.Second;
        if (type >= 32 || (ValidBits & (1u << (int)type)) == 0)
            return EINVAL;
        switch ((VmAssistCommand)(uint)arguments.First)
        {
            case VmAssistCommand.Enable:
                caller.Domain.VmAssist |= 1u << (int)type;
                return 0;
            case VmAssistCommand.Disable:
                caller.Domain.VmAssist &= ~(1u << (int)type);
                return 0;
            default:
                return ENOSYS;
        }
    }
}
