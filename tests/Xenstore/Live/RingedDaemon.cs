// SPDX-License-Identifier: MIT
// A daemon in the test's process with guests that the test plays: their rings are plain memory, and nothing happens but by Turn.

using System;
using System.Collections.Generic;
using System.IO;
using System.Text;
using XenSharp.Abi;
using XenSharp.Interop;
using XenSharp.Xenstore.Protocol;
using XenSharp.Xenstored;

namespace XenSharp.Tests.Xenstore.Live;

internal sealed class RingedDaemon : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("xsr").FullName;
    private readonly FakeDevices _devices = new();
    private readonly DaemonOptions _options;

    public RingedDaemon()
    {
        _options = new DaemonOptions
        {
            SocketPath = Path.Combine(_folder, "socket"),
            StateFolder = Path.Combine(_folder, "state"),
            Devices = () => _devices,
            Seed = 1,
            Log = (_, text) => Log.Add(text),
        };
        Daemon = new Daemon(_options);
        Dom0 = Introduce(0);
    }

    public Daemon Daemon { get; private set; }

    public List<string> Log { get; } = [];

    /// <summary>The domain that introduces the others; by a ring, so that it lives on when the daemon does not.</summary>
    public RingGuest Dom0 { get; }

    public RingGuest Introduce(int domain)
    {
        RingGuest guest = new(this, _devices, domain);
        _devices.Guests.Add(domain, guest);
        if (domain == 0)
            Daemon.Server.IntroduceOwnDomain(0, 1);
        else if (Dom0.Ask(XenstoreMessageType.Introduce, $"{domain}|1|{domain + 1}|") != "OK|")
            throw new InvalidOperationException("INTRODUCE was refused.");
        return guest;
    }

    /// <summary>The hypervisor's word on a domain, and its signal that something has changed.</summary>
    public void SetState(int domain, DomainState state)
    {
        _devices.States[domain] = state;
        _devices.SignalChange();
    }

    public void Turn(int times = 1)
    {
        for (; times > 0; times--)
            Daemon.Turn(0);
    }

    /// <summary>As after a kill: nothing is told to anybody, the next daemon has what is on file and in the rings.</summary>
    public void Restart()
    {
        Daemon.Dispose();
        Daemon = new Daemon(_options);
    }

    public void Dispose()
    {
        Daemon.Dispose();
        _devices.Close();
        Directory.Delete(_folder, recursive: true);
    }
}

/// <summary>The domain's side of its ring: docs/misc/xenstore-ring.txt of Xen 4.17.</summary>
internal sealed class RingGuest(RingedDaemon daemon, FakeDevices devices, int domain) : SharedPages
{
    private readonly byte[] _bytes = new byte[PageSize];
    private readonly List<byte> _received = [];
    private uint _lastRequest;

    public override int Length => PageSize;

    /// <summary>Called at each notification, as if by another CPU.</summary>
    public Action? OnNotified { get; set; }

    public int Domain => domain;

    public Queue<string> Events { get; } = new();

    public ref uint RequestConsumer => ref Field(2048);

    public ref uint RequestProducer => ref Field(2052);

    public ref uint ResponseConsumer => ref Field(2056);

    public ref uint ResponseProducer => ref Field(2060);

    public ref uint Connection => ref Field(2068);

    public ref uint Error => ref Field(2072);

    /// <summary>Puts a request into the ring; false if it has no room.</summary>
    public bool Send(XenstoreMessageType type, string payload, uint transaction = 0)
    {
        byte[] bytes = TestWorld.Bytes(payload);
        byte[] message = new byte[16 + bytes.Length];
        BitConverter.TryWriteBytes(message, (uint)type);
        BitConverter.TryWriteBytes(message.AsSpan(4), _lastRequest + 1);
        BitConverter.TryWriteBytes(message.AsSpan(8), transaction);
        BitConverter.TryWriteBytes(message.AsSpan(12), bytes.Length);
        bytes.CopyTo(message, 16);
        if (RequestProducer - RequestConsumer + message.Length > 1024)
            return false;
        _lastRequest++;
        foreach (byte one in message)
            _bytes[RequestProducer++ % 1024] = one;
        Kick();
        return true;
    }

    public void Kick() => devices.Signal(domain);

