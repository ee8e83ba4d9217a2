// SPDX-License-Identifier: MIT
// Stream sockets of the Unix family: listening, connecting, transfer to and from shared regions. Used by daemons, clients, load generator.

using System;
using System.Runtime.InteropServices;
using System.Text;

namespace XenSharp.Interop;

public enum TransferState
{
    Done,
    Blocked,    // Nothing now; wait for the descriptor.
    Closed,     // The other side is gone.
}

/// <summary>Descriptors are plain numbers here: the daemon passes them between processes.</summary>
public static unsafe class UnixSocket
{
    /// <summary>Bytes of a region that Receive and Send use for their message header, at a multiple of 8.</summary>
    public const int HeaderSize = 64 + 2 * 16;

    /// <summary>Where in the header the kernel writes how many bytes it moved, before the process can be killed.</summary>
    public const int CountOffset = 56;

    /// <summary>A socket that listens at a path; whatever was there is removed.</summary>
    public static int Listen(string path, int backlog)
    {
        int descriptor = SystemFailure.Check(LibC.socket(LibC.AF_UNIX, LibC.SOCK_STREAM | LibC.SOCK_CLOEXEC | LibC.SOCK_NONBLOCK, 0), "socket");
        byte[] address = Address(path);
        // SAFETY: the arrays are pinned; the path in the address ends with a nul.
        fixed (byte* start = address)
        {
            LibC.unlink(start + 2);
            if (LibC.bind(descriptor, start, address.Length) < 0 || LibC.chmod(start + 2, 0x180) < 0 || LibC.listen(descriptor, backlog) < 0)
            {
                SystemFailure failure = new($"bind {path}");
                LibC.close(descriptor);
                throw failure;
            }
        }
        return descriptor;
    }

    public static int Connect(string path, bool isBlocking = true)
    {
        int descriptor = SystemFailure.Check(LibC.socket(LibC.AF_UNIX, LibC.SOCK_STREAM | LibC.SOCK_CLOEXEC, 0), "socket");
        byte[] address = Address(path);
        // SAFETY: the array is pinned.
        fixed (byte* start = address)
        {
            if (LibC.connect(descriptor, start, address.Length) < 0)
            {
                SystemFailure failure = new($"connect {path}");
                LibC.close(descriptor);
                throw failure;
            }
        }
        if (!isBlocking)
            LibC.fcntl(descriptor, 4 /* F_SETFL */, 2 | LibC.SOCK_NONBLOCK);
        return descriptor;
    }

    /// <summary>The next client, or -1 if there is none.</summary>
    public static int Accept(int descriptor) => LibC.accept4(descriptor, null, null, LibC.SOCK_CLOEXEC | LibC.SOCK_NONBLOCK);

    public static void Close(int descriptor) => LibC.close(descriptor);

    /// <summary>Receives what is there into one part of a region, and what does not fit into a second one.</summary>
    /// <param name="header">Where the region has <see cref="HeaderSize"/> bytes for the call; its count must be 0.</param>
    public static TransferState Receive(int descriptor, SharedRegion region, long header, long first, int firstLength, long second, int secondLength)
    {
        // SAFETY: Prepare checks all ranges against the region, which outlives the call.
        MessageBlock* message = Prepare(region, header, first, firstLength, second, secondLength);
        int result;
        do
            result = LibC.recvmmsg(descriptor, message, 1, LibC.MSG_DONTWAIT, null);
        while (result < 0 && Marshal.GetLastPInvokeError() == LibC.EINTR);
        if (result < 0)
            return Marshal.GetLastPInvokeError() == LibC.EAGAIN ? TransferState.Blocked : TransferState.Closed;
        return message->Length == 0 ? TransferState.Closed : TransferState.Done;
    }

    /// <summary>Sends one part of a region and then a second one, or what the socket takes of them.</summary>
    public static TransferState Send(int descriptor, SharedRegion region, long header, long first, int firstLength, long second, int secondLength)
    {
        // SAFETY: as Receive.
        MessageBlock* message = Prepare(region, header, first, firstLength, second, secondLength);
        int result;
        do
            result = LibC.sendmmsg(descriptor, message, 1, LibC.MSG_DONTWAIT | LibC.MSG_NOSIGNAL);
        while (result < 0 && Marshal.GetLastPInvokeError() == LibC.EINTR);
        if (result >= 0)
            return TransferState.Done;
        return Marshal.GetLastPInvokeError() == LibC.EAGAIN ? TransferState.Blocked : TransferState.Closed;
    }

    /// <summary>Plain transfer for clients: bytes moved, 0 at the end, -1 if it would block.</summary>
    public static int Receive(int descriptor, Span<byte> target)
    {
        // SAFETY: the span is pinned during the call.
        fixed (byte* start = target)
            return Moved(LibC.recv(descriptor, start, target.Length, 0), "recv");
    }

    public static int Send(int descriptor, ReadOnlySpan<byte> source)
    {
        // SAFETY: the span is pinned during the call.
        fixed (byte* start = source)
            return Moved(LibC.send(descriptor, start, source.Length, LibC.MSG_NOSIGNAL), "send");
    }

    private static int Moved(nint result, string call)
    {
        if (result >= 0)
            return (int)result;
        int error = Marshal.GetLastPInvokeError();
        return error is LibC.EAGAIN or LibC.EINTR ? -1 : error is LibC.ECONNRESET or 32 ? 0 : throw new SystemFailure(call, error);
    }

    private static MessageBlock* Prepare(SharedRegion region, long header, long first, int firstLength, long second, int secondLength)
    {
        byte* start = region.Address(header, HeaderSize);
        MessageBlock* message = (MessageBlock*)start;
        IoVector* vectors = (IoVector*)(start + 64);
        message->Header = default;
        message->Header.Vectors = vectors;
        message->Header.VectorCount = secondLength > 0 ? 2 : 1;
        vectors[0].Start = region.Address(first, firstLength);
        vectors[0].Length = firstLength;
        vectors[1].Start = region.Address(second, secondLength);
        vectors[1].Length = secondLength;
        return message;
    }

    /// <summary>struct sockaddr_un.</summary>
    private static byte[] Address(string path)
    {
        byte[] name = Encoding.UTF8.GetBytes(path);
        if (name.Length > 107)
            throw new ArgumentException($"The socket's path {path} is longer than 107 bytes.");
        byte[] address = new byte[2 + name.Length + 1];
        address[0] = LibC.AF_UNIX;
        name.CopyTo(address, 2);
        return address;
    }
}
