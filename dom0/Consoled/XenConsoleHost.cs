// SPDX-License-Identifier: MIT
// The consoles' way to the hypervisor: one event channel device for all of them, grants, foreign memory. Used by ConsoledProgram.

using System;
using System.Collections.Generic;
using System.Linq;
using XenSharp.Abi;
using XenSharp.Control;
using XenSharp.Interop;

namespace XenSharp.Consoled;

internal sealed class XenConsoleHost : ConsoleHost
{
    private const uint ReservedForConsole = 0;      // GNTTAB_RESERVED_CONSOLE

    private readonly Hypervisor _hypervisor = Hypervisor.Open();
    private readonly EventChannelDevice _events = new();
    private readonly GrantDevice? _grants = OpenGrants();

    public override int EventDescriptor => (int)_events.Handle.DangerousGetHandle();

    public override bool TryTakeEvent(out uint port) => _events.TryTake(out port);

    public override void Unmask(uint port) => _events.Unmask(port);

    public override void Notify(uint port) => _events.Notify(port);

    public override uint Bind(int domain, uint remotePort) => _events.BindInterdomain((ushort)domain, remotePort);

    public override void Unbind(uint port) => _events.Unbind(port);

    public override bool IsConnected(uint port) =>
        _hypervisor.TryGetPortStatus(DomainIds.Self, port, out EventChannelStatus status) && status.Status == EventChannelState.Interdomain;

    /// <summary>The first console's page by its grant, which needs no rights over the domain; by its frame where the guest's builder made no grant.</summary>
    public override SharedPages MapRing(ConsoleId console, ulong reference)
    {
        ushort domain = (ushort)console.Domain;
        if (console.Number > 0)
            return _grants?.Map(domain, [(uint)reference]) ?? throw new SystemFailure($"mapping the ring of {console}", (int)Errno.NoSys);
        try
        {
            if (_grants is not null)
                return _grants.Map(domain, [ReservedForConsole]);
        }
        catch (SystemFailure)
        {
            // By its frame, then.
        }
        return _hypervisor.MapForeign(domain, [reference], isWritable: true);
    }

    public override IReadOnlyList<DomainEntry> ListDomains() =>
        [.. _hypervisor.ListDomains(first: 1).Select(domain => new DomainEntry(domain.Domain, (domain.Flags & DomainInfoFlags.Dying) != 0))];

    public override uint BindHypervisorLog() => _events.BindVirq((uint)VirtualIrq.ConsoleRing);

    public override int ReadHypervisorLog(Span<byte> target, ref uint index) => _hypervisor.ReadLogPart(target, ref index);

    public override void Dispose()
    {
        _events.Dispose();
        _grants?.Dispose();
        _hypervisor.Dispose();
    }

    private static GrantDevice? OpenGrants()
    {
        try
        {
            return new GrantDevice();
        }
        catch (SystemFailure)
        {
            return null;
        }
    }
}
