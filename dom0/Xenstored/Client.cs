// SPDX-License-Identifier: MIT
// One client's messages: cut from the bytes that come, queued for those that go. Used by the daemon's loop.

using System;
using System.Collections.Generic;
using System.Runtime.InteropServices;
using XenSharp.Abi;
using XenSharp.Interop;
using XenSharp.Xenstore.Protocol;

namespace XenSharp.Xenstored;

internal sealed class Client(int number, Slot slot, Connection connection)
{
    public const int HeaderSize = 16;
    public const int LargestMessage = HeaderSize + (int)XenstoreConstants.PayloadMax;

    private readonly Queue<byte[]> _overflow = new();
    private readonly HashSet<ulong> _waitingEvents = [];

    /// <summary>The slot's number, and the key of its descriptor.</summary>
    public int Number { get; } = number;

    public Slot Slot { get; } = slot;

    public Connection Connection { get; } = connection;

    /// <summary>Its socket, or -1.</summary>
    public int Descriptor { get; set; } = -1;

    /// <summary>Whether the loop has it on its list of those with something to send.</summary>
    public bool IsDirty { get; set; }

    /// <summary>Whether the slot's position was changed since it was published.</summary>
    public bool IsChanged { get; set; }

    /// <summary>Whether it waits until its socket takes more.</summary>
    public bool IsBlocked { get; set; }

    public bool HasUnsent => Slot.Unsent > 0 || _overflow.Count > 0;

    /// <summary>Room for whatever one request may be answered with.</summary>
    public bool HasRoomForAnswer => _overflow.Count == 0 && Slot.OutRoom >= LargestMessage;

    /// <summary>The next request, if all of it is there.</summary>
    /// <param name="isBroken">The client announced more than a message may have.</param>
    public bool TryPeek(out XenstoreMessageHeader header, out ReadOnlySpan<byte> payload, out bool isBroken)
    {
        header = default;
        payload = default;
        isBroken = false;
        if (Slot.Waiting < HeaderSize)
            return false;
        header = MemoryMarshal.Read<XenstoreMessageHeader>(Slot.Peek(0, HeaderSize));
        isBroken = header.Length > XenstoreConstants.PayloadMax;
        if (isBroken || Slot.Waiting < HeaderSize + (int)header.Length)
            return false;
        payload = Slot.Peek(HeaderSize, (int)header.Length);
        return true;
    }

    public void Queue(in XenstoreMessageHeader header, ReadOnlySpan<byte> payload)
    {
        if (_overflow.Count == 0 && Slot.OutRoom >= HeaderSize + payload.Length)
        {
            Slot.Append(MemoryMarshal.AsBytes(new ReadOnlySpan<XenstoreMessageHeader>(in header)));
            Slot.Append(payload);
            return;
        }
        byte[] message = new byte[HeaderSize + payload.Length];
        MemoryMarshal.Write(message, in header);
        payload.CopyTo(message.AsSpan(HeaderSize));
        _overflow.Enqueue(message);
    }

    /// <summary>Whether an event with this hash does not wait yet; it does from now on.</summary>
    public bool NoteEvent(ulong hash) => _waitingEvents.Add(hash);

    /// <summary>Moves what did not fit before to the slot; whether anything moved.</summary>
    public bool Refill()
    {
        bool hasMoved = false;
        while (_overflow.TryPeek(out byte[]? message) && Slot.OutRoom >= message.Length)
        {
            Slot.Append(_overflow.Dequeue());
            hasMoved = true;
        }
        return hasMoved;
    }

    public void NoteAllSent()
    {
        if (_waitingEvents.Count > 0)
            _waitingEvents.Clear();
    }
}
