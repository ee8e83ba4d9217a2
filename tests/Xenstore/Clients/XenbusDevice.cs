// SPDX-License-Identifier: MIT
// Linux's /dev/xen/xenbus over a store in this process, as drivers/xen/xenbus/xenbus_dev_frontend.c describes it. Used by DeviceTests.

using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Threading;
using System.Threading.Channels;
using System.Threading.Tasks;
using XenSharp.Abi;
using XenSharp.Xenstore.Protocol;

namespace XenSharp.Tests.Xenstore.Clients;

/// <summary>One open file. Answers come only when the test lets them; what ends a read is a message, no cancellation.</summary>
internal sealed class XenbusDevice : Stream
{
    private const int BufferSize = 4096;

    private readonly Lock _gate = new();
    private readonly TestWorld _world = new();
    private readonly Connection _kernel;
    private readonly Queue<byte[]> _requests = new();
    private readonly Channel<byte[]> _replies = Channel.CreateUnbounded<byte[]>();
    private byte[] _reply = [];
    private bool _isHolding = true;
    private bool _isReading;

    public XenbusDevice() => _kernel = _world.Socket();

    /// <summary>How many requests have been written.</summary>
    public int Written { get; private set; }

    /// <summary>How many were written while an earlier one had no answer: Linux would have sent the later one twice, or stood still.</summary>
    public int Overlaps { get; private set; }

    /// <summary>Whether the file was closed while it was read: the kernel would keep it open. Here such a read ends, so that a test can say so.</summary>
    public bool IsClosedTooEarly { get; private set; }

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    /// <summary>Lets the daemon answer, now and from now on.</summary>
    public void Answer()
    {
        lock (_gate)
        {
            _isHolding = false;
            while (_requests.TryDequeue(out byte[]? request))
                Serve(request);
        }
    }

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        lock (_gate)
        {
            if (buffer.Length > BufferSize)
                throw new IOException("Invalid argument");
            Written++;
            if (_requests.Count > 0)
                Overlaps++;
            if (_isHolding)
                _requests.Enqueue(buffer.ToArray());
            else
                Serve(buffer.ToArray());
        }
        return ValueTask.CompletedTask;
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (_reply.Length == 0)
        {
            _isReading = true;
            if (!await _replies.Reader.WaitToReadAsync(CancellationToken.None) || !_replies.Reader.TryRead(out byte[]? reply))
                throw new ObjectDisposedException(nameof(XenbusDevice));
            _reply = reply;
            _isReading = false;
        }
        int length = Math.Min(buffer.Length, _reply.Length);
        _reply.AsMemory(0, length).CopyTo(buffer);
        _reply = _reply[length..];
        return length;
    }

    public override void Flush()
    {
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        IsClosedTooEarly |= _isReading;
        _replies.Writer.TryComplete();
        base.Dispose(disposing);
    }

    private void Serve(byte[] request)
    {
        XenstoreMessageType type = (XenstoreMessageType)BinaryPrimitives.ReadUInt32LittleEndian(request);
        Message answer = _world.Ask(_kernel, type, request[16..], BinaryPrimitives.ReadUInt32LittleEndian(request.AsSpan(8)));
        byte[] number = request[4..8];
        foreach (string text in _world.Events(_kernel).Prepend(""))
        {
            (XenstoreMessageType kind, byte[] payload) = text.Length == 0 ? (answer.Type, answer.Payload) : (XenstoreMessageType.WatchEvent, TestWorld.Bytes(text));
            byte[] message = new byte[16 + payload.Length];
            BinaryPrimitives.WriteUInt32LittleEndian(message, (uint)kind);
            if (kind != XenstoreMessageType.WatchEvent)
                number.CopyTo(message, 4);
            BinaryPrimitives.WriteInt32LittleEndian(message.AsSpan(12), payload.Length);
            payload.CopyTo(message, 16);
            _replies.Writer.TryWrite(message);
        }
    }
}
