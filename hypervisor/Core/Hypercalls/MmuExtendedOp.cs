// SPDX-License-Identifier: MIT
// HYPERVISOR_mmuext_op from a guest with nested paging.

using XenSharp.Abi;
using XenSharp.Core.Domains;
using XenSharp.Core.Vcpus;
using static XenSharp.Core.Hypercalls.HypercallError;

namespace XenSharp.Core.Hypercalls;

/// <summary>The operations are for page tables of PV domains, of which there are none: the target is looked up and refused.</summary>
public static class MmuExtendedOp
{
    public static long Call(Vcpu caller, in HypercallArguments arguments)
    {
        if (caller.IsNarrow && (uint)arguments.Second == 0)
            return 0; // Xen translates a list first, and an empty one goes no further
        ushort id = (ushort)arguments.Fourth;
        if (id == DomainIds.Self)
            return EINVAL;
        Domain? domain = caller.Host.Domains.Find(id);
        return domain == null || domain == caller.Domain ? ESRCH : EINVAL;
    }
}
