// SPDX-License-Identifier: MIT
// A xenstore of a test's own behind a socket: the daemon's server without its process. Used by FakeHost.

using System;
using System.Collections.Generic;
using System.IO;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;
using System.Threading;
using System.Threading.Tasks;
using XenSharp.Abi;
using XenSharp.Xenstore.Protocol;

namespace XenSharp.Tests.Tools.Xl;

internal sealed class StoreSocket : XenstoreHost, IDisposable
{
    private readonly string _path = Path.Combine(Path.GetTempPath(), $"xl-{Guid.NewGuid():N}");
    private readonly Socket _listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    private readonly Dictionary<Connection, NetworkStream> _clients = [];
    private readonly Lock _lock = new();
    private readonly XenstoreServer _server;

    public StoreSocket()
    {
        _server = new XenstoreServer(this, seed: 1);
        _server.CreateInitialNodes();
        _listener.Bind(new UnixDomainSocketEndPoint(_path));
        _listener.Listen();
        _ = Task.Run(AcceptAsync);
    }

    public string Address => _path;

    public override long Now => Environment.TickCount64;

    /// <summary>Writes nodes as one types them: path = value.</summary>
    public void Write(string path, string value)
    {
        byte[] payload = Encoding.Latin1.GetBytes($"{path}\0{value}");
        lock (_lock)
        {
            Connection writer = _server.OpenSocket();
            _server.Handle(writer, new XenstoreMessageHeader { Type = XenstoreMessageType.Write, Length = (uint)payload.Length }, payload);
        }
    }

    public override void Send(Connection to, XenstoreMessageType type, uint requestId, uint transactionId, ReadOnlySpan<byte> payload)
    {
        if (!_clients.TryGetValue(to, out NetworkStream? stream))
            return;
        XenstoreMessageHeader header = new() { Type = type, RequestId = requestId, TxId = transactionId, Length = (uint)payload.Length };
        stream.Write([.. MemoryMarshal.AsBytes(new ReadOnlySpan<XenstoreMessageHeader>(in header)), .. payload]);
    }

    public override bool SendEvent(Connection to, ReadOnlySpan<byte> path, ReadOnlySpan<byte> token)
    {
        Send(to, XenstoreMessageType.WatchEvent, 0, 0, [.. path, 0, .. token, 0]);
        return true;
    }

    public override DomainState StateOf(int domain) => DomainState.Running;

    public override XenstoreError Connect(Connection connection, int port) => XenstoreError.None;

    public override XenstoreError Reconnect(Connection connection, int port) => XenstoreError.None;

    public override void Disconnect(Connection connection)
    {
    }

    public override void Log(LogLevel level, string text)
    {
    }

    public override void LogQuota(int domain, string quota, long limit, long use)
    {
    }

    public override string? Control(Connection connection, string command, string[] arguments, out XenstoreError error)
    {
        error = XenstoreError.None;
        return "OK";
    }

    public override void Record(ReadOnlySpan<byte> record)
    {
    }

    public void Dispose()
    {
        _listener.Dispose();
        File.Delete(_path);
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
                _ = ServeAsync(new NetworkStream(await _listener.AcceptAsync(), ownsSocket: true));
        }
        catch (Exception end) when (end is SocketException or ObjectDisposedException)
        {
            // The test has ended.
        }
    }

    private async Task ServeAsync(NetworkStream stream)
    {
        Connection connection;
        lock (_lock)
        {
            connection = _server.OpenSocket();
            _clients[connection] = stream;
        }
        try
        {
            byte[] header = new byte[16];
            while (true)
            {
                await stream.ReadExactlyAsync(header);
                XenstoreMessageHeader read = MemoryMarshal.Read<XenstoreMessageHeader>(header);
                byte[] payload = new byte[read.Length];
                await stream.ReadExactlyAsync(payload);
                lock (_lock)
                    _server.Handle(connection, read, payload);
            }
        }
        catch (Exception end) when (end is IOException or ObjectDisposedException)
        {
            lock (_lock)
                _clients.Remove(connection);
        }
    }
}
