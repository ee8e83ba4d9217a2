// SPDX-License-Identifier: MIT
// From a domain id that a guest supplies to the domain, and who may act on whom.

using XenSharp.Abi;
using XenSharp.Core.Hypercalls;
using XenSharp.Core.Vcpus;

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

    /// <summary>
    /// Whether the caller may act on the domain: oneself, or anybody for the control domain (XSM_TARGET). If so, and it is another's, the operation is
    /// about that one from here on: see <see cref="Cpu.Subject"/>.
    /// </summary>
    public static bool TryTarget(Vcpu caller, Domain target)
    {
        if (caller.Domain == target)
            return true;
        if (!caller.Domain.IsPrivileged)
            return false;
        caller.Processor.Subject = target;
        return true;
    }

    /// <summary>By id or DOMID_SELF, for an operation on that domain (<see cref="TryTarget"/>): 0, -ESRCH when unknown, -EPERM when it may not be.</summary>
    public static long Target(Vcpu caller, ushort id, out Domain domain)
    {
        Domain? found = ByAnyId(caller.Domain, id);
        domain = found ?? caller.Domain;
        return found == null ? HypercallError.ESRCH : TryTarget(caller, domain) ? 0 : HypercallError.EPERM;
    }
}
