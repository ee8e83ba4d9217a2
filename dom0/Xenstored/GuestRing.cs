// SPDX-License-Identifier: MIT
// The page that a domain shares with the daemon. Contract: docs/misc/xenstore-ring.txt and xen/include/public/io/xs_wire.h of Xen 4.17.
//
// A slot's counters are the ring's own indexes. What was taken from the ring is in the slot before the ring's index says so, and what the ring was given
// is counted in the slot before its index moves; a daemon that takes over sets the ring's indexes from the slot.

using System;
using XenSharp.Abi;
using XenSharp.Interop;

namespace XenSharp.Xenstored;

internal sealed class GuestRing(SharedPages page, Action notify) : IDisposable
{
    private const int Size = (int)XenstoreConstants.RingSize;
    private const int RequestConsumer = 2 * Size;
    private const int RequestProducer = RequestConsumer + 4;
    private const int ResponseConsumer = RequestConsumer + 8;
    private const int ResponseProducer = RequestConsumer + 12;
    private const int Features = RequestConsumer + 16;
    private const int ConnectionField = RequestConsumer + 20;
    private const int ErrorField = RequestConsumer + 24;

    private readonly byte[] _buffer = new byte[Size];

    /// <summary>The domain broke the ring or the protocol: it is not served any more.</summary>
    public bool IsBroken { get; private set; }

    public bool WantsReconnection => page.Read32(ConnectionField) == XenstoreConstants.Reconnect;

    /// <summary>Says what the daemon can do; before any byte moves.</summary>
    public void Announce() => page.Write32(Features, XenstoreConstants.ServerFeatureReconnection | XenstoreConstants.ServerFeatureError);

    /// <summary>A new connection begins where the ring is.</summary>
    public void Begin(Slot slot)
    {
        Announce();
        slot.Begin(page.Read32(RequestConsumer), page.Read32(ResponseProducer));
    }

    /// <summary>A daemon that takes over sets the ring to what the slot says.</summary>
    public void Continue(Slot slot)
    {
        Announce();
        page.Write32(RequestConsumer, slot.Received);
        page.Write32(ResponseProducer, slot.Sent);
        notify();
    }

    /// <summary>Empties both ways; the domain may begin anew.</summary>
    public void Reset(Slot slot)
    {
        page.Write32(RequestConsumer, 0);
        page.Write32(RequestProducer, 0);
        page.Write32(ResponseConsumer, 0);
        page.Write32(ResponseProducer, 0);
        slot.Begin(0, 0);
        IsBroken = false;
        if (WantsReconnection)
            page.Write32(ConnectionField, XenstoreConstants.Connected);
        notify();
    }

    public void Break(uint error)
    {
        IsBroken = true;
        page.Write32(ErrorField, error);
    }

    /// <summary>Takes requests' bytes as far as the slot has room; whether any came.</summary>
    public bool Pull(Slot slot)
    {
        uint available = page.Read32(RequestProducer) - slot.Received;
        if (available > Size)
        {
            Break(XenstoreConstants.ErrorRingidx);
            return false;
        }
        int length = Math.Min((int)available, Slot.InSize - slot.Waiting);
        if (length == 0)
            return false;
        int place = (int)(slot.Received % Size);
        int first = Math.Min(length, Size - place);
        page.Read(place, _buffer.AsSpan(0, first));
        page.Read(0, _buffer.AsSpan(first, length - first));
        slot.AddReceived(_buffer.AsSpan(0, length));
        page.Write32(RequestConsumer, slot.Received);
        notify();
        return true;
    }

    /// <summary>Gives answers' bytes as far as the ring has room.</summary>
    public void Push(Slot slot)
    {
        bool hasMoved = false;
        while (slot.Unsent > 0)
        {
            uint used = slot.Sent - page.Read32(ResponseConsumer);
            if (used > Size)
            {
                Break(XenstoreConstants.ErrorRingidx);
                return;
            }
            int place = (int)(slot.Sent % Size);
            ReadOnlySpan<byte> next = slot.NextToSend();
            int length = Math.Min(next.Length, Math.Min(Size - (int)used, Size - place));
            if (length == 0)
                break;
            page.Write(Size + place, next[..length]);
            slot.AddSent(length);
            page.Write32(ResponseProducer, slot.Sent);
            hasMoved = true;
        }
        if (hasMoved)
            notify();
    }

    public void Dispose() => page.Dispose();
}
