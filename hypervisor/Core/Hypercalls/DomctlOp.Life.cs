// SPDX-License-Identifier: MIT
// Domctls that make domains and end them.

using XenSharp.Abi;
using XenSharp.Core.Domains;
using XenSharp.Core.EventChannels;
using XenSharp.Core.Memory;
using XenSharp.Core.Vcpus;
using static XenSharp.Core.Hypercalls.HypercallError;

namespace XenSharp.Core.Hypercalls;

public static partial class DomctlOp
{
    // XEN_DOMCTL_soft_reset_cont: what the hypervisor makes of the command of an interrupted XEN_DOMCTL_soft_reset.
    private const uint SoftResetContinued = 23;

    private static long CreateDomain(ControlBuffer operation)
    {
        Vcpu caller = operation.Caller;
        DomctlCreateDomain request = operation.Read<DomctlCreateDomain>();
        long result = DomainCreation.Create(caller.Host, operation.Domain, in request, caller.Processor, out Domain? domain);
        return result != 0 ? result : operation.StoreDomain(domain!.Id);
    }

    private static long CreateVcpus(ControlBuffer operation, Domain domain)
    {
        if (operation.Read<uint>() != (uint)domain.Settings.MaxVcpus)
            return EINVAL;
        Vcpu caller = operation.Caller;
        if (DomainCreation.CreateVcpus(domain, ref caller.Continuation, caller.Processor, out long result))
            return result;
        return operation.Continue();
    }

    private static long DestroyDomain(ControlBuffer operation, Domain domain)
    {
        Vcpu caller = operation.Caller;
        return DomainDestruction.Advance(domain, ref caller.Continuation, caller.Processor) ? 0 : operation.Continue();
    }

    private static long SoftReset(ControlBuffer operation, Domain domain, bool resuming)
    {
        Vcpu caller = operation.Caller;
        long result = DomainReset.Run(domain, caller.Domain, resuming, ref caller.Continuation, caller.Processor);
        if (result != EventChannelTable.Restart)
            return result;
        return operation.ContinueAs(SoftResetContinued);
    }
}
