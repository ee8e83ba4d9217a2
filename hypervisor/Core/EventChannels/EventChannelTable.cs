// SPDX-License-Identifier: MIT
// A domain's event channels: the table of ports and how free ones are found. Called by EventChannelOp, domctl and the devices.

using System.Numerics;
using XenSharp.Abi;
using XenSharp.Core.Domains;
using XenSharp.Core.Hypercalls;
using XenSharp.Edge;

namespace XenSharp.Core.EventChannels;

/// <summary>
/// All ports of one domain. <see cref="Lock"/> guards every change; senders take no lock: they read a port's binding in one access and
/// check that the other end points back. With two domains involved the lock of the lower domain id is taken first.
/// </summary>
public sealed partial class EventChannelTable
{
    private const int StaticPirqs = 16, GuestPirqs = 32, VectorsPerProcessor = 192;

    /// <summary>Result of an operation that must be called again: its work budget is used up. Never seen by a guest.</summary>
    internal const long Restart = -85;

    private readonly PagedTable<EventChannel> _ports;
    private readonly uint[] _pirqPorts;

    // No port below this one is free.
    private uint _lowestFree;

    // Where a search that ran out of budget goes on; 0: none is under way.
    private uint _resumeSearch;

    private uint _active;
    private uint _xenBound;
    private uint _nextToReset;

    public EventChannelTable(Domain domain)
    {
        Domain = domain;
        _pirqPorts = new uint[PirqLimit(domain)];
        MaxPort = domain.Settings.MaxEventChannelPort > int.MaxValue ? int.MaxValue : domain.Settings.MaxEventChannelPort;
        _ports = new PagedTable<EventChannel>((int)EventChannelLimits.FifoChannelCount, domain.Memory);
    }

    public Domain Domain { get; }

    /// <summary>The event lock.</summary>
    public SpinLock Lock { get; } = new(LockScope.Domain);

    /// <summary>The highest port number that may be allocated (max_evtchn_port).</summary>
    public uint MaxPort { get; }

    /// <summary>Ports that have a record; all others are invalid to every operation.</summary>
    public uint ValidPorts => (uint)_ports.Count;

    /// <summary>Ports that the guest or the hypervisor uses.</summary>
    public uint ActivePorts => _active;

    /// <summary>PIRQs that the domain can bind (nr_pirqs of Xen).</summary>
    public int PirqCount => _pirqPorts.Length;

    // A hardware domain could get all vectors of as many CPUs as the machine's number of CPUs has binary digits (arch_hwdom_irqs).
    private static int PirqLimit(Domain domain) => !domain.Settings.IsHardware
        ? StaticPirqs + GuestPirqs
        : StaticPirqs + ((32 - BitOperations.LeadingZeroCount((uint)domain.Host.ProcessorCount)) * VectorsPerProcessor);

    private uint FormatLimit => IsFifo ? EventChannelLimits.FifoChannelCount : TwoLevelLimit;

    /// <summary>Creates the first page of ports and reserves port 0 (evtchn_init); false when there is no memory. Repeating it is harmless.</summary>
    public bool Initialize()
    {
        if (_ports.Count > 0)
            return true;
        if (!_ports.Grow())
            return false;
        _ports[0].Binding = new PortBinding(PortState.Reserved);
        _lowestFree = 1;
        return true;
    }

    /// <summary>The binding of a port; an invalid one counts as free.</summary>
    public PortBinding BindingOf(uint port) => port < ValidPorts ? _ports[(int)port].Binding : default;

    /// <summary>
    /// The lowest free port, with its record present; or -errno; or <see cref="Restart"/> when the caller's budget ran out, after which the
    /// search goes on where it stopped. Nothing is marked as used yet. The event lock is held.
    /// </summary>
    private long FindFreePort(ref HypercallContinuation budget)
    {
        if (Domain.IsDying || !Initialize())
            return Domain.IsDying ? -(long)Errno.Inval : -(long)Errno.NoMem;

        uint start = _resumeSearch > _lowestFree ? _resumeSearch : _lowestFree;
        bool skipped = start != _lowestFree;
        _resumeSearch = 0;
        for (uint port = start; port <= MaxPort && port < FormatLimit; port++)
        {
            if (port >= ValidPorts && !_ports.Grow())
                return -(long)Errno.NoMem;

            bool free = _ports[(int)port].Binding.State == PortState.Free;
            if (free && !IsBusy(port))
                return port;

            // A closed port that the guest still has linked stays a candidate for the next search.
            if (free)
                skipped = true;
            else if (!skipped)
                _lowestFree = port + 1;

            if ((port & 63) == 0 && !budget.Spend(8))
            {
                _resumeSearch = port + 1;
                return Restart;
            }
        }

        return -(long)Errno.NoSpace;
    }

    /// <summary>Puts a port found by <see cref="FindFreePort"/> to use.</summary>
    private void Bind(uint port, PortBinding binding)
    {
        ref EventChannel channel = ref _ports[(int)port];
        if (IsFifo && binding.Consumer == XenConsumer.None)
            channel.Priority = EventChannelLimits.FifoPriorityDefault;
        channel.PendingWithoutWord = 0;
        channel.Binding = binding;
        _active++;
        if (_lowestFree == port)
            _lowestFree = port + 1;
    }

    /// <summary>Makes a port free again (evtchn_free). The event lock is held.</summary>
    private void Free(uint port)
    {
        ref EventChannel channel = ref _ports[(int)port];
        PortBinding binding = channel.Binding;

        // Unbound first: a sender that comes later drops its event, and what came before is cleared below.
        channel.Binding = default;
        if (binding.IsUsable)
            ClearPending(ref channel, port);
        if (binding.Consumer != XenConsumer.None)
            _xenBound--;
        _active--;
        if (port < _lowestFree)
            _lowestFree = port;
    }

    /// <summary>Gives back the pages of the table: the last step of a domain's destruction, when nobody can find it any more.</summary>
    public void Release() => _ports.Release();
}
