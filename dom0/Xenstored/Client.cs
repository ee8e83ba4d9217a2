// SPDX-License-Identifier: MIT
// One client's messages: cut from the bytes that come, queued for those that go. Used by Daemon.

using System;
using System.Collections.Generic;
using System.Runtime.InteropServices;
using XenSharp.Abi;
using XenSharp.Xenstore.Protocol;

namespace XenSharp.Xenstored;

internal sealed class Client(int number, Slot slot, Connection connection)
{
    public const int HeaderSize = 16;
    public const int LargestMessage = HeaderSize + (int)XenstoreConstants.PayloadMax;

    private readonly Queue<WaitingMessage> _overflow = new();
    private readonly HashSet<ulong> _waitingEvents = [];

    /// <summary>The slot's number, and the key of its descriptor.</summary>
    public int Number { get; } = number;

    public Slot Slot { get; } = slot;

    public Connection Connection { get; } = connection;

    /// <summary>Its socket, or -1.</summary>
    public int Descriptor { get; init; } = -1;

    /// <summary>Its ring, if it is a domain.</summary>
    public GuestRing? Ring { get; set; }

    /// <summary>The daemon's end of its event channel, or 0.</summary>
    public uint LocalPort { get; set; }

    /// <summary>Whether the loop has it on its list of those with something to send.</summary>
    public bool IsDirty { get; set; }

    /// <summary>Whether the slot's position was changed since it was published.</summary>
    public bool IsChanged { get; set; }

    /// <summary>Whether it waits until its socket takes more.</summary>
    public bool IsBlocked { get; set; }

    /// <summary>Whether it is on the loop's list of those that may not ask for now.</summary>
    public bool IsHeld { get; set; }

    /// <summary>Whether it broke its ring or the protocol.</summary>
    public bool IsIgnored { get; set; }

    /// <summary>Whether it is on the loop's list of those that had their share of a turn.</summary>
    public bool IsUnfinished { get; set; }

    public bool HasUnsent => Slot.Unsent > 0 || _overflow.Count > 0;

    /// <summary>Room for whatever one request may be answered with.</summary>
    public bool HasRoomForAnswer => _overflow.Count == 0 && Slot.OutRoom >= LargestMessage;

    public int OverflowCount => _overflow.Count;

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

    /// <param name="cause">The domain whose request made this message, if it must wait for the client to take it.</param>
    /// <returns>The message, if it did not fit into the slot and waits outside it.</returns>
    public byte[]? Queue(in XenstoreMessageHeader header, ReadOnlySpan<byte> payload, DomainRecord? cause, long now)
    {
        if (_overflow.Count == 0 && Slot.OutRoom >= HeaderSize + payload.Length)
        {
            Slot.Append(MemoryMarshal.AsBytes(new ReadOnlySpan<XenstoreMessageHeader>(in header)));
            Slot.Append(payload);
            return null;
        }
        byte[] message = new byte[HeaderSize + payload.Length];
        MemoryMarshal.Write(message, in header);
        payload.CopyTo(message.AsSpan(HeaderSize));
        _overflow.Enqueue(new WaitingMessage(message, cause, now, header.Type == XenstoreMessageType.WatchEvent));
        if (cause is not null)
            cause.Outstanding++;
        return message;
    }

    /// <summary>Puts a message back that waited outside the slot when a former daemon ended.</summary>
    public void Requeue(ReadOnlySpan<byte> message, long now) => _overflow.Enqueue(new WaitingMessage(message.ToArray(), null, now, message[0] == (byte)XenstoreMessageType.WatchEvent));

    /// <summary>Whether an event with this hash does not wait yet; it does from now on.</summary>
    public bool NoteEvent(ulong hash) => _waitingEvents.Add(hash);

    /// <summary>Moves what did not fit before to the slot; how many messages.</summary>
    public int Refill()
    {
        int moved = 0;
        while (_overflow.TryPeek(out WaitingMessage waiting) && Slot.OutRoom >= waiting.Message.Length)
        {
            Slot.Append(waiting.Message);
            DropFirst();
            moved++;
        }
        return moved;
    }

    public void DropFirst()
    {
        if (_overflow.Dequeue().Cause is { } cause)
            cause.Outstanding--;
    }

    public void DropAll()
    {
        while (_overflow.Count > 0)
            DropFirst();
    }

    public IEnumerable<byte[]> Overflow
    {
        get
        {
            foreach (WaitingMessage waiting in _overflow)
                yield return waiting.Message;
        }
    }

    /// <summary>Whether the longest waiting message is an event that has waited since before a time.</summary>
    public bool HasStaleEvent(long before) => _overflow.TryPeek(out WaitingMessage waiting) && waiting.IsEvent && waiting.Since < before;

    public void NoteAllSent()
    {
        if (_waitingEvents.Count > 0)
            _waitingEvents.Clear();
    }

    private readonly record struct WaitingMessage(byte[] Message, DomainRecord? Cause, long Since, bool IsEvent);
}
