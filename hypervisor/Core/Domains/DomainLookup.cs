// SPDX-License-Identifier: MIT
// From a domain id that a guest supplies to the domain, and who may act on whom.

using XenSharp.Abi;
using XenSharp.Core.Hypercalls;

namespace XenSharp.Core.Domains;

/// <summary>Look-ups and the default permission rules (xen/include/xsm/dummy.h).</summary>
public static class DomainLookup
{
    /// <summary>By id or DOMID_SELF; null when there is no such domain (rcu_lock_domain_by_any_id).</summary>
    public static Domain? ByAnyId(Domain caller, ushort id) => id == DomainIds.Self ? caller : caller.Host.Domains.Find(id);

    /// <summary>Another domain: -ESRCH when unknown, -EPERM when it is the caller (rcu_lock_remote_domain_by_id).</summary>
    public static long Remote(Domain caller, ushort id, out Domain? domain)
    {
        domain = caller.Host.Domains.Find(id);
        if (domain == null)
            return HypercallError.ESRCH;
        return domain == caller ? HypercallError.EPERM : 0;
    }

    /// <summary>Oneself, or anybody for the control domain (XSM_TARGET).</summary>
    public static bool MayTarget(Domain caller, Domain target) => caller == target || caller.IsPrivileged;
}
