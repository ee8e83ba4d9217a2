// SPDX-License-Identifier: MIT
// A client by socket that asks and waits, byte by byte as the protocol has it. Used by the tests with real daemons.

using System;
using System.Collections.Generic;
using System.Net.Sockets;
using System.Text;
using XenSharp.Abi;

namespace XenSharp.Tests.Xenstore.Live;

internal sealed class WireClient : IDisposable
{
    private readonly Socket _socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified) { ReceiveTimeout = 60_000 };
    private uint _lastRequest;

    public WireClient(string path) => _socket.Connect(new UnixDomainSocketEndPoint(path));

    public Queue<string> Events { get; } = new();

    /// <summary>The answer's text with bars for nuls; an error's name.</summary>
    public string Ask(XenstoreMessageType type, string payload, uint transaction = 0)
    {
        Send(type, payload, transaction);
        while (true)
        {
            (XenstoreMessageType answered, uint request, string text) = Receive();
            if (answered == XenstoreMessageType.WatchEvent)
            {
                Events.Enqueue(text);
                continue;
            }
            if (request != _lastRequest)
                throw new InvalidOperationException($"An answer to request {request} came instead of one to {_lastRequest}.");
            return answered == XenstoreMessageType.Error ? text.TrimEnd('|') : text;
        }
    }

    public string WaitForEvent()
    {
        while (Events.Count == 0)
        {
            (XenstoreMessageType type, _, string text) = Receive();
            if (type != XenstoreMessageType.WatchEvent)
                throw new InvalidOperationException($"{type} came instead of an event.");
            Events.Enqueue(text);
        }
        return Events.Dequeue();
    }

    public void Send(XenstoreMessageType type, string payload, uint transaction = 0)
    {
        byte[] bytes = TestWorld.Bytes(payload);
        byte[] message = new byte[16 + bytes.Length];
        BitConverter.TryWriteBytes(message, (uint)type);
        BitConverter.TryWriteBytes(message.AsSpan(4), ++_lastRequest);
        BitConverter.TryWriteBytes(message.AsSpan(8), transaction);
        BitConverter.TryWriteBytes(message.AsSpan(12), bytes.Length);
        bytes.CopyTo(message, 16);
        for (int sent = 0; sent < message.Length;)
            sent += _socket.Send(message.AsSpan(sent));
    }

    public (XenstoreMessageType Type, uint Request, string Text) Receive()
    {
        byte[] header = Exactly(16);
        byte[] payload = Exactly(BitConverter.ToInt32(header, 12));
        return ((XenstoreMessageType)BitConverter.ToUInt32(header), BitConverter.ToUInt32(header, 4), Encoding.Latin1.GetString(payload).Replace('\0', '|'));
    }

    public void Dispose() => _socket.Dispose();

    private byte[] Exactly(int length)
    {
        byte[] bytes = new byte[length];
        for (int received = 0; received < length;)
        {
            int count = _socket.Receive(bytes.AsSpan(received));
            if (count == 0)
                throw new InvalidOperationException("The daemon has closed the connection.");
            received += count;
        }
        return bytes;
    }
}
