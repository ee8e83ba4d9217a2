// SPDX-License-Identifier: MIT
// What the daemon needs of a hypervisor: rings, event channels, what became of domains. By Xen's devices; tests put their own domains there.

using System;
using System.Globalization;
using System.IO;
using XenSharp.Abi;
using XenSharp.Control;
using XenSharp.Interop;
using XenSharp.Xenstore.Protocol;

namespace XenSharp.Xenstored;

/// <summary>Failures are IOException or HypercallException.</summary>
internal abstract class DomainDevices : IDisposable
{
    /// <summary>Readable when there are events.</summary>
    public abstract int Descriptor { get; }

    /// <summary>Signals that a domain has shut down or gone.</summary>
    public abstract uint DomainPort { get; }

    /// <summary>The port on which this domain's kernel waits for its xenstore; null if it has none.</summary>
    public abstract int? OwnPort { get; }

    public abstract SharedPages MapOwnRing();

    public abstract SharedPages MapRing(int domain);

    public abstract uint Bind(int domain, int port);

    public abstract void Unbind(uint port);

    public abstract void Notify(uint port);

    public abstract bool TryTakeEvent(out uint port);

    public abstract void Unmask(uint port);

    public abstract DomainState StateOf(int domain);

    public abstract void Dispose();
}

internal sealed class XenDevices : DomainDevices
{
    private const uint ReservedForXenstore = 1;     // GNTTAB_RESERVED_XENSTORE
    private const uint DomainException = 3;         // VIRQ_DOM_EXC

    private readonly EventChannelDevice _events = new();
    private readonly GrantDevice _grants = new();
    private readonly Hypervisor _hypervisor = Hypervisor.Open();

    public XenDevices() => DomainPort = _events.BindVirq(DomainException);

    public override int Descriptor => (int)_events.Handle.DangerousGetHandle();

    public override uint DomainPort { get; }

    public override int? OwnPort => int.Parse(File.ReadAllText("/proc/xen/xsd_port").Trim(), CultureInfo.InvariantCulture);

    public override SharedPages MapOwnRing() => SharedRegion.OfDevice("/proc/xen/xsd_kva", SharedPages.PageSize);

    public override SharedPages MapRing(int domain) => _grants.Map((ushort)domain, [ReservedForXenstore]);

    public override uint Bind(int domain, int port) => _events.BindInterdomain((ushort)domain, (uint)port);

    public override void Unbind(uint port) => _events.Unbind(port);

    public override void Notify(uint port) => _events.Notify(port);

    public override bool TryTakeEvent(out uint port) => _events.TryTake(out port);

    public override void Unmask(uint port) => _events.Unmask(port);

    public override DomainState StateOf(int domain) => _hypervisor.TryGetDomain((ushort)domain, out DomctlGetDomainInfo info) switch
    {
        false => DomainState.Absent,
        _ when (info.Flags & DomainInfoFlags.Dying) != 0 => DomainState.Dying,
        _ when (info.Flags & DomainInfoFlags.Shutdown) != 0 => DomainState.ShutDown,
        _ => DomainState.Running,
    };

    public override void Dispose()
    {
        _events.Dispose();
        _grants.Dispose();
        _hypervisor.Dispose();
    }
}
