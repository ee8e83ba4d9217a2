// SPDX-License-Identifier: MIT
// The backend's end of one ring: requests out, responses in (xen/include/public/io/ring.h). Used by one queue's thread.

using System;
using System.IO;
using System.Numerics;
using System.Threading;
using XenSharp.Interop;

namespace XenSharp.BlockBackend.Rings;

/// <summary>
/// The indices that the backend advances live here; those of the frontend are read once and checked. A frontend that claims more requests
/// than the ring holds is cut off with <see cref="InvalidDataException"/>.
/// </summary>
internal sealed class BlockRing
{
    private const int RequestProducer = 0, RequestEvent = 4, ResponseProducer = 8, ResponseEvent = 12, Header = 64;

    private readonly SharedPages _pages;
    private readonly RingProtocol _protocol;
    private readonly uint _slots;
    private readonly byte[] _slot = new byte[RingProtocol.MaxSlotSize];
    private uint _consumed;
    private uint _answered;

    public BlockRing(SharedPages pages, RingProtocol protocol)
    {
        _pages = pages;
        _protocol = protocol;
        _slots = BitOperations.RoundUpToPowerOf2((uint)((pages.Length - Header) / protocol.SlotSize) + 1) / 2;
        // A ring that has been in use goes on where its responses ended.
        _consumed = _answered = pages.Read32(ResponseProducer);
    }

    public uint Slots => _slots;

    /// <summary>Requests that wait now.</summary>
    public uint Waiting()
    {
        uint producer = _pages.Read32(RequestProducer);
        Thread.MemoryBarrier();
        uint waiting = producer - _consumed;
        if (waiting > _slots - (_consumed - _answered))
            throw new InvalidDataException($"the frontend claims {waiting} requests in a ring of {_slots}");
        return waiting;
    }

    /// <summary>Copies the next request; the caller has seen that one waits.</summary>
    public BlockRequest Take()
    {
        Span<byte> slot = _slot.AsSpan(0, _protocol.SlotSize);
        _pages.Read(SlotOffset(_consumed), slot);
        _consumed++;
        return _protocol.Parse(slot);
    }

    /// <summary>Puts a response in; the frontend sees it after <see cref="Publish"/>.</summary>
    public void Answer(in BlockRequest request, short status)
    {
        int length = _protocol.WriteResponse(_slot, request, status);
        _pages.Write(SlotOffset(_answered), _slot.AsSpan(0, length));
        _answered++;
    }

    /// <summary>Shows all responses; true when the frontend wants an event.</summary>
    public bool Publish()
    {
        uint old = _pages.Read32(ResponseProducer);
        Thread.MemoryBarrier();
        _pages.Write32(ResponseProducer, _answered);
        Thread.MemoryBarrier();
        return _answered - _pages.Read32(ResponseEvent) < _answered - old;
    }

    /// <summary>Asks for an event at the next request; true when one has come meanwhile.</summary>
    public bool AskForEvent()
    {
        _pages.Write32(RequestEvent, _consumed + 1);
        Thread.MemoryBarrier();
        return Waiting() != 0;
    }

    private int SlotOffset(uint index) => Header + ((int)(index & (_slots - 1)) * _protocol.SlotSize);
}
