// SPDX-License-Identifier: MIT
// A connection to xenstored, as small as a backend needs it (docs/misc/xenstore.txt, xen/include/public/io/xs_wire.h).

using System;
using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.IO;
using System.Net.Sockets;
using System.Text;
using System.Threading;

namespace XenSharp.BlockBackend.Xenbus;

/// <summary>Requests are answered in order; watch events come in between and are queued. One thread sends at a time.</summary>
internal sealed class StoreConnection : IDisposable
{
    private const string SocketPath = "/run/xenstored/socket", DevicePath = "/dev/xen/xenbus";
    private const int HeaderSize = 16, MaxPayload = 4096;

    private readonly Stream _stream;
    private readonly Lock _requests = new();
    private readonly BlockingCollection<(MessageType Type, byte[] Body)> _replies = [];
    private readonly BlockingCollection<string> _events = [];

    private StoreConnection(Stream stream)
    {
        _stream = stream;
        new Thread(Receive) { IsBackground = true, Name = "xenstore" }.Start();
    }

    private enum MessageType : uint
    {
        Directory = 1,
        Read = 2,
        Watch = 4,
        Write = 11,
        Remove = 13,
        WatchEvent = 15,
        Error = 16,
    }

    /// <summary>By the daemon's socket, or where the daemon lives elsewhere, by the kernel's device.</summary>
    public static StoreConnection Open()
    {
        try
        {
            var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            socket.Connect(new UnixDomainSocketEndPoint(SocketPath));
            return new StoreConnection(new NetworkStream(socket, ownsSocket: true));
        }
        catch (SocketException)
        {
            return new StoreConnection(new FileStream(DevicePath, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite, bufferSize: 0));
        }
    }

    /// <summary>The value of a node; null when there is none.</summary>
    public string? Read(string path) => Request(MessageType.Read, path + '\0', out byte[] body) ? Encoding.UTF8.GetString(body) : null;

    public void Write(string path, string value)
    {
        if (!Request(MessageType.Write, path + '\0' + value, out byte[] body))
            throw new IOException($"xenstore refuses to write {path}: {Encoding.UTF8.GetString(body).TrimEnd('\0')}");
    }

    public void Remove(string path) => Request(MessageType.Remove, path + '\0', out _);

    /// <summary>The names below a node; none when it does not exist.</summary>
    public string[] List(string path) =>
        Request(MessageType.Directory, path + '\0', out byte[] body) ? Encoding.UTF8.GetString(body).Split('\0', StringSplitOptions.RemoveEmptyEntries) : [];

    /// <summary>From now on <see cref="Events"/> yields the paths of changes at and below a node; the node itself at once.</summary>
    public void Watch(string path)
    {
        if (!Request(MessageType.Watch, $"{path}\0{path}\0", out _))
            throw new IOException($"xenstore refuses to watch {path}");
    }

    /// <summary>Paths that have changed, in order; ends when the daemon closes the connection.</summary>
    public IEnumerable<string> Events => _events.GetConsumingEnumerable();

    public void Dispose() => _stream.Dispose();

    private bool Request(MessageType type, string payload, out byte[] body)
    {
        byte[] text = Encoding.UTF8.GetBytes(payload);
        byte[] message = new byte[HeaderSize + text.Length];
        BinaryPrimitives.WriteUInt32LittleEndian(message, (uint)type);
        BinaryPrimitives.WriteUInt32LittleEndian(message.AsSpan(12), (uint)text.Length);
        text.CopyTo(message, HeaderSize);
        lock (_requests)
        {
            _stream.Write(message);
            if (!_replies.TryTake(out (MessageType Type, byte[] Body) reply, Timeout.Infinite))
                throw new IOException("xenstored has closed the connection");
            body = reply.Body;
            return reply.Type != MessageType.Error;
        }
    }

    private void Receive()
    {
        byte[] header = new byte[HeaderSize];
        try
        {
            while (true)
            {
                _stream.ReadExactly(header);
                var type = (MessageType)BinaryPrimitives.ReadUInt32LittleEndian(header);
                uint length = BinaryPrimitives.ReadUInt32LittleEndian(header.AsSpan(12));
                if (length > MaxPayload)
                    throw new IOException($"xenstored sends a message of {length} bytes");
                byte[] body = new byte[length];
                _stream.ReadExactly(body);
                if (type == MessageType.WatchEvent)
                    _events.Add(Encoding.UTF8.GetString(body.AsSpan(0, Array.IndexOf(body, (byte)0) is int end and >= 0 ? end : body.Length)));
                else
                    _replies.Add((type, body));
            }
        }
        catch (Exception fault) when (fault is IOException or EndOfStreamException or ObjectDisposedException)
        {
            _replies.CompleteAdding();
            _events.CompleteAdding();
        }
    }
}
