// SPDX-License-Identifier: MIT
// HYPERVISOR_dm_op (xen/include/public/hvm/dm_op.h): operations of a device model on the HVM guest that it serves.

using XenSharp.Abi;
using XenSharp.Core.Domains;
using XenSharp.Core.Memory;
using XenSharp.Core.Vcpus;
using static XenSharp.Core.Hypercalls.HypercallError;

namespace XenSharp.Core.Hypercalls;

/// <summary>There are no domains with a device model: arguments are checked in Xen's order, then refused.</summary>
public static class DeviceModelOp
{
    private const uint MaxBuffers = 2;

    public static long Call(Vcpu caller, in HypercallArguments arguments)
    {
        uint count = (uint)arguments.Second;
        if (count == 0)
            return ENODATA;
        if (count > MaxBuffers)
            return E2BIG;
        for (uint i = 0; i < count; i++)
        {
            if (!GuestLayout.TryReadWord(caller, arguments.Third, 2 * i, out _) || !GuestLayout.TryReadWord(caller, arguments.Third, (2 * i) + 1, out _))
                return EFAULT;
        }

        long result = DomainLookup.Remote(caller.Domain, (ushort)arguments.First, out _);
        if (result != 0)
            return result;
        return caller.Domain.IsPrivileged ? EOPNOTSUPP : EPERM;
    }
}
