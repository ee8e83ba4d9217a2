// SPDX-License-Identifier: MIT
// What a domain without control permission gets from the control operations. Called by the dispatch table, which keeps this off the
// handlers' path.

using XenSharp.Abi;
using XenSharp.Core.Memory;
using XenSharp.Core.Vcpus;
using static XenSharp.Core.Hypercalls.HypercallError;

namespace XenSharp.Core.Hypercalls;

/// <summary>Xen looks at the structure and its version before it looks at the caller, so the errors come in that order.</summary>
public static class ControlRefusal
{
    private const ulong VersionOffset = 4, DomainOffset = 8;

    public static long Answer(Vcpu caller, HypercallNumber number, in HypercallArguments arguments)
    {
        ulong address = arguments.First;
        switch (number)
        {
            case HypercallNumber.PlatformOperation:
                return CheckVersion(caller, address, VersionOffset, PlatformOp.InterfaceVersion);
            case HypercallNumber.Sysctl:
                return CheckVersion(caller, address, VersionOffset, SysctlOp.InterfaceVersion);
            case HypercallNumber.Domctl:
                long result = CheckVersion(caller, address, VersionOffset, DomctlOp.InterfaceVersion);
                if (result != EPERM || !GuestAccess.TryRead(caller, address, out uint command) || (DomctlCommand)command == DomctlCommand.CreateDomain)
                    return result;
                if (!GuestAccess.TryRead(caller, address + DomainOffset, out ushort domain))
                    return EFAULT;
                return caller.Host.Domains.Find(domain) == null ? ESRCH : EPERM;
            default:
                return EPERM;
        }
    }

    private static long CheckVersion(Vcpu caller, ulong address, ulong offset, uint version)
    {
        if (!GuestAccess.TryRead(caller, address + offset, out uint given))
            return EFAULT;
        return given == version ? EPERM : EACCES;
    }
}
