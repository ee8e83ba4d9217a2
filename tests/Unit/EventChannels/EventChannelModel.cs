// SPDX-License-Identifier: MIT
// Event channels as simply as they can be said: what every operation returns and what becomes pending, in the 2-level format.

using System.Collections.Generic;
using XenSharp.Abi;

namespace XenSharp.Tests.Unit.EventChannels;

/// <summary>Written from xen/include/public/event_channel.h and the behaviour of Xen 4.17; nothing is shared with the hypervisor's sources.</summary>
internal sealed class EventChannelModel
{
    private const long Perm = -1, NoEntry = -2, NoProcess = -3, Exists = -17, Invalid = -22, NoSpace = -28;

    public sealed class Port
    {
        public EventChannelState State = EventChannelState.Closed;
        public uint Vcpu;
        public uint Number;
        public ushort Remote;
    }

    public sealed class Owner
    {
        public required ushort Id;
        public required uint Vcpus;
        public required uint MaxPort;
        public required bool IsPrivileged;
        public readonly SortedDictionary<uint, Port> Ports = [];
        public readonly HashSet<uint> Pending = [];
        public readonly HashSet<uint> Masked = [];
        public required ulong[] Selector;
        public required bool[] Upcall;
        public uint Valid = 64;

        public Port? Find(uint port) => Ports.TryGetValue(port, out Port? found) ? found : null;
    }

    public readonly Dictionary<ushort, Owner> Owners = [];

    public Owner Add(ushort id, uint vcpus, uint maxPort, bool isPrivileged) => Owners[id] = new Owner
    {
        Id = id, Vcpus = vcpus, MaxPort = maxPort, IsPrivileged = isPrivileged, Selector = new ulong[vcpus], Upcall = new bool[vcpus],
    };

    private Owner? Find(Owner caller, ushort id) => id == 0x7ff0 ? caller : Owners.GetValueOrDefault(id);

    // The record of the port found exists from then on, even if the operation fails later.
    private static long Lowest(Owner owner)
    {
        uint port = 1;
        while (owner.Ports.ContainsKey(port))
            port++;
        if (port > owner.MaxPort || port >= 4096)
            return NoSpace;
        while (owner.Valid <= port)
            owner.Valid += 64;
        return port;
    }

    public long AllocUnbound(Owner caller, ushort domain, ushort remote)
    {
        Owner? owner = Find(caller, domain);
        if (owner == null)
            return NoProcess;
        long port = Lowest(owner);
        if (port < 0)
            return port;
        if (owner != caller && !caller.IsPrivileged)
            return Perm;
        owner.Ports[(uint)port] = new Port { State = EventChannelState.Unbound, Remote = remote == 0x7ff0 ? caller.Id : remote };
        return port;
    }

    public long BindInterdomain(Owner caller, ushort domain, uint remotePort)
    {
        Owner? other = Find(caller, domain);
        if (other == null)
            return NoProcess;
        long port = Lowest(caller);
        if (port < 0)
            return port;
        Port? far = other.Find(remotePort);
        if (far == null || far.State != EventChannelState.Unbound || far.Remote != caller.Id)
            return Invalid;
        caller.Ports[(uint)port] = new Port { State = EventChannelState.Interdomain, Remote = other.Id, Number = remotePort };
        far.State = EventChannelState.Interdomain;
        far.Remote = caller.Id;
        far.Number = (uint)port;
        Raise(caller, (uint)port, 0);
        return port;
    }

    public long BindVirq(Owner caller, uint virq, uint vcpu)
    {
        bool perVcpu = virq is 0 or 1 or 7 or 13;
        if (virq >= 24 || (!perVcpu && vcpu != 0))
            return Invalid;
        if (vcpu >= caller.Vcpus)
            return NoEntry;
        foreach (Port bound in caller.Ports.Values)
        {
            if (bound.State == EventChannelState.Virq && bound.Number == virq && (!perVcpu || bound.Vcpu == vcpu))
                return Exists;
        }

        return Take(caller, new Port { State = EventChannelState.Virq, Vcpu = vcpu, Number = virq });
    }

