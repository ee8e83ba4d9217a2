// SPDX-License-Identifier: MIT
// Event channels and grants on behalf of other domains. xen/include/public/event_channel.h, grant_table.h.

using XenSharp.Abi;

namespace XenSharp.Control;

public sealed partial class Hypervisor
{
    /// <summary>EVTCHNOP_alloc_unbound: a port in one domain to which another one may bind.</summary>
    public uint AllocateUnboundPort(ushort domain, ushort remote)
    {
        EventChannelAllocUnbound argument = new() { Domain = domain, RemoteDomain = remote };
        Check(CallWith(HypercallNumber.EventChannelOperation, (ulong)EventChannelOperation.AllocUnbound, ref argument), "EVTCHNOP_alloc_unbound", domain);
        return argument.Port;
    }

    /// <summary>EVTCHNOP_status; false if there is no such port or domain.</summary>
    public bool TryGetPortStatus(ushort domain, uint port, out EventChannelStatus status)
    {
        status = new EventChannelStatus { Domain = domain, Port = port };
        long result = CallWith(HypercallNumber.EventChannelOperation, (ulong)EventChannelOperation.Status, ref status);
        if (result < 0 && result is not (-(long)Errno.Inval or -(long)Errno.NoProcess))
            Check(result, "EVTCHNOP_status", domain);
        return result >= 0;
    }

    /// <summary>EVTCHNOP_reset: closes all ports of a domain.</summary>
    public void ResetPorts(ushort domain)
    {
        EventChannelReset argument = new() { Domain = domain };
        Check(CallWith(HypercallNumber.EventChannelOperation, (ulong)EventChannelOperation.Reset, ref argument), "EVTCHNOP_reset", domain);
    }

    /// <summary>Writes an entry of a domain's grant table for it, before it runs; the table's first page must be there.</summary>
    /// <param name="reference">Below 512.</param>
    /// <param name="frame">The granted guest frame, below 2^32.</param>
    public void SeedGrant(ushort domain, uint reference, ushort to, ulong frame)
    {
        using Interop.SharedPages table = Gate.MapResource(domain, MemoryResource.GrantTable, MemoryConstants.ResourceGrantTableIdShared, 0, 1);
        DomainWriter.Grant(table, reference, to, frame);
    }
}