    /// <summary>The next message that the ring has whole, if any.</summary>
    public (XenstoreMessageType Type, uint Request, string Text)? Receive()
    {
        while (ResponseConsumer != ResponseProducer)
            _received.Add(_bytes[1024 + ResponseConsumer++ % 1024]);
        Kick();
        if (_received.Count < 16 || _received.Count < 16 + BitConverter.ToInt32([.. _received[12..16]]))
            return null;
        byte[] message = [.. _received[..(16 + BitConverter.ToInt32([.. _received[12..16]]))]];
        _received.RemoveRange(0, message.Length);
        return ((XenstoreMessageType)message[0], BitConverter.ToUInt32(message, 4), Encoding.Latin1.GetString(message, 16, message.Length - 16).Replace('\0', '|'));
    }

    /// <summary>The answer to a request, for which the daemon turns; null if none has come after so many turns.</summary>
    public string? TryAsk(XenstoreMessageType type, string payload, uint transaction = 0, int turns = 50)
    {
        if (!Send(type, payload, transaction))
            return null;
        for (; turns > 0; turns--)
        {
            daemon.Turn();
            while (Receive() is { } message)
            {
                if (message.Type == XenstoreMessageType.WatchEvent)
                    Events.Enqueue(message.Text);
                else if (message.Request == _lastRequest)
                    return message.Type == XenstoreMessageType.Error ? message.Text.TrimEnd('|') : message.Text;
            }
        }
        return null;
    }

    public string Ask(XenstoreMessageType type, string payload, uint transaction = 0) =>
        TryAsk(type, payload, transaction) ?? throw new InvalidOperationException($"{type} {payload} was not answered.");

    public uint Start() => uint.Parse(Ask(XenstoreMessageType.TransactionStart, "|").TrimEnd('|'));

    public override uint Read32(int offset) => Field(offset);

    public override void Write32(int offset, uint value) => Field(offset) = value;

    public override void Read(int offset, Span<byte> destination) => _bytes.AsSpan(offset, destination.Length).CopyTo(destination);

    public override void Write(int offset, ReadOnlySpan<byte> source) => source.CopyTo(_bytes.AsSpan(offset));

    private ref uint Field(int offset) => ref System.Runtime.CompilerServices.Unsafe.As<byte, uint>(ref _bytes[offset]);
}

internal sealed class FakeDevices : DomainDevices
{
    private readonly Queue<uint> _events = new();
    private readonly Dictionary<uint, bool> _masked = [];
    private readonly DescriptorChannel _channel;

    // Always readable, so that each turn asks for events.
    public FakeDevices()
    {
        (_channel, Descriptor) = DescriptorChannel.Pair();
        _channel.Send(0);
    }

    public Dictionary<int, RingGuest> Guests { get; } = [];

    public Dictionary<int, DomainState> States { get; } = [];

    public override int Descriptor { get; }

    public override uint DomainPort => 1;

    public override int? OwnPort => null;

    public override SharedPages MapOwnRing() => Guests[0];

    public override SharedPages MapRing(int domain) => Guests[domain];

    /// <summary>The local port is the domain's number and a hundred.</summary>
    public override uint Bind(int domain, int port) => (uint)domain + 100;

    public override void Unbind(uint port)
    {
    }

    public override void Notify(uint port) => Guests[(int)port - 100].OnNotified?.Invoke();

    public void Signal(int domain) => SignalPort((uint)domain + 100);

    public void SignalChange() => SignalPort(DomainPort);

    private void SignalPort(uint port)
    {
        if (_masked.ContainsKey(port))
            _masked[port] = true;
        else if (!_events.Contains(port))
            _events.Enqueue(port);
    }

    /// <summary>The port is masked from now on; what is signalled meanwhile comes when it is unmasked.</summary>
    public override bool TryTakeEvent(out uint port)
    {
        bool has = _events.TryDequeue(out port);
        if (has)
            _masked.Add(port, false);
        return has;
    }

    public override void Unmask(uint port)
    {
        _masked.Remove(port, out bool isSignalled);
        if (isSignalled)
            _events.Enqueue(port);
    }

    public override DomainState StateOf(int domain) => States.GetValueOrDefault(domain, DomainState.Running);

    public override void Dispose()
    {
        // The devices outlive a daemon, as Xen's do.
    }

    public void Close()
    {
        _channel.Dispose();
        UnixSocket.Close(Descriptor);
    }
}
