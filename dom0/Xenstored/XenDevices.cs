// SPDX-License-Identifier: MIT
// Xen's devices as the daemon uses them: rings, event channels, what became of domains. Used by Daemon.

using System;
using System.Globalization;
using System.IO;
using XenSharp.Abi;
using XenSharp.Control;
using XenSharp.Interop;
using XenSharp.Xenstore.Protocol;

namespace XenSharp.Xenstored;

internal sealed class XenDevices : IDisposable
{
    private const uint ReservedForXenstore = 1;     // GNTTAB_RESERVED_XENSTORE
    private const uint DomainException = 3;         // VIRQ_DOM_EXC

    private readonly EventChannelDevice _events = new();
    private readonly GrantDevice _grants = new();
    private readonly Hypervisor _hypervisor = Hypervisor.Open();

    public XenDevices() => DomainPort = _events.BindVirq(DomainException);

    public int Descriptor => (int)_events.Handle.DangerousGetHandle();

    /// <summary>Signals that a domain has shut down or gone.</summary>
    public uint DomainPort { get; }

    /// <summary>The port on which this domain's kernel waits for its xenstore.</summary>
    public int OwnPort => int.Parse(File.ReadAllText("/proc/xen/xsd_port").Trim(), CultureInfo.InvariantCulture);

    public SharedPages MapOwnRing() => SharedRegion.OfDevice("/proc/xen/xsd_kva", SharedPages.PageSize);

    public SharedPages MapRing(int domain) => _grants.Map((ushort)domain, [ReservedForXenstore]);

    public uint Bind(int domain, int port) => _events.BindInterdomain((ushort)domain, (uint)port);

    public void Unbind(uint port) => _events.Unbind(port);

    public void Notify(uint port) => _events.Notify(port);

    public bool TryTakeEvent(out uint port) => _events.TryTake(out port);

    public void Unmask(uint port) => _events.Unmask(port);

    public DomainState StateOf(int domain) => _hypervisor.TryGetDomain((ushort)domain, out DomctlGetDomainInfo info) switch
    {
        false => DomainState.Absent,
        _ when (info.Flags & DomainInfoFlags.Dying) != 0 => DomainState.Dying,
        _ when (info.Flags & DomainInfoFlags.Shutdown) != 0 => DomainState.ShutDown,
        _ => DomainState.Running,
    };

    public void Dispose()
    {
        _events.Dispose();
        _grants.Dispose();
        _hypervisor.Dispose();
    }
}
