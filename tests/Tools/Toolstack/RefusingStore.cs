// SPDX-License-Identifier: MIT
// Between a client and its xenstore daemon: hands everything on, and refuses one of the changes as a daemon without room does. Used by CreationTests.

using System;
using System.Buffers.Binary;
using System.IO;
using System.Net.Sockets;
using System.Text;
using System.Threading;
using System.Threading.Tasks;

namespace XenSharp.Tests.Tools.Toolstack;

/// <summary>For one client.</summary>
internal sealed class RefusingStore : IAsyncDisposable
{
    private const uint Write = 11, MakeDirectory = 12, SetPermissions = 14, Error = 16;
    private const int HeaderSize = 16;

    private readonly Socket _listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    private readonly SemaphoreSlim _answering = new(1);
    private readonly Task _serving;
    private int _changes;

    /// <param name="path">Where the client finds it.</param>
    public RefusingStore(string path, string daemon)
    {
        Path = path;
        _listener.Bind(new UnixDomainSocketEndPoint(path));
        _listener.Listen();
        _serving = ServeAsync(daemon);
    }

    public string Path { get; }

    /// <summary>Which of the changes to come is refused, counted from 1; none by default. Those before it are done, and those behind it.</summary>
    public int Refused
    {
        get;
        set
        {
            _changes = 0;
            field = value;
        }
    }

    /// <summary>How many changes there were since <see cref="Refused"/> was set.</summary>
    public int Changes => _changes;

    public async ValueTask DisposeAsync()
    {
        _listener.Dispose();
        await _serving;
        File.Delete(Path);
    }

    private async Task ServeAsync(string daemon)
    {
        try
        {
            using Socket client = await _listener.AcceptAsync();
            using Socket server = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            await server.ConnectAsync(new UnixDomainSocketEndPoint(daemon));
            using NetworkStream requests = new(client), answers = new(server);
            await Task.WhenAny(AskAsync(requests, answers), AnswerAsync(answers, requests));
        }
        catch (Exception failure) when (failure is SocketException or ObjectDisposedException)
        {
            // The test is over.
        }
    }

    private async Task AskAsync(NetworkStream from, NetworkStream to)
    {
        while (await ReadAsync(from) is { } message)
        {
            if (BinaryPrimitives.ReadUInt32LittleEndian(message) is Write or MakeDirectory or SetPermissions && ++_changes == Refused)
                await SendAsync(from, Refusal(message));
            else
                await to.WriteAsync(message);
        }
    }

    private async Task AnswerAsync(NetworkStream from, NetworkStream to)
    {
        while (await ReadAsync(from) is { } message)
            await SendAsync(to, message);
    }

    private async Task SendAsync(NetworkStream to, byte[] message)
    {
        await _answering.WaitAsync();
        try
        {
            await to.WriteAsync(message);
        }
        finally
        {
            _answering.Release();
        }
    }

    private static byte[] Refusal(byte[] request)
    {
        byte[] text = Encoding.ASCII.GetBytes("ENOSPC\0");
        byte[] message = [.. request.AsSpan(0, HeaderSize), .. text];
        BinaryPrimitives.WriteUInt32LittleEndian(message, Error);
        BinaryPrimitives.WriteInt32LittleEndian(message.AsSpan(12), text.Length);
        return message;
    }

    /// <summary>Null at the end.</summary>
    private static async Task<byte[]?> ReadAsync(NetworkStream from)
    {
        byte[] header = new byte[HeaderSize];
        try
        {
            await from.ReadExactlyAsync(header);
            byte[] payload = new byte[BinaryPrimitives.ReadInt32LittleEndian(header.AsSpan(12))];
            await from.ReadExactlyAsync(payload);
            return [.. header, .. payload];
        }
        catch (Exception failure) when (failure is IOException or ObjectDisposedException)
        {
            return null;
        }
    }
}
