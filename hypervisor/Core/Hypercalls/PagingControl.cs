// SPDX-License-Identifier: MIT
// __HYPERVISOR_paging_domctl_cont (number 49): the internal continuation of XEN_DOMCTL_shadow_op, callable by anybody who may domctl.

using XenSharp.Abi;
using XenSharp.Core.Domains;
using XenSharp.Core.Memory;
using XenSharp.Core.Vcpus;
using static XenSharp.Core.Hypercalls.HypercallError;

namespace XenSharp.Core.Hypercalls;

/// <summary>No shadow operation leaves work over, so there is nothing to continue.</summary>
public static class PagingControl
{
    private const ulong VersionOffset = 4, DomainOffset = 8, LastWord = 136;

    public static long Call(Vcpu caller, in HypercallArguments arguments)
    {
        ulong address = arguments.First;
        if (!GuestAccess.TryRead(caller, address + VersionOffset, out uint version)
            || !GuestAccess.TryRead(caller, address + DomainOffset, out ushort id)
            || !GuestAccess.TryRead(caller, address + LastWord, out ulong _))
            return EFAULT;
        if (version != DomctlOp.InterfaceVersion)
            return EACCES;
        Domain? domain = caller.Host.Domains.Find(id);
        if (domain == null)
            return ESRCH;
        return caller.Domain.IsPrivileged ? EINVAL : EPERM;
    }
}
