// SPDX-License-Identifier: MIT
// Xen's devices as the daemon uses them: rings, event channels, what became of domains. Used by Daemon.

using System;
using System.Globalization;
using System.IO;
using XenSharp.Interop;
using XenSharp.Xenstore.Protocol;

namespace XenSharp.Xenstored;

internal sealed class XenDevices : IDisposable
{
    private const uint ReservedForXenstore = 1;     // GNTTAB_RESERVED_XENSTORE
    private const uint DomainException = 3;         // VIRQ_DOM_EXC

    private readonly EventChannelDevice _events = new();
    private readonly GrantDevice _grants = new();
    private readonly DomainControl _domains = new();

    public XenDevices() => DomainPort = _events.BindVirq(DomainException);

    public int Descriptor => (int)_events.Handle.DangerousGetHandle();

    /// <summary>Signals that a domain has shut down or gone.</summary>
    public uint DomainPort { get; }

    /// <summary>The port on which this domain's kernel waits for its xenstore.</summary>
    public int OwnPort => int.Parse(File.ReadAllText("/proc/xen/xsd_port").Trim(), CultureInfo.InvariantCulture);

    public RingPage MapOwnRing() => new OwnPage(SharedRegion.OfDevice("/proc/xen/xsd_kva", GrantDevice.PageSize));

    public RingPage MapRing(int domain) => new GrantedPage(_grants.Map((ushort)domain, [ReservedForXenstore]));

    public uint Bind(int domain, int port) => _events.BindInterdomain((ushort)domain, (uint)port);

    public void Unbind(uint port) => _events.Unbind(port);

    public void Notify(uint port) => _events.Notify(port);

    public bool TryTakeEvent(out uint port) => _events.TryTake(out port);

    public void Unmask(uint port) => _events.Unmask(port);

    public DomainState StateOf(int domain) => _domains.TryGetFlags((ushort)domain, out DomainFlags flags) switch
    {
        false => DomainState.Absent,
        _ when (flags & DomainFlags.Dying) != 0 => DomainState.Dying,
        _ when (flags & DomainFlags.ShutDown) != 0 => DomainState.ShutDown,
        _ => DomainState.Running,
    };

    public void Dispose()
    {
        _events.Dispose();
        _grants.Dispose();
        _domains.Dispose();
    }

    private sealed class GrantedPage(SharedPages pages) : RingPage
    {
        public override uint Read32(int offset) => pages.Read32(offset);

        public override void Write32(int offset, uint value) => pages.Write32(offset, value);

        public override void Read(int offset, Span<byte> target) => pages.Read(offset, target);

        public override void Write(int offset, ReadOnlySpan<byte> source) => pages.Write(offset, source);

        public override void Dispose() => pages.Dispose();
    }

    private sealed class OwnPage(SharedRegion region) : RingPage
    {
        public override uint Read32(int offset) => System.Threading.Volatile.Read(ref region.At<uint>(offset));

        public override void Write32(int offset, uint value) => System.Threading.Volatile.Write(ref region.At<uint>(offset), value);

        public override void Read(int offset, Span<byte> target) => region.Slice(offset, target.Length).CopyTo(target);

        public override void Write(int offset, ReadOnlySpan<byte> source) => source.CopyTo(region.Slice(offset, source.Length));

        public override void Dispose() => region.Dispose();
    }
}
