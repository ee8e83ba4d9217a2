// SPDX-License-Identifier: MIT
// What a port is (EVTCHNOP_status).

using System;
using System.Buffers.Binary;
using XenSharp.Abi;
using XenSharp.Core.Domains;
using XenSharp.Edge;

namespace XenSharp.Core.EventChannels;

public sealed partial class EventChannelTable
{
    /// <summary>Fills in the state of the port that <paramref name="status"/> names; what the state has no use for stays as it was.</summary>
    public long Status(Domain asking, ref EventChannelStatus status)
    {
        if (status.Port >= ValidPorts)
            return -(long)Errno.Inval;
        PortBinding binding = BindingOf(status.Port);
        if (binding.Consumer != XenConsumer.None)
            return -(long)Errno.Access;
        if (!EventChannelPermission.Allows(asking, Domain))
            return -(long)Errno.Perm;

        Span<byte> detail = AbiBytes.Of(ref status.U);
        switch (binding.State)
        {
            case PortState.Unbound:
                status.Status = EventChannelState.Unbound;
                BinaryPrimitives.WriteUInt16LittleEndian(detail, binding.RemoteDomain);
                break;
            case PortState.Interdomain:
                status.Status = EventChannelState.Interdomain;
                BinaryPrimitives.WriteUInt16LittleEndian(detail, binding.RemoteDomain);
                BinaryPrimitives.WriteUInt32LittleEndian(detail.Slice(4), binding.Target);
                break;
            case PortState.Pirq:
                status.Status = EventChannelState.Pirq;
                BinaryPrimitives.WriteUInt32LittleEndian(detail, binding.Target);
                break;
            case PortState.Virq:
                status.Status = EventChannelState.Virq;
                BinaryPrimitives.WriteUInt32LittleEndian(detail, binding.Target);
                break;
            case PortState.Ipi:
                status.Status = EventChannelState.Ipi;
                break;
            default:
                status.Status = EventChannelState.Closed;
                break;
        }

        status.Vcpu = binding.Vcpu;
        return 0;
    }
}
