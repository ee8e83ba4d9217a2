// SPDX-License-Identifier: MIT
// Consoles in this process's memory, their guests, and their event channels. Used by the tests of the console loop.

using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.Text;
using XenSharp.Consoled;
using XenSharp.Interop;

namespace XenSharp.Tests.Tools.Consoled;

/// <summary>Event channels as Linux's device gives them: an event that was taken masks its port until it is unmasked, and one that comes meanwhile waits.</summary>
internal sealed class FakeConsoleHost : ConsoleHost
{
    private readonly WakeEvent _readable = new();
    private readonly Queue<uint> _waiting = new();
    private readonly Dictionary<uint, Port> _ports = [];
    private readonly Dictionary<(int Domain, ulong Reference), FakeGuest> _guests = [];
    private readonly StringBuilder _hypervisorText = new();
    private uint _lastPort;

    public List<DomainEntry> Domains { get; } = [];

    /// <summary>How often a guest was told that something happened.</summary>
    public int Notifications { get; private set; }

    public int Unmaskings { get; private set; }

    public int BoundPorts => _ports.Count;

    public override int EventDescriptor => _readable.Descriptor;

    public FakeGuest AddGuest(int domain, ulong reference = 0x1000, uint port = 5)
    {
        FakeGuest guest = new(this) { Port = port };
        _guests[(domain, reference)] = guest;
        if (!Domains.Exists(entry => entry.Id == domain))
            Domains.Add(new DomainEntry(domain, false));
        return guest;
    }

    public FakeGuest Guest(int domain) => _guests[(domain, 0x1000)];

    /// <summary>A guest's event on its channel.</summary>
    public void Raise(uint local)
    {
        if (!_ports.TryGetValue(local, out Port? port))
            return;
        if (port.IsMasked)
        {
            port.IsPending = true;
            return;
        }
        port.IsMasked = true;
        _waiting.Enqueue(local);
        _readable.Set();
    }

    public void AppendHypervisorText(string text)
    {
        _hypervisorText.Append(text);
        foreach ((uint number, Port port) in _ports)
        {
            if (port.Guest is null)
            {
                Raise(number);
                return;
            }
        }
    }

    public override bool TryTakeEvent(out uint port)
    {
        if (_waiting.TryDequeue(out port))
            return true;
        _readable.Reset();
        return false;
    }

    public override void Unmask(uint port)
    {
        Unmaskings++;
        Port state = _ports[port];
        state.IsMasked = false;
        if (!state.IsPending)
            return;
        state.IsPending = false;
        Raise(port);
    }

    public override void Notify(uint port)
    {
        Notifications++;
        if (!_ports.ContainsKey(port))
            throw new SystemFailure("notifying a port", 107);
    }

    public override uint Bind(int domain, uint remotePort)
    {
        foreach (((int owner, ulong _), FakeGuest guest) in _guests)
        {
            if (owner != domain || guest.Port != remotePort)
                continue;
            guest.LocalPort = ++_lastPort;
            _ports[_lastPort] = new Port { Guest = guest };
            Raise(_lastPort);
            return _lastPort;
        }
        throw new SystemFailure("binding to a port of another domain", 22);
    }

    public override void Unbind(uint port)
    {
        _ports.Remove(port, out Port? state);
        if (state?.Guest is { } guest)
            guest.LocalPort = 0;
    }

    public override bool IsConnected(uint port) => _ports.ContainsKey(port);

    public override SharedPages MapRing(ConsoleId console, ulong reference) =>
        _guests.TryGetValue((console.Domain, reference), out FakeGuest? guest) ? guest.Map() : throw new SystemFailure("mapping granted pages", 22);

    public override IReadOnlyList<DomainEntry> ListDomains()
    {
        lock (Domains)
            return Domains.ToArray();
    }

    public override uint BindHypervisorLog()
    {
        _ports[++_lastPort] = new Port();
        return _lastPort;
    }

    public override int ReadHypervisorLog(Span<byte> target, ref uint index)
    {
        byte[] text = Encoding.ASCII.GetBytes(_hypervisorText.ToString());
        int count = Math.Min(target.Length, text.Length - (int)index);
        text.AsSpan((int)index, count).CopyTo(target);
        index += (uint)count;
        return count;
    }

    public override void Dispose() => _readable.Dispose();

    private sealed class Port
    {
        public FakeGuest? Guest { get; init; }

        public bool IsMasked { get; set; }

        public bool IsPending { get; set; }
    }
}

/// <summary>The guest's side of a console's page.</summary>
internal sealed class FakeGuest(FakeConsoleHost host)
{
    public const int InputConsumer = 3072, InputProducer = 3076, OutputConsumer = 3080, OutputProducer = 3084;

    private readonly byte[] _page = new byte[SharedPages.PageSize];

    public uint Port { get; init; } = 5;

    /// <summary>Of the daemon; 0 while it is not bound.</summary>
    public uint LocalPort { get; set; }

    public int Mappings { get; private set; }

    public uint this[int index]
    {
        get => BinaryPrimitives.ReadUInt32LittleEndian(_page.AsSpan(index));
        set => BinaryPrimitives.WriteUInt32LittleEndian(_page.AsSpan(index), value);
    }

    /// <summary>What the ring takes of the text, from its start.</summary>
    public int Write(ReadOnlySpan<byte> text)
    {
        uint producer = this[OutputProducer];
        int count = Math.Min(text.Length, 2048 - (int)(producer - this[OutputConsumer]));
        for (int index = 0; index < count; index++)
            _page[1024 + (int)((producer + (uint)index) % 2048)] = text[index];
        this[OutputProducer] = producer + (uint)count;
        host.Raise(LocalPort);
        return count;
    }

    public string Read()
    {
        StringBuilder text = new();
        for (; this[InputConsumer] != this[InputProducer]; this[InputConsumer]++)
            text.Append((char)_page[(int)(this[InputConsumer] % 1024)]);
        host.Raise(LocalPort);
        return text.ToString();
    }

    public SharedPages Map()
    {
        Mappings++;
        return new Page(this);
    }

    private sealed class Page(FakeGuest guest) : SharedPages
    {
        public override int Length => PageSize;

        public override uint Read32(int offset) => guest[offset];

        public override void Write32(int offset, uint value) => guest[offset] = value;

        public override void Read(int offset, Span<byte> destination) => guest._page.AsSpan(offset, destination.Length).CopyTo(destination);

        public override void Write(int offset, ReadOnlySpan<byte> source) => source.CopyTo(guest._page.AsSpan(offset));

        public override void Dispose()
        {
            guest.Mappings--;
            base.Dispose();
        }
    }
}