    public long BindIpi(Owner caller, uint vcpu) =>
        vcpu >= caller.Vcpus ? NoEntry : Take(caller, new Port { State = EventChannelState.Ipi, Vcpu = vcpu });

    public long BindPirq(Owner caller, uint pirq)
    {
        if (pirq >= (caller.IsPrivileged ? 208 : 48))
            return Invalid;
        foreach (Port bound in caller.Ports.Values)
        {
            if (bound.State == EventChannelState.Pirq && bound.Number == pirq)
                return Exists;
        }

        return Take(caller, new Port { State = EventChannelState.Pirq, Number = pirq });
    }

    private static long Take(Owner caller, Port binding)
    {
        long port = Lowest(caller);
        if (port > 0)
            caller.Ports[(uint)port] = binding;
        return port;
    }

    public long BindVcpu(Owner caller, uint port, uint vcpu)
    {
        if (vcpu >= caller.Vcpus)
            return NoEntry;
        Port? bound = caller.Find(port);
        bool movable = bound != null && bound.State switch
        {
            EventChannelState.Unbound or EventChannelState.Interdomain or EventChannelState.Pirq => true,
            EventChannelState.Virq => bound.Number is not (0 or 1 or 7 or 13),
            _ => false,
        };
        if (!movable)
            return Invalid;
        bound!.Vcpu = vcpu;
        return 0;
    }

    public long Close(Owner caller, uint port)
    {
        Port? bound = caller.Find(port);
        if (bound == null)
            return Invalid;
        if (bound.State == EventChannelState.Interdomain)
        {
            Port far = Owners[bound.Remote].Ports[bound.Number];
            far.State = EventChannelState.Unbound;
            far.Remote = caller.Id;
        }

        caller.Ports.Remove(port);
        caller.Pending.Remove(port);
        return 0;
    }

    public long Send(Owner caller, uint port)
    {
        Port? bound = caller.Find(port);
        switch (bound?.State)
        {
            case EventChannelState.Interdomain:
                Owner other = Owners[bound.Remote];
                Raise(other, bound.Number, other.Ports[bound.Number].Vcpu);
                return 0;
            case EventChannelState.Ipi:
                Raise(caller, port, bound.Vcpu);
                return 0;
            case EventChannelState.Unbound:
                return 0;
            default:
                return Invalid;
        }
    }

    public long Unmask(Owner caller, uint port)
    {
        if (port >= caller.Valid)
            return Invalid;
        Port? bound = caller.Find(port);
        if (bound != null && caller.Masked.Remove(port) && caller.Pending.Contains(port))
            Select(caller, port, bound.Vcpu);
        return 0;
    }

    public long Status(Owner caller, ushort domain, uint port, out Port status)
    {
        status = new Port();
        Owner? owner = Find(caller, domain);
        if (owner == null)
            return NoProcess;
        if (port >= owner.Valid)
            return Invalid;
        if (owner != caller && !caller.IsPrivileged)
            return Perm;
        status = owner.Find(port) ?? status;
        return 0;
    }

    public long Reset(Owner caller)
    {
        foreach (uint port in new List<uint>(caller.Ports.Keys))
            Close(caller, port);
        return 0;
    }

    private static void Raise(Owner owner, uint port, uint vcpu)
    {
        if (owner.Pending.Add(port) && !owner.Masked.Contains(port))
            Select(owner, port, vcpu);
    }

    private static void Select(Owner owner, uint port, uint vcpu)
    {
        ulong bit = 1ul << (int)(port / 64);
        if ((owner.Selector[vcpu] & bit) != 0)
            return;
        owner.Selector[vcpu] |= bit;
        owner.Upcall[vcpu] = true;
    }
}
