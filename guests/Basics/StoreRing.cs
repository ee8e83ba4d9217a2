// SPDX-License-Identifier: MIT
// The xenstore ring of a guest (`xen/include/public/io/xs_wire.h`), as far as a guest needs it that wears the daemon out. Used by HostileGuest.

using System;
using System.Buffers.Binary;

namespace XenSharp.Guests.Basics;

internal static class StoreRing
{
    public const uint Watch = 4, TransactionStart = 6, Write = 11;

    private const uint FrameParameter = 1, PortParameter = 2, WatchEvent = 15, ErrorReply = 16;
    private const int RingSize = 1024, ReplyOffset = 1024, HeaderSize = 16;
    private const ulong Indices = 2048;

    private static ulong s_address;

    public static uint Port { get; private set; }

    private static Page Argument => new(12);

    private static Span<byte> Ring => Machine.Writable(s_address, 4096);

    /// <summary>False if the domain has no ring below 4 GiB.</summary>
    public static bool Find()
    {
        s_address = Parameter(FrameParameter) << 12;
        Port = (uint)Parameter(PortParameter);
        return s_address != 0 && s_address < uint.MaxValue;
    }

    /// <summary>HVMOP_get_param of oneself; 0 if it is refused.</summary>
    public static ulong Parameter(uint index)
    {
        Argument.Clear().Put32(0, 0x7ff0).Put32(4, index);
        return Hypercall.Make(Call.HvmOp, 1, Argument.Address) == 0 ? Argument.Get64(8) : 0;
    }

    /// <summary>One request, and whether its reply is no error.</summary>
    public static bool Ask(uint type, ReadOnlySpan<byte> content)
    {
        Send(type, content);
        while (true)
        {
            Span<byte> header = stackalloc byte[HeaderSize];
            Receive(header);
            uint answer = BinaryPrimitives.ReadUInt32LittleEndian(header);
            for (uint left = BinaryPrimitives.ReadUInt32LittleEndian(header.Slice(12)); left > 0; left--)
                Receive(header.Slice(0, 1));
            if (answer != WatchEvent)
                return answer != ErrorReply;
        }
    }

    /// <summary>Waits while the ring is full; the reply stays unread.</summary>
    public static void Send(uint type, ReadOnlySpan<byte> content)
    {
        Span<byte> header = stackalloc byte[HeaderSize];
        header.Clear();
        BinaryPrimitives.WriteUInt32LittleEndian(header, type);
        BinaryPrimitives.WriteUInt32LittleEndian(header.Slice(12), (uint)content.Length);
        Put(header);
        Put(content);
        EventPorts.Send(Port);
    }

    private static void Put(ReadOnlySpan<byte> bytes)
    {
        foreach (byte value in bytes)
        {
            while (Index(4) - Index(0) >= RingSize)
                Yield();
            Ring[(int)(Index(4) % RingSize)] = value;
            SetIndex(4, Index(4) + 1);
        }
    }

    private static void Receive(Span<byte> bytes)
    {
        for (int i = 0; i < bytes.Length; i++)
        {
            while (Index(12) == Index(8))
                Yield();
            bytes[i] = Ring[ReplyOffset + (int)(Index(8) % RingSize)];
            SetIndex(8, Index(8) + 1);
        }
    }

    private static void Yield()
    {
        EventPorts.Send(Port);
        Hypercall.Make(Call.SchedOp, 0);
    }

    // Whole words, by calls, so that the order towards the bytes is as written.
    private static uint Index(int offset)
    {
        Machine.TryRead32(s_address + Indices + (ulong)offset, out uint value);
        return value;
    }

    private static void SetIndex(int offset, uint value) => Machine.TryWrite32(s_address + Indices + (ulong)offset, value);
}
